//! What a family is, as data: the shared decoder reads a [`DecoderSpec`] and nothing else.

use crate::device::AttentionShape;

/// Shape and constants of a decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderSpec {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub num_hidden_layers: usize,
    pub attention: AttentionShape,
    pub rms_norm_eps: f32,
    pub rope_theta: f64,
    /// The head is the embedding table.
    pub tie_word_embeddings: bool,
    pub max_position_embeddings: usize,
}

/// The linear layers of a block, in the order of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Module {
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
}

impl Module {
    pub const ALL: [Self; 7] =
        [Self::Query, Self::Key, Self::Value, Self::Output, Self::Gate, Self::Up, Self::Down];

    /// The field's name, as `--target-modules` and PEFT write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Query => "q_proj",
            Self::Key => "k_proj",
            Self::Value => "v_proj",
            Self::Output => "o_proj",
            Self::Gate => "gate_proj",
            Self::Up => "up_proj",
            Self::Down => "down_proj",
        }
    }

    /// Hugging Face's parent module inside a layer.
    pub fn parent(self) -> &'static str {
        match self {
            Self::Query | Self::Key | Self::Value | Self::Output => "self_attn",
            Self::Gate | Self::Up | Self::Down => "mlp",
        }
    }

    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|module| module.name() == name)
    }

    /// Key of the module in checkpoints, e.g. `model.layers.0.self_attn.q_proj`.
    pub fn path(self, layer: usize) -> String {
        format!("model.layers.{layer}.{}.{}", self.parent(), self.name())
    }
}

impl DecoderSpec {
    /// `[out, in]` of a module's weight.
    pub fn shape(&self, module: Module) -> [usize; 2] {
        let (hidden, intermediate) = (self.hidden_size, self.intermediate_size);
        let (query, key_value) = (self.attention.query_size(), self.attention.key_value_size());
        match module {
            Module::Query => [query, hidden],
            Module::Key | Module::Value => [key_value, hidden],
            Module::Output => [hidden, query],
            Module::Gate | Module::Up => [intermediate, hidden],
            Module::Down => [hidden, intermediate],
        }
    }

    /// Parameters of the model.
    pub fn parameters(&self) -> usize {
        let tables = if self.tie_word_embeddings { 1 } else { 2 };
        let block: usize =
            Module::ALL.iter().map(|&module| self.shape(module).iter().product::<usize>()).sum();
        tables * self.vocab_size * self.hidden_size
            + self.num_hidden_layers * (block + 2 * self.hidden_size)
            + self.hidden_size
    }
}

/// `[positions, head_dim]`: the cosines of the half-dimensions, then their sines.
pub fn rope_table(spec: &DecoderSpec, positions: usize) -> Vec<f32> {
    let half = spec.attention.head_dim / 2;
    let angle = |position: usize, i: usize| position as f64 * spec.rope_theta.powf(-(i as f64) / half as f64);
    let mut table = Vec::with_capacity(positions * 2 * half);
    for position in 0..positions {
        table.extend((0..half).map(|i| angle(position, i).cos() as f32));
        table.extend((0..half).map(|i| angle(position, i).sin() as f32));
    }
    table
}
