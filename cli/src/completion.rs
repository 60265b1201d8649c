//! `weir completion`: scripts for shells.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::{error::Error, terminal};

// For which shell.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell, for example: source <(weir completion bash)
    shell: Shell,
}

/// Prints the script.
pub fn run(args: &Args) -> Result<(), Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut crate::Args::command(), "weir", &mut script);
    terminal::print(&String::from_utf8_lossy(&script))
}
