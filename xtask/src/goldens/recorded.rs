//! What all recorders do: build the real tool once, keep what it answers beside the input.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, ensure};

use crate::shell;

/// The program of a Go module, built once and kept in the cache as `<name>-<version>/<name>`. `package` is what `go install`
/// takes, without the version.
pub fn installed(name: &str, package: &str, version: &str) -> Result<PathBuf> {
    let control_plane = weir_testkit::binaries::cache_root()?;
    let bin = control_plane.parent().unwrap_or(&control_plane).join(format!("{name}-{version}"));
    let program = bin.join(name);
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("building {name} {version} into {} (once; a few minutes)", bin.display());
    std::fs::create_dir_all(&bin).with_context(|| format!("cannot create {}", bin.display()))?;
    let package = format!("{package}@{version}");
    let mut go = Command::new("go");
    go.args(["install", &package]).env("GOBIN", &bin).env("GOFLAGS", "-trimpath").current_dir(&bin);
    let status = go.status().with_context(|| format!("go is not installed, and {name} is built with it"))?;
    ensure!(status.success(), "go install {package} failed ({status}); what it says is above");
    Ok(program)
}

/// The folders below `folder` of this repository that hold an `input`, in order.
pub fn cases(folder: &str) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(shell::root().join(folder))?;
    let mut cases: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    cases.retain(|case| case.join("input").is_dir());
    cases.sort();
    Ok(cases)
}

/// What a tool answers.
#[derive(PartialEq)]
pub enum Answer {
    /// It printed this.
    Printed(Vec<u8>),
    /// It refused, with this reason.
    Refused(String),
}

/// A file of a golden; none where there is to be none.
pub type File = (String, Option<Vec<u8>>);

impl Answer {
    /// `expected<suffix>.yaml` and `refused<suffix>`, of which one is.
    pub fn files(&self, suffix: &str) -> Vec<File> {
        let (printed, refused) = match self {
            Self::Printed(text) => (Some(text.clone()), None),
            Self::Refused(reason) => (None, Some(format!("{reason}\n").into_bytes())),
        };
        vec![(format!("expected{suffix}.yaml"), printed), (format!("refused{suffix}"), refused)]
    }

    /// The same two, of which none is.
    pub fn none(suffix: &str) -> Vec<File> {
        vec![(format!("expected{suffix}.yaml"), None), (format!("refused{suffix}"), None)]
    }
}

/// Whether a case has these files, and not those that are not to be.
pub fn holds(case: &Path, files: &[File]) -> Result<bool> {
    for (name, content) in files {
        let there = match std::fs::read(case.join(name)) {
            Ok(there) => Some(there),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => return Err(error.into()),
        };
        if there != *content {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Makes it so.
pub fn write(case: &Path, files: &[File]) -> Result<()> {
    for (name, content) in files {
        let path = case.join(name);
        match content {
            Some(content) => std::fs::write(path, content)?,
            None if path.exists() => std::fs::remove_file(path)?,
            None => {}
        }
    }
    Ok(())
}
