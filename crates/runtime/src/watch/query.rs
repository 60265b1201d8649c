//! What to list and watch.

use kube::{
    Resource,
    api::{ListParams, WatchParams},
    core::{ApiResource, GroupVersionKind, Request},
};

/// Objects per page of a list.
const PAGE: u32 = 500;

/// What to list and watch: a kind, where, and which.
#[derive(Clone, Debug)]
pub struct Query {
    resource: ApiResource,
    namespace: Option<String>,
    labels: Option<String>,
    fields: Option<String>,
    metadata_only: bool,
}

impl Query {
    /// All objects of a typed kind.
    #[must_use]
    pub fn of<K: Resource<DynamicType = ()>>() -> Self {
        Self::resource(ApiResource::erase::<K>(&()))
    }

    /// All objects of a kind known at run time.
    #[must_use]
    pub fn resource(resource: ApiResource) -> Self {
        Self { resource, namespace: None, labels: None, fields: None, metadata_only: false }
    }

    /// All objects of a kind by name, with its plural guessed as Kubernetes does it.
    #[must_use]
    pub fn kind(group: &str, version: &str, kind: &str) -> Self {
        Self::resource(ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind)))
    }

    /// Only in this namespace; empty or `None` means all.
    #[must_use]
    pub fn namespace(mut self, namespace: Option<&str>) -> Self {
        self.namespace = namespace.filter(|ns| !ns.is_empty()).map(str::to_owned);
        self
    }

    /// Only with these labels; empty means all.
    #[must_use]
    pub fn labels(mut self, selector: &str) -> Self {
        self.labels = Some(selector.to_owned()).filter(|s| !s.is_empty());
        self
    }

    /// Only with these fields; empty means all.
    #[must_use]
    pub fn fields(mut self, selector: &str) -> Self {
        self.fields = Some(selector.to_owned()).filter(|s| !s.is_empty());
        self
    }

    /// Ask for metadata only (`PartialObjectMetadata`).
    #[must_use]
    pub fn metadata_only(mut self) -> Self {
        self.metadata_only = true;
        self
    }

    /// `plural.group`, for messages.
    #[must_use]
    pub fn name(&self) -> String {
        let ApiResource { group, plural, .. } = &self.resource;
        if group.is_empty() { plural.clone() } else { format!("{plural}.{group}") }
    }

    fn url(&self) -> String {
        let ApiResource { group, api_version, plural, .. } = &self.resource;
        let root = if group.is_empty() { format!("/api/{api_version}") } else { format!("/apis/{api_version}") };
        match &self.namespace {
            Some(namespace) => format!("{root}/namespaces/{namespace}/{plural}"),
            None => format!("{root}/{plural}"),
        }
    }

    pub(super) fn list_request(
        &self,
        token: Option<&str>,
    ) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
        let params = ListParams {
            label_selector: self.labels.clone(),
            field_selector: self.fields.clone(),
            limit: Some(PAGE),
            continue_token: token.map(str::to_owned),
            ..ListParams::default()
        };
        let request = Request::new(self.url());
        if self.metadata_only { request.list_metadata(&params) } else { request.list(&params) }
    }

    /// Watches from `version`, or, without one, streams what is there first and then goes on.
    pub(super) fn watch_request(
        &self,
        version: Option<&str>,
        seconds: u32,
    ) -> Result<http::Request<Vec<u8>>, kube::core::request::Error> {
        let mut params = WatchParams::default().timeout(seconds);
        params.label_selector.clone_from(&self.labels);
        params.field_selector.clone_from(&self.fields);
        params.send_initial_events = version.is_none();
        let version = version.unwrap_or_default();
        let request = Request::new(self.url());
        if self.metadata_only { request.watch_metadata(&params, version) } else { request.watch(&params, version) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_core_grouped_and_namespaced_kinds() {
        let list = |q: Query| q.list_request(None).unwrap().uri().to_string();
        assert_eq!(list(Query::kind("", "v1", "Secret")), "/api/v1/secrets?&limit=500");
        let query = Query::kind("apps", "v1", "Deployment").namespace(Some("web")).labels("a=b");
        assert_eq!(query.name(), "deployments.apps");
        let uri = query.watch_request(Some("7"), 290).unwrap().uri().to_string();
        assert!(uri.starts_with("/apis/apps/v1/namespaces/web/deployments?"), "{uri}");
        for part in
            ["watch=true", "timeoutSeconds=290", "labelSelector=a%3Db", "allowWatchBookmarks=true", "resourceVersion=7"]
        {
            assert!(uri.contains(part), "{uri} {part}");
        }
        let uri = query.watch_request(None, 290).unwrap().uri().to_string();
        assert!(uri.contains("sendInitialEvents=true&resourceVersionMatch=NotOlderThan"), "{uri}");
    }
}
