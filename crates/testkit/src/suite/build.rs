//! The services' binaries.

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::Service;

/// The directory that holds the three binaries, built by cargo in the profile of the caller. `WEIR_BIN` names a directory whose binaries
/// are used as they are.
pub fn build_services() -> Result<PathBuf> {
    // What does not compile once will not compile for the next test either.
    static BUILT: OnceLock<std::result::Result<PathBuf, String>> = OnceLock::new();
    BUILT.get_or_init(|| find_or_build().map_err(|error| format!("{error:#}"))).clone().map_err(anyhow::Error::msg)
}

fn find_or_build() -> Result<PathBuf> {
    let dir = match std::env::var_os("WEIR_BIN") {
        Some(dir) => std::path::absolute(dir)?,
        None => build()?,
    };
    for service in Service::ALL {
        ensure!(dir.join(service.name()).is_file(), "{} holds no {}", dir.display(), service.name());
    }
    Ok(dir)
}

fn build() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(cargo);
    command.args(["build", "--quiet", "--message-format=json-render-diagnostics"]);
    if !cfg!(debug_assertions) {
        command.arg("--release");
    }
    for service in Service::ALL {
        command.args(["--bin", service.name()]);
    }
    let mut child =
        command.current_dir(root).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().context("cannot run cargo")?;
    let stdout = child.stdout.take().context("cargo has no stdout")?;
    let mut dir = None;
    for line in BufReader::new(stdout).lines() {
        let message: Value = serde_json::from_str(&line?).unwrap_or_default();
        if let Some(program) = message.get("executable").and_then(Value::as_str) {
            dir = Path::new(program).parent().map(Path::to_owned);
        }
    }
    ensure!(child.wait()?.success(), "the services do not compile; cargo's output is above");
    dir.context("cargo named no executable")
}
