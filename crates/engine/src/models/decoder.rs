//! The decoder that all families share: forward and backward written out.
//!
//! Embedding, blocks (see [`super::block`]), a norm, and the head.
//! The residual stream is f32; sequences are packed; `m` is the number of tokens in the batch.

use std::sync::Arc;

use super::activations::{Activations, Gradients, Recompute};
use super::block::{Block, Pass, Workspace};
use super::parameter::Parameter;
use super::projection::Compute;
use super::spec::{DecoderSpec, Module, Ranks};
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
    /// One for each of the spec's ropes; see [`super::rope::Rope::table`].
    pub rope_tables: Vec<Buffer>,
}

impl Decoder {
    pub fn compute(&self) -> Compute<'_> {
        Compute { device: &*self.device, precision: self.precision }
    }

    /// The matrix that gives logits, [vocabulary, hidden].
    pub fn head_parameter(&self) -> &Parameter {
        self.head.as_ref().unwrap_or(&self.embedding)
    }

    /// Rank of each module's adapter, 0 without one, in the order of [`Module::ALL`].
    pub fn ranks(&self) -> Ranks {
        Module::ALL.map(|module| self.blocks.iter().map(|block| block.rank(module)).max().unwrap_or(0))
    }

    /// Loss of the supervised tokens; nothing is kept.
    pub fn evaluate(&self, batch: &Batch, activations: &mut Activations) -> LossSum {
        self.forward(batch, activations);
        self.device.cross_entropy(
            self.precision,
            batch,
            &activations.final_norm,
            &self.head_parameter().weight,
            self.spec.logit_soft_cap,
            None,
        )
    }

    /// Forward and backward: adds `gradient_scale *` the gradient of the loss sum to every trained parameter.
    pub fn forward_backward(
        &mut self,
        batch: &Batch,
        activations: &mut Activations,
        gradient_scale: f32,
    ) -> LossSum {
        self.forward(batch, activations);
        let mut gradients = activations.gradients.take().expect("training activations have gradients");
        let loss = self.head_gradient(batch, activations, &mut gradients, gradient_scale);
        for layer in (0..self.blocks.len()).rev() {
            self.block_gradient(layer, batch, activations, &mut gradients);
        }
        let (hidden, scale) = (self.spec.hidden_size, self.spec.embedding_scale);
        if let Some(d_table) = self.embedding.gradient_mut() {
            self.device.embed_gradient(batch, &gradients.residual, hidden, scale, d_table);
        }
        activations.gradients = Some(gradients);
        loss
    }

    /// Fills `activations` up to the final norm's output.
    fn forward(&self, batch: &Batch, activations: &mut Activations) {
        let last = self.run_blocks(batch, activations, true, |_, pass, block, work| block.attend(pass, work));
        let Activations { residuals, final_norm, final_inverse_rms, .. } = activations;
        self.norm_output(batch.tokens(), &residuals[last], final_norm, final_inverse_rms);
    }

    /// Embedding and blocks; returns which residual holds the result. `attend` fills the attention's output from
    /// query, key and value of the layer that it is given.
    pub(crate) fn run_blocks(
        &self,
        batch: &Batch,
        activations: &mut Activations,
        with_adapters: bool,
        mut attend: impl FnMut(usize, Pass, &Block, &mut Workspace),
    ) -> usize {
        let m = batch.tokens();
        assert!(m <= activations.capacity, "{m} tokens in a workspace for {}", activations.capacity);
        let Activations { residuals, kept, blocks, fused, .. } = activations;
        // Without a backward pass two residuals take turns.
        let count = residuals.len();
        self.device.embed(batch, &self.embedding.weight, self.spec.embedding_scale, &mut residuals[0]);
        for (layer, block) in self.blocks.iter().enumerate() {
            let pass = Pass::new(self.compute(), &self.spec, &self.rope_tables, batch, layer);
            let pass = Pass { with_adapters, ..pass };
            let (kept_slot, slot) =
                (Activations::slot(kept.len(), layer), Activations::slot(blocks.len(), layer));
            let (block_work, kept_work) = (&mut blocks[slot], &mut kept[kept_slot]);
            let mut work = Workspace { block: block_work, kept: kept_work, fused: &mut *fused };
            let [input, output] = residuals
                .get_disjoint_mut([layer % count, (layer + 1) % count])
                .expect("a block reads one residual and writes another");
            block.attention_inputs(pass, input, &mut work);
            attend(layer, pass, block, &mut work);
            block.attention_output(pass, input, &mut work);
            block.activate(pass, &mut work);
            block.mlp_output(pass, &mut work, output);
        }
        self.blocks.len() % count
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
        activations: &Activations,
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
        batch: &Batch,
        activations: &mut Activations,
        gradients: &mut Gradients,
    ) {
        let compute = Compute { device: &*self.device, precision: self.precision };
        let pass = Pass::new(compute, &self.spec, &self.rope_tables, batch, layer);
        let Activations { recompute, residuals, kept, blocks, fused, .. } = activations;
        let (kept_slot, slot) =
            (Activations::slot(kept.len(), layer), Activations::slot(blocks.len(), layer));
        let work = &mut Workspace { block: &mut blocks[slot], kept: &mut kept[kept_slot], fused };
        let (input, block) = (&residuals[layer], &mut self.blocks[layer]);
        match recompute {
            Recompute::None => {}
            Recompute::Light => {
                block.attention_inputs(pass, input, work);
                block.activate(pass, work);
                let low = &mut work.block.low;
                let (output, down) = (Module::Output, Module::Down);
                let again = |module: Module, x: &Buffer, low: &mut Buffer| {
                    block.projection(module).forward_low(compute, pass.m, x, low);
                };
                again(output, &work.kept.output, &mut low[output as usize]);
                again(down, &work.block.activated, &mut low[down as usize]);
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
        let needs_input = layer > 0 || self.embedding.trained.is_some();
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
        self.trained().map(squares).sum::<f64>().sqrt()
    }

    /// One optimizer step on everything that is trained; gradients are 0 afterwards.
    pub fn update(&mut self, step: &AdamWStep) {
        let device = Arc::clone(&self.device);
        self.trained_mut().for_each(|parameter| parameter.update(&*device, step));
    }
}
