//! Manifests: parsed from bytes whose digest is known to be right.

use std::collections::BTreeMap;

use oci_client::manifest::{OciDescriptor, OciImageIndex, OciImageManifest};
use serde_json::Value;

/// Media type of the layer that holds a Helm chart.
pub const HELM_CHART_LAYER: &str = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

/// What may come for a manifest, best first.
pub(crate) const ACCEPT: &str = "application/vnd.oci.image.manifest.v1+json, \
    application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.index.v1+json, \
    application/vnd.docker.distribution.manifest.list.v2+json";

/// An image manifest.
#[derive(Clone, Debug)]
pub struct Manifest {
    annotations: BTreeMap<String, String>,
    layers: Vec<Layer>,
}

/// A layer: what it is and how to check it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its media type.
    pub media_type: String,
    /// Its digest.
    pub digest: String,
    /// Its size in bytes.
    pub size: u64,
}

/// What a digest can point at.
pub(crate) enum Document {
    Image(Manifest),
    /// Digest of the entry for linux/amd64, the platform Flux takes.
    Index {
        amd64: Option<String>,
    },
}

impl Manifest {
    /// Annotations of the manifest.
    #[must_use]
    pub fn annotations(&self) -> &BTreeMap<String, String> {
        &self.annotations
    }

    /// The first layer of a media type, or the first of all.
    ///
    /// # Errors
    /// A message when there is none.
    pub fn layer(&self, media_type: Option<&str>) -> Result<&Layer, String> {
        if self.layers.is_empty() {
            return Err("no layers found in artifact".to_owned());
        }
        let mut layers = self.layers.iter();
        match media_type.filter(|text| !text.is_empty()) {
            None => layers.next().ok_or_else(|| "no layers found in artifact".to_owned()),
            Some(wanted) => layers
                .find(|layer| layer.media_type == wanted)
                .ok_or_else(|| format!("failed to find layer with media type '{wanted}' in artifact")),
        }
    }
}

/// Reads a manifest or an index.
pub(crate) fn parse(bytes: &[u8]) -> Result<Document, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("the manifest is no JSON: {error}"))?;
    if value.get("schemaVersion").and_then(Value::as_u64) != Some(2) {
        return Err("the manifest's schemaVersion is not 2: push the artifact with a current tool".to_owned());
    }
    if value.get("manifests").is_some() {
        let index: OciImageIndex =
            serde_json::from_value(value).map_err(|error| format!("malformed index: {error}"))?;
        let amd64 = index.manifests.into_iter().find(|entry| {
            entry
                .platform
                .as_ref()
                .is_some_and(|p| p.os.to_string() == "linux" && p.architecture.to_string() == "amd64")
        });
        return Ok(Document::Index { amd64: amd64.map(|entry| entry.digest) });
    }
    let image: OciImageManifest =
        serde_json::from_value(value).map_err(|error| format!("malformed manifest: {error}"))?;
    let layers = image.layers.into_iter().map(layer).collect::<Result<_, _>>()?;
    Ok(Document::Image(Manifest { annotations: image.annotations.unwrap_or_default(), layers }))
}

fn layer(descriptor: OciDescriptor) -> Result<Layer, String> {
    let size =
        u64::try_from(descriptor.size).map_err(|_| format!("layer {} has a negative size", descriptor.digest))?;
    Ok(Layer { media_type: descriptor.media_type, digest: descriptor.digest, size })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(layers: &str) -> Document {
        let text = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"c","digest":"sha256:c","size":2}},"layers":[{layers}],
                "annotations":{{"org.opencontainers.image.revision":"main@sha1:1"}}}}"#
        );
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn layers_are_chosen_by_media_type() {
        let two = r#"{"mediaType":"a","digest":"sha256:1","size":1},{"mediaType":"b","digest":"sha256:2","size":2}"#;
        let Document::Image(manifest) = image(two) else { panic!("an image") };
        assert_eq!(manifest.layer(None).unwrap().digest, "sha256:1");
        assert_eq!(manifest.layer(Some("b")).unwrap().size, 2);
        assert_eq!(manifest.layer(Some("")).unwrap().digest, "sha256:1");
        assert!(manifest.layer(Some("x")).unwrap_err().contains("media type 'x'"));
        assert_eq!(manifest.annotations()["org.opencontainers.image.revision"], "main@sha1:1");
        let Document::Image(empty) = image("") else { panic!("an image") };
        assert_eq!(empty.layer(None).unwrap_err(), "no layers found in artifact");
    }

    #[test]
    fn an_index_gives_linux_amd64() {
        let text = br#"{"schemaVersion":2,"manifests":[
            {"mediaType":"m","digest":"sha256:a","size":1,"platform":{"os":"linux","architecture":"arm64"}},
            {"mediaType":"m","digest":"sha256:b","size":1,"platform":{"os":"linux","architecture":"amd64"}}]}"#;
        let Document::Index { amd64 } = parse(text).unwrap() else { panic!("an index") };
        assert_eq!(amd64.as_deref(), Some("sha256:b"));
    }

    #[test]
    fn other_documents_are_refused() {
        for text in ["", "[]", "{}", r#"{"schemaVersion":1}"#, r#"{"schemaVersion":2,"layers":3}"#] {
            assert!(parse(text.as_bytes()).is_err(), "{text}");
        }
        let negative = r#"{"schemaVersion":2,"config":{"mediaType":"c","digest":"d","size":2},
            "layers":[{"mediaType":"a","digest":"d","size":-1}]}"#;
        assert!(parse(negative.as_bytes()).is_err());
    }
}
