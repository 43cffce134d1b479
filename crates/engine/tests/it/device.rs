//! The CPU device through the suite that every device runs, on each instruction set of this machine.

use std::process::Command;
use std::sync::Arc;

use engine::device::conformance::{Check, Extent, conformance};
use engine::device::cpu::CpuDevice;
use engine::device::cpu::gemm::{self, Isa};
use engine::trainer::proof::prove;

#[test]
fn every_operation_follows_its_definition() {
    assert_eq!(gemm::check_forced(), Ok(()));
    let checks = conformance(&CpuDevice::new(2), Extent::Long);
    let failed: Vec<&Check> = checks.iter().filter(|check| !check.passed()).collect();
    assert!(failed.is_empty(), "{:?}: {failed:#?}", gemm::isa());
}

/// The instruction set is chosen once a process: each one gets a process of its own, this test program again.
#[test]
fn every_instruction_set_of_this_machine_follows_the_definitions() {
    for isa in Isa::ALL.into_iter().filter(|isa| isa.available()) {
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "device::every_operation_follows_its_definition"])
            .env("FTF_CPU", isa.name())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{}: {text}", isa.name());
    }
}

#[test]
fn the_proof_names_every_operation_and_learns() {
    let device = Arc::new(CpuDevice::new(2));
    let proof = prove(device).unwrap();
    assert_eq!(proof.problem(), None);
    assert!(proof.ok && proof.training.tokens_per_second > 0.0, "{proof:?}");
    // The short form leaves no operation out.
    let long = conformance(&CpuDevice::new(2), Extent::Long);
    for check in long {
        assert!(proof.operations.iter().any(|known| known.operation == check.operation), "{check:?}");
    }
}
