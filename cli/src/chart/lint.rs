//! `weir chart lint`: what is wrong with charts, with the place in the source.

mod about;
mod finding;
mod objects;

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use weir_chart::{
    Capabilities, Chart, Compat, DecodeError, Failures, KubeVersion, Limits, LoadError, ManifestError, ReleaseFacts,
    RenderError, RenderOptions, Rendered, SourceFile, TemplateError, TemplateOptions, load, template, values::Table,
};

use super::{disk, download::DownloadArgs, source};
use crate::{
    clock,
    error::Error,
    output,
    stack::deep,
    template::{ValueArgs, limits, world},
    terminal::{self, Style, Tone},
};
use finding::{Finding, Severity};

/// What to look at.
#[derive(Debug, clap::Args)]
#[command(disable_version_flag = true, args_override_self = true)]
pub struct Args {
    /// Charts: directories, .tgz, or anything else that `weir template` takes
    #[arg(value_name = "CHART", default_value = ".")]
    charts: Vec<String>,
    #[command(flatten)]
    values: ValueArgs,
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
    /// Neither recommendations nor charts without fault
    #[arg(long)]
    quiet: bool,
    /// The charts in charts/, too, each with its own values
    #[arg(long)]
    with_subcharts: bool,
    /// Kubernetes' version that the chart is told, and that API versions are held against
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Further API versions that the chart is told, for example monitoring.coreos.com/v1
    #[arg(long, short = 'a', value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// Do not hold the values against values.schema.json
    #[arg(long)]
    skip_schema_validation: bool,
    /// For people or for programs
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    download: DownloadArgs,
}

/// How to print findings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people
    #[default]
    Text,
    /// As JSON: a list of charts with their findings
    Json,
}

/// A chart and what was found.
struct Report {
    chart: String,
    findings: Vec<Finding>,
}

/// Lints and prints; an error when something is wrong.
pub fn run(args: &Args, namespace: Option<&str>) -> Result<(), Error> {
    let values = args.values.merged(Compat::Helm4)?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        capabilities.kube_version = KubeVersion::parse(version).map_err(|error| {
            Error::usage(format!("invalid kube version '{version}': {error}"), "give one such as 1.36")
        })?;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    let job = Job {
        capabilities,
        namespace: namespace.unwrap_or("default").to_owned(),
        skip_schema_validation: args.skip_schema_validation,
    };
    let mut reports = Vec::new();
    for chart in &args.charts {
        let found = source::find(chart, &args.download, false)?;
        let chart = &source::shown(chart);
        let files = disk::files(&found, chart, &Limits::default())?;
        let below = if args.with_subcharts { subcharts(chart, &files, 0) } else { Vec::new() };
        reports.push(Report { chart: chart.clone(), findings: job.look(files, values.clone()) });
        for (name, files) in below {
            reports.push(Report { chart: name, findings: job.look(files, Table::new()) });
        }
    }
    let failed = reports.iter().filter(|it| it.has_failed(args.strict)).count();
    match args.output {
        Format::Json => terminal::print(&output::to_json(&reports.iter().map(Report::json).collect::<Value>()))?,
        Format::Text => terminal::print(&text(&reports, args.quiet, terminal::stdout_style()))?,
    }
    if failed == 0 { Ok(()) } else { Err(Error::Several { failed, total: reports.len() }) }
}

impl Report {
    fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|it| it.severity == severity).count()
    }

    fn has_failed(&self, strict: bool) -> bool {
        self.count(Severity::Error) > 0 || (strict && self.count(Severity::Warning) > 0)
    }

    fn json(&self) -> Value {
        json!({"chart": self.chart, "findings": self.findings.iter().map(Finding::json).collect::<Vec<_>>()})
    }
}

fn text(reports: &[Report], quiet: bool, style: Style) -> String {
    let mut out = String::new();
    for report in reports {
        let shown: Vec<&Finding> =
            report.findings.iter().filter(|it| !quiet || it.severity != Severity::Info).collect();
        if quiet && shown.is_empty() {
            continue;
        }
        out.push_str(&format!("{}\n", style.paint(&crate::text::clean(&report.chart), Tone::Strong)));
        shown.iter().for_each(|it| out.push_str(&it.print(style)));
        let (errors, warnings) = (report.count(Severity::Error), report.count(Severity::Warning));
        let many = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        out.push_str(&format!("{}, {}\n", many(errors, "error"), many(warnings, "warning")));
    }
    out
}

/// The charts in `charts/`, archives too, at every depth.
fn subcharts(parent: &str, files: &[SourceFile], depth: usize) -> Vec<(String, Vec<SourceFile>)> {
    let mut found: BTreeMap<String, Vec<SourceFile>> = BTreeMap::new();
    for file in files {
        let Some(path) = file.name.strip_prefix("charts/") else { continue };
        match path.split_once('/') {
            Some((name, rest)) if !name.starts_with(['_', '.']) => {
                let file = SourceFile { name: rest.to_owned(), data: file.data.clone() };
                found.entry(name.to_owned()).or_default().push(file);
            }
            None if path.ends_with(".tgz") => {
                // One that cannot be read is told of where the chart itself is loaded.
                if let Ok(inner) = load::archive::source_files(&file.data, &Limits::default()) {
                    found.insert(path.to_owned(), inner);
                }
            }
            _ => {}
        }
    }
    let mut out = Vec::new();
    for (name, files) in found {
        let path = format!("{}/charts/{name}", parent.trim_end_matches('/'));
        let below = if depth < Limits::default().depth { subcharts(&path, &files, depth + 1) } else { Vec::new() };
        out.push((path, files));
        out.extend(below);
    }
    out
}

/// What every chart is told.
struct Job {
    capabilities: Capabilities,
    namespace: String,
    skip_schema_validation: bool,
}

impl Job {
    fn look(&self, files: Vec<SourceFile>, values: Table) -> Vec<Finding> {
        let mut out = about::look(&about::Files(&files));
        let mut chart = match load::from_files(files, &Limits::default()) {
            Ok(chart) => chart,
            Err(error) => {
                let file = match &error {
                    LoadError::Decode { file, .. } => file,
                    LoadError::Values(_) => "values.yaml",
                    LoadError::Subchart { .. } | LoadError::MisplacedArchive { .. } => "charts/",
                    _ => "Chart.yaml",
                };
                // Mostly it was told already, with the place.
                if !out.iter().any(|it| it.severity == Severity::Error && it.file == file) {
                    out.push(Finding::error(file, format!("unable to load chart: {}", disk::chain(&error))));
                }
                return out;
            }
        };
        let missing: Vec<String> = chart.missing_dependencies().into_iter().map(str::to_owned).collect();
        for name in &missing {
            let text = format!("dependency {name:?} is not in charts/");
            out.push(Finding::new(Severity::Warning, "Chart.yaml", text));
        }
        // What is there is rendered all the same.
        chart.metadata.dependencies.iter_mut().for_each(|all| all.retain(|it| !missing.contains(&it.name)));
        if !chart.metadata.is_library() {
            out.extend(self.render(chart, values));
        }
        out
    }

    fn render(&self, chart: Chart, values: Table) -> Vec<Finding> {
        let release = ReleaseFacts {
            name: "test-release".to_owned(),
            namespace: self.namespace.clone(),
            revision: 1,
            is_upgrade: false,
        };
        let (capabilities, skip_schema_validation) = (self.capabilities.clone(), self.skip_schema_validation);
        deep(move |stack| {
            let mut chart = chart;
            let failures = Failures::default();
            let render = RenderOptions {
                lint: true,
                limits: limits(stack, clock::after(Duration::from_secs(60))),
                world: Some(world()),
                failures: Some(failures.clone()),
                ..RenderOptions::default()
            };
            let options = TemplateOptions { render, skip_schema_validation, ..TemplateOptions::default() };
            let mut out = Vec::new();
            loop {
                let error = match template(&chart, &values, &release, &capabilities, &options) {
                    Ok(rendered) => {
                        out.extend(seen(&chart, &rendered, &capabilities.kube_version));
                        return out;
                    }
                    Err(error) => error,
                };
                match &error {
                    // One that is hidden may be missed by others: what fails then is not told.
                    TemplateError::Render(_) if !out.is_empty() => return out,
                    TemplateError::Render(_) => {
                        out.extend(failures.take().iter().map(|error| rendering(&chart, error)));
                        out.sort_by(|a, b| (&a.file, a.place).cmp(&(&b.file, b.place)));
                        return out;
                    }
                    TemplateError::Manifest(manifest) => {
                        out.push(printed(&chart, manifest));
                        let path = manifest.path.clone();
                        // Without it the others are looked at as well.
                        if out.len() >= MOST || !hide(&mut chart, &path) {
                            return out;
                        }
                    }
                    _ => {
                        out.push(failure(&chart, &error));
                        return out;
                    }
                }
            }
        })
    }
}

/// So many templates that print no YAML are told of.
const MOST: usize = 100;

/// What is to be said of objects.
fn seen(chart: &Chart, rendered: &Rendered, kube: &KubeVersion) -> Vec<Finding> {
    let warn = |text: &String| Finding::new(Severity::Warning, "values.yaml", text);
    let mut out: Vec<Finding> = rendered.warnings.iter().map(warn).collect();
    for object in &rendered.manifests {
        out.extend(objects::look(inside(chart, &object.path), object, kube));
    }
    out
}

/// Makes a template a partial: what it defines stays, and nothing of it is printed. False when there is no such template.
fn hide(chart: &mut Chart, path: &str) -> bool {
    let Some(inside) = path.strip_prefix(chart.name()).and_then(|it| it.strip_prefix('/')) else { return false };
    if let Some(file) = chart.templates.iter_mut().find(|it| it.name == inside) {
        let (folder, name) = inside.rsplit_once('/').unwrap_or(("", inside));
        file.name = format!("{folder}/_{name}");
        return true;
    }
    let Some((name, rest)) = inside.strip_prefix("charts/").and_then(|it| it.split_once('/')) else { return false };
    let aliases = chart.metadata.dependencies.iter().flatten();
    let aliased = aliases.filter(|it| it.local_name() == name).map(|it| it.name.clone()).next();
    let name = aliased.unwrap_or_else(|| name.to_owned());
    let mut named = chart.dependencies.iter_mut().filter(|it| it.name() == name);
    named.any(|sub| hide(sub, &format!("{name}/{rest}")))
}

/// A path of a template without the chart's name.
fn inside<'a>(chart: &Chart, path: &'a str) -> &'a str {
    path.strip_prefix(chart.name()).and_then(|it| it.strip_prefix('/')).unwrap_or(path)
}

fn failure(chart: &Chart, error: &TemplateError) -> Finding {
    match error {
        TemplateError::Schema(error) => Finding::error("values.schema.json", error.to_string()),
        TemplateError::KubeVersion { .. } => Finding::error("Chart.yaml", error.to_string()),
        other => Finding::error(chart.name(), other.to_string()),
    }
}

/// What a template printed is no YAML: the place is in what it printed.
fn printed(chart: &Chart, error: &ManifestError) -> Finding {
    let path = inside(chart, &error.path);
    let mut it = Finding::error(path, format!("what it prints cannot be read: {}", error.source));
    let place = match &error.source {
        DecodeError::Yaml(error) => (error.line as usize, error.column as usize),
        DecodeError::Type { .. } => (1, 1),
    };
    it.excerpt = finding::caret(&error.document, place.0.max(1), place.1.max(1), 1);
    it
}

fn rendering(chart: &Chart, error: &RenderError) -> Finding {
    let Some(place) = &error.place else { return Finding::error(chart.name(), &error.message) };
    let (path, span) = (inside(chart, &place.path), place.span);
    let it = Finding::error(path, &error.reason);
    match source(chart, &place.path) {
        Some(text) => it.at(&text, span.line, span.column, span.len),
        None => it,
    }
}

/// The text of a template, by the path the engine gives it.
fn source(chart: &Chart, path: &str) -> Option<String> {
    let inside = path.strip_prefix(chart.name())?.strip_prefix('/')?;
    if let Some(file) = chart.templates.iter().find(|it| it.name == inside) {
        return Some(String::from_utf8_lossy(&file.data).into_owned());
    }
    let below = inside.strip_prefix("charts/")?;
    let aliases = chart.metadata.dependencies.iter().flatten();
    let named = |sub: &&Chart| {
        below.starts_with(&format!("{}/", sub.name()))
            || aliases.clone().any(|it| it.name == sub.name() && below.starts_with(&format!("{}/", it.local_name())))
    };
    chart.dependencies.iter().filter(named).find_map(|sub| {
        let (_, rest) = below.split_once('/')?;
        source(sub, &format!("{}/{rest}", sub.name()))
    })
}
