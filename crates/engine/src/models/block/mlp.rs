//! The second half of a block: `output = residual + n(down(act(gate(norm(residual))) · up(norm(residual))))`, and its gradient.

use super::{Block, Pass, Workspace, output_gradient};
use crate::device::{Beta, Buffer, Precision};
use crate::models::activations::{BlockActivations, Gradients, Scratch};
use crate::models::spec::Module;

impl Block {
    /// The gated layer up to what `down_proj` reads.
    pub fn activate(&self, pass: Pass, work: &mut Workspace) {
        let a = &mut *work.block;
        let inverse = &mut a.post_inverse_rms;
        pass.norm(pass.m, &work.kept.residual, &self.post_norm, Beta::Overwrite, &mut a.post_norm, inverse);
        self.gate_up(pass, a, work.scratch);
        let len = pass.m * pass.spec.intermediate_size;
        pass.compute.device.gated(pass.spec.activation, len, &a.gate, &a.up, &mut a.activated);
    }

    fn gate_up(&self, pass: Pass, a: &mut BlockActivations, scratch: &mut Scratch) {
        let (x, kept) = (&a.post_norm, &mut a.adapters);
        let Scratch { fused, dropped } = scratch;
        if pass.spec.fused {
            self.forward(pass, Module::GateUp, x, kept, dropped, Beta::Overwrite, fused);
            let width = pass.spec.intermediate_size;
            pass.split(fused, [(&mut a.gate, width), (&mut a.up, width)]);
        } else {
            self.forward(pass, Module::Gate, x, kept, dropped, Beta::Overwrite, &mut a.gate);
            self.forward(pass, Module::Up, x, kept, dropped, Beta::Overwrite, &mut a.up);
        }
    }

    /// `output = residual + n(down(activated))`.
    pub fn mlp_output(&self, pass: Pass, work: &mut Workspace, output: &mut Buffer) {
        let (a, kept) = (&mut *work.block, &mut *work.kept);
        pass.compute.device.copy(&kept.residual, output, pass.m * pass.spec.hidden_size);
        let norm = self.mlp_output_norm.as_ref();
        let (adapters, dropped) = (&mut a.adapters, &mut work.scratch.dropped);
        let normed = &mut kept.mlp_output;
        self.add_output(pass, Module::Down, norm, &a.activated, adapters, dropped, normed, output);
    }

    /// What the gradient reads of `down_proj`, computed again: the adapter's part, and what a norm on its output keeps.
    /// `discarded`: [m, hidden] where there is such a norm.
    pub fn project_down_again(&self, pass: Pass, work: &mut Workspace, discarded: &mut Buffer) {
        let (a, normed) = (&mut *work.block, &mut work.kept.mlp_output);
        let (adapters, dropped) = (&mut a.adapters, &mut work.scratch.dropped);
        let Some(norm) = &self.mlp_output_norm else {
            let adapter = pass.adapter(Module::Down, adapters, dropped);
            return self.projection(Module::Down).keep_again(pass.compute, pass.m, &a.activated, adapter);
        };
        let projected = &mut normed.projected;
        self.forward(pass, Module::Down, &a.activated, adapters, dropped, Beta::Overwrite, projected);
        pass.norm(pass.m, &normed.projected, norm, Beta::Overwrite, discarded, &mut normed.inverse_rms);
    }

    /// `gradients.residual`: of the block's output, becomes that of the residual between the halves.
    pub fn mlp_gradient(&mut self, pass: Pass, work: &mut Workspace, g: &mut Gradients) {
        let (a, kept) = (&mut *work.block, &*work.kept);
        let norm = self.mlp_output_norm.as_mut();
        let dy = output_gradient(pass, norm, &kept.mlp_output, &g.residual, &mut g.projected);
        let dy = pass.operand(pass.spec.hidden_size, dy, &mut g.rounded);
        self.projection_mut(Module::Down).backward(
            pass.compute,
            pass.m,
            &a.activated,
            pass.adapter(Module::Down, &mut a.adapters, &mut work.scratch.dropped),
            dy,
            &mut g.low,
            Some((&mut g.activated, Beta::Overwrite)),
        );
        let len = pass.m * pass.spec.intermediate_size;
        let activation = pass.spec.activation;
        let Gradients { activated, gate, up, .. } = g;
        pass.compute.device.gated_gradient(activation, len, activated, &a.gate, &a.up, gate, up);
        self.gate_up_gradient(pass, a, work.scratch, g);
        let inverse = &a.post_inverse_rms;
        pass.norm_gradient(pass.m, &g.norm, &kept.residual, &mut self.post_norm, inverse, &mut g.residual);
    }

    /// From the gradients of gate and up to that of the norm's output.
    fn gate_up_gradient(
        &mut self,
        pass: Pass,
        a: &mut BlockActivations,
        scratch: &mut Scratch,
        g: &mut Gradients,
    ) {
        let Scratch { fused, dropped } = scratch;
        let mut backward = |module: Module, dy: &Buffer, beta: Beta| {
            let adapter = pass.adapter(module, &mut a.adapters, dropped);
            let to_norm = Some((&mut g.norm, beta));
            let projection = self.projection_mut(module);
            projection.backward(pass.compute, pass.m, &a.post_norm, adapter, dy, &mut g.low, to_norm);
        };
        if pass.spec.fused {
            let width = pass.spec.intermediate_size;
            let joined = match pass.compute.precision {
                Precision::F32 => fused,
                Precision::Bf16 => &mut g.rounded,
            };
            pass.join([(&g.gate, width), (&g.up, width)], joined);
            backward(Module::GateUp, joined, Beta::Overwrite);
        } else {
            backward(Module::Gate, &g.gate, Beta::Overwrite);
            backward(Module::Up, &g.up, Beta::Accumulate);
        }
    }
}
