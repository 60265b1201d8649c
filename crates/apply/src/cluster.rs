//! Requests to one API server, under one identity.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, Request, header, request};
use http_body_util::BodyExt as _;
use kube::{Client, client::Body};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Value;
use weir_manifest::{Object, ObjectRef, inventory::Entry};

use crate::{
    error::RequestError,
    mapping::{Mapping, Resource},
};

/// How long one request may take, the server's own limit for non-watch requests.
const TIMEOUT: Duration = Duration::from_secs(60);
/// What may not stand in a path as it is: names come from repositories.
const UNSAFE: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'/').add(b'<').add(b'>').add(b'?').add(b'\\').add(b'`');

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const METADATA: HeaderValue =
    HeaderValue::from_static("application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json");
const APPLY: HeaderValue = HeaderValue::from_static("application/apply-patch+yaml");
const JSON_PATCH: HeaderValue = HeaderValue::from_static("application/json-patch+json");

/// One API server under one identity; cheap to clone. Clones share what is known of the server's kinds.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    /// Who acts, when not the client itself.
    user: Option<User>,
    /// The field manager.
    manager: Arc<str>,
    mapping: Arc<Mapping>,
}

/// Who is impersonated. A name that cannot be one is kept as such, so that nothing is ever asked under the client's own
/// identity in its place.
#[derive(Clone, Debug)]
enum User {
    /// `system:serviceaccount:<namespace>:<name>`.
    Account(HeaderValue),
    /// Not the name of a ServiceAccount.
    Invalid(Arc<str>),
}

impl User {
    fn account(namespace: &str, name: &str) -> Self {
        let part = |text: &str| {
            !text.is_empty()
                && text.len() <= 253
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'.'))
        };
        match HeaderValue::try_from(format!("system:serviceaccount:{namespace}:{name}")) {
            Ok(user) if part(namespace) && part(name) => Self::Account(user),
            _ => Self::Invalid(format!("{namespace}/{name}").chars().take(512).collect::<String>().into()),
        }
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster").field("user", &self.user).field("manager", &self.manager).finish_non_exhaustive()
    }
}

/// How an object goes.
#[derive(Clone, Debug, Default)]
pub struct DeleteOptions {
    /// Only if this is its uid.
    pub uid: Option<String>,
    /// Only if this is its version: nobody has written it since it was looked at.
    pub version: Option<String>,
}

impl Cluster {
    /// The cluster of a client, applying as `manager`.
    #[must_use]
    pub fn new(client: Client, manager: &str) -> Self {
        Self { client, user: None, manager: manager.into(), mapping: Arc::default() }
    }

    /// The same cluster, as a ServiceAccount. The client's identity has to be allowed to impersonate it. Every request
    /// fails when there can be no account of this name.
    #[must_use]
    pub fn as_service_account(&self, namespace: &str, name: &str) -> Self {
        Self { user: Some(User::account(namespace, name)), ..self.clone() }
    }

    /// The field manager it applies as.
    #[must_use]
    pub fn manager(&self) -> &str {
        &self.manager
    }

    /// Whose identity requests carry, when not the client's own.
    #[must_use]
    pub fn user(&self) -> Option<&str> {
        match self.user.as_ref()? {
            User::Account(user) => user.to_str().ok(),
            User::Invalid(_) => None,
        }
    }

    /// What is known of the server's kinds.
    #[must_use]
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Where a kind is served.
    ///
    /// # Errors
    /// When it is not served, or the server cannot be asked.
    pub async fn resource(&self, api_version: &str, kind: &str) -> Result<Arc<Resource>, RequestError> {
        self.mapping.resolve(&self.client, api_version, kind).await
    }

    /// Applies an object, or only asks what applying it would make of it. Fields in conflict are taken.
    ///
    /// # Errors
    /// When the kind is not served or the server refuses.
    pub async fn apply(&self, object: &Object, dry_run: bool) -> Result<Object, RequestError> {
        let resource = self.resource(object.api_version(), object.kind()).await?;
        let dry_run = if dry_run { "&dryRun=All" } else { "" };
        let path = path(&resource, object.namespace(), object.name());
        let query = format!("{path}?fieldManager={}&force=true{dry_run}", self.manager);
        let body = encode(object)?;
        self.object(Method::PATCH, query, JSON, Some((APPLY, body))).await
    }

    /// Sends a JSON patch.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn json_patch(&self, entry: &Entry, patch: &Value) -> Result<Object, RequestError> {
        let path = self.path_of(entry).await?;
        let body = encode(patch)?;
        self.object(Method::PATCH, format!("{path}?fieldManager={}", self.manager), JSON, Some((JSON_PATCH, body)))
            .await
    }

    /// Reads an object; `None` when there is none.
    ///
    /// # Errors
    /// When the kind is not served or the server cannot be asked.
    pub async fn get(&self, entry: &Entry) -> Result<Option<Object>, RequestError> {
        let path = self.path_of(entry).await?;
        none_if_gone(self.object(Method::GET, path, JSON, None).await)
    }

    /// Reads an object's metadata only; `None` when there is no such object.
    ///
    /// # Errors
    /// When the kind is not served or the server cannot be asked.
    pub async fn get_metadata(&self, entry: &Entry) -> Result<Option<Object>, RequestError> {
        let path = self.path_of(entry).await?;
        none_if_gone(self.object(Method::GET, path, METADATA, None).await)
    }

    /// Deletes an object in the background. Returns whether there was one.
    ///
    /// # Errors
    /// When the server refuses.
    pub async fn delete(&self, entry: &Entry, options: &DeleteOptions) -> Result<bool, RequestError> {
        let path = self.path_of(entry).await?;
        let DeleteOptions { uid, version } = options;
        let body = serde_json::json!({"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background",
            "preconditions": {"uid": uid, "resourceVersion": version}});
        let body = encode(&body)?;
        match self.bytes(Method::DELETE, path, JSON, Some((JSON, body))).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error),
        }
    }

    async fn path_of(&self, entry: &Entry) -> Result<String, RequestError> {
        let ObjectRef { kind, namespace, name, .. } = &entry.object;
        let resource = self.resource(&entry.api_version(), kind).await?;
        Ok(path(&resource, namespace, name))
    }

    async fn object(
        &self,
        method: Method,
        path: String,
        accept: HeaderValue,
        body: Option<(HeaderValue, Vec<u8>)>,
    ) -> Result<Object, RequestError> {
        let bytes = self.bytes(method, path, accept, body).await?;
        serde_json::from_slice(&bytes).map_err(|error| RequestError::Answer(Box::new(error)))
    }

    pub(crate) async fn bytes(
        &self,
        method: Method,
        path: String,
        accept: HeaderValue,
        body: Option<(HeaderValue, Vec<u8>)>,
    ) -> Result<Vec<u8>, RequestError> {
        let request = self.request(method, path, accept, body)?;
        let answer = async {
            let response = self.client.send(request).await.map_err(|e| RequestError::Transport(Box::new(e)))?;
            let status = response.status();
            let body = response.into_body().collect().await.map_err(|e| RequestError::Answer(Box::new(e)))?;
            let bytes = body.to_bytes();
            if status.is_success() { Ok(bytes.into()) } else { Err(RequestError::from_answer(status.as_u16(), &bytes)) }
        };
        let timeout = RequestError::Timeout { seconds: TIMEOUT.as_secs() };
        tokio::time::timeout(TIMEOUT, answer).await.map_err(|_| timeout)?
    }

    /// A request under the identity.
    pub(crate) fn identified(&self, request: request::Builder) -> Result<request::Builder, RequestError> {
        match &self.user {
            Some(User::Account(user)) => Ok(request.header("Impersonate-User", user)),
            Some(User::Invalid(account)) => Err(RequestError::Account { account: account.to_string() }),
            None => Ok(request),
        }
    }

    fn request(
        &self,
        method: Method,
        path: String,
        accept: HeaderValue,
        body: Option<(HeaderValue, Vec<u8>)>,
    ) -> Result<Request<Body>, RequestError> {
        let request = Request::builder().method(method).uri(path).header(header::ACCEPT, accept);
        let mut request = self.identified(request)?;
        let body = match body {
            Some((content_type, bytes)) => {
                request = request.header(header::CONTENT_TYPE, content_type);
                Body::from(bytes)
            }
            None => Body::empty(),
        };
        request.body(body).map_err(|e| RequestError::Transport(Box::new(kube::Error::HttpError(e))))
    }
}

/// The path of an object; of the whole kind when `name` is empty.
#[must_use]
pub(crate) fn path(resource: &Resource, namespace: &str, name: &str) -> String {
    let Resource { group, version, plural, namespaced, .. } = resource;
    let mut path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    if *namespaced && !namespace.is_empty() {
        path.push_str("/namespaces/");
        path.push_str(&segment(namespace));
    }
    path.push('/');
    path.push_str(plural);
    if !name.is_empty() {
        path.push('/');
        path.push_str(&segment(name));
    }
    path
}

/// One segment of a path. A lone `.` or `..` would be resolved away, so they are encoded too.
fn segment(text: &str) -> String {
    let encoded = utf8_percent_encode(text, UNSAFE).to_string();
    if encoded.chars().all(|c| c == '.') { encoded.replace('.', "%2E") } else { encoded }
}

fn encode(value: &impl serde::Serialize) -> Result<Vec<u8>, RequestError> {
    serde_json::to_vec(value).map_err(|error| RequestError::Answer(Box::new(error)))
}

fn none_if_gone(result: Result<Object, RequestError>) -> Result<Option<Object>, RequestError> {
    match result {
        Ok(object) => Ok(Some(object)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_that_cannot_be_is_never_the_client_itself() {
        assert!(matches!(User::account("team", "app.deployer-1"), User::Account(user)
            if user == "system:serviceaccount:team:app.deployer-1"));
        for name in ["", "a\nb", "a\r\nImpersonate-User: admin", "ä", "A", "a:b", "a/b", " a", &"a".repeat(254)] {
            assert!(matches!(User::account("team", name), User::Invalid(_)), "{name:?}");
        }
    }

    #[test]
    fn names_from_repositories_stay_in_their_segment() {
        let resource = |group: &str, namespaced| Resource {
            group: group.into(),
            version: "v1".into(),
            kind: "A".into(),
            plural: "as".into(),
            namespaced,
            watchable: true,
        };
        for (resource, namespace, name, expected) in [
            (resource("", true), "ns", "a", "/api/v1/namespaces/ns/as/a"),
            (resource("x.io", true), "ns", "", "/apis/x.io/v1/namespaces/ns/as"),
            (resource("x.io", true), "", "", "/apis/x.io/v1/as"),
            (resource("x.io", false), "ns", "system:x", "/apis/x.io/v1/as/system:x"),
            (
                resource("", true),
                "../..",
                "a/../../secrets/b?c#d",
                "/api/v1/namespaces/..%2F../as/a%2F..%2F..%2Fsecrets%2Fb%3Fc%23d",
            ),
            (resource("", true), "..", ".", "/api/v1/namespaces/%2E%2E/as/%2E"),
        ] {
            assert_eq!(path(&resource, namespace, name), expected);
        }
    }
}
