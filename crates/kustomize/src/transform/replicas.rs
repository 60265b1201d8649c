//! `replicas`.

use std::collections::HashMap;

use weir_yaml::Node;

use crate::Error;
use crate::fieldspec::{Create, FieldSpec, set_scalar};
use crate::kustomization::Replica;
use crate::resmap::ResMap;

/// Sets the number of replicas of the objects that have or had a name.
pub(crate) fn set(map: &mut ResMap, replicas: &[Replica], specs: &[FieldSpec]) -> Result<(), Error> {
    let mut names: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, resource) in map.list.iter().enumerate() {
        for id in resource.all_ids() {
            let found = names.entry(id.name).or_default();
            if !found.contains(&at) {
                found.push(at);
            }
        }
    }
    for replica in replicas {
        map.meter.go_on()?;
        let mut found = false;
        for spec in specs {
            for &at in names.get(&replica.name).map_or(&[][..], Vec::as_slice) {
                let Some(resource) = map.list.get_mut(at) else { continue };
                if !resource.all_ids().any(|id| id.name == replica.name && id.gvk.is_selected(&spec.gvk())) {
                    continue;
                }
                found = true;
                let count = replica.count.to_string();
                spec.apply(resource, Create::Scalar, &mut |node: &mut Node| set_scalar(node, &count))?;
            }
        }
        if !found {
            return Err(Error::object(format!("no resource with replicas is named {}", replica.name)));
        }
    }
    Ok(())
}
