//! Reads GGUF: metadata whole, tensors from the mapped file.
//!
//! Every count and offset is checked against the file before memory is set aside for it.

use std::collections::HashSet;
use std::fs::File;
use std::path::{Path, PathBuf};

use memmap2::Mmap;

use super::{ALIGNMENT, GgufArray, GgufValue, MAGIC};
use crate::quantization::ggml_blocks::GgmlType;
use crate::weights::WeightsError;

/// More dimensions than ggml itself has make a file unreadable elsewhere too.
const MAX_DIMENSIONS: u32 = 4;

/// An opened GGUF file.
#[derive(Debug)]
pub struct GgufFile {
    path: PathBuf,
    map: Mmap,
    metadata: Vec<(String, GgufValue)>,
    tensors: Vec<GgufTensorInfo>,
}

/// One tensor's entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufTensorInfo {
    pub name: String,
    /// ggml's number of the type.
    pub type_id: u32,
    /// Row-major, outermost first.
    pub shape: Vec<usize>,
    /// From the start of the file.
    offset: usize,
}

/// One tensor's values as stored.
#[derive(Debug, Clone, Copy)]
pub struct GgufTensorView<'a> {
    pub name: &'a str,
    pub kind: GgmlType,
    /// Row-major, outermost first.
    pub shape: &'a [usize],
    pub bytes: &'a [u8],
}

impl GgufTensorView<'_> {
    /// The values in f32, dequantised where needed.
    pub fn to_f32(&self) -> Vec<f32> {
        self.kind.decode(self.bytes)
    }
}

impl GgufFile {
    /// Opens a file and reads its metadata and tensor entries.
    ///
    /// # Errors
    /// The file is missing, a Git LFS pointer, truncated, not GGUF, or contradicts itself.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = File::open(path).map_err(|error| WeightsError::io(path, error))?;
        let size = file.metadata().map_err(|error| WeightsError::io(path, error))?.len();
        if size == 0 {
            return Err(WeightsError::truncated(path, "it is empty"));
        }
        // SAFETY: read-only, and lives as long as this value. Model files are not edited in place while in use.
        let map = unsafe { Mmap::map(&file) }.map_err(|error| WeightsError::io(path, error))?;
        let (metadata, tensors) = parse(path, &map)?;
        Ok(Self { path: path.to_path_buf(), map, metadata, tensors })
    }

    /// The file that was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All metadata, in the file's order.
    pub fn metadata(&self) -> &[(String, GgufValue)] {
        &self.metadata
    }

    /// One metadata value.
    pub fn get(&self, key: &str) -> Option<&GgufValue> {
        self.metadata.iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// All tensor entries, in the file's order.
    pub fn tensors(&self) -> &[GgufTensorInfo] {
        &self.tensors
    }

    /// One tensor.
    ///
    /// # Errors
    /// It does not exist, or is of a type that is not read.
    pub fn tensor(&self, name: &str) -> Result<GgufTensorView<'_>, WeightsError> {
        let Some(info) = self.tensors.iter().find(|info| info.name == name) else {
            return Err(WeightsError::TensorMissing {
                dir: self.path.clone(),
                name: name.to_string(),
                available: format!("{} tensors", self.tensors.len()),
            });
        };
        let kind = GgmlType::from_id(info.type_id).ok_or_else(|| WeightsError::UnsupportedDType {
            path: self.path.clone(),
            tensor: name.to_string(),
            dtype: type_name(info.type_id),
        })?;
        let size = size_bytes(kind, &info.shape).ok_or_else(|| {
            WeightsError::tensor(&self.path, name, format!("shape {:?} has no size", info.shape))
        })?;
        let end = info.offset.checked_add(size).filter(|end| *end <= self.map.len());
        let Some(end) = end else {
            return Err(WeightsError::truncated(&self.path, format!("tensor {name} lies behind its end")));
        };
        Ok(GgufTensorView { name: &info.name, kind, shape: &info.shape, bytes: &self.map[info.offset..end] })
    }
}

/// What ggml calls a type that is not read.
fn type_name(id: u32) -> String {
    let name = match id {
        9 => "Q8_1",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24..=28 => ["I8", "I16", "I32", "I64", "F64"][id as usize - 24],
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        _ => return format!("{id} of ggml"),
    };
    name.to_owned()
}

fn size_bytes(kind: GgmlType, shape: &[usize]) -> Option<usize> {
    let (columns, rows) = shape.split_last()?;
    rows.iter().try_fold(kind.size_bytes(*columns)?, |product, n| product.checked_mul(*n))
}

type Parsed = (Vec<(String, GgufValue)>, Vec<GgufTensorInfo>);

fn parse(path: &Path, bytes: &[u8]) -> Result<Parsed, WeightsError> {
    if bytes.starts_with(b"version https://git-lfs.github.com/spec") {
        return Err(WeightsError::LfsPointer { path: path.to_path_buf() });
    }
    let mut cursor = Cursor { path, bytes, position: 0 };
    if cursor.take(4)? != MAGIC {
        return Err(WeightsError::header(path, "it does not start with GGUF, so it is no GGUF file"));
    }
    match cursor.u32()? {
        2 | 3 => {}
        version if matches!(version.swap_bytes(), 2 | 3) => {
            return Err(WeightsError::header(path, "big-endian GGUF files are not read"));
        }
        version => {
            return Err(WeightsError::header(
                path,
                format!("GGUF version {version} is not read, only 2 and 3"),
            ));
        }
    }
    // The shortest entries are 8 + 4 + 1 bytes of metadata, and 8 + 4 + 4 + 8 of a tensor.
    let tensor_count = cursor.count(24)?;
    let metadata_count = cursor.count(13)?;
    let mut metadata = Vec::new();
    for _ in 0..metadata_count {
        let key = cursor.string()?;
        let kind = cursor.u32()?;
        let value = cursor.value(kind).map_err(|error| in_key(path, &key, error))?;
        metadata.push((key, value));
    }
    let alignment = alignment(path, &metadata)?;
    let mut tensors = Vec::new();
    let mut names = HashSet::new();
    for _ in 0..tensor_count {
        let tensor = cursor.tensor(alignment)?;
        if !names.insert(tensor.name.clone()) {
            return Err(WeightsError::tensor(path, tensor.name, "the name is used twice"));
        }
        tensors.push(tensor);
    }
    let data_start = cursor.position.next_multiple_of(alignment);
    for tensor in &mut tensors {
        let size = GgmlType::from_id(tensor.type_id).map(|kind| size_bytes(kind, &tensor.shape));
        if size == Some(None) {
            let detail = format!("shape {:?} does not fit its type", tensor.shape);
            return Err(WeightsError::tensor(path, &tensor.name, detail));
        }
        let start = data_start.checked_add(tensor.offset);
        let end = start.and_then(|start| start.checked_add(size.flatten().unwrap_or(0)));
        let (Some(start), Some(end)) = (start, end) else {
            return Err(WeightsError::tensor(path, &tensor.name, "its offset overflows"));
        };
        if end > bytes.len() {
            let detail = format!("tensor {} ends at byte {end}, the file has {}", tensor.name, bytes.len());
            return Err(WeightsError::truncated(path, detail));
        }
        tensor.offset = start;
    }
    Ok((metadata, tensors))
}

fn in_key(path: &Path, key: &str, error: WeightsError) -> WeightsError {
    match error {
        WeightsError::Header { detail, .. } => {
            WeightsError::header(path, format!("metadata {key}: {detail}"))
        }
        other => other,
    }
}

fn alignment(path: &Path, metadata: &[(String, GgufValue)]) -> Result<usize, WeightsError> {
    let Some((_, value)) = metadata.iter().find(|(key, _)| key == "general.alignment") else {
        return Ok(ALIGNMENT);
    };
    match value.as_u64() {
        Some(n) if n.is_power_of_two() && n <= 1 << 20 => Ok(n as usize),
        _ => Err(WeightsError::header(path, "general.alignment is not a power of two up to 1 MiB")),
    }
}

struct Cursor<'a> {
    path: &'a Path,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], WeightsError> {
        let end = self.position.checked_add(count).filter(|end| *end <= self.bytes.len());
        let Some(end) = end else {
            let detail = format!("{count} more bytes were promised at byte {}", self.position);
            return Err(WeightsError::truncated(self.path, detail));
        };
        let taken = &self.bytes[self.position..end];
        self.position = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], WeightsError> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn u32(&mut self) -> Result<u32, WeightsError> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    /// A count of things of at least `smallest` bytes each: no more than the rest of the file can hold.
    fn count(&mut self, smallest: usize) -> Result<usize, WeightsError> {
        let count = u64::from_le_bytes(self.array()?);
        let most = ((self.bytes.len() - self.position) / smallest) as u64;
        if count > most {
            let detail = format!("{count} entries were promised at byte {}", self.position - 8);
            return Err(WeightsError::truncated(self.path, detail));
        }
        Ok(count as usize)
    }

    fn string(&mut self) -> Result<String, WeightsError> {
        let length = self.count(1)?;
        let start = self.position;
        String::from_utf8(self.take(length)?.to_vec())
            .map_err(|_| WeightsError::header(self.path, format!("the text at byte {start} is not UTF-8")))
    }

    fn bool(&mut self) -> Result<bool, WeightsError> {
        match self.array::<1>()?[0] {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(WeightsError::header(self.path, format!("{other} is no boolean"))),
        }
    }

    fn value(&mut self, kind: u32) -> Result<GgufValue, WeightsError> {
        Ok(match kind {
            0 => GgufValue::U8(u8::from_le_bytes(self.array()?)),
            1 => GgufValue::I8(i8::from_le_bytes(self.array()?)),
            2 => GgufValue::U16(u16::from_le_bytes(self.array()?)),
            3 => GgufValue::I16(i16::from_le_bytes(self.array()?)),
            4 => GgufValue::U32(self.u32()?),
            5 => GgufValue::I32(i32::from_le_bytes(self.array()?)),
            6 => GgufValue::F32(f32::from_le_bytes(self.array()?)),
            7 => GgufValue::Bool(self.bool()?),
            8 => GgufValue::String(self.string()?),
            9 => GgufValue::Array(self.list()?),
            10 => GgufValue::U64(u64::from_le_bytes(self.array()?)),
            11 => GgufValue::I64(i64::from_le_bytes(self.array()?)),
            12 => GgufValue::F64(f64::from_le_bytes(self.array()?)),
            other => {
                return Err(WeightsError::header(self.path, format!("value type {other} does not exist")));
            }
        })
    }

    fn list(&mut self) -> Result<GgufArray, WeightsError> {
        let kind = self.u32()?;
        macro_rules! numbers {
            ($type:ty, $variant:ident) => {{
                const SIZE: usize = size_of::<$type>();
                let count = self.count(SIZE)?;
                let bytes = self.take(count * SIZE)?;
                let number = |chunk: &[u8]| {
                    let mut value = [0u8; SIZE];
                    value.copy_from_slice(chunk);
                    <$type>::from_le_bytes(value)
                };
                GgufArray::$variant(bytes.chunks_exact(SIZE).map(number).collect())
            }};
        }
        Ok(match kind {
            0 => numbers!(u8, U8),
            1 => numbers!(i8, I8),
            2 => numbers!(u16, U16),
            3 => numbers!(i16, I16),
            4 => numbers!(u32, U32),
            5 => numbers!(i32, I32),
            6 => numbers!(f32, F32),
            7 => {
                let count = self.count(1)?;
                GgufArray::Bool((0..count).map(|_| self.bool()).collect::<Result<_, _>>()?)
            }
            8 => {
                let count = self.count(8)?;
                GgufArray::String((0..count).map(|_| self.string()).collect::<Result<_, _>>()?)
            }
            10 => numbers!(u64, U64),
            11 => numbers!(i64, I64),
            12 => numbers!(f64, F64),
            other => {
                return Err(WeightsError::header(self.path, format!("arrays of type {other} are not read")));
            }
        })
    }

    fn tensor(&mut self, alignment: usize) -> Result<GgufTensorInfo, WeightsError> {
        let name = self.string()?;
        let dimensions = self.u32()?;
        if dimensions > MAX_DIMENSIONS {
            let detail = format!("{dimensions} dimensions, at most {MAX_DIMENSIONS} exist");
            return Err(WeightsError::tensor(self.path, name, detail));
        }
        let mut shape = Vec::new();
        for _ in 0..dimensions {
            let size = u64::from_le_bytes(self.array()?);
            let size = usize::try_from(size).ok().filter(|n| *n > 0);
            shape
                .push(size.ok_or_else(|| WeightsError::tensor(self.path, &name, "an impossible dimension"))?);
        }
        shape.reverse();
        if shape.is_empty() {
            shape.push(1);
        }
        let type_id = self.u32()?;
        let offset = u64::from_le_bytes(self.array()?);
        let offset = usize::try_from(offset).ok().filter(|offset| offset.is_multiple_of(alignment));
        let offset = offset.ok_or_else(|| {
            WeightsError::tensor(self.path, &name, format!("its offset is no multiple of {alignment}"))
        })?;
        Ok(GgufTensorInfo { name, type_id, shape, offset })
    }
}
