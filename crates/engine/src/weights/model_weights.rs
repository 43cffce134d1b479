//! The weights of a model, whatever they are stored in: a folder of safetensors, or a GGUF file.

use std::borrow::Cow;
use std::ops::Range;
use std::path::Path;

use super::gguf::{self, GgufModel};
use super::{DType, SafetensorsDir, WeightsError};

/// Tensors under Hugging Face's names, in Hugging Face's layouts. Values come piece by piece: nothing is kept in memory.
#[derive(Debug)]
pub enum ModelWeights {
    Safetensors(SafetensorsDir),
    Gguf(GgufModel),
}

impl ModelWeights {
    /// Opens a model folder, one `.safetensors` file, or a GGUF file.
    ///
    /// # Errors
    /// As [`SafetensorsDir::open`] and [`GgufModel::open`].
    pub fn open(path: &Path) -> Result<Self, WeightsError> {
        Ok(match gguf::is_gguf(path) {
            true => Self::Gguf(GgufModel::open(path)?),
            false => Self::Safetensors(SafetensorsDir::open(path)?),
        })
    }

    /// The folder or file that was opened.
    pub fn source(&self) -> &Path {
        match self {
            Self::Safetensors(files) => files.source(),
            Self::Gguf(file) => file.path(),
        }
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> Box<dyn Iterator<Item = &str> + '_> {
        match self {
            Self::Safetensors(files) => Box::new(files.names()),
            Self::Gguf(file) => Box::new(file.names()),
        }
    }

    /// The shape of a tensor, if it exists.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        match self {
            Self::Safetensors(files) => files.shape(name),
            Self::Gguf(file) => file.shape(name),
        }
    }

    /// The type of a tensor's values: as stored, f32 for what is stored in a format of blocks.
    ///
    /// # Errors
    /// The tensor is missing, or of a type that is not read.
    pub fn dtype(&self, name: &str) -> Result<DType, WeightsError> {
        match self {
            Self::Safetensors(files) => Ok(files.tensor(name)?.dtype),
            Self::Gguf(file) => file.dtype(name),
        }
    }

    /// Some rows (of the first dimension) of a tensor in f32.
    ///
    /// # Errors
    /// The tensor is missing, has no such rows, or is of a type that is not read.
    pub fn rows(&self, name: &str, rows: Range<usize>) -> Result<Vec<f32>, WeightsError> {
        let dtype = self.dtype(name)?;
        let shape = self.shape(name).unwrap_or_default();
        let count = shape.first().copied().unwrap_or(1);
        if rows.start > rows.end || rows.end > count {
            let detail = format!("rows {rows:?} of {count} were asked for");
            return Err(WeightsError::tensor(self.source(), name, detail));
        }
        let columns: usize = shape.iter().skip(1).product();
        Ok(dtype.decode(&self.bytes(name, rows.start * columns..rows.end * columns)?))
    }

    /// Little-endian bytes of some values of a tensor (row by row, of its [`ModelWeights::dtype`]).
    ///
    /// # Errors
    /// The tensor is missing, or of a type that is not read.
    ///
    /// # Panics
    /// When the tensor has fewer values.
    pub fn bytes(&self, name: &str, values: Range<usize>) -> Result<Cow<'_, [u8]>, WeightsError> {
        match self {
            Self::Safetensors(files) => {
                let tensor = files.tensor(name)?;
                let size = tensor.dtype.size_bytes();
                Ok(Cow::Borrowed(&tensor.bytes[values.start * size..values.end * size]))
            }
            Self::Gguf(file) => file.bytes(name, values),
        }
    }

    /// Says that these values of a tensor were read and will not be read again soon: their pages stop counting as memory of
    /// this process, where they lie in a mapped file of safetensors.
    pub fn release(&self, name: &str, values: Range<usize>) {
        if let (Self::Safetensors(files), Ok(dtype)) = (self, self.dtype(name)) {
            files.release(name, values.start * dtype.size_bytes()..values.end * dtype.size_bytes());
        }
    }
}
