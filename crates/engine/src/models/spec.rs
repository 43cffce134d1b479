//! What a family is, as data: the shared decoder reads a [`DecoderSpec`] and nothing else.

use super::ModelError;
use super::rope::Rope;
use crate::device::{Activation, AttentionShape, RmsNorm};

/// Shape and constants of a decoder.
#[derive(Clone, Debug, PartialEq)]
pub struct DecoderSpec {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    /// One entry a layer.
    pub layers: Vec<LayerSpec>,
    /// Without a window; [`DecoderSpec::attention_of`] has the layer's.
    pub attention: AttentionShape,
    /// The kinds of rotary positions that layers choose from.
    pub ropes: Vec<Rope>,
    pub norm: RmsNorm,
    /// Norms on the outputs of both halves too, before they are added to the residual stream.
    pub sandwich_norms: bool,
    /// A norm on each head of query and key, before positions.
    pub head_norms: bool,
    pub activation: Activation,
    /// Query, key and value come from one weight, gate and up from another.
    pub fused: bool,
    /// Modules with a bias.
    pub biased: Vec<Module>,
    /// What embeddings are multiplied with.
    pub embedding_scale: f32,
    /// Logits become `cap · tanh(logits / cap)`.
    pub logit_soft_cap: Option<f32>,
    /// The head is the embedding table.
    pub tie_word_embeddings: bool,
    pub max_position_embeddings: usize,
}

/// What is particular to one layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LayerSpec {
    /// Keys that a query sees, its own included; `None`: all before it.
    pub window: Option<usize>,
    /// Index into [`DecoderSpec::ropes`].
    pub rope: usize,
}

/// The linear layers of a block. A family has the first seven, or those whose products are fused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Module {
    Query,
    Key,
    Value,
    Output,
    Gate,
    Up,
    Down,
    /// Rows of query, then key, then value.
    QueryKeyValue,
    /// Rows of gate, then up.
    GateUp,
}

/// The rank of each module's adapter, 0 without one, in the order of [`Module::ALL`].
pub type Ranks = [usize; Module::COUNT];

/// What adapters make of a run's shapes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AdapterShape {
    pub ranks: Ranks,
    /// DoRA: each adapter has a magnitude and keeps its direction.
    pub magnitudes: bool,
    pub dropout: bool,
    /// Layers that carry adapters.
    pub layers: usize,
    /// Layers below the lowest one with something trained: no gradient goes there.
    pub frozen_layers: usize,
}

impl Module {
    pub const COUNT: usize = 9;

    /// Of every family.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Query,
        Self::Key,
        Self::Value,
        Self::Output,
        Self::Gate,
        Self::Up,
        Self::Down,
        Self::QueryKeyValue,
        Self::GateUp,
    ];

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
            Self::QueryKeyValue => "qkv_proj",
            Self::GateUp => "gate_up_proj",
        }
    }

    /// Hugging Face's parent module inside a layer.
    pub fn parent(self) -> &'static str {
        match self {
            Self::Query | Self::Key | Self::Value | Self::Output | Self::QueryKeyValue => "self_attn",
            Self::Gate | Self::Up | Self::Down | Self::GateUp => "mlp",
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
    /// The linear layers of a block, in the order of the forward pass.
    pub fn modules(&self) -> &'static [Module] {
        const FUSED: [Module; 4] = [Module::QueryKeyValue, Module::Output, Module::GateUp, Module::Down];
        if self.fused { &FUSED } else { &Module::ALL[..7] }
    }

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
            Module::QueryKeyValue => [query + 2 * key_value, hidden],
            Module::GateUp => [2 * intermediate, hidden],
        }
    }

    /// The attention of a layer, with its window.
    pub fn attention_of(&self, layer: usize) -> AttentionShape {
        AttentionShape { window: self.layers[layer].window, ..self.attention }
    }

    /// Columns of the widest fused product, 0 without one.
    pub fn fused_columns(&self) -> usize {
        let fused = [Module::QueryKeyValue, Module::GateUp].map(|module| self.shape(module)[0]);
        if self.fused { fused[0].max(fused[1]) } else { 0 }
    }

    /// Refuses a tokenizer with more tokens than the model has rows for.
    pub fn check_vocabulary(&self, tokens: usize) -> Result<(), ModelError> {
        if tokens <= self.vocab_size {
            return Ok(());
        }
        Err(ModelError::Vocabulary { tokens, vocab_size: self.vocab_size })
    }

    /// Parameters of the model.
    pub fn parameters(&self) -> usize {
        let tables = if self.tie_word_embeddings { 1 } else { 2 };
        let block: usize =
            self.modules().iter().map(|&module| self.shape(module).iter().product::<usize>()).sum();
        tables * self.vocab_size * self.hidden_size + self.layers.len() * block + self.vector_parameters()
    }

    /// Parameters of norms and biases, which are always f32.
    pub fn vector_parameters(&self) -> usize {
        let hidden_norms = if self.sandwich_norms { 4 } else { 2 };
        let head_norms = if self.head_norms { 2 * self.attention.head_dim } else { 0 };
        let biases: usize = self.biased.iter().map(|&module| self.shape(module)[0]).sum();
        self.layers.len() * (hidden_norms * self.hidden_size + head_norms + biases) + self.hidden_size
    }
}
