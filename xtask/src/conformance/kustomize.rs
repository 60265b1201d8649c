//! `weir kustomize`, a process for every case, against what the real kustomize printed.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::{goldens::Kustomize, shell};

/// Beside the checkout: input files, options and recorded answers.
const SHARED: &str = "../shared/conformance/kustomize";
/// Of the cases that print something, how many of 100 must be identical.
const IDENTICAL: usize = 98;

/// What to compare.
#[derive(Args, Debug)]
pub struct Options {
    /// Folders with a case.json, or without any the kustomizations below it, built by the real kustomize too
    #[arg(default_value = SHARED)]
    corpus: PathBuf,
    /// The real kustomize for a corpus without answers; else the one that is built from its Go module once
    #[arg(long, value_name = "PATH")]
    kustomize: Option<PathBuf>,
    /// Lift the load restrictions, in a corpus without answers
    #[arg(long)]
    unrestricted: bool,
    /// This `weir` instead of building one
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// Only cases whose name holds this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

/// A case and what the original says to it.
struct Case {
    name: String,
    dir: PathBuf,
    args: Vec<String>,
    /// What it printed; none when it refuses.
    expected: Option<Vec<u8>>,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Identical,
    Different,
    Failed,
    Refused,
    Accepted,
}

pub fn run(options: &Options) -> Result<()> {
    let corpus = shell::root().join(&options.corpus);
    ensure!(corpus.is_dir(), "{} is not a directory", corpus.display());
    let weir = match &options.weir {
        Some(weir) => weir.clone(),
        None => built()?,
    };
    let mut cases = Vec::new();
    recorded(&corpus, &mut cases)?;
    if cases.is_empty() {
        let kustomize = Kustomize::find(options.kustomize.as_deref())?;
        live(&corpus, &kustomize, options.unrestricted, &mut cases)?;
    }
    cases.retain(|case| case.name.contains(&options.only));
    ensure!(!cases.is_empty(), "no case below {} fits", corpus.display());
    compare(&weir, &cases)
}

/// As [`run`] for the shared cases, with this `weir`; says so when they are not there.
pub fn shared_if_there(weir: PathBuf) -> Result<()> {
    if !shell::root().join(SHARED).is_dir() {
        println!("conformance of kustomize: skipped, {SHARED} is not there");
        return Ok(());
    }
    let corpus = PathBuf::from(SHARED);
    run(&Options { corpus, kustomize: None, unrestricted: false, weir: Some(weir), only: String::new() })
}

pub(super) fn built() -> Result<PathBuf> {
    shell::run_cargo(["build", "--quiet", "--package", "weir", "--bin", "weir"])?;
    let metadata = cargo_metadata::MetadataCommand::new().current_dir(shell::root()).no_deps().exec()?;
    Ok(metadata.target_directory.join("debug/weir").into_std_path_buf())
}

fn compare(weir: &Path, cases: &[Case]) -> Result<()> {
    let mut counts: BTreeMap<Verdict, usize> = BTreeMap::new();
    let mut rest = Vec::new();
    for case in cases {
        let ours = Command::new(weir).arg("kustomize").arg(&case.dir).args(&case.args).output();
        let ours = ours.with_context(|| format!("cannot run {}", weir.display()))?;
        let (verdict, reason) = judge(case, &ours);
        *counts.entry(verdict).or_default() += 1;
        if !matches!(verdict, Verdict::Identical | Verdict::Refused) {
            rest.push(format!("  {}: {reason}", case.name));
        }
    }
    let of = |verdict: Verdict| counts.get(&verdict).copied().unwrap_or(0);
    let (identical, refused, accepted) = (of(Verdict::Identical), of(Verdict::Refused), of(Verdict::Accepted));
    let printed = cases.iter().filter(|case| case.expected.is_some()).count();
    println!(
        "kustomize: {} cases; {identical} of {printed} that print something are byte-identical, {} differ and {} fail; of {} that \
         kustomize refuses {refused} are refused and {accepted} accepted",
        cases.len(),
        of(Verdict::Different),
        of(Verdict::Failed),
        cases.len() - printed,
    );
    if !rest.is_empty() {
        println!("the rest, by name:\n{}", rest.join("\n"));
    }
    ensure!(accepted == 0, "{accepted} cases are accepted that kustomize refuses");
    ensure!(identical * 100 >= printed * IDENTICAL, "less than {IDENTICAL} % are identical: {identical} of {printed}");
    Ok(())
}

fn judge(case: &Case, ours: &Output) -> (Verdict, String) {
    let error = String::from_utf8_lossy(&ours.stderr).trim().replace('\n', " ");
    let here = case.dir.display().to_string();
    let error = error.replace(&format!("{here}/"), "").replace(&here, ".");
    match (&case.expected, ours.status.success()) {
        (None, false) => (Verdict::Refused, String::new()),
        (None, true) => (Verdict::Accepted, "kustomize refuses it".to_owned()),
        (Some(_), false) => (Verdict::Failed, error),
        (Some(expected), true) if *expected == ours.stdout => (Verdict::Identical, String::new()),
        (Some(expected), true) => (Verdict::Different, first_difference(&ours.stdout, expected)),
    }
}

fn first_difference(ours: &[u8], theirs: &[u8]) -> String {
    let (ours, theirs) = (String::from_utf8_lossy(ours), String::from_utf8_lossy(theirs));
    match ours.lines().zip(theirs.lines()).enumerate().find(|(_, (a, b))| a != b) {
        Some((line, (a, b))) => format!("line {}: ours {a:?}, theirs {b:?}", line + 1),
        None => format!("{} lines, theirs {}", ours.lines().count(), theirs.lines().count()),
    }
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.retain(|path| path.is_dir() && !path.is_symlink());
    paths.sort();
    Ok(paths)
}

/// Folders with a `case.json`.
fn recorded(dir: &Path, cases: &mut Vec<Case>) -> Result<()> {
    let Ok(text) = std::fs::read_to_string(dir.join("case.json")) else {
        return entries(dir)?.iter().try_for_each(|path| recorded(path, cases));
    };
    let broken = || format!("{} is not as it should be", dir.join("case.json").display());
    let meta: serde_json::Value = serde_json::from_str(&text).with_context(broken)?;
    let text = |key: &str| meta.get(key).and_then(serde_json::Value::as_str).map(str::to_owned).with_context(broken);
    let args = meta.get("args").and_then(serde_json::Value::as_array).with_context(broken)?;
    let expected = match text("expects")?.as_str() {
        "output" => Some(std::fs::read(dir.join("expected.yaml"))?),
        _ => None,
    };
    let args = args.iter().filter_map(|arg| arg.as_str().map(str::to_owned)).collect();
    cases.push(Case { name: text("name")?, dir: dir.join(text("dir")?), args, expected });
    Ok(())
}

/// Every kustomization below a folder, built by the real kustomize now.
fn live(dir: &Path, kustomize: &Kustomize, unrestricted: bool, cases: &mut Vec<Case>) -> Result<()> {
    if ["kustomization.yaml", "kustomization.yml", "Kustomization"].iter().any(|name| dir.join(name).is_file()) {
        let args: Vec<String> =
            unrestricted.then(|| "--load-restrictor=LoadRestrictionsNone".to_owned()).into_iter().collect();
        let theirs = kustomize.build(dir, std::iter::once(".").chain(args.iter().map(String::as_str)))?;
        let expected = theirs.status.success().then_some(theirs.stdout);
        cases.push(Case { name: dir.display().to_string(), dir: dir.to_owned(), args, expected });
    }
    entries(dir)?.iter().try_for_each(|path| live(path, kustomize, unrestricted, cases))
}
