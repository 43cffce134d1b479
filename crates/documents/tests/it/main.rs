//! What the crate promises, seen from outside.

mod chunking;
mod formats;
mod test_material;
