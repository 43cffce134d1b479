//! Settings: a flag wins over the environment, that over `finetuneflow.toml` in the data folder, that over the default.
//!
//! [`SETTINGS`] is the one table of them; `.env.example` is made from it.

mod env_example;
mod settings;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crate::hub::HubSettings;
use crate::remote::{self, Secret};

pub use env_example::env_example;
pub use settings::{SETTINGS, Setting};

/// The configuration file's name inside the data folder.
pub const FILE_NAME: &str = "finetuneflow.toml";

/// Where a value comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// The command line.
    Flag,
    /// An `FTF_*` variable.
    Environment,
    /// `finetuneflow.toml`.
    File,
    /// Nothing was given.
    Default,
}

impl std::fmt::Display for Source {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Flag => "command line",
            Self::Environment => "environment",
            Self::File => FILE_NAME,
            Self::Default => "default",
        })
    }
}

/// Why the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there but cannot be read.
    #[error("{path} cannot be read: {reason}; correct its permissions or remove it")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// The file is not TOML.
    #[error("{path} is not valid: {reason}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The parser's words, with line and column.
        reason: String,
    },
    /// The file has a key that is no setting.
    #[error("{path}: `{key}` is not a setting; known ones are {known}")]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The key.
        key: String,
        /// All keys.
        known: String,
    },
    /// A value is not of the setting's kind.
    #[error("{name} = `{value}` (from {source_name}) {problem}")]
    Value {
        /// The setting.
        name: &'static str,
        /// What was given; empty for secrets.
        value: String,
        /// Where it comes from.
        source_name: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// Neither `--data-dir` nor a home folder.
    #[error("there is no home folder to keep data in; name one with --data-dir or FTF_DATA_DIR")]
    NoHome,
}

/// A setting's value as text and where it comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Resolved {
    /// The setting.
    pub setting: &'static Setting,
    /// The text.
    pub value: String,
    /// Where it comes from.
    pub source: Source,
}

/// All settings, checked.
#[derive(Clone, Debug)]
pub struct Config {
    /// The folder that everything is kept in.
    pub data_dir: PathBuf,
    /// Where the database is.
    pub database_url: String,
    /// The address to listen on.
    pub host: IpAddr,
    /// The port to listen on; 0 lets the system choose.
    pub port: u16,
    /// Host names, beside the bound address and localhost, that requests may be for.
    pub allowed_hosts: Vec<String>,
    /// Origins of other pages that may use the API.
    pub allowed_origins: Vec<String>,
    /// Requests a second and client; 0 for no limit.
    pub rate_limit_per_second: u32,
    /// Requests at once before the limit counts.
    pub rate_limit_burst: u32,
    /// The largest file, in bytes.
    pub max_upload_bytes: u64,
    /// Files in one upload.
    pub max_files_per_upload: usize,
    /// The largest other request, in bytes.
    pub max_body_bytes: usize,
    /// Jobs of the default queue at the same time.
    pub workers: usize,
    /// Threads for training and answers; 0 for all cores.
    pub threads: usize,
    /// What is logged, e.g. `info` or `finetuneflow=debug`.
    pub log: String,
    /// Log lines as JSON.
    pub log_json: bool,
    /// How the hub of models is reached.
    pub hub: HubSettings,
    /// Every setting with its source, in the table's order.
    pub resolved: Vec<Resolved>,
    /// `FTF_*` variables that are no setting.
    pub unknown_variables: Vec<String>,
}

/// What the settings are read from.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// Values of flags, by the setting's name.
    pub flags: BTreeMap<&'static str, String>,
    /// Environment variables.
    pub environment: BTreeMap<String, String>,
}

impl Sources {
    /// The environment of this process.
    pub fn from_process() -> Self {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| {
                name.starts_with("FTF_")
                    || name.starts_with("HF_")
                    || name == "HOME"
                    || name == "XDG_DATA_HOME"
            })
            .collect();
        Self { flags: BTreeMap::new(), environment }
    }

    /// A flag's value, if it was given.
    pub fn flag(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        if let Some(value) = value {
            self.flags.insert(name, value.to_string());
        }
        self
    }

    fn lookup(&self, setting: &Setting, file: &BTreeMap<String, String>) -> Option<(String, Source)> {
        if let Some(value) = self.flags.get(setting.name) {
            return Some((value.clone(), Source::Flag));
        }
        let variables = std::iter::once(&setting.environment).chain(setting.also);
        if let Some(value) = variables.into_iter().find_map(|name| self.variable(name)) {
            return Some((value.to_owned(), Source::Environment));
        }
        file.get(setting.key?).map(|value| (value.clone(), Source::File))
    }

    /// A variable that is set to something.
    fn variable(&self, name: &str) -> Option<&str> {
        self.environment.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// The data folder: `--data-dir`, `FTF_DATA_DIR`, `$XDG_DATA_HOME/finetuneflow` or `~/.local/share/finetuneflow`.
    pub fn data_dir(&self) -> Result<(PathBuf, Source), ConfigError> {
        if let Some((value, source)) = self.lookup(&settings::DATA_DIR, &BTreeMap::new()) {
            let path = std::path::absolute(&value).unwrap_or_else(|_| PathBuf::from(&value));
            return Ok((path, source));
        }
        if let Some(folder) = self.variable("XDG_DATA_HOME").filter(|folder| Path::new(folder).is_absolute())
        {
            return Ok((Path::new(folder).join("finetuneflow"), Source::Default));
        }
        match self.variable("HOME") {
            Some(home) => Ok((Path::new(home).join(".local/share/finetuneflow"), Source::Default)),
            None => Err(ConfigError::NoHome),
        }
    }
}

impl Config {
    /// Reads the file in the data folder and puts all sources together.
    pub fn load(sources: &Sources) -> Result<Self, ConfigError> {
        let (data_dir, data_dir_source) = sources.data_dir()?;
        let file = read_file(&data_dir.join(FILE_NAME))?;
        let mut resolved = Vec::with_capacity(SETTINGS.len());
        for setting in SETTINGS {
            let (value, source) = if setting.name == settings::DATA_DIR.name {
                (data_dir.display().to_string(), data_dir_source)
            } else {
                let given = sources.lookup(setting, &file);
                given.unwrap_or_else(|| (setting.default.to_owned(), Source::Default))
            };
            resolved.push(Resolved { setting, value, source });
        }
        let values = Values(&resolved);
        let database_url = match values.text("database_url") {
            "" => store::Database::sqlite_url(&data_dir.join("finetuneflow.sqlite")),
            url => url.to_owned(),
        };
        Ok(Self {
            database_url,
            host: values.parse("host", "is not an IP address, e.g. 127.0.0.1, 0.0.0.0 or ::1")?,
            port: values.parse("port", "is not a port between 0 and 65535")?,
            allowed_hosts: values
                .list("allowed_hosts")
                .into_iter()
                .map(|host| host.to_ascii_lowercase())
                .collect(),
            allowed_origins: values.origins("allowed_origins")?,
            rate_limit_per_second: values.parse("rate_limit_per_second", "is not a whole number")?,
            rate_limit_burst: values.parse("rate_limit_burst", "is not a whole number")?,
            max_upload_bytes: values.parse("max_upload_bytes", "is not a whole number of bytes")?,
            max_files_per_upload: values.parse("max_files_per_upload", "is not a whole number")?,
            max_body_bytes: values.parse("max_body_bytes", "is not a whole number of bytes")?,
            workers: values.at_least_one("workers")?,
            threads: values.parse("threads", "is not a whole number")?,
            log: values.log_filter()?,
            log_json: values.log_format()?,
            hub: values.hub(&data_dir, sources)?,
            unknown_variables: unknown_variables(sources),
            data_dir,
            resolved,
        })
    }
}

fn unknown_variables(sources: &Sources) -> Vec<String> {
    let known =
        |name: &String| name == "FTF_TESTDATA" || SETTINGS.iter().any(|setting| setting.environment == name);
    sources.environment.keys().filter(|name| name.starts_with("FTF_") && !known(name)).cloned().collect()
}

/// The file's values by dotted key, as text. A file that is not there is empty.
fn read_file(path: &Path) -> Result<BTreeMap<String, String>, ConfigError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        // What is wrong with a data folder that is none, opening it says better.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            return Ok(BTreeMap::new());
        }
        Err(error) => {
            return Err(ConfigError::Unreadable { path: path.to_owned(), reason: error.to_string() });
        }
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        reason: error.to_string(),
    })?;
    let mut values = BTreeMap::new();
    flatten("", &table, &mut values);
    for key in values.keys() {
        if !SETTINGS.iter().any(|setting| setting.key == Some(key)) {
            let known: Vec<_> = SETTINGS.iter().filter_map(|setting| setting.key).collect();
            return Err(ConfigError::UnknownKey {
                path: path.to_owned(),
                key: key.clone(),
                known: known.join(", "),
            });
        }
    }
    Ok(values)
}

fn flatten(prefix: &str, table: &toml::Table, values: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::Table(table) => flatten(&key, table, values),
            toml::Value::Array(items) => {
                let items: Vec<_> = items.iter().map(plain_text).collect();
                values.insert(key, items.join(","));
            }
            value => {
                values.insert(key, plain_text(value));
            }
        }
    }
}

fn plain_text(value: &toml::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The resolved texts, read as what they stand for.
struct Values<'a>(&'a [Resolved]);

impl Values<'_> {
    fn get(&self, name: &str) -> &Resolved {
        let found = self.0.iter().find(|resolved| resolved.setting.name == name);
        found.expect("every setting that is read stands in the table")
    }

    fn text(&self, name: &str) -> &str {
        self.get(name).value.trim()
    }

    fn wrong(&self, name: &str, problem: &str) -> ConfigError {
        let resolved = self.get(name);
        let value = if resolved.setting.secret { String::new() } else { resolved.value.clone() };
        let source_name = match resolved.source {
            Source::Environment => resolved.setting.environment.to_owned(),
            source => source.to_string(),
        };
        ConfigError::Value { name: resolved.setting.name, value, source_name, problem: problem.to_owned() }
    }

    fn parse<T: std::str::FromStr>(&self, name: &str, problem: &str) -> Result<T, ConfigError> {
        let text = self.text(name);
        // A host name that everybody means the same by.
        let text = if name == "host" && text == "localhost" { "127.0.0.1" } else { text };
        text.parse().map_err(|_| self.wrong(name, problem))
    }

    fn at_least_one(&self, name: &str) -> Result<usize, ConfigError> {
        match self.parse(name, "is not a whole number")? {
            0 => Err(self.wrong(name, "must be at least 1")),
            count => Ok(count),
        }
    }

    fn list(&self, name: &str) -> Vec<String> {
        self.text(name).split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
    }

    fn switch(&self, name: &str) -> Result<bool, ConfigError> {
        // As the variables of the hub's own programs are written.
        match self.text(name).to_ascii_lowercase().as_str() {
            "1" | "true" | "yes" | "on" => Ok(true),
            "" | "0" | "false" | "no" | "off" => Ok(false),
            _ => Err(self.wrong(name, "must be true or false")),
        }
    }

    fn hub(&self, data_dir: &Path, sources: &Sources) -> Result<HubSettings, ConfigError> {
        let mut endpoint = remote::parse_address(self.text("hub_endpoint"), crate::hub::ENDPOINT)
            .map_err(|problem| self.wrong("hub_endpoint", &problem))?;
        endpoint.set_query(None);
        endpoint.set_fragment(None);
        let token = match self.text("hub_token") {
            "" => None,
            text => {
                let token = Secret::entered(text, &endpoint);
                Some(token.map_err(|problem| self.wrong("hub_token", problem))?)
            }
        };
        let cache = match (self.text("hub_cache"), sources.variable("HF_HOME")) {
            ("", None) => data_dir.join("hub"),
            ("", Some(home)) => Path::new(home).join("hub"),
            (folder, _) => PathBuf::from(folder),
        };
        let cache = std::path::absolute(&cache).unwrap_or(cache);
        Ok(HubSettings { endpoint, cache, offline: self.switch("offline")?, token })
    }

    fn origins(&self, name: &str) -> Result<Vec<String>, ConfigError> {
        let origins = self.list(name);
        let valid = |origin: &String| {
            let authority = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://"));
            authority.is_some_and(|authority| !authority.is_empty() && !authority.contains(['/', '*', ' ']))
        };
        if origins.iter().all(valid) {
            return Ok(origins);
        }
        Err(self.wrong(
            name,
            "must be origins without a path, e.g. https://studio.example.org, separated by commas",
        ))
    }

    fn log_filter(&self) -> Result<String, ConfigError> {
        let text = self.text("log");
        match text.parse::<tracing_subscriber::EnvFilter>() {
            Ok(_) => Ok(text.to_owned()),
            Err(_) => {
                Err(self.wrong("log", "is not a log level, e.g. info, debug or warn,finetuneflow=debug"))
            }
        }
    }

    fn log_format(&self) -> Result<bool, ConfigError> {
        match self.text("log_format") {
            "json" => Ok(true),
            "text" => Ok(false),
            _ => Err(self.wrong("log_format", "must be text or json")),
        }
    }
}

#[cfg(test)]
mod tests;
