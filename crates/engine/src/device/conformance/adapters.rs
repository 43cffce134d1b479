//! What adapters need besides products: dropout, and DoRA's magnitudes.

use super::{ELEMENTS, ELEMENTWISE, EXACT, FORMATS, STORED, SUMS, Suite, numbers};
use crate::device::{Beta, DropoutMask, Element, WeightFormat};

fn exact(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

impl Suite<'_> {
    pub(super) fn adapters(&mut self) {
        self.rounding();
        self.dropout();
        self.magnitudes();
    }

    fn rounding(&mut self) {
        let (device, x) = (self.device, numbers(1, 500));
        for element in ELEMENTS {
            let mut y = device.allocate(element, 500);
            device.round(500, &device.upload(&x), &mut y);
            let tolerance = if element == Element::F32 { EXACT } else { STORED };
            self.check("round", &format!("{element:?}"), tolerance, &y, &exact(&x));
        }
    }

    /// Which numbers are kept is the device's choice, but the same whenever it is asked, and of the right share.
    fn dropout(&mut self) {
        let (device, m, columns) = (self.device, 90, 70);
        let x: Vec<f32> = numbers(1, m * columns).iter().map(|x| x + 2.0).collect();
        let there = device.upload(&x);
        let mask = DropoutMask { probability: 0.25, key: 77, first_row: 5, complement: false };
        let mut kept = device.upload(&numbers(2, m * columns));
        device.dropout(m, columns, mask, &there, Beta::Overwrite, &mut kept);
        let found = device.download(&kept);
        let [dropped, factor] = mask.factors();
        let want = |(x, y): (&f32, &f32)| f64::from(x * if *y == 0.0 { dropped } else { factor });
        let want: Vec<f64> = x.iter().zip(&found).map(want).collect();
        self.values("dropout", "", ELEMENTWISE, &found, &want);
        let share = found.iter().filter(|y| **y == 0.0).count() as f64 / found.len() as f64;
        // Four standard deviations of 6300 numbers.
        self.number("dropout", "share", 0.022 / 0.25, share, 0.25);
        // What dropout took away, added to what it left, is the whole.
        device.dropout(
            m,
            columns,
            DropoutMask { complement: true, ..mask },
            &there,
            Beta::Accumulate,
            &mut kept,
        );
        self.check("dropout", "complement", ELEMENTWISE, &kept, &exact(&x));
        // Rows from the third on, by themselves.
        let later = device.upload(&x[3 * columns..]);
        let mut again = device.zeros((m - 3) * columns);
        device.dropout(
            m - 3,
            columns,
            DropoutMask { first_row: 8, ..mask },
            &later,
            Beta::Overwrite,
            &mut again,
        );
        self.check("dropout", "later rows", EXACT, &again, &exact(&found[3 * columns..]));
    }

    fn magnitudes(&mut self) {
        let (device, out, input, rank, m) = (self.device, 37, 50, 4, 60);
        for (format, _) in FORMATS {
            let weight = device.upload_weight(&numbers(1, out * input), out, input, format);
            let stored = exact(&device.download_weight(&weight));
            let mut squares = device.zeros(out);
            device.row_squares(&weight, &mut squares);
            let want: Vec<f64> = stored.chunks(input).map(|row| row.iter().map(|x| x * x).sum()).collect();
            self.check("row_squares", &format!("{format:?}"), SUMS, &squares, &want);
        }
        let squares: Vec<f32> = numbers(2, out).iter().map(|x| x.abs() + 9.0).collect();
        let (products, b, magnitude) = (numbers(3, rank * out), numbers(4, out * rank), numbers(5, out));
        let norm = |o: usize| {
            let product = |k: usize| f64::from(b[o * rank + k]) * f64::from(products[k * out + o]);
            (f64::from(squares[o]) + (0..rank).map(product).sum::<f64>()).sqrt()
        };
        let norms: Vec<f64> = (0..out).map(norm).collect();
        let factors: Vec<f64> = norms.iter().zip(&magnitude).map(|(norm, m)| f64::from(*m) / norm).collect();
        let (mut found_norms, mut found_factors) = (device.zeros(out), device.zeros(out));
        device.magnitude_factors(
            &device.upload(&squares),
            &device.upload(&products),
            &device.upload_weight(&b, out, rank, WeightFormat::F32),
            &device.upload_weight(&magnitude, 1, out, WeightFormat::F32),
            &mut found_norms,
            &mut found_factors,
        );
        self.check("magnitude_factors", "norms", SUMS, &found_norms, &norms);
        self.check("magnitude_factors", "factors", SUMS, &found_factors, &factors);

        let (x, y, dy) = (numbers(6, m * out), numbers(7, m * out), numbers(8, m * out));
        let mut found = device.upload(&y);
        device.scale_columns(m, &found_factors, &device.upload(&x), Beta::Accumulate, &mut found);
        let at = |values: &[f32], i: usize| f64::from(values[i]);
        let want: Vec<f64> = (0..m * out).map(|i| at(&y, i) + factors[i % out] * at(&x, i)).collect();
        self.check("scale_columns", "", SUMS, &found, &want);

        let (mut direction, mut d_magnitude) = (device.upload(&x), device.upload(&magnitude));
        device.magnitude_gradient(
            m,
            &device.upload(&dy),
            &found_factors,
            &found_norms,
            &mut direction,
            Some(&mut d_magnitude),
        );
        let of =
            |o: usize| (0..m).map(|i| at(&dy, i * out + o) * at(&x, i * out + o)).sum::<f64>() / norms[o];
        let want: Vec<f64> = (0..out).map(|o| f64::from(magnitude[o]) + of(o)).collect();
        self.check("magnitude_gradient", "magnitude", SUMS, &d_magnitude, &want);
        let want: Vec<f64> = (0..m * out).map(|i| factors[i % out] * at(&dy, i)).collect();
        self.check("magnitude_gradient", "direction", SUMS, &direction, &want);
    }
}
