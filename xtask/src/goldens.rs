//! `cargo xtask goldens`: expected outputs of tests, recorded from the real tools.

mod helm;
mod kustomize;
mod recorded;

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;

pub use helm::Helm;
pub use kustomize::Kustomize;

/// A crate and what records its goldens.
type Recorder = (&'static str, fn(&Options) -> Result<()>);

/// What records, by the crate whose tests hold the goldens.
const RECORDERS: [Recorder; 2] = [("kustomize", kustomize::record), ("chart", helm::record)];

/// Which crates record.
#[derive(Args, Debug)]
pub struct Options {
    /// Only these crates (`kustomize` …); all that have goldens when none is named
    crates: Vec<String>,
    /// Compare only, and fail where a golden is not what the tool prints today
    #[arg(long)]
    check: bool,
    /// This kustomize instead of the one that is built from its Go module once and kept in the cache
    #[arg(long, value_name = "PATH")]
    kustomize: Option<PathBuf>,
    /// This Helm 4 instead of the one that is built from its Go module once and kept in the cache
    #[arg(long, value_name = "PATH")]
    helm: Option<PathBuf>,
    /// This Helm 3, likewise
    #[arg(long, value_name = "PATH")]
    helm3: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<()> {
    if let Some(unknown) = options.crates.iter().find(|name| !RECORDERS.iter().any(|(known, _)| known == name)) {
        let known: Vec<&str> = RECORDERS.iter().map(|(name, _)| *name).collect();
        bail!("{unknown} records no goldens; these do: {}", known.join(", "));
    }
    let chosen = |name: &str| options.crates.is_empty() || options.crates.iter().any(|chosen| chosen == name);
    RECORDERS.iter().filter(|(name, _)| chosen(name)).try_for_each(|(_, record)| record(options))
}
