//! `weir template`, a process for every case, against what the real helm printed for public charts.
//!
//! The cases are made by `helm_cases.py` of the shared conformance scripts from any folder of repositories; they stay out
//! of the repository, so this is no part of `cargo xtask test`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{goldens::Helm, shell};

/// Beside the checkout: the scripts.
const SCRIPTS: &str = "../shared/conformance";

/// What to compare.
#[derive(Args, Debug)]
pub struct Options {
    /// A folder made by helm_cases.py, or one that holds repositories with charts: then cases are made beside it first
    corpus: PathBuf,
    /// The real Helm 4 for making cases; else the one that is built from its Go module once
    #[arg(long, value_name = "PATH")]
    helm: Option<PathBuf>,
    /// This `weir` instead of building one
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// Against what Helm 3 answered, with --compat helm3; a folder of cases has it after helm_cases.py --second helm3=PATH
    #[arg(long)]
    helm3: bool,
    /// Only cases whose name matches this
    #[arg(long, value_name = "REGEX", default_value = "")]
    only: String,
    /// Keep what differs in this folder
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
}

pub fn run(options: &Options) -> Result<()> {
    let scripts = shell::root().join(SCRIPTS);
    ensure!(scripts.is_dir(), "{} is not there: it has the scripts that make and compare cases", scripts.display());
    let corpus = options.corpus.canonicalize().with_context(|| format!("cannot find {}", options.corpus.display()))?;
    let cases = if corpus.join("cases").is_dir() { corpus } else { made(&scripts, &corpus, options)? };
    let weir = match &options.weir {
        Some(weir) => weir.clone(),
        None => super::built_weir()?,
    };
    let (compat, oracle) = if options.helm3 { (" --compat helm3", "helm3") } else { ("", "expected") };
    let engine = format!(
        "{} template {{release}} {{chart}} -n {{ns}} --include-crds --kube-version {{kube}} -f {{values}}{compat}",
        weir.display()
    );
    let mut command = std::process::Command::new("python3");
    command.arg(scripts.join("compare_helm.py")).arg(engine).arg("--cases").arg(cases).args(["--only", &options.only]);
    command.args(["--oracle", oracle]);
    if let Some(keep) = &options.keep {
        command.arg("--keep").arg(keep).arg("--tsv").arg(keep.with_extension("tsv"));
    }
    let status = command.status().context("python3 is not installed, and the scripts need it")?;
    ensure!(status.success(), "some cases differ");
    Ok(())
}

/// Makes cases from repositories, beside their folder.
fn made(scripts: &Path, corpus: &Path, options: &Options) -> Result<PathBuf> {
    let out = corpus.with_extension("cases");
    let helm = Helm::find(options.helm.as_deref())?;
    let mut command = std::process::Command::new("python3");
    command.arg(scripts.join("helm_cases.py")).arg(corpus).arg(&out).arg("--helm").arg(helm.program());
    let status = command.status().context("python3 is not installed, and the scripts need it")?;
    ensure!(status.success(), "cannot make cases of {}", corpus.display());
    Ok(out)
}
