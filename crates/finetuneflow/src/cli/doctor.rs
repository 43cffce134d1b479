//! `doctor`: what this machine can do, and whether the studio would start here.

use std::sync::Arc;

use anyhow::bail;
use engine::device::cpu::{CpuDevice, gemm};
use engine::trainer::proof::{Proof, prove};
use serde::Serialize;
use store::{DataFolder, Database};

use super::Context;
use super::serve::sources;
use crate::config::Config;
use crate::machine;

/// Check this machine: processor, memory, a tiny training on each device, data folder, database
#[derive(clap::Args)]
pub struct Args {}

/// One line of the report.
#[derive(Debug, Serialize)]
struct Finding {
    check: &'static str,
    ok: bool,
    message: String,
}

#[derive(Serialize)]
struct Report<'a> {
    ok: bool,
    findings: &'a [Finding],
    /// What each device showed.
    devices: &'a [Proof],
}

pub fn run(_args: Args, context: &Context) -> anyhow::Result<()> {
    let mut findings = vec![processor(), memory()];
    let devices = [prove(Arc::new(CpuDevice::new(0)))?];
    findings.extend(devices.iter().map(proven));
    match Config::load(&sources(context)) {
        Ok(config) => findings.extend(of_config(&config)?),
        Err(error) => findings.push(Finding { check: "settings", ok: false, message: error.to_string() }),
    }
    let ok = findings.iter().all(|finding| finding.ok);
    if context.json {
        context.emit(&Report { ok, findings: &findings, devices: &devices })?;
    } else {
        for Finding { check, ok, message } in &findings {
            println!("{} {check:<12} {message}", if *ok { "ok  " } else { "FAIL" });
        }
    }
    match findings.iter().find(|finding| !finding.ok) {
        Some(finding) => bail!("{}: {}", finding.check, finding.message),
        None => Ok(()),
    }
}

fn processor() -> Finding {
    let name = machine::processor_name().unwrap_or_else(|| "processor of unknown name".to_owned());
    let message = format!("{name}, {} threads, computes with {}", machine::threads(), gemm::isa().name());
    match gemm::check_forced() {
        Ok(()) => Finding { check: "processor", ok: true, message },
        Err(problem) => Finding { check: "processor", ok: false, message: problem },
    }
}

fn proven(proof: &Proof) -> Finding {
    let training = &proof.training;
    let message = proof.problem().unwrap_or_else(|| {
        let worst = proof.worst().map_or(String::new(), |worst| {
            format!(" (worst {}: off by {:.1e} of {:.0e})", worst.operation, worst.error, worst.tolerance)
        });
        format!(
            "{} operations agree with their definitions{worst}; a tiny model went from loss {:.2} to {:.2} in {} \
             steps, its gradient off by {:.1e} of {:.0e}, {:.0} tokens/s",
            proof.operations.len(),
            training.first_loss,
            training.last_loss,
            training.steps,
            training.gradient_error,
            training.gradient_tolerance,
            training.tokens_per_second
        )
    });
    Finding { check: "device", ok: proof.ok, message: format!("{}: {message}", proof.device) }
}

fn memory() -> Finding {
    let gibibytes = |bytes: u64| bytes as f64 / f64::from(1 << 30);
    let message = match machine::memory() {
        Some(memory) => format!(
            "{:.1} GiB, {:.1} GiB free",
            gibibytes(memory.total_bytes),
            gibibytes(memory.available_bytes)
        ),
        None => "this system does not tell".to_owned(),
    };
    Finding { check: "memory", ok: true, message }
}

fn of_config(config: &Config) -> anyhow::Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let path = config.data_dir.display();
    let free = machine::disk(&config.data_dir).map(|disk| format!(", {} MiB free", disk.free_bytes >> 20));
    let folder = match DataFolder::open(&config.data_dir) {
        Ok(folder) => folder,
        Err(store::StoreError::DataFolderInUse { owner, .. }) => {
            let message =
                format!("{path} is in use by a running FineTuneFlow ({owner}); its database was not opened");
            findings.push(Finding { check: "data folder", ok: true, message });
            return Ok(findings);
        }
        Err(error) => {
            findings.push(Finding { check: "data folder", ok: false, message: error.to_string() });
            return Ok(findings);
        }
    };
    let message = format!("{path} can be written{}", free.unwrap_or_default());
    findings.push(Finding { check: "data folder", ok: true, message });
    findings.push(database(config, &folder)?);
    Ok(findings)
}

fn database(config: &Config, folder: &DataFolder) -> anyhow::Result<Finding> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let opened = runtime.block_on(async {
        let database = Database::open(&config.database_url, &folder.backups()).await?;
        let message = format!("{}, schema {}", database.backend_name(), database.schema_version().await?);
        database.close().await?;
        Ok::<_, store::StoreError>(message)
    });
    Ok(match opened {
        Ok(message) => Finding { check: "database", ok: true, message },
        Err(error) => Finding { check: "database", ok: false, message: error.to_string() },
    })
}
