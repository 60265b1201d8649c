//! `index.yaml`: which versions of which charts a repository has, and where.

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use weir_semver::{Constraint, Version};

use super::{ChartError, Wanted};

/// A repository's index.
#[derive(Debug)]
pub struct Index {
    document: Value,
}

/// A version of a chart in an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As the index writes it.
    pub version: String,
    /// Where its archive is; may be relative to the repository.
    pub url: String,
    /// SHA-256 in hex, with or without `sha256:` before it; empty when the index does not say.
    pub digest: String,
    /// What to tell somebody who asked for another version.
    pub note: Option<String>,
}

impl Index {
    /// Reads the text of an `index.yaml`, which may be JSON. `place` names it in errors.
    ///
    /// # Errors
    /// When it is no index.
    pub fn read(bytes: &[u8], place: &str) -> Result<Self, ChartError> {
        let wrong = |reason: String| ChartError::Content { url: place.to_owned(), reason };
        if bytes.is_empty() {
            return Err(wrong("empty index.yaml file".to_owned()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| wrong("index.yaml is not UTF-8 text".to_owned()))?;
        // Large indexes are written as JSON because that is read many times faster.
        let json = text.trim_start().starts_with('{').then(|| serde_json::from_str(text).ok()).flatten();
        let document = match json {
            Some(document) => document,
            None => weir_yaml::sigs::from_str(text)
                .map_err(|error| wrong(format!("index.yaml is not valid YAML: {error}")))?,
        };
        if document.get("apiVersion").and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(wrong("no API version specified in index.yaml".to_owned()));
        }
        Ok(Self { document })
    }

    /// The version that is asked for: that very one, else the highest in the range.
    ///
    /// # Errors
    /// When there is none, the range makes no sense, or the version says no address.
    pub fn find(&self, name: &str, wanted: Wanted<'_>) -> Result<Entry, ChartError> {
        let range = wanted.range();
        let parsed = Constraint::parse(range)
            .map_err(|error| ChartError::Version(format!("version {range:?} of chart {name}: {error}")))?;
        let asked = if wanted.version.is_empty() { String::new() } else { format!(" version {:?}", wanted.version) };
        let none = || ChartError::NotFound(format!("chart {name:?}{asked} not found in the repository"));
        let all = self.document.get("entries").and_then(|it| it.get(name)).and_then(Value::as_array);
        let all = all.ok_or_else(none)?.iter();
        // What is no version is no entry, for helm neither.
        let versions = all.filter_map(|entry| Some((Version::parse(&text(entry.get("version"))).ok()?, entry)));
        let versions: Vec<(Version, &Value)> = versions.collect();
        let exact = versions.iter().find(|(version, _)| version.original() == range);
        let best = || {
            let fitting = versions.iter().filter(|(version, _)| parsed.matches(version));
            // Of equal ones the first.
            fitting.reduce(|best, it| if it.0 > best.0 { it } else { best })
        };
        let (version, entry) = exact.or_else(best).ok_or_else(none)?;
        let version = version.original().to_owned();
        let url = text(entry.get("urls").and_then(|urls| urls.get(0)));
        if url.is_empty() {
            return Err(ChartError::NotFound(format!("chart {name} {version} has no downloadable URLs")));
        }
        let note = (version != range && !is_range(range))
            .then(|| format!("chart {name} has no version {range}; the closest is taken: {version}"));
        Ok(Entry { version, url, digest: text(entry.get("digest")), note })
    }

    /// Whether any version of any chart is at this address.
    #[must_use]
    pub fn lists(&self, url: &str) -> bool {
        let charts = self.document.get("entries").and_then(Value::as_object);
        let entries = charts.into_iter().flat_map(|it| it.values()).filter_map(Value::as_array).flatten();
        let mut urls = entries.filter_map(|it| it.get("urls")).filter_map(Value::as_array).flatten();
        urls.any(|it| it.as_str() == Some(url))
    }
}

impl Entry {
    /// The digest in hex, where the index says one.
    #[must_use]
    pub fn sha256(&self) -> &str {
        self.digest.strip_prefix("sha256:").unwrap_or(&self.digest)
    }

    /// Whether an archive is the one that the index means.
    ///
    /// # Errors
    /// What is there and what was promised.
    pub fn check(&self, archive: &[u8]) -> Result<(), String> {
        let wanted = self.sha256();
        let actual: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
        match wanted.is_empty() || actual.eq_ignore_ascii_case(wanted) {
            true => Ok(()),
            false => Err(format!("the chart's digest is sha256:{actual}, the index says sha256:{wanted}")),
        }
    }
}

fn text(value: Option<&Value>) -> String {
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Whether a version that is asked for stands for several: with an operator, a list, or an `x` among its numbers.
fn is_range(text: &str) -> bool {
    let numbers = text.split(['-', '+']).next().unwrap_or_default();
    text.contains(['^', '~', '<', '>', '=', '!', '*'])
        || text.contains("||")
        || text.contains(" - ")
        || numbers.contains(['x', 'X'])
}

#[cfg(test)]
mod tests {
    use super::*;

    const INDEX: &str = "apiVersion: v1\nentries:\n  app:\n  - {version: 1.0.0, urls: [a-1.0.0.tgz], digest: 'sha256:00'}\n  - {version: 1.2.0, urls: ['https://cdn.example/a.tgz']}\n  - {version: 1.2.0+later, urls: [later.tgz]}\n  - {version: 2.0.0-rc.1, urls: [pre.tgz]}\n  - {version: odd, urls: [odd.tgz]}\n  - null\n  - {version: 0.1.0, urls: []}\n";

    fn find(version: &str, devel: bool) -> Result<Entry, String> {
        let index = Index::read(INDEX.as_bytes(), "here").unwrap();
        index.find("app", Wanted { version, devel }).map_err(|error| error.to_string())
    }

    #[test]
    fn versions_are_picked_as_helm_picks_them() {
        for (version, devel, url) in [
            ("", false, "https://cdn.example/a.tgz"),
            ("", true, "pre.tgz"),
            ("1.0.0", true, "a-1.0.0.tgz"),
            ("~1.0", false, "a-1.0.0.tgz"),
            ("^1", false, "https://cdn.example/a.tgz"),
            ("1.2.0+later", false, "later.tgz"),
            ("2.0.0-rc.1", false, "pre.tgz"),
        ] {
            let found = find(version, devel).unwrap();
            assert_eq!((found.url.as_str(), found.note), (url, None), "{version:?}");
        }
        let near = find("1.0", false).unwrap();
        assert_eq!(near.note.as_deref(), Some("chart app has no version 1.0; the closest is taken: 1.0.0"));
        assert_eq!(find("3.x", false).unwrap_err(), "chart \"app\" version \"3.x\" not found in the repository");
        assert!(find("odd", false).unwrap_err().starts_with("version \"odd\" of chart app: "));
        assert!(find("0.1.0", false).unwrap_err().contains("no downloadable URLs"));
        let index = Index::read(INDEX.as_bytes(), "here").unwrap();
        let error = index.find("other", Wanted::default()).unwrap_err();
        assert_eq!(error.to_string(), "chart \"other\" not found in the repository");
        assert!(index.lists("https://cdn.example/a.tgz") && !index.lists("a.tgz"));
    }

    #[test]
    fn what_is_no_index_is_refused() {
        for (text, expected) in [
            ("", "here: empty index.yaml file"),
            ("entries: [", "here: index.yaml is not valid YAML"),
            ("entries: {}", "here: no API version specified"),
            ("<html>", "here: no API version specified"),
        ] {
            let error = Index::read(text.as_bytes(), "here").unwrap_err().to_string();
            assert!(error.starts_with(expected), "{text}: {error}");
        }
        let json = r#"{"apiVersion": "v1", "entries": {"a": [{"version": "1.0.0", "urls": ["a.tgz"]}]}}"#;
        assert!(Index::read(json.as_bytes(), "here").unwrap().find("a", Wanted::default()).is_ok());
    }

    #[test]
    fn indexes_of_any_shape_are_survived() {
        for entries in [
            "null",
            "[]",
            "3",
            "{}",
            "{app: null}",
            "{app: {}}",
            "{app: [null, 3, [], {}]}",
            "{app: [{version: null}]}",
            "{app: [{version: 1.0.0}]}",
            "{app: [{version: 1.0.0, urls: null}]}",
            "{app: [{version: 1.0.0, urls: [null]}]}",
            "{app: [{version: 1.0.0, urls: {a: b}}]}",
            "{app: [{version: [1], urls: [a]}]}",
            "{app: [{version: 1, urls: [a]}]}",
        ] {
            let text = format!("apiVersion: v1\nentries: {entries}\n");
            let index = Index::read(text.as_bytes(), "here").unwrap();
            let error = index.find("app", Wanted::default()).unwrap_err();
            assert!(matches!(error, ChartError::NotFound(_)), "{entries}: {error}");
            assert!(!index.lists("x"), "{entries}");
        }
        assert!(Index::read(b"apiVersion: [v1]\n", "here").is_err());
    }

    #[test]
    fn a_chart_is_what_the_index_says() {
        let entry =
            |digest: &str| Entry { version: String::new(), url: String::new(), digest: digest.to_owned(), note: None };
        let empty = "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855";
        assert!(entry("").check(b"x").is_ok() && entry(empty).check(b"").is_ok());
        assert!(entry(&format!("sha256:{empty}")).check(b"x").unwrap_err().contains("the index says"));
    }
}
