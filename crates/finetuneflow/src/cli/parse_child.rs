//! `parse-child`: the hidden subcommand that reads one untrusted document under limits. The program starts it
//! itself, see [`documents::isolation`].

use std::process::ExitCode;

use documents::isolation::ChildCommand;

/// The subcommand's name.
pub const NAME: &str = "parse-child";

/// How this program starts the parsing child.
pub fn command() -> std::io::Result<ChildCommand> {
    ChildCommand::current_exe(&[NAME])
}

/// Answers on standard output and ends the process: nothing else may write there.
pub fn run() -> anyhow::Result<()> {
    if documents::isolation::run_child() != ExitCode::SUCCESS {
        // It has said why on stderr, whose last line that stays.
        std::process::exit(1);
    }
    Ok(())
}
