//! The real helm, and what it prints for `crates/chart/tests/golden/<case>/input`.
//!
//! A case may hold a file `command` with what follows `helm template rel input`. Recorded is `expected.yaml`, or `refused`
//! with what helm says; `expected.helm3.yaml` and `refused.helm3` where Helm 3 answers otherwise.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::{
    Options,
    recorded::{Answer, cases, holds, installed, write},
};

/// The versions that are matched.
const VERSIONS: [(&str, &str); 2] = [("v4", "v4.3.1"), ("v3", "v3.22.0")];

/// The real helm.
pub struct Helm(PathBuf);

impl Helm {
    /// The Helm 4 at `path`, or one built from its Go module and kept in the cache.
    pub fn find(path: Option<&Path>) -> Result<Self> {
        Self::of(0, path)
    }

    /// The Helm 3, likewise.
    pub fn find_helm3(path: Option<&Path>) -> Result<Self> {
        Self::of(1, path)
    }

    fn of(which: usize, path: Option<&Path>) -> Result<Self> {
        let (major, version) = VERSIONS.get(which).context("no such helm")?;
        match path {
            Some(path) => Ok(Self(path.to_owned())),
            None => installed("helm", &format!("helm.sh/helm/{major}/cmd/helm"), version).map(Self),
        }
    }

    /// The program.
    pub fn program(&self) -> &Path {
        &self.0
    }

    /// `helm template ARGS` in folder `dir`, without settings of this machine.
    fn template<'a>(&self, dir: &Path, args: impl IntoIterator<Item = &'a str>) -> Result<Answer> {
        let mut command = Command::new(&self.0);
        command.arg("template").args(args).current_dir(dir).env_clear().env("HOME", "/nonexistent");
        let output = command.output().with_context(|| format!("cannot run {}", self.0.display()))?;
        if output.status.success() {
            return Ok(Answer::Printed(output.stdout));
        }
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let reason = text.split_once("Error: ").map_or(text.as_str(), |(_, reason)| reason);
        let reason = reason.split("\n\nUse --debug flag").next().unwrap_or_default().trim_end();
        Ok(Answer::Refused(reason.replace(&format!("{}/", dir.display()), "")))
    }
}

pub fn record(options: &Options) -> Result<()> {
    let (four, three) = (Helm::find(options.helm.as_deref())?, Helm::find_helm3(options.helm3.as_deref())?);
    let cases = cases("crates/chart/tests/golden")?;
    let mut stale = Vec::new();
    for case in &cases {
        let arguments = std::fs::read_to_string(case.join("command")).unwrap_or_default();
        let arguments: Vec<&str> = ["rel", "input"].into_iter().chain(arguments.split_whitespace()).collect();
        let answer = four.template(case, arguments.iter().copied())?;
        let other = three.template(case, arguments.iter().copied())?;
        let mut files = answer.files("");
        let same_kind = matches!((&answer, &other), (Answer::Refused(_), Answer::Refused(_)));
        // Errors of Helm 3 are worded in other ways; what is printed is what is matched.
        let differs = answer != other && !same_kind;
        files.extend(if differs { other.files(".helm3") } else { Answer::none(".helm3") });
        if holds(case, &files)? {
            continue;
        }
        stale.push(case.file_name().unwrap_or_default().to_string_lossy().into_owned());
        if !options.check {
            write(case, &files)?;
        }
    }
    println!("chart: {} goldens of helm {} and {}; {} changed", cases.len(), VERSIONS[0].1, VERSIONS[1].1, stale.len());
    ensure!(!options.check || stale.is_empty(), "not as helm prints them: {}", stale.join(", "));
    Ok(())
}
