//! Examples with nearly the same words, also between training and evaluation. Exact repetitions are the other check's.

use std::collections::BTreeSet;

use super::duplicates::ordered;
use super::minhash::{BANDS, Signature, jaccard, shingles};
use super::{Check, CheckOptions, Finding, FindingKind, Found, Part, Subject, repeats};
use crate::example::Example;

/// Finds for each example the most similar earlier one.
pub static CHECK: Check =
    Check { id: "near_duplicates", description: "no other example has nearly the same words", run };

/// Of a bucket only the first members are compared with the others, so that a set of a thousand near copies costs
/// a thousand comparisons and not a million: the copies are like these too.
const COMPARED: usize = 8;
/// The estimate may be so much too low; the true similarity decides.
const ESTIMATE_MARGIN: f64 = 0.15;

fn run(subjects: &[Subject], options: &CheckOptions) -> Found {
    let (order, found) = ordered(subjects);
    let distinct: Vec<usize> = found.kept.iter().map(|position| order[*position]).collect();
    let examples: Vec<&Example> = distinct.iter().map(|index| subjects[*index].example).collect();
    let trained = distinct.iter().filter(|index| subjects[**index].part == Part::Train).count();
    let mut pairs = similar(&examples, options.min_similarity, trained);
    if trained < examples.len() {
        // A likeness within the evaluation part must not hide one to what is trained on.
        let leaks: BTreeSet<usize> = pairs.iter().map(|(later, ..)| *later).collect();
        let others = similar(&examples, options.min_similarity, examples.len());
        pairs.extend(others.into_iter().filter(|(later, ..)| !leaks.contains(later)));
    }
    let mut findings = Vec::new();
    for (later, earlier, similarity) in pairs {
        let (index, original) = (distinct[later], distinct[earlier]);
        let how = format!("{:.0} % the same as", 100.0 * similarity);
        let (leaks, reason) = repeats(subjects, index, original, &how);
        let (kind, factor) =
            if leaks { (FindingKind::EvalOverlap, 0.2) } else { (FindingKind::NearDuplicate, 0.5) };
        findings.push((index, Finding::new(kind, factor, reason, Vec::new())));
    }
    findings
}

fn example_shingles(example: &Example) -> Vec<u64> {
    shingles(example.messages.iter().map(|message| message.content.as_str()))
}

/// (later, earlier, similarity) for each example that is at least so similar to an earlier one of the first `originals`.
pub(crate) fn similar(
    examples: &[&Example],
    min_similarity: f64,
    originals: usize,
) -> Vec<(usize, usize, f64)> {
    // Without words there is nothing to compare.
    let signatures: Vec<Option<Signature>> = examples
        .iter()
        .map(|example| Some(example_shingles(example)).filter(|set| !set.is_empty()))
        .map(|set| set.map(|set| Signature::of(&set)))
        .collect();
    let mut best: Vec<Option<(f64, usize)>> = vec![None; examples.len()];
    for band in 0..BANDS {
        let mut buckets: Vec<(u64, usize)> = signatures
            .iter()
            .enumerate()
            .filter_map(|(index, signature)| Some((signature.as_ref()?.bucket(band), index)))
            .collect();
        buckets.sort_unstable();
        for bucket in buckets.chunk_by(|one, other| one.0 == other.0) {
            for (place, (_, later)) in bucket.iter().enumerate() {
                let earlier = &bucket[..place.min(COMPARED)];
                for (_, earlier) in earlier.iter().filter(|(_, earlier)| *earlier < originals) {
                    let (Some(one), Some(other)) = (&signatures[*later], &signatures[*earlier]) else {
                        continue;
                    };
                    let estimate = one.similarity(other);
                    if best[*later].is_none_or(|(known, _)| estimate > known) {
                        best[*later] = Some((estimate, *earlier));
                    }
                }
            }
        }
    }
    let verified = |(later, best): (usize, Option<(f64, usize)>)| {
        let (_, earlier) = best.filter(|(estimate, _)| *estimate >= min_similarity - ESTIMATE_MARGIN)?;
        let similarity = jaccard(&example_shingles(examples[later]), &example_shingles(examples[earlier]));
        (similarity >= min_similarity).then_some((later, earlier, similarity))
    };
    best.into_iter().enumerate().filter_map(verified).collect()
}
