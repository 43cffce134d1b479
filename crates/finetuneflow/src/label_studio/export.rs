//! A whole project's tasks with their annotations, as Label Studio exports them: into a temporary file, and from there
//! one task at a time, so that only what was annotated is ever in memory.

use std::fs::File;
use std::io::{BufReader, Seek, SeekFrom};

use reqwest::{Method, Response};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;

use super::client::LONG_TIMEOUT;
use super::{Client, LabelStudioError};

/// No export that is larger is read.
const MAX_EXPORT_BYTES: u64 = 2 << 30;
/// Projects with more tasks are exported in the background, as Label Studio asks for.
const MANY_TASKS: u64 = 20_000;

/// A task of an export.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportedTask {
    /// Its number.
    pub id: i64,
    /// What it was made of.
    #[serde(default)]
    pub data: Value,
    /// What people said about it.
    #[serde(default)]
    pub annotations: Vec<ExportedAnnotation>,
}

/// What somebody said about a task.
#[derive(Clone, Debug, Deserialize)]
pub struct ExportedAnnotation {
    /// Its number.
    pub id: i64,
    /// A number, or a person with number and address.
    #[serde(default)]
    pub completed_by: Value,
    /// What they entered into the form.
    #[serde(default)]
    pub result: Vec<Value>,
    /// They left the task out.
    #[serde(default)]
    pub was_cancelled: bool,
    /// RFC 3339.
    #[serde(default)]
    pub updated_at: Option<String>,
}

impl Client {
    /// Everything of a project, in a temporary file. Either way of exporting stands in for the other.
    pub async fn export(&self, project: i64) -> Result<File, LabelStudioError> {
        let many = self.project(project).await?.task_number.is_some_and(|tasks| tasks > MANY_TASKS);
        let first = if many { self.snapshot(project).await } else { self.plain_export(project).await };
        let Err(error) = first else { return first };
        let is_of_this_way = matches!(
            error,
            LabelStudioError::Refused { .. }
                | LabelStudioError::NoProject { .. }
                | LabelStudioError::Failed { .. }
                | LabelStudioError::TimedOut { .. }
                | LabelStudioError::Unfinished { .. }
        );
        if !is_of_this_way {
            return Err(error);
        }
        let second = if many { self.plain_export(project).await } else { self.snapshot(project).await };
        // What the proper way said is the better reason.
        second.map_err(|_| error)
    }

    /// The answer to one request.
    async fn plain_export(&self, project: i64) -> Result<File, LabelStudioError> {
        let query = [("exportType", "JSON".to_owned()), ("download_all_tasks", "true".to_owned())];
        let path = format!("api/projects/{project}/export");
        let sent = self.send(Method::GET, &path, &query, None, LONG_TIMEOUT).await;
        self.kept(self.in_project(project, sent)?).await
    }

    /// Made in the background there, fetched, and removed again.
    async fn snapshot(&self, project: i64) -> Result<File, LabelStudioError> {
        let path = format!("api/projects/{project}/exports/");
        let body = json!({ "title": "FineTuneFlow" });
        let sent = self.send(Method::POST, &path, &[], Some(&body), LONG_TIMEOUT).await;
        let made: Value = self.json(self.in_project(project, sent)?).await?;
        let Some(number) = made["id"].as_i64() else {
            return Err(self.not_ours("an export without a number".to_owned()));
        };
        let path = format!("api/projects/{project}/exports/{number}");
        self.work_ended(&path, "export").await?;
        let query = [("exportType", "JSON".to_owned())];
        let sent = self.send(Method::GET, &format!("{path}/download"), &query, None, LONG_TIMEOUT).await?;
        let file = self.kept(sent).await;
        // One that stays only takes room there.
        if let Err(error) = self.send(Method::DELETE, &path, &[], None, LONG_TIMEOUT).await {
            tracing::debug!(%error, "the export stays in Label Studio");
        }
        file
    }

    /// A body in a temporary file, read from its beginning.
    async fn kept(&self, mut response: Response) -> Result<File, LabelStudioError> {
        let here = |error: std::io::Error| LabelStudioError::Unfinished {
            address: self.address().to_owned(),
            what: "export",
            message: format!("it cannot be kept on this computer: {error}"),
        };
        let mut file = tokio::fs::File::from_std(tempfile::tempfile().map_err(here)?);
        let mut size = 0;
        while let Some(part) = response.chunk().await.map_err(|error| self.broken(&error, LONG_TIMEOUT))? {
            size += part.len() as u64;
            if size > MAX_EXPORT_BYTES {
                let address = self.address().to_owned();
                return Err(LabelStudioError::TooLarge { address, limit_bytes: MAX_EXPORT_BYTES });
            }
            file.write_all(&part).await.map_err(here)?;
        }
        file.flush().await.map_err(here)?;
        let mut file = file.into_std().await;
        file.seek(SeekFrom::Start(0)).map_err(here)?;
        Ok(file)
    }
}

/// Shows each task of an export.
///
/// # Errors
/// Where the file is no export, or the visitor says so.
pub fn for_each_task(
    file: File,
    visit: &mut dyn FnMut(ExportedTask) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    struct Tasks<'a>(&'a mut dyn FnMut(ExportedTask) -> anyhow::Result<()>);

    impl<'de> Visitor<'de> for Tasks<'_> {
        type Value = ();

        fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str("a list of tasks")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut tasks: A) -> Result<(), A::Error> {
            while let Some(task) = tasks.next_element()? {
                (self.0)(task).map_err(A::Error::custom)?;
            }
            Ok(())
        }
    }

    let mut deserializer = serde_json::Deserializer::from_reader(BufReader::new(file));
    let read = deserializer.deserialize_seq(Tasks(visit)).and_then(|()| deserializer.end());
    read.map_err(|error| anyhow::anyhow!("Label Studio's export cannot be read ({error}): sync again"))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn read(text: &str) -> anyhow::Result<Vec<i64>> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.seek(SeekFrom::Start(0)).unwrap();
        let mut ids = Vec::new();
        for_each_task(file, &mut |task| {
            ids.push(task.id);
            Ok(())
        })?;
        Ok(ids)
    }

    #[test]
    fn tasks_come_one_by_one_and_a_broken_export_is_no_short_one() {
        assert_eq!(read(r#"[{"id": 1, "predictions": [4]}, {"id": 2, "data": {}}]"#).unwrap(), [1, 2]);
        assert_eq!(read("[]").unwrap(), [0i64; 0]);
        for broken in [r#"[{"id": 1}, {"id": 2"#, "[{}]", "{}", "", r#"[{"id": 1}] and more"#] {
            let error = read(broken).unwrap_err().to_string();
            assert!(error.contains("sync again"), "{error}");
        }
    }
}
