//! `cargo xtask conformance`: whole corpora through ours and the original.

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};

use crate::shell;

/// Which engine.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// `weir kustomize` against the real kustomize over every kustomization in a directory
    Kustomize(Kustomize),
}

/// What to compare.
#[derive(Args, Debug)]
pub struct Kustomize {
    /// The corpus: every folder below it that holds a kustomization
    corpus: std::path::PathBuf,
    /// The real kustomize
    #[arg(long, default_value = "kustomize")]
    kustomize: std::path::PathBuf,
    /// Print the first difference of each case
    #[arg(long)]
    verbose: bool,
}

pub fn run(command: &Command) -> Result<()> {
    let Command::Kustomize(options) = command;
    ensure!(options.corpus.is_dir(), "{} is not a directory", options.corpus.display());
    shell::run_cargo(["build", "--quiet", "--package", "weir-cli", "--bin", "weir"])?;
    let weir = shell::root().join("target/debug/weir");
    let mut cases = Vec::new();
    find(&options.corpus, &mut cases)?;
    let (mut same, mut different, mut skipped) = (0, 0, 0);
    for case in &cases {
        let theirs = std::process::Command::new(&options.kustomize).arg("build").arg(case).output()?;
        if !theirs.status.success() {
            skipped += 1;
            continue;
        }
        let ours = std::process::Command::new(&weir).arg("kustomize").arg(case).output()?;
        if ours.status.success() && ours.stdout == theirs.stdout {
            same += 1;
            continue;
        }
        different += 1;
        println!("different: {}", case.display());
        if options.verbose {
            println!("{}", first_difference(&ours, &theirs.stdout));
        }
    }
    println!(
        "{} of {} the same, {different} different, {skipped} that kustomize itself refuses",
        same,
        same + different
    );
    ensure!(different == 0, "{different} cases differ; run with --verbose to see where");
    Ok(())
}

fn find(dir: &std::path::Path, cases: &mut Vec<std::path::PathBuf>) -> Result<()> {
    if ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().any(|name| dir.join(name).is_file()) {
        cases.push(dir.to_owned());
    }
    let mut entries: Vec<_> = std::fs::read_dir(dir)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    entries.sort();
    entries.iter().filter(|path| path.is_dir() && !path.is_symlink()).try_for_each(|path| find(path, cases))
}

fn first_difference(ours: &std::process::Output, theirs: &[u8]) -> String {
    let (ours_text, theirs_text) = (String::from_utf8_lossy(&ours.stdout), String::from_utf8_lossy(theirs));
    let pair = ours_text.lines().zip(theirs_text.lines()).enumerate().find(|(_, (a, b))| a != b);
    match pair {
        Some((line, (a, b))) => format!("  line {}: ours `{a}`, theirs `{b}`", line + 1),
        None => format!(
            "  {} lines against {}; {}",
            ours_text.lines().count(),
            theirs_text.lines().count(),
            String::from_utf8_lossy(&ours.stderr).trim()
        ),
    }
}
