//! The real helm, and what it prints for `crates/chart/tests/golden/<case>/input`.
//!
//! A case may hold a file `command` with what follows `helm template rel input`. Recorded is `expected.yaml`, or `refused`
//! with what helm says; `expected.helm3.yaml` and `refused.helm3` where Helm 3 answers otherwise.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::Options;
use crate::shell;

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
            None => installed(major, version).map(Self),
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

fn installed(major: &str, version: &str) -> Result<PathBuf> {
    let control_plane = weir_testkit::binaries::cache_root()?;
    let bin = control_plane.parent().unwrap_or(&control_plane).join(format!("helm-{version}"));
    let program = bin.join("helm");
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("building helm {version} into {} (once; a few minutes)", bin.display());
    std::fs::create_dir_all(&bin).with_context(|| format!("cannot create {}", bin.display()))?;
    let mut go = Command::new("go");
    let package = format!("helm.sh/helm/{major}/cmd/helm@{version}");
    go.args(["install", &package]).env("GOBIN", &bin).env("GOFLAGS", "-trimpath").current_dir(&bin);
    let status = go.status().context("go is not installed, and helm is built with it")?;
    ensure!(status.success(), "go install {package} failed ({status}); what it says is above");
    Ok(program)
}

/// What a golden says.
#[derive(PartialEq)]
enum Answer {
    Printed(Vec<u8>),
    Refused(String),
}

pub fn record(options: &Options) -> Result<()> {
    let (four, three) = (Helm::find(options.helm.as_deref())?, Helm::find_helm3(options.helm3.as_deref())?);
    let root = shell::root().join("crates/chart/tests/golden");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&root)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    cases.retain(|case| case.join("input").is_dir());
    cases.sort();
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
        if files.iter().all(|(name, content)| std::fs::read(case.join(name)).ok() == *content) {
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

/// A file of a golden; none where there is to be none.
type File = (String, Option<Vec<u8>>);

impl Answer {
    fn files(&self, suffix: &str) -> Vec<File> {
        let (printed, refused) = match self {
            Self::Printed(text) => (Some(text.clone()), None),
            Self::Refused(reason) => (None, Some(format!("{reason}\n").into_bytes())),
        };
        vec![(format!("expected{suffix}.yaml"), printed), (format!("refused{suffix}"), refused)]
    }

    fn none(suffix: &str) -> Vec<File> {
        vec![(format!("expected{suffix}.yaml"), None), (format!("refused{suffix}"), None)]
    }
}

fn write(case: &Path, files: &[File]) -> Result<()> {
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
