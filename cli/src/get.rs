//! `weir get`: objects of the suite and how they are doing.

mod columns;

use futures::{StreamExt, stream};
use serde_json::Value;

use crate::{
    clock,
    cluster::{Change, Cluster, ConnectArgs},
    error::Error,
    kind::Kind,
    object,
    output::{self, Format},
    table::Table,
    target::{self, Target},
    terminal::{self, Style},
};

// What to show, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// A kind and perhaps names: `all`, `ks`, `ks apps`, `ks/apps`, `sources`, `source git`, `ks,hr`
    #[arg(required = true, value_name = "KIND [NAME]")]
    words: Vec<String>,
    /// Look in every namespace
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// Only objects with these labels
    #[arg(long, short = 'l', value_name = "SELECTOR")]
    selector: Option<String>,
    /// Only objects in this state: `ready=false`, or any condition and its status
    #[arg(long, value_name = "CONDITION=STATUS")]
    status_selector: Option<String>,
    /// Keep watching and print what changes
    #[arg(long, short)]
    watch: bool,
    /// Leave the header out
    #[arg(long)]
    no_header: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: Format,
}

/// Shows objects.
pub async fn run(args: &Args, connect: &ConnectArgs) -> Result<(), Error> {
    let targets = target::parse(&args.words)?;
    let state = args.status_selector.as_deref().map(StateSelector::parse).transpose()?;
    let cluster = Cluster::connect(connect).await?;
    let found = gather(args, &cluster, &targets, state.as_ref()).await?;
    let layout =
        Layout { namespaces: args.all_namespaces, wide: args.output == Format::Wide, prefix: targets.len() > 1 };
    if args.watch {
        return watch(args, &cluster, &targets, state.as_ref(), layout).await;
    }
    let objects: Vec<Value> = found.iter().flat_map(|(_, objects)| objects.iter().cloned()).collect();
    let single = matches!(targets.as_slice(), [Target { name: Some(_), .. }]);
    match args.output {
        Format::Json => terminal::print(&output::to_json(&output::document(&objects, single))),
        Format::Yaml => terminal::print(&output::to_yaml(&output::document(&objects, single))),
        Format::Name => terminal::print(&output::names(&objects)),
        Format::Table | Format::Wide if objects.is_empty() => {
            let place = if args.all_namespaces {
                "any namespace".to_owned()
            } else {
                format!("namespace {}", cluster.namespace())
            };
            let more = if args.all_namespaces { "" } else { "; -A looks everywhere" };
            eprintln!("no {} found in {place}{more}", args.words.join(" "));
            Ok(())
        }
        Format::Table | Format::Wide => {
            let style = terminal::stdout_style();
            let style = if args.output == Format::Wide { Style { width: None, ..style } } else { style };
            terminal::print(&render(&found, layout, style, !args.no_header, clock::now()))
        }
    }
}

/// The objects by kind, in the order asked for; of one kind that is asked for it is an error not to be known.
async fn gather(
    args: &Args,
    cluster: &Cluster,
    targets: &[Target],
    state: Option<&StateSelector>,
) -> Result<Vec<(&'static Kind, Vec<Value>)>, Error> {
    let namespace = (!args.all_namespaces).then(|| cluster.namespace());
    let requests = targets.iter().map(|target| async move {
        let resource = target.kind.resource();
        let objects = match &target.name {
            Some(name) => vec![cluster.get(&resource, cluster.namespace(), name).await?],
            None => match cluster.list(&resource, namespace, args.selector.as_deref(), None).await {
                Err(Error::NotInstalled { .. }) if targets.len() > 1 => Vec::new(),
                other => other?,
            },
        };
        Ok::<_, Error>((
            target.kind,
            objects.into_iter().filter(|o| state.is_none_or(|s| s.matches(o))).collect::<Vec<_>>(),
        ))
    });
    let mut found: Vec<(&'static Kind, Vec<Value>)> = Vec::new();
    for result in stream::iter(requests).buffered(8).collect::<Vec<_>>().await {
        let (kind, objects) = result?;
        match found.iter_mut().find(|(have, _)| *have == kind) {
            Some((_, have)) => have.extend(objects),
            None => found.push((kind, objects)),
        }
    }
    Ok(found)
}

/// `ready=false` and the like.
#[derive(Debug, PartialEq, Eq)]
struct StateSelector {
    type_: String,
    status: String,
}

impl StateSelector {
    fn parse(text: &str) -> Result<Self, Error> {
        match text.split_once('=') {
            Some((type_, status)) if !type_.is_empty() && !status.is_empty() => {
                Ok(Self { type_: type_.to_owned(), status: status.to_owned() })
            }
            _ => Err(Error::usage(
                format!("{text:?} is not CONDITION=STATUS"),
                "for example: --status-selector ready=false",
            )),
        }
    }

    fn matches(&self, object: &Value) -> bool {
        let conditions = object.pointer("/status/conditions").and_then(Value::as_array);
        conditions.into_iter().flatten().any(|condition| {
            object::text(condition, "/type").eq_ignore_ascii_case(&self.type_)
                && object::text(condition, "/status").eq_ignore_ascii_case(&self.status)
        })
    }
}

/// Which columns come on top of a kind's own.
#[derive(Clone, Copy, Debug)]
struct Layout {
    namespaces: bool,
    wide: bool,
    prefix: bool,
}

/// A table per kind, an empty line between them.
fn render(
    found: &[(&'static Kind, Vec<Value>)],
    layout: Layout,
    style: Style,
    header: bool,
    now: jiff::Timestamp,
) -> String {
    let tables = found.iter().filter(|(_, objects)| !objects.is_empty()).map(|(kind, objects)| {
        let mut table = Table::new(columns::header(kind, layout));
        for object in objects {
            table.push(columns::row(kind, object, layout, now));
        }
        table.render(style, header)
    });
    tables.collect::<Vec<_>>().join("\n")
}

async fn watch(
    args: &Args,
    cluster: &Cluster,
    targets: &[Target],
    state: Option<&StateSelector>,
    layout: Layout,
) -> Result<(), Error> {
    let namespace = (!args.all_namespaces).then(|| cluster.namespace());
    let streams = targets.iter().map(|target| {
        let resource = target.kind.resource();
        let changes = cluster.watch(&resource, namespace, target.name.as_deref(), args.selector.as_deref());
        changes.map(move |change| (target.kind, change)).boxed()
    });
    let mut changes = stream::select_all(streams);
    let mut printer = Printer { args, layout, waiting: Vec::new(), widths: Vec::new(), last: None };
    let mut unsynced = targets.len();
    while let Some((kind, change)) = changes.next().await {
        match change {
            Change::Initial(object) if unsynced > 0 => printer.waiting.push((kind, object)),
            Change::Synced => {
                unsynced = unsynced.saturating_sub(1);
                if unsynced == 0 {
                    printer.first(state)?;
                }
            }
            Change::Initial(object) | Change::Applied(object) | Change::Deleted(object) => {
                if state.is_none_or(|state| state.matches(&object)) {
                    printer.one(kind, &object)?;
                }
            }
            Change::Broken(why) => eprintln!("watching {} again: {}", kind.plural, crate::text::clean(&why)),
        }
    }
    Ok(())
}

/// Prints rows as they come, in columns that stay where they are.
struct Printer<'a> {
    args: &'a Args,
    layout: Layout,
    waiting: Vec<(&'static Kind, Value)>,
    widths: Vec<(&'static str, Vec<usize>)>,
    last: Option<&'static str>,
}

impl Printer<'_> {
    fn first(&mut self, state: Option<&StateSelector>) -> Result<(), Error> {
        let objects: Vec<_> = std::mem::take(&mut self.waiting)
            .into_iter()
            .filter(|(_, object)| state.is_none_or(|s| s.matches(object)))
            .collect();
        for (kind, _) in &objects {
            if !self.widths.iter().any(|(have, _)| *have == kind.kind) {
                let mut table = Table::new(columns::header(kind, self.layout));
                for (_, object) in objects.iter().filter(|(k, _)| k == kind) {
                    table.push(columns::row(kind, object, self.layout, clock::now()));
                }
                self.widths.push((kind.kind, table.widths()));
            }
        }
        objects.iter().try_for_each(|(kind, object)| self.one(kind, object))
    }

    fn one(&mut self, kind: &'static Kind, object: &Value) -> Result<(), Error> {
        match self.args.output {
            Format::Json => return terminal::print(&output::to_json(object)),
            Format::Yaml => return terminal::print(&format!("---\n{}", output::to_yaml(object))),
            Format::Name => return terminal::print(&output::names(std::slice::from_ref(object))),
            Format::Table | Format::Wide => {}
        }
        let mut table = Table::new(columns::header(kind, self.layout));
        if let Some((_, widths)) = self.widths.iter().find(|(have, _)| *have == kind.kind) {
            table.keep_widths(widths);
        }
        table.push(columns::row(kind, object, self.layout, clock::now()));
        // The header comes when the columns begin to mean something else.
        let header = !self.args.no_header && self.last != Some(kind.kind);
        self.last = Some(kind.kind);
        let style = Style { width: None, ..terminal::stdout_style() };
        terminal::print(&table.render(style, header))
    }
}

#[cfg(test)]
mod tests;
