//! Untrusted bytes to text with structure, page spans and warnings, and text to chunks
