//! `weir chart`: what can be done with a chart and no cluster.

pub mod dependencies;
pub mod disk;
pub mod download;
mod helm_home;
mod lint;
mod repositories;
pub mod source;
pub mod verify;

use clap::Subcommand;

use crate::error::Error;

// What to do.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Look for what is wrong with a chart, and show where in its source
    Lint(lint::Args),
}

/// Does it.
pub fn run(args: Args, namespace: Option<&str>) -> Result<(), Error> {
    match args.command {
        Command::Lint(args) => lint::run(&args, namespace),
    }
}
