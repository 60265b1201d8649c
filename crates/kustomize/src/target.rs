//! A build: one kustomization, what it contains, and what it does to it.
//!
//! resources -> configuration -> generators -> components -> transformers -> validators -> vars, for each folder; then hashes,
//! name references and variables once for the whole.

mod plugins;
mod steps;

use std::sync::Arc;

use weir_yaml::Node;

use crate::config::{self, Config};
use crate::kustomization::{Kustomization, Reading, from_value};
use crate::loader::{Loader, is_url};
use crate::meter::Meter;
use crate::options::{Options, Reorder};
use crate::origin::{ORIGIN, Origin, TRANSFORMATIONS};
use crate::remote::{RemoteBase, shown};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::schema::Schema;
use crate::transform::variables::Variables;
use crate::transform::{labels, names, references, sort};
use crate::tree::{Kind, Tree};
use crate::{Error, read};

const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const VERSION: &str = "kustomize-v5.8.2";

/// What a kustomization gave.
struct Accumulated {
    map: ResMap,
    config: Arc<Config>,
    variables: Variables,
}

impl Accumulated {
    /// Nothing yet, of the build that `meter` belongs to.
    fn new(meter: &Meter) -> Self {
        let map = ResMap { list: Vec::new(), meter: meter.clone() };
        Self { map, config: Arc::default(), variables: Variables::default() }
    }
}

/// What is the same for all kustomizations of a build.
struct Shared {
    /// Custom schemas are set once, by the first kustomization that has one.
    schema: Arc<Schema>,
    schema_is_set: bool,
    /// A kind was met that is not built in. The original then looks into its own schema and keeps it beside a custom one
    /// that comes later.
    builtin_used: bool,
    track_origin: bool,
}

/// One kustomization being built.
struct Target<'a> {
    loader: Loader<'a>,
    fields: Kustomization,
    /// The file's name, and its path in the tree for messages.
    name: String,
    file: String,
    origin: Option<Origin>,
    /// The namespace the charts of this kustomization are rendered for, from those that led here.
    helm_namespace: String,
}

pub(crate) fn build(tree: &dyn Tree, path: &str, options: &Options<'_>) -> Result<Vec<Resource>, Error> {
    let loader = Loader::new(tree, path, options)?;
    let target = Target::load(loader, None, String::new())?;
    let metadata = target.fields.build_metadata.clone();
    let mut shared = Shared {
        schema: Schema::builtin(),
        schema_is_set: false,
        builtin_used: false,
        track_origin: !metadata.is_empty(),
    };
    let target = Target { origin: shared.track_origin.then(Origin::default), ..target };
    target.set_schema(&mut shared)?;
    let sorting = target.fields.sort_options.clone();
    let file = target.file.clone();
    let nothing = Accumulated::new(&target.loader.meter);
    let mut all = target.accumulate(nothing, &mut shared)?;
    names::add_hashes(&mut all.map)?;
    references::fix(&mut all.map, &all.config)?;
    all.variables.resolve(&mut all.map, &all.config)?;
    drop_local(&mut all.map);
    match &sorting {
        Some(options) => sort::by_options(&mut all.map, options).map_err(|e| e.at(&file, "sortOptions"))?,
        None if options.reorder == Reorder::Legacy => sort::legacy(&mut all.map, None),
        None => {}
    }
    let wants = |option: &str| metadata.iter().any(|m| m == option);
    if options.managed_by_label || wants("managedByLabel") {
        let pairs = [(MANAGED_BY.to_owned(), VERSION.to_owned())].into();
        labels::set(&mut all.map, &pairs, &[labels::metadata()])?;
    }
    for resource in &mut all.map.list {
        all.map.meter.go_on()?;
        finish(resource, wants("originAnnotations"), wants("transformerAnnotations"));
    }
    Ok(all.map.list)
}

/// Annotations as kustomize leaves them: strings, its own marks removed, no empty map.
fn finish(resource: &mut Resource, keep_origin: bool, keep_transformations: bool) {
    const MARKS: [&str; 19] = [
        "internal.config.kubernetes.io/previousKinds",
        "internal.config.kubernetes.io/previousNames",
        "internal.config.kubernetes.io/previousNamespaces",
        "internal.config.kubernetes.io/prefixes",
        "internal.config.kubernetes.io/suffixes",
        "internal.config.kubernetes.io/allowNameChange",
        "internal.config.kubernetes.io/allowKindChange",
        "internal.config.kubernetes.io/refBy",
        "internal.config.kubernetes.io/generatorBehavior",
        "internal.config.kubernetes.io/needsHashSuffix",
        "config.kubernetes.io/path",
        "config.kubernetes.io/index",
        "config.kubernetes.io/id",
        "internal.config.kubernetes.io/path",
        "internal.config.kubernetes.io/index",
        "internal.config.kubernetes.io/id",
        "internal.config.kubernetes.io/seqindent",
        "internal.config.kubernetes.io/annotations-migration-resource-id",
        "internal.config.kubernetes.io/helm-generated",
    ];
    if resource.node.get("metadata").is_none() {
        resource.node.set("metadata", Node::mapping());
    }
    if resource.node.at(&["metadata", "annotations"]).is_none() {
        return;
    }
    let mut annotations = resource.string_map("annotations");
    annotations.retain(|(key, _)| {
        !MARKS.contains(&key.as_str())
            && (keep_origin || key != ORIGIN)
            && (keep_transformations || key != TRANSFORMATIONS)
    });
    resource.set_string_map("annotations", &annotations);
}

/// Objects for local use only are not part of the output.
fn drop_local(map: &mut ResMap) {
    map.list.retain(|resource| {
        let local = resource.node.at(&["metadata", "annotations", "config.kubernetes.io/local-config"]);
        local.is_none_or(|value| value.as_str() == Some("false"))
    });
}

impl<'a> Target<'a> {
    fn load(loader: Loader<'a>, origin: Option<Origin>, helm_namespace: String) -> Result<Self, Error> {
        let (name, text) = loader.kustomization()?;
        let file = loader.display(&name);
        let fields = Kustomization::parse(&text, &file)?;
        Ok(Self { loader, fields, name, file, origin, helm_namespace })
    }

    fn set_schema(&self, shared: &mut Shared) -> Result<(), Error> {
        let path = self.fields.openapi.get("path");
        let version = self.fields.openapi.get("version").filter(|v| !v.is_empty());
        let refused = |reason: &str| Error::field(&self.file, "openapi", reason);
        let text = path.map(|path| self.loader.read_text(path)).transpose().map_err(|e| e.at(&self.file, "openapi"))?;
        if shared.schema_is_set {
            return Ok(());
        }
        match (text, version) {
            (Some(_), Some(_)) => Err(refused("builtin version and custom schema provided, cannot use both")),
            (Some(text), None) => {
                let file = path.map(String::as_str).unwrap_or_default();
                let value = read::first_value(&text, file)?;
                shared.schema = Arc::new(Schema::from_openapi(&value, file, shared.builtin_used)?);
                shared.schema_is_set = true;
                Ok(())
            }
            (None, Some(version)) if version != "v1.21.2" && version != "v1_21_2" => {
                Err(refused("the specified OpenAPI version is not built in"))
            }
            (None, Some(_)) => {
                shared.schema_is_set = true;
                Ok(())
            }
            (None, None) => Ok(()),
        }
    }

    /// Adds what this kustomization holds to what is there (nothing, or for a component everything before it).
    fn accumulate(mut self, mut all: Accumulated, shared: &mut Shared) -> Result<Accumulated, Error> {
        let resources = std::mem::take(&mut self.fields.resources);
        self.resources(&mut all, &resources, shared)?;
        self.configure(&mut all)?;
        self.generate(&mut all, shared)?;
        for path in std::mem::take(&mut self.fields.components) {
            all = self
                .component(all, &path, shared)
                .map_err(|e| e.at(&self.file, format!("components: {}", shown(&path))))?;
        }
        self.transform(&mut all, shared)?;
        self.validate(&mut all, shared)?;
        let vars = std::mem::take(&mut self.fields.vars);
        all.variables.add(&mut all.map, &vars).map_err(|e| e.at(&self.file, "vars"))?;
        Ok(all)
    }

    /// Files and folders of `resources`.
    fn resources(&self, all: &mut Accumulated, paths: &[String], shared: &mut Shared) -> Result<(), Error> {
        // Objects of files are added together, so that names are looked up once.
        let mut pending: Vec<Resource> = Vec::new();
        for path in paths {
            let at = |error: Error| error.at(&self.file, format!("resources: {}", shown(path)));
            if self.is_base(path) {
                all.map.append_all(std::mem::take(&mut pending)).map_err(at)?;
                self.base(all, path, shared).map_err(at)?;
                continue;
            }
            let found = self.file_resources(path).map_err(at)?;
            shared.builtin_used |= found.iter().any(|r| shared.schema.of_kind(r.api_version(), r.kind()).is_unknown());
            pending.extend(found);
            self.check_budget(all.map.list.len() + pending.len())?;
        }
        all.map.append_all(pending).map_err(|e| e.at(&self.file, "resources"))
    }

    fn check_budget(&self, count: usize) -> Result<(), Error> {
        let limit = self.loader.options.budget.resources;
        if count > limit { Err(Error::Budget { what: "number of objects", limit }) } else { Ok(()) }
    }

    /// The path leads to a kustomization: a folder, or a repository. An address that answers with objects is a file.
    fn is_base(&self, path: &str) -> bool {
        if RemoteBase::parse(path).is_some() {
            return !is_url(path)
                || self.loader.options.remote.is_none()
                || self.loader.read_text(path).and_then(|text| read::resources(&text, path)).is_err();
        }
        self.loader.kind(path) == Kind::Dir
    }

    fn file_resources(&self, path: &str) -> Result<Vec<Resource>, Error> {
        if self.loader.kind(path) == Kind::Missing && !is_url(path) {
            // Says what is wrong with it as a folder.
            self.loader.enter(path)?;
        }
        let text = self.loader.read_text(path)?;
        let mut resources = read::resources(&text, &self.loader.display(path))?;
        resources.iter().try_for_each(|resource| self.loader.meter.take(&resource.node))?;
        if let Some(origin) = &self.origin {
            let text = origin.append(path).text();
            for resource in &mut resources {
                resource.set_annotation(ORIGIN, &text);
            }
        }
        Ok(resources)
    }

    fn below(&self, path: &str, shared: &mut Shared) -> Result<Target<'a>, Error> {
        let loader = self.loader.enter(path)?;
        let namespace = if self.fields.namespace.is_empty() { &self.helm_namespace } else { &self.fields.namespace };
        let origin = self.origin.as_ref().map(|o| o.append(path));
        let mut target = Target::load(loader, origin, namespace.clone())?;
        target.fields.build_metadata.clone_from(&self.fields.build_metadata);
        target.set_schema(shared)?;
        Ok(target)
    }

    fn base(&self, all: &mut Accumulated, path: &str, shared: &mut Shared) -> Result<(), Error> {
        let target = self.below(path, shared)?;
        if target.fields.is_component() {
            return Err(Error::field(&target.file, "kind", "a Component belongs into components"));
        }
        let found = target.accumulate(Accumulated::new(&self.loader.meter), shared)?;
        self.check_budget(all.map.list.len() + found.map.list.len())?;
        all.map.append_all(found.map.list)?;
        Config::merge(&mut all.config, &found.config)?;
        all.variables.merge(found.variables)
    }

    fn component(&self, all: Accumulated, path: &str, shared: &mut Shared) -> Result<Accumulated, Error> {
        let target = self.below(path, shared)?;
        if !target.fields.is_component() {
            return Err(Error::field(&target.file, "kind", "must be Component"));
        }
        target.accumulate(all, shared)
    }

    /// Built-in field specs, `configurations` and `crds`.
    fn configure(&self, all: &mut Accumulated) -> Result<(), Error> {
        let mut own = Arc::clone(Config::builtin());
        for path in &self.fields.configurations {
            let at = |error: Error| error.at(&self.file, format!("configurations: {}", shown(path)));
            let read = |value| from_value::<Config>(value, &self.loader.display(path), Reading::Known);
            let found = self.value(path).and_then(read).map_err(at)?;
            Config::merge(&mut own, &Arc::new(found)).map_err(at)?;
        }
        Config::merge(&mut all.config, &own).map_err(|e| e.at(&self.file, "configurations"))?;
        for path in &self.fields.crds {
            let at = |error: Error| error.at(&self.file, format!("crds: {}", shown(path)));
            let found = self.value(path).and_then(|v| config::from_crds(&v)).map_err(at)?;
            Config::merge(&mut all.config, &Arc::new(found)).map_err(at)?;
        }
        Ok(())
    }

    /// A file as a JSON value.
    fn value(&self, path: &str) -> Result<serde_json::Value, Error> {
        let text = self.loader.read_text(path)?;
        read::first_value(&text, &self.loader.display(path))
    }
}
