//! The first half of a block: `residual = input + n(o(attention(norm(input))))`, and its gradient.

use super::{Block, Pass, Workspace, output_gradient};
use crate::device::{Beta, Buffer};
use crate::models::activations::{BlockActivations, Gradients, KeptActivations, NormedHeads, Scratch};
use crate::models::spec::Module;

impl Block {
    /// Norm, query, key and value with positions: what attention reads.
    pub fn attention_inputs(&self, pass: Pass, input: &Buffer, work: &mut Workspace) {
        let a = &mut *work.block;
        let inverse = &mut a.input_inverse_rms;
        pass.norm(pass.m, input, &self.input_norm, Beta::Overwrite, &mut a.input_norm, inverse);
        self.query_key_value(pass, a, work.scratch);
        self.norm_heads(pass, a);
        pass.rope(pass.shape.heads, false, &mut a.query);
        pass.rope(pass.shape.key_value_heads, false, &mut a.key);
    }

    /// Query and key go to where the norms on heads read them, if the family has such norms.
    fn query_key_value(&self, pass: Pass, a: &mut BlockActivations, scratch: &mut Scratch) {
        let (x, kept) = (&a.input_norm, &mut a.adapters);
        let Scratch { fused, dropped } = scratch;
        let (query, key) = if pass.spec.head_norms {
            (&mut a.normed_heads.query, &mut a.normed_heads.key)
        } else {
            (&mut a.query, &mut a.key)
        };
        if pass.spec.fused {
            self.forward(pass, Module::QueryKeyValue, x, kept, dropped, Beta::Overwrite, fused);
            let (wide, narrow) = (pass.shape.query_size(), pass.shape.key_value_size());
            pass.split(fused, [(query, wide), (key, narrow), (&mut a.value, narrow)]);
        } else {
            self.forward(pass, Module::Query, x, kept, dropped, Beta::Overwrite, query);
            self.forward(pass, Module::Key, x, kept, dropped, Beta::Overwrite, key);
            self.forward(pass, Module::Value, x, kept, dropped, Beta::Overwrite, &mut a.value);
        }
    }

    fn norm_heads(&self, pass: Pass, a: &mut BlockActivations) {
        let NormedHeads { query, query_inverse_rms, key, key_inverse_rms } = &mut a.normed_heads;
        let (queries, keys) = (pass.m * pass.shape.heads, pass.m * pass.shape.key_value_heads);
        if let Some(norm) = &self.query_norm {
            pass.norm(queries, query, norm, Beta::Overwrite, &mut a.query, query_inverse_rms);
        }
        if let Some(norm) = &self.key_norm {
            pass.norm(keys, key, norm, Beta::Overwrite, &mut a.key, key_inverse_rms);
        }
    }

    /// Attention within the batch's sequences.
    pub fn attend(&self, pass: Pass, work: &mut Workspace) {
        let (a, kept) = (&work.block, &mut *work.kept);
        pass.compute.device.attention(
            pass.compute.precision,
            pass.batch,
            pass.shape,
            &a.query,
            &a.key,
            &a.value,
            &mut kept.output,
            &mut kept.log_sum_exp,
        );
    }

    /// `residual = input + n(o(output))`.
    pub fn attention_output(&self, pass: Pass, input: &Buffer, work: &mut Workspace) {
        let KeptActivations { output, residual, attention_output, .. } = &mut *work.kept;
        pass.compute.device.copy(input, residual, pass.m * pass.spec.hidden_size);
        let norm = self.attention_output_norm.as_ref();
        let (adapters, dropped) = (&mut work.block.adapters, &mut work.scratch.dropped);
        self.add_output(pass, Module::Output, norm, output, adapters, dropped, attention_output, residual);
    }

    /// `gradients.residual`: of the residual between the halves, becomes that of the block's input.
    pub fn attention_gradient(
        &mut self,
        pass: Pass,
        input: &Buffer,
        work: &mut Workspace,
        g: &mut Gradients,
        needs_input: bool,
    ) {
        let (a, kept) = (&mut *work.block, &*work.kept);
        let norm = self.attention_output_norm.as_mut();
        let dy = output_gradient(pass, norm, &kept.attention_output, &g.residual, &mut g.projected);
        let dy = pass.operand(pass.spec.hidden_size, dy, &mut g.rounded);
        self.projection_mut(Module::Output).backward(
            pass.compute,
            pass.m,
            &kept.output,
            pass.adapter(Module::Output, &mut a.adapters, &mut work.scratch.dropped),
            dy,
            &mut g.low,
            Some((&mut g.attention_output, Beta::Overwrite)),
        );
        pass.compute.device.attention_gradient(
            pass.compute.precision,
            pass.batch,
            pass.shape,
            &a.query,
            &a.key,
            &a.value,
            &kept.output,
            &kept.log_sum_exp,
            &g.attention_output,
            &mut g.query,
            &mut g.key,
            &mut g.value,
        );
        pass.rope(pass.shape.heads, true, &mut g.query);
        pass.rope(pass.shape.key_value_heads, true, &mut g.key);
        self.norm_heads_gradient(pass, &a.normed_heads, g);
        self.query_key_value_gradient(pass, a, work.scratch, g, needs_input);
        if needs_input || self.input_norm.trained.is_some() {
            let inverse = &a.input_inverse_rms;
            pass.norm_gradient(pass.m, &g.norm, input, &mut self.input_norm, inverse, &mut g.residual);
        }
    }

    fn norm_heads_gradient(&mut self, pass: Pass, heads: &NormedHeads, g: &mut Gradients) {
        let (queries, keys) = (pass.m * pass.shape.heads, pass.m * pass.shape.key_value_heads);
        if let Some(norm) = &mut self.query_norm {
            let (x, inverse) = (&heads.query, &heads.query_inverse_rms);
            pass.compute.device.fill_zero(&mut g.head_query);
            pass.norm_gradient(queries, &g.query, x, norm, inverse, &mut g.head_query);
        }
        if let Some(norm) = &mut self.key_norm {
            let (x, inverse) = (&heads.key, &heads.key_inverse_rms);
            pass.compute.device.fill_zero(&mut g.head_key);
            pass.norm_gradient(keys, &g.key, x, norm, inverse, &mut g.head_key);
        }
    }

    fn query_key_value_gradient(
        &mut self,
        pass: Pass,
        a: &mut BlockActivations,
        scratch: &mut Scratch,
        g: &mut Gradients,
        needs_input: bool,
    ) {
        let (query, key) =
            if pass.spec.head_norms { (&g.head_query, &g.head_key) } else { (&g.query, &g.key) };
        let (wide, narrow) = (pass.shape.query_size(), pass.shape.key_value_size());
        let Scratch { fused, dropped } = scratch;
        let mut backward = |module: Module, width: usize, dy: &Buffer, beta: Beta| {
            let dy = pass.operand(width, dy, &mut g.rounded);
            let adapter = pass.adapter(module, &mut a.adapters, dropped);
            let to_norm = needs_input.then_some((&mut g.norm, beta));
            let projection = self.projection_mut(module);
            projection.backward(pass.compute, pass.m, &a.input_norm, adapter, dy, &mut g.low, to_norm);
        };
        if pass.spec.fused {
            pass.join([(query, wide), (key, narrow), (&g.value, narrow)], fused);
            backward(Module::QueryKeyValue, wide + 2 * narrow, fused, Beta::Overwrite);
        } else {
            backward(Module::Query, wide, query, Beta::Overwrite);
            backward(Module::Key, narrow, key, Beta::Accumulate);
            backward(Module::Value, narrow, &g.value, Beta::Accumulate);
        }
    }
}
