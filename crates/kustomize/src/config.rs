//! Which fields of which kinds the transformers change: built in, from `configurations` and from `crds`.

mod crds;
mod defaults;

use std::sync::{Arc, OnceLock};

use serde::Deserialize;

use crate::Error;
use crate::fieldspec::FieldSpec;
use crate::kustomization::{CONFIGURATION, Shape, Shaped};
use crate::resid::Gvk;
use crate::transform::sort;

pub(crate) use crds::from_crds;

/// Fields that hold the name of an object of a kind.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NameReference {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) field_specs: Vec<FieldSpec>,
}

impl NameReference {
    pub(crate) fn gvk(&self) -> Gvk {
        Gvk { group: self.group.clone(), version: self.version.clone(), kind: self.kind.clone() }
    }
}

/// The fields each transformer changes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) name_prefix: Vec<FieldSpec>,
    pub(crate) name_suffix: Vec<FieldSpec>,
    pub(crate) namespace: Vec<FieldSpec>,
    pub(crate) common_labels: Vec<FieldSpec>,
    pub(crate) labels: Vec<FieldSpec>,
    pub(crate) template_labels: Vec<FieldSpec>,
    pub(crate) volume_claim_template_labels: Vec<FieldSpec>,
    pub(crate) common_annotations: Vec<FieldSpec>,
    pub(crate) name_reference: Vec<NameReference>,
    pub(crate) var_reference: Vec<FieldSpec>,
    pub(crate) images: Vec<FieldSpec>,
    pub(crate) replicas: Vec<FieldSpec>,
}

impl Shaped for Config {
    const SHAPE: Shape = CONFIGURATION;
}

impl Config {
    /// The built-in fields, merged as any others are.
    pub(crate) fn builtin() -> &'static Arc<Config> {
        static BUILTIN: OnceLock<Arc<Config>> = OnceLock::new();
        BUILTIN.get_or_init(|| {
            let mut config = Config::default();
            config.add(&defaults::config()).expect("the built-in field specs agree with each other");
            Arc::new(config)
        })
    }

    /// Adds another's fields. Two that say different things of one field are refused.
    pub(crate) fn merge(into: &mut Arc<Config>, other: &Arc<Config>) -> Result<(), Error> {
        if Arc::ptr_eq(into, other) {
            return Ok(());
        }
        if into.is_empty() && Arc::ptr_eq(other, Config::builtin()) {
            *into = Arc::clone(other);
            return Ok(());
        }
        Arc::make_mut(into).add(other)
    }

    fn is_empty(&self) -> bool {
        self.specs().iter().all(|specs| specs.is_empty()) && self.name_reference.is_empty()
    }

    fn specs(&self) -> [&Vec<FieldSpec>; 11] {
        [
            &self.name_prefix,
            &self.name_suffix,
            &self.namespace,
            &self.common_labels,
            &self.labels,
            &self.template_labels,
            &self.volume_claim_template_labels,
            &self.common_annotations,
            &self.var_reference,
            &self.images,
            &self.replicas,
        ]
    }

    fn specs_mut(&mut self) -> [&mut Vec<FieldSpec>; 11] {
        [
            &mut self.name_prefix,
            &mut self.name_suffix,
            &mut self.namespace,
            &mut self.common_labels,
            &mut self.labels,
            &mut self.template_labels,
            &mut self.volume_claim_template_labels,
            &mut self.common_annotations,
            &mut self.var_reference,
            &mut self.images,
            &mut self.replicas,
        ]
    }

    /// Adds fields and sorts them by kind: which of two that overlap is kept depends on the order.
    pub(crate) fn add(&mut self, other: &Config) -> Result<(), Error> {
        for (known, more) in self.specs_mut().into_iter().zip(other.specs()) {
            merge_specs(known, more)?;
            known.sort_by_cached_key(|spec| sort::rank(&spec.gvk()));
        }
        for reference in &other.name_reference {
            let gvk = reference.gvk();
            match self.name_reference.iter_mut().find(|r| r.gvk() == gvk) {
                Some(known) => merge_specs(&mut known.field_specs, &reference.field_specs)?,
                None => self.name_reference.push(reference.clone()),
            }
        }
        self.name_reference.sort_by_cached_key(|reference| sort::rank(&reference.gvk()));
        Ok(())
    }
}

/// Adds field specs that are not covered yet: one that is known covers those that select more.
pub(crate) fn merge_specs(specs: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<(), Error> {
    for spec in more {
        let gvk = spec.gvk();
        match specs.iter().find(|known| known.path == spec.path && known.gvk().is_selected(&gvk)) {
            Some(known) if known.create != spec.create => {
                return Err(Error::object(format!("conflicting fieldspecs for {}", spec.path)));
            }
            Some(_) => {}
            None => specs.push(spec.clone()),
        }
    }
    Ok(())
}
