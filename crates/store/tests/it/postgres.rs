//! A private PostgreSQL cluster in a temporary folder, reached through a socket in that folder. It ends with this value.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub struct Cluster {
    folder: tempfile::TempDir,
    binaries: PathBuf,
    account: Option<(u32, u32)>,
}

impl Cluster {
    /// `None` where PostgreSQL is not installed.
    pub fn start() -> Option<Self> {
        let binaries = find_binaries()?;
        let folder = tempfile::Builder::new().prefix("ftf-pg-").tempdir().expect("a temporary folder");
        let account = account_to_run_as(folder.path());
        if let Some((user, group)) = account {
            std::os::unix::fs::chown(folder.path(), Some(user), Some(group)).expect("root may change owners");
        }
        let cluster = Self { folder, binaries, account };
        let data = cluster.data();
        cluster.run(
            "initdb",
            &["-D", &data, "-U", "ftf", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        );
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", cluster.path().display());
        let log = cluster.path().join("log").display().to_string();
        cluster.run("pg_ctl", &["start", "-w", "-D", &data, "-l", &log, "-o", &options]);
        Some(cluster)
    }

    /// An empty database's address.
    pub fn create_database(&self, name: &str) -> String {
        let folder = self.path().display().to_string();
        self.run("createdb", &["-h", &folder, "-U", "ftf", name]);
        format!("postgres://ftf@localhost/{name}?host={}", folder.replace('/', "%2F"))
    }

    /// Its folder.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    fn data(&self) -> String {
        self.path().join("data").display().to_string()
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let output = self.command(program, arguments).output().expect("the program starts");
        assert!(output.status.success(), "{program}: {}", String::from_utf8_lossy(&output.stderr));
    }

    fn command(&self, program: &str, arguments: &[&str]) -> Command {
        use std::os::unix::process::CommandExt;

        let mut command = Command::new(self.binaries.join(program));
        command.args(arguments).current_dir(self.path()).stdin(Stdio::null());
        if program == "pg_ctl" {
            // The server would keep the pipes open.
            command.stdout(Stdio::null()).stderr(Stdio::null());
        }
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let data = self.data();
        let stopped = self.command("pg_ctl", &["stop", "-w", "-m", "immediate", "-D", &data]).status();
        if !stopped.is_ok_and(|status| status.success()) {
            eprintln!("the PostgreSQL cluster in {data} could not be stopped");
        }
    }
}

fn find_binaries() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path = std::env::split_paths(&path).collect::<Vec<_>>();
    let mut installed: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    installed.sort();
    let needed = ["initdb", "pg_ctl", "createdb", "postgres"];
    let is_complete = |folder: &PathBuf| needed.iter().all(|program| folder.join(program).is_file());
    in_path.into_iter().chain(installed.into_iter().rev()).find(is_complete)
}

/// PostgreSQL refuses to run as root: another account's numbers, if this process is root.
fn account_to_run_as(own: &Path) -> Option<(u32, u32)> {
    use std::os::unix::fs::MetadataExt;

    if std::fs::metadata(own).expect("the folder is there").uid() != 0 {
        return None;
    }
    let accounts = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let find = |name: &str| {
        let line = accounts.lines().find(|line| line.starts_with(&format!("{name}:")))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    find("postgres").or_else(|| find("nobody")).or(Some((65534, 65534)))
}
