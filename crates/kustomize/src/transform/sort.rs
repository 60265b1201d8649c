//! `sortOptions`: the order of the output.

use std::collections::HashMap;

use crate::Error;
use crate::kustomization::{LegacySort, SortOptions};
use crate::resid::{Gvk, Id};
use crate::resmap::ResMap;
use crate::resource::Resource;

const FIRST: [&str; 22] = [
    "Namespace",
    "ResourceQuota",
    "StorageClass",
    "CustomResourceDefinition",
    "ServiceAccount",
    "PodSecurityPolicy",
    "Role",
    "ClusterRole",
    "RoleBinding",
    "ClusterRoleBinding",
    "ConfigMap",
    "Secret",
    "Endpoints",
    "Service",
    "LimitRange",
    "PriorityClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "CronJob",
    "PodDisruptionBudget",
];
const LAST: [&str; 2] = ["MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"];

/// Sorts as the options say.
pub(crate) fn by_options(map: &mut ResMap, options: &SortOptions) -> Result<(), Error> {
    match (options.order.as_str(), &options.legacy_sort_options) {
        ("legacy", None) => legacy(map, None),
        ("legacy", Some(kinds)) => legacy(map, Some(kinds)),
        ("fifo", None) => {}
        ("fifo", Some(_)) => {
            return Err(Error::object("sortOptions.legacySortOptions is set but sortOptions.order is not legacy"));
        }
        _ => return Err(Error::object("sortOptions.order must be fifo or legacy")),
    }
    Ok(())
}

/// The place of a kind in a list of field specs.
pub(crate) fn rank(gvk: &Gvk) -> (i64, String) {
    let place = |list: &[&str]| list.iter().position(|kind| *kind == gvk.kind);
    let first = i64::try_from(FIRST.len()).unwrap_or(0);
    let rank = match (place(&FIRST), place(&LAST)) {
        (Some(at), _) => i64::try_from(at).unwrap_or(0) - first,
        (None, Some(at)) => i64::try_from(at).unwrap_or(0) + 1,
        (None, None) => 0,
    };
    (rank, gvk_text(gvk))
}

struct Key {
    rank: i64,
    gvk: Gvk,
    gvk_text: String,
    id_text: String,
}

/// Kinds that others need first, webhooks last, the rest by group, version and kind, then by namespace and name.
pub(crate) fn legacy(map: &mut ResMap, kinds: Option<&LegacySort>) {
    let mut ranks: HashMap<&str, i64> = HashMap::new();
    let own: (Vec<&str>, Vec<&str>) = match kinds {
        Some(kinds) => (
            kinds.order_first.iter().map(String::as_str).collect(),
            kinds.order_last.iter().map(String::as_str).collect(),
        ),
        None => (FIRST.to_vec(), LAST.to_vec()),
    };
    for (rank, kind) in (0i64..).zip(&own.0) {
        ranks.insert(kind, rank - i64::try_from(own.0.len()).unwrap_or(0));
    }
    for (rank, kind) in (1i64..).zip(&own.1) {
        ranks.insert(kind, rank);
    }
    let mut keyed: Vec<(Key, Resource)> = std::mem::take(&mut map.list)
        .into_iter()
        .map(|resource| {
            let id = resource.id();
            let rank = ranks.get(id.gvk.kind.as_str()).copied().unwrap_or(0);
            let id_text = id_text(&id, resource.namespace());
            (Key { rank, gvk_text: gvk_text(&id.gvk), gvk: id.gvk, id_text }, resource)
        })
        .collect();
    keyed.sort_by(|(a, _), (b, _)| {
        if a.gvk == b.gvk {
            return a.id_text.cmp(&b.id_text);
        }
        let order = a.gvk_text.cmp(&b.gvk_text);
        let namespaces = a.gvk.kind == "Namespace" && b.gvk.kind == "Namespace";
        let core = a.gvk.group.is_empty() || b.gvk.group.is_empty();
        a.rank.cmp(&b.rank).then(if namespaces && core { order.reverse() } else { order })
    });
    map.list = keyed.into_iter().map(|(_, resource)| resource).collect();
}

fn or(text: &str, none: &str) -> String {
    if text.is_empty() { none.to_owned() } else { text.to_owned() }
}

fn gvk_text(gvk: &Gvk) -> String {
    format!("{}_{}_{}", or(&gvk.group, "~G"), or(&gvk.version, "~V"), or(&gvk.kind, "~K"))
}

fn id_text(id: &Id, namespace: &str) -> String {
    format!("{}|{}|{}", id.gvk, or(namespace, "~X"), or(&id.name, "~N"))
}
