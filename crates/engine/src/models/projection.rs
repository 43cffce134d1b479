//! A linear layer, frozen or trained, with or without a bias and an adapter: `y = x·Wᵀ + bias`; see [`super::low_rank`].

use super::low_rank::{AdapterPass, LowRank};
use super::parameter::Parameter;
use crate::device::{Beta, Buffer, Device, Precision};

pub struct Projection {
    pub base: Parameter,
    /// [out]
    pub bias: Option<Parameter>,
    pub adapter: Option<LowRank>,
}

/// The device and the precision that products are made in.
#[derive(Clone, Copy)]
pub struct Compute<'a> {
    pub device: &'a dyn Device,
    pub precision: Precision,
}

impl Projection {
    /// See [`super::Decoder::share_base`].
    pub fn share_base(&self) -> Self {
        Self { base: self.base.share(), bias: self.bias.as_ref().map(Parameter::share), adapter: None }
    }

    /// `y (+)= x·Wᵀ + …` for `m` rows. Without `pass` the adapter is left out.
    pub fn forward(
        &self,
        compute: Compute,
        m: usize,
        x: &Buffer,
        pass: Option<AdapterPass>,
        beta: Beta,
        y: &mut Buffer,
    ) {
        let Compute { device, precision } = compute;
        let base = &self.base.weight;
        match (&self.adapter, pass) {
            (Some(adapter), Some(pass)) => adapter.forward(compute, m, x, base, pass, beta, y),
            _ => device.linear(precision, m, 1.0, x, base, None, beta, y),
        }
        if let Some(bias) = &self.bias {
            device.add_bias(m, &bias.weight, y);
        }
    }

    /// Computes again what the adapter's gradient reads.
    pub fn keep_again(&self, compute: Compute, m: usize, x: &Buffer, mut pass: AdapterPass) {
        if let Some(adapter) = &self.adapter {
            adapter.keep(compute, m, x, &self.base.weight, &mut pass);
        }
    }

    /// Adds the gradients of what is trained, and `dx (+)= ∂` where somebody needs it.
    /// `d_low`: [m, rank], scratch.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &mut self,
        compute: Compute,
        m: usize,
        x: &Buffer,
        pass: AdapterPass,
        dy: &Buffer,
        d_low: &mut Buffer,
        dx: Option<(&mut Buffer, Beta)>,
    ) {
        let Compute { device, precision } = compute;
        let [rows, columns] = [self.base.weight.rows, self.base.weight.columns];
        if let Some(gradient) = self.base.gradient_mut() {
            device.linear_weight_gradient(precision, m, 1.0, dy, rows, x, columns, gradient);
        }
        if let Some(gradient) = self.bias.as_mut().and_then(Parameter::gradient_mut) {
            device.bias_gradient(m, dy, gradient);
        }
        let base = &self.base.weight;
        match (&mut self.adapter, dx) {
            (Some(adapter), dx) => adapter.backward(compute, m, x, base, pass, dy, d_low, dx),
            (None, Some((dx, beta))) => {
                device.linear_input_gradient(precision, m, 1.0, dy, base, None, beta, dx);
            }
            (None, None) => {}
        }
    }
}
