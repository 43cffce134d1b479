//! The decoder that all families share: forward and backward written out.
//!
//! One block: `r = x + o(attention(norm(x)))`, `y = r + down(silu(gate(norm(r))) · up(norm(r)))`.
//! The residual stream is f32; sequences are packed; `m` is the number of tokens in the batch.

use std::sync::Arc;

use super::activations::{Activations, AttentionActivations, BlockActivations, Gradients, Recompute};
use super::parameter::Parameter;
use super::projection::{Compute, Projection};
use super::spec::{DecoderSpec, Module};
use crate::device::{AdamWStep, Batch, Beta, Buffer, Device, HeadGradient, LossSum, Precision};

pub struct Decoder {
    pub device: Arc<dyn Device>,
    pub spec: DecoderSpec,
    pub precision: Precision,
    pub embedding: Parameter,
    pub blocks: Vec<Block>,
    pub final_norm: Parameter,
    /// `None`: the embedding table is the head.
    pub head: Option<Parameter>,
    /// See [`super::spec::rope_table`].
    pub rope_table: Buffer,
}

pub struct Block {
    pub input_norm: Parameter,
    pub post_norm: Parameter,
    /// In the order of [`Module::ALL`].
    pub projections: [Projection; 7],
}

impl Block {
    pub fn projection(&self, module: Module) -> &Projection {
        &self.projections[module as usize]
    }

    fn projection_mut(&mut self, module: Module) -> &mut Projection {
        &mut self.projections[module as usize]
    }
}

/// What a block's passes share.
#[derive(Clone, Copy)]
struct Pass<'a> {
    compute: Compute<'a>,
    spec: &'a DecoderSpec,
    rope_table: &'a Buffer,
    batch: &'a Batch,
    m: usize,
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
    pub fn ranks(&self) -> [usize; 7] {
        Module::ALL.map(|module| {
            let ranks = self.blocks.iter().filter_map(|block| block.projection(module).adapter.as_ref());
            ranks.map(super::projection::LowRank::rank).max().unwrap_or(0)
        })
    }

    /// Loss of the supervised tokens; nothing is kept.
    pub fn evaluate(&self, batch: &Batch, activations: &mut Activations) -> LossSum {
        self.forward(batch, activations);
        self.device.cross_entropy(
            self.precision,
            batch,
            &activations.final_norm,
            &self.head_parameter().weight,
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
        let hidden = self.spec.hidden_size;
        if let Some(d_table) = self.embedding.gradient_mut() {
            self.device.embed_gradient(batch, &gradients.residual, hidden, d_table);
        }
        activations.gradients = Some(gradients);
        loss
    }

    /// Fills `activations` up to the final norm's output.
    fn forward(&self, batch: &Batch, activations: &mut Activations) {
        let m = batch.tokens();
        assert!(m <= activations.capacity, "{m} tokens in a workspace for {}", activations.capacity);
        let pass = Pass { compute: self.compute(), spec: &self.spec, rope_table: &self.rope_table, batch, m };
        let last = activations.residuals.len() - 1;
        self.device.embed(batch, &self.embedding.weight, &mut activations.residuals[0]);
        for (layer, block) in self.blocks.iter().enumerate() {
            let attention = Activations::slot(activations.attention.len(), layer);
            let shared = Activations::slot(activations.blocks.len(), layer);
            let (attention, shared) =
                (&mut activations.attention[attention], &mut activations.blocks[shared]);
            // Without a backward pass two residuals take turns.
            let input = if last > 1 || self.blocks.len() == 1 { layer } else { layer % 2 };
            let output = if last > 1 || self.blocks.len() == 1 { layer + 1 } else { (layer + 1) % 2 };
            let [input, output] = activations
                .residuals
                .get_disjoint_mut([input, output])
                .expect("a block reads one residual and writes another");
            block.attention_half(pass, input, shared, attention);
            block.mlp_half(pass, shared, attention, Some(output));
        }
        let x = if last > 1 { last } else { self.blocks.len() % 2 };
        let Activations { residuals, final_norm, final_inverse_rms, .. } = activations;
        self.device.rms_norm(
            m,
            &residuals[x],
            &self.final_norm.weight,
            self.spec.rms_norm_eps,
            final_norm,
            final_inverse_rms,
        );
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
            Some(gradient),
        );
        let x = activations.residuals.last().expect("at least one residual");
        let Parameter { weight, trained, .. } = &mut self.final_norm;
        device.fill_zero(&mut gradients.residual);
        device.rms_norm_gradient(
            batch.tokens(),
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
        let pass = Pass { compute, spec: &self.spec, rope_table: &self.rope_table, batch, m: batch.tokens() };
        let attention = Activations::slot(activations.attention.len(), layer);
        let shared = Activations::slot(activations.blocks.len(), layer);
        let (attention, shared) = (&mut activations.attention[attention], &mut activations.blocks[shared]);
        let input = &activations.residuals[layer];
        let block = &mut self.blocks[layer];
        match activations.recompute {
            Recompute::None => {}
            Recompute::Light => {
                block.attention_inputs(pass, input, shared);
                block.projection(Module::Output).forward_low(
                    compute,
                    pass.m,
                    &attention.output,
                    &mut shared.low[Module::Output as usize],
                );
                block.mlp_half(pass, shared, attention, None);
            }
            Recompute::Full => {
                block.attention_half(pass, input, shared, attention);
                block.mlp_half(pass, shared, attention, None);
            }
        }
        block.mlp_gradient(pass, shared, attention, gradients);
        let needs_input = layer > 0 || self.embedding.trained.is_some();
        block.attention_gradient(pass, input, shared, attention, gradients, needs_input);
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

impl Block {
    fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        let projections = self.projections.iter().flat_map(|projection| {
            let adapter = projection.adapter.iter().flat_map(|adapter| [&adapter.a, &adapter.b]);
            std::iter::once(&projection.base).chain(adapter)
        });
        [&self.input_norm, &self.post_norm].into_iter().chain(projections)
    }

    fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        let projections = self.projections.iter_mut().flat_map(|projection| {
            let adapter = projection.adapter.iter_mut().flat_map(|adapter| [&mut adapter.a, &mut adapter.b]);
            std::iter::once(&mut projection.base).chain(adapter)
        });
        [&mut self.input_norm, &mut self.post_norm].into_iter().chain(projections)
    }

    /// Norm, query, key and value with positions: what attention reads.
    fn attention_inputs(&self, pass: Pass, input: &Buffer, a: &mut BlockActivations) {
        let Pass { compute, spec, m, .. } = pass;
        let norm = &self.input_norm.weight;
        compute.device.rms_norm(
            m,
            input,
            norm,
            spec.rms_norm_eps,
            &mut a.input_norm,
            &mut a.input_inverse_rms,
        );
        let [query, key, value, ..] = &mut a.low;
        self.projection(Module::Query).forward(
            compute,
            m,
            &a.input_norm,
            Some(query),
            Beta::Overwrite,
            &mut a.query,
        );
        self.projection(Module::Key).forward(
            compute,
            m,
            &a.input_norm,
            Some(key),
            Beta::Overwrite,
            &mut a.key,
        );
        self.projection(Module::Value).forward(
            compute,
            m,
            &a.input_norm,
            Some(value),
            Beta::Overwrite,
            &mut a.value,
        );
        let shape = spec.attention;
        compute.device.rope(pass.batch, shape.heads, shape.head_dim, pass.rope_table, false, &mut a.query);
        compute.device.rope(
            pass.batch,
            shape.key_value_heads,
            shape.head_dim,
            pass.rope_table,
            false,
            &mut a.key,
        );
    }

    /// `residual = input + o(attention)`.
    fn attention_half(
        &self,
        pass: Pass,
        input: &Buffer,
        a: &mut BlockActivations,
        attention: &mut AttentionActivations,
    ) {
        let Pass { compute, spec, batch, m, .. } = pass;
        self.attention_inputs(pass, input, a);
        let AttentionActivations { output, log_sum_exp, residual } = attention;
        compute.device.attention(
            compute.precision,
            batch,
            spec.attention,
            &a.query,
            &a.key,
            &a.value,
            output,
            log_sum_exp,
        );
        compute.device.copy(input, residual, m * spec.hidden_size);
        let low = Some(&mut a.low[Module::Output as usize]);
        self.projection(Module::Output).forward(compute, m, output, low, Beta::Accumulate, residual);
    }

    /// The gated layer; `output = residual + down(…)` unless it is only computed again for the gradient.
    fn mlp_half(
        &self,
        pass: Pass,
        a: &mut BlockActivations,
        attention: &AttentionActivations,
        output: Option<&mut Buffer>,
    ) {
        let Pass { compute, spec, m, .. } = pass;
        let (device, residual) = (compute.device, &attention.residual);
        device.rms_norm(
            m,
            residual,
            &self.post_norm.weight,
            spec.rms_norm_eps,
            &mut a.post_norm,
            &mut a.post_inverse_rms,
        );
        let [_, _, _, _, gate, up, down] = &mut a.low;
        self.projection(Module::Gate).forward(
            compute,
            m,
            &a.post_norm,
            Some(gate),
            Beta::Overwrite,
            &mut a.gate,
        );
        self.projection(Module::Up).forward(compute, m, &a.post_norm, Some(up), Beta::Overwrite, &mut a.up);
        device.gated_silu(m * spec.intermediate_size, &a.gate, &a.up, &mut a.activated);
        match output {
            Some(output) => {
                device.copy(residual, output, m * spec.hidden_size);
                self.projection(Module::Down).forward(
                    compute,
                    m,
                    &a.activated,
                    Some(down),
                    Beta::Accumulate,
                    output,
                );
            }
            None => self.projection(Module::Down).forward_low(compute, m, &a.activated, down),
        }
    }

    /// `gradients.residual`: of the block's output, becomes that of the residual between the halves.
    fn mlp_gradient(
        &mut self,
        pass: Pass,
        a: &mut BlockActivations,
        attention: &AttentionActivations,
        g: &mut Gradients,
    ) {
        let Pass { compute, spec, m, .. } = pass;
        let [_, _, _, _, gate, up, down] = &a.low;
        let to_activated = Some((&mut g.activated, Beta::Overwrite));
        self.projection_mut(Module::Down).backward(
            compute,
            m,
            &a.activated,
            down,
            &g.residual,
            &mut g.low,
            to_activated,
        );
        compute.device.gated_silu_gradient(m * spec.intermediate_size, &g.activated, &mut a.gate, &mut a.up);
        let to_norm = Some((&mut g.norm, Beta::Overwrite));
        self.projection_mut(Module::Gate).backward(
            compute,
            m,
            &a.post_norm,
            gate,
            &a.gate,
            &mut g.low,
            to_norm,
        );
        let to_norm = Some((&mut g.norm, Beta::Accumulate));
        self.projection_mut(Module::Up).backward(compute, m, &a.post_norm, up, &a.up, &mut g.low, to_norm);
        let Parameter { weight, trained, .. } = &mut self.post_norm;
        compute.device.rms_norm_gradient(
            m,
            &g.norm,
            &attention.residual,
            weight,
            &a.post_inverse_rms,
            &mut g.residual,
            trained.as_mut().map(|trained| &mut trained.gradient),
        );
    }

    /// `gradients.residual`: of the residual between the halves, becomes that of the block's input.
    fn attention_gradient(
        &mut self,
        pass: Pass,
        input: &Buffer,
        a: &BlockActivations,
        attention: &AttentionActivations,
        g: &mut Gradients,
        needs_input: bool,
    ) {
        let Pass { compute, spec, batch, m, .. } = pass;
        let shape = spec.attention;
        let [query, key, value, output, ..] = &a.low;
        let to_output = Some((&mut g.attention_output, Beta::Overwrite));
        self.projection_mut(Module::Output).backward(
            compute,
            m,
            &attention.output,
            output,
            &g.residual,
            &mut g.low,
            to_output,
        );
        compute.device.attention_gradient(
            compute.precision,
            batch,
            shape,
            &a.query,
            &a.key,
            &a.value,
            &attention.output,
            &attention.log_sum_exp,
            &g.attention_output,
            &mut g.query,
            &mut g.key,
            &mut g.value,
        );
        compute.device.rope(batch, shape.heads, shape.head_dim, pass.rope_table, true, &mut g.query);
        compute.device.rope(batch, shape.key_value_heads, shape.head_dim, pass.rope_table, true, &mut g.key);
        let parts =
            [(Module::Query, query, &g.query), (Module::Key, key, &g.key), (Module::Value, value, &g.value)];
        for (i, (module, low, dy)) in parts.into_iter().enumerate() {
            let beta = if i == 0 { Beta::Overwrite } else { Beta::Accumulate };
            let to_norm = needs_input.then_some((&mut g.norm, beta));
            self.projection_mut(module).backward(compute, m, &a.input_norm, low, dy, &mut g.low, to_norm);
        }
        if needs_input || self.input_norm.trained.is_some() {
            let Parameter { weight, trained, .. } = &mut self.input_norm;
            compute.device.rms_norm_gradient(
                m,
                &g.norm,
                input,
                weight,
                &a.input_inverse_rms,
                &mut g.residual,
                trained.as_mut().map(|trained| &mut trained.gradient),
            );
        }
    }
}
