//! `cargo xtask goldens`: a crate with an example called `goldens` records its expected outputs from the real tool.

use anyhow::{Result, bail};
use cargo_metadata::MetadataCommand;
use clap::Args;

use crate::shell;

/// Which crates record.
#[derive(Args, Debug)]
pub struct Options {
    /// Only these crates (`kustomize`, `yaml` …); all that have goldens when none is named
    crates: Vec<String>,
}

pub fn run(options: &Options) -> Result<()> {
    let recorders = recorders()?;
    let known = || recorders.iter().map(|name| short(name)).collect::<Vec<_>>().join(", ");
    if let Some(unknown) = options.crates.iter().find(|name| !recorders.iter().any(|known| short(known) == *name)) {
        bail!("{unknown} records no goldens; these do: {}", known());
    }
    let chosen = recorders
        .iter()
        .filter(|name| options.crates.is_empty() || options.crates.iter().any(|chosen| chosen == short(name)));
    for name in chosen {
        println!("recording the goldens of {}", short(name));
        shell::run_cargo(["run", "--quiet", "--package", name, "--example", "goldens"])?;
    }
    if recorders.is_empty() {
        println!("no crate has an example called `goldens` yet");
    }
    Ok(())
}

fn recorders() -> Result<Vec<String>> {
    let metadata = MetadataCommand::new().current_dir(shell::root()).no_deps().exec()?;
    let records = |package: &&cargo_metadata::Package| {
        package.targets.iter().any(|target| target.name == "goldens" && target.is_example())
    };
    Ok(metadata.packages.iter().filter(records).map(|package| package.name.to_string()).collect())
}

fn short(name: &str) -> &str {
    name.strip_prefix("weir-").unwrap_or(name)
}
