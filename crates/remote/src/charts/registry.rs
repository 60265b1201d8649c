//! `oci://host/path[:tag][@digest]`.

use std::io::{Read as _, Seek as _};

use weir_oci::{HELM_CHART_LAYER, Keychain, Manifest, Repository, Selector, Session};
use weir_semver::Version;

use super::{ChartClient, ChartError, Package, Wanted, public};

/// Charts that were pushed before Helm settled on a media type.
const OLD_CHART_LAYER: &str = "application/tar+gzip";
/// Where a chart's signature is.
const PROVENANCE_LAYER: &str = "application/vnd.cncf.helm.chart.provenance.v1.prov";
/// Tags that count as versions when a range is asked for: semantic versions written out.
const VERSION_TAG: &str = r"^[0-9]+\.[0-9]+\.[0-9]+([-_]|$)";

/// A reference taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Reference<'a> {
    /// `oci://host/path`.
    repository: String,
    tag: &'a str,
    digest: &'a str,
}

impl<'a> Reference<'a> {
    fn parse(text: &'a str, plain_http: bool) -> Result<Self, ChartError> {
        let wrong = || ChartError::Address(format!("{} names no repository: oci://host/path[:tag]", public(text)));
        let rest = text.strip_prefix("oci://").ok_or_else(wrong)?;
        let (rest, digest) = rest.split_once('@').unwrap_or((rest, ""));
        let (host, path) = rest.split_once('/').ok_or_else(wrong)?;
        let (path, tag) = match path.rsplit_once(':') {
            Some((path, tag)) if !tag.contains('/') => (path, tag),
            _ => (path, ""),
        };
        // The first word is the host, however short: with a port nobody takes it for a part of Docker's registry.
        let port = match host.contains(['.', ':']) || host == "localhost" {
            true => "",
            false if plain_http => ":80",
            false => ":443",
        };
        Ok(Self { repository: format!("oci://{host}{port}/{path}"), tag, digest })
    }
}

impl ChartClient {
    /// The chart at a reference: of its digest, its tag, the version that is asked for, or the highest in the range.
    ///
    /// # Errors
    /// When there is none, reference and version contradict each other, or the registry does not give it.
    pub async fn from_registry(
        &self,
        reference: &str,
        wanted: Wanted<'_>,
        signed: bool,
    ) -> Result<Package, ChartError> {
        let failed = |error: weir_oci::OciError| ChartError::registry(reference, error);
        let parsed = Reference::parse(reference, self.access.plain_http)?;
        let repository = Repository::parse(&parsed.repository).map_err(failed)?;
        let version = match (wanted.version, parsed.tag) {
            ("", tag) => tag,
            (version, tag) if !tag.is_empty() && as_tag(version) != as_tag(tag) => {
                let text = format!("chart reference and version mismatch: {version} is not {tag}");
                return Err(ChartError::Version(text));
            }
            (version, _) => version,
        };
        let keychain = self.keychain(&repository)?;
        let name = repository.name().rsplit('/').next().unwrap_or_default().to_owned();
        let session = Session::new(self.transport()?, repository, keychain);
        let selector = match as_version(version) {
            _ if !parsed.digest.is_empty() => Selector::Digest(parsed.digest.to_owned()),
            Some(_) => Selector::Tag(as_tag(version)),
            None => {
                let range = if version.is_empty() { wanted.range() } else { version };
                let filter = Some(VERSION_TAG.to_owned());
                Selector::Semver { range: range.to_owned(), filter, underscore_is_plus: true }
            }
        };
        let target = session.pick(&selector).await.map_err(failed)?;
        if !parsed.digest.is_empty() && as_version(version).is_some() {
            same_digest(&session, version, parsed.digest).await?;
        }
        let tag = if parsed.digest.is_empty() { target.as_str().to_owned() } else { as_tag(version) };
        let digest = session.digest(&target).await.map_err(failed)?;
        let manifest = session.manifest(&digest).await.map_err(failed)?;
        let layer = |media_type: &str| chart_layer(&manifest, media_type, reference);
        let chart = layer(HELM_CHART_LAYER).or_else(|error| layer(OLD_CHART_LAYER).map_err(|_| error))?;
        let archive = self.blob(&session, &chart, reference).await?;
        let provenance = match signed {
            true => Some(self.blob(&session, &layer(PROVENANCE_LAYER)?, reference).await?),
            false => None,
        };
        // Without a tag only the chart itself knows its version.
        let name = (!tag.is_empty()).then(|| format!("{name}-{tag}.tgz"));
        Ok(Package { name, archive, provenance, note: None })
    }

    async fn blob(&self, session: &Session, layer: &weir_oci::Layer, reference: &str) -> Result<Vec<u8>, ChartError> {
        let disk = |error: std::io::Error| ChartError::Fetch { url: public(reference), reason: error.to_string() };
        let mut file = tempfile::tempfile().map_err(disk)?;
        let limit = self.limits.file_bytes as u64;
        session.blob(layer, &mut file, limit).await.map_err(|error| ChartError::registry(reference, error))?;
        let mut bytes = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut bytes)).map_err(disk)?;
        Ok(bytes)
    }

    /// User and password for this registry alone; without them what the configurations hold, the first one's first.
    fn keychain(&self, repository: &Repository) -> Result<Keychain, ChartError> {
        let secret = |error: weir_oci::OciError| ChartError::registry(repository.name(), error);
        let mut keychain = Keychain::anonymous();
        let access = &self.access;
        if !access.username.is_empty() && !access.password.is_empty() {
            let registry = repository.registry();
            let auth = serde_json::json!({"username": access.username, "password": access.password});
            let config = serde_json::json!({"auths": {registry: auth}}).to_string();
            keychain.add("the user and password that were given", Some(config.as_bytes()), None).map_err(secret)?;
            return Ok(keychain);
        }
        for (place, config) in &access.registry_configs {
            keychain.add(place, Some(config), None).map_err(secret)?;
        }
        Ok(keychain)
    }
}

fn chart_layer(manifest: &Manifest, media_type: &str, reference: &str) -> Result<weir_oci::Layer, ChartError> {
    let found = manifest.layer(Some(media_type)).cloned();
    found.map_err(|_| {
        let reason = format!("manifest does not contain a layer with mediatype {media_type}");
        ChartError::Content { url: public(reference), reason }
    })
}

/// A tag beside a digest must mean the same, where there is such a tag.
async fn same_digest(session: &Session, version: &str, digest: &str) -> Result<(), ChartError> {
    let Ok(target) = session.pick(&Selector::Tag(as_tag(version))).await else { return Ok(()) };
    match session.digest(&target).await {
        Ok(found) if found != digest => {
            Err(ChartError::Version(format!("chart reference digest mismatch: {found} is not {digest}")))
        }
        _ => Ok(()),
    }
}

/// A version, also one that is written as tags write it.
fn as_version(text: &str) -> Option<Version> {
    Version::parse(&text.replace('_', "+")).ok()
}

/// Tags cannot hold a plus.
fn as_tag(version: &str) -> String {
    version.replace('+', "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_apart() {
        for (text, repository, tag, digest) in [
            ("oci://ghcr.io/acme/app", "oci://ghcr.io/acme/app", "", ""),
            ("oci://127.0.0.1:5000/app:1.0.0+b", "oci://127.0.0.1:5000/app", "1.0.0+b", ""),
            ("oci://localhost/a/b:1@sha256:00", "oci://localhost/a/b", "1", "sha256:00"),
            ("oci://registry/charts/app@sha256:00", "oci://registry:443/charts/app", "", "sha256:00"),
        ] {
            let expected = Reference { repository: repository.to_owned(), tag, digest };
            assert_eq!(Reference::parse(text, false).unwrap(), expected);
        }
        assert_eq!(Reference::parse("oci://registry/app", true).unwrap().repository, "oci://registry:80/app");
        for text in ["oci://ghcr.io", "https://x/y", ""] {
            assert!(Reference::parse(text, false).is_err(), "{text}");
        }
    }
}
