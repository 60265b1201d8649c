//! `weir events`: what happened to objects of the suite.

mod stream;

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    clock,
    cluster::{Change, Cluster, ConnectArgs, Resource},
    error::Error,
    kind, object,
    object::text,
    output::{self, Format},
    reconcile,
    table::{Cell, Table},
    target,
    terminal::{self, Style, Tone},
    text::{age, short_hex},
};
use stream::{Step, Stream, StreamArgs};

// Which events, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only events of this object and of what it is made from
    #[arg(long = "for", value_name = "KIND/NAME")]
    about: Option<String>,
    /// Look in every namespace
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Only events of these types: Normal, Warning
    #[arg(long, value_delimiter = ',', value_name = "TYPE")]
    types: Vec<String>,
    /// Keep watching and print what happens
    #[arg(long, short)]
    watch: bool,
    /// Leave the header out
    #[arg(long)]
    no_header: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
    #[command(flatten)]
    stream: StreamArgs,
}

/// Kind, namespace and name.
type Subject = (String, String, String);

/// Shows events.
pub async fn run(args: &Args, connect: &ConnectArgs) -> Result<(), Error> {
    let about =
        args.about.as_ref().map(|word| target::parse_one(std::slice::from_ref(word), "events --for")).transpose()?;
    let cluster = Cluster::connect(connect).await?;
    let subjects = match about {
        Some((kind, name)) => Some(subjects(&cluster, kind, name).await?),
        None => None,
    };
    // A source may be in another namespace than what is made from it.
    let everywhere =
        args.all_namespaces || subjects.as_ref().is_some_and(|s| s.iter().any(|(_, ns, _)| ns != cluster.namespace()));
    let namespace = (!everywhere).then(|| cluster.namespace());
    let filter = Filter { subjects, types: &args.types };
    let printer = Printer { args, widths: None };
    match (args.stream.is_wanted(), args.watch) {
        (true, _) => follow(args, namespace, &filter, printer).await,
        (false, true) => watch(&cluster, namespace, &filter, printer).await,
        (false, false) => {
            let events = cluster.list(&resource(), namespace, None, None).await?;
            show(args, events, &filter, namespace)
        }
    }
}

/// Prints what there is.
fn show(args: &Args, mut events: Vec<Value>, filter: &Filter<'_>, namespace: Option<&str>) -> Result<(), Error> {
    events.retain(|event| filter.matches(event));
    events.sort_by_key(|event| (last_seen(event), object::name(event).to_owned()));
    match args.output {
        Format::Json => terminal::print(&output::to_json(&output::document(&events, false))),
        Format::Yaml => terminal::print(&output::to_yaml(&output::document(&events, false))),
        Format::Name => terminal::print(&output::names(&events)),
        Format::Table | Format::Wide if events.is_empty() => {
            let more = if namespace.is_none() { "" } else { "; -A looks everywhere" };
            eprintln!(
                "no events found in {}{more}",
                namespace.map_or_else(|| "any namespace".into(), |ns| format!("namespace {ns}"))
            );
            Ok(())
        }
        Format::Table | Format::Wide => {
            let style = terminal::stdout_style();
            let style = if args.output == Format::Wide { Style { width: None, ..style } } else { style };
            terminal::print(&table(&events, args.all_namespaces, clock::now()).render(style, !args.no_header))
        }
    }
}

fn resource() -> Resource {
    Resource {
        group: String::new(),
        version: "v1".into(),
        kind: "Event".into(),
        plural: "events".into(),
        namespaced: true,
        names: Vec::new(),
    }
}

/// An object and everything it is made from.
async fn subjects(cluster: &Cluster, kind: &'static kind::Kind, name: String) -> Result<Vec<Subject>, Error> {
    let mut all = Vec::new();
    let mut next = Some((kind, cluster.namespace().to_owned(), name));
    while let Some((kind, namespace, name)) = next {
        // Events outlive their object: what is gone may still be asked about.
        let object = cluster.find(&kind.resource(), &namespace, &name).await?;
        next = object.and_then(|object| reconcile::source_of(kind, &object));
        all.push((kind.kind.to_owned(), namespace, name));
    }
    Ok(all)
}

struct Filter<'a> {
    subjects: Option<Vec<Subject>>,
    types: &'a [String],
}

impl Filter<'_> {
    fn matches(&self, event: &Value) -> bool {
        let of = |name: &str| text(event, &format!("/involvedObject/{name}"));
        let group = of("apiVersion").split_once('/').map_or("", |(group, _)| group);
        kind::find(of("kind"), group).is_some()
            && (self.types.is_empty()
                || self.types.iter().any(|type_| text(event, "/type").eq_ignore_ascii_case(type_)))
            && self.subjects.as_ref().is_none_or(|subjects| {
                subjects.iter().any(|(kind, namespace, name)| {
                    of("kind") == kind && of("namespace") == namespace && of("name") == name
                })
            })
    }
}

/// When it last happened; events are written by different generations of clients.
fn last_seen(event: &Value) -> Option<Timestamp> {
    ["/series/lastObservedTime", "/lastTimestamp", "/eventTime", "/firstTimestamp", "/metadata/creationTimestamp"]
        .iter()
        .find_map(|pointer| object::time(event, pointer))
}

fn table(events: &[Value], namespaces: bool, now: Timestamp) -> Table {
    let mut header = if namespaces { vec!["NAMESPACE"] } else { Vec::new() };
    header.extend(["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]);
    let mut table = Table::new(header);
    for event in events {
        let mut row = if namespaces { vec![Cell::new(text(event, "/involvedObject/namespace"))] } else { Vec::new() };
        let tone = if text(event, "/type") == "Warning" { Tone::Bad } else { Tone::Plain };
        row.extend([
            Cell::new(seen(event, now)),
            Cell::toned(text(event, "/type"), tone),
            Cell::new(text(event, "/reason")),
            Cell::new(format!("{}/{}", text(event, "/involvedObject/kind"), text(event, "/involvedObject/name"))),
            Cell::new(short_hex(text(event, "/message"))),
        ]);
        table.push(row);
    }
    table
}

fn seen(event: &Value, now: Timestamp) -> String {
    let last = last_seen(event).map_or_else(|| "unknown".to_owned(), |then| age(then, now));
    let count = event.pointer("/series/count").or_else(|| event.pointer("/count")).and_then(Value::as_i64).unwrap_or(1);
    match object::time(event, "/firstTimestamp") {
        Some(first) if count > 1 => format!("{last} (x{count} over {})", age(first, now)),
        _ => last,
    }
}

/// Prints events as they come, in columns that line up.
struct Printer<'a> {
    args: &'a Args,
    /// Widths of the columns so far; nothing before the first print.
    widths: Option<Vec<usize>>,
}

impl Printer<'_> {
    fn print(&mut self, events: &[Value]) -> Result<(), Error> {
        match self.args.output {
            Format::Json => events.iter().try_for_each(|event| terminal::print(&output::to_json(event)))?,
            Format::Yaml => {
                events.iter().try_for_each(|event| terminal::print(&format!("---\n{}", output::to_yaml(event))))?
            }
            Format::Name => terminal::print(&output::names(events))?,
            Format::Table | Format::Wide => {
                let mut rows = table(events, self.args.all_namespaces, clock::now());
                let header = self.widths.is_none() && !self.args.no_header;
                // Room for what usually comes, so that later rows line up with the first.
                rows.keep_widths(self.widths.as_deref().unwrap_or_default());
                terminal::print(&rows.render(Style { width: None, ..terminal::stdout_style() }, header))?;
                self.widths = Some(rows.widths());
            }
        }
        self.widths.get_or_insert_default();
        Ok(())
    }
}

async fn watch(
    cluster: &Cluster,
    namespace: Option<&str>,
    filter: &Filter<'_>,
    mut printer: Printer<'_>,
) -> Result<(), Error> {
    let mut changes = cluster.watch(&resource(), namespace, None, None).boxed();
    let mut first = Vec::new();
    while let Some(change) = changes.next().await {
        match change {
            Change::Initial(event) if printer.widths.is_none() => first.push(event),
            Change::Synced if printer.widths.is_none() => {
                first.retain(|event| filter.matches(event));
                first.sort_by_key(last_seen);
                printer.print(&std::mem::take(&mut first))?;
            }
            Change::Initial(event) | Change::Applied(event) if filter.matches(&event) => printer.print(&[event])?,
            Change::Broken(why) => eprintln!("watching events again: {}", crate::text::clean(&why)),
            _ => {}
        }
    }
    Ok(())
}

/// The same from notification-controller; without `--watch` until everything it keeps was shown.
async fn follow(
    args: &Args,
    namespace: Option<&str>,
    filter: &Filter<'_>,
    mut printer: Printer<'_>,
) -> Result<(), Error> {
    let mut stream = Stream::open(&args.stream, namespace).await?;
    let mut first = Some(Vec::new());
    while let Some(step) = stream.next().await? {
        match (step, &mut first) {
            (Step::Event(event), Some(first)) => first.push(event),
            (Step::Event(event), None) if filter.matches(&event) => printer.print(&[event])?,
            (Step::Event(_), None) => {}
            (Step::Synced, kept) => {
                let mut events = kept.take().unwrap_or_default();
                if !args.watch {
                    return show(args, events, filter, namespace);
                }
                events.retain(|event| filter.matches(event));
                printer.print(&events)?;
            }
        }
    }
    Err(Error::Refused {
        object: "notification-controller".into(),
        message: "it ended the stream of events".into(),
        hint: "run the command again".into(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(kind: &str, name: &str, type_: &str) -> Value {
        let api = if kind == "Pod" { "v1" } else { "kustomize.toolkit.fluxcd.io/v1" };
        json!({
            "kind": "Event", "metadata": { "name": format!("{name}.1") }, "type": type_, "reason": "Progressing",
            "involvedObject": { "apiVersion": api, "kind": kind, "namespace": "flux-system", "name": name },
            "message": "Deployment/default/app\u{1b}[2J configured\nService/default/app created",
            "firstTimestamp": "2026-11-21T10:00:00Z", "lastTimestamp": "2026-11-21T10:01:00Z", "count": 3,
        })
    }

    #[test]
    fn only_the_suites_events_that_are_asked_for() {
        let all = Filter { subjects: None, types: &[] };
        assert!(all.matches(&event("Kustomization", "apps", "Normal")));
        assert!(!all.matches(&event("Pod", "apps", "Normal")));
        let warnings = Filter { subjects: None, types: &["warning".to_owned()] };
        assert!(!warnings.matches(&event("Kustomization", "apps", "Normal")));
        let one =
            Filter { subjects: Some(vec![("Kustomization".into(), "flux-system".into(), "apps".into())]), types: &[] };
        assert!(one.matches(&event("Kustomization", "apps", "Normal")));
        assert!(!one.matches(&event("Kustomization", "other", "Normal")));
    }

    #[test]
    fn events_are_a_table() {
        let now = "2026-11-21T10:02:00Z".parse().unwrap();
        let expected = "\
NAMESPACE     LAST SEEN          TYPE     REASON        OBJECT               MESSAGE
flux-system   60s (x3 over 2m)   Normal   Progressing   Kustomization/apps   Deployment/default/app[2J configured Service/default/app created
";
        assert_eq!(
            table(&[event("Kustomization", "apps", "Normal")], true, now).render(Style::plain(), true),
            expected
        );
    }
}
