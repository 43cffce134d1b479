//! One table of settings: flag, then environment, then `finetuneflow.toml`, then default.
