//! Small damage that keeps pdf_oxide from a file which other programs still read: a misspelt word behind a stream, and
//! an object stream of another type. Words are written over in place, so that every offset stays.

/// A dictionary is not looked for further back.
const LONGEST_DICTIONARY: usize = 4096;
/// Larger files are not gone through.
const MOST_BYTES: usize = 64 << 20;

/// The bytes with their words put right; `None` where nothing is wrong with them.
pub fn repaired(bytes: &[u8]) -> Option<Vec<u8>> {
    if bytes.len() > MOST_BYTES {
        return None;
    }
    let mut out = bytes.to_vec();
    for place in places(bytes, b"stream") {
        let before = &bytes[place.saturating_sub(LONGEST_DICTIONARY)..place];
        let data = match bytes.get(place + 6..) {
            Some([b'\r', b'\n', ..]) => place + 8,
            Some([b'\n', ..]) => place + 7,
            _ => continue,
        };
        let Some(start) = before.windows(3).rposition(|word| word == b"obj") else { continue };
        let dictionary = &before[start..];
        if let Some(length) = number(dictionary, b"/Length") {
            let end = write_word(&mut out, data.saturating_add(length), b"endstream");
            end.and_then(|end| write_word(&mut out, end, b"endobj"));
        }
        if number(dictionary, b"/N").is_some() && number(dictionary, b"/First").is_some() {
            retype(&mut out[place - dictionary.len()..place]);
        }
    }
    (out != bytes).then_some(out)
}

/// Where a word begins, its `end…` aside.
fn places<'a>(bytes: &'a [u8], word: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
    let all = bytes.windows(word.len()).enumerate().filter(move |(_, window)| *window == word);
    all.map(|(place, _)| place).filter(|place| !bytes[..*place].ends_with(b"end"))
}

/// The number behind a key, if it stands there itself.
fn number(dictionary: &[u8], key: &[u8]) -> Option<usize> {
    let place = dictionary.windows(key.len()).position(|word| word == key)?;
    let rest = std::str::from_utf8(dictionary.get(place + key.len()..)?).ok()?;
    let mut words = rest.split_ascii_whitespace();
    let number = words.next().filter(|_| rest.starts_with(char::is_whitespace))?.parse().ok()?;
    (words.next() != Some("0") || words.next() != Some("R")).then_some(number)
}

/// Writes a word over another of its length that stands at `at`, behind white space; where it ends.
fn write_word(bytes: &mut [u8], at: usize, word: &[u8]) -> Option<usize> {
    let white = bytes.get(at..)?.iter().take(3).take_while(|byte| byte.is_ascii_whitespace()).count();
    let there = bytes.get_mut(at + white..at + white + word.len())?;
    if !there.iter().all(u8::is_ascii_lowercase) {
        return None;
    }
    there.copy_from_slice(word);
    Some(at + white + word.len())
}

/// Writes the type of object streams over another, if it has the room.
fn retype(dictionary: &mut [u8]) {
    const TYPE: &[u8] = b"ObjStm";
    let Some(place) = dictionary.windows(5).position(|word| word == b"/Type") else { return };
    let rest = &mut dictionary[place + 5..];
    let Some(name) = rest.iter().position(|byte| *byte == b'/') else { return };
    let length = rest[name + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric()).count();
    if length >= TYPE.len() {
        let there = &mut rest[name + 1..=name + length];
        there.fill(b' ');
        there[..TYPE.len()].copy_from_slice(TYPE);
    }
}

#[cfg(test)]
mod tests {
    use super::repaired;

    #[test]
    fn words_are_put_right_in_place() {
        let cases = [
            (
                "1 0 obj << /Length 2 >> stream\nab\nenxstream\nenxobj",
                "1 0 obj << /Length 2 >> stream\nab\nendstream\nendobj",
            ),
            (
                "1 0 obj << /Type /Potato /N 1 /First 4 /Length 2 >> stream\nab\nendstream",
                "1 0 obj << /Type /ObjStm /N 1 /First 4 /Length 2 >> stream\nab\nendstream",
            ),
        ];
        for (damaged, expected) in cases {
            let out = repaired(damaged.as_bytes()).expect("something to repair");
            assert_eq!(String::from_utf8_lossy(&out), expected);
            assert_eq!(repaired(expected.as_bytes()), None);
        }
        assert_eq!(repaired(b"1 0 obj << /Length 99999999999999999999 >> stream\nab"), None);
        assert_eq!(repaired(b"1 0 obj << /Length 7 0 R >> stream\nab\nenxstream"), None);
    }
}
