//! One block of the decoder: its tensors, and what its two halves share.
//!
//! `r = x + n(o(attention(norm(x))))`, `y = r + n(down(act(gate(norm(r))) · up(norm(r))))`, where `n` is a norm in the
//! families with [`DecoderSpec::sandwich_norms`] and nothing in the others.

use super::activations::{AdapterActivations, BlockActivations, KeptActivations, NormedOutput, Scratch};
use super::low_rank::{AdapterPass, LowRank};
use super::parameter::Parameter;
use super::projection::{Compute, Projection};
use super::spec::{DecoderSpec, Module};
use crate::device::{
    AttentionShape, Batch, Beta, Buffer, Columns, Device, DropoutMask, Precision, RotaryShape,
};
use crate::random;

mod attention;
mod mlp;

pub struct Block {
    pub input_norm: Parameter,
    /// Before the gated layer.
    pub post_norm: Parameter,
    /// On the attention's output.
    pub attention_output_norm: Option<Parameter>,
    /// On the gated layer's output.
    pub mlp_output_norm: Option<Parameter>,
    /// On each head: [head_dim].
    pub query_norm: Option<Parameter>,
    pub key_norm: Option<Parameter>,
    /// In the order of [`Module::ALL`]; `None` for those that the family does not have.
    pub projections: [Option<Projection>; Module::COUNT],
}

/// What a block's passes share.
#[derive(Clone, Copy)]
pub struct Pass<'a> {
    pub compute: Compute<'a>,
    pub spec: &'a DecoderSpec,
    /// The layer's.
    pub shape: AttentionShape,
    pub rope_table: &'a Buffer,
    pub rotary_dim: usize,
    pub batch: &'a Batch,
    /// Tokens in the batch.
    pub m: usize,
    pub layer: usize,
    pub adapters: Adapters,
}

/// What a pass does with adapters.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Adapters {
    /// The bare base.
    Off,
    On,
    /// As in training, if there is dropout.
    Training(Option<Dropout>),
}

/// Dropout of one micro-batch (see [`DropoutMask`]). A token has its masks by its number in the step, however the step
/// is cut into micro-batches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    pub probability: f32,
    /// Of the run and the step.
    pub key: u64,
    /// Tokens of the step before this micro-batch.
    pub first_token: u64,
}

/// Buffers that a block's passes work in.
pub struct Workspace<'a> {
    pub block: &'a mut BlockActivations,
    pub kept: &'a mut KeptActivations,
    pub scratch: &'a mut Scratch,
}

impl<'a> Pass<'a> {
    pub fn new(
        compute: Compute<'a>,
        spec: &'a DecoderSpec,
        rope_tables: &'a [Buffer],
        batch: &'a Batch,
        layer: usize,
    ) -> Self {
        let rope = spec.layers[layer].rope;
        Self {
            compute,
            spec,
            shape: spec.attention_of(layer),
            rope_table: &rope_tables[rope],
            rotary_dim: spec.ropes[rope].rotary_dim(),
            batch,
            m: batch.tokens(),
            layer,
            adapters: Adapters::On,
        }
    }

    fn mask(&self, module: Module) -> Option<DropoutMask> {
        let Adapters::Training(Some(Dropout { probability, key, first_token })) = self.adapters else {
            return None;
        };
        let key = random::key(&[key, self.layer as u64, module as u64]);
        Some(DropoutMask { probability, key, first_row: first_token, complement: false })
    }

    /// What the adapter of `module` works with.
    pub fn adapter<'b>(
        &self,
        module: Module,
        kept: &'b mut [AdapterActivations; Module::COUNT],
        dropped: &'b mut Buffer,
    ) -> AdapterPass<'b> {
        AdapterPass { kept: &mut kept[module as usize], dropped, mask: self.mask(module) }
    }

    fn device(&self) -> &'a dyn Device {
        self.compute.device
    }

    /// `rows` rows of `x` through `norm`.
    fn norm(
        &self,
        rows: usize,
        x: &Buffer,
        norm: &Parameter,
        beta: Beta,
        y: &mut Buffer,
        inverse: &mut Buffer,
    ) {
        self.device().rms_norm(rows, self.spec.norm, x, &norm.weight, beta, y, inverse);
    }

    /// `dy`: [m, width] as the products of the pass read it, so that it is rounded once for all of them.
    fn operand<'b>(&self, width: usize, dy: &'b Buffer, rounded: &'b mut Buffer) -> &'b Buffer {
        match self.compute.precision {
            Precision::F32 => dy,
            Precision::Bf16 => {
                self.device().round(self.m * width, dy, rounded);
                rounded
            }
        }
    }

    /// Adds to `dx`, and to the norm's own gradient where it is trained.
    fn norm_gradient(
        &self,
        rows: usize,
        dy: &Buffer,
        x: &Buffer,
        norm: &mut Parameter,
        inverse: &Buffer,
        dx: &mut Buffer,
    ) {
        let Parameter { weight, trained, .. } = norm;
        let dw = trained.as_mut().map(|trained| &mut trained.gradient);
        self.device().rms_norm_gradient(rows, self.spec.norm, dy, x, weight, inverse, dx, dw);
    }

    /// Positions onto `heads` heads, or off again.
    fn rope(&self, heads: usize, inverse: bool, x: &mut Buffer) {
        let shape = RotaryShape { heads, head_dim: self.shape.head_dim, rotary_dim: self.rotary_dim };
        self.device().rope(self.batch, shape, self.rope_table, inverse, x);
    }

    /// Takes a fused product apart: each part with its number of columns.
    fn split<const N: usize>(&self, fused: &Buffer, parts: [(&mut Buffer, usize); N]) {
        let stride: usize = parts.iter().map(|(_, width)| width).sum();
        let mut start = 0;
        for (part, width) in parts {
            let to = Columns { start: 0, stride: width };
            self.device().copy_columns(self.m, width, fused, Columns { start, stride }, part, to);
            start += width;
        }
    }

    /// Puts the gradient of a fused product together.
    fn join<const N: usize>(&self, parts: [(&Buffer, usize); N], fused: &mut Buffer) {
        let stride: usize = parts.iter().map(|(_, width)| width).sum();
        let mut start = 0;
        for (part, width) in parts {
            let from = Columns { start: 0, stride: width };
            self.device().copy_columns(self.m, width, part, from, fused, Columns { start, stride });
            start += width;
        }
    }
}

impl Block {
    /// See [`super::Decoder::share_base`].
    pub fn share_base(&self) -> Self {
        let share = |norm: &Option<Parameter>| norm.as_ref().map(Parameter::share);
        Self {
            input_norm: self.input_norm.share(),
            post_norm: self.post_norm.share(),
            attention_output_norm: share(&self.attention_output_norm),
            mlp_output_norm: share(&self.mlp_output_norm),
            query_norm: share(&self.query_norm),
            key_norm: share(&self.key_norm),
            projections: self.projections.each_ref().map(|place| place.as_ref().map(Projection::share_base)),
        }
    }

    pub fn projection(&self, module: Module) -> &Projection {
        self.projections[module as usize].as_ref().expect("callers name modules of the family")
    }

    fn projection_mut(&mut self, module: Module) -> &mut Projection {
        self.projections[module as usize].as_mut().expect("callers name modules of the family")
    }

    /// The largest rank of an adapter on `module`, 0 without one.
    pub fn rank(&self, module: Module) -> usize {
        let adapter = self.projections[module as usize].as_ref().and_then(|p| p.adapter.as_ref());
        adapter.map_or(0, LowRank::rank)
    }

    pub fn has_magnitudes(&self) -> bool {
        self.projections.iter().flatten().any(|p| p.adapter.as_ref().is_some_and(|a| a.magnitude.is_some()))
    }

    /// Every tensor, adapters included, in a fixed order.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        let norms = [&self.attention_output_norm, &self.mlp_output_norm, &self.query_norm, &self.key_norm];
        let projections = self.projections.iter().flatten().flat_map(|projection| {
            let adapter = projection.adapter.iter().flat_map(LowRank::parameters);
            std::iter::once(&projection.base).chain(&projection.bias).chain(adapter)
        });
        [&self.input_norm, &self.post_norm].into_iter().chain(norms.into_iter().flatten()).chain(projections)
    }

    /// As [`Block::parameters`].
    pub fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        let norms = [
            &mut self.attention_output_norm,
            &mut self.mlp_output_norm,
            &mut self.query_norm,
            &mut self.key_norm,
        ];
        let projections = self.projections.iter_mut().flatten().flat_map(|projection| {
            let adapter = projection.adapter.iter_mut().flat_map(LowRank::parameters_mut);
            std::iter::once(&mut projection.base).chain(&mut projection.bias).chain(adapter)
        });
        [&mut self.input_norm, &mut self.post_norm]
            .into_iter()
            .chain(norms.into_iter().flatten())
            .chain(projections)
    }

    /// A module's product; the adapter is left out where the pass says so.
    #[allow(clippy::too_many_arguments)]
    fn forward(
        &self,
        pass: Pass,
        module: Module,
        x: &Buffer,
        kept: &mut [AdapterActivations; Module::COUNT],
        dropped: &mut Buffer,
        beta: Beta,
        y: &mut Buffer,
    ) {
        let adapter = (pass.adapters != Adapters::Off).then(|| pass.adapter(module, kept, dropped));
        self.projection(module).forward(pass.compute, pass.m, x, adapter, beta, y);
    }

    /// `y += module(x)`, through `norm` where the family has one.
    #[allow(clippy::too_many_arguments)]
    fn add_output(
        &self,
        pass: Pass,
        module: Module,
        norm: Option<&Parameter>,
        x: &Buffer,
        kept: &mut [AdapterActivations; Module::COUNT],
        dropped: &mut Buffer,
        normed: &mut NormedOutput,
        y: &mut Buffer,
    ) {
        let Some(norm) = norm else {
            return self.forward(pass, module, x, kept, dropped, Beta::Accumulate, y);
        };
        self.forward(pass, module, x, kept, dropped, Beta::Overwrite, &mut normed.projected);
        pass.norm(pass.m, &normed.projected, norm, Beta::Accumulate, y, &mut normed.inverse_rms);
    }
}

/// The gradient of a half's product, from that of the residual stream that it was added to.
fn output_gradient<'a>(
    pass: Pass,
    norm: Option<&mut Parameter>,
    normed: &NormedOutput,
    residual: &'a Buffer,
    projected: &'a mut Buffer,
) -> &'a Buffer {
    let Some(norm) = norm else { return residual };
    pass.device().fill_zero(projected);
    pass.norm_gradient(pass.m, residual, &normed.projected, norm, &normed.inverse_rms, projected);
    projected
}
