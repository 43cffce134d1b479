//! A folder of safetensors files, memory-mapped.
//!
//! A file is `u64` header length, a JSON header `{name: {dtype, shape, data_offsets}}`, then the data.
//! Every promise of the header is checked against the file before a tensor is handed out.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File};
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};

use memmap2::Mmap;
use serde_json::Value;

use super::{DType, TensorView, WeightsError, read_json_file};

/// No real header comes near this; a larger one is a lie or an attack (the reference reader's limit too).
const MAX_HEADER_BYTES: u64 = 100_000_000;
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec";

/// The tensors of `model.safetensors`, or of `model.safetensors.index.json` and its shards.
#[derive(Debug)]
pub struct SafetensorsDir {
    source: PathBuf,
    shards: Vec<Shard>,
    tensors: BTreeMap<String, Place>,
}

#[derive(Debug)]
struct Shard {
    path: PathBuf,
    map: Mmap,
}

#[derive(Debug)]
struct Place {
    shard: usize,
    dtype: DtypeName,
    shape: Vec<usize>,
    start: usize,
    end: usize,
}

/// Kept as a name until the tensor is asked for: an unused integer buffer must not stop a model.
#[derive(Debug)]
enum DtypeName {
    Known(DType),
    Unknown(String),
}

impl SafetensorsDir {
    /// Opens a model folder (or one `.safetensors` file).
    ///
    /// # Errors
    /// Names the file and what is wrong with it: missing, truncated, lying header, Git LFS pointer,
    /// missing shard, pickle only.
    pub fn open(dir: &Path) -> Result<Self, WeightsError> {
        if dir.is_file() {
            return Self::open_file(dir);
        }
        if !dir.exists() {
            return Err(WeightsError::NotFound { path: dir.to_path_buf() });
        }
        let single = dir.join("model.safetensors");
        if single.is_file() {
            return Self::open_file(&single).map(|opened| Self { source: dir.to_path_buf(), ..opened });
        }
        let index = dir.join("model.safetensors.index.json");
        if index.is_file() {
            return Self::open_sharded(dir, &index);
        }
        Err(why_no_weights(dir))
    }

    /// Opens one `.safetensors` file of any name.
    ///
    /// # Errors
    /// As [`SafetensorsDir::open`].
    pub fn open_file(path: &Path) -> Result<Self, WeightsError> {
        let (shard, header) = map_shard(path)?;
        let mut tensors = BTreeMap::new();
        for (name, entry) in header {
            tensors.insert(name, entry);
        }
        Ok(Self { source: path.to_path_buf(), shards: vec![shard], tensors })
    }

    fn open_sharded(dir: &Path, index: &Path) -> Result<Self, WeightsError> {
        let parsed = read_json_file(index)?;
        let map = parsed
            .get("weight_map")
            .and_then(Value::as_object)
            .ok_or_else(|| WeightsError::field(index, "weight_map", "missing, or not an object"))?;
        let mut shards = Vec::new();
        let mut headers: HashMap<String, (usize, BTreeMap<String, Place>)> = HashMap::new();
        let mut tensors = BTreeMap::new();
        for (name, file) in map {
            let file = shard_name(index, name, file)?;
            if !headers.contains_key(file) {
                let path = dir.join(file);
                if !path.is_file() {
                    let shard = file.to_string();
                    return Err(WeightsError::ShardMissing { index: index.to_path_buf(), shard });
                }
                let (shard, header) = map_shard(&path)?;
                headers.insert(file.to_string(), (shards.len(), header));
                shards.push(shard);
            }
            let (number, header) = headers.get_mut(file).expect("inserted above when it was absent");
            let place = header.remove(name).ok_or_else(|| {
                WeightsError::header(
                    index,
                    format!("it places tensor {name} in {file}, which does not hold it"),
                )
            })?;
            tensors.insert(name.clone(), Place { shard: *number, ..place });
        }
        Ok(Self { source: dir.to_path_buf(), shards, tensors })
    }

    /// The folder or file that was opened.
    pub fn source(&self) -> &Path {
        &self.source
    }

    /// The names of all tensors, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.tensors.keys().map(String::as_str)
    }

    /// Whether there is a tensor of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.tensors.contains_key(name)
    }

    /// Bytes of all tensors together.
    pub fn total_bytes(&self) -> u64 {
        self.tensors.values().map(|place| (place.end - place.start) as u64).sum()
    }

    /// The shape of a tensor, if it exists.
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|place| place.shape.as_slice())
    }

    /// One tensor, as it lies in the mapped file.
    ///
    /// # Errors
    /// The tensor is missing (the message says what exists) or of a type that is not read.
    pub fn tensor(&self, name: &str) -> Result<TensorView<'_>, WeightsError> {
        let Some((key, place)) = self.tensors.get_key_value(name) else {
            return Err(self.missing(name));
        };
        let shard = &self.shards[place.shard];
        let dtype = match &place.dtype {
            DtypeName::Known(dtype) => *dtype,
            DtypeName::Unknown(dtype) => {
                return Err(WeightsError::UnsupportedDType {
                    path: shard.path.clone(),
                    tensor: name.to_string(),
                    dtype: dtype.clone(),
                });
            }
        };
        let bytes = &shard.map[place.start..place.end];
        Ok(TensorView { name: key, dtype, shape: &place.shape, bytes })
    }

    /// Says that these bytes of a tensor were read and will not be read again soon: they stop counting as memory of
    /// this process. Reading them again is right, only slower.
    pub fn release(&self, name: &str, bytes: Range<usize>) {
        let Some(place) = self.tensors.get(name) else { return };
        let (start, end) = (place.start + bytes.start, (place.start + bytes.end).min(place.end));
        crate::platform::release_mapped(&self.shards[place.shard].map, start..end);
    }

    fn missing(&self, name: &str) -> WeightsError {
        let last = name.rsplit('.').nth(1).unwrap_or(name);
        let mut close: Vec<&str> = self.names().filter(|n| n.contains(last)).take(4).collect();
        if close.is_empty() {
            close = self.names().take(4).collect();
        }
        let available = match close.is_empty() {
            true => "no tensors at all".to_string(),
            false => format!("{} tensors, among them {}", self.tensors.len(), close.join(", ")),
        };
        WeightsError::TensorMissing { dir: self.source.clone(), name: name.to_string(), available }
    }
}

fn shard_name<'a>(index: &Path, tensor: &str, file: &'a Value) -> Result<&'a str, WeightsError> {
    let field = || format!("weight_map.{tensor}");
    let file = file.as_str().ok_or_else(|| WeightsError::field(index, field(), "not a file name"))?;
    let plain = !file.is_empty() && file != ".." && !file.contains(['/', '\\']);
    if !plain || !file.ends_with(".safetensors") {
        let detail = format!("{file:?} is not the name of a .safetensors file in the same folder");
        return Err(WeightsError::field(index, field(), detail));
    }
    Ok(file)
}

fn why_no_weights(dir: &Path) -> WeightsError {
    let mut pickles: Vec<PathBuf> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| {
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            matches!(extension, "bin" | "pt" | "pth" | "pkl" | "ckpt")
        })
        .collect();
    pickles.sort();
    match pickles.into_iter().next() {
        Some(path) => WeightsError::Pickle { path },
        None => WeightsError::NoWeights { dir: dir.to_path_buf() },
    }
}

fn map_shard(path: &Path) -> Result<(Shard, BTreeMap<String, Place>), WeightsError> {
    let mut file = File::open(path).map_err(|error| WeightsError::io(path, error))?;
    let size = file.metadata().map_err(|error| WeightsError::io(path, error))?.len();
    let mut start = [0u8; 64];
    let count = read_start(&mut file, &mut start).map_err(|error| WeightsError::io(path, error))?;
    if start[..count].starts_with(LFS_POINTER) {
        return Err(WeightsError::LfsPointer { path: path.to_path_buf() });
    }
    if start[..count].starts_with(b"PK\x03\x04") || start[..count].starts_with(b"\x80\x02") {
        return Err(WeightsError::Pickle { path: path.to_path_buf() });
    }
    if count < 8 {
        return Err(WeightsError::truncated(path, format!("{size} bytes cannot hold a safetensors header")));
    }
    let length =
        u64::from_le_bytes([start[0], start[1], start[2], start[3], start[4], start[5], start[6], start[7]]);
    if length > MAX_HEADER_BYTES {
        let detail = format!("its header claims {length} bytes; this is not a safetensors file");
        return Err(WeightsError::header(path, detail));
    }
    if length + 8 > size {
        let detail = format!("the header needs {} bytes, the file has {size}", length + 8);
        return Err(WeightsError::truncated(path, detail));
    }
    // SAFETY: the map is read-only and lives as long as the shard. Another program that shortens the
    // file while it is mapped would be undefined; model files are not edited in place while in use.
    let map = unsafe { Mmap::map(&file) }.map_err(|error| WeightsError::io(path, error))?;
    let data_start = length as usize + 8;
    let header = parse_header(path, &map[8..data_start], data_start, map.len())?;
    Ok((Shard { path: path.to_path_buf(), map }, header))
}

fn read_start(file: &mut File, start: &mut [u8]) -> std::io::Result<usize> {
    let mut count = 0;
    while count < start.len() {
        match file.read(&mut start[count..])? {
            0 => break,
            n => count += n,
        }
    }
    Ok(count)
}

fn parse_header(
    path: &Path,
    header: &[u8],
    data_start: usize,
    file_size: usize,
) -> Result<BTreeMap<String, Place>, WeightsError> {
    let parsed: Value = serde_json::from_slice(header)
        .map_err(|error| WeightsError::header(path, format!("its header is not JSON ({error})")))?;
    let entries =
        parsed.as_object().ok_or_else(|| WeightsError::header(path, "its header is not a JSON object"))?;
    let data_size = file_size - data_start;
    let mut places = BTreeMap::new();
    for (name, entry) in entries.iter().filter(|(name, _)| *name != "__metadata__") {
        let place = parse_entry(path, name, entry, data_start, data_size)?;
        places.insert(name.clone(), place);
    }
    check_overlap(path, &places)?;
    Ok(places)
}

fn parse_entry(
    path: &Path,
    name: &str,
    entry: &Value,
    data_start: usize,
    data_size: usize,
) -> Result<Place, WeightsError> {
    let dtype = entry
        .get("dtype")
        .and_then(Value::as_str)
        .ok_or_else(|| WeightsError::tensor(path, name, "its header entry has no dtype"))?;
    let shape = numbers(entry.get("shape"))
        .ok_or_else(|| WeightsError::tensor(path, name, "its header entry has no valid shape"))?;
    let (start, end) = match numbers(entry.get("data_offsets")).as_deref() {
        Some(&[start, end]) if start <= end => (start, end),
        _ => return Err(WeightsError::tensor(path, name, "its header entry has no valid data_offsets")),
    };
    if end > data_size {
        let detail = format!("tensor {name} ends at byte {end} of the data, the file has {data_size}");
        return Err(WeightsError::truncated(path, detail));
    }
    let dtype = match DType::from_safetensors_name(dtype) {
        Some(known) => DtypeName::Known(known),
        None => DtypeName::Unknown(dtype.to_string()),
    };
    if let DtypeName::Known(known) = dtype {
        let wanted = shape.iter().try_fold(known.size_bytes(), |product, n| product.checked_mul(*n));
        if wanted != Some(end - start) {
            let detail = format!("shape {shape:?} does not fit its {} bytes", end - start);
            return Err(WeightsError::tensor(path, name, detail));
        }
    }
    Ok(Place { shard: 0, dtype, shape, start: data_start + start, end: data_start + end })
}

fn numbers(value: Option<&Value>) -> Option<Vec<usize>> {
    value?.as_array()?.iter().map(|n| usize::try_from(n.as_u64()?).ok()).collect()
}

fn check_overlap(path: &Path, places: &BTreeMap<String, Place>) -> Result<(), WeightsError> {
    let mut ranges: Vec<(usize, usize, &str)> =
        places.iter().filter(|(_, p)| p.end > p.start).map(|(n, p)| (p.start, p.end, n.as_str())).collect();
    ranges.sort_unstable();
    for pair in ranges.windows(2) {
        if pair[1].0 < pair[0].1 {
            let detail = format!("tensors {} and {} overlap", pair[0].2, pair[1].2);
            return Err(WeightsError::header(path, detail));
        }
    }
    Ok(())
}
