//! Which path of the API serves a kind, learnt from the server when it is first asked for.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::APIResourceList;
use kube::Client;
use weir_manifest::{GroupKind, Object};

use crate::error::RequestError;

/// How long the server may take to say what it serves. Others wait for the answer.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Where a kind is served.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// Group; empty for the core group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name in paths.
    pub plural: String,
    /// Whether its objects belong to namespaces.
    pub namespaced: bool,
    /// Whether it can be listed and watched.
    pub watchable: bool,
}

impl Resource {
    /// Group and kind.
    #[must_use]
    pub fn group_kind(&self) -> GroupKind {
        GroupKind::new(self.group.clone(), self.kind.clone())
    }
}

type ByKind = HashMap<String, Arc<Resource>>;

/// What is known of the server's kinds. A kind that is not known is asked for each time, so one that appears is found.
#[derive(Debug, Default)]
pub struct Mapping {
    /// By apiVersion, then kind.
    known: RwLock<HashMap<String, ByKind>>,
    /// One question at a time: many objects of a new kind ask once.
    asking: tokio::sync::Mutex<()>,
}

impl Mapping {
    /// Where a kind is served.
    ///
    /// # Errors
    /// When the server does not serve it or cannot be asked.
    pub async fn resolve(&self, client: &Client, api_version: &str, kind: &str) -> Result<Arc<Resource>, RequestError> {
        if let Some(resource) = self.get(api_version, kind) {
            return Ok(resource);
        }
        let no_match = || RequestError::NoMatch { kind: kind.to_owned(), api_version: api_version.to_owned() };
        // It comes from a repository or a spec and becomes part of a path that is asked for under our own identity.
        if !is_api_version(api_version) {
            return Err(no_match());
        }
        let _one = self.asking.lock().await;
        if let Some(resource) = self.get(api_version, kind) {
            return Ok(resource);
        }
        let asked = async {
            if api_version.contains('/') {
                client.list_api_group_resources(api_version).await
            } else {
                client.list_core_api_resources(api_version).await
            }
        };
        let timeout = RequestError::Timeout { seconds: TIMEOUT.as_secs() };
        let list = match tokio::time::timeout(TIMEOUT, asked).await.map_err(|_| timeout)? {
            Ok(list) => list,
            Err(kube::Error::Api(status)) if status.code == 404 => return Err(no_match()),
            Err(error) => return Err(RequestError::Transport(Box::new(error))),
        };
        let kinds = read(api_version, list);
        let found = kinds.get(kind).cloned();
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(api_version.to_owned(), kinds);
        found.ok_or_else(no_match)
    }

    /// Forgets a group: a CRD in it changed.
    pub fn forget(&self, group: &str) {
        let of_group = |api_version: &String| api_version.split_once('/').is_some_and(|(have, _)| have == group);
        self.known.write().unwrap_or_else(PoisonError::into_inner).retain(|version, _| !of_group(version));
    }

    /// Takes note of an applied object: a CRD changes what is served.
    pub fn applied(&self, object: &Object) {
        if object.kind() == "CustomResourceDefinition"
            && let Some(group) = object.text(&["spec", "group"])
        {
            self.forget(group);
        }
    }

    fn get(&self, api_version: &str, kind: &str) -> Option<Arc<Resource>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(api_version)?.get(kind).cloned()
    }
}

/// `v1` or `apps/v1`, and nothing that a path would read otherwise.
fn is_api_version(text: &str) -> bool {
    let part = |part: &str| {
        part.len() <= 253
            && part.starts_with(|c: char| c.is_ascii_alphanumeric())
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'))
    };
    match text.split_once('/') {
        Some((group, version)) => part(group) && part(version),
        None => part(text),
    }
}

fn read(api_version: &str, list: APIResourceList) -> ByKind {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    list.resources
        .into_iter()
        // `pods/status` and its like are no kinds of their own.
        .filter(|resource| !resource.name.contains('/'))
        .map(|resource| {
            let can = |verb: &str| resource.verbs.iter().any(|v| v == verb);
            let watchable = can("list") && can("watch");
            let kind = resource.kind;
            let resource = Resource {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: kind.clone(),
                plural: resource.name,
                namespaced: resource.namespaced,
                watchable,
            };
            (kind, Arc::new(resource))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::is_api_version;

    #[test]
    fn an_api_version_is_no_path() {
        for good in ["v1", "apps/v1", "kustomize.toolkit.fluxcd.io/v1beta2", "x-y.io/v1Alpha1"] {
            assert!(is_api_version(good), "{good}");
        }
        for bad in [
            "",
            "/",
            "/v1",
            "apps/",
            "apps/v1/",
            "apps/v1/deployments",
            "apps/v1/deployments?watch=1",
            "v1?watch=true",
            "../api",
            "apps/..",
            "apps/v1#x",
            "apps/v 1",
            "apps/%2e%2e",
            "v1\n",
        ] {
            assert!(!is_api_version(bad), "{bad:?}");
        }
    }
}
