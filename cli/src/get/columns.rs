//! The columns of each kind, those of Flux's own command line first.

use jiff::Timestamp;
use serde_json::Value;

use super::Layout;
use crate::{
    kind::Kind,
    object::{self, text},
    table::Cell,
    terminal::Tone,
    text::{age, short_hex},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Revision,
    Source,
    Image,
    Tag,
    LastScan,
    LastRun,
    Suspended,
    Ready,
    Message,
    // In wide tables only.
    Url,
    Path,
    Chart,
    Age,
}

impl Column {
    const fn title(self) -> &'static str {
        match self {
            Self::Revision => "REVISION",
            Self::Source => "SOURCE",
            Self::Image => "IMAGE",
            Self::Tag => "TAG",
            Self::LastScan => "LAST SCAN",
            Self::LastRun => "LAST RUN",
            Self::Suspended => "SUSPENDED",
            Self::Ready => "READY",
            Self::Message => "MESSAGE",
            Self::Url => "URL",
            Self::Path => "PATH",
            Self::Chart => "CHART",
            Self::Age => "AGE",
        }
    }
}

fn of(kind: &Kind, wide: bool) -> Vec<Column> {
    use Column::{Age, Chart, Image, LastRun, LastScan, Message, Path, Ready, Revision, Source, Suspended, Tag, Url};
    let (first, more): (&[Column], &[Column]) = match kind.kind {
        "Kustomization" => (&[Revision, Suspended, Ready], &[Source, Path, Age]),
        "HelmRelease" => (&[Revision, Suspended, Ready], &[Chart, Age]),
        "HelmChart" => (&[Revision, Suspended, Ready], &[Source, Chart, Age]),
        "ExternalArtifact" => (&[Revision, Source, Ready], &[Age]),
        "ArtifactGenerator" => (&[Suspended, Ready], &[Age]),
        "ImageRepository" => (&[LastScan, Suspended, Ready], &[Image, Age]),
        "ImagePolicy" => (&[Image, Tag, Ready], &[Age]),
        "ImageUpdateAutomation" => (&[LastRun, Suspended, Ready], &[Source, Age]),
        "Receiver" => (&[Suspended, Ready], &[Url, Age]),
        "Alert" | "Provider" => return if wide { vec![Suspended, Source, Age] } else { vec![Suspended] },
        _ => (&[Revision, Suspended, Ready], &[Url, Age]),
    };
    let mut columns = first.to_vec();
    if wide {
        columns.extend(more);
    }
    columns.push(Message);
    columns
}

/// The titles.
pub fn header(kind: &Kind, layout: Layout) -> Vec<&'static str> {
    let mut titles = if layout.namespaces { vec!["NAMESPACE"] } else { Vec::new() };
    titles.push("NAME");
    titles.extend(of(kind, layout.wide).into_iter().map(Column::title));
    titles
}

/// One object.
pub fn row(kind: &Kind, object: &Value, layout: Layout, now: Timestamp) -> Vec<Cell> {
    let mut cells = if layout.namespaces { vec![Cell::new(object::namespace(object))] } else { Vec::new() };
    let name = object::name(object);
    cells.push(if layout.prefix { Cell::new(format!("{}/{name}", kind.singular())) } else { Cell::new(name) });
    cells.extend(of(kind, layout.wide).into_iter().map(|column| cell(kind, column, object, now)));
    cells
}

fn cell(kind: &Kind, column: Column, object: &Value, now: Timestamp) -> Cell {
    let ago = |pointer| object::time(object, pointer).map_or_else(String::new, |then| age(then, now));
    match column {
        Column::Revision => Cell::new(object::revision(kind, object)),
        Column::Source => Cell::new(source(kind, object)),
        Column::Image if kind.kind == "ImagePolicy" => Cell::new(text(object, "/status/latestRef/name")),
        Column::Image => Cell::new(text(object, "/spec/image")),
        Column::Tag => Cell::new(text(object, "/status/latestRef/tag")),
        Column::LastScan => Cell::new(text(object, "/status/lastScanResult/scanTime")),
        Column::LastRun => Cell::new(text(object, "/status/lastAutomationRunTime")),
        Column::Suspended => match object::suspended(kind, object) {
            true => Cell::toned("True", Tone::Warn),
            false => Cell::new("False"),
        },
        Column::Ready => ready(kind, object),
        Column::Message => Cell::new(short_hex(object::message(kind, object))),
        Column::Url => Cell::new(match kind.kind {
            "Bucket" => format!("{}/{}", text(object, "/spec/endpoint"), text(object, "/spec/bucketName")),
            "Receiver" => text(object, "/status/webhookPath").to_owned(),
            _ => text(object, "/spec/url").to_owned(),
        }),
        Column::Path => Cell::new(match text(object, "/spec/path") {
            "" => "./",
            path => path,
        }),
        Column::Chart => Cell::new(chart(kind, object)),
        Column::Age => Cell::new(ago("/metadata/creationTimestamp")),
    }
}

fn ready(kind: &Kind, object: &Value) -> Cell {
    let ready = object::ready(kind, object);
    let moving = object::condition(object, "Reconciling").is_some_and(|c| text(c, "/status") == "True");
    let tone = match ready {
        "True" if !moving => Tone::Good,
        "False" => Tone::Bad,
        _ => Tone::Warn,
    };
    Cell::toned(if ready.is_empty() { "Unknown" } else { ready }, tone)
}

fn source(kind: &Kind, object: &Value) -> String {
    let prefix = match kind.kind {
        "Alert" => return format!("Provider/{}", text(object, "/spec/providerRef/name")),
        "Provider" => return text(object, "/spec/type").to_owned(),
        _ => "/spec/sourceRef",
    };
    let field = |name: &str| text(object, &format!("{prefix}/{name}"));
    match (field("kind"), field("namespace"), field("name")) {
        ("", _, _) => String::new(),
        (kind, "", name) => format!("{kind}/{name}"),
        (kind, namespace, name) => format!("{kind}/{namespace}/{name}"),
    }
}

fn chart(kind: &Kind, object: &Value) -> String {
    if kind.kind == "HelmChart" {
        return text(object, "/spec/chart").to_owned();
    }
    match text(object, "/spec/chartRef/kind") {
        "" => text(object, "/spec/chart/spec/chart").to_owned(),
        kind => format!("{kind}/{}", text(object, "/spec/chartRef/name")),
    }
}
