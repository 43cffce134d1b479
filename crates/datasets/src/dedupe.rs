//! Exact duplicates by SHA-256 of what is learned.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use crate::example::Example;

/// Which examples are left, and which repeat one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deduplicated {
    /// Indices of the first of each content, in order.
    pub kept: Vec<usize>,
    /// (index of the duplicate, index of the one that was kept).
    pub duplicates: Vec<(usize, usize)>,
}

/// Finds examples with the same content; the first one stays.
pub fn dedupe<'a>(examples: impl IntoIterator<Item = &'a Example>) -> Deduplicated {
    let mut first: HashMap<String, usize> = HashMap::new();
    let mut found = Deduplicated::default();
    for (index, example) in examples.into_iter().enumerate() {
        match first.entry(example.content_hash()) {
            Entry::Occupied(kept) => found.duplicates.push((index, *kept.get())),
            Entry::Vacant(place) => {
                place.insert(index);
                found.kept.push(index);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_of_each_content_stays() {
        let examples =
            [Example::question("a", "b"), Example::question("a", "c"), Example::question("a", "b")];
        let found = dedupe(&examples);
        assert_eq!(found.kept, [0, 1]);
        assert_eq!(found.duplicates, [(2, 0)]);
    }
}
