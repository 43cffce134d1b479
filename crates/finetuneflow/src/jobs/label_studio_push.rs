//! `label_studio_push`: examples become tasks of a Label Studio project, each of them once.
//!
//! What is there is found by our ids in the tasks' data: before anything is sent to a project that was there before, and
//! again whenever it is not known whether a part has arrived. So neither a killed worker nor a lost answer makes a task
//! twice.

use std::collections::{BTreeMap, HashMap};

use anyhow::anyhow;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use store::chunks;
use store::examples::{self, Example, ExampleFilter, ExampleStatus};
use store::label_studio_tasks::{self as tasks, Link, NewTask, TaskStatus};
use uuid::Uuid;

use super::{JobError, JobKind, Queue, Work};
use crate::label_studio::Client;
use crate::label_studio::client::{Imported, Project};
use crate::label_studio::connection;
use crate::label_studio::form::{is_ours, labelling_form};
use crate::label_studio::link::Details;
use crate::label_studio::task::{sent, task_of};
use crate::providers::retry::Patience;
use crate::words::{Activity, Cause};

/// Examples that are read, and tasks that are sent, at a time.
const PART: usize = 200;
/// A part is sent earlier when it has grown to so many bytes.
const PART_BYTES: usize = 4 << 20;

/// The payload.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LabelStudioPush {
    /// The project.
    pub project_id: Uuid,
    /// Which examples.
    #[serde(default)]
    pub filter: Filter,
    /// Of a project there to make, unless one that is linked has it.
    pub title: Option<String>,
    /// A project there to push into.
    pub remote_project: Option<i64>,
}

/// Which examples; the stored form of the API's filter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Filter {
    /// Only with this status.
    pub status: Option<ExampleStatus>,
    /// Only of this chunk.
    pub chunk_id: Option<Uuid>,
    /// Only with this text.
    pub search: Option<String>,
    /// Only with this finding.
    pub issue: Option<String>,
    /// Only of this file.
    pub file_id: Option<Uuid>,
    /// Only of this task.
    pub task: Option<String>,
}

impl From<Filter> for ExampleFilter {
    fn from(Filter { status, chunk_id, search, issue, file_id, task }: Filter) -> Self {
        Self { status, chunk_id, search, issue, file_id, task, ..Self::default() }
    }
}

/// The client of the connection in the settings.
pub(super) async fn client(work: &Work) -> Result<Client, JobError> {
    let connection = connection::get(work.database()).await?;
    Ok(connection
        .ok_or_else(|| {
            let text = "Label Studio is not connected: enter its address and a token in the settings";
            Cause::LabelStudioMissing {}.error(text)
        })?
        .open()?)
}

impl JobKind for LabelStudioPush {
    const KIND: &'static str = "label_studio_push";
    const QUEUE: Queue = Queue::Default;
    // Each attempt goes on where the last one ended.
    const MAX_ATTEMPTS: u32 = 5;

    fn project_id(&self) -> Option<Uuid> {
        Some(self.project_id)
    }

    async fn run(self, work: Work) -> Result<Value, JobError> {
        let client = client(&work).await?;
        work.unless_interrupted(client.whoami()).await??;
        let (project, is_made) = self.project(&work, &client).await?;
        let title = project.title.clone().unwrap_or_default();
        let address = client.address().to_owned();
        let link = Link { project_id: self.project_id, address, remote_project: project.id };
        let total = self.total(&work).await?;
        let url = format!("{}/projects/{}/data", link.address, link.remote_project);
        let mut push =
            Push { work, client, link, title, there: HashMap::new(), counts: Counts::default(), total };
        if !is_made {
            push.look().await?;
        }
        push.all(&self.filter.clone().into()).await?;
        push.work.progress(total, total, Activity::Done {}).await?;
        Ok(json!({ "remote_project": project.id, "title": push.title, "url": url, "examples": push.counts }))
    }
}

impl LabelStudioPush {
    async fn total(&self, work: &Work) -> Result<u64, JobError> {
        let page = store::Page::new(1, 1);
        let total =
            examples::list(work.database(), self.project_id, page, self.filter.clone().into()).await?.total;
        if total == 0 {
            return Err(JobError::Failed(
                Cause::NoExampleFits {}.error("no example fits: make or import some, or choose others"),
            ));
        }
        Ok(total)
    }

    /// The project to push into, and whether it was made just now.
    async fn project(&self, work: &Work, client: &Client) -> Result<(Project, bool), JobError> {
        let datasets = tasks::datasets(work.database(), self.project_id).await?;
        let mut linked = datasets.iter().filter(|dataset| dataset.link.address == client.address());
        let known = match (self.remote_project, &self.title) {
            (Some(project), _) => Some(project),
            (None, Some(title)) => linked
                .find(|dataset| dataset.latest.details["title"] == title.as_str())
                .map(|dataset| dataset.link.remote_project),
            (None, None) => linked.next().map(|dataset| dataset.link.remote_project),
        };
        if let Some(number) = known {
            let project = work.unless_interrupted(client.project(number)).await??;
            if !project.label_config.as_deref().is_some_and(is_ours) {
                let text = format!(
                    "project {number} in Label Studio has a labelling form of its own, whose answers cannot be read: push into a new project"
                );
                return Err(JobError::Failed(Cause::LabelStudioOtherForm { project: number }.error(text)));
            }
            return Ok((project, false));
        }
        let ours = store::projects::get(work.database(), self.project_id).await?;
        let title = self.title.clone().unwrap_or_else(|| title_of(&ours.name));
        // By the job's id it is found again where the work was interrupted after it had been made.
        let description = format!("Examples of FineTuneFlow for review (job {})", work.job.id);
        let named = work.unless_interrupted(client.projects_named(&title)).await??;
        let made = |project: &Project| project.description.as_deref() == Some(&description);
        if let Some(project) = named.into_iter().find(made) {
            return Ok((project, false));
        }
        let form = labelling_form(ours.settings.get("language").and_then(Value::as_str));
        let project = work.unless_interrupted(client.create_project(&title, &description, &form)).await??;
        Ok((Project { title: project.title.clone().or(Some(title)), ..project }, true))
    }
}

/// A title that Label Studio takes: 3 to 50 characters.
fn title_of(name: &str) -> String {
    let title =
        if name.trim().chars().count() < 3 { format!("FineTuneFlow {name}") } else { name.to_owned() };
    title.trim().chars().take(50).collect()
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Counts {
    /// Tasks that were made.
    pushed: u64,
    /// Examples that were tasks there before.
    there: u64,
    /// Of those, the ones that have changed here since: their tasks show what was pushed.
    changed_since: u64,
}

/// A push on its way.
struct Push {
    work: Work,
    client: Client,
    link: Link,
    title: String,
    /// Tasks there by example, with what they were made of.
    there: HashMap<Uuid, There>,
    counts: Counts,
    total: u64,
}

struct There {
    task_id: i64,
    hash: String,
    status: ExampleStatus,
}

impl Push {
    /// Learns which examples are tasks there.
    async fn look(&mut self) -> Result<(), JobError> {
        let mut found = HashMap::new();
        let mut seen = 0;
        for page in 1.. {
            let tasks = self.client.tasks(self.link.remote_project, page);
            let (tasks, total) = self.work.unless_interrupted(tasks).await??;
            seen += tasks.len() as u64;
            let last = tasks.is_empty() || seen >= total;
            for task in tasks {
                if let Some((example, status, hash)) = sent(&task.data, self.link.project_id) {
                    // The first one counts where somebody made copies.
                    found.entry(example).or_insert(There { task_id: task.id, hash, status });
                }
            }
            if last {
                break;
            }
        }
        self.there = found;
        Ok(())
    }

    async fn all(&mut self, filter: &ExampleFilter) -> Result<(), JobError> {
        let mut after = None;
        loop {
            let database = self.work.database();
            let part =
                examples::list_after(database, self.link.project_id, filter, after, PART as u64).await?;
            let Some(last) = part.last() else { return Ok(()) };
            after = Some(last.id);
            let mut missing = self.missing(&part).await?;
            while !missing.is_empty() {
                missing = self.send(missing).await?;
            }
            let done = self.counts.pushed + self.counts.there;
            let doing = Activity::ExamplesPushed { pushed: self.counts.pushed, before: self.counts.there };
            self.work.progress(done, self.total, doing).await?;
        }
    }

    /// The examples of a part that are no tasks there; those that are, are linked.
    async fn missing(&mut self, part: &[Example]) -> Result<Vec<Example>, JobError> {
        let ids: Vec<Uuid> = part.iter().map(|example| example.id).collect();
        let known = tasks::of_examples(self.work.database(), &self.link, &ids).await?;
        let (mut missing, mut found) = (Vec::new(), Vec::new());
        for example in part {
            let Some(there) = self.there.get(&example.id) else {
                missing.push(example.clone());
                continue;
            };
            self.counts.there += 1;
            let base = match known.get(&example.id) {
                Some(task) => (task.pushed_hash.clone(), Details::of(task)?.base_status),
                None => {
                    found.push(self.task(example.id, there.task_id, &there.hash, there.status)?);
                    (there.hash.clone(), there.status)
                }
            };
            let is_settled = known.get(&example.id).is_some_and(|task| task.status != TaskStatus::Undecided);
            if !is_settled && base != (example.content_hash.clone(), example.status) {
                self.counts.changed_since += 1;
            }
        }
        tasks::put_many(self.work.database(), &self.link, found).await?;
        Ok(missing)
    }

    fn task(
        &self,
        example_id: Uuid,
        task_id: i64,
        hash: &str,
        status: ExampleStatus,
    ) -> anyhow::Result<NewTask> {
        let details = Details::sent(&self.title, status).stored()?;
        Ok(NewTask { example_id, task_id, pushed_hash: hash.to_owned(), details })
    }

    /// Sends as many examples as go into one request; the rest comes back.
    async fn send(&mut self, mut examples: Vec<Example>) -> Result<Vec<Example>, JobError> {
        let bodies = self.bodies(&examples).await?;
        let rest = examples.split_off(bodies.len());
        let made = self.import(&examples, &bodies).await?;
        if made.is_empty() {
            return Err(JobError::Failed(anyhow!(
                "Label Studio took the tasks and shows none of them: look into its log, then push again"
            )));
        }
        self.link_made(&examples, &made).await?;
        examples.retain(|example| !made.contains_key(&example.id));
        examples.extend(rest);
        Ok(examples)
    }

    /// The tasks of the first examples, as many as go into one request.
    async fn bodies(&self, examples: &[Example]) -> Result<Vec<Value>, JobError> {
        let chunks = self.chunks(examples).await?;
        let (mut bodies, mut bytes) = (Vec::new(), 0);
        for example in examples {
            let chunk = example.chunk_id.and_then(|id| chunks.get(&id));
            let body = task_of(example, chunk.map(String::as_str));
            bytes += body.to_string().len();
            if bytes > PART_BYTES && !bodies.is_empty() {
                break;
            }
            bodies.push(body);
        }
        Ok(bodies)
    }

    /// Makes the tasks; the numbers of those that are there then, by example.
    async fn import(
        &mut self,
        examples: &[Example],
        bodies: &[Value],
    ) -> Result<BTreeMap<Uuid, i64>, JobError> {
        let patience = Patience::default();
        let mut attempt = 0;
        loop {
            attempt += 1;
            let import = self.client.import(self.link.remote_project, bodies);
            let failure = match self.work.unless_interrupted(import).await? {
                Ok(Imported::Tasks(ids)) => {
                    return Ok(examples.iter().map(|example| example.id).zip(ids).collect());
                }
                Ok(Imported::Unknown) => None,
                Err(error) => Some(error),
            };
            if let Some(error) = &failure {
                match patience.pause(attempt, error, 1.0) {
                    Some(pause) => self.work.unless_interrupted(tokio::time::sleep(pause)).await?,
                    None => return Err(error.clone().into()),
                }
            }
            // Whether or not the request has arrived, what is there counts.
            self.look().await?;
            let there = |example: &Example| Some((example.id, self.there.get(&example.id)?.task_id));
            let made: BTreeMap<_, _> = examples.iter().filter_map(there).collect();
            if !made.is_empty() || failure.is_none() {
                return Ok(made);
            }
        }
    }

    async fn link_made(&mut self, examples: &[Example], made: &BTreeMap<Uuid, i64>) -> Result<(), JobError> {
        let mut new = Vec::new();
        for example in examples {
            let Some(task_id) = made.get(&example.id).copied() else { continue };
            new.push(self.task(example.id, task_id, &example.content_hash, example.status)?);
            let hash = example.content_hash.clone();
            self.there.insert(example.id, There { task_id, hash, status: example.status });
        }
        self.counts.pushed += new.len() as u64;
        tasks::put_many(self.work.database(), &self.link, new).await?;
        Ok(())
    }

    /// The texts that the examples were made of.
    async fn chunks(&self, examples: &[Example]) -> Result<HashMap<Uuid, String>, JobError> {
        let mut texts = HashMap::new();
        for id in examples.iter().filter_map(|example| example.chunk_id) {
            if texts.contains_key(&id) {
                continue;
            }
            match chunks::get(self.work.database(), self.link.project_id, id).await {
                Err(error) if error.is_not_found() => {}
                chunk => {
                    texts.insert(id, chunk?.text);
                }
            }
        }
        Ok(texts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn titles_are_as_long_as_label_studio_takes_them() {
        for (name, title) in [("Handbook", "Handbook"), ("X", "FineTuneFlow X")] {
            assert_eq!(title_of(name), title);
        }
        assert_eq!(title_of(&"é".repeat(80)).chars().count(), 50);
    }
}
