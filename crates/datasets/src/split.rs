//! Training and evaluation parts, the same for the same examples and seed, whatever their order.
//!
//! Two evaluation parts, to be reported apart: *recall* asks about sections that are trained on, in other words; *held-out*
//! asks about sections of which nothing is trained on.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::example::{Example, Provenance};

/// How to split.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SplitOptions {
    /// Share of the recall part, 0 to 0.5 of what is not held out.
    pub eval_fraction: f64,
    /// Share of the examples whose whole sections are held out, 0 to 0.5; 0 holds none out.
    pub held_out_fraction: f64,
    /// Another seed chooses other examples.
    pub seed: u64,
}

impl Default for SplitOptions {
    fn default() -> Self {
        Self { eval_fraction: 0.1, held_out_fraction: 0.0, seed: 0 }
    }
}

/// Indices of the parts, each in the examples' order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Split {
    /// To train on.
    pub train: Vec<usize>,
    /// To evaluate on: their sections are trained on.
    pub recall: Vec<usize>,
    /// To evaluate on: nothing of their sections is trained on.
    pub held_out: Vec<usize>,
}

/// Splits by rank of a seeded hash of the content. From two examples on, at least one is for recall (unless the share
/// is 0), and at least one for training. Recall first takes examples whose answer is also asked for in other words, as long
/// as one of these is left to train on: what stands in a single example is not kept from the model. Sections are held out whole; an example of unknown section never is.
pub fn split(examples: &[&Example], options: SplitOptions) -> Split {
    let mut split = Split { held_out: held_out(examples, options), ..Split::default() };
    let mut ranked: Vec<([u8; 32], usize)> = examples
        .iter()
        .enumerate()
        .filter(|(index, _)| split.held_out.binary_search(index).is_err())
        .map(|(index, example)| (rank(options.seed, &example.content_hash()), index))
        .collect();
    ranked.sort_unstable();
    let fraction = options.eval_fraction.clamp(0.0, 0.5);
    let wanted = (ranked.len() as f64 * fraction).round() as usize;
    let count = if fraction == 0.0 || ranked.len() < 2 { 0 } else { wanted.clamp(1, ranked.len() - 1) };
    (split.recall, split.train) = recall_first(examples, ranked, count);
    split
}

/// So many for recall, the others to train on, each in the examples' order.
fn recall_first(
    examples: &[&Example],
    ranked: Vec<([u8; 32], usize)>,
    count: usize,
) -> (Vec<usize>, Vec<usize>) {
    let mut left: HashMap<&str, usize> = HashMap::new();
    for (_, index) in &ranked {
        *left.entry(answer(examples[*index])).or_default() += 1;
    }
    let (mut asked_twice, mut alone) = (Vec::new(), Vec::new());
    for (_, index) in ranked {
        let left = left.entry(answer(examples[index])).or_default();
        let others_stay = *left > 1;
        *left = left.saturating_sub(usize::from(others_stay));
        if others_stay { asked_twice.push(index) } else { alone.push(index) }
    }
    let spare = asked_twice.split_off(count.min(asked_twice.len()));
    let (mut recall, mut train) = (asked_twice, spare);
    let rest = alone.split_off((count - recall.len()).min(alone.len()));
    recall.extend(alone);
    train.extend(rest);
    recall.sort_unstable();
    train.sort_unstable();
    (recall, train)
}

/// What is said last.
fn answer(example: &Example) -> &str {
    example.messages.last().map_or("", |message| message.content.trim())
}

/// The section of a document that an example comes from: file and headings, else the chunk, else file and page.
pub(crate) fn section(place: &Provenance) -> Option<String> {
    let file = place.file_name.as_deref().unwrap_or_default();
    if !place.heading_path.is_empty() {
        return Some(format!("{file}\n{}", place.heading_path.join("\n")));
    }
    let page = || Some(format!("{file}\npage {}", place.page_start?));
    place.chunk_id.clone().or_else(page)
}

fn rank(seed: u64, content: &str) -> [u8; 32] {
    let mut hasher = Sha256::new();
    hasher.update(seed.to_le_bytes());
    hasher.update(content);
    hasher.finalize().into()
}

/// Takes sections in the order of their seeded hashes as long as they fit into the share; where none fits, the
/// smallest one. One section at least is trained on.
fn held_out(examples: &[&Example], options: SplitOptions) -> Vec<usize> {
    let fraction = options.held_out_fraction.clamp(0.0, 0.5);
    let mut sections: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, example) in examples.iter().enumerate() {
        if let Some(section) = section(&example.provenance) {
            sections.entry(section).or_default().push(index);
        }
    }
    if fraction == 0.0 || sections.len() < 2 {
        return Vec::new();
    }
    let wanted = ((examples.len() as f64 * fraction).round() as usize).max(1);
    let mut ranked: Vec<([u8; 32], Vec<usize>)> =
        sections.into_iter().map(|(section, members)| (rank(options.seed, &section), members)).collect();
    ranked.sort_unstable();
    let mut taken: Vec<usize> = Vec::new();
    for (_, members) in &ranked {
        if taken.len() + members.len() <= wanted {
            taken.extend(members);
        }
    }
    if taken.is_empty()
        && let Some((_, smallest)) = ranked.into_iter().min_by_key(|(_, members)| members.len())
    {
        taken = smallest;
    }
    taken.sort_unstable();
    taken
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nine_to_one_whatever_the_order() {
        let examples: Vec<Example> = (0..100).map(|n| Example::question(format!("q{n}"), "a")).collect();
        let forward: Vec<&Example> = examples.iter().collect();
        let backward: Vec<&Example> = examples.iter().rev().collect();
        let one = split(&forward, SplitOptions::default());
        let other = split(&backward, SplitOptions::default());
        assert_eq!((one.train.len(), one.recall.len(), one.held_out.len()), (90, 10, 0));
        let mut mirrored: Vec<usize> = other.recall.iter().map(|index| 99 - index).collect();
        mirrored.sort_unstable();
        assert_eq!(one.recall, mirrored);
        assert_ne!(one, split(&forward, SplitOptions { seed: 1, ..SplitOptions::default() }));
    }

    #[test]
    fn small_sets_keep_something_to_train_on() {
        let examples = [Example::text("a"), Example::text("b")];
        let all: Vec<&Example> = examples.iter().collect();
        for (count, expected) in [(0, (0, 0)), (1, (1, 0)), (2, (1, 1))] {
            let split = split(&all[..count], SplitOptions::default());
            assert_eq!((split.train.len(), split.recall.len()), expected);
        }
    }

    #[test]
    fn what_is_said_once_is_learned() {
        let worded = (0..40).map(|n| Example::question(format!("q{n}"), format!("fact {}", n / 4)));
        let single = (0..8).map(|n| Example::question(format!("once {n}"), format!("only {n}")));
        let examples: Vec<Example> = worded.chain(single).collect();
        let all: Vec<&Example> = examples.iter().collect();
        for seed in 0..20 {
            let parts = split(&all, SplitOptions { seed, ..SplitOptions::default() });
            assert_eq!((parts.train.len(), parts.recall.len()), (43, 5));
            for index in &parts.recall {
                let trained = |fact: &str| parts.train.iter().any(|train| answer(&examples[*train]) == fact);
                assert!(
                    trained(answer(&examples[*index])),
                    "{index} of seed {seed} is asked for nowhere else"
                );
            }
        }
    }

    /// `sizes[i]` examples of section i.
    fn sectioned(sizes: &[usize]) -> Vec<Example> {
        let of_section = |(section, size): (usize, &usize)| {
            let example = move |n| {
                let mut example = Example::question(format!("q{section}.{n}"), "a");
                example.provenance.file_name = Some("a.pdf".into());
                example.provenance.heading_path = vec![format!("Section {section}")];
                example
            };
            (0..*size).map(example).collect::<Vec<_>>()
        };
        sizes.iter().enumerate().flat_map(of_section).collect()
    }

    #[test]
    fn sections_are_held_out_whole() {
        let options = SplitOptions { held_out_fraction: 0.2, ..SplitOptions::default() };
        for seed in 0..20 {
            let examples = sectioned(&[5; 20]);
            let all: Vec<&Example> = examples.iter().collect();
            let parts = split(&all, SplitOptions { seed, ..options });
            assert_eq!((parts.train.len(), parts.recall.len(), parts.held_out.len()), (72, 8, 20));
            let sections = |indices: &[usize]| -> std::collections::BTreeSet<_> {
                indices.iter().map(|index| section(&examples[*index].provenance)).collect()
            };
            assert!(sections(&parts.held_out).is_disjoint(&sections(&parts.train)));
            assert!(sections(&parts.held_out).is_disjoint(&sections(&parts.recall)));
        }
        for (sizes, expected) in [(vec![10, 3], 3), (vec![50], 0), (vec![], 0), (vec![1, 1], 1)] {
            let examples = sectioned(&sizes);
            let parts = split(&examples.iter().collect::<Vec<_>>(), options);
            assert_eq!(parts.held_out.len(), expected, "{sizes:?}");
        }
        let unknown: Vec<Example> = (0..10).map(|n| Example::question(format!("q{n}"), "a")).collect();
        assert_eq!(split(&unknown.iter().collect::<Vec<_>>(), options).held_out, [0; 0]);
    }
}
