//! The real kustomize, and what it prints for `crates/kustomize/tests/golden/<case>/input`.
//!
//! A case may hold a file `command` with what follows `kustomize build` (`overlay --load-restrictor LoadRestrictionsNone`);
//! without one its `input` is built as it is. `--enable-helm` brings the real helm with it. Recorded is `expected.yaml`, or `refused` with the first line of the reason.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use super::{
    Helm, Options,
    recorded::{Answer, cases, holds, installed, write},
};
use crate::shell;

/// The version that is matched.
pub const VERSION: &str = "v5.8.2";
const MODULE: &str = "sigs.k8s.io/kustomize/kustomize/v5";

/// The real kustomize.
pub struct Kustomize(PathBuf);

impl Kustomize {
    /// The one at `path`, or one built from its Go module and kept in the cache.
    pub fn find(path: Option<&Path>) -> Result<Self> {
        let program = match path {
            Some(path) => path.to_owned(),
            None => installed("kustomize", MODULE, VERSION)?,
        };
        let output = Command::new(&program).arg("version").output();
        let output = output.with_context(|| format!("cannot run {}", program.display()))?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        ensure!(version == VERSION, "{} is kustomize {version}, not {VERSION}", program.display());
        Ok(Self(program))
    }

    /// `kustomize build`, to be told what.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.0);
        command.arg("build");
        command
    }

    /// Builds, with `args` behind `kustomize build`, in folder `dir`.
    pub fn build<S: AsRef<std::ffi::OsStr>>(&self, dir: &Path, args: impl IntoIterator<Item = S>) -> Result<Output> {
        self.command().args(args).current_dir(dir).output().with_context(|| format!("cannot run {}", self.0.display()))
    }
}

pub fn record(options: &Options) -> Result<()> {
    let kustomize = Kustomize::find(options.kustomize.as_deref())?;
    let cases = cases("crates/kustomize/tests/golden")?;
    let (mut stale, mut refused) = (Vec::new(), 0);
    for case in &cases {
        let answer = ask(&kustomize, options.helm.as_deref(), case)?;
        refused += usize::from(matches!(answer, Answer::Refused(_)));
        let files = answer.files("");
        if holds(case, &files)? {
            continue;
        }
        stale.push(case.file_name().unwrap_or_default().to_string_lossy().into_owned());
        if !options.check {
            write(case, &files)?;
        }
    }
    let total = cases.len();
    println!("kustomize: {total} goldens of kustomize {VERSION}, {refused} of them refused; {} changed", stale.len());
    ensure!(!options.check || stale.is_empty(), "not as kustomize prints them: {}", stale.join(", "));
    Ok(())
}

fn ask(kustomize: &Kustomize, helm: Option<&Path>, case: &Path) -> Result<Answer> {
    let command = std::fs::read_to_string(case.join("command")).unwrap_or_else(|_| ".".to_owned());
    let mut args: Vec<String> = command.split_whitespace().map(str::to_owned).collect();
    if args.iter().any(|arg| arg == "--enable-helm") {
        let helm = Helm::find(helm)?;
        args.extend(["--helm-command".to_owned(), helm.program().display().to_string()]);
    }
    let output = kustomize.build(&case.join("input"), &args)?;
    if output.status.success() {
        return Ok(Answer::Printed(output.stdout));
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let reason = text.lines().find(|line| line.starts_with("Error: ") || line.starts_with("panic: "));
    Ok(Answer::Refused(portable(reason.unwrap_or("refused"))))
}

/// A message without what differs between machines and runs, and no longer than a line.
fn portable(reason: &str) -> String {
    const LENGTH: usize = 160;
    let reason = reason.replace(&format!("{}/", shell::root().display()), "");
    let mut out = String::new();
    let mut rest = reason.as_str();
    while let Some((before, after)) = rest.split_once("0x") {
        out.push_str(before);
        out.push_str("0x");
        rest = after.trim_start_matches(|c: char| c.is_ascii_hexdigit());
    }
    out.push_str(rest);
    out.chars().take(LENGTH).collect()
}
