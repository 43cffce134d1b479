//! A linear layer, frozen or trained, with or without a bias and a low-rank adapter.
//!
//! LoRA (<https://arxiv.org/abs/2106.09685>): `y = x·Wᵀ + bias + scale · (x·Aᵀ)·Bᵀ`, A: [rank, in], B: [out, rank].

use super::parameter::Parameter;
use crate::device::{Addend, Beta, Buffer, Device, Precision};

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
        let addend = match (&self.adapter, low) {
            (Some(adapter), Some(low)) => {
                device.linear(precision, m, 1.0, x, &adapter.a.weight, None, Beta::Overwrite, low);
                Some(Addend { scale: adapter.scale, x: low, w: &adapter.b.weight })
            }
            _ => None,
        };
        device.linear(precision, m, 1.0, x, &self.base.weight, addend, beta, y);
        if let Some(bias) = &self.bias {
            device.add_bias(m, &bias.weight, y);
        }
    }

    /// Fills `low` again after the rest was kept.
    pub fn forward_low(&self, compute: Compute, m: usize, x: &Buffer, low: &mut Buffer) {
        let Compute { device, precision } = compute;
        if let Some(adapter) = &self.adapter {
            device.linear(precision, m, 1.0, x, &adapter.a.weight, None, Beta::Overwrite, low);
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
        if let Some(adapter) = &mut self.adapter {
            adapter.backward(compute, m, x, low, dy, d_low);
        }
        let Some((dx, beta)) = dx else { return };
        let addend =
            self.adapter.as_ref().map(|adapter| Addend { scale: 1.0, x: d_low, w: &adapter.a.weight });
        device.linear_input_gradient(precision, m, 1.0, dy, &self.base.weight, addend, beta, dx);
    }
}

impl LowRank {
    /// Fills `d_low`, and adds the gradients of both halves where they are trained.
    fn backward(
        &mut self,
        compute: Compute,
        m: usize,
        x: &Buffer,
        low: &Buffer,
        dy: &Buffer,
        d_low: &mut Buffer,
    ) {
        let Compute { device, precision } = compute;
        let Self { a, b, scale } = self;
        let (rank, [rows, columns]) = (a.weight.rows, [b.weight.rows, a.weight.columns]);
        device.linear_input_gradient(precision, m, *scale, dy, &b.weight, None, Beta::Overwrite, d_low);
        if let Some(gradient) = b.gradient_mut() {
            device.linear_weight_gradient(precision, m, *scale, dy, rows, low, rank, gradient);
        }
        if let Some(gradient) = a.gradient_mut() {
            device.linear_weight_gradient(precision, m, 1.0, d_low, rank, x, columns, gradient);
        }
    }
}
