//! A training that is killed again and again, also while it writes a checkpoint, ends as one that nobody disturbed.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::support::{program, rows};

/// So many that no child comes to its end before a kill, however late that comes on a busy machine.
const STEPS: u64 = 240;
const ROUNDS: usize = 12;

/// When a child is ended.
enum Moment {
    /// After so many lines of its report, by SIGKILL.
    Line(usize),
    /// When it writes a file longer than so many blocks (of 512 or 1024 bytes, as the shell counts): the system ends it in
    /// the middle of the write.
    FileSize(u64),
    Never,
}

struct Training {
    folder: tempfile::TempDir,
}

impl Training {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("train.jsonl"), rows(40)).expect("writes");
        fs::write(folder.path().join("held-out.jsonl"), rows(8)).expect("writes");
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&self, run: &str, moment: &Moment) -> Child {
        let mut command = match moment {
            Moment::FileSize(blocks) => {
                let mut shell = Command::new("sh");
                let script = format!("ulimit -c 0; ulimit -f {blocks}; exec \"$@\"");
                shell.args(["-c", &script, "sh"]).arg(program());
                shell
            }
            Moment::Line(_) | Moment::Never => Command::new(program()),
        };
        let model = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../base-model/model");
        command.args(["train", "--json", "--resume", "--model"]).arg(model);
        for (flag, name) in [("--data", "train.jsonl"), ("--eval-data", "held-out.jsonl"), ("--out", run)] {
            command.arg(flag).arg(self.path(name));
        }
        let settings = format!(
            "--max-steps {STEPS} --eval-steps 3 --patience 100 --checkpoint-steps 2 --keep-checkpoints 1 --rank 4 \
             --micro-batch-size 1 --max-seq-len 96 --gradient-accumulation-steps 2 --learning-rate 1e-3 --threads 2"
        );
        command.args(settings.split(' ')).env("FTF_DATA_DIR", self.folder.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().expect("starts")
    }

    /// Runs a child until it ends or is ended. The answer is what it told, and whether it came to its end.
    fn child(&self, run: &str, moment: Moment) -> (Report, bool) {
        let mut child = self.start(run, &moment);
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut told = Vec::new();
        for line in lines {
            told.push(line.expect("text"));
            if matches!(moment, Moment::Line(count) if count == told.len()) {
                child.kill().expect("is killed");
            }
        }
        (report(&told), child.wait().expect("ends").success())
    }

    fn result(&self, run: &str) -> Vec<u8> {
        fs::read(self.path(run).join("adapter_model.safetensors")).expect("an adapter")
    }

    /// Whether the last child ended while it wrote a checkpoint.
    fn was_writing(&self, run: &str) -> bool {
        fs::read_dir(self.path(run).join("checkpoints"))
            .expect("a folder")
            .any(|entry| entry.expect("an entry").file_name().to_string_lossy().starts_with("writing-"))
    }
}

/// Losses and norms to the last digit, by event and step.
type Report = BTreeMap<(&'static str, String), Vec<String>>;

fn report(lines: &[String]) -> Report {
    let field = |line: &str, name: &str| {
        let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
        Some(rest.split([',', '}']).next().unwrap_or_default().to_owned())
    };
    let entry = |line: &String| {
        let kinds: [(&str, &str, &[&str]); 3] = [
            ("step", "step", &["loss", "grad_norm", "learning_rate", "epoch"]),
            ("evaluation", "at_step", &["eval_loss", "token_accuracy", "best"]),
            ("summary", "steps", &["train_loss", "tokens", "best_step", "best_eval_loss", "stopped_early"]),
        ];
        kinds.into_iter().find_map(|(kind, step, fields)| {
            let values: Option<Vec<String>> = fields.iter().map(|name| field(line, name)).collect();
            Some(((kind, field(line, step)?), values?))
        })
    };
    lines.iter().filter_map(entry).collect()
}

/// SplitMix64: which moments are tried is the same every time.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let z = (*state ^ (*state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[test]
fn a_killed_training_ends_as_an_undisturbed_one() {
    let training = Training::new();
    let (calm, ended) = training.child("calm", Moment::Never);
    assert!(ended);
    assert_eq!(calm.len() as u64, STEPS + STEPS / 3 + 1, "{calm:?}");
    let checkpoint = training.path(&format!("calm/checkpoints/step-{STEPS:08}/trained.safetensors"));
    let blocks = fs::metadata(checkpoint).expect("a checkpoint").len() / 1024;

    let mut seed = 7;
    let mut seen = Report::new();
    let mut killed_while_writing = 0;
    for round in 0..ROUNDS {
        let number = random(&mut seed);
        let writing = round % 3 == 2;
        let moment = if writing {
            Moment::FileSize(1 + number % (blocks - 1))
        } else {
            Moment::Line(1 + (number % 9) as usize)
        };
        let (told, ended) = training.child("killed", moment);
        assert!(!ended, "round {round} was killed");
        if writing {
            assert!(training.was_writing("killed"), "round {round}");
            killed_while_writing += 1;
        }
        for (event, values) in told {
            assert_eq!(calm.get(&event), Some(&values), "{event:?} in round {round}");
            seen.insert(event, values);
        }
    }
    assert_eq!(killed_while_writing, ROUNDS / 3);
    let (told, ended) = training.child("killed", Moment::Never);
    assert!(ended);
    seen.extend(told);
    assert_eq!(seen, calm);
    assert!(
        training.result("killed") == training.result("calm"),
        "the adapters are the same to the last bit"
    );
}
