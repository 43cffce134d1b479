//! Exact repetitions, also between training and evaluation.

use super::{Check, Finding, FindingKind, Subject, repeats, training_first};
use crate::dedupe::{Deduplicated, dedupe};

/// The first of each content stays without finding; those to train on come before those for evaluation.
pub static CHECK: Check = Check {
    id: "duplicates",
    description: "no other example has exactly the same content",
    run: |subjects, _| {
        let (order, found) = ordered(subjects);
        let finding = |(copy, original): &(usize, usize)| {
            let (index, original) = (order[*copy], order[*original]);
            let (leaks, reason) = repeats(subjects, index, original, "the same as");
            let kind = if leaks { FindingKind::EvalOverlap } else { FindingKind::Duplicate };
            (index, Finding::new(kind, 0.0, reason, Vec::new()))
        };
        found.duplicates.iter().map(finding).collect()
    },
};

/// Positions with those of the training part first, and which of these repeat an earlier one.
pub(super) fn ordered(subjects: &[Subject]) -> (Vec<usize>, Deduplicated) {
    let order = training_first(subjects);
    let found = dedupe(order.iter().map(|index| subjects[*index].example));
    (order, found)
}
