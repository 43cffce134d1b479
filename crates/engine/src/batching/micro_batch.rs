//! [`MicroBatch`]: what one forward and backward pass sees.

/// A label with which a position is not learned, as in PyTorch's cross-entropy and Hugging Face's files.
pub const IGNORE: i32 = -100;

/// One row inside a micro-batch's flat token list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Index of the row's first token.
    pub start: usize,
    /// Number of tokens, at least 1.
    pub len: usize,
}

/// One micro-batch: rows one after the other, without padding. Attention stays inside each segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MicroBatch {
    /// Token ids. `[tokens]`
    pub ids: Vec<u32>,
    /// Shifted labels: `targets[i]` is the label of position `i + 1` of the same row, [`IGNORE`] at the end of each row
    /// and where nothing is learned. `[tokens]`
    pub targets: Vec<i32>,
    /// Position inside the row, from 0. `[tokens]`
    pub positions: Vec<u32>,
    /// The rows, in order; together they cover all tokens.
    pub segments: Vec<Segment>,
    /// Index of each segment's row in the data.
    pub rows: Vec<usize>,
}

impl MicroBatch {
    /// Appends a row. `labels` are unshifted: `labels[i]` belongs to `ids[i]`. An empty row is left out.
    pub fn push_row(&mut self, row: usize, ids: &[u32], labels: impl Iterator<Item = i32>) {
        if ids.is_empty() {
            return;
        }
        let start = self.ids.len();
        self.ids.extend_from_slice(ids);
        self.targets.extend(labels.chain(std::iter::repeat(IGNORE)).skip(1).take(ids.len() - 1));
        self.targets.push(IGNORE);
        self.positions.extend(0..ids.len() as u32);
        self.segments.push(Segment { start, len: ids.len() });
        self.rows.push(row);
    }

    /// Number of tokens.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Number of positions that are learned.
    pub fn supervised_tokens(&self) -> usize {
        self.targets.iter().filter(|&&target| target != IGNORE).count()
    }
}
