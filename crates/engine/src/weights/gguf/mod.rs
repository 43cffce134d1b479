//! GGUF files: a writer and a reader of metadata and tensors.
