//! `weir template` beside the real helm, a process for every case.

mod charts;
mod measure;
mod table;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use clap::Args;

pub use measure::{Command as Measured, run as measured};

use self::measure::{Run, Sides};
use crate::goldens::Helm;

/// How to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// Folders made by helm_cases.py (`cargo xtask conformance helm` makes them); none for the made up charts alone
    corpora: Vec<PathBuf>,
    /// This `weir`; else one is built with the profile of the release
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// The real Helm 4; else the one built from its Go module once
    #[arg(long, value_name = "PATH")]
    helm: Option<PathBuf>,
    /// Runs of each, of which the fastest counts
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// Only cases whose name holds this text
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Of the cases, taken by name, only every so many-th
    #[arg(long, value_name = "N", default_value_t = 1)]
    every: usize,
}

/// A chart with values, and what is known of it.
#[derive(Debug, Clone)]
struct Case {
    name: String,
    chart: PathBuf,
    values: Option<PathBuf>,
    /// What helm printed when the corpus was made; none when it refuses.
    expected: Option<PathBuf>,
    /// It makes keys or certificates, which takes as long as chance will have it.
    makes_keys: bool,
}

impl Case {
    fn args(&self) -> Vec<PathBuf> {
        let mut args: Vec<PathBuf> = vec!["template".into(), "rel".into(), self.chart.clone()];
        args.extend(["-n", "ns", "--include-crds", "--kube-version", "1.36.0"].map(PathBuf::from));
        if let Some(values) = &self.values {
            args.extend(["-f".into(), values.clone()]);
        }
        args
    }
}

pub fn run(options: &Options, weir: &Path) -> Result<()> {
    let helm = Helm::find(options.helm.as_deref())?;
    let dir = std::env::temp_dir().join(format!("weir-bench-helm-{}", std::process::id()));
    std::fs::create_dir_all(&dir)?;
    let result = tables(options, &Sides::new(weir, helm.program(), &dir, options.runs)?, &dir);
    std::fs::remove_dir_all(&dir).ok();
    result
}

impl Options {
    /// This `weir`, when one is named.
    pub fn weir(&self) -> Option<&Path> {
        self.weir.as_deref()
    }
}

fn tables(options: &Options, sides: &Sides, dir: &Path) -> Result<()> {
    println!("A process cannot be seen below {:.1} MiB.\n", sides.floor()? as f64 / 1024.0);
    let made = charts::all(dir)?;
    let mut rows = Vec::new();
    for case in made.iter().filter(|it| it.name.contains(&options.only)) {
        rows.push((case.clone(), sides.run(case)?));
    }
    table::each("made up charts", &rows);
    let mut cases = Vec::new();
    for corpus in &options.corpora {
        cases.extend(read(corpus)?);
    }
    cases.retain(|case| case.name.contains(&options.only));
    let every = options.every.max(1);
    let cases: Vec<Case> = cases.into_iter().step_by(every).collect();
    if cases.is_empty() {
        ensure!(options.corpora.is_empty(), "no case fits");
        return Ok(());
    }
    let mut rows: Vec<(Case, [Run; 2])> = Vec::new();
    for (at, case) in cases.iter().enumerate() {
        eprint!("\r{} of {}  ", at + 1, cases.len());
        rows.push((case.clone(), sides.run(case)?));
    }
    eprintln!();
    table::sums(&rows);
    table::each("the largest outputs", &table::largest(&rows, 5));
    table::each("where weir is slowest", &table::slowest(&rows, 5));
    Ok(())
}

/// The cases of a corpus, by name.
fn read(corpus: &Path) -> Result<Vec<Case>> {
    let folder = corpus.join("cases");
    let listed = std::fs::read_dir(&folder).with_context(|| format!("{} is no folder of cases", folder.display()))?;
    let mut out = Vec::new();
    for entry in listed {
        let dir = entry?.path();
        let Ok(text) = std::fs::read_to_string(dir.join("case.json")) else { continue };
        let meta: serde_json::Value = serde_json::from_str(&text)?;
        let field = |key: &str| meta.get(key).and_then(serde_json::Value::as_str);
        let chart = corpus.join(field("chart").with_context(|| format!("{} names no chart", dir.display()))?);
        let differs = meta.get("deterministic").and_then(serde_json::Value::as_bool) == Some(false);
        let prints = field("expects") == Some("output");
        out.push(Case {
            name: field("name").unwrap_or_default().to_owned(),
            values: field("values").map(|it| corpus.join(it)),
            expected: prints.then(|| dir.join("expected.yaml")),
            makes_keys: differs && generates(&chart),
            chart,
        });
    }
    out.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(out)
}

/// Whether a template of the chart or of its dependencies calls what makes keys.
fn generates(dir: &Path) -> bool {
    const CALLS: [&str; 5] = ["genCA", "genSignedCert", "genSelfSignedCert", "genPrivateKey", "htpasswd"];
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.map(|it| it.path()).any(|path| {
        if path.is_dir() {
            return generates(&path);
        }
        // Archives of dependencies are not looked into: what differs between two runs there counts as keys.
        if path.extension().is_some_and(|it| it == "tgz") {
            return true;
        }
        let text = std::fs::read(&path).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        CALLS.iter().any(|call| text.contains(call))
    })
}
