//! A small Label Studio with a script: it keeps projects, tasks and annotations, writes down what it is asked, and fails
//! where it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde_json::{Value, json};

/// A personal token by its form.
pub const PERSONAL: &str = "eyJhbGciOiJIUzI1NiJ9.eyJ0b2tlbl90eXBlIjoicmVmcmVzaCJ9.c2lnbmF0dXJl";
/// A legacy token by its form.
pub const LEGACY: &str = "0123456789abcdef0123456789abcdef01234567";

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub body: Value,
}

/// A failure to come.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Instead of the answer.
    Instead(u16, &'static str),
    /// Instead of the answer, with this body that is called JSON.
    Broken(&'static str),
    /// After everything was done.
    After(u16),
    /// Another place.
    Moved(&'static str),
    /// More than anybody reads.
    Endless,
}

#[derive(Default)]
pub struct Book {
    pub asked: Vec<Asked>,
    pub projects: Vec<Value>,
    pub tasks: Vec<Value>,
    /// Imports end in the background.
    pub asynchronous: bool,
    looks: u32,
    access: u32,
    faults: VecDeque<(&'static str, Fault)>,
}

pub struct Script {
    book: Mutex<Book>,
    pub address: String,
}

impl Script {
    /// Below `/label-studio`, as behind a proxy.
    pub async fn start() -> Arc<Self> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}/label-studio", listener.local_addr().expect("an address"));
        let script = Arc::new(Self { book: Mutex::default(), address });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&script));
        tokio::spawn(async move { axum::serve(listener, router).await.expect("serves") });
        script
    }

    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().expect("not poisoned")
    }

    /// The next request whose path ends so fails.
    pub fn fail(&self, path: &'static str, fault: Fault) {
        self.book().faults.push_back((path, fault));
    }

    /// Access tokens that were given out are refused from now on.
    pub fn expire(&self) {
        self.book().access += 1;
    }

    /// The task of an example, by its answer.
    pub fn task(&self, response: &str) -> i64 {
        let book = self.book();
        let task = book.tasks.iter().find(|task| task["data"]["response"] == response);
        task.unwrap_or_else(|| panic!("no task with {response:?}"))["id"].as_i64().expect("a number")
    }

    /// Somebody says something about a task.
    pub fn annotate(&self, task: i64, time: &str, verdict: &str, response: Option<&str>) {
        let mut result = vec![
            json!({ "from_name": "verdict", "to_name": "src", "type": "choices", "value": { "choices": [verdict] } }),
            json!({ "from_name": "issues", "to_name": "src", "type": "choices", "value": { "choices": ["not in source"] } }),
            json!({ "from_name": "quality", "to_name": "src", "type": "rating", "value": { "rating": 2 } }),
        ];
        if let Some(text) = response {
            result.push(json!({ "from_name": "response", "to_name": "src", "type": "textarea", "value": { "text": [text] } }));
        }
        let mut book = self.book();
        let task = book.tasks.iter_mut().find(|known| known["id"] == task).expect("a task");
        let annotations = task["annotations"].as_array_mut().expect("a list");
        let id = annotations.len() + 1;
        annotations.push(json!({ "id": id, "updated_at": time, "completed_by": 1, "result": result,
            "was_cancelled": verdict == "skip" }));
    }
}

async fn answer(
    State(script): State<Arc<Script>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut book = script.book();
    let path = uri.path().strip_prefix("/label-studio").unwrap_or("/outside").to_owned();
    let query = uri.query().unwrap_or_default().to_owned();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    book.asked.push(Asked { method: method.clone(), path: path.clone(), query, body: body.clone() });
    let due = book.faults.front().filter(|(end, _)| path.ends_with(end)).cloned();
    if due.is_some() {
        book.faults.pop_front();
    }
    let due = due.map(|(_, fault)| fault);
    match due {
        Some(Fault::Instead(status, words)) => return failure(status, words),
        Some(Fault::Broken(body)) => {
            return ([(header::CONTENT_TYPE, "application/json")], body).into_response();
        }
        Some(Fault::Moved(to)) => {
            return (StatusCode::MOVED_PERMANENTLY, [(header::LOCATION, to)]).into_response();
        }
        Some(Fault::Endless) => {
            let part = Bytes::from(vec![b' '; 1 << 20]);
            let stream = futures::stream::repeat(part).map(Ok::<_, std::io::Error>);
            return Body::from_stream(stream).into_response();
        }
        Some(Fault::After(_)) | None => {}
    }
    let access = format!("Bearer access-{}", book.access);
    let known = [access, format!("Token {LEGACY}")];
    let authorization = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let is_known = authorization.is_some_and(|given| known.iter().any(|known| known == given));
    let is_open = ["/api/token/refresh/", "/api/version/"].contains(&path.as_str());
    let answer =
        if is_known || is_open { book.answer(&method, &path, &body) } else { failure(401, "Invalid token.") };
    match due {
        Some(Fault::After(status)) => failure(status, "something broke on the way back"),
        _ => answer,
    }
}

fn failure(status: u16, words: &str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    (status, [(header::RETRY_AFTER, "0.01")], axum::Json(json!({ "detail": words }))).into_response()
}

fn ok(status: u16, value: Value) -> Response {
    (StatusCode::from_u16(status).expect("a status"), axum::Json(value)).into_response()
}

impl Book {
    fn answer(&mut self, method: &Method, path: &str, body: &Value) -> Response {
        let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
        let is_post = method == Method::POST;
        match parts.as_slice() {
            ["api", "token", "refresh"] if body["refresh"] == PERSONAL => {
                ok(200, json!({ "access": format!("access-{}", self.access) }))
            }
            ["api", "token", "refresh"] => failure(401, "Token is invalid"),
            ["api", "version"] => ok(200, json!({ "release": "1.23.2" })),
            ["api", "current-user", "whoami"] => ok(200, json!({ "id": 1, "email": "marie@example.org" })),
            ["api", "projects"] if is_post => {
                let mut project = body.clone();
                project["id"] = json!(self.projects.len() + 1);
                self.projects.push(project.clone());
                ok(201, project)
            }
            ["api", "projects"] => ok(200, json!({ "count": self.projects.len(), "results": self.projects })),
            ["api", "tasks"] => ok(
                200,
                json!({ "tasks": self.tasks, "total": self.tasks.len(),
                "total_annotations": 0, "total_predictions": 0 }),
            ),
            ["api", "projects", number, rest @ ..] => {
                let number: usize = number.parse().expect("a number");
                if number > self.projects.len() {
                    return failure(404, "No Project matches the given query.");
                }
                self.in_project(number, rest, body)
            }
            _ => (StatusCode::NOT_FOUND, "<html>Page not found</html>").into_response(),
        }
    }

    fn in_project(&mut self, project: usize, rest: &[&str], body: &Value) -> Response {
        match rest {
            [] => {
                let mut project = self.projects[project - 1].clone();
                project["task_number"] = json!(self.tasks.len());
                ok(200, project)
            }
            ["import"] => {
                let mut ids = Vec::new();
                for task in body.as_array().expect("a list") {
                    let id = self.tasks.len() + 1;
                    self.tasks.push(
                        json!({ "id": id, "project": project, "data": task["data"], "annotations": [] }),
                    );
                    ids.push(id);
                }
                if self.asynchronous {
                    self.looks = 0;
                    return ok(201, json!({ "import": 7 }));
                }
                ok(201, json!({ "task_count": ids.len(), "annotation_count": 0, "task_ids": ids }))
            }
            ["imports", "7"] => {
                self.looks += 1;
                let status = if self.looks > 2 { "completed" } else { "in_progress" };
                ok(200, json!({ "id": 7, "status": status }))
            }
            ["export"] | ["exports", "3", "download"] => ok(200, json!(self.tasks)),
            ["exports"] => ok(201, json!({ "id": 3, "status": "created" })),
            ["exports", "3"] => ok(200, json!({ "id": 3, "status": "completed" })),
            _ => failure(404, "Not found."),
        }
    }
}
