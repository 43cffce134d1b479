use super::*;

fn sources(folder: &Path, environment: &[(&str, &str)]) -> Sources {
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Sources { flags: BTreeMap::new(), environment }.flag("data_dir", Some(folder.display()))
}

fn source_of(config: &Config, name: &str) -> Source {
    config.resolved.iter().find(|resolved| resolved.setting.name == name).expect("a setting").source
}

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = "[server]\nport = 1\nhost = \"::1\"\nallowed_hosts = [\"a.example\", \"B.example\"]\nmax_body_bytes = 9\n";
    std::fs::write(folder.path().join(FILE_NAME), text).expect("writes");
    let environment = [("FTF_PORT", "2"), ("FTF_MAX_BODY_BYTES", "8"), ("FTF_LOG", ""), ("FTF_PROT", "3")];
    let sources = sources(folder.path(), &environment).flag("port", Some(3));
    let config = Config::load(&sources).expect("valid");
    assert_eq!((config.port, source_of(&config, "port")), (3, Source::Flag));
    assert_eq!((config.max_body_bytes, source_of(&config, "max_body_bytes")), (8, Source::Environment));
    assert_eq!((config.host.to_string().as_str(), source_of(&config, "host")), ("::1", Source::File));
    assert_eq!((config.log.as_str(), source_of(&config, "log")), ("info", Source::Default));
    assert_eq!(config.allowed_hosts, ["a.example", "b.example"]);
    assert_eq!(config.unknown_variables, ["FTF_PROT"]);
    assert!(config.database_url.starts_with("sqlite://"), "{}", config.database_url);
}

#[test]
fn wrong_settings_are_named() {
    let folder = tempfile::tempdir().expect("a folder");
    for (environment, expected) in [
        (("FTF_PORT", "eighty"), "port = `eighty` (from FTF_PORT) is not a port"),
        (("FTF_HOST", "example.org"), "is not an IP address"),
        (("FTF_WORKERS", "0"), "must be at least 1"),
        (("FTF_LOG_FORMAT", "xml"), "must be text or json"),
        (("FTF_ALLOWED_ORIGINS", "*"), "must be origins"),
        (("FTF_LOG", "finetuneflow=loud"), "is not a log level"),
    ] {
        let error = Config::load(&sources(folder.path(), &[environment])).expect_err("refused").to_string();
        assert!(error.contains(expected), "{error}");
    }
    for (file, expected) in [
        ("[server]\nprot = 1\n", "`server.prot` is not a setting; known ones are server.host, server.port"),
        ("port = [", "is not valid"),
        ("data_dir = \"/x\"", "`data_dir` is not a setting"),
    ] {
        std::fs::write(folder.path().join(FILE_NAME), file).expect("writes");
        let error = Config::load(&sources(folder.path(), &[])).expect_err("refused").to_string();
        assert!(error.contains(expected) && error.contains(FILE_NAME), "{error}");
    }
}

#[test]
fn the_data_folder_is_the_platforms() {
    let environment = |pairs: &[(&str, &str)]| Sources {
        environment: pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        ..Sources::default()
    };
    let folder =
        |pairs: &[(&str, &str)]| environment(pairs).data_dir().map(|(path, _)| path.display().to_string());
    assert_eq!(folder(&[("HOME", "/h")]).expect("a folder"), "/h/.local/share/finetuneflow");
    assert_eq!(folder(&[("HOME", "/h"), ("XDG_DATA_HOME", "/x")]).expect("a folder"), "/x/finetuneflow");
    assert_eq!(folder(&[("HOME", "/h"), ("FTF_DATA_DIR", "/d")]).expect("a folder"), "/d");
    assert!(folder(&[]).is_err());
}

#[test]
fn env_example_is_made_from_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.env.example");
    if std::env::var_os("UPDATE_SNAPSHOTS").is_some() {
        std::fs::write(path, env_example()).expect("writes .env.example");
    }
    let committed = std::fs::read_to_string(path).unwrap_or_default();
    assert!(
        committed == env_example(),
        ".env.example is not up to date: run this test with UPDATE_SNAPSHOTS=1"
    );
}
