//! The table of settings.

/// One setting.
#[derive(Debug, PartialEq)]
pub struct Setting {
    /// Its name here and in messages.
    pub name: &'static str,
    /// The environment variable.
    pub environment: &'static str,
    /// Variables of other programs that are used where ours is not set.
    pub also: &'static [&'static str],
    /// The key in `finetuneflow.toml`; the data folder has none, because the file lies in it.
    pub key: Option<&'static str>,
    /// The value when nothing is given, as text.
    pub default: &'static str,
    /// For people.
    pub help: &'static str,
    /// Never shown.
    pub secret: bool,
}

pub(super) const DATA_DIR: Setting = Setting {
    name: "data_dir",
    environment: "FTF_DATA_DIR",
    also: &[],
    key: None,
    default: "",
    help: "Folder for projects, runs and the database; empty: the platform's data folder (~/.local/share/finetuneflow)",
    secret: false,
};

const fn setting(
    name: &'static str,
    environment: &'static str,
    key: &'static str,
    default: &'static str,
    help: &'static str,
) -> Setting {
    Setting { name, environment, also: &[], key: Some(key), default, help, secret: false }
}

/// Every setting.
pub const SETTINGS: &[Setting] = &[
    DATA_DIR,
    setting(
        "host",
        "FTF_HOST",
        "server.host",
        "127.0.0.1",
        "Address to listen on; 0.0.0.0 makes the studio reachable from other machines (there is no login: put a proxy with one in front)",
    ),
    setting("port", "FTF_PORT", "server.port", "8000", "Port to listen on; 0 picks a free one and prints it"),
    setting(
        "allowed_hosts",
        "FTF_ALLOWED_HOSTS",
        "server.allowed_hosts",
        "",
        "Further host names that the studio is reached under, separated by commas (localhost and the address above always work)",
    ),
    setting(
        "allowed_origins",
        "FTF_ALLOWED_ORIGINS",
        "server.allowed_origins",
        "",
        "Origins of other web pages that may use the API (CORS), separated by commas, e.g. https://studio.example.org",
    ),
    setting(
        "rate_limit_per_second",
        "FTF_RATE_LIMIT_PER_SECOND",
        "server.rate_limit_per_second",
        "50",
        "API requests a second and client address; 0: no limit",
    ),
    setting(
        "rate_limit_burst",
        "FTF_RATE_LIMIT_BURST",
        "server.rate_limit_burst",
        "500",
        "API requests at once before the limit counts",
    ),
    setting(
        "max_upload_bytes",
        "FTF_MAX_UPLOAD_BYTES",
        "server.max_upload_bytes",
        "1073741824",
        "The largest file that can be uploaded, in bytes",
    ),
    setting(
        "max_files_per_upload",
        "FTF_MAX_FILES_PER_UPLOAD",
        "server.max_files_per_upload",
        "100",
        "Files in one upload",
    ),
    setting(
        "max_body_bytes",
        "FTF_MAX_BODY_BYTES",
        "server.max_body_bytes",
        "2097152",
        "The largest request that is no upload, in bytes",
    ),
    Setting {
        name: "database_url",
        environment: "FTF_DATABASE_URL",
        also: &[],
        key: Some("storage.database_url"),
        default: "",
        help: "sqlite:///path/to/file or postgres://user:password@host/name; empty: an SQLite file in the data folder",
        secret: true,
    },
    setting(
        "workers",
        "FTF_WORKERS",
        "jobs.workers",
        "2",
        "Jobs at the same time, training aside (one training runs at a time)",
    ),
    setting(
        "threads",
        "FTF_THREADS",
        "jobs.threads",
        "0",
        "Threads for training and for answers; 0: all cores",
    ),
    Setting {
        also: &["HF_ENDPOINT"],
        ..setting(
            "hub_endpoint",
            "FTF_HUB_ENDPOINT",
            "hub.endpoint",
            crate::hub::ENDPOINT,
            "Where models are looked for and downloaded from",
        )
    },
    Setting {
        also: &["HF_HUB_CACHE"],
        ..setting(
            "hub_cache",
            "FTF_HUB_CACHE",
            "hub.cache",
            "",
            "Folder for models of the hub, in the layout that other programs share; empty: hub in HF_HOME where that is set, else hub in the data folder",
        )
    },
    Setting {
        secret: true,
        also: &["HF_TOKEN"],
        ..setting(
            "hub_token",
            "FTF_HUB_TOKEN",
            "hub.token",
            "",
            "Token for the hub, for models whose licence must be accepted; one that was entered on the settings page comes first",
        )
    },
    Setting {
        also: &["HF_HUB_OFFLINE"],
        ..setting(
            "offline",
            "FTF_OFFLINE",
            "hub.offline",
            "false",
            "true: nothing is asked of the hub, only models that were downloaded before are used",
        )
    },
    setting(
        "log",
        "FTF_LOG",
        "log.filter",
        "info",
        "What is logged: error, warn, info, debug, trace, or by module, e.g. warn,finetuneflow=debug",
    ),
    setting("log_format", "FTF_LOG_FORMAT", "log.format", "text", "Log lines as text or json"),
];
