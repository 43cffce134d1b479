//! Products with weights, and biases.

use super::{FORMATS, PRECISIONS, SUMS, Suite, factors, numbers};
use crate::device::{Addend, Beta, Element, Precision, WeightFormat};

/// A product to try: [m, k] · [k, n].
#[derive(Clone, Copy)]
struct Product {
    m: usize,
    n: usize,
    k: usize,
}

const SHORT: [Product; 2] = [Product { m: 1, n: 70, k: 48 }, Product { m: 37, n: 70, k: 48 }];
const LONG: [Product; 5] = [
    Product { m: 1, n: 70, k: 48 },
    Product { m: 3, n: 33, k: 81 },
    Product { m: 37, n: 70, k: 48 },
    Product { m: 130, n: 97, k: 203 },
    Product { m: 66, n: 5, k: 1300 },
];
/// The sum of a weight's gradient goes over tokens: few, and so many that devices divide it.
const WEIGHT_GRADIENTS: [Product; 3] =
    [Product { m: 24, n: 40, k: 50 }, Product { m: 7, n: 9, k: 3 }, Product { m: 16, n: 40, k: 2100 }];

const BETAS: [Beta; 2] = [Beta::Overwrite, Beta::Accumulate];

impl Product {
    /// `start + scale * Σ a(i, p) · b(p, j)`, where `start` counts only when it is added to.
    fn of(
        self,
        beta: Beta,
        start: &[f32],
        scale: f32,
        a: impl Fn(usize, usize) -> f64,
        b: impl Fn(usize, usize) -> f64,
    ) -> Vec<f64> {
        let element = |index: usize| {
            let (i, j) = (index / self.n, index % self.n);
            let sum: f64 = (0..self.k).map(|p| a(i, p) * b(p, j)).sum();
            let before = if beta == Beta::Accumulate { f64::from(start[index]) } else { 0.0 };
            before + f64::from(scale) * sum
        };
        (0..self.m * self.n).map(element).collect()
    }

    fn name(self) -> String {
        format!("{}×{}×{}", self.m, self.k, self.n)
    }
}

impl Suite<'_> {
    pub(super) fn matrices(&mut self) {
        let products: &[Product] = if self.long() { &LONG } else { &SHORT };
        for &product in products {
            for (precision, (format, _)) in PRECISIONS.into_iter().flat_map(|p| FORMATS.map(|f| (p, f))) {
                for beta in BETAS {
                    self.linear(product, precision, format, beta);
                    self.linear_input_gradient(product, precision, format, beta);
                }
            }
        }
        let gradients = if self.long() { &WEIGHT_GRADIENTS[..] } else { &WEIGHT_GRADIENTS[..1] };
        for &product in gradients {
            PRECISIONS.into_iter().for_each(|precision| self.linear_weight_gradient(product, precision));
        }
        for precision in PRECISIONS {
            self.addends(precision);
            self.operands(precision);
        }
        self.biases();
    }

    /// A second, short product that is added to the first.
    fn addends(&mut self, precision: Precision) {
        let (device, rank) = (self.device, 8);
        let Product { m, n, k } = SHORT[1];
        let (x, w, low, b) =
            (numbers(1, m * k), numbers(2, n * k), numbers(3, m * rank), numbers(4, n * rank));
        let [x_there, low_there] = [&x, &low].map(|values| device.upload(values));
        let weight =
            |values: &[f32], rows, columns| device.upload_weight(values, rows, columns, WeightFormat::F32);
        let [x, w, low, b64] = [&x, &w, &low, &b].map(|values| factors(precision, values));
        let sum = |i: usize, j: usize| {
            let first: f64 = (0..k).map(|p| x[i * k + p] * w[j * k + p]).sum();
            let second: f64 = (0..rank).map(|p| low[i * rank + p] * b64[j * rank + p]).sum();
            first + 0.5 * second
        };
        let want: Vec<f64> = (0..m * n).map(|index| sum(index / n, index % n)).collect();
        let (mut y, base) = (device.upload(&numbers(5, m * n)), weight(&numbers(2, n * k), n, k));
        let small = weight(&b, n, rank);
        let addend = Addend { scale: 0.5, x: &low_there, w: &small };
        device.linear(precision, m, 1.0, &x_there, &base, Some(addend), Beta::Overwrite, &mut y);
        self.check("linear", &format!("{precision:?}, with an addend"), SUMS, &y, &want);

        // The same numbers as an input gradient: the weights lie the other way.
        let transposed = |values: &[f32], rows: usize, columns: usize| -> Vec<f32> {
            (0..rows * columns).map(|i| values[i % rows * columns + i / rows]).collect()
        };
        let (base, small) =
            (weight(&transposed(&numbers(2, n * k), n, k), k, n), weight(&transposed(&b, n, rank), rank, n));
        let addend = Addend { scale: 0.5, x: &low_there, w: &small };
        let mut dx = device.upload(&numbers(6, m * n));
        device.linear_input_gradient(
            precision,
            m,
            1.0,
            &x_there,
            &base,
            Some(addend),
            Beta::Overwrite,
            &mut dx,
        );
        self.check("linear_input_gradient", &format!("{precision:?}, with an addend"), SUMS, &dx, &want);
    }

    /// Operands as this precision keeps them give the products of the numbers that were rounded.
    fn operands(&mut self, precision: Precision) {
        let device = self.device;
        let Product { m, n, k } = SHORT[1];
        let (x, dy) = (numbers(1, m * k), numbers(2, m * n));
        let operand = |values: &[f32]| {
            let mut operand = device.allocate(Element::operand(precision), values.len());
            device.round(values.len(), &device.upload(values), &mut operand);
            operand
        };
        let weight = device.upload_weight(&numbers(3, n * k), n, k, WeightFormat::F32);
        let w = factors(precision, &device.download_weight(&weight));
        let (x_there, dy_there) = (operand(&x), operand(&dy));
        let (x, dy) = (factors(precision, &x), factors(precision, &dy));
        let case = format!("{precision:?} operand");

        let mut y = device.zeros(m * n);
        device.linear(precision, m, 1.0, &x_there, &weight, None, Beta::Overwrite, &mut y);
        let want = SHORT[1].of(Beta::Overwrite, &[], 1.0, |i, p| x[i * k + p], |p, j| w[j * k + p]);
        self.check("linear", &case, SUMS, &y, &want);
        let mut dx = device.zeros(m * k);
        device.linear_input_gradient(precision, m, 1.0, &dy_there, &weight, None, Beta::Overwrite, &mut dx);
        let back = Product { m, n: k, k: n };
        let want = back.of(Beta::Overwrite, &[], 1.0, |i, p| dy[i * n + p], |p, j| w[p * k + j]);
        self.check("linear_input_gradient", &case, SUMS, &dx, &want);
        let mut dw = device.zeros(n * k);
        device.linear_weight_gradient(precision, m, 1.0, &dy_there, n, &x_there, k, &mut dw);
        let gradient = Product { m: n, n: k, k: m };
        let want = gradient.of(Beta::Overwrite, &[], 1.0, |i, p| dy[p * n + i], |p, j| x[p * k + j]);
        self.check("linear_weight_gradient", &case, SUMS, &dw, &want);
        let mut d_bias = device.zeros(n);
        device.bias_gradient(m, &dy_there, &mut d_bias);
        let want: Vec<f64> = (0..n).map(|j| (0..m).map(|i| dy[i * n + j]).sum()).collect();
        self.check("bias_gradient", &case, SUMS, &d_bias, &want);
    }

    fn linear(&mut self, product: Product, precision: Precision, format: WeightFormat, beta: Beta) {
        let (device, Product { m, n, k }) = (self.device, product);
        let (x, start) = (numbers(1, m * k), numbers(3, m * n));
        let weight = device.upload_weight(&numbers(2, n * k), n, k, format);
        let mut y = device.upload(&start);
        device.linear(precision, m, 0.7, &device.upload(&x), &weight, None, beta, &mut y);
        let (x, w) = (factors(precision, &x), factors(precision, &device.download_weight(&weight)));
        let want = product.of(beta, &start, 0.7, |i, p| x[i * k + p], |p, j| w[j * k + p]);
        let case = format!("{}, {precision:?}, {format:?} weight, {beta:?}", product.name());
        self.check("linear", &case, SUMS, &y, &want);
    }

    fn linear_input_gradient(
        &mut self,
        product: Product,
        precision: Precision,
        format: WeightFormat,
        beta: Beta,
    ) {
        let (device, Product { m, n, k }) = (self.device, product);
        let (dy, start) = (numbers(4, m * k), numbers(5, m * n));
        let weight = device.upload_weight(&numbers(6, k * n), k, n, format);
        let mut dx = device.upload(&start);
        device.linear_input_gradient(precision, m, 0.7, &device.upload(&dy), &weight, None, beta, &mut dx);
        let (dy, w) = (factors(precision, &dy), factors(precision, &device.download_weight(&weight)));
        let want = product.of(beta, &start, 0.7, |i, p| dy[i * k + p], |p, j| w[p * n + j]);
        let case = format!("{}, {precision:?}, {format:?} weight, {beta:?}", product.name());
        self.check("linear_input_gradient", &case, SUMS, &dx, &want);
    }

    fn linear_weight_gradient(&mut self, product: Product, precision: Precision) {
        let (device, Product { m: rows, n: columns, k: tokens }) = (self.device, product);
        let (dy, x) = (numbers(7, tokens * rows), numbers(8, tokens * columns));
        let start = numbers(9, rows * columns);
        let mut dw = device.upload(&start);
        let (dy_there, x_there) = (device.upload(&dy), device.upload(&x));
        device.linear_weight_gradient(precision, tokens, 0.7, &dy_there, rows, &x_there, columns, &mut dw);
        let (dy, x) = (factors(precision, &dy), factors(precision, &x));
        let want =
            product.of(Beta::Accumulate, &start, 0.7, |i, p| dy[p * rows + i], |p, j| x[p * columns + j]);
        self.check("linear_weight_gradient", &format!("{}, {precision:?}", product.name()), SUMS, &dw, &want);
    }

    fn biases(&mut self) {
        let (device, m, n) = (self.device, 300, 7);
        let (bias, x) = (numbers(1, n), numbers(2, m * n));
        let at = |values: &[f32], i: usize| f64::from(values[i]);
        let mut y = device.upload(&x);
        device.add_bias(m, &device.upload_weight(&bias, 1, n, WeightFormat::F32), &mut y);
        let want: Vec<f64> = (0..m * n).map(|i| at(&x, i) + at(&bias, i % n)).collect();
        self.check("add_bias", "", SUMS, &y, &want);
        let mut gradient = device.upload(&bias);
        device.bias_gradient(m, &device.upload(&x), &mut gradient);
        let sum = |column: usize| (0..m).map(|row| at(&x, row * n + column)).sum::<f64>();
        let want: Vec<f64> = (0..n).map(|i| at(&bias, i) + sum(i)).collect();
        self.check("bias_gradient", "", SUMS, &gradient, &want);
    }
}
