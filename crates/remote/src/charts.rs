//! Charts of repositories: `index.yaml` over HTTP, tags of an OCI registry.

use std::io::{Read as _, Seek as _};

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;
use weir_chart::inflate::Pull;
use weir_kustomize::{Chart, Error};
use weir_oci::{HELM_CHART_LAYER, Keychain, OciError, Repository, Selector, Session, Transport, TransportOptions};
use weir_semver::{Constraint, Version};

use crate::{Fetcher, chain, get, shown};

impl Pull for Fetcher {
    /// The archive of the version that is asked for: that very one, else the highest in the range.
    fn pull(&self, chart: &Chart) -> Result<Vec<u8>, Error> {
        let failed = |reason: String| Error::Fetch { url: shown(&chart.repo), reason };
        let limit = self.limits.file_bytes;
        if chart.repo.starts_with("oci://") {
            let repository = format!("{}/{}", chart.repo.trim_end_matches('/'), chart.name);
            let mut archive = tempfile::tempfile().map_err(|error| failed(error.to_string()))?;
            self.wait(&repository, from_registry(&repository, chart, &mut archive, limit as u64))?;
            let mut bytes = Vec::new();
            let read = archive.rewind().and_then(|()| archive.read_to_end(&mut bytes));
            return read.map(|_| bytes).map_err(|error| failed(error.to_string()));
        }
        let repo = Url::parse(&chart.repo).map_err(|error| failed(error.to_string()))?;
        if !matches!(repo.scheme(), "http" | "https") {
            return Err(failed("charts come from http, https or oci".to_owned()));
        }
        let index = below(&repo, "index.yaml");
        let http = &self.clients(&chart.repo)?.http;
        let text = self.wait(&chart.repo, get(http, index.as_str(), limit))?;
        let found = Entry::find(&text, chart).map_err(failed)?;
        let url = below(&repo, "").join(&found.url).map_err(|error| failed(error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(failed(format!(
                "chart {} is said to be at {}, which is not http",
                chart.name,
                shown(&found.url)
            )));
        }
        let archive = self.wait(url.as_str(), get(http, url.as_str(), limit))?;
        found.check(&archive).map_err(|reason| Error::Fetch { url: shown(url.as_str()), reason })?;
        Ok(archive)
    }
}

/// A path below an address, whether or not that ends in a slash; its query stays.
fn below(repo: &Url, path: &str) -> Url {
    let mut url = repo.clone();
    url.set_path(&format!("{}/{path}", repo.path().trim_end_matches('/')));
    url
}

/// A version of a chart in an index.
struct Entry {
    url: String,
    /// SHA-256 in hex; empty when the index does not say.
    digest: String,
}

impl Entry {
    fn find(index: &[u8], chart: &Chart) -> Result<Self, String> {
        let text = std::str::from_utf8(index).map_err(|_| "index.yaml is not UTF-8 text".to_owned())?;
        let index =
            weir_yaml::sigs::from_str(text).map_err(|error| format!("index.yaml is not valid YAML: {error}"))?;
        let none = || not_found(chart);
        let all = index.get("entries").and_then(|it| it.get(&chart.name)).and_then(Value::as_array).ok_or_else(none)?;
        let version_of = |entry: &Value| entry.get("version").and_then(Value::as_str).unwrap_or_default().to_owned();
        let exact = all.iter().find(|entry| !chart.version.is_empty() && version_of(entry) == chart.version);
        let range = range(chart)?;
        let best = || {
            let versions = all.iter().filter_map(|entry| Some((Version::parse(&version_of(entry)).ok()?, entry)));
            let fitting = versions.filter(|(version, _)| range.matches(version));
            fitting.max_by(|(a, _), (b, _)| a.cmp(b)).map(|(_, entry)| entry)
        };
        let entry = exact.or_else(best).ok_or_else(none)?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        let url = text(entry.get("urls").and_then(|urls| urls.get(0)));
        if url.is_empty() {
            return Err(format!("chart {} {} has no downloadable URLs", chart.name, version_of(entry)));
        }
        Ok(Self { url, digest: text(entry.get("digest")) })
    }

    fn check(&self, archive: &[u8]) -> Result<(), String> {
        let wanted = self.digest.strip_prefix("sha256:").unwrap_or(&self.digest);
        let actual: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
        match wanted.is_empty() || actual.eq_ignore_ascii_case(wanted) {
            true => Ok(()),
            false => Err(format!("the chart's digest is sha256:{actual}, the index says sha256:{wanted}")),
        }
    }
}

fn not_found(chart: &Chart) -> String {
    let version = if chart.version.is_empty() { String::new() } else { format!(" version {:?}", chart.version) };
    format!("chart {:?}{version} not found in the repository", chart.name)
}

/// The versions that will do.
fn range(chart: &Chart) -> Result<Constraint, String> {
    let text = match (chart.version.as_str(), chart.devel) {
        ("", false) => "*",
        ("", true) => ">0.0.0-0",
        (text, _) => text,
    };
    Constraint::parse(text).map_err(|error| format!("version {text:?} of chart {}: {error}", chart.name))
}

async fn from_registry(url: &str, chart: &Chart, out: &mut std::fs::File, limit: u64) -> Result<(), Error> {
    let failed = |error: OciError| Error::Fetch { url: shown(url), reason: chain(&error) };
    let transport = Transport::new(TransportOptions::default()).map_err(failed)?;
    let session = Session::new(transport.into(), Repository::parse(url).map_err(failed)?, Keychain::anonymous());
    let selector = match Version::parse_strict(&chart.version) {
        // Tags cannot hold a plus.
        Ok(_) => Selector::Tag(chart.version.replace('+', "_")),
        Err(_) => {
            let range = match (chart.version.as_str(), chart.devel) {
                ("", false) => "*",
                ("", true) => ">0.0.0-0",
                (text, _) => text,
            };
            Selector::Semver { range: range.to_owned(), filter: None, underscore_is_plus: true }
        }
    };
    let target = session.pick(&selector).await.map_err(failed)?;
    let digest = session.digest(&target).await.map_err(failed)?;
    let manifest = session.manifest(&digest).await.map_err(failed)?;
    let wrong = |reason: String| Error::Fetch { url: shown(url), reason };
    let layer = manifest.layer(Some(HELM_CHART_LAYER)).map_err(wrong)?;
    session.blob(layer, out, limit).await.map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "entries:\n  app:\n  - {version: 1.0.0, urls: [a-1.0.0.tgz], digest: 'sha256:00'}\n  - {version: 1.2.0, urls: ['https://cdn.example/a.tgz']}\n  - {version: 2.0.0-rc.1, urls: [pre.tgz]}\n  - {version: odd, urls: [odd.tgz]}\n  - {version: 0.1.0, urls: []}\n";

    fn find(version: &str, devel: bool) -> Result<String, String> {
        let chart = Chart { name: "app".to_owned(), version: version.to_owned(), devel, ..Chart::default() };
        Entry::find(INDEX.as_bytes(), &chart).map(|entry| entry.url)
    }

    #[test]
    fn versions_are_picked_as_helm_picks_them() {
        for (version, devel, url) in [
            ("", false, "https://cdn.example/a.tgz"),
            ("", true, "pre.tgz"),
            ("1.0.0", false, "a-1.0.0.tgz"),
            ("~1.0", false, "a-1.0.0.tgz"),
            ("^1", false, "https://cdn.example/a.tgz"),
            ("2.0.0-rc.1", false, "pre.tgz"),
        ] {
            assert_eq!(find(version, devel).as_deref(), Ok(url), "{version:?}");
        }
        assert_eq!(find("3.x", false).unwrap_err(), "chart \"app\" version \"3.x\" not found in the repository");
        assert!(find("0.1.0", false).unwrap_err().contains("no downloadable URLs"));
        let other = Chart { name: "other".to_owned(), ..Chart::default() };
        let error = Entry::find(INDEX.as_bytes(), &other).err().unwrap();
        assert_eq!(error, "chart \"other\" not found in the repository");
    }

    #[test]
    fn a_chart_is_what_the_index_says() {
        let entry = |digest: &str| Entry { url: String::new(), digest: digest.to_owned() };
        let empty = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        assert!(entry("").check(b"x").is_ok() && entry(empty).check(b"").is_ok());
        assert!(entry(&format!("sha256:{empty}")).check(b"x").unwrap_err().contains("the index says"));
    }

    #[test]
    fn addresses_end_in_a_slash_or_not() {
        for repo in ["https://h.example/charts", "https://h.example/charts/"] {
            let repo = Url::parse(repo).unwrap();
            assert_eq!(below(&repo, "index.yaml").as_str(), "https://h.example/charts/index.yaml");
            assert_eq!(below(&repo, "").join("a.tgz").unwrap().as_str(), "https://h.example/charts/a.tgz");
        }
    }
}
