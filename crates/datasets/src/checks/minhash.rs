//! MinHash: short signatures of sets whose agreement estimates the sets' Jaccard similarity, and buckets that bring
//! similar signatures together (locality-sensitive hashing).
//! A. Broder, On the resemblance and containment of documents, 1997, <https://doi.org/10.1109/SEQUEN.1997.666900>.

use super::words::words;

/// Hash functions of a signature. The estimate's standard deviation is √(J·(1−J)/128), at most 0.045.
pub const HASHES: usize = 128;
/// Buckets that a signature falls into, of four hashes each: two sets of similarity J share one of them with
/// probability 1 − (1 − J⁴)³², which is above 0.999999 at 0.8 and 0.02 at 0.15.
pub const BANDS: usize = 32;
/// Words of a shingle.
const SHINGLE_WORDS: usize = 3;

const SEEDS: [u64; HASHES] = {
    let mut seeds = [0; HASHES];
    let mut index = 0;
    while index < HASHES {
        seeds[index] = mixed(index as u64 + 1);
        index += 1;
    }
    seeds
};

/// The finaliser of SplitMix64, <https://doi.org/10.1145/2714064.2660195>: each bit of the result depends on each of the input.
const fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// The hashed shingles (three words in a row, lower case) of texts, sorted, each once. Shorter texts are one shingle.
pub fn shingles<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u64> {
    let mut found = Vec::new();
    for text in texts {
        let hashes: Vec<u64> = words(text).map(|(_, word)| word_hash(word)).collect();
        let combined = |words: &[u64]| words.iter().fold(0, |hash, word| mixed(hash ^ word));
        match hashes.len() {
            0 => {}
            1..SHINGLE_WORDS => found.push(combined(&hashes)),
            _ => found.extend(hashes.windows(SHINGLE_WORDS).map(combined)),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// FNV-1a over the lower-case letters, mixed.
fn word_hash(word: &str) -> u64 {
    let letters = word.chars().flat_map(char::to_lowercase);
    mixed(letters.fold(0xcbf2_9ce4_8422_2325, |hash: u64, letter| {
        (hash ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3)
    }))
}

/// Shared members divided by all members, of sorted sets; 1 for two empty ones.
pub fn jaccard(one: &[u64], other: &[u64]) -> f64 {
    let shared = one.iter().filter(|member| other.binary_search(member).is_ok()).count();
    let all = one.len() + other.len() - shared;
    if all == 0 { 1.0 } else { shared as f64 / all as f64 }
}

/// The smallest member of a set under each hash function.
#[derive(Clone, PartialEq, Eq)]
pub struct Signature([u32; HASHES]);

impl Signature {
    /// Of a set's members.
    pub fn of(members: &[u64]) -> Self {
        let mut smallest = [u32::MAX; HASHES];
        for member in members {
            for (least, seed) in smallest.iter_mut().zip(&SEEDS) {
                *least = (*least).min((mixed(member ^ seed) >> 32) as u32);
            }
        }
        Self(smallest)
    }

    /// Estimates the Jaccard similarity of the two sets.
    pub fn similarity(&self, other: &Self) -> f64 {
        let equal = self.0.iter().zip(&other.0).filter(|(one, other)| one == other).count();
        equal as f64 / HASHES as f64
    }

    /// The bucket of one of the [`BANDS`].
    pub fn bucket(&self, band: usize) -> u64 {
        let rows = HASHES / BANDS;
        self.0[band * rows..(band + 1) * rows].iter().fold(0, |hash, least| mixed(hash ^ u64::from(*least)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers of a seeded generator.
    fn members(seed: u64, count: u64) -> Vec<u64> {
        (0..count).map(|index| mixed(seed << 32 | index)).collect()
    }

    fn sorted(mut members: Vec<u64>) -> Vec<u64> {
        members.sort_unstable();
        members
    }

    #[test]
    fn the_estimate_is_near_the_similarity() {
        let (mut sum, mut count) = (0.0, 0.0);
        for seed in 0..200 {
            let shared = members(3 * seed, 5 + 7 * (seed % 20));
            let own = 1 + 5 * (seed % 13);
            let one = sorted([shared.clone(), members(3 * seed + 1, own)].concat());
            let other = sorted([shared, members(3 * seed + 2, own / 2)].concat());
            let true_similarity = jaccard(&one, &other);
            let error = Signature::of(&one).similarity(&Signature::of(&other)) - true_similarity;
            let deviation = (true_similarity * (1.0 - true_similarity) / HASHES as f64).sqrt();
            // 200 draws of a normal distribution stay within four deviations in 99 of 100 runs; the sets are fixed.
            assert!(error.abs() <= 4.0 * deviation + 1e-9, "seed {seed}: {error} beside {deviation}");
            sum += error;
            count += 1.0;
        }
        // The mean of 200 estimates with a deviation of at most 0.045 each: 0.0032; four of these.
        assert!((sum / count).abs() < 0.013, "biased by {}", sum / count);
    }

    #[test]
    fn similar_sets_share_a_bucket_and_different_ones_none() {
        let share_bucket = |one: &[u64], other: &[u64]| {
            let (one, other) = (Signature::of(one), Signature::of(other));
            (0..BANDS).any(|band| one.bucket(band) == other.bucket(band))
        };
        for seed in 0..100 {
            let shared = members(10 * seed + 1, 90);
            let near = [shared.clone(), members(10 * seed + 2, 10)].concat();
            assert!(share_bucket(&shared, &near), "seed {seed}: similarity 0.9");
            assert!(!share_bucket(&shared, &members(10 * seed + 3, 90)), "seed {seed}: nothing shared");
        }
    }

    #[test]
    fn shingles_ignore_case_and_punctuation() {
        assert_eq!(shingles(["The cat sat down."]), shingles(["the CAT, sat – down"]));
        assert_eq!(shingles(["one two three four"]).len(), 2);
        assert_eq!(shingles(["one two"]).len(), 1);
        assert_eq!(shingles(["…"]).len(), 0);
        assert_ne!(shingles(["one two three"]), shingles(["three two one"]));
        assert_eq!(jaccard(&[1, 2, 3], &[2, 3, 4]), 0.5);
        assert_eq!(jaccard(&[], &[]), 1.0);
    }
}
