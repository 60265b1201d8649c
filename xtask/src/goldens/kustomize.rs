//! The real kustomize, and what it prints for `crates/kustomize/tests/golden/<case>/input`.
//!
//! A case may hold a file `command` with what follows `kustomize build` (`overlay --load-restrictor LoadRestrictionsNone`);
//! without one its `input` is built as it is. `--enable-helm` brings the real helm with it. Recorded is `expected.yaml`, or `refused` with the first line of the reason.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use super::{Helm, Options};
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
            None => installed()?,
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

fn installed() -> Result<PathBuf> {
    let control_plane = weir_testkit::binaries::cache_root()?;
    let bin = control_plane.parent().unwrap_or(&control_plane).join(format!("kustomize-{VERSION}"));
    let program = bin.join("kustomize");
    if program.is_file() {
        return Ok(program);
    }
    eprintln!("building kustomize {VERSION} into {} (once; about a minute)", bin.display());
    std::fs::create_dir_all(&bin).with_context(|| format!("cannot create {}", bin.display()))?;
    let mut go = Command::new("go");
    go.args(["install", &format!("{MODULE}@{VERSION}")])
        .env("GOBIN", &bin)
        .env("GOFLAGS", "-trimpath")
        .current_dir(&bin);
    let status = go.status().context("go is not installed, and kustomize is built with it")?;
    ensure!(status.success(), "go install {MODULE}@{VERSION} failed ({status}); what it says is above");
    Ok(program)
}

/// What a golden says.
#[derive(PartialEq)]
enum Answer {
    Printed(Vec<u8>),
    Refused(String),
}

pub fn record(options: &Options) -> Result<()> {
    let kustomize = Kustomize::find(options.kustomize.as_deref())?;
    let root = shell::root().join("crates/kustomize/tests/golden");
    let mut cases: Vec<PathBuf> = std::fs::read_dir(&root)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    cases.retain(|case| case.join("input").is_dir());
    cases.sort();
    let (mut stale, mut refused) = (Vec::new(), 0);
    for case in &cases {
        let answer = ask(&kustomize, options.helm.as_deref(), case)?;
        refused += usize::from(matches!(answer, Answer::Refused(_)));
        if known(case)? == Some(as_known(&answer)) {
            continue;
        }
        stale.push(case.file_name().unwrap_or_default().to_string_lossy().into_owned());
        if !options.check {
            write(case, &answer)?;
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

/// The two files of a golden as they stand: printed, refused.
type Known = (Option<Vec<u8>>, Option<Vec<u8>>);

fn known(case: &Path) -> Result<Option<Known>> {
    let read = |name: &str| match std::fs::read(case.join(name)) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    };
    Ok(Some((read("expected.yaml")?, read("refused")?)))
}

fn as_known(answer: &Answer) -> Known {
    match answer {
        Answer::Printed(text) => (Some(text.clone()), None),
        Answer::Refused(reason) => (None, Some(format!("{reason}\n").into_bytes())),
    }
}

fn write(case: &Path, answer: &Answer) -> Result<()> {
    let (printed, refused) = as_known(answer);
    for (name, content) in [("expected.yaml", printed), ("refused", refused)] {
        let path = case.join(name);
        match content {
            Some(content) => std::fs::write(path, content)?,
            None if path.exists() => std::fs::remove_file(path)?,
            None => {}
        }
    }
    Ok(())
}
