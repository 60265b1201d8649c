//! `labels`, `commonLabels` and `commonAnnotations`.

use std::collections::BTreeMap;

use weir_yaml::{Data, Node};

use crate::Error;
use crate::config::{Config, merge_specs};
use crate::fieldspec::{Create, FieldSpec};
use crate::kustomization::Label;
use crate::merge::restyle;
use crate::meter::Meter;
use crate::resmap::ResMap;

/// Sets keys of the maps at `specs`.
pub(crate) fn set(map: &mut ResMap, pairs: &BTreeMap<String, String>, specs: &[FieldSpec]) -> Result<(), Error> {
    if pairs.is_empty() {
        return Ok(());
    }
    let ResMap { list, meter } = map;
    for resource in list {
        for spec in specs {
            spec.apply(resource, Create::Mapping, &mut |node| set_all(node, pairs, meter))?;
        }
    }
    Ok(())
}

fn set_all(node: &mut Node, pairs: &BTreeMap<String, String>, meter: &Meter) -> Result<(), Error> {
    if node.is_null() {
        return Ok(());
    }
    if !matches!(node.data, Data::Mapping(_)) {
        return Err(Error::object("wrong node kind: expected a mapping"));
    }
    for (key, value) in pairs {
        let mut new = Node::string(value);
        meter.take(&new)?;
        if let Some(old) = node.get(key) {
            restyle(&mut new, old.style);
        }
        node.set(key, new);
    }
    Ok(())
}

/// The fields an entry of `labels` is set in.
pub(crate) fn specs(label: &Label, config: &Config) -> Result<Vec<FieldSpec>, Error> {
    let mut specs = label.fields.clone();
    merge_specs(&mut specs, &config.labels)?;
    if label.include_selectors {
        merge_specs(&mut specs, &config.common_labels)?;
        return Ok(specs);
    }
    if label.include_templates {
        merge_specs(&mut specs, &config.template_labels)?;
    }
    if label.include_volume_claim_templates {
        merge_specs(&mut specs, &config.volume_claim_template_labels)?;
    }
    merge_specs(&mut specs, &[metadata()])?;
    Ok(specs)
}

/// `metadata.labels` of any object.
pub(crate) fn metadata() -> FieldSpec {
    FieldSpec { create: true, ..FieldSpec::new("metadata/labels") }
}
