//! Which layers carry adapters: `--layers 0-11`, `3,5,7-9` or `last:4`.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::ModelError;

/// A choice of layers, made before the model is known. Text form: `all`, `last:N`, or numbers and ranges from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum LayerChoice {
    #[default]
    All,
    /// So many, counted from the head.
    Last(usize),
    Listed(Vec<RangeInclusive<usize>>),
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{piece:?} names no layers; write all, last:4, or numbers and ranges from 0 such as 3,5,7-9")]
pub struct LayerChoiceError {
    piece: String,
}

impl LayerChoice {
    /// The chosen ones of `count` layers, ascending.
    ///
    /// # Errors
    /// A layer that the model does not have; the valid range is named.
    pub fn of(&self, count: usize) -> Result<Vec<usize>, ModelError> {
        let missing = || ModelError::NoSuchLayer { asked: self.to_string(), last: count.saturating_sub(1) };
        match self {
            Self::All => Ok((0..count).collect()),
            Self::Last(n) => Ok((count.checked_sub(*n).ok_or_else(missing)?..count).collect()),
            Self::Listed(ranges) if ranges.iter().any(|range| *range.end() >= count) => Err(missing()),
            Self::Listed(ranges) => {
                Ok((0..count).filter(|layer| ranges.iter().any(|range| range.contains(layer))).collect())
            }
        }
    }
}

impl FromStr for LayerChoice {
    type Err = LayerChoiceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = |piece: &str| LayerChoiceError { piece: piece.to_owned() };
        let text = text.trim();
        if text == "all" {
            return Ok(Self::All);
        }
        if let Some(count) = text.strip_prefix("last:") {
            let count = count.parse().ok().filter(|count| *count > 0);
            return count.map(Self::Last).ok_or_else(|| wrong(text));
        }
        let range = |piece: &str| {
            let (first, last) = piece.split_once('-').unwrap_or((piece, piece));
            let (first, last): (usize, usize) = (first.trim().parse().ok()?, last.trim().parse().ok()?);
            (first <= last).then_some(first..=last)
        };
        text.split(',')
            .map(|piece| range(piece).ok_or_else(|| wrong(piece)))
            .collect::<Result<_, _>>()
            .map(Self::Listed)
    }
}

impl fmt::Display for LayerChoice {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Self::All => f.write_str("all"),
            Self::Last(count) => write!(f, "last:{count}"),
            Self::Listed(ranges) => {
                let piece = |range: &RangeInclusive<usize>| match (range.start(), range.end()) {
                    (first, last) if first == last => first.to_string(),
                    (first, last) => format!("{first}-{last}"),
                };
                f.write_str(&ranges.iter().map(piece).collect::<Vec<_>>().join(","))
            }
        }
    }
}

impl TryFrom<String> for LayerChoice {
    type Error = LayerChoiceError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<LayerChoice> for String {
    fn from(choice: LayerChoice) -> Self {
        choice.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::LayerChoice;

    #[test]
    fn choices_are_read_written_and_resolved() {
        let cases: [(&str, &[usize]); 6] = [
            ("all", &[0, 1, 2, 3, 4, 5]),
            ("last:2", &[4, 5]),
            ("3", &[3]),
            ("0-2", &[0, 1, 2]),
            ("4,1-2,2", &[1, 2, 4]),
            ("last:6", &[0, 1, 2, 3, 4, 5]),
        ];
        for (text, want) in cases {
            let choice: LayerChoice = text.parse().expect(text);
            assert_eq!(choice.of(6).expect(text), want, "{text}");
            assert_eq!(choice.to_string(), text);
        }
    }

    #[test]
    fn what_names_no_layers_is_refused() {
        for text in ["", "last:0", "last:", "last:x", "2-1", "1,,2", "-1", "1-", "first:2", "ALL"] {
            let error = text.parse::<LayerChoice>().expect_err(text).to_string();
            assert!(error.contains("last:4") && error.contains("7-9"), "{error}");
        }
        for text in ["6", "0-6", "last:7"] {
            let error = text.parse::<LayerChoice>().expect(text).of(6).expect_err(text).to_string();
            assert!(error.contains(text) && error.contains("0 to 5"), "{error}");
        }
    }
}
