//! Certificates: what passes, what is seen as another model, and what cannot be read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use export::certificate::{Certificate, CertificateRequest, Reason, Verdict, certify};
use export::{Control, ExportError, Quantization, format};
use serde_json::{Value, json};

use crate::tiny;

struct Place {
    folder: tempfile::TempDir,
    model: PathBuf,
    adapter: PathBuf,
    rows: PathBuf,
}

impl Place {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (model, adapter) = (tiny::write_model(folder.path()), tiny::write_adapter(folder.path()));
        let rows = folder.path().join("rows.jsonl");
        let row = |i: usize| {
            json!({"prompt": "ab a".repeat(1 + i % 3), "completion": "ba".repeat(1 + i % 2)}).to_string()
        };
        fs::write(&rows, (0..20).map(row).collect::<Vec<_>>().join("\n")).expect("written");
        Self { folder, model, adapter, rows }
    }

    fn export(&self, id: &str, quantization: Option<Quantization>, name: &str) -> PathBuf {
        let out = self.folder.path().join("out").join(name);
        let format = format(id).expect("in the registry");
        tiny::export(format, &self.model, Some(&self.adapter), quantization, &out).expect(name);
        out
    }

    fn certify(&self, files: &[PathBuf]) -> Result<Certificate, ExportError> {
        let request = CertificateRequest {
            model: &self.model,
            adapter: Some(&self.adapter),
            rows: &self.rows,
            max_seq_len: None,
            files,
            weights_in_bf16: false,
            threads: 1,
        };
        certify(&request, &Control { cancel: &AtomicBool::new(false), progress: &|_| {} })
    }
}

fn edit(path: &Path, change: impl FnOnce(&mut Value)) {
    let mut value: Value = serde_json::from_slice(&fs::read(path).expect("there")).expect("JSON");
    change(&mut value);
    fs::write(path, value.to_string()).expect("written");
}

#[test]
fn exports_of_the_trained_model_pass() {
    let place = Place::new();
    let files = [
        place.export("peft", None, "adapter"),
        place.export("merged", Some(Quantization::F32), "merged-f32"),
        place.export("merged", Some(Quantization::BF16), "merged-bf16"),
        place.export("gguf", Some(Quantization::F32), "f32.gguf"),
        place.export("gguf", Some(Quantization::Q8_0), "q8_0.gguf"),
        place.export("gguf-adapter", Some(Quantization::F32), "adapter-f32.gguf"),
        place.export("gguf-adapter", Some(Quantization::F16), "adapter-f16.gguf"),
    ];
    let certificate = place.certify(&files).expect("a certificate");
    let seen: Vec<_> = certificate
        .entries
        .iter()
        .map(|entry| (entry.format.as_str(), entry.quantization.as_deref(), entry.verdict, entry.reason))
        .collect();
    assert_eq!(
        seen,
        [
            ("peft", None, Verdict::Same, None),
            ("merged", Some("f32"), Verdict::Same, None),
            ("merged", Some("bf16"), Verdict::Close, Some(Reason::Rounding)),
            ("gguf", Some("f32"), Verdict::Same, None),
            ("gguf", Some("q8_0"), Verdict::Close, Some(Reason::Rounding)),
            ("gguf-adapter", Some("f32"), Verdict::Same, None),
            ("gguf-adapter", Some("f16"), Verdict::Same, None),
        ],
        "{certificate:#?}"
    );
    assert_eq!(certificate.verdict, Verdict::Close);
    assert_eq!((certificate.reference.rows, certificate.reference.prompts), (20, 8));
    for entry in &certificate.entries {
        let measured = entry.measured.as_ref().expect("measured");
        assert_eq!(measured.rows_equal, 20);
        assert!((measured.loss - certificate.reference.loss - measured.loss_difference).abs() < 1e-12);
        assert!(measured.kl_max >= measured.kl_mean && measured.kl_mean <= measured.kl_bound);
    }
}

#[test]
fn what_is_another_model_is_said_to_be_one() {
    let place = Place::new();
    let untrained = place.folder.path().join("out/untrained");
    tiny::export(format("merged").expect("there"), &place.model, None, None, &untrained).expect("exported");
    let scaled = place.export("peft", None, "scaled");
    edit(&scaled.join("adapter_config.json"), |config| config["lora_alpha"] = json!(2.0));
    let split = place.export("merged", Some(Quantization::F32), "split");
    edit(&split.join("tokenizer.json"), |tokenizer| tokenizer["model"]["merges"] = json!([]));
    // Of another alpha: what llama.cpp would add is not what was trained.
    let quieter = place.folder.path().join("out/quieter.gguf");
    let adapter_format = format("gguf-adapter").expect("there");
    tiny::export(adapter_format, &place.model, Some(&scaled), None, &quieter).expect("exported");
    let damaged = place.export("merged", Some(Quantization::F32), "damaged");
    fs::write(damaged.join("model.safetensors"), b"no weights").expect("written");
    let certificate = place.certify(&[untrained, scaled, quieter, split, damaged]).expect("a certificate");
    let seen: Vec<_> = certificate.entries.iter().map(|entry| (entry.verdict, entry.reason)).collect();
    let different = |reason| (Verdict::Different, Some(reason));
    assert_eq!(
        seen,
        [
            different(Reason::Distributions),
            different(Reason::Distributions),
            different(Reason::Distributions),
            different(Reason::TokenIds),
            different(Reason::Unreadable),
        ],
        "{certificate:#?}"
    );
    assert!(certificate.entries.iter().all(|entry| entry.detail.is_some()));
    assert_eq!(certificate.verdict, Verdict::Different);
}

#[test]
fn the_same_certificate_comes_back_from_json() {
    let place = Place::new();
    let certificate = place.certify(&[place.export("peft", None, "adapter")]).expect("a certificate");
    let text = serde_json::to_string(&certificate).expect("JSON");
    let back: Certificate = serde_json::from_str(&text).expect("a certificate");
    assert_eq!(back.entries, certificate.entries);
}

#[test]
fn a_certificate_stops_when_it_is_asked_to() {
    let place = Place::new();
    let request = CertificateRequest {
        model: &place.model,
        adapter: Some(&place.adapter),
        rows: &place.rows,
        max_seq_len: None,
        files: &[],
        weights_in_bf16: false,
        threads: 1,
    };
    let stopped = certify(&request, &Control { cancel: &AtomicBool::new(true), progress: &|_| {} });
    assert!(matches!(stopped, Err(ExportError::Cancelled)));
}
