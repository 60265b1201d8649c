//! `cargo xtask conformance`: whole corpora through ours and the original.

mod helm;
mod kustomize;

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

/// Which engine.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// `weir kustomize` over the shared cases recorded from the real kustomize, or over a corpus beside the real one
    Kustomize(kustomize::Options),
    /// `weir template` over cases made of public charts, beside what the real helm printed
    Helm(helm::Options),
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Kustomize(options) => kustomize::run(options),
        Command::Helm(options) => helm::run(options),
    }
}

/// The shared cases, where their folder stands beside the checkout; part of `cargo xtask test`.
pub fn shared(weir: PathBuf) -> Result<()> {
    kustomize::shared_if_there(weir)
}

/// A `weir` built from this checkout.
fn built_weir() -> Result<PathBuf> {
    kustomize::built()
}
