//! Which fields of which kinds the transformers change: built in, from `configurations` and from `crds`.

mod crds;
mod defaults;

use serde::Deserialize;

use crate::Error;
use crate::fieldspec::FieldSpec;
use crate::resid::Gvk;

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
#[serde(default, rename_all = "camelCase")]
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

impl Config {
    /// The built-in fields.
    pub(crate) fn builtin() -> &'static Config {
        static BUILTIN: std::sync::OnceLock<Config> = std::sync::OnceLock::new();
        BUILTIN.get_or_init(defaults::config)
    }

    /// Adds another's fields. Two that say different things of one field are refused.
    pub(crate) fn merge(&mut self, other: &Config) -> Result<(), Error> {
        merge_specs(&mut self.name_prefix, &other.name_prefix)?;
        merge_specs(&mut self.name_suffix, &other.name_suffix)?;
        merge_specs(&mut self.namespace, &other.namespace)?;
        merge_specs(&mut self.common_labels, &other.common_labels)?;
        merge_specs(&mut self.labels, &other.labels)?;
        merge_specs(&mut self.template_labels, &other.template_labels)?;
        merge_specs(&mut self.volume_claim_template_labels, &other.volume_claim_template_labels)?;
        merge_specs(&mut self.common_annotations, &other.common_annotations)?;
        merge_specs(&mut self.var_reference, &other.var_reference)?;
        merge_specs(&mut self.images, &other.images)?;
        merge_specs(&mut self.replicas, &other.replicas)?;
        for reference in &other.name_reference {
            let gvk = reference.gvk();
            match self.name_reference.iter_mut().find(|r| r.gvk() == gvk) {
                Some(known) => merge_specs(&mut known.field_specs, &reference.field_specs)?,
                None => self.name_reference.push(reference.clone()),
            }
        }
        Ok(())
    }
}

/// Adds field specs that are not covered yet.
pub(crate) fn merge_specs(specs: &mut Vec<FieldSpec>, more: &[FieldSpec]) -> Result<(), Error> {
    if specs.is_empty() {
        let (first, rest) = match more.split_first() {
            Some((first, rest)) => (first.clone(), rest),
            None => return Ok(()),
        };
        specs.push(first);
        return merge_specs(specs, rest);
    }
    for spec in more {
        let gvk = spec.gvk();
        match specs.iter().find(|known| known.path == spec.path && gvk.is_selected(&known.gvk())) {
            Some(known) if known.create != spec.create => {
                return Err(Error::object(format!("conflicting fieldspecs for {}", spec.path)));
            }
            Some(_) => {}
            None => specs.push(spec.clone()),
        }
    }
    Ok(())
}
