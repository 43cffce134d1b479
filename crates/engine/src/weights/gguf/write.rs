//! Writes a GGUF file: a tensor, or a part of one, in memory at a time.

use std::path::Path;

use super::value::encode_string;
use super::{ALIGNMENT, GgufValue, MAGIC, VERSION};
use crate::quantization::ggml_blocks::GgmlType;
use crate::weights::{AtomicFile, TensorSink, WeightsError};

/// What the file says about a tensor before its bytes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GgufTensorSpec {
    pub name: String,
    pub kind: GgmlType,
    /// Row-major, outermost first, as in PyTorch; the file has it the other way round.
    pub shape: Vec<usize>,
}

impl GgufTensorSpec {
    /// Bytes of the tensor; `None` when its rows are no whole number of blocks, or when the shape overflows.
    pub fn size_bytes(&self) -> Option<usize> {
        let (columns, rows) = self.shape.split_last()?;
        rows.iter().try_fold(self.kind.size_bytes(*columns)?, |product, n| product.checked_mul(*n))
    }
}

/// Writes `path` (temporary name, sync, rename). `fill` is called once a tensor, in order, with its index
/// and an empty buffer that it fills with exactly the tensor's bytes.
///
/// # Errors
/// What `fill` returns, a buffer of the wrong length, or what the disk reports; the target is untouched then.
pub fn write_gguf<E: From<WeightsError>>(
    path: &Path,
    metadata: &[(String, GgufValue)],
    tensors: &[GgufTensorSpec],
    mut fill: impl FnMut(usize, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = Vec::new();
    stream_gguf(path, metadata, tensors, |index, sink| {
        buffer.clear();
        fill(index, &mut buffer)?;
        Ok(sink.put(&buffer)?)
    })
}

/// As [`write_gguf`] for tensors that are larger than memory should be: `fill` puts a tensor's bytes part by part.
///
/// # Errors
/// As [`write_gguf`].
pub fn stream_gguf<E: From<WeightsError>>(
    path: &Path,
    metadata: &[(String, GgufValue)],
    tensors: &[GgufTensorSpec],
    mut fill: impl FnMut(usize, &mut TensorSink) -> Result<(), E>,
) -> Result<(), E> {
    let header = header(path, metadata, tensors)?;
    let mut file = AtomicFile::create(path)?;
    file.put(&header)?;
    for (index, tensor) in tensors.iter().enumerate() {
        let size = TensorSink::fill(&mut file, |sink| fill(index, sink))?;
        if tensor.size_bytes() != Some(size) {
            let detail = format!("{size} bytes were given for shape {:?}", tensor.shape);
            return Err(WeightsError::tensor(path, &tensor.name, detail).into());
        }
        file.put(&[0; ALIGNMENT][..size.next_multiple_of(ALIGNMENT) - size])?;
    }
    file.commit()?;
    Ok(())
}

fn header(
    path: &Path,
    metadata: &[(String, GgufValue)],
    tensors: &[GgufTensorSpec],
) -> Result<Vec<u8>, WeightsError> {
    let mut out = Vec::new();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&VERSION.to_le_bytes());
    out.extend_from_slice(&(tensors.len() as u64).to_le_bytes());
    out.extend_from_slice(&(metadata.len() as u64).to_le_bytes());
    for (key, value) in metadata {
        encode_string(key, &mut out);
        value.encode(&mut out);
    }
    let mut offset = 0u64;
    for tensor in tensors {
        let size = tensor.size_bytes().ok_or_else(|| {
            let detail = format!("shape {:?} cannot be stored as {}", tensor.shape, tensor.kind.name());
            WeightsError::tensor(path, &tensor.name, detail)
        })?;
        encode_string(&tensor.name, &mut out);
        out.extend_from_slice(&(tensor.shape.len() as u32).to_le_bytes());
        tensor.shape.iter().rev().for_each(|n| out.extend_from_slice(&(*n as u64).to_le_bytes()));
        out.extend_from_slice(&tensor.kind.id().to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
        offset += size.next_multiple_of(ALIGNMENT) as u64;
    }
    out.resize(out.len().next_multiple_of(ALIGNMENT), 0);
    Ok(out)
}
