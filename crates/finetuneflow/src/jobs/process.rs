//! Child processes of this program that speak JSON lines: the trainer and the evaluator.
//!
//! The child is started and waited for on a thread of its own, which lives as long as the child: on Linux the child is told
//! to die when that thread does, and so with this process, however that ends. Its lines arrive in a channel.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use crate::words::{self, Cause, Caused};

/// Lines of the child that wait to be stored before the child is held up.
const WAITING_LINES: usize = 256;
/// Lines of standard error that are kept for the message about a failure.
const LAST_LINES: usize = 20;
/// What a child may still do after closing its outputs.
const CLOSED_OUTPUTS: Duration = Duration::from_secs(10);
/// Longer lines are cut.
const LINE_BYTES: u64 = 1 << 20;

/// What a child writes.
#[derive(Debug)]
pub(super) enum Line {
    /// A JSON value on standard output.
    Json(Value),
    /// A line of text on standard error, or on standard output where it is no JSON.
    Text(String),
}

/// How a child ended.
#[derive(Debug)]
pub(super) struct Ended {
    /// Ended by itself with code 0.
    pub success: bool,
    /// By a signal that no process can withstand, as the system sends when the memory is not enough.
    pub killed: bool,
    /// In words: the exit code or the signal.
    pub how: String,
    /// The last lines of standard error.
    pub last_lines: Vec<String>,
}

impl Ended {
    /// The error of a child that did not succeed; `told` is the line in which it said why, if it came to that.
    pub fn failure(&self, told: Option<&Value>) -> anyhow::Error {
        let text =
            told.and_then(|line| line["message"].as_str()).map_or_else(|| self.reason(), str::to_owned);
        if let Some(cause) = told.and_then(words::told) {
            return Caused { cause, text }.into();
        }
        match (told, self.killed) {
            // It knew no more than its words.
            (Some(_), _) => anyhow::anyhow!(text),
            (None, true) => Cause::OutOfMemory {}.error(text),
            (None, false) => Cause::ProcessEnded { detail: text.clone() }.error(text),
        }
    }

    /// The child's last words, or how it ended where it had none.
    pub fn reason(&self) -> String {
        let last = self.last_lines.iter().rev().find(|line| !line.trim().is_empty());
        match last.map(|line| line.strip_prefix("error: ").unwrap_or(line)) {
            Some(line) => line.to_owned(),
            None => self.how.clone(),
        }
    }
}

/// A running child. Dropping it kills the child.
#[derive(Debug)]
pub(super) struct Process {
    lines: mpsc::Receiver<Line>,
    ended: Option<oneshot::Receiver<Ended>>,
    child: Arc<Handle>,
}

/// The child's number while it may be signalled.
#[derive(Debug)]
struct Handle {
    pid: Mutex<Option<u32>>,
}

impl Process {
    /// Starts `program` with these arguments.
    pub async fn start(program: &Path, arguments: Vec<OsString>) -> anyhow::Result<Self> {
        let (line_sender, lines) = mpsc::channel(WAITING_LINES);
        let (end_sender, ended) = oneshot::channel();
        let (start_sender, started) = oneshot::channel();
        let program = program.to_owned();
        std::thread::Builder::new().name("child".to_owned()).spawn(move || {
            let mut child = match spawn(&program, &arguments) {
                Ok(child) => child,
                Err(error) => {
                    // The asking side may have been dropped.
                    let _ = start_sender.send(Err(error));
                    return;
                }
            };
            let handle = Arc::new(Handle { pid: Mutex::new(Some(child.id())) });
            if start_sender.send(Ok(Arc::clone(&handle))).is_err() {
                handle.signal(platform::kill);
            }
            // Nobody waits any more if the process was dropped.
            let _ = end_sender.send(attend(&mut child, &line_sender, &handle));
        })?;
        let child = started.await.context("the thread of a child process ended early")??;
        Ok(Self { lines, ended: Some(ended), child })
    }

    /// The next line; `None` when both outputs are closed. Cancel-safe.
    pub async fn next_line(&mut self) -> Option<Line> {
        self.lines.recv().await
    }

    /// Waits until the child has ended; lines that were not read are dropped.
    pub async fn ended(&mut self) -> anyhow::Result<Ended> {
        self.lines.close();
        let ended = self.ended.take().context("the end of a child process was asked for twice")?;
        ended.await.context("the thread of a child process ended early")
    }

    /// Asks the child to come to a safe point and end.
    pub fn terminate(&self) {
        self.child.signal(platform::terminate);
    }

    /// Ends the child at once.
    pub fn kill(&self) {
        self.child.signal(platform::kill);
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

impl Handle {
    fn signal(&self, send: fn(u32)) {
        if let Some(pid) = *self.pid.lock().unwrap_or_else(PoisonError::into_inner) {
            send(pid);
        }
    }
}

fn spawn(program: &Path, arguments: &[OsString]) -> anyhow::Result<Child> {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    platform::bind_to_parent(&mut command);
    command.spawn().with_context(|| format!("{} could not be started", program.display()))
}

/// Reads the child's outputs to their end and waits for it.
fn attend(child: &mut Child, lines: &mpsc::Sender<Line>, handle: &Handle) -> Ended {
    let last_lines = Arc::new(Mutex::new(VecDeque::with_capacity(LAST_LINES)));
    let complaints = child.stderr.take().map(|stderr| {
        let (lines, last_lines) = (lines.clone(), Arc::clone(&last_lines));
        std::thread::spawn(move || {
            for_each_line(stderr, |line| {
                let mut last = last_lines.lock().unwrap_or_else(PoisonError::into_inner);
                if last.len() == LAST_LINES {
                    last.pop_front();
                }
                last.push_back(line.clone());
                drop(last);
                // The lines are read on when nobody wants them, so that the child never waits.
                let _ = lines.blocking_send(Line::Text(line));
            });
        })
    });
    if let Some(stdout) = child.stdout.take() {
        for_each_line(stdout, |line| {
            let line = serde_json::from_str(&line).map_or(Line::Text(line), Line::Json);
            let _ = lines.blocking_send(line);
        });
    }
    if let Some(complaints) = complaints {
        // It cannot panic; and if it did, its lines would be missing in a message.
        let _ = complaints.join();
    }
    let status = wait(child, handle);
    let last_lines = last_lines.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
    match status {
        Ok(status) => Ended {
            success: status.success(),
            killed: platform::was_killed(status),
            how: platform::describe(status),
            last_lines,
        },
        Err(error) => Ended { success: false, killed: false, how: error.to_string(), last_lines },
    }
}

/// Waits for a child whose outputs are closed: it ends now or has ended. Its number is its own until it was waited for, so
/// both happen under the lock. A child that goes on nevertheless is killed.
fn wait(child: &mut Child, handle: &Handle) -> std::io::Result<ExitStatus> {
    let until = Instant::now() + CLOSED_OUTPUTS;
    loop {
        let mut pid = handle.pid.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(status) = child.try_wait()? {
            *pid = None;
            return Ok(status);
        }
        drop(pid);
        if Instant::now() > until {
            handle.signal(platform::kill);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn for_each_line(stream: impl Read, mut take: impl FnMut(String)) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    loop {
        line.clear();
        match reader.by_ref().take(LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => take(String::from_utf8_lossy(&line).trim_end().to_owned()),
        }
    }
}

/// What the operating system gives: signals, and a child that ends with its parent.
#[cfg(unix)]
mod platform {
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Command, ExitStatus};

    pub fn terminate(pid: u32) {
        send(pid, libc::SIGTERM);
    }

    pub fn kill(pid: u32) {
        send(pid, libc::SIGKILL);
    }

    fn send(pid: u32, signal: libc::c_int) {
        let Ok(pid) = libc::pid_t::try_from(pid) else { return };
        // SAFETY: no memory is involved; the child has not been waited for, so that the number is still its own.
        unsafe { libc::kill(pid, signal) };
    }

    /// The child gets its own process group, so that Ctrl-C in the terminal reaches the server alone, which then stops the
    /// child in good order. On Linux it is killed when the thread that started it ends; elsewhere it goes on until it writes
    /// to its closed output.
    pub fn bind_to_parent(command: &mut Command) {
        command.process_group(0);
        #[cfg(target_os = "linux")]
        {
            let parent = std::process::id();
            let bind = move || {
                // SAFETY: both are plain system calls, allowed between fork and exec; no memory is involved.
                let (bound, now) =
                    unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
                if bound != 0 {
                    return Err(std::io::Error::last_os_error());
                }
                // The parent may have ended before the call.
                if u32::try_from(now) != Ok(parent) {
                    return Err(std::io::Error::from_raw_os_error(libc::ESRCH));
                }
                Ok(())
            };
            // SAFETY: `bind` allocates nothing and takes no lock.
            unsafe { command.pre_exec(bind) };
        }
    }

    pub fn was_killed(status: ExitStatus) -> bool {
        status.signal() == Some(libc::SIGKILL)
    }

    pub fn describe(status: ExitStatus) -> String {
        match (status.code(), status.signal()) {
            (_, Some(libc::SIGKILL)) => {
                "it was killed (signal 9), probably because the memory was not enough".to_owned()
            }
            (_, Some(signal)) => format!("it was ended by signal {signal}"),
            (Some(code), None) => format!("it ended with code {code}"),
            (None, None) => "it ended".to_owned(),
        }
    }
}

/// Without signals: a child is ended at once, and outlives a parent that was killed until it writes to its closed output.
#[cfg(not(unix))]
mod platform {
    use std::process::{Command, ExitStatus};

    pub fn terminate(pid: u32) {
        kill(pid);
    }

    pub fn kill(pid: u32) {
        // Fails only if it has ended, which is what is wanted.
        let _ = Command::new("taskkill").args(["/F", "/PID", &pid.to_string()]).output();
    }

    pub fn bind_to_parent(_: &mut Command) {}

    pub fn was_killed(_: ExitStatus) -> bool {
        false
    }

    pub fn describe(status: ExitStatus) -> String {
        status.code().map_or("it ended".to_owned(), |code| format!("it ended with code {code}"))
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    async fn shell(script: &str) -> Process {
        let arguments = ["-c", script].map(OsString::from).to_vec();
        Process::start(Path::new("/bin/sh"), arguments).await.expect("a shell starts")
    }

    /// Everything that the child writes, and how it ended.
    async fn outcome(mut process: Process) -> (Vec<String>, Ended) {
        let mut lines = Vec::new();
        while let Some(line) = process.next_line().await {
            lines.push(match line {
                Line::Json(value) => format!("json {value}"),
                Line::Text(text) => format!("text {text}"),
            });
        }
        let ended = process.ended().await.expect("it ended");
        (lines, ended)
    }

    #[tokio::test]
    async fn lines_arrive_in_order_and_the_last_words_are_the_reason() {
        let many = "i=0; while [ $i -lt 1000 ]; do echo \"{\\\"step\\\":$i}\"; i=$((i+1)); done";
        let (lines, ended) = outcome(shell(many).await).await;
        assert_eq!(lines.len(), 1000);
        assert_eq!((lines[0].as_str(), lines[999].as_str()), ("json {\"step\":0}", "json {\"step\":999}"));
        assert!(ended.success && ended.last_lines.is_empty());

        let (lines, ended) =
            outcome(shell("echo hello; echo 'error: no such model' >&2; exit 3").await).await;
        assert!(lines.contains(&"text hello".to_owned()) && lines.len() == 2, "{lines:?}");
        assert!(!ended.success);
        assert_eq!((ended.reason().as_str(), ended.how.as_str()), ("no such model", "it ended with code 3"));
        let (_, ended) = outcome(shell("kill -KILL $$").await).await;
        assert!(
            ended.reason().contains("signal 9") && ended.reason().contains("memory"),
            "{}",
            ended.reason()
        );
    }

    #[tokio::test]
    async fn a_failure_has_the_cause_that_the_child_told_or_that_its_end_shows() {
        let code = |error: &anyhow::Error| words::cause_of(error).map(|cause| cause.code);
        let (_, killed) = outcome(shell("kill -KILL $$").await).await;
        assert_eq!(code(&killed.failure(None)).as_deref(), Some("out_of_memory"));

        let (_, ended) = outcome(shell("echo 'error: the disk is full' >&2; exit 1").await).await;
        assert_eq!(code(&ended.failure(None)).as_deref(), Some("process_ended"));
        let line = serde_json::json!({ "code": "storage_full", "message": "writing: the disk is full" });
        let told = ended.failure(Some(&line));
        assert_eq!(
            (code(&told).as_deref(), told.to_string().as_str()),
            (Some("storage_full"), "writing: the disk is full")
        );
        let unforeseen = ended.failure(Some(&serde_json::json!({ "message": "unforeseen" })));
        assert_eq!((code(&unforeseen), unforeseen.to_string().as_str()), (None, "unforeseen"));
    }

    #[tokio::test]
    async fn a_child_may_come_to_a_safe_point_or_be_ended() {
        let patient =
            "trap 'echo \"{\\\"saved\\\":true}\"; exit 1' TERM; echo ready; while :; do sleep 0.01; done";
        let mut process = shell(patient).await;
        assert!(matches!(process.next_line().await, Some(Line::Text(_))));
        process.terminate();
        assert!(matches!(process.next_line().await, Some(Line::Json(_))));
        assert_eq!(process.ended().await.expect("it ended").how, "it ended with code 1");

        let mut deaf = shell("trap '' TERM; echo ready; while :; do sleep 0.01; done").await;
        assert!(deaf.next_line().await.is_some());
        deaf.terminate();
        deaf.kill();
        assert!(deaf.ended().await.expect("it ended").how.contains("signal 9"));
    }

    #[tokio::test]
    async fn a_dropped_child_is_ended() {
        let mut process = shell("echo $$; exec sleep 1000").await;
        let Some(Line::Json(pid)) = process.next_line().await else { panic!("a number") };
        let ended = process.ended.take().expect("not asked yet");
        drop(process);
        assert!(ended.await.expect("it is waited for").how.contains("signal 9"));
        assert!(!Path::new(&format!("/proc/{pid}")).exists());
    }

    #[tokio::test]
    async fn what_cannot_be_started_is_named() {
        let error = Process::start(Path::new("/nowhere/finetuneflow"), Vec::new()).await.unwrap_err();
        assert!(format!("{error:#}").contains("/nowhere/finetuneflow"), "{error:#}");
    }
}
