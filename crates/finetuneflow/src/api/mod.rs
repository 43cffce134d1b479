//! The HTTP API: the only module that knows HTTP.
