//! Files made for the tests: whole ones, and such as lie or were made to harm.

pub mod book;
pub mod pdf;
pub mod random;
pub mod scan;
pub mod zip;
