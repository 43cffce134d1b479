//! A GGUF file as the weights of a Hugging Face model: its names, its layouts, values in f32, f16 or bf16.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use super::architecture::{self, Layout};
use super::{GgufFile, GgufTensorView};
use crate::quantization::ggml_blocks::GgmlType;
use crate::weights::{DType, WeightsError};

/// The weights of a GGUF file under Hugging Face's names.
#[derive(Debug)]
pub struct GgufModel {
    file: GgufFile,
    /// By Hugging Face's name.
    tensors: BTreeMap<String, Place>,
}

#[derive(Debug)]
struct Place {
    /// Name in the file.
    name: String,
    layout: Layout,
    shape: Vec<usize>,
}

impl GgufModel {
    /// # Errors
    /// As [`GgufFile::open`]; the architecture is not one of ours, or rows of query and key are no heads.
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        let file = GgufFile::open(path)?;
        let architecture = architecture::of(&file)?;
        let heads = |key: &str| {
            let heads = file.get(&format!("{}.attention.{key}", architecture.name))?.as_u64()?;
            usize::try_from(heads).ok().filter(|heads| (1..=1 << 30).contains(heads))
        };
        let query = heads("head_count").ok_or_else(|| {
            let key = format!("{}.attention.head_count", architecture.name);
            WeightsError::field(path, key, "expected a whole number above 0")
        })?;
        let heads = [query, heads("head_count_kv").unwrap_or(query)];
        let mut tensors = BTreeMap::new();
        for tensor in file.tensors() {
            let Some((name, layout)) = architecture.place(&tensor.name, heads) else { continue };
            if let Layout::Interleaved { heads } = layout
                && !tensor.shape[0].is_multiple_of(2 * heads)
            {
                let detail = format!("its {} rows are no {heads} heads", tensor.shape[0]);
                return Err(WeightsError::tensor(path, &tensor.name, detail));
            }
            let place = Place { name: tensor.name.clone(), layout, shape: tensor.shape.clone() };
            if tensors.insert(name, place).is_some() {
                return Err(WeightsError::tensor(path, &tensor.name, "another tensor has the same meaning"));
            }
        }
        Ok(Self { file, tensors })
    }

    pub(in crate::weights) fn path(&self) -> &Path {
        self.file.path()
    }

    pub(in crate::weights) fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    pub(in crate::weights) fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| place.shape.as_slice())
    }

    /// The type in which [`GgufModel::bytes`] gives values: the file's own where Hugging Face has it, f32 otherwise.
    pub(in crate::weights) fn dtype(&self, name: &str) -> Result<DType, WeightsError> {
        let (place, tensor) = self.tensor(name)?;
        Ok(dtype_of(place, &tensor))
    }

    /// Little-endian bytes of some values of a tensor, row by row in Hugging Face's order.
    pub(in crate::weights) fn bytes(
        &self,
        name: &str,
        values: Range<usize>,
    ) -> Result<Cow<'_, [u8]>, WeightsError> {
        let (place, tensor) = self.tensor(name)?;
        let dtype = dtype_of(place, &tensor);
        let Layout::Interleaved { heads } = place.layout else {
            return Ok(stretch(&tensor, place.layout, dtype, values));
        };
        let columns: usize = place.shape[1..].iter().product();
        let head_dim = place.shape[0] / heads;
        let mut bytes = Vec::with_capacity(values.len() * dtype.size_bytes());
        for row in values.start / columns..values.end.div_ceil(columns) {
            let (head, within) = (row / head_dim, row % head_dim);
            let stored = head * head_dim + 2 * (within % (head_dim / 2)) + within / (head_dim / 2);
            let wanted = values.start.max(row * columns)..values.end.min((row + 1) * columns);
            let place = wanted.start - row * columns..wanted.end - row * columns;
            let place = stored * columns + place.start..stored * columns + place.end;
            bytes.extend_from_slice(&stretch(&tensor, Layout::Same, dtype, place));
        }
        Ok(Cow::Owned(bytes))
    }

    fn tensor(&self, name: &str) -> Result<(&Place, GgufTensorView<'_>), WeightsError> {
        let place = self.tensors.get(name).ok_or_else(|| WeightsError::TensorMissing {
            dir: self.path().to_path_buf(),
            name: name.to_owned(),
            available: format!("{} tensors", self.tensors.len()),
        })?;
        Ok((place, self.file.tensor(&place.name)?))
    }
}

fn dtype_of(place: &Place, tensor: &GgufTensorView) -> DType {
    match (place.layout, tensor.kind) {
        (Layout::PlusOne, _) => DType::F32,
        (_, GgmlType::F16) => DType::F16,
        (_, GgmlType::BF16) => DType::BF16,
        _ => DType::F32,
    }
}

/// Values that lie side by side in the file.
fn stretch<'a>(
    tensor: &GgufTensorView<'a>,
    layout: Layout,
    dtype: DType,
    values: Range<usize>,
) -> Cow<'a, [u8]> {
    let (block, size) = tensor.kind.block();
    let blocks = values.start / block..values.end.div_ceil(block);
    let bytes = &tensor.bytes[blocks.start * size..blocks.end * size];
    if block == 1 && layout == Layout::Same {
        return Cow::Borrowed(bytes);
    }
    let mut decoded = tensor.kind.decode(bytes);
    decoded.truncate(values.end - blocks.start * block);
    if layout == Layout::PlusOne {
        decoded.iter_mut().for_each(|value| *value -= 1.0);
    }
    let mut out = Vec::new();
    dtype.encode(&decoded[values.start - blocks.start * block..], &mut out);
    Cow::Owned(out)
}
