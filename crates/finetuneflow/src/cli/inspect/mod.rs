//! `inspect`: see what the program sees. One file a view, one line each in [`View`].

use clap::Subcommand;

use super::Context;

mod document;
mod json;
mod lines;
mod logits;
mod mask;
mod template;
mod tokens;

/// Show what the program sees: tokens, templates, masks, logits, documents, repaired JSON
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    view: View,
}

#[derive(Subcommand)]
enum View {
    Logits(logits::Args),
    Document(document::Args),
    Json(json::Args),
    Mask(mask::Args),
    Template(template::Args),
    Tokens(tokens::Args),
}

pub fn run(args: Args, context: &Context) -> anyhow::Result<()> {
    match args.view {
        View::Logits(args) => logits::run(args, context),
        View::Document(args) => document::run(args, context),
        View::Json(args) => json::run(args, context),
        View::Mask(args) => mask::run(args, context),
        View::Template(args) => template::run(args, context),
        View::Tokens(args) => tokens::run(args, context),
    }
}
