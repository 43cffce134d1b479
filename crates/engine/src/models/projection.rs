//! A linear layer, frozen or trained, with or without a bias and a low-rank adapter.
//!
//! LoRA (<https://arxiv.org/abs/2106.09685>): `y = x·Wᵀ + bias + scale · (x·Aᵀ)·Bᵀ`, A: [rank, in], B: [out, rank].

use super::parameter::Parameter;
use crate::device::{Beta, Buffer, Device, Precision};

pub struct Projection {
    pub base: Parameter,
    /// [out]
    pub bias: Option<Parameter>,
    pub adapter: Option<LowRank>,
}

pub struct LowRank {
    pub a: Parameter,
    pub b: Parameter,
    /// `alpha / rank`, or `alpha / sqrt(rank)` for rsLoRA.
    pub scale: f32,
}

impl LowRank {
    pub fn rank(&self) -> usize {
        self.a.weight.rows
    }
}

/// The device and the precision that products are made in.
#[derive(Clone, Copy)]
pub struct Compute<'a> {
    pub device: &'a dyn Device,
    pub precision: Precision,
}

impl Projection {
    /// `y (+)= x·Wᵀ + …` for `m` rows. `low`: [m, rank] keeps x·Aᵀ for the gradient; without it the adapter is left out.
    pub fn forward(
        &self,
        compute: Compute,
        m: usize,
        x: &Buffer,
        low: Option<&mut Buffer>,
        beta: Beta,
        y: &mut Buffer,
    ) {
        let Compute { device, precision } = compute;
        device.linear(precision, m, 1.0, x, &self.base.weight, beta, y);
        if let Some(bias) = &self.bias {
            device.add_bias(m, &bias.weight, y);
        }
        if let (Some(adapter), Some(low)) = (&self.adapter, low) {
            device.linear(precision, m, 1.0, x, &adapter.a.weight, Beta::Overwrite, low);
            device.linear(precision, m, adapter.scale, low, &adapter.b.weight, Beta::Accumulate, y);
        }
    }

    /// Fills `low` again after the rest was kept.
    pub fn forward_low(&self, compute: Compute, m: usize, x: &Buffer, low: &mut Buffer) {
        if let Some(adapter) = &self.adapter {
            compute.device.linear(compute.precision, m, 1.0, x, &adapter.a.weight, Beta::Overwrite, low);
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
        low: &Buffer,
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
        let mut needs_dx = dx;
        if let Some((dx, beta)) = &mut needs_dx {
            device.linear_input_gradient(precision, m, 1.0, dy, &self.base.weight, *beta, dx);
        }
        let Some(adapter) = &mut self.adapter else { return };
        let rank = adapter.rank();
        device.linear_input_gradient(
            precision,
            m,
            adapter.scale,
            dy,
            &adapter.b.weight,
            Beta::Overwrite,
            d_low,
        );
        if let Some(gradient) = adapter.b.gradient_mut() {
            device.linear_weight_gradient(precision, m, adapter.scale, dy, rows, low, rank, gradient);
        }
        if let Some(gradient) = adapter.a.gradient_mut() {
            device.linear_weight_gradient(precision, m, 1.0, d_low, rank, x, columns, gradient);
        }
        if let Some((dx, _)) = needs_dx {
            device.linear_input_gradient(precision, m, 1.0, d_low, &adapter.a.weight, Beta::Accumulate, dx);
        }
    }
}
