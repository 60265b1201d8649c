//! `weir chart lint`: what is wrong with a chart, with the place in its source.

use std::time::Duration;

use unicode_width::UnicodeWidthStr;
use weir_chart::{
    Capabilities, Chart, Compat, KubeVersion, Limits, ReleaseFacts, RenderError, RenderOptions, TemplateError,
    TemplateOptions, template,
};

use super::disk;
use crate::{
    error::Error,
    template::{ValueArgs, deep, limits, world},
    terminal::{self, Style, Tone},
    text::clean,
};

/// What to look at.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The chart: a directory or a .tgz
    #[arg(value_name = "CHART")]
    chart: String,
    #[command(flatten)]
    values: ValueArgs,
    /// Warnings count as errors
    #[arg(long)]
    strict: bool,
    /// Kubernetes' version that the chart is told
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Do not hold the values against values.schema.json
    #[arg(long)]
    skip_schema_validation: bool,
}

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Severity {
    Info,
    Warning,
    Error,
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Finding {
    severity: Severity,
    /// The file, or the chart's name.
    place: String,
    text: String,
    /// The source around it, ready to print.
    excerpt: Option<String>,
}

/// Lints and prints; an error when something is wrong.
pub fn run(args: &Args, namespace: Option<&str>) -> Result<(), Error> {
    let chart = disk::load(&args.chart, &Limits::default())?;
    let values = args.values.merged(Compat::Helm4)?;
    let mut capabilities = Capabilities::default();
    if let Some(version) = &args.kube_version {
        capabilities.kube_version = KubeVersion::parse(version).map_err(|error| {
            Error::usage(format!("invalid kube version '{version}': {error}"), "give one such as 1.36")
        })?;
    }
    let style = terminal::stdout_style();
    let mut findings = about(&chart);
    let release = ReleaseFacts {
        name: "test-release".to_owned(),
        namespace: namespace.unwrap_or("default").to_owned(),
        revision: 1,
        is_upgrade: false,
    };
    let skip_schema_validation = args.skip_schema_validation;
    findings.extend(deep(move || {
        let render = RenderOptions {
            lint: true,
            limits: limits(Duration::from_secs(60)),
            world: Some(world()),
            ..RenderOptions::default()
        };
        let options = TemplateOptions { render, skip_schema_validation, ..TemplateOptions::default() };
        match template(&chart, &values, &release, &capabilities, &options) {
            Ok(rendered) => rendered.warnings.iter().map(|it| finding(Severity::Warning, chart.name(), it)).collect(),
            Err(error) => vec![failure(&chart, &error)],
        }
    }));
    let mut out = format!("{}\n", style.paint(&args.chart, Tone::Strong));
    for it in &findings {
        out.push_str(&it.print(style));
    }
    let count = |severity: Severity| findings.iter().filter(|it| it.severity == severity).count();
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let failed = if args.strict { errors + warnings } else { errors };
    out.push_str(&format!("{errors} errors, {warnings} warnings\n"));
    terminal::print(&out)?;
    if failed == 0 { Ok(()) } else { Err(Error::Several { failed: 1, total: 1 }) }
}

fn finding(severity: Severity, place: &str, text: &str) -> Finding {
    Finding { severity, place: place.to_owned(), text: text.to_owned(), excerpt: None }
}

/// What `Chart.yaml` lacks, and files that are not there.
fn about(chart: &Chart) -> Vec<Finding> {
    let mut out = Vec::new();
    let it = &chart.metadata;
    if it.icon.is_empty() {
        out.push(finding(Severity::Info, "Chart.yaml", "icon is recommended"));
    }
    if it.deprecated {
        out.push(finding(Severity::Warning, "Chart.yaml", "the chart is deprecated"));
    }
    if it.api_version == "v1" && !it.kind.is_empty() {
        out.push(finding(Severity::Error, "Chart.yaml", "type needs apiVersion v2"));
    }
    for missing in chart.missing_dependencies() {
        let text = format!("dependency {missing:?} is not in charts/");
        out.push(finding(Severity::Warning, "Chart.yaml", &text));
    }
    if chart.templates.is_empty() && it.kind != "library" {
        out.push(finding(Severity::Warning, "templates/", "there are no templates"));
    }
    if chart.values.is_empty() && it.kind != "library" {
        out.push(finding(Severity::Info, "values.yaml", "there are no values"));
    }
    out
}

fn failure(chart: &Chart, error: &TemplateError) -> Finding {
    match error {
        TemplateError::Render(error) => rendering(chart, error),
        TemplateError::Manifest(error) => {
            let mut it = finding(Severity::Error, &error.path, &error.source.to_string());
            it.excerpt = Some(numbered(&error.document));
            it
        }
        other => finding(Severity::Error, chart.name(), &other.to_string()),
    }
}

fn rendering(chart: &Chart, error: &RenderError) -> Finding {
    let Some(place) = &error.place else { return finding(Severity::Error, chart.name(), &error.message) };
    let location = format!("{}:{}:{}", place.path, place.span.line, place.span.column);
    let mut it = finding(Severity::Error, &location, &error.reason);
    it.excerpt =
        source(chart, &place.path).and_then(|text| caret(&text, place.span.line, place.span.column, place.span.len));
    it
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

/// The line with what is wrong underlined, and a line on both sides.
fn caret(text: &str, line: usize, column: usize, len: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let wrong = lines.get(line.checked_sub(1)?)?;
    let start = floor(wrong, column.saturating_sub(1));
    let end = floor(wrong, start + len).max(start);
    let before = shown(wrong.get(..start)?);
    let under = shown(wrong.get(start..end)?);
    let width = under.width().max(1);
    let number = |at: usize| format!("{at:>5} | ");
    let mut out = String::new();
    if line > 1
        && let Some(above) = lines.get(line - 2)
    {
        out.push_str(&format!("{}{}\n", number(line - 1), shown(above)));
    }
    out.push_str(&format!("{}{}\n", number(line), shown(wrong)));
    out.push_str(&format!("      | {}{}\n", " ".repeat(before.width()), "^".repeat(width)));
    if let Some(below) = lines.get(line) {
        out.push_str(&format!("{}{}\n", number(line + 1), shown(below)));
    }
    Some(out)
}

/// A piece of a line, cleaned, with every blank in its place.
fn shown(text: &str) -> String {
    text.chars()
        .map(|it| if it == '\t' { ' ' } else { it })
        .filter(|it| *it == ' ' || !clean(&it.to_string()).is_empty())
        .collect()
}

/// The place at or before `at` where a letter starts.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0)
}

/// A rendered document with line numbers, its beginning only.
fn numbered(text: &str) -> String {
    text.lines().take(12).enumerate().map(|(at, line)| format!("{:>5} | {}\n", at + 1, shown(line))).collect()
}

impl Finding {
    fn print(&self, style: Style) -> String {
        let (word, tone) = match self.severity {
            Severity::Info => ("info", Tone::Dim),
            Severity::Warning => ("warning", Tone::Warn),
            Severity::Error => ("error", Tone::Bad),
        };
        let mut lines = self.text.lines();
        let first = clean(lines.next().unwrap_or_default());
        let mut out = format!("{} {}: {first}\n", style.paint(&format!("{word}:"), tone), clean(&self.place));
        for line in lines {
            out.push_str(&format!("  {}\n", clean(line)));
        }
        out.push_str(self.excerpt.as_deref().unwrap_or_default());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_stands_under_what_is_wrong() {
        assert_eq!(
            caret("a: 1\nb: {{ .Values.x.y }}\nc: 2\n", 2, 7, 11).unwrap(),
            "    1 | a: 1\n    2 | b: {{ .Values.x.y }}\n      |       ^^^^^^^^^^^\n    3 | c: 2\n"
        );
        assert_eq!(caret("ü: {{ . }}", 1, 3, 1).unwrap(), "    1 | ü: {{ . }}\n      |  ^\n");
        assert_eq!(
            caret("\ta:\u{1b}[31m  {{ x }}", 1, 14, 1).unwrap(),
            "    1 |  a:[31m  {{ x }}\n      |             ^\n"
        );
        assert!(caret("a", 9, 1, 1).is_none());
        // A span past the line underlines what is there.
        assert_eq!(caret("abc", 1, 2, 99).unwrap(), "    1 | abc\n      |  ^^\n");
    }
}
