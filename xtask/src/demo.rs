//! `cargo xtask demo`

use anyhow::Result;
use clap::Args;

/// How to run it.
#[derive(Args, Debug)]
pub struct Options {
    /// Unattended: fail when a step fails, leave nothing running
    #[arg(long)]
    check: bool,
    /// Use this cluster instead of starting one
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<std::path::PathBuf>,
}

pub async fn run(_options: Options) -> Result<()> {
    anyhow::bail!("the demo is not there yet")
}
