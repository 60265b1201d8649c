//! The kustomization file.

mod fields;
mod shape;

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

pub(crate) use fields::{CONFIGURATION, PLUGIN, VALUE_TARGET_FILE};
pub(crate) use shape::{Reading, Shape, Shaped, from_value};

use crate::Error;
use crate::charts::{ChartFields, ChartGlobals, OldChart};
use crate::fieldspec::FieldSpec;
use crate::resid::Gvk;
use crate::selector::Selector;

/// The names a kustomization file may have.
pub const FILE_NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

const VERSION: &str = "kustomize.config.k8s.io/v1beta1";
const COMPONENT_VERSION: &str = "kustomize.config.k8s.io/v1alpha1";

type StringMap = BTreeMap<String, String>;

/// All fields of the file.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Kustomization {
    pub(crate) api_version: String,
    pub(crate) kind: String,
    pub(crate) metadata: Option<Value>,
    pub(crate) openapi: StringMap,
    pub(crate) name_prefix: String,
    pub(crate) name_suffix: String,
    pub(crate) namespace: String,
    pub(crate) common_labels: StringMap,
    pub(crate) labels: Vec<Label>,
    pub(crate) common_annotations: StringMap,
    pub(crate) patches_strategic_merge: Vec<String>,
    pub(crate) patches_json6902: Vec<Patch>,
    pub(crate) patches: Vec<Patch>,
    pub(crate) images: Vec<Image>,
    pub(crate) image_tags: Vec<Image>,
    pub(crate) replacements: Vec<ReplacementField>,
    pub(crate) replicas: Vec<Replica>,
    pub(crate) vars: Vec<Var>,
    pub(crate) sort_options: Option<SortOptions>,
    pub(crate) resources: Vec<String>,
    pub(crate) components: Vec<String>,
    pub(crate) crds: Vec<String>,
    pub(crate) bases: Vec<String>,
    pub(crate) config_map_generator: Vec<GeneratorArgs>,
    pub(crate) secret_generator: Vec<GeneratorArgs>,
    pub(crate) helm_globals: Option<ChartGlobals>,
    pub(crate) helm_charts: Vec<ChartFields>,
    pub(crate) helm_chart_inflation_generator: Vec<OldChart>,
    pub(crate) generator_options: Option<GeneratorOptions>,
    pub(crate) configurations: Vec<String>,
    pub(crate) generators: Vec<String>,
    pub(crate) transformers: Vec<String>,
    pub(crate) validators: Vec<String>,
    pub(crate) build_metadata: Vec<String>,
}

/// An entry of `labels`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Label {
    pub(crate) pairs: StringMap,
    pub(crate) include_selectors: bool,
    pub(crate) include_templates: bool,
    pub(crate) include_volume_claim_templates: bool,
    pub(crate) fields: Vec<FieldSpec>,
}

/// An entry of `patches` or `patchesJson6902`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Patch {
    pub(crate) path: String,
    pub(crate) patch: String,
    pub(crate) target: Option<Selector>,
    pub(crate) options: PatchOptions,
}

/// What a patch may change.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct PatchOptions {
    pub(crate) allow_name_change: bool,
    pub(crate) allow_kind_change: bool,
}

/// An entry of `images`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Image {
    pub(crate) name: String,
    pub(crate) new_name: String,
    pub(crate) tag_suffix: String,
    pub(crate) new_tag: String,
    pub(crate) digest: String,
}

/// An entry of `replicas`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Replica {
    pub(crate) name: String,
    pub(crate) count: i64,
}

/// An entry of `vars`.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Var {
    pub(crate) name: String,
    pub(crate) objref: VarTarget,
    pub(crate) fieldref: VarField,
}

/// The object a variable reads.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VarTarget {
    pub(crate) api_version: String,
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
}

impl VarTarget {
    pub(crate) fn gvk(&self) -> Gvk {
        if self.api_version.is_empty() {
            return Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() };
        }
        let mut gvk = Gvk::new(&self.api_version, &self.kind);
        if !self.api_version.contains('/') {
            gvk.group.clone_from(&self.group);
        }
        gvk
    }
}

/// The field a variable reads.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VarField {
    pub(crate) field_path: String,
}

/// An entry of `replacements`: in a file of its own, or here.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ReplacementField {
    pub(crate) path: String,
    pub(crate) source: Option<Source>,
    pub(crate) targets: Option<Vec<Target>>,
    pub(crate) source_value: Option<String>,
}

/// Where a replacement's value comes from.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Source {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) field_path: String,
    pub(crate) options: FieldOptions,
}

/// Where a replacement's value goes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) select: Option<Selector>,
    pub(crate) reject: Vec<Selector>,
    pub(crate) field_paths: Vec<String>,
    pub(crate) options: FieldOptions,
}

/// Which part of a value, and whether to make what is missing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct FieldOptions {
    pub(crate) delimiter: String,
    pub(crate) index: i64,
    pub(crate) encoding: String,
    pub(crate) create: bool,
}

/// `sortOptions`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct SortOptions {
    pub(crate) order: String,
    pub(crate) legacy_sort_options: Option<LegacySort>,
}

/// Kinds that go first and last.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LegacySort {
    pub(crate) order_first: Vec<String>,
    pub(crate) order_last: Vec<String>,
}

/// An entry of `configMapGenerator` or `secretGenerator`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GeneratorArgs {
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) behavior: String,
    pub(crate) literals: Vec<String>,
    pub(crate) files: Vec<String>,
    pub(crate) envs: Vec<String>,
    pub(crate) env: String,
    pub(crate) options: Option<GeneratorOptions>,
    /// Of a secret.
    #[serde(rename = "type")]
    pub(crate) secret_type: String,
}

/// `generatorOptions`, and `options` of a generator.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct GeneratorOptions {
    pub(crate) labels: StringMap,
    pub(crate) annotations: StringMap,
    pub(crate) disable_name_suffix_hash: bool,
    pub(crate) immutable: bool,
}

impl Shaped for Kustomization {
    const SHAPE: Shape = fields::KUSTOMIZATION;
}

impl Shaped for ReplacementField {
    const SHAPE: Shape = fields::REPLACEMENT;
}

impl Shaped for ChartFields {
    const SHAPE: Shape = fields::HELM_PLUGIN;
}

impl Shaped for GeneratorArgs {
    const SHAPE: Shape = fields::SECRET;
}

impl Kustomization {
    /// Reads the file's text; deprecated spellings are taken for their successors.
    pub(crate) fn parse(text: &str, file: &str) -> Result<Self, Error> {
        let limits = weir_yaml::Limits { duplicate_keys: true, ..weir_yaml::Limits::default() };
        let documents = weir_yaml::parse(text, &limits).map_err(|source| Error::yaml(file, source))?;
        let value = match documents.first() {
            Some(node) => weir_yaml::to_value(node).map_err(|source| Error::yaml(file, source))?,
            None => Value::Null,
        };
        let value = shape::shape(value, Self::SHAPE, file, Reading::Strict)?;
        if says_nothing(&value) {
            return Err(Error::field(file, "resources", "the kustomization file is empty"));
        }
        let mut fields: Self = shape::typed(value, file)?;
        fields.fix();
        fields.check(file)?;
        Ok(fields)
    }

    pub(crate) fn is_component(&self) -> bool {
        self.kind == "Component"
    }

    fn fix(&mut self) {
        if self.kind.is_empty() {
            "Kustomization".clone_into(&mut self.kind);
        }
        self.resources.append(&mut self.bases);
        self.images.append(&mut self.image_tags);
        for generator in self.config_map_generator.iter_mut().chain(&mut self.secret_generator) {
            if !generator.env.is_empty() {
                generator.envs.push(std::mem::take(&mut generator.env));
            }
        }
        for replacement in &mut self.replacements {
            replacement.targets.take_if(|targets| targets.is_empty());
        }
        let mut globals = ChartGlobals::default();
        for old in std::mem::take(&mut self.helm_chart_inflation_generator) {
            let (chart, more) = old.fixed();
            self.helm_charts.push(chart);
            for (known, new) in
                [(&mut globals.chart_home, more.chart_home), (&mut globals.config_home, more.config_home)]
            {
                if !new.is_empty() {
                    *known = new;
                }
            }
        }
        self.helm_globals.get_or_insert(globals);
    }

    fn check(&self, file: &str) -> Result<(), Error> {
        if self.kind != "Kustomization" && !self.is_component() {
            return Err(Error::field(file, "kind", "should be Kustomization or Component"));
        }
        let version = if self.is_component() { COMPONENT_VERSION } else { VERSION };
        if !self.api_version.is_empty() && self.api_version != version {
            return Err(Error::field(file, "apiVersion", format!("for {} should be {version}", self.kind)));
        }
        Ok(())
    }
}

/// It says nothing: no field but the kind has a value. An empty list is a value, unless it stands in a deprecated field, whose
/// items are moved to its successor.
fn says_nothing(fields: &Value) -> bool {
    const MOVED: [&str; 3] = ["bases", "imageTags", "helmChartInflationGenerator"];
    let Some(map) = fields.as_object() else { return true };
    map.iter().all(|(key, value)| {
        let none = MOVED.contains(&key.as_str()) && value.as_array().is_some_and(Vec::is_empty);
        matches!(key.as_str(), "apiVersion" | "kind") || none || value.as_str() == Some("")
    })
}
