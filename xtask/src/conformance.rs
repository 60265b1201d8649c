//! `cargo xtask conformance`: whole corpora through ours and the original.

mod kustomize;

use anyhow::Result;
use clap::Subcommand;

/// Which engine.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// `weir kustomize` over the shared cases recorded from the real kustomize, or over a corpus beside the real one
    Kustomize(kustomize::Options),
}

pub fn run(command: &Command) -> Result<()> {
    let Command::Kustomize(options) = command;
    kustomize::run(options)
}

/// The shared cases, where their folder stands beside the checkout; part of `cargo xtask test`.
pub fn shared() -> Result<()> {
    kustomize::shared_if_there()
}
