//! `transformers`, `generators` and `validators`: the built-in kinds, configured in line or in files of their own.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use weir_yaml::Node;

use super::{Accumulated, Shared, Target};
use crate::fieldspec::FieldSpec;
use crate::generate::{Generated, effective_options, generate};
use crate::kustomization::{
    GeneratorArgs, Image, PLUGIN, Patch, PatchOptions, Reading, ReplacementField, Replica, Shape, Shaped,
    VALUE_TARGET_FILE, from_value,
};
use crate::origin::{ORIGIN, Origin};
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::selector::Selector;
use crate::transform::names::{End, NamespaceArgs, Subjects};
use crate::transform::{images, labels, names, patches, replacements, replicas, value_add};
use crate::{Error, read};

/// Every field of the built-in kinds; each reads those it knows.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Settings {
    metadata: Metadata,
    field_specs: Option<Vec<FieldSpec>>,
    prefix: String,
    suffix: String,
    unset_only: bool,
    set_role_binding_subjects: String,
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
    image_tag: Image,
    replica: Replica,
    path: String,
    paths: Vec<String>,
    patch: String,
    patches: String,
    json_op: String,
    target: Option<Selector>,
    options: PatchOptions,
    replacements: Vec<ReplacementField>,
    value: String,
    targets: Vec<value_add::Target>,
    target_file_path: String,
    cloud: String,
    kubernetes_service: Named,
    service_account: Named,
}

impl Shaped for Settings {
    const SHAPE: Shape = PLUGIN;
}

/// The file of targets of a `ValueAddTransformer`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Targets {
    targets: Vec<value_add::Target>,
}

impl Shaped for Targets {
    const SHAPE: Shape = VALUE_TARGET_FILE;
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    name: String,
    namespace: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Named {
    name: String,
    namespace: String,
    project_id: String,
}

impl Target<'_> {
    /// The configuration objects an entry list names.
    fn plugin_configs(&self, entries: &[String], field: &str, shared: &mut Shared) -> Result<Vec<Resource>, Error> {
        let mut all = Accumulated::new(&self.loader.meter);
        let mut paths = Vec::new();
        for entry in entries {
            match read::resources(entry, field) {
                Ok(mut found) => {
                    if let Some(origin) = &self.origin {
                        let text = origin.append(&self.name).text();
                        found.iter_mut().for_each(|r| r.set_annotation(ORIGIN, &text));
                    }
                    all.map.append_all(found)?;
                }
                Err(_) => paths.push(entry.clone()),
            }
        }
        self.resources(&mut all, &paths, shared)?;
        Ok(all.map.list)
    }

    pub(super) fn plugin_generators(&self, all: &mut Accumulated, shared: &mut Shared) -> Result<(), Error> {
        let configs = self
            .plugin_configs(&self.fields.generators, "generators", shared)
            .map_err(|e| e.at(&self.file, "generators"))?;
        for config in configs {
            let at = |error: Error| error.at(&self.file, format!("generators: {}", config.id()));
            let mut generated = self.run_generator(&config, shared).map_err(at)?;
            if let Some(by) = plugin_origin(&config) {
                for resource in generated.iter_mut().filter(|r| r.annotation(ORIGIN).is_none()) {
                    resource.set_annotation(ORIGIN, &by.text());
                }
            }
            all.map.absorb_all(generated).map_err(at)?;
        }
        Ok(())
    }

    fn run_generator(&self, config: &Resource, shared: &Shared) -> Result<Vec<Resource>, Error> {
        let value = read::config_value(config)?;
        let file = config.id().to_string();
        let kind = builtin_kind(config)?;
        match kind {
            "ConfigMapGenerator" | "SecretGenerator" => {
                let args = generator_args(value, &file)?;
                let what = if kind == "SecretGenerator" { Generated::Secret } else { Generated::ConfigMap };
                let options = effective_options(args.options.as_ref(), None);
                Ok(vec![generate(what, &args, &options, &self.loader)?])
            }
            "IAMPolicyGenerator" => {
                let settings = settings(value, &file, &["cloud", "kubernetesService", "serviceAccount"])?;
                Ok(vec![iam_policy(&settings)?])
            }
            "HelmChartInflationGenerator" => self.inflate(from_value(value, &file, Reading::Lenient)?, &shared.schema),
            other => Err(unknown(other)),
        }
    }

    pub(super) fn plugin_transformers(
        &self,
        all: &mut Accumulated,
        entries: &[String],
        field: &str,
        shared: &mut Shared,
    ) -> Result<(), Error> {
        let configs = self.plugin_configs(entries, field, shared).map_err(|e| e.at(&self.file, field))?;
        for config in configs {
            let at = |error: Error| error.at(&self.file, format!("{field}: {}", config.id()));
            self.run_transformer(&mut all.map, &config, shared).map_err(at)?;
            self.after(&mut all.map, plugin_origin(&config).as_ref())?;
        }
        Ok(())
    }

    fn run_transformer(&self, map: &mut ResMap, config: &Resource, shared: &Shared) -> Result<(), Error> {
        let kind = builtin_kind(config)?;
        let file = config.id().to_string();
        let settings = settings(read::config_value(config)?, &file, known_fields(kind))?;
        if kind.ends_with("fixTransformer") && settings.field_specs.is_none() {
            return Err(Error::object("fieldSpecs is not expected to be nil"));
        }
        let specs = settings.field_specs.clone().unwrap_or_default();
        match kind {
            "PrefixTransformer" | "SuffixTransformer" => {
                let prefix = kind == "PrefixTransformer";
                let (end, text) =
                    if prefix { (End::Prefix, &settings.prefix) } else { (End::Suffix, &settings.suffix) };
                names::affix(map, end, text, &specs)
            }
            // Both ends at once; each does nothing without its text.
            "PrefixSuffixTransformer" => {
                names::affix(map, End::Prefix, &settings.prefix, &specs)?;
                names::affix(map, End::Suffix, &settings.suffix, &specs)
            }
            "NamespaceTransformer" => {
                let args = NamespaceArgs {
                    namespace: settings.metadata.namespace.clone(),
                    specs,
                    unset_only: settings.unset_only,
                    subjects: Subjects::parse(&settings.set_role_binding_subjects)?,
                };
                names::namespace(map, &args)
            }
            "LabelTransformer" => labels::set(map, &settings.labels, &specs),
            "AnnotationsTransformer" => labels::set(map, &settings.annotations, &specs),
            "ImageTagTransformer" => images::set(map, std::slice::from_ref(&settings.image_tag), &specs),
            "ReplicaCountTransformer" => replicas::set(map, std::slice::from_ref(&settings.replica), &specs),
            "PatchTransformer" => patches::patch(map, &settings.as_patch(), &self.loader, &shared.schema),
            "PatchJson6902Transformer" => patches::json6902_entry(map, &settings.as_json_patch(), &self.loader),
            "PatchStrategicMergeTransformer" => self.merge_patches(map, &settings, shared),
            "ReplacementTransformer" => {
                replacements::apply(map, &replacements::load(&settings.replacements, &self.loader)?)
            }
            "HashTransformer" => names::add_hashes(map),
            "ValueAddTransformer" => self.add_value(map, &settings),
            other => Err(unknown(other)),
        }
    }

    fn merge_patches(&self, map: &mut ResMap, settings: &Settings, shared: &Shared) -> Result<(), Error> {
        if settings.paths.is_empty() && settings.patches.is_empty() {
            return Err(Error::object("empty file path and empty patch content"));
        }
        if !settings.paths.is_empty() {
            patches::strategic_merge_list(map, &settings.paths, &self.loader, &shared.schema)?;
        }
        if settings.patches.is_empty() {
            return Ok(());
        }
        let objects = read::resources(&settings.patches, "patches")?;
        if objects.is_empty() && settings.paths.is_empty() {
            return Err(Error::object("patch appears to be empty"));
        }
        patches::apply_objects(map, objects, &shared.schema)
    }

    fn add_value(&self, map: &mut ResMap, settings: &Settings) -> Result<(), Error> {
        let mut targets = settings.targets.clone();
        if !settings.target_file_path.is_empty() {
            let file = &settings.target_file_path;
            let more: Targets = from_value(self.value(file)?, file, Reading::Lenient)?;
            targets.extend(more.targets);
        }
        let value = settings.value.trim();
        let value = if value.is_empty() { self.loader.root_name() } else { value };
        value_add::add(map, value, &targets)
    }
}

impl Settings {
    fn as_patch(&self) -> Patch {
        Patch {
            path: self.path.clone(),
            patch: self.patch.clone(),
            target: self.target.clone(),
            options: self.options.clone(),
        }
    }

    fn as_json_patch(&self) -> Patch {
        Patch { patch: self.json_op.clone(), ..self.as_patch() }
    }
}

fn unknown(kind: &str) -> Error {
    Error::Unavailable { what: format!("plugin {kind}"), hint: "only the built-in transformers and generators run" }
}

fn builtin_kind(config: &Resource) -> Result<&str, Error> {
    if config.api_version() != "builtin" {
        return Err(unknown(&format!("{} ({})", config.kind(), config.api_version())));
    }
    Ok(config.kind())
}

fn generator_args(value: Value, file: &str) -> Result<GeneratorArgs, Error> {
    let mut args: GeneratorArgs = from_value(value.clone(), file, Reading::Lenient)?;
    let Settings { metadata, .. } = settings(value, file, &[])?;
    if args.name.is_empty() {
        args.name = metadata.name;
    }
    if args.namespace.is_empty() {
        args.namespace = metadata.namespace;
    }
    if !args.env.is_empty() {
        args.envs.push(std::mem::take(&mut args.env));
    }
    Ok(args)
}

/// The settings of a plugin: `known` and the metadata; what else stands there is passed over, whatever it is.
fn settings(mut value: Value, file: &str, known: &[&str]) -> Result<Settings, Error> {
    if let Some(map) = value.as_object_mut() {
        let fits = |key: &str| known.iter().any(|field| field.eq_ignore_ascii_case(key));
        map.retain(|key, _| key.eq_ignore_ascii_case("metadata") || fits(key));
    }
    from_value(value, file, Reading::Lenient)
}

/// The fields a built-in transformer reads.
fn known_fields(kind: &str) -> &'static [&'static str] {
    match kind {
        "PrefixTransformer" => &["prefix", "fieldSpecs"],
        "SuffixTransformer" => &["suffix", "fieldSpecs"],
        "PrefixSuffixTransformer" => &["prefix", "suffix", "fieldSpecs"],
        "NamespaceTransformer" => &["fieldSpecs", "unsetOnly", "setRoleBindingSubjects"],
        "LabelTransformer" => &["labels", "fieldSpecs"],
        "AnnotationsTransformer" => &["annotations", "fieldSpecs"],
        "ImageTagTransformer" => &["imageTag", "fieldSpecs"],
        "ReplicaCountTransformer" => &["replica", "fieldSpecs"],
        "PatchTransformer" => &["path", "patch", "target", "options"],
        "PatchJson6902Transformer" => &["target", "path", "jsonOp"],
        "PatchStrategicMergeTransformer" => &["paths", "patches"],
        "ReplacementTransformer" => &["replacements"],
        "ValueAddTransformer" => &["value", "targets", "targetFilePath"],
        _ => &[],
    }
}

/// What a configuration object did, for the annotations of what it changed.
fn plugin_origin(config: &Resource) -> Option<Origin> {
    let known = config.annotation(ORIGIN)?;
    let path = weir_yaml::parse_one(known, &weir_yaml::Limits::default()).ok()?;
    let by = [config.api_version(), config.kind(), config.name(), config.namespace()].map(str::to_owned);
    let text = |key: &str| path.get_str(key).unwrap_or_default().to_owned();
    let (configured_in, repo, reference) = (text("path"), text("repo"), text("ref"));
    Some(Origin { path: String::new(), repo, reference, configured_in, configured_by: Some(by) })
}

fn iam_policy(settings: &Settings) -> Result<Resource, Error> {
    if settings.cloud != "gke" {
        return Err(Error::object(format!("cloud provider {} not supported yet", settings.cloud)));
    }
    let mut node = Node::mapping();
    node.set("apiVersion", Node::scalar("v1"));
    node.set("kind", Node::scalar("ServiceAccount"));
    let mut resource = Resource::new(node);
    let account =
        format!("{}@{}.iam.gserviceaccount.com", settings.service_account.name, settings.service_account.project_id);
    resource.set_annotation("iam.gke.io/gcp-service-account", &account);
    resource.set_name(&settings.kubernetes_service.name);
    resource.set_namespace(&settings.kubernetes_service.namespace);
    Ok(resource)
}
