//! [`EncodedData`]: a data set as token ids, flat in memory: 4 bytes and 1 bit a token.

use super::micro_batch::{IGNORE, MicroBatch};

/// One row, copied out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EncodedRow {
    pub ids: Vec<u32>,
    /// Unshifted, as in files: `labels[i]` belongs to `ids[i]`; [`IGNORE`] where nothing is learned.
    pub labels: Vec<i32>,
}

impl EncodedRow {
    /// Positions that are learned. The first token of a row has nothing before it, so its label never counts.
    pub fn supervised_tokens(&self) -> usize {
        self.labels.iter().skip(1).filter(|&&label| label != IGNORE).count()
    }
}

/// A problem that did not stop the encoding but should be seen.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct DataWarning {
    pub kind: WarningKind,
    /// How many rows it concerns.
    pub count: usize,
    /// The first few line numbers (from 1).
    pub lines: Vec<u64>,
    /// The values of the message.
    pub params: serde_json::Map<String, serde_json::Value>,
    /// What happened and what to do, one sentence or two.
    pub message: String,
}

/// The kinds of [`DataWarning`], for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum WarningKind {
    /// No row teaches the model to stop.
    EosNeverSupervised,
    /// A text begins with the string of BOS where the tokenizer adds BOS too; only one was kept.
    BosTwice,
    /// Rows whose ids begin with two BOS.
    BosDoubled,
    /// The tokenizer begins texts with BOS and the chat template does not write it.
    TemplateWithoutBos,
    /// The rendered conversation does not hold its system message.
    SystemMessageDropped,
    /// Rows cut at the maximum length.
    Truncated,
    /// Rows split at the maximum length.
    Split,
    /// Rows left out because they are too long.
    TooLong,
    /// Rows left out because nothing in them is learned.
    NothingSupervised,
    /// A message holds the string of a special token.
    SpecialTokenInText,
    /// Prompt and completion share a token at their boundary.
    BoundaryInsideToken,
}

/// All rows of a data set.
#[derive(Clone, Debug, Default)]
pub struct EncodedData {
    ids: Vec<u32>,
    /// One bit a token: learned or not.
    learned: Vec<u64>,
    /// Labels that are neither the token itself nor [`IGNORE`], by position in `ids`, ascending.
    other_labels: Vec<(usize, i32)>,
    /// Where each row ends in `ids`.
    ends: Vec<usize>,
    supervised: usize,
    pub warnings: Vec<DataWarning>,
    /// Rows cut at the maximum length.
    pub truncated: usize,
    /// Rows split at the maximum length, and the pieces that were kept of them.
    pub split: usize,
    pub pieces: usize,
    /// Rows left out: too long, or nothing in them is learned.
    pub dropped: usize,
}

impl EncodedData {
    /// Appends a row. Labels beyond the ids are ignored, missing ones mean [`IGNORE`].
    pub fn push(&mut self, ids: &[u32], labels: &[i32]) {
        let start = self.ids.len();
        self.ids.extend_from_slice(ids);
        self.learned.resize(self.ids.len().div_ceil(64), 0);
        for (i, (&id, &label)) in ids.iter().zip(labels).enumerate() {
            if label == IGNORE {
                continue;
            }
            let at = start + i;
            self.learned[at / 64] |= 1 << (at % 64);
            self.supervised += usize::from(i > 0);
            if i64::from(label) != i64::from(id) {
                self.other_labels.push((at, label));
            }
        }
        self.ends.push(self.ids.len());
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Number of tokens in all rows.
    pub fn tokens(&self) -> usize {
        self.ids.len()
    }

    /// Number of learned positions in all rows (a row's first token never counts).
    pub fn supervised_tokens(&self) -> usize {
        self.supervised
    }

    /// The largest id among tokens and labels: it must be below the size of the model's vocabulary.
    pub fn max_id(&self) -> u32 {
        let labels = self.other_labels.iter().map(|(_, label)| u32::try_from(*label).unwrap_or(0));
        self.ids.iter().copied().chain(labels).max().unwrap_or(0)
    }

    /// Tokens of each row, for a [`Sampler`](super::Sampler).
    pub fn row_lengths(&self) -> Vec<u32> {
        (0..self.len()).map(|i| self.row_ids(i).len() as u32).collect()
    }

    /// Token ids of row `i`.
    pub fn row_ids(&self, i: usize) -> &[u32] {
        &self.ids[self.start(i)..self.ends[i]]
    }

    /// Row `i`, copied out.
    pub fn row(&self, i: usize) -> EncodedRow {
        EncodedRow { ids: self.row_ids(i).to_vec(), labels: self.labels(i).collect() }
    }

    /// These rows as one micro-batch, in this order.
    pub fn micro_batch(&self, rows: &[usize]) -> MicroBatch {
        let mut batch = MicroBatch::default();
        for &row in rows {
            batch.push_row(row, self.row_ids(row), self.labels(row));
        }
        batch
    }

    fn start(&self, i: usize) -> usize {
        if i == 0 { 0 } else { self.ends[i - 1] }
    }

    fn labels(&self, i: usize) -> impl Iterator<Item = i32> {
        let (start, end) = (self.start(i), self.ends[i]);
        let mut others =
            self.other_labels[self.other_labels.partition_point(|(at, _)| *at < start)..].iter().peekable();
        (start..end).map(move |at| {
            if self.learned[at / 64] >> (at % 64) & 1 == 0 {
                return IGNORE;
            }
            match others.next_if(|(other, _)| *other == at) {
                Some((_, label)) => *label,
                None => self.ids[at] as i32,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        let rows: [(&[u32], &[i32]); 4] = [
            (&[1, 2, 3], &[IGNORE, 2, 3]),
            (&[7], &[7]),
            (&[4, 5, 6, 7], &[IGNORE, 9, IGNORE, 7]),
            (&[1, 1], &[3, 1]),
        ];
        let mut data = EncodedData::default();
        for (ids, labels) in rows {
            data.push(ids, labels);
        }
        for (i, (ids, labels)) in rows.iter().enumerate() {
            assert_eq!(data.row(i), EncodedRow { ids: ids.to_vec(), labels: labels.to_vec() });
        }
        assert_eq!((data.len(), data.tokens(), data.supervised_tokens()), (4, 10, 5));
        assert_eq!(data.row_lengths(), [3, 1, 4, 2]);
    }

    #[test]
    fn a_micro_batch_shifts_labels_inside_each_row() {
        let mut data = EncodedData::default();
        data.push(&[1, 2, 3], &[1, 2, 3]);
        data.push(&[4, 5], &[IGNORE, 5]);
        let batch = data.micro_batch(&[1, 0]);
        assert_eq!(batch.ids, [4, 5, 1, 2, 3]);
        assert_eq!(batch.targets, [5, IGNORE, 2, 3, IGNORE]);
        assert_eq!(batch.positions, [0, 1, 0, 1, 2]);
        assert_eq!(batch.segments.iter().map(|s| (s.start, s.len)).collect::<Vec<_>>(), [(0, 2), (2, 3)]);
        assert_eq!(
            (batch.rows.as_slice(), batch.supervised_tokens(), batch.tokens()),
            ([1, 0].as_slice(), 3, 5)
        );
    }
}
