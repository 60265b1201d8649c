//! What the spec asks for, and whether what is stored is that. Pure.

use weir_api::{
    meta::Artifact,
    source::{OciLayerOperation, OciRepository, VerificationProvider},
};
use weir_oci::{HELM_CHART_LAYER, Repository, Selector};

use super::Error;

/// The repository of `spec.url`.
pub(super) fn repository(object: &OciRepository) -> Result<Repository, Error> {
    Repository::parse(&object.spec.url)
        .map_err(|source| Error::Url { url: object.spec.url.clone(), source: Box::new(source) })
}

/// What `spec.ref` selects: digest, else range, else tag, else `latest`.
pub(super) fn selector(object: &OciRepository) -> Selector {
    let set = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let reference = object.spec.reference.clone().unwrap_or_default();
    if let Some(digest) = set(&reference.digest) {
        return Selector::Digest(digest);
    }
    if let Some(range) = set(&reference.semver) {
        let underscore_is_plus = media_type(object) == Some(HELM_CHART_LAYER);
        return Selector::Semver { range, filter: set(&reference.semver_filter), underscore_is_plus };
    }
    Selector::Tag(set(&reference.tag).unwrap_or_else(|| "latest".to_owned()))
}

/// The media type of the layer to take, if the spec names one.
pub(super) fn media_type(object: &OciRepository) -> Option<&str> {
    object.spec.layer_selector.as_ref()?.media_type.as_deref().filter(|text| !text.is_empty())
}

/// What to do with the layer.
pub(super) fn operation(object: &OciRepository) -> OciLayerOperation {
    object.spec.layer_selector.as_ref().and_then(|selector| selector.operation).unwrap_or_default()
}

/// Whether the stored artifact has this revision and was made with the spec's ignore rules and layer selector.
pub(super) fn is_stored(object: &OciRepository, stored: Option<&Artifact>, revision: &str) -> bool {
    let status = object.status.clone().unwrap_or_default();
    stored.is_some_and(|artifact| artifact.revision == revision)
        && status.observed_ignore == object.spec.ignore
        && status.observed_layer_selector == object.spec.layer_selector
}

/// The verification that is asked for, as messages name it.
pub(super) fn verification(object: &OciRepository) -> Option<String> {
    let verify = object.spec.verify.as_ref()?;
    Some(match (verify.provider, &verify.secret_ref) {
        (VerificationProvider::Cosign, None) => "cosign keyless".to_owned(),
        (VerificationProvider::Cosign, Some(_)) => "cosign".to_owned(),
        (VerificationProvider::Notation, _) => "notation".to_owned(),
    })
}

/// The event of a new artifact, with what the image says of its origin if it says all of it, as Flux does.
pub(super) fn event_message(url: &str, artifact: &Artifact) -> String {
    let mut message = format!("stored artifact with revision '{}' from '{url}'", artifact.revision);
    let said = |key: &str| artifact.metadata.as_ref().and_then(|metadata| metadata.get(key)).filter(|s| !s.is_empty());
    let origin = (said("org.opencontainers.image.source"), said("org.opencontainers.image.revision"));
    if let (Some(source), Some(revision)) = origin {
        message.push_str(&format!(", origin source '{source}', origin revision '{revision}'"));
    }
    message
}
