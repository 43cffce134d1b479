//! [`Sampler`]: which rows make up each micro-batch. Deterministic, endless, and resumable at the exact row.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

/// Order of the rows inside an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// As in the file, every epoch.
    File,
    /// Shuffled; seed and epoch decide.
    Shuffle,
}

/// How rows are put into micro-batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Packing {
    /// As many rows as fit into `micro_batch_size × max_seq_len` tokens, by best fit. Each epoch is packed by itself.
    ///
    /// Attention never crosses rows, so the capacity counts tokens alone: a micro-batch may hold one row of
    /// `max_seq_len` tokens and hundreds of short ones.
    On,
    /// Exactly `micro_batch_size` rows. A micro-batch may straddle the end of an epoch.
    Off,
}

/// Where a sampler stands: enough to go on there, given the same data and settings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// Epochs finished.
    pub epoch: u64,
    /// What is drawn of this epoch: rows without packing, micro-batches with it.
    pub position: u64,
}

/// Draws rows for ever. Within an epoch each row comes exactly once.
#[derive(Clone, Debug)]
pub struct Sampler {
    lengths: Vec<u32>,
    order: Order,
    packing: Packing,
    micro_batch_size: usize,
    /// Tokens that a packed micro-batch may hold.
    capacity: usize,
    seed: u64,
    cursor: Cursor,
    /// The rows of the current epoch in the order drawn.
    rows: Vec<u32>,
    /// With packing, where each micro-batch ends in `rows`.
    ends: Vec<usize>,
}

impl Sampler {
    /// A sampler over rows of these lengths (in tokens), at the start of epoch 0. Sizes of 0 count as 1.
    /// With packing, a row longer than `micro_batch_size × max_seq_len` gets a micro-batch of its own.
    pub fn new(
        row_lengths: Vec<u32>,
        order: Order,
        packing: Packing,
        micro_batch_size: usize,
        max_seq_len: usize,
        seed: u64,
    ) -> Self {
        let micro_batch_size = micro_batch_size.max(1);
        let mut sampler = Self {
            lengths: row_lengths,
            order,
            packing,
            micro_batch_size,
            capacity: micro_batch_size.saturating_mul(max_seq_len.max(1)),
            seed,
            cursor: Cursor::default(),
            rows: Vec::new(),
            ends: Vec::new(),
        };
        sampler.plan_epoch();
        sampler
    }

    /// Row indices of the next micro-batch. Empty only where there are no rows at all.
    pub fn next_micro_batch(&mut self) -> Vec<usize> {
        if self.lengths.is_empty() {
            return Vec::new();
        }
        match self.packing {
            Packing::Off => (0..self.micro_batch_size).map(|_| self.next_row()).collect(),
            Packing::On => self.next_pack(),
        }
    }

    fn next_row(&mut self) -> usize {
        let row = self.rows[self.cursor.position as usize];
        self.advance(self.rows.len());
        row as usize
    }

    fn next_pack(&mut self) -> Vec<usize> {
        let at = self.cursor.position as usize;
        let start = if at == 0 { 0 } else { self.ends[at - 1] };
        let pack = self.rows[start..self.ends[at]].iter().map(|&row| row as usize).collect();
        self.advance(self.ends.len());
        pack
    }

    /// One step on; after the last of `count` in this epoch, the next epoch begins.
    fn advance(&mut self, count: usize) {
        self.cursor.position += 1;
        if self.cursor.position as usize >= count {
            self.cursor = Cursor { epoch: self.cursor.epoch + 1, position: 0 };
            self.plan_epoch();
        }
    }

    /// Where the next micro-batch begins.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// Goes on at a cursor of a sampler with the same data and settings. A position beyond the epoch's end (other data)
    /// becomes the start of the next epoch.
    pub fn seek(&mut self, cursor: Cursor) {
        self.cursor = cursor;
        self.plan_epoch();
        let count = if self.packing == Packing::On { self.ends.len() } else { self.rows.len() };
        if self.cursor.position > 0 && self.cursor.position >= count as u64 {
            self.cursor = Cursor { epoch: cursor.epoch.saturating_add(1), position: 0 };
            self.plan_epoch();
        }
    }

    /// Epochs finished: that of the next row to be drawn.
    pub fn epoch(&self) -> u64 {
        self.cursor.epoch
    }

    pub fn rows_per_epoch(&self) -> usize {
        self.lengths.len()
    }

    /// Micro-batches of the current epoch. Without packing rounded up; with packing and shuffling it varies a little
    /// from epoch to epoch.
    pub fn micro_batches_per_epoch(&self) -> usize {
        match self.packing {
            Packing::On => self.ends.len(),
            Packing::Off => self.lengths.len().div_ceil(self.micro_batch_size),
        }
    }

    fn plan_epoch(&mut self) {
        let mut random = SplitMix64(self.seed ^ self.cursor.epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        self.rows = (0..self.lengths.len() as u32).collect();
        if self.order == Order::Shuffle {
            random.shuffle(&mut self.rows);
        }
        self.ends.clear();
        if self.packing == Packing::On {
            let mut packs = best_fit(&self.rows, &self.lengths, self.capacity);
            if self.order == Order::Shuffle {
                // The last packs opened hold the rows that fitted nowhere else; mix them among the others.
                random.shuffle(&mut packs);
            }
            self.rows.clear();
            for pack in packs {
                self.rows.extend(pack);
                self.ends.push(self.rows.len());
            }
        }
    }
}

/// Each row goes into the open pack that it fills best, or opens one. Packs in the order opened; of equally full packs
/// the oldest.
///
/// Rows come as chance ordered them: from long to short packs would be 1.5 % fuller, of rows of one length each, and models learn
/// worse from those (docs/experiments.md).
fn best_fit(rows: &[u32], lengths: &[u32], capacity: usize) -> Vec<Vec<u32>> {
    let mut packs: Vec<Vec<u32>> = Vec::new();
    let mut open: BTreeSet<(usize, usize)> = BTreeSet::new(); // (room left, pack)
    for &row in rows {
        let length = lengths[row as usize] as usize;
        let (room, pack) = match open.range((length, 0)..).next().copied() {
            Some(found) => {
                open.remove(&found);
                found
            }
            None => {
                packs.push(Vec::new());
                (capacity.max(length), packs.len() - 1)
            }
        };
        packs[pack].push(row);
        if room > length {
            open.insert((room - length, pack));
        }
    }
    packs
}

/// SplitMix64 (Steele, Lea, Flood 2014, <https://doi.org/10.1145/2714064.2660195>): small, and the same everywhere.
struct SplitMix64(u64);

impl SplitMix64 {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Fisher–Yates; the index comes from the high half of a 128-bit product, whose bias is below 2⁻³² here.
    fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = ((u128::from(self.next()) * (i as u128 + 1)) >> 64) as usize;
            items.swap(i, j);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(sampler: &mut Sampler) -> Vec<Vec<usize>> {
        let now = sampler.epoch();
        let mut batches = Vec::new();
        while sampler.epoch() == now {
            batches.push(sampler.next_micro_batch());
        }
        batches
    }

    #[test]
    fn file_order_without_packing_wraps_inside_a_batch() {
        let mut sampler = Sampler::new(vec![5; 3], Order::File, Packing::Off, 2, 8, 1);
        let batches: Vec<_> = (0..4).map(|_| sampler.next_micro_batch()).collect();
        assert_eq!(batches, [[0, 1], [2, 0], [1, 2], [0, 1]]);
        assert_eq!((sampler.rows_per_epoch(), sampler.micro_batches_per_epoch()), (3, 2));
    }

    /// Lengths as chat data has them, log-normal around `median` tokens, cut at `longest`.
    fn realistic(count: usize, median: f64, longest: u32, seed: u64) -> Vec<u32> {
        let mut random = SplitMix64(seed);
        let mut uniform = || (random.next() >> 11) as f64 / (1u64 << 53) as f64;
        (0..count)
            .map(|_| {
                // Box–Muller.
                let normal =
                    (-2.0 * (1.0 - uniform()).ln()).sqrt() * (std::f64::consts::TAU * uniform()).cos();
                ((median * (0.8 * normal).exp()) as u32).clamp(1, longest)
            })
            .collect()
    }

    #[test]
    fn packing_holds_every_row_once_within_the_capacity_and_fills_it() {
        for (count, median, size, longest) in [
            (1, 9.0, 1, 64),
            (997, 20.0, 2, 64),
            (5000, 180.0, 4, 1024),
            (5000, 400.0, 1, 1024),
            (3000, 60.0, 1, 512),
        ] {
            for (order, seed) in
                [(Order::File, 0), (Order::Shuffle, 1), (Order::Shuffle, 2), (Order::Shuffle, 3)]
            {
                let lengths = realistic(count, median, longest, seed);
                let capacity = size * longest as usize;
                let mut sampler =
                    Sampler::new(lengths.clone(), order, Packing::On, size, longest as usize, seed);
                for _ in 0..3 {
                    let batches_planned = sampler.micro_batches_per_epoch();
                    let batches = epoch(&mut sampler);
                    assert_eq!(batches.len(), batches_planned);
                    let tokens =
                        |batch: &Vec<usize>| batch.iter().map(|&row| lengths[row] as usize).sum::<usize>();
                    assert!(batches.iter().all(|batch| tokens(batch) <= capacity));
                    let mut rows: Vec<usize> = batches.concat();
                    rows.sort_unstable();
                    assert!(rows.into_iter().eq(0..count), "every row once");
                    let filled = lengths.iter().sum::<u32>() as f64 / (capacity * batches.len()) as f64;
                    assert!(count < 100 || filled > 0.97, "{filled}");
                }
            }
        }
    }

    #[test]
    fn shuffling_depends_on_seed_and_epoch_alone() {
        let new = |seed| Sampler::new(vec![1; 50], Order::Shuffle, Packing::Off, 50, 8, seed);
        let (mut a, mut b, mut c) = (new(7), new(7), new(8));
        let (first, second) = (a.next_micro_batch(), a.next_micro_batch());
        assert_ne!(first, second);
        assert_eq!((b.next_micro_batch(), b.next_micro_batch()), (first.clone(), second));
        assert_ne!(c.next_micro_batch(), first);
    }

    #[test]
    fn seek_goes_on_at_the_exact_row() {
        for packing in [Packing::On, Packing::Off] {
            let lengths: Vec<u32> = (1..40).collect();
            let new = || Sampler::new(lengths.clone(), Order::Shuffle, packing, 3, 32, 5);
            let mut whole = new();
            for _ in 0..60 {
                let mut resumed = new();
                resumed.seek(whole.cursor());
                assert_eq!(resumed.next_micro_batch(), whole.next_micro_batch());
                assert_eq!(resumed.cursor(), whole.cursor());
            }
            let mut beyond = new();
            beyond.seek(Cursor { epoch: 3, position: 1_000_000 });
            assert_eq!(beyond.cursor(), Cursor { epoch: 4, position: 0 });
        }
    }

    #[test]
    fn degenerate_sizes_neither_panic_nor_hang() {
        assert!(Sampler::new(Vec::new(), Order::Shuffle, Packing::On, 0, 0, 0).next_micro_batch().is_empty());
        let mut sampler = Sampler::new(vec![9, 9], Order::File, Packing::On, 0, 0, 0);
        assert_eq!((sampler.next_micro_batch(), sampler.next_micro_batch()), (vec![0], vec![1]));
    }
}
