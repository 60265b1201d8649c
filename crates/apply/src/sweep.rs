//! Looks through the whole cluster, once, for objects that carry owner labels and that we applied.
//!
//! What a run applied and never wrote down, because the process died in between, is found by nothing else: no inventory has
//! it, and its kind may be followed by nobody. One request says what is served, and one or more per kind list metadata.

use std::collections::HashSet;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderValue, Method};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use weir_manifest::{Metadata, ObjectRef, inventory::Entry};

use crate::{
    cluster::{Cluster, path},
    error::RequestError,
    mapping::Resource,
    table::Owner,
    watch::Ownership,
};

const DISCOVERY: HeaderValue =
    HeaderValue::from_static("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
const LIST: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json");
/// Objects per page of a listing.
const PAGE: u32 = 500;
/// Kinds listed at a time.
const AT_A_TIME: usize = 4;

/// An object that we applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stray {
    /// Whose it is, by its labels.
    pub owner: Owner,
    /// Which object.
    pub entry: Entry,
    /// When we last changed it, as the server has it: RFC 3339.
    pub applied: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Discovery {
    items: Vec<Group>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Group {
    metadata: Named,
    versions: Vec<Version>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Version {
    version: String,
    resources: Vec<Served>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Served {
    resource: String,
    response_kind: ResponseKind,
    scope: String,
    verbs: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ResponseKind {
    kind: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Page {
    metadata: PageMetadata,
    /// An empty list of metadata comes as null.
    items: Option<Vec<Item>>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct PageMetadata {
    #[serde(rename = "continue")]
    next: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Item {
    metadata: Metadata,
}

/// All objects that carry owner labels and that `cluster`'s field manager applied to the object they are now; `wanted` says
/// which of them are of interest. Kinds that cannot be listed are passed over.
///
/// # Errors
/// When the server cannot be asked.
pub async fn sweep(
    cluster: &Cluster,
    ownership: &Ownership,
    wanted: &(dyn Fn(&Owner, &ObjectRef) -> bool + Sync),
) -> Result<Vec<Stray>, RequestError> {
    let (core, groups) = (served(cluster, "/api").await?, served(cluster, "/apis").await?);
    let kinds: Vec<Resource> = core.into_iter().chain(groups).collect();
    tracing::debug!(kinds = kinds.len(), "looking for objects of interrupted runs");
    let asked: Vec<_> = kinds.iter().map(|kind| list(cluster, ownership, kind, wanted)).collect();
    stream::iter(asked).buffer_unordered(AT_A_TIME).try_concat().await
}

/// The kinds below a root of the API whose objects can be applied, listed and deleted, each in the version the server prefers.
async fn served(cluster: &Cluster, root: &str) -> Result<Vec<Resource>, RequestError> {
    let bytes = cluster.bytes(Method::GET, root.to_owned(), DISCOVERY, None).await?;
    let discovery: Discovery = serde_json::from_slice(&bytes).map_err(|e| RequestError::Answer(Box::new(e)))?;
    Ok(kinds_of(discovery))
}

fn kinds_of(discovery: Discovery) -> Vec<Resource> {
    let mut kinds = Vec::new();
    for Group { metadata: Named { name: group }, versions } in discovery.items {
        let mut seen = HashSet::new();
        for Version { version, resources } in versions {
            for Served { resource, response_kind, scope, verbs } in resources {
                let can = |verb: &str| verbs.iter().any(|v| v == verb);
                // Nobody applies events, and there are many.
                let is_event = response_kind.kind == "Event" && matches!(group.as_str(), "" | "events.k8s.io");
                if is_event || !(can("list") && can("patch") && can("delete")) || !seen.insert(resource.clone()) {
                    continue;
                }
                kinds.push(Resource {
                    group: group.clone(),
                    version: version.clone(),
                    kind: response_kind.kind,
                    plural: resource,
                    namespaced: scope == "Namespaced",
                    watchable: can("watch"),
                });
            }
        }
    }
    kinds
}

async fn list(
    cluster: &Cluster,
    ownership: &Ownership,
    kind: &Resource,
    wanted: &(dyn Fn(&Owner, &ObjectRef) -> bool + Sync),
) -> Result<Vec<Stray>, RequestError> {
    let label = utf8_percent_encode(&ownership.name_label, NON_ALPHANUMERIC).to_string();
    let mut found = Vec::new();
    let mut next = String::new();
    loop {
        let from =
            if next.is_empty() { next } else { format!("&continue={}", utf8_percent_encode(&next, NON_ALPHANUMERIC)) };
        let query = format!("{}?labelSelector={label}&limit={PAGE}{from}", path(kind, "", ""));
        let bytes = match cluster.bytes(Method::GET, query, LIST, None).await {
            Ok(bytes) => bytes,
            // Not ours to see, gone since, or its own server is not there: no reason to do nothing else.
            Err(RequestError::Status { code, message, .. }) => {
                tracing::debug!(kind = %kind.group_kind(), code, error = message, "kind is passed over");
                return Ok(found);
            }
            Err(error) => return Err(error),
        };
        let page: Page = serde_json::from_slice(&bytes).map_err(|e| RequestError::Answer(Box::new(e)))?;
        for Item { metadata } in page.items.into_iter().flatten() {
            found.extend(stray(&metadata, cluster, ownership, kind).filter(|it| wanted(&it.owner, &it.entry.object)));
        }
        next = page.metadata.next;
        if next.is_empty() {
            return Ok(found);
        }
    }
}

/// The object, if it is one that we applied. Labels alone say little: operators hand them on to what they make, and people
/// copy objects with everything in them.
fn stray(meta: &Metadata, cluster: &Cluster, ownership: &Ownership, kind: &Resource) -> Option<Stray> {
    let owner = ownership.owner(meta)?;
    let applied = meta.applied_at(cluster.manager())?.to_owned();
    let object = ObjectRef {
        group: kind.group.clone(),
        kind: kind.kind.clone(),
        namespace: meta.namespace.clone(),
        name: meta.name.clone(),
    };
    Some(Stray { owner, entry: Entry { object, version: kind.version.clone() }, applied })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kind_is_listed_in_one_version_and_only_if_it_can_be_applied() {
        let text = r#"{"items":[{"metadata":{"name":"apps"},"versions":[
            {"version":"v1","resources":[
                {"resource":"deployments","responseKind":{"group":"","version":"","kind":"Deployment"},"scope":"Namespaced",
                 "verbs":["create","delete","get","list","patch","update","watch"],"subresources":[{"subresource":"scale"}]},
                {"resource":"reviews","responseKind":{"kind":"Review"},"scope":"Cluster","verbs":["create"]}]},
            {"version":"v1beta1","resources":[
                {"resource":"deployments","responseKind":{"kind":"Deployment"},"scope":"Namespaced","verbs":["list","patch","delete"]}]}]}]}"#;
        let discovery: Discovery = serde_json::from_str(text).unwrap();
        let kinds = kinds_of(discovery);
        let [kind] = kinds.as_slice() else { panic!("{kinds:?}") };
        assert_eq!(
            (&*kind.group, &*kind.version, &*kind.kind, &*kind.plural),
            ("apps", "v1", "Deployment", "deployments")
        );
        assert!(kind.namespaced && kind.watchable);
    }
}
