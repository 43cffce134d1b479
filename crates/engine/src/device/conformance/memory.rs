//! Data in, out and from place to place.

use super::{EXACT, FORMATS, Suite, numbers, packed};
use crate::device::Columns;

fn exact(values: &[f32]) -> Vec<f64> {
    values.iter().map(|&x| f64::from(x)).collect()
}

impl Suite<'_> {
    pub(super) fn memory(&mut self) {
        let device = self.device;
        let (long, short) = (numbers(1, 1000), numbers(2, 300));
        self.check("zeros", "", EXACT, &device.zeros(70), &[0.0; 70]);
        let mut buffer = device.upload(&long);
        self.check("upload", "", EXACT, &buffer, &exact(&long));

        device.write(&short, &mut buffer);
        let mut want = [&short[..], &long[300..]].concat();
        self.check("write", "the start of a buffer", EXACT, &buffer, &exact(&want));

        let source = device.upload(&short);
        device.copy_range(&source, 7, &mut buffer, 501, 90);
        want[501..591].copy_from_slice(&short[7..97]);
        self.check("copy_range", "", EXACT, &buffer, &exact(&want));

        device.copy(&source, &mut buffer, 20);
        want[..20].copy_from_slice(&short[..20]);
        self.check("copy", "", EXACT, &buffer, &exact(&want));

        // 30 rows: 4 of 10 columns from the second on become the last 4 of 33.
        let (from, to) = (Columns { start: 1, stride: 10 }, Columns { start: 29, stride: 33 });
        device.copy_columns(30, 4, &source, from, &mut buffer, to);
        for row in 0..30 {
            want[row * 33 + 29..][..4].copy_from_slice(&short[row * 10 + 1..][..4]);
        }
        self.check("copy_columns", "", EXACT, &buffer, &exact(&want));

        device.fill_zero(&mut buffer);
        self.check("fill_zero", "", EXACT, &buffer, &[0.0; 1000]);

        for (format, tolerance) in FORMATS {
            let weight = device.upload_weight(&long, 8, 125, format);
            let stored = device.download_weight(&weight);
            self.values("upload_weight", &format!("{format:?}"), tolerance, &stored, &exact(&long));
        }
        let batch = packed(&[5, 1, 9], 100);
        let tokens = device.upload_batch(&batch).tokens() as f64;
        self.number("upload_batch", "", EXACT, tokens, batch.tokens() as f64);
    }
}
