//! Renders a chart's templates.
//!
//! ```text
//! Chart + values --Scope--> Value of each chart --parse all, deepest last--> execute each but partials --> texts by path
//! ```
//! Templates of all charts share one set, so a definition of a parent replaces that of its subcharts. Execution is bounded
//! in steps, output, nesting and time.

mod duration;
mod failure;
mod files;
mod functions;
mod objects;
mod toml;
mod yaml;

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use weir_gotemplate::{Map, Set, Str, Type, Usage, Value, sprig::World};

use crate::{Compat, capabilities::Capabilities, chart::Chart, values::Table};

pub use failure::{RenderError, SourcePlace};

/// What `lookup` asks of a cluster.
pub trait Lookup {
    /// One object, or with an empty name the list of them (`{"items": […]}`); an empty table when there is none.
    ///
    /// # Errors
    /// With a text for people when the cluster cannot answer; no secrets in it.
    fn lookup(&self, api_version: &str, kind: &str, namespace: &str, name: &str) -> Result<serde_json::Value, String>;
}

/// What `getHostByName` asks.
pub trait Hosts {
    /// An address of a host, as text; none when it has none.
    fn address(&self, name: &str) -> Option<String>;
}

/// `.Release` of templates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseFacts {
    /// The release's name.
    pub name: String,
    /// The namespace it goes to.
    pub namespace: String,
    /// Counted from 1.
    pub revision: i64,
    /// Whether it is an upgrade (or rollback) and no installation.
    pub is_upgrade: bool,
}

/// Bounds of one rendering, all templates together.
#[derive(Clone)]
pub struct RenderLimits {
    /// Steps.
    pub steps: u64,
    /// Bytes written, those of included templates too.
    pub output: u64,
    /// Bytes of the thread's stack that may be used: as much as the thread has, less a reserve.
    pub stack: usize,
    /// Asked now and then: true once the time is up.
    pub expired: Option<Rc<dyn Fn() -> bool>>,
}

impl Default for RenderLimits {
    /// 200 million steps, 512 MiB, 1 MiB of stack, no deadline.
    fn default() -> Self {
        Self { steps: 200_000_000, output: 512 << 20, stack: 1 << 20, expired: None }
    }
}

/// How to render.
#[derive(Clone, Default)]
pub struct RenderOptions {
    /// Whose output is matched.
    pub compat: Compat,
    /// `required` and `fail` let pass.
    pub lint: bool,
    /// The bounds.
    pub limits: RenderLimits,
    /// What answers `lookup`; without it every answer is empty.
    pub lookup: Option<Rc<dyn Lookup>>,
    /// What answers `getHostByName`; without it every answer is empty, and no name leaves this process.
    pub hosts: Option<Rc<dyn Hosts>>,
    /// Clock, zone and randomness of `now`, `date`, `genCA` and the like. Without it those functions do not exist.
    pub world: Option<Rc<World>>,
    /// Where every failure is noted, in the order of helm's work. With it rendering goes on behind a template that fails, and
    /// still ends in the first failure.
    pub failures: Option<Failures>,
}

/// What went wrong in templates, all of it; clones share it.
#[derive(Debug, Clone, Default)]
pub struct Failures(Rc<RefCell<Vec<RenderError>>>);

impl Failures {
    /// More than anybody reads.
    const MOST: usize = 100;

    /// Takes out what was noted.
    #[must_use]
    pub fn take(&self) -> Vec<RenderError> {
        self.0.take()
    }

    /// Notes one, and answers whether to go on.
    fn note(&self, error: RenderError) -> bool {
        let mut all = self.0.borrow_mut();
        // A template that several include fails in each of them at the same place.
        if error.place.is_none() || !all.iter().any(|it| it.place == error.place) {
            all.push(error);
        }
        all.len() < Self::MOST
    }
}

/// The names of all functions that templates have, Go's own included, sorted.
#[must_use]
pub fn function_names(world: &Rc<World>) -> Vec<&'static str> {
    functions::names(world)
}

/// Renders every template but partials. `values` are coalesced. The texts are keyed by path: `app/templates/x.yaml`,
/// `app/charts/db/templates/y.yaml`.
///
/// # Errors
/// The first template that cannot be parsed or executed, worded as Helm does.
pub fn render(
    chart: &Chart,
    values: &Table,
    release: &ReleaseFacts,
    capabilities: &Capabilities,
    options: &RenderOptions,
) -> Result<BTreeMap<String, Vec<u8>>, RenderError> {
    // Values that templates make to hold themselves are freed with it.
    let _held = weir_gotemplate::Scope::new();
    let mut pages = BTreeMap::new();
    let root = Scope {
        release: release_value(release),
        capabilities: objects::capabilities(capabilities),
        compat: options.compat,
    };
    root.collect(chart, chart.name(), Some(objects::values(values)), true, &mut pages);
    let mut order: Vec<&String> = pages.keys().collect();
    // Longer paths first, so that what stands higher replaces what stands deeper.
    order.sort_by(|a, b| depth(b).cmp(&depth(a)).then_with(|| b.cmp(a)));
    let mut failed = Failed { all: options.failures.as_ref(), first: None };
    let set = parsed(&order, &pages, options, &mut failed);
    // Without all of them the others would miss what those define.
    if let Some(error) = failed.first {
        return Err(error);
    }
    let mut out = BTreeMap::new();
    let executed = functions::options(options);
    let mut usage = Usage::new(&executed.limits);
    for path in order {
        let Some(page) = pages.get(path) else { continue };
        if crate::path::base(path).starts_with('_') {
            continue;
        }
        let template = Map::of(Type::Named(&objects::VALUES));
        template.set("Name", Value::string(path.as_str()));
        template.set("BasePath", Value::string(page.base.as_str()));
        page.scope.set("Template", Value::Map(template));
        match set.execute_within(path, &Value::Map(page.scope.clone()), &executed, &mut usage) {
            Ok(text) => {
                out.insert(path.clone(), without_no_value(text));
            }
            Err(error) => {
                // What is left of a bound is not enough for the others either.
                let spent = failure::is_bound(&error);
                let error = failure::execute(error, &|name| pages.get(name).map(|page| page.text.to_vec()));
                if !failed.goes_on(error) || spent {
                    break;
                }
            }
        }
    }
    failed.first.map_or(Ok(out), Err)
}

/// All templates in one set, as far as they can be parsed.
fn parsed(order: &[&String], pages: &BTreeMap<String, Page>, options: &RenderOptions, failed: &mut Failed<'_>) -> Set {
    let functions = functions::all(options.world.as_ref(), options.compat);
    let mut set = Set::named("gotpl", functions).renamed("gotpl", options.limits.stack);
    for path in order {
        let Some(page) = pages.get(*path) else { continue };
        if let Err(error) = set.parse(path, page.text.clone())
            && !failed.goes_on(failure::parse(error, &page.text))
        {
            break;
        }
    }
    set
}

/// The first failure, and where all are noted.
struct Failed<'a> {
    all: Option<&'a Failures>,
    first: Option<RenderError>,
}

impl Failed<'_> {
    /// Keeps a failure and answers whether to go on behind it.
    fn goes_on(&mut self, error: RenderError) -> bool {
        self.first.get_or_insert_with(|| error.clone());
        self.all.is_some_and(|all| all.note(error))
    }
}

/// What a template prints with Sprig's functions and no data.
pub(crate) fn name(template: &str, world: Option<&Rc<World>>) -> Result<String, RenderError> {
    let mut set = Set::named("name-template", functions::sprig(world));
    set.parse("name-template", template).map_err(|error| failure::parse(error, template.as_bytes()))?;
    let text = set
        .execute("name-template", &Value::Nil, &weir_gotemplate::Options::default())
        .map_err(|error| failure::execute(error, &|_| None))?;
    Ok(String::from_utf8_lossy(&text).into_owned())
}

fn depth(path: &str) -> usize {
    path.bytes().filter(|it| *it == b'/').count()
}

/// A missing value prints as `<no value>`, which Helm takes out wherever it stands.
fn without_no_value(text: Vec<u8>) -> Vec<u8> {
    const MARK: &[u8] = b"<no value>";
    let Some(first) = find(&text, MARK) else { return text };
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    let mut next = Some(first);
    while let Some(found) = next {
        out.extend_from_slice(text.get(at..at + found).unwrap_or_default());
        at += found + MARK.len();
        next = find(text.get(at..).unwrap_or_default(), MARK);
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
    out
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    let first = *part.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|it| *it == first)?;
        if text.get(at..)?.starts_with(part) {
            return Some(at);
        }
        from = at + 1;
    }
}

fn release_value(it: &ReleaseFacts) -> Value {
    Value::map([
        ("Name", Value::string(it.name.as_str())),
        ("Namespace", Value::string(it.namespace.as_str())),
        ("IsUpgrade", Value::Bool(it.is_upgrade)),
        ("IsInstall", Value::Bool(!it.is_upgrade)),
        ("Revision", Value::int(it.revision)),
        ("Service", Value::string("Helm")),
    ])
}

/// A template file with what it is executed on.
struct Page {
    text: Str,
    scope: Map,
    base: String,
}

/// What all charts of a release share.
struct Scope {
    release: Value,
    capabilities: Value,
    compat: Compat,
}

impl Scope {
    /// The scope of a chart, after those of its subcharts, which are part of it.
    fn collect(
        &self,
        chart: &Chart,
        path: &str,
        values: Option<Map>,
        is_root: bool,
        pages: &mut BTreeMap<String, Page>,
    ) -> Map {
        let below = Map::new();
        let values = values.unwrap_or_else(|| Map::of(Type::Named(&objects::VALUES)));
        let scope = Map::of(Type::Named(&objects::VALUES));
        scope.set("Chart", objects::chart(&chart.metadata, is_root, self.compat));
        scope.set("Files", files::value(&chart.files));
        scope.set("Release", self.release.clone());
        scope.set("Capabilities", self.capabilities.clone());
        scope.set("Values", Value::Map(values.clone()));
        scope.set("Subcharts", Value::Map(below.clone()));
        for sub in &chart.dependencies {
            let own = values.get(sub.name()).and_then(|it| it.as_map().cloned());
            if let Some(own) = &own {
                objects::share_globals(&values, own);
            }
            let path = format!("{path}/charts/{}", sub.name());
            below.set(sub.name(), Value::Map(self.collect(sub, &path, own, false, pages)));
        }
        for file in &chart.templates {
            if chart.metadata.is_library() && !crate::path::base(&file.name).starts_with('_') {
                continue;
            }
            let name = format!("{path}/{}", file.name);
            let page = Page { text: Str::from(&*file.data), scope: scope.clone(), base: format!("{path}/templates") };
            pages.insert(name, page);
        }
        scope
    }
}
