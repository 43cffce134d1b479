//! What ends a run, and what it leaves: evaluations, early stopping, divergence, checkpoints.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use engine::adapters::peft::Adapter;
use engine::models::{adapt, load};
use engine::tokenizer::Tokenizer;
use engine::trainer::checkpoint;
use engine::trainer::options::OrderName;
use engine::trainer::{
    Divergence, EvaluationOptions, EvaluationReport, Method, RunLength, StepReport, TrainError, TrainEvent,
    TrainOptions, TrainSummary, evaluate, train,
};
use serde_json::{Value, json};

use crate::training::{Bench, figures};

/// Everything that a run told.
#[derive(Default)]
struct Told {
    steps: Vec<StepReport>,
    evaluations: Vec<EvaluationReport>,
    checkpoints: Vec<u64>,
    stopped_at: Option<u64>,
    warnings: Vec<String>,
    outcome: Option<Result<TrainSummary, TrainError>>,
}

impl Told {
    fn summary(&self) -> &TrainSummary {
        self.outcome.as_ref().unwrap().as_ref().unwrap()
    }

    fn error(&self) -> &TrainError {
        self.outcome.as_ref().unwrap().as_ref().unwrap_err()
    }

    fn measured(&self) -> Vec<(u64, f64, bool)> {
        self.evaluations.iter().map(|e| (e.at_step, e.evaluation.eval_loss, e.best)).collect()
    }
}

/// Runs until its end, or until it has told this event.
fn run_until(options: &TrainOptions, stop: impl Fn(&TrainEvent) -> bool) -> Told {
    let cancel = AtomicBool::new(false);
    let mut told = Told::default();
    let outcome = train(options, &cancel, &mut |event| {
        cancel.fetch_or(stop(&event), Ordering::Relaxed);
        match event {
            TrainEvent::Step(step) => told.steps.push(step),
            TrainEvent::Evaluation(evaluation) => told.evaluations.push(evaluation),
            TrainEvent::Checkpoint { at_step, .. } => told.checkpoints.push(at_step),
            TrainEvent::StoppedEarly { at_step, .. } => told.stopped_at = Some(at_step),
            TrainEvent::Warning(notice) => told.warnings.push(notice.kind),
            TrainEvent::Started(_) => {}
        }
    });
    told.outcome = Some(outcome);
    told
}

fn run(options: &TrainOptions) -> Told {
    run_until(options, |_| false)
}

/// Held-out rows: the first half as in training, the second of another kind; the last is longer than any training row.
fn write_held_out(bench: &Bench) {
    let rows: Vec<String> = [9u32, 31, 60, 110]
        .iter()
        .enumerate()
        .map(|(row, &len)| {
            let other = if row < 2 { 0 } else { 1700 };
            let ids: Vec<u32> =
                (0..len).map(|i| (37 * row as u32 + 11 * i) % 500 + 3 + other * (i % 2)).collect();
            json!({ "input_ids": ids }).to_string()
        })
        .collect();
    fs::write(bench.path("held-out.jsonl"), rows.join("\n")).unwrap();
}

/// More steps than any run with early stopping should take.
const LONGEST: u64 = 99;

/// A run that first learns and then only remembers: the evaluation loss falls and rises again.
fn evaluated(bench: &Bench, run: &str) -> TrainOptions {
    TrainOptions {
        length: RunLength::Steps(LONGEST),
        order: OrderName::Shuffle,
        packing: true,
        micro_batch_size: 1,
        evaluation: EvaluationOptions {
            data: Some(bench.path("held-out.jsonl")),
            steps: 3,
            patience: 3,
            min_delta: 0.001,
        },
        checkpoint_steps: 4,
        ..bench.options(run)
    }
}

fn kept(bench: &Bench, run: &str) -> Vec<u64> {
    checkpoint::list(&bench.path(run)).into_iter().map(|(step, _)| step).collect()
}

#[test]
fn the_best_evaluation_stops_the_run_and_is_its_result() {
    let bench = Bench::new();
    write_held_out(&bench);
    let told = run(&evaluated(&bench, "run"));
    let measured = told.measured();
    let at: Vec<u64> = measured.iter().map(|(step, ..)| *step).collect();
    assert_eq!(at, (1..=at.len() as u64).map(|i| 3 * i).collect::<Vec<_>>());
    let lowest = measured.iter().map(|(_, loss, _)| *loss).fold(f64::INFINITY, f64::min);
    let &(best_step, ..) = measured.iter().find(|(_, loss, _)| *loss == lowest).unwrap();
    let last = *at.last().unwrap();
    let summary = told.summary();
    assert!(3 < best_step && best_step < last && last < LONGEST, "neither end: {measured:?}");
    assert_eq!((summary.best_step, summary.best_eval_loss), (Some(best_step), Some(lowest)));
    assert_eq!((summary.stopped_early, summary.steps, told.stopped_at), (true, last, Some(last)));
    assert!(kept(&bench, "run").contains(&best_step), "the best checkpoint is kept");
    assert_eq!(kept(&bench, "run").len(), 3, "with the last two");

    // The result is what a run of so many steps leaves, and measures as it was reported.
    let options = TrainOptions { length: RunLength::Steps(best_step), ..evaluated(&bench, "short") };
    let short = run(&TrainOptions { evaluation: EvaluationOptions::default(), ..options });
    assert_eq!(figures(&short.steps), figures(&told.steps[..best_step as usize]));
    let adapter = |run: &str| Adapter::read(&bench.path(run)).unwrap();
    assert!(adapter("run") == adapter("short"), "the same to the last bit");
    let mut decoder = bench.decoder(load::Base::Frozen);
    adapt::attach_adapter(&mut decoder, &adapter("run"), false).unwrap();
    let tokenizer = Tokenizer::open(&bench.path("model")).unwrap();
    let encode = engine::batching::EncodeOptions::new(128);
    let held_out =
        engine::batching::encode_file(&bench.path("held-out.jsonl"), &tokenizer, None, &encode).unwrap();
    let measured = evaluate(&decoder, &held_out, &AtomicBool::new(false)).unwrap();
    // Other micro-batches, so the sums round otherwise.
    assert!((measured.eval_loss - lowest).abs() < 1e-5 * lowest, "{} and {lowest}", measured.eval_loss);
    let config: Value =
        serde_json::from_slice(&fs::read(bench.path("run/training_config.json")).unwrap()).unwrap();
    assert_eq!(config["best_step"], best_step);
}

#[test]
fn evaluations_change_no_step_and_come_at_each_epoch_if_nothing_else_is_said() {
    let bench = Bench::new();
    write_held_out(&bench);
    let options = |run: &str, data| TrainOptions {
        // Two packs an epoch.
        length: RunLength::Steps(7),
        evaluation: EvaluationOptions { data, ..EvaluationOptions::default() },
        ..evaluated(&bench, run)
    };
    let with = run(&options("with", Some(bench.path("held-out.jsonl"))));
    let at: Vec<u64> = with.evaluations.iter().map(|evaluation| evaluation.at_step).collect();
    assert_eq!(at, [2, 4, 6, 7]);
    let without = run(&options("without", None));
    assert_eq!(figures(&with.steps), figures(&without.steps));
    assert_eq!((without.evaluations.len(), without.summary().best_step), (0, None));
    for report in &with.evaluations {
        let evaluation = report.evaluation;
        assert_eq!(evaluation.supervised_tokens, 9 + 31 + 60 + 110 - 4);
        assert!((evaluation.perplexity.ln() - evaluation.eval_loss).abs() < 1e-9);
        assert!((0.0..=1.0).contains(&evaluation.token_accuracy));
        let json = serde_json::to_value(report).unwrap();
        assert_eq!((&json["event"], json.get("step"), json.get("loss")), (&json!("evaluation"), None, None));
    }
}

#[test]
fn a_resumed_run_stops_where_an_undisturbed_one_does() {
    let bench = Bench::new();
    write_held_out(&bench);
    let whole = run(&evaluated(&bench, "whole"));
    let last = whole.summary().steps;
    let (best, result) = (whole.summary().best_step, Adapter::read(&bench.path("whole")).unwrap());
    for stop in 1..=last {
        let name = format!("stopped-{stop}");
        let options = evaluated(&bench, &name);
        // Alternately within an epoch, and between a step and its evaluation.
        let first = run_until(&options, |event| matches!(event, TrainEvent::Step(step) if step.step == stop));
        let Some(Err(TrainError::Cancelled { step })) = first.outcome else {
            assert_eq!(stop, last, "only the last step is not stopped after");
            continue;
        };
        assert_eq!(step, stop);
        let second = run(&TrainOptions { resume: true, ..options.clone() });
        assert_eq!(figures(&second.steps), figures(&whole.steps[stop as usize..]), "stopped at {stop}");
        assert_eq!([first.measured(), second.measured()].concat(), whole.measured(), "stopped at {stop}");
        assert_eq!((second.summary().steps, second.summary().best_step), (last, best));
        assert_eq!(second.summary().train_loss, whole.summary().train_loss, "stopped at {stop}");
        assert!(Adapter::read(&bench.path(&name)).unwrap() == result, "stopped at {stop}");
        // A finished run that is asked to go on has nothing to do and leaves the same.
        let third = run(&TrainOptions { resume: true, ..options });
        assert_eq!((third.steps.len(), third.evaluations.len(), third.summary().steps), (0, 0, last));
        assert!(Adapter::read(&bench.path(&name)).unwrap() == result, "stopped at {stop}, finished twice");
    }
    let other = EvaluationOptions { patience: 2, ..evaluated(&bench, "whole").evaluation };
    let refused = run(&TrainOptions { resume: true, evaluation: other, ..evaluated(&bench, "whole") });
    assert!(refused.error().to_string().contains("evaluation"), "{}", refused.error());
}

/// Changes `state.json` of a checkpoint.
fn edit_state(bench: &Bench, run: &str, step: u64, edit: impl FnOnce(&mut Value)) {
    let path = checkpoint::path_of(&bench.path(run), step).join("state.json");
    let mut state = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    edit(&mut state);
    fs::write(&path, state.to_string()).unwrap();
}

#[test]
fn a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_checkpoint() {
    let bench = Bench::new();
    let options = TrainOptions {
        method: Method::Full,
        length: RunLength::Steps(8),
        checkpoint_steps: 1,
        keep_checkpoints: 1,
        ..bench.options("run")
    };
    run_until(&options, |event| matches!(event, TrainEvent::Step(step) if step.step == 4));
    // From the fourth step on with a learning rate that spoils the weights at once.
    edit_state(&bench, "run", 4, |state| state["fingerprint"]["learning_rate"] = json!(1e30));
    let spoiled = TrainOptions { resume: true, learning_rate: 1e30, ..options.clone() };
    let told = run(&spoiled);
    let TrainError::Diverged(diverged) = told.error() else { panic!("{}", told.error()) };
    assert_eq!((diverged.step, told.steps.len()), (6, 1), "step 5 spoiled the weights, step 6 saw it");
    let (Divergence::Loss(figure) | Divergence::GradientNorm(figure)) = diverged.divergence else {
        panic!("{diverged}")
    };
    assert!(!figure.is_finite(), "{diverged}");
    assert_eq!(kept(&bench, "run"), [4], "the weights after step 5 are not kept");
    let message = told.error().to_string();
    assert!(
        ["step 6", "step 4", "step-00000004", "--resume", "--learning-rate"]
            .iter()
            .all(|word| message.contains(word)),
        "{message}"
    );
    // What the message says works.
    let lower = run(&TrainOptions { resume: true, ..options.clone() });
    assert_eq!(lower.warnings.last().unwrap(), "LearningRateLowered");
    assert_eq!((lower.steps[0].step, lower.summary().steps), (5, 8));
    // And is what the run would have done from the start.
    let calm = run(&TrainOptions { output: bench.path("calm"), ..options });
    assert_eq!(figures(&lower.steps), figures(&calm.steps[4..]));

    let first = run(&TrainOptions { output: bench.path("first"), resume: false, ..spoiled });
    let message = first.error().to_string();
    assert!(message.contains("step 2") && message.contains("before a checkpoint"), "{message}");
}

#[test]
fn a_learning_rate_that_diverges_is_found_before_it_spoils_the_checkpoints() {
    let bench = Bench::new();
    // A base that knows the rows by heart has something to lose.
    let learn = TrainOptions {
        method: Method::Full,
        length: RunLength::Steps(150),
        micro_batch_size: 8,
        learning_rate: 5e-3,
        ..bench.options("base")
    };
    assert!(run(&learn).steps.last().unwrap().loss < 0.5);
    let options = TrainOptions {
        model: bench.path("base"),
        length: RunLength::Steps(400),
        learning_rate: 2.0,
        warmup_steps: 400,
        packing: true,
        micro_batch_size: 1,
        checkpoint_steps: 1,
        ..bench.options("run")
    };
    let told = run(&options);
    let TrainError::Diverged(diverged) = told.error() else { panic!("{}", told.error()) };
    let Divergence::Rising { smoothed, start } = diverged.divergence else { panic!("{diverged}") };
    // Half of what guessing among 4,096 tokens costs is the higher of the two limits here.
    let limit = (3.0 * start + 1.0).max(4096f64.ln() / 2.0);
    assert!(start < 0.5 && smoothed > limit, "{diverged}");
    let &(good, ref path) = diverged.checkpoint.as_ref().expect("there was a good one");
    assert!(good < diverged.step && path.ends_with(Path::new(&format!("step-{good:08}"))), "{diverged}");
    let message = told.error().to_string();
    assert!(message.contains(&format!("step {}", diverged.step)), "{message}");
    // The next loss of the last good weights is not above the limit.
    let after = told.steps.iter().find(|step| step.step == good + 1).unwrap();
    assert!(good > 1 && after.loss <= limit, "step {good}: {}", after.loss);
}

#[test]
fn checkpoints_are_whole_or_absent_and_only_some_are_kept() {
    let bench = Bench::new();
    let options = TrainOptions {
        length: RunLength::Steps(9),
        checkpoint_steps: 2,
        keep_checkpoints: 2,
        ..bench.options("run")
    };
    let first = run_until(&options, |event| matches!(event, TrainEvent::Step(step) if step.step == 5));
    assert_eq!((first.checkpoints.as_slice(), kept(&bench, "run")), ([2, 4, 5].as_slice(), vec![4, 5]));
    // What a process leaves that ends while it writes or removes one.
    let folder = bench.path("run/checkpoints");
    fs::create_dir(folder.join("writing-00000007")).unwrap();
    fs::write(folder.join("writing-00000007/trained.safetensors"), "half").unwrap();
    fs::create_dir(folder.join("removing-00000002")).unwrap();
    fs::write(folder.join("notes.txt"), "a person's").unwrap();
    let second = run(&TrainOptions { resume: true, ..options });
    assert_eq!((second.steps[0].step, second.checkpoints.as_slice()), (6, [6, 8].as_slice()));
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["notes.txt", "step-00000008", "step-00000009"]);
}

/// A checkpoint of version 1, ready to go on, from `fixtures/checkpoint_v1`: its run had six steps and left the third, or,
/// packed, nine and the fourth, which is the first of the second epoch.
fn earlier(bench: &Bench, packing: bool) -> TrainOptions {
    let (fixture, step, steps) = if packing { ("packed", 4, 9) } else { ("unpacked", 3, 6) };
    let checkpoints = bench.path(fixture).join(format!("checkpoints/step-{step:08}"));
    fs::create_dir_all(&checkpoints).unwrap();
    for name in ["state.json", "trained.safetensors"] {
        fs::copy(version_1(fixture).join(name), checkpoints.join(name)).unwrap();
    }
    TrainOptions {
        rank: 2,
        alpha: 4.0,
        target_modules: vec!["q_proj".into()],
        length: RunLength::Steps(steps),
        order: OrderName::Shuffle,
        packing,
        micro_batch_size: if packing { 1 } else { 2 },
        max_seq_len: if packing { 80 } else { 128 },
        resume: true,
        ..bench.options(fixture)
    }
}

fn version_1(fixture: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoint_v1").join(fixture)
}

#[test]
fn a_checkpoint_of_an_earlier_version_goes_on_or_is_refused_by_name() {
    let bench = Bench::new();
    for packing in [false, true] {
        let options = earlier(&bench, packing);
        let told = run(&options);
        // What version 1 gave after its own checkpoint.
        let fixture = version_1(if packing { "packed" } else { "unpacked" });
        let want: Vec<f64> =
            serde_json::from_str(&fs::read_to_string(fixture.join("losses.json")).unwrap()).unwrap();
        assert_eq!(told.steps.len(), want.len());
        for (step, want) in told.steps.iter().zip(want) {
            // Another processor's kernels add in another order.
            assert!((step.loss - want).abs() < 1e-4 * want, "step {}: {} and {want}", step.step, step.loss);
        }
    }

    for (field, value, reason) in [
        ("version", json!(99), "version 99"),
        ("version", json!("one"), "version 0"),
        ("step", json!("three"), "state.json"),
    ] {
        let options = earlier(&bench, false);
        edit_state(&bench, "unpacked", 3, |state| state[field] = value);
        let refused = run(&options).error().to_string();
        assert!(refused.contains(reason) && refused.contains("state.json"), "{refused}");
    }
}
