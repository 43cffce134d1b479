//! Settings that fit a memory limit: the fastest recomputation, the largest micro-batch and context, and where nothing
//! fits, the change that would.

use super::TrainError;
use super::evaluate::largest_micro_batch;
use super::memory_plan::{MemoryPlan, RunShape, plan};
use super::options::{RecomputeName, TrainOptions};
use crate::batching::EncodedData;
use crate::device::{Device, Precision, WeightFormat};
use crate::models::activations::Recompute;
use crate::models::load::BaseFormats;
use crate::models::{AdapterShape, DecoderSpec, Module};
use crate::platform;

/// Contexts that are proposed are multiples of this.
const CONTEXT_STEP: usize = 64;
/// Tokens in a micro-batch above which more bring no speed.
const FAST_TOKENS: usize = 1024;
/// More rows than this are not looked for.
const MOST_ROWS: usize = 1 << 16;

/// Micro-batches that memory decides about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Batching {
    pub micro_batch_size: usize,
    pub max_seq_len: usize,
    pub gradient_accumulation_steps: usize,
}

/// What is asked for: `None` may be lowered.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    pub micro_batch_size: Option<usize>,
    pub max_seq_len: Option<usize>,
    pub gradient_accumulation_steps: usize,
    /// Taken for what is `None`, as far as memory allows.
    pub default_micro_batch_size: usize,
    pub default_max_seq_len: usize,
}

/// What a run may take where nobody says: nine tenths of what is free, so that the rest of the machine goes on; `None`
/// where the system does not tell.
pub fn free_memory_bytes() -> Option<u64> {
    platform::memory().map(|memory| memory.available_bytes / 10 * 9)
}

/// Tokens of the largest micro-batch and of its longest sequence, by micro-batch size and context: full ones, or those
/// that this data makes. Evaluations use the same memory, so their longest row must fit as well.
pub fn micro_batches(
    data: Option<&EncodedData>,
    held_out: Option<&EncodedData>,
    packing: bool,
) -> impl Fn(usize, usize) -> (usize, usize) {
    let longest_of = |data: &EncodedData| data.row_lengths().into_iter().max().unwrap_or(1) as usize;
    let measured = held_out.map_or(0, longest_of);
    let longest = data.map_or(usize::MAX, longest_of).max(measured);
    move |rows, context| {
        let tokens = data.map_or(rows * context, |data| largest_micro_batch(data, packing, rows, context));
        (tokens.max(measured), longest.min(context))
    }
}

/// Looks for settings of one run within a limit.
pub struct Fitter<'a> {
    pub device: &'a dyn Device,
    pub spec: &'a DecoderSpec,
    /// Its micro-batches and recomputation are replaced by what is tried.
    pub run: RunShape,
    pub recompute: RecomputeName,
    /// Bytes that the process may take; `None`: not known, and everything fits.
    pub limit_bytes: Option<u64>,
    /// Tokens of the largest micro-batch, and of its longest sequence, by micro-batch size and context.
    pub batch: &'a dyn Fn(usize, usize) -> (usize, usize),
}

impl<'a> Fitter<'a> {
    /// For the run that is asked for, within the memory that it names or else what is free.
    ///
    /// # Errors
    /// As [`RunShape::of`].
    pub fn of(
        options: &TrainOptions,
        device: &'a dyn Device,
        spec: &'a DecoderSpec,
        batch: &'a dyn Fn(usize, usize) -> (usize, usize),
    ) -> Result<Self, TrainError> {
        let limit_bytes = options.memory_bytes.or_else(free_memory_bytes);
        let run = RunShape::of(options, spec)?;
        Ok(Self { device, spec, run, recompute: options.recompute, limit_bytes, batch })
    }

    /// The plan with these settings.
    pub fn plan(&self, rows: usize, context: usize, recompute: Recompute) -> MemoryPlan {
        let (tokens, longest) = (self.batch)(rows, context);
        plan(self.device, self.spec, &self.run.with(tokens, longest, recompute))
    }

    pub fn fits(&self, plan: &MemoryPlan) -> bool {
        self.limit_bytes.is_none_or(|limit| plan.total_bytes <= limit)
    }

    /// The fastest recomputation that fits, or the smallest where none does.
    pub fn recompute(&self, rows: usize, context: usize) -> Recompute {
        let modes = self.recompute.fastest_first(self.limit_bytes.is_some());
        let fitting = modes.iter().find(|&&mode| self.fits(&self.plan(rows, context, mode)));
        *fitting.unwrap_or(&modes[modes.len() - 1])
    }

    /// Whether the settings fit with the smallest recomputation that is allowed.
    fn fits_somehow(&self, rows: usize, context: usize) -> bool {
        self.fits(&self.plan(rows, context, self.recompute(rows, context)))
    }

    /// Most sequences of so many tokens in a micro-batch that fit; 0 where none does, `None` without a limit.
    pub fn largest_micro_batch(&self, context: usize) -> Option<usize> {
        self.limit_bytes?;
        Some(largest(MOST_ROWS, |rows| self.fits_somehow(rows, context)))
    }

    /// The longest context, up to the model's, that fits with so many sequences; 0 where none does.
    pub fn largest_context(&self, rows: usize) -> Option<usize> {
        self.limit_bytes?;
        Some(largest(self.spec.max_position_embeddings, |context| self.fits_somehow(rows, context)))
    }

    /// What is asked for, lowered as far as it may be and must be. The effective batch stays: what the micro-batch loses,
    /// accumulation gains. A fast recomputation comes first, then a large micro-batch, then a long context.
    pub fn solve(&self, wish: Wish) -> Batching {
        let rows = wish.micro_batch_size.unwrap_or(wish.default_micro_batch_size);
        let context = wish.max_seq_len.unwrap_or(wish.default_max_seq_len);
        let batching = |fewer: usize, max_seq_len: usize| Batching {
            micro_batch_size: fewer,
            max_seq_len,
            gradient_accumulation_steps: wish.gradient_accumulation_steps * rows / fewer,
        };
        let halves: Vec<usize> = match wish.micro_batch_size {
            Some(rows) => vec![rows],
            None => std::iter::successors(Some(rows), |&n| n.is_multiple_of(2).then_some(n / 2)).collect(),
        };
        let modes = self.recompute.fastest_first(self.limit_bytes.is_some());
        let fast = |&&n: &&usize| n == rows || n * context >= FAST_TOKENS;
        let quick = modes.iter().flat_map(|&mode| halves.iter().filter(fast).map(move |&n| (n, mode)));
        let small = halves.iter().map(|&n| (n, modes[modes.len() - 1]));
        if let Some((n, _)) = quick.chain(small).find(|&(n, mode)| self.fits(&self.plan(n, context, mode))) {
            return batching(n, context);
        }
        let fewest = halves[halves.len() - 1];
        match (wish.max_seq_len, self.largest_context(fewest)) {
            (None, Some(most)) if most >= CONTEXT_STEP => {
                batching(fewest, context.min(most / CONTEXT_STEP * CONTEXT_STEP))
            }
            _ => batching(rows, context),
        }
    }

    /// In words, the smallest change with which these settings would fit.
    pub fn advice(&self, rows: usize, context: usize) -> String {
        let asked = |run: RunShape| Fitter { run, recompute: RecomputeName::Auto, ..*self };
        if let Some(flags) = asked(self.run).smaller(self.recompute, rows, context) {
            return format!("use {flags}");
        }
        let (mut lora, mut bf16) = (self.run, self.run);
        lora.full = false;
        lora.activations.adapters =
            AdapterShape { ranks: [16; Module::COUNT], layers: self.spec.layers.len(), ..Default::default() };
        bf16.base = BaseFormats::all(WeightFormat::Bf16);
        bf16.activations.precision = Precision::Bf16;
        let (frozen, is_f32) = (!self.run.full, self.run.base == BaseFormats::all(WeightFormat::F32));
        let (mut nf4, to_nf4) = match is_f32 {
            true => (bf16, "--precision bf16 --base-precision nf4"),
            false => (self.run, "--base-precision nf4"),
        };
        nf4.base.linear = WeightFormat::Nf4;
        let other_ways = [
            (self.run.full, "--method lora", lora),
            (frozen && is_f32, "--precision bf16", bf16),
            (frozen && self.run.base.linear != WeightFormat::Nf4, to_nf4, nf4),
        ];
        for (_, flag, run) in other_ways.into_iter().filter(|(possible, ..)| *possible) {
            if let Some(flags) = asked(run).smaller(self.recompute, rows, context) {
                return format!("use {flag} {flags}").trim_end().to_owned();
            }
        }
        let smallest = asked(if frozen { nf4 } else { lora });
        let least = smallest.plan(1, CONTEXT_STEP.min(context), Recompute::Full).total_bytes;
        format!(
            "no settings of this model fit, it takes {} MiB at least: choose a smaller model, or free memory",
            mebibytes(least)
        )
    }

    /// Flags that make the run fit, empty where it does already.
    fn smaller(&self, given: RecomputeName, rows: usize, context: usize) -> Option<String> {
        // `auto` finds its own way to `full`.
        let recompute = |flags: String| match given {
            RecomputeName::Auto | RecomputeName::Full => flags,
            RecomputeName::None | RecomputeName::Light => {
                format!("{flags} --recompute full").trim().to_owned()
            }
        };
        let given_fits = |rows, context| {
            let modes = given.fastest_first(true);
            modes.iter().any(|&mode| self.fits(&self.plan(rows, context, mode)))
        };
        let flags = |flags: String, rows, context| {
            if given_fits(rows, context) { flags } else { recompute(flags) }
        };
        if self.fits_somehow(rows, context) {
            return Some(flags(String::new(), rows, context));
        }
        let fewer = largest(rows - 1, |rows| self.fits_somehow(rows, context));
        if fewer > 0 {
            return Some(flags(format!("--micro-batch-size {fewer}"), fewer, context));
        }
        let shorter = self.largest_context(1)?.min(context) / CONTEXT_STEP * CONTEXT_STEP;
        (shorter > 0).then(|| flags(format!("--micro-batch-size 1 --max-seq-len {shorter}"), 1, shorter))
    }
}

/// The largest number up to `most` for which `fits` holds, if it holds for all smaller ones; 0 where it never does.
fn largest(most: usize, fits: impl Fn(usize) -> bool) -> usize {
    let (mut good, mut bad) = (0, most + 1);
    while bad - good > 1 {
        let middle = good + (bad - good) / 2;
        if fits(middle) { good = middle } else { bad = middle }
    }
    good
}

pub fn mebibytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

#[cfg(test)]
mod tests {
    use super::largest;

    #[test]
    fn the_largest_is_found() {
        for limit in 0..20 {
            assert_eq!(largest(12, |n| n <= limit), limit.min(12));
        }
    }
}
