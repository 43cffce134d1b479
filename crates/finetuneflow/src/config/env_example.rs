//! `.env.example`: every setting with its default, made from the table.

use std::fmt::Write;

use super::SETTINGS;

/// The file's content.
pub fn env_example() -> String {
    let mut text = String::from(
        "# Settings of FineTuneFlow and their defaults. Made from the table in crates/finetuneflow/src/config/settings.rs;\n\
         # a test keeps both equal. All of it is optional. A flag wins over these, these over finetuneflow.toml in the\n\
         # data folder (key in brackets), that over the default.\n",
    );
    for setting in SETTINGS {
        let key = setting.key.map_or_else(|| "not in the file".to_owned(), str::to_owned);
        let also = match setting.also {
            [] => String::new(),
            also => format!("; {} is used where this is not set", also.join(", ")),
        };
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "\n# {}\n# [{key}]{also}\n# {}={}\n",
            setting.help, setting.environment, setting.default
        );
    }
    text
}
