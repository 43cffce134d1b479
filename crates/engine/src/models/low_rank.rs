//! The trainable low-rank part of a linear layer.
//!
//! LoRA (<https://arxiv.org/abs/2106.09685>): `y = x·Wᵀ + bias + scale · (x·Aᵀ)·Bᵀ`, A: [rank, in], B: [out, rank].
//!
//! DoRA (<https://arxiv.org/abs/2402.09353>) as PEFT computes it: `y = f ∘ z + bias` with the direction
//! `z = x·Wᵀ + scale · (x·Aᵀ)·Bᵀ`, the factors `f = m / n`, a trained magnitude m: [out], and the norms n of the rows of
//! `W + scale·B·A`, which are constants in the gradient.
//!
//! With dropout x̃ takes the place of x wherever the adapter reads it; DoRA then has `y = f ∘ z(x̃) + (x - x̃)·Wᵀ + bias`.

use super::activations::AdapterActivations;
use super::parameter::Parameter;
use super::projection::Compute;
use super::spec::{AdapterShape, DecoderSpec};
use crate::device::{Addend, Beta, Buffer, Device, DropoutMask, Precision, Weight};

pub struct LowRank {
    pub a: Parameter,
    pub b: Parameter,
    /// `alpha / rank`, or `alpha / √rank` for rsLoRA.
    pub scale: f32,
    /// DoRA.
    pub magnitude: Option<Magnitude>,
}

/// DoRA's magnitude, and what follows from it and the weights. The buffers are of the size [out].
pub struct Magnitude {
    /// Not decayed, as vectors are not: a decayed magnitude would pull the base towards 0, not the adapter.
    pub vector: Parameter,
    /// Of the rows of W, which never change.
    pub row_squares: Buffer,
    pub norms: Buffer,
    pub factors: Buffer,
}

/// What a pass brings to the adapter of one module.
pub struct AdapterPass<'a> {
    pub kept: &'a mut AdapterActivations,
    /// [m, in], scratch where there is a mask.
    pub dropped: &'a mut Buffer,
    pub mask: Option<DropoutMask>,
}

impl LowRank {
    pub fn rank(&self) -> usize {
        self.a.weight.rows
    }

    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        [&self.a, &self.b].into_iter().chain(self.magnitude.as_ref().map(|magnitude| &magnitude.vector))
    }

    /// As [`LowRank::parameters`].
    pub fn parameters_mut(&mut self) -> impl Iterator<Item = &mut Parameter> {
        let vector = self.magnitude.as_mut().map(|magnitude| &mut magnitude.vector);
        [&mut self.a, &mut self.b].into_iter().chain(vector)
    }

    /// What the gradient reads: `low = x̃·Aᵀ`, and for DoRA `direction = x̃·Wᵀ + scale · low·Bᵀ`.
    pub fn keep(&self, compute: Compute, m: usize, x: &Buffer, base: &Weight, pass: &mut AdapterPass) {
        let Compute { device, precision } = compute;
        let columns = base.columns;
        let x = match pass.mask {
            Some(mask) => {
                device.dropout(m, columns, mask, x, Beta::Overwrite, pass.dropped);
                &*pass.dropped
            }
            None => x,
        };
        let AdapterActivations { low, direction } = &mut *pass.kept;
        device.linear(precision, m, 1.0, x, &self.a.weight, None, Beta::Overwrite, low);
        if self.magnitude.is_some() {
            let addend = Addend { scale: self.scale, x: low, w: &self.b.weight };
            device.linear(precision, m, 1.0, x, base, Some(addend), Beta::Overwrite, direction);
        }
    }

    /// `y (+)=` the whole product, bias aside.
    #[allow(clippy::too_many_arguments)]
    pub fn forward(
        &self,
        compute: Compute,
        m: usize,
        x: &Buffer,
        base: &Weight,
        mut pass: AdapterPass,
        beta: Beta,
        y: &mut Buffer,
    ) {
        let Compute { device, precision } = compute;
        self.keep(compute, m, x, base, &mut pass);
        let AdapterPass { kept, dropped, mask } = pass;
        let Some(magnitude) = &self.magnitude else {
            let addend = Addend { scale: self.scale, x: &kept.low, w: &self.b.weight };
            return device.linear(precision, m, 1.0, x, base, Some(addend), beta, y);
        };
        device.scale_columns(m, &magnitude.factors, &kept.direction, beta, y);
        if let Some(mask) = mask {
            let lost = DropoutMask { complement: true, ..mask };
            device.dropout(m, base.columns, lost, x, Beta::Overwrite, dropped);
            device.linear(precision, m, 1.0, dropped, base, None, Beta::Accumulate, y);
        }
    }

    /// Adds the gradients of what is trained, and `dx (+)= ∂` of the whole product where somebody needs it.
    /// DoRA's direction is used up. `d_low`: [m, rank], scratch.
    #[allow(clippy::too_many_arguments)]
    pub fn backward(
        &mut self,
        compute: Compute,
        m: usize,
        x: &Buffer,
        base: &Weight,
        pass: AdapterPass,
        dy: &Buffer,
        d_low: &mut Buffer,
        dx: Option<(&mut Buffer, Beta)>,
    ) {
        let Compute { device, precision } = compute;
        let [rows, columns] = [base.rows, base.columns];
        let AdapterPass { kept: AdapterActivations { low, direction }, dropped, mask } = pass;
        let rank = self.rank();
        // From here on `dz`: what is added up in `z`, or in LoRA's y.
        let decomposed = self.magnitude.is_some();
        let dz = match &mut self.magnitude {
            Some(Magnitude { vector, norms, factors, .. }) => {
                device.magnitude_gradient(m, dy, factors, norms, direction, vector.gradient_mut());
                &*direction
            }
            None => dy,
        };
        let b = &self.b.weight;
        device.linear_input_gradient(precision, m, self.scale, dz, b, None, Beta::Overwrite, d_low);
        if let Some(gradient) = self.b.gradient_mut() {
            device.linear_weight_gradient(precision, m, self.scale, dz, rows, low, rank, gradient);
        }
        if let Some(gradient) = self.a.gradient_mut() {
            let x = match mask {
                Some(mask) => {
                    device.dropout(m, columns, mask, x, Beta::Overwrite, dropped);
                    &*dropped
                }
                None => x,
            };
            device.linear_weight_gradient(precision, m, 1.0, d_low, rank, x, columns, gradient);
        }
        let Some((dx, beta)) = dx else { return };
        let a = &self.a.weight;
        let addend = Addend { scale: 1.0, x: d_low, w: a };
        let Some(mask) = mask else {
            return device.linear_input_gradient(precision, m, 1.0, dz, base, Some(addend), beta, dx);
        };
        if decomposed {
            // Through x - x̃, then through x̃ in z.
            let lost = DropoutMask { complement: true, ..mask };
            device.linear_input_gradient(precision, m, 1.0, dy, base, None, Beta::Overwrite, dropped);
            device.dropout(m, columns, lost, dropped, beta, dx);
            let beta = Beta::Overwrite;
            device.linear_input_gradient(precision, m, 1.0, dz, base, Some(addend), beta, dropped);
        } else {
            device.linear_input_gradient(precision, m, 1.0, dy, base, None, beta, dx);
            device.linear_input_gradient(precision, m, 1.0, d_low, a, None, Beta::Overwrite, dropped);
        }
        device.dropout(m, columns, mask, dropped, Beta::Accumulate, dx);
    }

    /// DoRA's norms and factors, to be taken anew whenever A, B or the magnitude changed.
    ///
    /// `‖W_o + s·B_o·A‖² = ‖W_o‖² + B_o·(2s·A·Wᵀ + s²·A·Aᵀ·Bᵀ)_o` needs one product of the size [rank, out] and no
    /// temporary of W's. It is always made of f32 products: a rounded norm would scale a whole row.
    pub fn refresh_norms(&mut self, device: &dyn Device, base: &Weight, scratch: &mut NormScratch) {
        let (rank, scale) = (self.rank(), self.scale);
        let Some(Magnitude { vector, row_squares, norms, factors }) = &mut self.magnitude else { return };
        let NormScratch { products, gram } = scratch;
        let values = self.a.weight.values().expect("adapters are kept in f32");
        let f32 = Precision::F32;
        device.linear(f32, rank, scale * scale, values, &self.a.weight, None, Beta::Overwrite, gram);
        let addend = Addend { scale: 1.0, x: gram, w: &self.b.weight };
        device.linear(f32, rank, 2.0 * scale, values, base, Some(addend), Beta::Overwrite, products);
        let (b, magnitude) = (&self.b.weight, &vector.weight);
        device.magnitude_factors(row_squares, products, b, magnitude, norms, factors);
    }
}

/// Sizes of `products` and `gram` in [`NormScratch`] that are enough for each module.
pub fn norm_scratch(spec: &DecoderSpec, adapters: AdapterShape) -> [usize; 2] {
    let rank = adapters.ranks.into_iter().max().unwrap_or(0);
    let out = spec.modules().iter().map(|&module| spec.shape(module)[0]).max().unwrap_or(0);
    [rank * out, rank * rank]
}

/// Scratch of [`LowRank::refresh_norms`].
pub struct NormScratch {
    /// [rank, out]
    pub products: Buffer,
    /// [rank, rank]
    pub gram: Buffer,
}

impl Magnitude {
    /// `vector`: [out], the base's own norms where it is `None`.
    pub fn new(device: &dyn Device, name: String, vector: Option<&[f32]>, base: &Weight) -> Self {
        let out = base.rows;
        let mut row_squares = device.zeros(out);
        device.row_squares(base, &mut row_squares);
        let own = || device.download(&row_squares).into_iter().map(f32::sqrt).collect();
        let values: Vec<f32> = vector.map_or_else(own, <[f32]>::to_vec);
        let weight = device.upload_weight(&values, 1, out, crate::device::WeightFormat::F32);
        Self {
            vector: Parameter::new(name, vec![out], weight),
            row_squares,
            norms: device.zeros(out),
            factors: device.zeros(out),
        }
    }
}
