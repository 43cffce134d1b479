//! Sizes as people write them: `8GiB`, `512 MiB`, `1.5GB`.

/// Units and their bytes, longest name first.
const UNITS: [(&str, u64); 9] = [
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("B", 1),
];

/// Bytes of a size with its unit.
///
/// # Errors
/// What is missing, in words.
pub fn parse(text: &str) -> Result<u64, String> {
    let wrong =
        || format!("{text:?} is not a size: write a number and a unit, such as 8GiB, 512MiB or 1.5GB");
    let (number, bytes) = UNITS
        .iter()
        .find_map(|(unit, bytes)| Some((text.strip_suffix(unit)?.trim_end(), *bytes)))
        .ok_or_else(wrong)?;
    let plain = number.starts_with(|c: char| c.is_ascii_digit())
        && number.chars().all(|c| c.is_ascii_digit() || c == '.');
    let number: f64 = number.parse().ok().filter(|_| plain).ok_or_else(wrong)?;
    let size = number * bytes as f64;
    if size < 1.0 || size >= u64::MAX as f64 {
        return Err(wrong());
    }
    Ok(size as u64)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn sizes_need_a_number_and_a_unit() {
        let good = [("8GiB", 8 << 30), ("512 MiB", 512 << 20), ("1.5GB", 1_500_000_000), ("700B", 700)];
        for (text, bytes) in good {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
        for text in [
            "8",
            "8G",
            "8gib",
            "GiB",
            "-1GiB",
            "1e3MiB",
            "infGiB",
            "NaNGiB",
            "0GiB",
            "1.2.3GiB",
            ".5GiB",
            "99999999TiB",
            "",
        ] {
            assert!(parse(text).is_err_and(|problem| problem.contains("8GiB")), "{text}");
        }
    }
}
