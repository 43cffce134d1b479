//! What the crate promises, seen from outside.

mod child;
mod chunk_properties;
mod chunking;
mod formats;
mod hostile;
mod make;
mod ocr;
mod samples;
mod test_material;
