//! Sound files, cut off or changed at places that chance chose (the same each time).

use super::{Crashed, Read, Refused, check};
use crate::make::random::Random;
use crate::samples;

const CUTS: usize = 12;

#[test]
fn cut_off_or_changed() {
    let mut random = Random(2026);
    for (format, bytes, _) in samples::all() {
        let ending = format.reader().and_then(|reader| reader.extensions.first()).expect("a known format");
        let name = format!("sample.{ending}");
        for turn in 0..CUTS {
            let place = 1 + random.below(bytes.len() - 1);
            check(&format!("cut-at-{place}-{name}"), &bytes[..place], &[Read, Refused]);
            if turn % 2 == 0 {
                let mut changed = bytes.clone();
                for _ in 0..=random.below(20) {
                    let place = random.below(changed.len());
                    changed[place] = random.number() as u8;
                }
                check(&format!("changed-{turn}-{name}"), &changed, &[Read, Refused, Crashed]);
            }
        }
    }
}
