//! Values of GGUF metadata and their encoding.

/// One metadata value.
#[derive(Debug, Clone, PartialEq)]
pub enum GgufValue {
    U8(u8),
    I8(i8),
    U16(u16),
    I16(i16),
    U32(u32),
    I32(i32),
    F32(f32),
    Bool(bool),
    String(String),
    Array(GgufArray),
    U64(u64),
    I64(i64),
    F64(f64),
}

/// An array of one element type. Arrays of arrays occur in no known file and are refused.
#[derive(Debug, Clone, PartialEq)]
pub enum GgufArray {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    F32(Vec<f32>),
    Bool(Vec<bool>),
    String(Vec<String>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F64(Vec<f64>),
}

impl From<&str> for GgufValue {
    fn from(text: &str) -> Self {
        Self::String(text.to_string())
    }
}

impl From<String> for GgufValue {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<bool> for GgufValue {
    fn from(flag: bool) -> Self {
        Self::Bool(flag)
    }
}

impl From<u32> for GgufValue {
    fn from(number: u32) -> Self {
        Self::U32(number)
    }
}

impl From<f32> for GgufValue {
    fn from(number: f32) -> Self {
        Self::F32(number)
    }
}

impl From<Vec<String>> for GgufValue {
    fn from(texts: Vec<String>) -> Self {
        Self::Array(GgufArray::String(texts))
    }
}

impl From<Vec<i32>> for GgufValue {
    fn from(numbers: Vec<i32>) -> Self {
        Self::Array(GgufArray::I32(numbers))
    }
}

impl From<Vec<f32>> for GgufValue {
    fn from(numbers: Vec<f32>) -> Self {
        Self::Array(GgufArray::F32(numbers))
    }
}

impl GgufValue {
    /// The text of a string value.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The value of a boolean.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(flag) => Some(*flag),
            _ => None,
        }
    }

    /// Any whole number that is not negative.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Self::U8(n) => Some(u64::from(*n)),
            Self::U16(n) => Some(u64::from(*n)),
            Self::U32(n) => Some(u64::from(*n)),
            Self::U64(n) => Some(*n),
            Self::I8(n) => u64::try_from(*n).ok(),
            Self::I16(n) => u64::try_from(*n).ok(),
            Self::I32(n) => u64::try_from(*n).ok(),
            Self::I64(n) => u64::try_from(*n).ok(),
            _ => None,
        }
    }

    /// A floating-point number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::F32(n) => Some(f64::from(*n)),
            Self::F64(n) => Some(*n),
            _ => None,
        }
    }

    /// The texts of an array of strings.
    pub fn as_strings(&self) -> Option<&[String]> {
        match self {
            Self::Array(GgufArray::String(texts)) => Some(texts),
            _ => None,
        }
    }

    /// The numbers of an array of 32-bit integers (token types).
    pub fn as_i32s(&self) -> Option<&[i32]> {
        match self {
            Self::Array(GgufArray::I32(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// The numbers of an array of floats (scores).
    pub fn as_f32s(&self) -> Option<&[f32]> {
        match self {
            Self::Array(GgufArray::F32(numbers)) => Some(numbers),
            _ => None,
        }
    }

    /// The number of this value's type in a file.
    fn type_id(&self) -> u32 {
        match self {
            Self::U8(_) => 0,
            Self::I8(_) => 1,
            Self::U16(_) => 2,
            Self::I16(_) => 3,
            Self::U32(_) => 4,
            Self::I32(_) => 5,
            Self::F32(_) => 6,
            Self::Bool(_) => 7,
            Self::String(_) => 8,
            Self::Array(_) => 9,
            Self::U64(_) => 10,
            Self::I64(_) => 11,
            Self::F64(_) => 12,
        }
    }

    /// Appends the type's number and the value.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.type_id().to_le_bytes());
        match self {
            Self::U8(n) => out.push(*n),
            Self::I8(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::U16(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::I16(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::U32(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::I32(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::F32(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::Bool(flag) => out.push(u8::from(*flag)),
            Self::String(text) => encode_string(text, out),
            Self::Array(array) => array.encode(out),
            Self::U64(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::I64(n) => out.extend_from_slice(&n.to_le_bytes()),
            Self::F64(n) => out.extend_from_slice(&n.to_le_bytes()),
        }
    }
}

/// A length of 8 bytes, then UTF-8.
pub(super) fn encode_string(text: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(&(text.len() as u64).to_le_bytes());
    out.extend_from_slice(text.as_bytes());
}

impl GgufArray {
    fn encode(&self, out: &mut Vec<u8>) {
        macro_rules! numbers {
            ($id:expr, $list:expr) => {{
                start($id, $list.len(), out);
                $list.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
            }};
        }
        match self {
            Self::U8(list) => numbers!(0, list),
            Self::I8(list) => numbers!(1, list),
            Self::U16(list) => numbers!(2, list),
            Self::I16(list) => numbers!(3, list),
            Self::U32(list) => numbers!(4, list),
            Self::I32(list) => numbers!(5, list),
            Self::F32(list) => numbers!(6, list),
            Self::Bool(list) => {
                start(7, list.len(), out);
                out.extend(list.iter().map(|flag| u8::from(*flag)));
            }
            Self::String(list) => {
                start(8, list.len(), out);
                list.iter().for_each(|text| encode_string(text, out));
            }
            Self::U64(list) => numbers!(10, list),
            Self::I64(list) => numbers!(11, list),
            Self::F64(list) => numbers!(12, list),
        }
    }
}

fn start(element_type: u32, count: usize, out: &mut Vec<u8>) {
    out.extend_from_slice(&element_type.to_le_bytes());
    out.extend_from_slice(&(count as u64).to_le_bytes());
}
