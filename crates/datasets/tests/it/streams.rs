//! Large files row by row, and Parquet.

#![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

use std::io::{BufRead, BufReader, Read};
use std::sync::Arc;

use datasets::{Example, Examples, ImportError, ImportOptions, Role, Rule, import};
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;

/// Lines that are made when they are read, and a count of those.
struct Made<'a> {
    rows: usize,
    made: &'a std::cell::Cell<usize>,
    line: Vec<u8>,
    read: usize,
}

impl<'a> Made<'a> {
    fn new(rows: usize, made: &'a std::cell::Cell<usize>) -> Self {
        Self { rows, made, line: Vec::new(), read: 0 }
    }
}

impl Read for Made<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.read == self.line.len() {
            let number = self.made.get();
            if number == self.rows {
                return Ok(0);
            }
            self.made.set(number + 1);
            self.line = format!("{{\"prompt\":\"What is {number}?\",\"completion\":\"It is {number}.\"}}\n")
                .into_bytes();
            self.read = 0;
        }
        let length = buffer.len().min(self.line.len() - self.read);
        buffer[..length].copy_from_slice(&self.line[self.read..self.read + length]);
        self.read += length;
        Ok(length)
    }
}

#[test]
fn a_row_is_given_before_the_file_is_read() {
    let made = std::cell::Cell::new(0);
    let reader = BufReader::with_capacity(4096, Made::new(50_000, &made));
    let mut examples = Examples::new(reader, "x.jsonl", &ImportOptions::default()).unwrap();
    assert_eq!(examples.format(), "prompt_completion");
    // 64 KiB are looked at first, of lines of about 50 bytes.
    assert!(made.get() < 3000, "{} rows were read", made.get());
    let first = examples.next().unwrap().unwrap().unwrap();
    assert_eq!(first.messages[1].content, "It is 0.");
    assert_eq!(first.provenance.row, Some(1));
    let mut count = 1;
    for item in &mut examples {
        let example = item.unwrap().unwrap();
        count += 1;
        assert_eq!(example.provenance.row, Some(count));
        assert!(made.get() < count + 3000, "row {count}: {} rows were read", made.get());
    }
    assert_eq!((count, examples.rows()), (50_000, 50_000));
}

/// Bytes without a line break, and a count of those that were read.
struct Endless<'a>(&'a std::cell::Cell<usize>);

impl Read for Endless<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        buffer.fill(b'a');
        self.0.set(self.0.get() + buffer.len());
        Ok(buffer.len())
    }
}

#[test]
fn a_line_without_end_is_refused_by_its_number() {
    let good = "{\"prompt\":\"q\",\"completion\":\"a\"}\n".repeat(3);
    let read = std::cell::Cell::new(0);
    let reader = BufReader::new(good.as_bytes().chain(Endless(&read)));
    let error = Examples::new(reader, "x.jsonl", &ImportOptions::default()).err();
    assert!(matches!(error, Some(ImportError::LongLine { line: 4, .. })), "{error:?}");
    assert!(read.get() < 20 << 20, "{} bytes were read", read.get());
}

#[test]
fn faults_deep_inside_a_file_are_told() {
    let rows = |bad: &str| -> String {
        let good = "{\"prompt\":\"q\",\"completion\":\"a\"}\n".repeat(5000);
        format!("{good}{bad}\n{good}")
    };
    let read = |bytes: &[u8], name: &str| import(bytes, name, &ImportOptions::default());
    let faulty = read(rows("{broken").as_bytes(), "x.jsonl").unwrap();
    assert_eq!((faulty.rows, faulty.examples.len()), (10_001, 10_000));
    assert_eq!((faulty.errors[0].line, faulty.errors[0].rule), (Some(5001), Rule::InvalidJson));
    let error = read(rows("{\"prompt\":\"q\",\"chosen\":\"a\",\"rejected\":\"b\"}").as_bytes(), "x.jsonl");
    assert!(matches!(error, Err(ImportError::Preference { row: 5001, .. })), "{error:?}");
    let mut bytes = rows("é").into_bytes();
    let position = bytes.iter().position(|byte| *byte == 0xc3).unwrap();
    bytes[position + 1] = b'x';
    for name in ["x.jsonl", "x.txt"] {
        let error = read(&bytes, name);
        assert!(
            matches!(error, Err(ImportError::NotUtf8 { position: at, .. }) if at == position),
            "{error:?}"
        );
    }
    let table = format!("prompt,completion\n{}", "q,a\n".repeat(30_000)).into_bytes();
    let broken = [table.as_slice(), b"caf\xe9,b\n", b"q,a\n"].concat();
    let error = read(&broken, "x.csv");
    assert!(
        matches!(error, Err(ImportError::NotUtf8 { position, .. }) if position == table.len()),
        "{error:?}"
    );
}

#[test]
fn json_lines_are_recognised_under_other_names() {
    let lines = "{\"prompt\":\"q\",\"completion\":\"a\"}\n".repeat(3);
    for name in ["x.json", "x", "x.data"] {
        let read = import(lines.as_bytes(), name, &ImportOptions::default()).unwrap();
        assert_eq!((read.examples.len(), read.format.as_str()), (3, "prompt_completion"), "{name}");
    }
    let bytes: &[u8] = lines.as_bytes();
    assert_eq!(bytes.lines().count(), 3);
}

/// A table of two text columns and a list of messages, as exporters of chat sets write it.
fn parquet_file(rows: &[(&str, &[(&str, &str)])], compression: Compression) -> Vec<u8> {
    let schema = "message rows {
        required binary id (UTF8);
        required group messages (LIST) {
            repeated group list {
                required group element { required binary role (UTF8); required binary content (UTF8); }
            }
        }
    }";
    let schema = Arc::new(parse_message_type(schema).unwrap());
    let properties = Arc::new(WriterProperties::builder().set_compression(compression).build());
    let mut bytes = Vec::new();
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).unwrap();
    // Two row groups.
    for part in rows.chunks(rows.len().div_ceil(2)) {
        let mut group = writer.next_row_group().unwrap();
        for index in 0..3 {
            let mut column = group.next_column().unwrap().unwrap();
            let text = |text: &str| ByteArray::from(text);
            let (mut values, mut definition, mut repetition) = (Vec::new(), Vec::new(), Vec::new());
            for (id, messages) in part {
                if index == 0 {
                    values.push(text(id));
                    continue;
                }
                for (place, (role, content)) in messages.iter().enumerate() {
                    values.push(text(if index == 1 { role } else { content }));
                    definition.push(1);
                    repetition.push(i16::from(place > 0));
                }
            }
            let levels = (index > 0).then_some((definition.as_slice(), repetition.as_slice())).unzip();
            column.typed::<ByteArrayType>().write_batch(&values, levels.0, levels.1).unwrap();
            column.close().unwrap();
        }
        group.close().unwrap();
    }
    writer.close().unwrap();
    bytes
}

const CHATS: &[(&str, &[(&str, &str)])] = &[
    ("1", &[("user", "Où ?"), ("assistant", "Ici.")]),
    ("2", &[("system", "Be kind."), ("user", "Hi"), ("assistant", "Hello")]),
    ("3", &[("robot", "x")]),
    ("4", &[("user", "a"), ("assistant", "b"), ("user", "c"), ("assistant", "d")]),
];

#[test]
fn parquet_is_read_from_memory_and_from_disk() {
    for compression in [Compression::UNCOMPRESSED, Compression::SNAPPY] {
        let bytes = parquet_file(CHATS, compression);
        let read = import(&bytes, "chats.parquet", &ImportOptions::default()).unwrap();
        assert_eq!((read.format.as_str(), read.rows, read.examples.len()), ("messages", 4, 3));
        assert_eq!((read.errors[0].row, read.errors[0].rule), (3, Rule::UnknownRole));
        let expected: Vec<Example> = [0, 1, 3]
            .map(|index| {
                let chat: &[(&str, &str)] = CHATS[index].1;
                let message = |(role, content): &(&str, &str)| {
                    datasets::Message::new(Role::parse(role).unwrap(), *content)
                };
                Example::new(chat.iter().map(message).collect())
            })
            .into();
        for (example, expected) in read.examples.iter().zip(&expected) {
            assert_eq!(example.messages, expected.messages);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("chats.parquet");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(datasets::import_path(&path, &ImportOptions::default()).unwrap(), read);
    }
}

#[test]
fn damaged_parquet_is_refused_and_never_panics() {
    let bytes = parquet_file(CHATS, Compression::SNAPPY);
    let cut = import(&bytes[..bytes.len() / 2], "x.parquet", &ImportOptions::default()).unwrap_err();
    assert!(cut.to_string().contains("x.parquet cannot be read as Parquet"), "{cut}");
    for at in 0..bytes.len() {
        for byte in [0, 0x7f, 0xff] {
            let mut damaged = bytes.clone();
            damaged[at] = byte;
            let _ = import(&damaged, "x.parquet", &ImportOptions::default());
        }
    }
}
