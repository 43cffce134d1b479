//! The decoder that all families share: forward and backward written out.
//!
//! Embedding, blocks (see [`super::block`]), a norm, and the head.
//! The residual stream is f32; sequences are packed; `m` is the number of tokens in the batch.

use std::sync::Arc;

use super::activations::{ActivationShape, Activations, Gradients, Recompute, loss_work};
use super::block::{Adapters, Block, Dropout, Pass, Workspace};
use super::low_rank::{NormScratch, norm_scratch};
use super::parameter::Parameter;
use super::projection::Compute;
use super::spec::{AdapterShape, DecoderSpec, Module};
use crate::device::{AdamWStep, Batch, Beta, Buffer, Device, HeadGradient, LossSum, Precision};

pub struct Decoder {
    pub device: Arc<dyn Device>,
    pub spec: DecoderSpec,
    pub precision: Precision,
    pub embedding: Parameter,
    pub(super) blocks: Vec<Block>,
    pub final_norm: Parameter,
    /// `None`: the embedding table is the head.
    pub head: Option<Parameter>,
    /// Set before each micro-batch of a training step with dropout; only [`Decoder::forward_backward`] looks at it.
    pub dropout: Option<Dropout>,
    /// One for each of the spec's ropes; see [`super::rope::Rope::table`].
    pub rope_tables: Arc<[Buffer]>,
}

impl Decoder {
    /// Another decoder on the same base, without adapters: its tensors are shared, not copied, so that several adapters
    /// need the base's memory once. Neither is for training: shared tensors cannot be written.
    pub fn share_base(&self) -> Self {
        Self {
            device: Arc::clone(&self.device),
            spec: self.spec.clone(),
            precision: self.precision,
            embedding: self.embedding.share(),
            blocks: self.blocks.iter().map(Block::share_base).collect(),
            final_norm: self.final_norm.share(),
            head: self.head.as_ref().map(Parameter::share),
            dropout: None,
            rope_tables: Arc::clone(&self.rope_tables),
        }
    }

    pub fn compute(&self) -> Compute<'_> {
        Compute { device: &*self.device, precision: self.precision }
    }

    /// The matrix that gives logits, [vocabulary, hidden].
    pub fn head_parameter(&self) -> &Parameter {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// What the adapters make of the shapes.
    pub fn adapter_shape(&self) -> AdapterShape {
        let ranks =
            Module::ALL.map(|module| self.blocks.iter().map(|block| block.rank(module)).max().unwrap_or(0));
        let adapted = |block: &&Block| Module::ALL.iter().any(|&module| block.rank(module) > 0);
        AdapterShape {
            ranks,
            magnitudes: self.blocks.iter().any(Block::has_magnitudes),
            dropout: self.dropout.is_some(),
            layers: self.blocks.iter().filter(adapted).count(),
            frozen_layers: self.frozen_layers(),
        }
    }

    /// The shape of what passes over at most `tokens` tokens work in.
    pub fn activation_shape(&self, tokens: usize, recompute: Recompute, backward: bool) -> ActivationShape {
        let (precision, adapters) = (self.precision, self.adapter_shape());
        ActivationShape { tokens, precision, recompute, adapters, backward }
    }

    /// Layers below the lowest one with something trained.
    fn frozen_layers(&self) -> usize {
        if self.embedding.trained.is_some() {
            return 0;
        }
        let trained = |block: &Block| block.parameters().any(|parameter| parameter.trained.is_some());
        self.blocks.iter().position(trained).unwrap_or(0)
    }

    /// Loss of the supervised tokens; nothing is kept.
    pub fn evaluate(&self, batch: &Batch, activations: &mut Activations) -> LossSum {
        self.evaluate_with(batch, activations, Adapters::On)
    }

    /// As [`Decoder::evaluate`]; with [`Adapters::Off`] to the last bit as if none were attached.
    pub fn evaluate_with(&self, batch: &Batch, activations: &mut Activations, adapters: Adapters) -> LossSum {
        self.device.run(|| self.loss(batch, activations, adapters))
    }

    fn loss(&self, batch: &Batch, activations: &mut Activations, adapters: Adapters) -> LossSum {
        self.forward(batch, activations, adapters);
        let capacity = activations.capacity;
        let work = activations.loss.get_or_insert_with(|| {
            loss_work(&self.spec, capacity, &mut |element, len| self.device.allocate(element, len))
        });
        self.device.cross_entropy(
            self.precision,
            batch,
            &activations.final_norm,
            &self.head_parameter().weight,
            self.spec.logit_soft_cap,
            work,
            None,
        )
    }

    /// Forward and backward: adds `gradient_scale *` the gradient of the loss sum to every trained parameter.
    /// The backward pass ends at the lowest layer with something trained.
    pub fn forward_backward(
        &mut self,
        batch: &Batch,
        activations: &mut Activations,
        gradient_scale: f32,
    ) -> LossSum {
        let device = Arc::clone(&self.device);
        device.run(|| self.loss_and_gradient(batch, activations, gradient_scale))
    }

    fn loss_and_gradient(
        &mut self,
        batch: &Batch,
        activations: &mut Activations,
        gradient_scale: f32,
    ) -> LossSum {
        let adapters = Adapters::Training(self.dropout);
        self.forward(batch, activations, adapters);
        let mut gradients = activations.gradients.take().expect("training activations have gradients");
        let loss = self.head_gradient(batch, activations, &mut gradients, gradient_scale);
        let lowest = self.frozen_layers();
        assert!(activations.first_layer <= lowest, "activations are made for what is trained");
        for layer in (lowest..self.blocks.len()).rev() {
            let needs_input = layer > lowest || self.embedding.trained.is_some();
            self.block_gradient(layer, needs_input, batch, activations, &mut gradients);
        }
        let (hidden, scale) = (self.spec.hidden_size, self.spec.embedding_scale);
        if let Some(d_table) = self.embedding.gradient_mut() {
            self.device.embed_gradient(batch, &gradients.residual, hidden, scale, d_table);
        }
        activations.gradients = Some(gradients);
        loss
    }

    /// Fills `activations` up to the final norm's output.
    fn forward(&self, batch: &Batch, activations: &mut Activations, adapters: Adapters) {
        let last =
            self.run_blocks(batch, activations, adapters, |_, pass, block, work| block.attend(pass, work));
        let Activations { residuals, final_norm, final_inverse_rms, .. } = activations;
        self.norm_output(batch.tokens(), &residuals[last], final_norm, final_inverse_rms);
    }

    /// Embedding and blocks; returns which residual holds the result. `attend` fills the attention's output from
    /// query, key and value of the layer that it is given.
    pub(crate) fn run_blocks(
        &self,
        batch: &Batch,
        activations: &mut Activations,
        adapters: Adapters,
        mut attend: impl FnMut(usize, Pass, &Block, &mut Workspace),
    ) -> usize {
        let m = batch.tokens();
        assert!(m <= activations.capacity, "{m} tokens in a workspace for {}", activations.capacity);
        let Activations { first_layer, residuals, kept, blocks, scratch, .. } = activations;
        let first = *first_layer;
        let (table, scale) = (&self.embedding.weight, self.spec.embedding_scale);
        self.device.embed(batch, table, scale, &mut residuals[Activations::residual(first, 0)]);
        for (layer, block) in self.blocks.iter().enumerate() {
            let pass = Pass::new(self.compute(), &self.spec, &self.rope_tables, batch, layer);
            let pass = Pass { adapters, ..pass };
            let kept_slot = Activations::slot(kept.len(), first, layer);
            let slot = Activations::slot(blocks.len(), first, layer);
            let (block_work, kept_work) = (&mut blocks[slot], &mut kept[kept_slot]);
            let mut work = Workspace { block: block_work, kept: kept_work, scratch: &mut *scratch };
            let [input, output] = residuals
                .get_disjoint_mut([
                    Activations::residual(first, layer),
                    Activations::residual(first, layer + 1),
                ])
                .expect("a block reads one residual and writes another");
            block.attention_inputs(pass, input, &mut work);
            attend(layer, pass, block, &mut work);
            block.attention_output(pass, input, &mut work);
            block.activate(pass, &mut work);
            block.mlp_output(pass, &mut work, output);
        }
        Activations::residual(first, self.blocks.len())
    }

    /// The norm before the head, of `m` rows.
    pub(crate) fn norm_output(&self, m: usize, x: &Buffer, y: &mut Buffer, inverse_rms: &mut Buffer) {
        let (norm, w) = (self.spec.norm, &self.final_norm.weight);
        self.device.rms_norm(m, norm, x, w, Beta::Overwrite, y, inverse_rms);
    }

    /// Logits of `m` rows of the final norm's output, [m, vocabulary].
    pub fn logits(&self, m: usize, x: &Buffer, logits: &mut Buffer) {
        let head = &self.head_parameter().weight;
        self.device.linear(self.precision, m, 1.0, x, head, None, Beta::Overwrite, logits);
        if let Some(cap) = self.spec.logit_soft_cap {
            self.device.soft_cap(m * self.spec.vocab_size, cap, logits);
        }
    }

    fn head_gradient(
        &mut self,
        batch: &Batch,
        activations: &mut Activations,
        gradients: &mut Gradients,
        scale: f32,
    ) -> LossSum {
        let device = &*self.device;
        let head = self.head.as_mut().unwrap_or(&mut self.embedding);
        let d_head = head.trained.as_mut().map(|trained| &mut trained.gradient);
        let gradient = HeadGradient { dx: &mut gradients.norm, d_head, scale };
        let loss = device.cross_entropy(
            self.precision,
            batch,
            &activations.final_norm,
            &head.weight,
            self.spec.logit_soft_cap,
            activations.loss.as_mut().expect("training activations have room for the loss"),
            Some(gradient),
        );
        let x = activations.residuals.last().expect("at least one residual");
        let Parameter { weight, trained, .. } = &mut self.final_norm;
        device.fill_zero(&mut gradients.residual);
        device.rms_norm_gradient(
            batch.tokens(),
            self.spec.norm,
            &gradients.norm,
            x,
            weight,
            &activations.final_inverse_rms,
            &mut gradients.residual,
            trained.as_mut().map(|trained| &mut trained.gradient),
        );
        loss
    }

    fn block_gradient(
        &mut self,
        layer: usize,
        needs_input: bool,
        batch: &Batch,
        activations: &mut Activations,
        gradients: &mut Gradients,
    ) {
        let compute = Compute { device: &*self.device, precision: self.precision };
        let pass = Pass::new(compute, &self.spec, &self.rope_tables, batch, layer);
        let pass = Pass { adapters: Adapters::Training(self.dropout), ..pass };
        let Activations { recompute, first_layer, residuals, kept, blocks, scratch, .. } = activations;
        let kept_slot = Activations::slot(kept.len(), *first_layer, layer);
        let slot = Activations::slot(blocks.len(), *first_layer, layer);
        let work = &mut Workspace { block: &mut blocks[slot], kept: &mut kept[kept_slot], scratch };
        let input = &residuals[Activations::residual(*first_layer, layer)];
        let block = &mut self.blocks[layer];
        match recompute {
            Recompute::None => {}
            Recompute::Light => {
                block.attention_inputs(pass, input, work);
                block.activate(pass, work);
                let (adapters, dropped) = (&mut work.block.adapters, &mut work.scratch.dropped);
                let mut again = |module: Module, x: &Buffer| {
                    let adapter = pass.adapter(module, adapters, dropped);
                    block.projection(module).keep_again(compute, pass.m, x, adapter);
                };
                again(Module::Output, &work.kept.output);
                again(Module::Down, &work.block.activated);
            }
            Recompute::Full => {
                block.attention_inputs(pass, input, work);
                block.attend(pass, work);
                block.attention_output(pass, input, work);
                block.activate(pass, work);
                block.project_down_again(pass, work, &mut gradients.projected);
            }
        }
        block.mlp_gradient(pass, work, gradients);
        block.attention_gradient(pass, input, work, gradients, needs_input);
    }

    /// Every tensor that is trained, in a fixed order.
    pub fn trained(&self) -> impl Iterator<Item = &Parameter> {
        self.parameters().filter(|parameter| parameter.trained.is_some())
    }

    /// Every tensor, adapters included, in a fixed order.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        std::iter::once(&self.embedding)
            .chain(self.blocks.iter().flat_map(Block::parameters))
            .chain(std::iter::once(&self.final_norm))
            .chain(self.head.as_ref())
    }

    pub fn trained_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        std::iter::once(&mut self.embedding)
            .chain(self.blocks.iter_mut().flat_map(Block::parameters_mut))
            .chain(std::iter::once(&mut self.final_norm))
            .chain(self.head.as_mut())
            .filter(|parameter| parameter.trained.is_some())
    }

    /// L2 norm of the whole gradient.
    pub fn gradient_norm(&self) -> f64 {
        let squares = |parameter: &Parameter| {
            parameter.trained.as_ref().map_or(0.0, |trained| self.device.sum_of_squares(&trained.gradient))
        };
        self.device.run(|| self.trained().map(squares).sum::<f64>()).sqrt()
    }

    /// LoRA+ (<https://arxiv.org/abs/2402.12354>): the learning rate of each B is `ratio` times that of A, and so is
    /// that of DoRA's magnitudes, as in PEFT.
    pub fn set_lora_plus_ratio(&mut self, ratio: f32) {
        let projections = self.blocks.iter_mut().flat_map(|block| block.projections.iter_mut().flatten());
        for adapter in projections.filter_map(|projection| projection.adapter.as_mut()) {
            let vector = adapter.magnitude.as_mut().map(|magnitude| &mut magnitude.vector);
            std::iter::once(&mut adapter.b).chain(vector).for_each(|p| p.learning_rate_factor = ratio);
        }
    }

    /// One optimizer step on everything that is trained; gradients are 0 afterwards.
    pub fn update(&mut self, step: &AdamWStep) {
        let device = Arc::clone(&self.device);
        device.run(|| {
            self.trained_mut().for_each(|parameter| parameter.update(&*device, step));
            self.refresh_norms();
        });
    }

    /// Takes DoRA's norms anew; needed whenever an adapter's values were written from outside.
    pub fn refresh_norms(&mut self) {
        let shape = self.adapter_shape();
        if !shape.magnitudes {
            return;
        }
        let device = &*self.device;
        let [products, gram] = norm_scratch(&self.spec, shape).map(|len| device.zeros(len));
        let mut scratch = NormScratch { products, gram };
        for projection in self.blocks.iter_mut().flat_map(|block| block.projections.iter_mut().flatten()) {
            if let Some(adapter) = &mut projection.adapter {
                adapter.refresh_norms(device, &projection.base.weight, &mut scratch);
            }
        }
    }
}
