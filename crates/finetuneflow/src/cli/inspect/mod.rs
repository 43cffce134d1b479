//! `inspect`: see what the program sees. One file a view, one line each in [`View`].

use clap::Subcommand;

use super::Context;

/// Show what the program sees: tokens, templates, masks, logits, documents, repaired JSON
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    view: View,
}

#[derive(Subcommand)]
enum View {
    Document(document::Args),
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.view {
        View::Document(args) => document::run(args, context),
    }
}
