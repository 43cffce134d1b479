//! Writes one safetensors file: a tensor, or a part of one, in memory at a time.

use std::path::Path;

use serde_json::{Map, Value, json};

use super::{AtomicFile, DType, TensorSink, WeightsError};

/// What the header says about a tensor before its bytes are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TensorSpec {
    pub name: String,
    pub dtype: DType,
    pub shape: Vec<usize>,
}

impl TensorSpec {
    /// Bytes of the tensor; `None` when the shape overflows.
    pub fn size_bytes(&self) -> Option<usize> {
        self.shape.iter().try_fold(self.dtype.size_bytes(), |product, n| product.checked_mul(*n))
    }
}

/// Writes `tensors` to `path` (temporary name, sync, rename). `fill` is called once a tensor, with its
/// index in `tensors` and an empty buffer that it fills with exactly the tensor's little-endian bytes.
///
/// As in the reference writer, wider types come first, then by name, so that all data is aligned.
///
/// # Errors
/// What `fill` returns, a buffer of the wrong length, or what the disk reports; the target is untouched then.
pub fn write_safetensors<E: From<WeightsError>>(
    path: &Path,
    metadata: &[(&str, &str)],
    tensors: &[TensorSpec],
    mut fill: impl FnMut(usize, &mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let mut buffer = Vec::new();
    stream_safetensors(path, metadata, tensors, |index, sink| {
        buffer.clear();
        fill(index, &mut buffer)?;
        Ok(sink.put(&buffer)?)
    })
}

/// As [`write_safetensors`] for tensors that are larger than memory should be: `fill` puts a tensor's bytes part by part.
///
/// # Errors
/// As [`write_safetensors`].
pub fn stream_safetensors<E: From<WeightsError>>(
    path: &Path,
    metadata: &[(&str, &str)],
    tensors: &[TensorSpec],
    mut fill: impl FnMut(usize, &mut TensorSink) -> Result<(), E>,
) -> Result<(), E> {
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by(|&a, &b| {
        let key = |i: usize| {
            (std::cmp::Reverse(tensors[i].dtype.size_bytes()), tensors[i].dtype.safetensors_name())
        };
        (key(a), &tensors[a].name).cmp(&(key(b), &tensors[b].name))
    });
    let header = header(path, metadata, tensors, &order)?;
    let mut file = AtomicFile::create(path)?;
    file.put(&(header.len() as u64).to_le_bytes())?;
    file.put(&header)?;
    for index in order {
        let size = TensorSink::fill(&mut file, |sink| fill(index, sink))?;
        let tensor = &tensors[index];
        if tensor.size_bytes() != Some(size) {
            let detail = format!("{size} bytes were given for shape {:?}", tensor.shape);
            return Err(WeightsError::tensor(path, &tensor.name, detail).into());
        }
    }
    file.commit()?;
    Ok(())
}

fn header(
    path: &Path,
    metadata: &[(&str, &str)],
    tensors: &[TensorSpec],
    order: &[usize],
) -> Result<Vec<u8>, WeightsError> {
    let mut entries = Map::new();
    if !metadata.is_empty() {
        let pairs: Map<String, Value> = metadata.iter().map(|(k, v)| (k.to_string(), json!(v))).collect();
        entries.insert("__metadata__".to_string(), Value::Object(pairs));
    }
    let mut offset = 0usize;
    for &index in order {
        let tensor = &tensors[index];
        let end = tensor
            .size_bytes()
            .and_then(|size| offset.checked_add(size))
            .ok_or_else(|| WeightsError::tensor(path, &tensor.name, "its shape overflows"))?;
        let entry = json!({
            "dtype": tensor.dtype.safetensors_name(), "shape": tensor.shape, "data_offsets": [offset, end],
        });
        if entries.insert(tensor.name.clone(), entry).is_some() {
            return Err(WeightsError::tensor(path, &tensor.name, "the name is used twice"));
        }
        offset = end;
    }
    let mut text = Value::Object(entries).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    Ok(text)
}
