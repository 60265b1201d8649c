//! `cargo xtask bench`: whole processes beside the originals, as a table for docs/performance.md.

mod helm;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};

use crate::{
    goldens::Kustomize,
    shell::{self, Watch},
};

/// What to measure.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// `weir kustomize` beside the real kustomize: 500 to 8,000 objects, a single one, and 12 MB of CRDs
    Kustomize(Options),
    /// `weir template` beside the real helm: made up charts, and a corpus of public ones
    Helm(helm::Options),
    /// What one process takes, for this program itself
    #[command(hide = true)]
    Measured(helm::Measured),
}

/// How to measure.
#[derive(Args, Debug)]
pub struct Options {
    /// This `weir`; else one is built with the profile of the release
    #[arg(long, value_name = "PATH")]
    weir: Option<PathBuf>,
    /// The real kustomize; else the one built from its Go module once
    #[arg(long, value_name = "PATH")]
    kustomize: Option<PathBuf>,
    /// The real one builds up to this many objects: its time grows with their square
    #[arg(long, default_value_t = 2_000)]
    theirs_up_to: usize,
    /// Runs of each, of which the fastest counts
    #[arg(long, default_value_t = 5)]
    runs: usize,
}

pub fn run(command: &Command) -> Result<()> {
    match command {
        Command::Kustomize(options) => kustomize(options),
        Command::Helm(options) => helm::run(options, &this_weir(options.weir())?),
        Command::Measured(command) => helm::measured(command),
    }
}

/// The `weir` that was named, or a released one.
fn this_weir(named: Option<&Path>) -> Result<PathBuf> {
    named.map_or_else(released, |it| Ok(it.to_owned()))
}

fn kustomize(options: &Options) -> Result<()> {
    let weir = this_weir(options.weir.as_deref())?;
    let kustomize = Kustomize::find(options.kustomize.as_deref())?;
    let dir = std::env::temp_dir().join(format!("weir-bench-{}", std::process::id()));
    let result = table(options, &weir, &kustomize, &dir);
    std::fs::remove_dir_all(&dir).ok();
    result
}

fn released() -> Result<PathBuf> {
    shell::run_cargo(["build", "--quiet", "--release", "--package", "weir", "--bin", "weir"])?;
    let metadata = cargo_metadata::MetadataCommand::new().current_dir(shell::root()).no_deps().exec()?;
    Ok(metadata.target_directory.join("release/weir").into_std_path_buf())
}

fn table(options: &Options, weir: &Path, kustomize: &Kustomize, dir: &Path) -> Result<()> {
    println!(
        "| build | weir s | weir peak MiB | kustomize s | kustomize peak MiB | output |\n|---|---|---|---|---|---|"
    );
    let mut cases = vec![(1, "one object".to_owned(), one(dir)?)];
    for objects in [500, 1_000, 2_000, 4_000, 8_000] {
        cases.push((objects, format!("{objects} objects"), scale(&dir.join(objects.to_string()), objects)?));
    }
    cases.push((1, "12 MB of CRDs".to_owned(), crds(&dir.join("crds"))?));
    for (objects, name, folder) in cases {
        let ours =
            fastest(options.runs, || Process::new(weir).arg("kustomize").arg(&folder).stdout(Stdio::piped()).spawn())?;
        let theirs = (objects <= options.theirs_up_to)
            .then(|| {
                fastest(options.runs, || {
                    kustomize.command().arg(&folder).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()
                })
            })
            .transpose()?;
        let same = match &theirs {
            Some(theirs) if theirs.output == ours.output => "identical",
            Some(_) => "different",
            None => "not compared",
        };
        let (time, memory) = theirs.as_ref().map_or(("–".to_owned(), "–".to_owned()), |theirs| theirs.cells());
        let (our_time, our_memory) = ours.cells();
        println!("| {name} | {our_time} | {our_memory} | {time} | {memory} | {same} |");
    }
    Ok(())
}

/// A process that ran.
struct Run {
    time: Duration,
    /// KiB as the kernel last told; a process of a few milliseconds may end before it is asked.
    peak: u64,
    output: Vec<u8>,
}

impl Run {
    fn cells(&self) -> (String, String) {
        let memory = if self.peak == 0 { "–".to_owned() } else { (self.peak / 1024).to_string() };
        (format!("{:.4}", self.time.as_secs_f64()), memory)
    }
}

fn fastest(runs: usize, start: impl Fn() -> std::io::Result<std::process::Child>) -> Result<Run> {
    let mut best: Option<Run> = None;
    for _ in 0..runs.max(1) {
        let run = measured(&start)?;
        let peak = best.as_ref().map_or(0, |best| best.peak).max(run.peak);
        let faster = best.as_ref().is_none_or(|best| run.time < best.time);
        // A run of many seconds is not repeated.
        let long = run.time > Duration::from_secs(10);
        best = match best {
            Some(best) if !faster => Some(Run { peak, ..best }),
            _ => Some(Run { peak, ..run }),
        };
        if long {
            break;
        }
    }
    best.context("nothing ran")
}

fn measured(start: &impl Fn() -> std::io::Result<std::process::Child>) -> Result<Run> {
    let watch = Watch::start();
    let mut child = start().context("cannot start the build")?;
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut stdout = child.stdout.take().context("the build has no output")?;
    let reader = std::thread::spawn(move || {
        let mut output = Vec::new();
        std::io::Read::read_to_end(&mut stdout, &mut output).map(|_| output)
    });
    let mut peak = 0;
    while !reader.is_finished() {
        peak = peak.max(high_water(&status));
        std::thread::sleep(Duration::from_micros(300));
    }
    let ended = child.wait()?;
    let time = watch.elapsed();
    let output = reader.join().map_err(|_| anyhow::anyhow!("the output was not read"))??;
    ensure!(ended.success(), "a build failed ({ended})");
    Ok(Run { time, peak, output })
}

/// `VmHWM` in KiB.
fn high_water(status: &Path) -> u64 {
    let text = std::fs::read_to_string(status).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

fn put(path: PathBuf, text: &str) -> Result<()> {
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn one(dir: &Path) -> Result<PathBuf> {
    let folder = dir.join("one");
    put(folder.join("kustomization.yaml"), "resources: [a.yaml]\nnamePrefix: p-\n")?;
    put(folder.join("a.yaml"), "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n")?;
    Ok(folder)
}

/// Applications of four objects, below an overlay that renames, labels and patches them: what bench/kustomize_scale.py writes.
fn scale(dir: &Path, objects: usize) -> Result<PathBuf> {
    let apps = objects / 4;
    let mut list = String::from("resources:\n");
    for number in 0..apps {
        let (name, next) = (format!("app-{number:05}"), (number + 1) % apps);
        let text = format!(
            "apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {name}\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n  \
             LOG_LEVEL: info\n  # the upstream of this app\n  UPSTREAM: http://app-{next:05}.default.svc:8080\n---\napiVersion: v1\nkind: Service\nmetadata:\n  \
             name: {name}\nspec:\n  selector:\n    app: {name}\n  ports:\n  - name: http\n    port: 8080\n    targetPort: http\n---\napiVersion: apps/v1\nkind: \
             Deployment\nmetadata:\n  name: {name}\nspec:\n  replicas: 2\n  selector:\n    matchLabels:\n      app: {name}\n  template:\n    metadata:\n      \
             labels:\n        app: {name}\n    spec:\n      serviceAccountName: {name}\n      containers:\n      - name: app\n        image: \
             example.org/app:1.0.{}\n        envFrom:\n        - configMapRef:\n            name: {name}\n        - configMapRef:\n            name: shared\n        \
             ports:\n        - name: http\n          containerPort: 8080\n",
            number % 7
        );
        writeln!(list, "- {name}.yaml")?;
        put(dir.join(format!("base/{name}.yaml")), &text)?;
    }
    list.push_str("configMapGenerator:\n- name: shared\n  literals: [REGION=eu, TIER=web]\n");
    put(dir.join("base/kustomization.yaml"), &list)?;
    let overlay = "namespace: production\nnamePrefix: prod-\nlabels:\n- pairs: {team: platform}\n  includeSelectors: true\nimages:\n- name: example.org/app\n  \
        newName: registry.example.org/app\n  newTag: 2.0.0\nresources: [../base]\npatches:\n- target: {kind: Deployment}\n  patch: |-\n    apiVersion: \
        apps/v1\n    kind: Deployment\n    metadata:\n      name: any\n    spec:\n      template:\n        spec:\n          securityContext: {runAsNonRoot: \
        true}\n- target: {kind: Service, name: app-0000.*}\n  patch: |-\n    - op: add\n      path: /metadata/annotations\n      value: {front: \"true\"}\n";
    put(dir.join("overlay/kustomization.yaml"), overlay)?;
    Ok(dir.join("overlay"))
}

/// CRDs with deep schemas and long descriptions.
fn crds(dir: &Path) -> Result<PathBuf> {
    const KINDS: usize = 40;
    const FIELDS: usize = 600;
    let words = "is described at length, because what a field of a custom resource means is told nowhere else, and wraps at eighty columns";
    let mut list = String::from("resources:\n");
    for kind in 0..KINDS {
        let mut text = format!(
            "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: kinds{kind}.example.org\nspec:\n  group: example.org\n  \
             names: {{kind: Kind{kind}, plural: kinds{kind}}}\n  scope: Namespaced\n  versions:\n  - name: v1\n    served: true\n    storage: true\n    schema:\n      \
             openAPIV3Schema:\n        type: object\n        properties:\n"
        );
        for field in 0..FIELDS {
            writeln!(
                text,
                "          field{field}:\n            description: |-\n              field{field} {words}.\n              It {words}.\n            type: array\n            \
                 items:\n              type: object\n              properties:\n                name: {{type: string, description: \"the name {words}\"}}\n                \
                 value: {{type: string, pattern: '^[a-z]+$', default: \"yes\"}}"
            )?;
        }
        writeln!(list, "- crd{kind}.yaml")?;
        put(dir.join(format!("crd{kind}.yaml")), &text)?;
    }
    put(dir.join("kustomization.yaml"), &list)?;
    Ok(dir.to_owned())
}
