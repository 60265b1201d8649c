//! What is known of sources: of each the artifact it announces, and nothing else.

use std::{fmt, sync::Arc};

use serde::Deserialize;
use url::Url;
use weir_api::{
    kustomize::{Kustomization, KustomizationSourceKind as Kind},
    meta::Artifact,
    names::{group, weir},
};
use weir_manifest::Object;
use weir_runtime::{
    ObjectKey,
    watch::{Query, Raw},
};

/// Where an artifact says what it was made from.
pub const ORIGIN_REVISION: &str = "org.opencontainers.image.revision";

/// One source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceKey {
    /// Its kind.
    pub kind: Kind,
    /// Its namespace and name.
    pub key: ObjectKey,
}

impl SourceKey {
    /// The source a Kustomization names.
    #[must_use]
    pub fn of(ks: &Kustomization) -> Self {
        let reference = &ks.spec.source_ref;
        let own = ks.metadata.namespace.as_deref().unwrap_or_default();
        let namespace = reference.namespace.as_deref().filter(|ns| !ns.is_empty()).unwrap_or(own);
        Self { kind: reference.kind, key: ObjectKey::new(namespace, reference.name.clone()) }
    }
}

impl fmt::Display for SourceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.key)
    }
}

/// What is kept of a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Source {
    /// What it announces; `None` while it has nothing.
    pub artifact: Option<Arc<Artifact>>,
}

impl Source {
    /// What the artifact was made from, if it says so.
    #[must_use]
    pub fn origin_revision(artifact: &Artifact) -> Option<&str> {
        artifact.metadata.as_ref()?.get(ORIGIN_REVISION).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// Reads a source of any kind; `None` when it cannot be read.
    #[must_use]
    pub fn read(raw: &Raw<'_>) -> Option<Self> {
        let only: Only = raw.decode().ok()?;
        Some(Self::with(only.status.unwrap_or_default().artifact))
    }

    /// A source that announces this.
    #[must_use]
    pub fn with(mut artifact: Option<Artifact>) -> Self {
        if let Some(artifact) = &mut artifact {
            keep_what_is_used(artifact);
        }
        Self { artifact: artifact.map(Arc::new) }
    }
}

/// A source of any kind that was read as an object.
#[must_use]
pub fn of(object: &Object) -> Source {
    let artifact = object.at(&["status", "artifact"]);
    Source::with(artifact.and_then(|value| Artifact::deserialize(value).ok()))
}

/// An image may carry any number of annotations, and some source-controllers announce them all; only few are read here.
///
/// A gRPC address is believed only at the host that serves the artifact itself: that one the source-controller chose, while
/// an annotation may come from whoever pushed the image, and who is called there is shown our token.
fn keep_what_is_used(artifact: &mut Artifact) {
    let host = |address: &str| {
        let url = if address.contains("://") { Url::parse(address) } else { Url::parse(&format!("http://{address}")) };
        url.ok().and_then(|url| url.host_str().map(str::to_owned))
    };
    let own = host(&artifact.url);
    let Some(metadata) = &mut artifact.metadata else { return };
    metadata.retain(|key, value| match key.as_str() {
        ORIGIN_REVISION => true,
        weir::GRPC => own.is_some() && host(value) == own,
        key => key.starts_with("weir.dev/"),
    });
}

#[derive(Debug, Default, Deserialize)]
struct Only {
    status: Option<OnlyStatus>,
}

#[derive(Debug, Default, Deserialize)]
struct OnlyStatus {
    artifact: Option<Artifact>,
}

/// Lists and watches one kind of source.
#[must_use]
pub fn query(kind: Kind, namespace: Option<&str>) -> Query {
    Query::kind(group::SOURCE, "v1", kind.as_str()).namespace(namespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_artifact_is_kept() {
        let json = r#"{"metadata":{"name":"a","namespace":"n"},"spec":{"url":"x"},"status":{"conditions":[],
            "artifact":{"digest":"sha256:1","lastUpdateTime":"2026-01-01T00:00:00Z","path":"p","revision":"main@sha1:2",
            "url":"http://x/p","metadata":{"org.opencontainers.image.revision":"v1","other":"x","weir.dev/grpc":"x:9091","weir.dev/traceparent":"t"}}}}"#;
        let source = Source::read(&Raw::parse(json).unwrap()).unwrap();
        let artifact = source.artifact.unwrap();
        assert_eq!(Source::origin_revision(&artifact), Some("v1"));
        assert_eq!(artifact.metadata.as_ref().unwrap().len(), 3);
        let forged = Source::read(&Raw::parse(&json.replace("x:9091", "evil.example.com:9091")).unwrap()).unwrap();
        assert!(!forged.artifact.unwrap().metadata.as_ref().unwrap().contains_key("weir.dev/grpc"));
        let none = Source::read(&Raw::parse(r#"{"metadata":{"name":"a"}}"#).unwrap()).unwrap();
        assert_eq!(none, Source::default());
    }
}
