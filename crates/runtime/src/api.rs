//! Writes to objects of the controller's own kinds, as raw patches whose replies feed the store.

use kube::{
    Client, Resource,
    api::{Patch, PatchParams},
    core::Request,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{key::ObjectKey, store::Stored, watch::Raw};

/// A write failed.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The API server refused or could not be reached.
    #[error("failed to patch {what} of {kind} {key}")]
    Patch {
        /// `status` or `finalizers`.
        what: &'static str,
        /// The kind.
        kind: String,
        /// The object.
        key: ObjectKey,
        /// Why.
        #[source]
        source: Box<kube::Error>,
    },
}

impl WriteError {
    fn code(&self) -> Option<u16> {
        let Self::Patch { source, .. } = self;
        match source.as_ref() {
            kube::Error::Api(status) => Some(status.code),
            _ => None,
        }
    }

    /// Whether the object is not there any more.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.code() == Some(404)
    }

    /// Whether somebody else wrote meanwhile, or the object is another one of the same name by now.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// Whether the server found the content wrong: the same patch will never pass.
    #[must_use]
    pub fn is_invalid(&self) -> bool {
        matches!(self.code(), Some(400 | 422))
    }
}

/// Patches the object's status. Returns the object as it is now.
pub(crate) async fn patch_status<O>(
    client: &Client,
    key: &ObjectKey,
    manager: &str,
    patch: &Value,
) -> Result<Stored<O>, WriteError>
where
    O: Resource<DynamicType = ()> + DeserializeOwned,
{
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let request = Request::new(url::<O>(key)).patch_subresource("status", &key.name, &params, &Patch::Merge(patch));
    send(client, key, "status", request).await
}

/// Patches the object itself. Returns it as it is now.
pub(crate) async fn patch<O>(
    client: &Client,
    key: &ObjectKey,
    manager: &str,
    what: &'static str,
    patch: &Value,
) -> Result<Stored<O>, WriteError>
where
    O: Resource<DynamicType = ()> + DeserializeOwned,
{
    let params = PatchParams { field_manager: Some(manager.to_owned()), ..PatchParams::default() };
    let request = Request::new(url::<O>(key)).patch(&key.name, &params, &Patch::Merge(patch));
    send(client, key, what, request).await
}

/// Reads the object from the server.
pub(crate) async fn get<O>(client: &Client, key: &ObjectKey) -> Result<Stored<O>, WriteError>
where
    O: Resource<DynamicType = ()> + DeserializeOwned,
{
    let request = Request::new(url::<O>(key)).get(&key.name, &kube::api::GetParams::default());
    send(client, key, "version", request).await
}

fn url<O: Resource<DynamicType = ()>>(key: &ObjectKey) -> String {
    O::url_path(&(), Some(key.namespace.as_str()).filter(|ns| !ns.is_empty()))
}

async fn send<O>(
    client: &Client,
    key: &ObjectKey,
    what: &'static str,
    request: Result<http::Request<Vec<u8>>, kube::core::request::Error>,
) -> Result<Stored<O>, WriteError>
where
    O: Resource<DynamicType = ()> + DeserializeOwned,
{
    let failed = |source| WriteError::Patch {
        what,
        kind: O::kind(&()).into_owned(),
        key: key.clone(),
        source: Box::new(source),
    };
    let request = request.map_err(|error| failed(kube::Error::BuildRequest(error)))?;
    let text = client.request_text(request).await.map_err(failed)?;
    let raw = Raw::parse(&text).map_err(|error| failed(kube::Error::SerdeError(error)))?;
    Ok(Stored::decode(&raw))
}
