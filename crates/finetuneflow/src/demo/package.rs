//! The files that a person takes away, in one zip.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use export::bundle::{Entry, write_bundle};
use export::certificate::{Certificate, CertificateRequest, certify};
use export::report::{
    AnswerFacts, CertificateFacts, DatasetFacts, Metrics, RunFacts, StepFacts, Totals, write_report,
};
use export::{Control, Quantization, Request};

use engine::trainer::TrainOptions;

use super::{Finished, Measured};

const GGUF: &str = "model-q8_0.gguf";

/// Adapter, merged model, GGUF (q8_0) and report into `out/finetuneflow-demo.zip`; and how the files compare with the
/// trained model.
pub(super) fn write(
    out: &Path,
    work: &Path,
    base: &Path,
    finished: &Finished,
    cancel: &AtomicBool,
) -> anyhow::Result<(PathBuf, Certificate)> {
    let control = Control { cancel, progress: &|_| {} };
    let adapter = &finished.options.output;
    let name = format!("FineTuneFlow demo on {}", finished.material.document_name);
    let mut entries = Vec::new();
    for (format, quantization, target) in
        [("peft", None, "peft"), ("merged", None, "merged"), ("gguf", Some(Quantization::Q8_0), GGUF)]
    {
        let format = export::format(format).context("the format is registered")?;
        let path = work.join("export").join(target);
        let request = Request {
            model: base,
            adapter: Some(adapter),
            quantization,
            name: Some(&name),
            provenance: None,
            out: &path,
        };
        (format.export)(&request, &control)?;
        entries.push(Entry { source: path, name: target.to_owned() });
    }
    let files: Vec<PathBuf> = entries.iter().map(|entry: &Entry| entry.source.clone()).collect();
    let certificate = certify(
        &CertificateRequest {
            model: base,
            adapter: Some(adapter),
            rows: &finished.material.eval_file,
            max_seq_len: None,
            files: &files,
            weights_in_bf16: false,
            threads: 0,
        },
        &control,
    )?;
    let facts = RunFacts { certificate: Some(CertificateFacts::from(&certificate)), ..facts(finished) };
    for path in write_report(&work.join("report"), &facts)? {
        let name = path.file_name().context("a report file has a name")?.to_string_lossy().into_owned();
        entries.push(Entry { source: path, name });
    }
    let zip = out.join("finetuneflow-demo.zip");
    write_bundle(&zip, &entries, &control)?;
    Ok((std::path::absolute(&zip).unwrap_or(zip), certificate))
}

fn facts(finished: &Finished) -> RunFacts {
    let Finished { material, options, summary, steps, before, after } = finished;
    let answers = material.questions.iter().enumerate().map(|(i, question)| AnswerFacts {
        question: question.question.clone(),
        expected: question.facts.first().cloned(),
        before: Some(before.answers[i].clone()),
        after: Some(after.answers[i].clone()),
        before_holds_fact: Some(before.right[i]),
        after_holds_fact: Some(after.right[i]),
        ..AnswerFacts::default()
    });
    let mut configuration = serde_json::to_value(options).unwrap_or_default();
    if let Some(settings) = configuration.as_object_mut() {
        // Folders of this machine mean nothing elsewhere.
        ["model", "data", "output", "init_adapter", "resume"].iter().for_each(|key| {
            settings.remove(*key);
        });
    }
    RunFacts {
        title: format!("Fine-tuning on {}", material.document_name),
        base_model: base_name(options),
        method: "lora".into(),
        configuration,
        dataset: DatasetFacts {
            name: material.document_name.clone(),
            sha256: Some(summary.data_sha256.clone()),
            train_examples: Some(material.examples as u64),
            eval_examples: Some(material.eval_rows as u64),
            supervised_tokens: Some(summary.supervised_tokens),
            sources: vec![material.document_name.clone()],
        },
        steps: steps
            .iter()
            .map(|step| StepFacts {
                step: step.step,
                loss: step.loss,
                grad_norm: Some(step.grad_norm),
                learning_rate: Some(step.learning_rate),
            })
            .collect(),
        before: Some(metrics(before)),
        after: Some(metrics(after)),
        answers: answers.collect(),
        totals: Totals {
            seconds: Some(summary.seconds),
            tokens: Some(summary.tokens),
            tokens_per_second: Some(summary.tokens_per_second),
            peak_memory_bytes: summary.peak_memory_bytes,
            trainable_parameters: Some(summary.trainable_parameters as u64),
        },
        notes: vec![
            "The examples were made by the offline generator from the document's own structure, without a language model.".into(),
            material.questions_note.into(),
        ],
        ..RunFacts::default()
    }
}

fn base_name(options: &TrainOptions) -> String {
    let folder =
        options.model.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    if folder == super::BASE_FOLDER {
        "FineTuneFlow base (bundled, tiny: for trying the studio, not for use)".into()
    } else {
        folder
    }
}

fn metrics(measured: &Measured) -> Metrics {
    Metrics {
        eval_loss: Some(measured.evaluation.eval_loss),
        perplexity: Some(measured.evaluation.perplexity),
        token_accuracy: Some(measured.evaluation.token_accuracy),
        supervised_tokens: Some(measured.evaluation.supervised_tokens as u64),
        facts: Some(measured.facts()),
    }
}
