//! `cargo xtask test`

use anyhow::{Context, Result};
use clap::Args;
use weir_testkit::{binaries, packages};

use crate::shell;

/// What to run.
#[derive(Args, Debug)]
pub struct Options {
    /// Passed on to `cargo test` (`-p weir-e2e drift`, `-- --nocapture`)
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    cargo: Vec<String>,
}

/// Prepares what tests need, then lets `cargo test` speak for itself.
pub fn run(options: &Options) -> Result<()> {
    for tool in [packages::GIT, packages::SSHD, packages::SSH_KEYGEN, packages::REGISTRY] {
        packages::require(tool)?;
    }
    binaries::ensure().context("the control plane for the tests cannot be built")?;
    let mut args = vec!["test".to_owned()];
    if !options.cargo.iter().any(|arg| arg == "-p" || arg.starts_with("--package")) {
        args.push("--workspace".into());
    }
    if !options.cargo.iter().any(|arg| arg == "--no-fail-fast" || arg == "--") {
        args.push("--no-fail-fast".into());
    }
    args.extend(options.cargo.iter().cloned());
    shell::run_cargo(args)
}
