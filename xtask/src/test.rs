//! `cargo xtask test`

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::Args;
use weir_testkit::{Service, binaries, packages};

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
    let whole = !options.cargo.iter().any(|arg| arg == "-p" || arg.starts_with("--package"));
    let mut args = vec!["test".to_owned()];
    if whole {
        args.push("--workspace".into());
    }
    if !options.cargo.iter().any(|arg| arg == "--no-fail-fast" || arg == "--") {
        args.push("--no-fail-fast".into());
    }
    args.extend(options.cargo.iter().cloned());
    let mut command = shell::cargo();
    command.args(&args);
    if !whole {
        return shell::run(&mut command);
    }
    let bin = std::env::var_os("WEIR_BIN").map_or_else(programs, |bin| Ok(bin.into()))?;
    shell::run(command.env("WEIR_BIN", &bin))?;
    crate::conformance::shared(bin.join("weir"))
}

/// Builds everything the tests are made of, and with it the services and `weir`, whose own integration tests need them; gives their
/// folder. The stories and the conformance suite then use these binaries; built by themselves, with the features of fewer crates, half
/// of the dependencies would be compiled a second time.
fn programs() -> Result<PathBuf> {
    let metadata = cargo_metadata::MetadataCommand::new().current_dir(shell::root()).no_deps().exec()?;
    let services = Service::ALL.iter().map(|service| format!("weir-{}", service.name()));
    for name in services.chain(["weir".to_owned()]) {
        let package = metadata.packages.iter().find(|package| package.name.as_str() == name);
        let tested = package.is_some_and(|package| package.targets.iter().any(cargo_metadata::Target::is_test));
        ensure!(tested, "{name} has no integration tests, so `cargo test` does not build its binary");
    }
    shell::run_cargo(["test", "--workspace", "--no-run", "--quiet"])?;
    Ok(metadata.target_directory.join("debug").into_std_path_buf())
}
