//! Walking upwards: owner references to the object that was applied, its labels to who applied it, and from there to
//! the sources.

use std::collections::BTreeSet;

use serde_json::Value;
use weir_api::names::label;

use crate::{
    cluster::{self, Cluster, Resource},
    error::Error,
    kind::{self, Kind},
    object::{self, text},
    reconcile,
};

/// What was found on the way.
#[derive(Debug)]
pub struct Trace {
    /// The object asked about, then what owns it, up to the one that was applied.
    pub objects: Vec<Value>,
    /// Appliers and sources in the order they were met.
    pub links: Vec<Link>,
}

/// One step back.
#[derive(Debug)]
pub struct Link {
    /// Which kind.
    pub kind: &'static Kind,
    /// Where.
    pub namespace: String,
    /// Which object.
    pub name: String,
    /// The object, if it still exists.
    pub object: Option<Value>,
}

/// Who applied an object, by its labels. Helm's labels count first: what a HelmRelease installs may carry labels that
/// its chart copied from elsewhere.
fn applier(object: &Value) -> Option<(&'static str, &str, &str)> {
    let by = |kind, name, namespace| match (object::label(object, name), object::label(object, namespace)) {
        ("", _) | (_, "") => None,
        (name, namespace) => Some((kind, namespace, name)),
    };
    by("HelmRelease", label::HELM_NAME, label::HELM_NAMESPACE)
        .or_else(|| by("Kustomization", label::KUSTOMIZE_NAME, label::KUSTOMIZE_NAMESPACE))
}

/// Traces an object.
pub async fn trace(cluster: &Cluster, resources: &[Resource], resource: &Resource, name: &str) -> Result<Trace, Error> {
    let mut objects = vec![cluster.get(resource, cluster.namespace(), name).await?];
    while let Some(object) = objects.last().filter(|object| applier(object).is_none()) {
        let Some(owner) = owner(cluster, resources, object).await? else { break };
        if objects.iter().any(|have| text(have, "/metadata/uid") == text(&owner, "/metadata/uid")) {
            break;
        }
        objects.push(owner);
    }
    let top = objects.last().expect("it holds at least the object asked about").clone();
    let mut links = Vec::new();
    let mut seen = BTreeSet::new();
    match applier(&top) {
        Some(found) => up(cluster, found, &mut links, &mut seen).await?,
        // What nobody applied may still be one of ours, and then it has a source.
        None => match kind::find(text(&top, "/kind"), object::group(&top)) {
            Some(kind) => {
                link(cluster, kind, object::namespace(&top), object::name(&top), &mut links, &mut seen).await?;
                sources(cluster, kind, &top, &mut links, &mut seen).await?;
            }
            None => {
                return Err(Error::Refused {
                    object: object::display(&top),
                    message: "no Kustomization or HelmRelease applied it".into(),
                    hint: format!(
                        "what the suite applies carries the label {} or {}",
                        label::KUSTOMIZE_NAME,
                        label::HELM_NAME
                    ),
                });
            }
        },
    }
    Ok(Trace { objects, links })
}

/// The object that made this one.
async fn owner(cluster: &Cluster, resources: &[Resource], object: &Value) -> Result<Option<Value>, Error> {
    let owners = object.pointer("/metadata/ownerReferences").and_then(Value::as_array);
    let Some(owners) = owners else { return Ok(None) };
    let owner = owners.iter().find(|owner| owner.get("controller") == Some(&Value::Bool(true))).or(owners.first());
    let Some(owner) = owner else { return Ok(None) };
    let Some(resource) = cluster::by_kind(resources, object::group(owner), text(owner, "/kind")) else {
        return Ok(None);
    };
    cluster.find(resource, object::namespace(object), text(owner, "/name")).await
}

/// An applier, its sources, and who applied the applier.
async fn up(
    cluster: &Cluster,
    found: (&'static str, &str, &str),
    links: &mut Vec<Link>,
    seen: &mut BTreeSet<String>,
) -> Result<(), Error> {
    let mut next = Some((found.0, found.1.to_owned(), found.2.to_owned()));
    while let Some((kind, namespace, name)) = next {
        let Some(kind) = kind::by_kind(kind) else { return Ok(()) };
        let Some(object) = link(cluster, kind, &namespace, &name, links, seen).await? else { return Ok(()) };
        sources(cluster, kind, &object, links, seen).await?;
        next = applier(&object).map(|(kind, namespace, name)| (kind, namespace.to_owned(), name.to_owned()));
    }
    Ok(())
}

/// Everything an object is made from.
async fn sources(
    cluster: &Cluster,
    kind: &Kind,
    object: &Value,
    links: &mut Vec<Link>,
    seen: &mut BTreeSet<String>,
) -> Result<(), Error> {
    let mut next = reconcile::source_of(kind, object);
    while let Some((kind, namespace, name)) = next {
        let object = link(cluster, kind, &namespace, &name, links, seen).await?;
        next = object.and_then(|object| reconcile::source_of(kind, &object));
    }
    Ok(())
}

/// Reads an object once; none when it is gone or was met before.
async fn link(
    cluster: &Cluster,
    kind: &'static Kind,
    namespace: &str,
    name: &str,
    links: &mut Vec<Link>,
    seen: &mut BTreeSet<String>,
) -> Result<Option<Value>, Error> {
    if !seen.insert(format!("{}/{namespace}/{name}", kind.kind)) {
        return Ok(None);
    }
    let object = cluster.find(&kind.resource(), namespace, name).await?;
    links.push(Link { kind, namespace: namespace.to_owned(), name: name.to_owned(), object: object.clone() });
    Ok(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn labels_say_who_applied() {
        let labelled = |labels: Value| json!({ "metadata": { "labels": labels } });
        let ks = json!({ "kustomize.toolkit.fluxcd.io/name": "a", "kustomize.toolkit.fluxcd.io/namespace": "n" });
        assert_eq!(applier(&labelled(ks.clone())), Some(("Kustomization", "n", "a")));
        let mut both = ks;
        both["helm.toolkit.fluxcd.io/name"] = json!("h");
        both["helm.toolkit.fluxcd.io/namespace"] = json!("m");
        assert_eq!(applier(&labelled(both)), Some(("HelmRelease", "m", "h")));
        assert_eq!(applier(&labelled(json!({ "kustomize.toolkit.fluxcd.io/name": "a" }))), None);
    }
}
