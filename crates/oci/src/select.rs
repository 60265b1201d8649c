//! Which tag or digest a spec means. Pure.

use regex::RegexBuilder;
use weir_semver::{Constraint, Version};

use crate::error::OciError;

/// What a spec's `ref` says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selector {
    /// A manifest by its digest.
    Digest(String),
    /// The highest version in a range.
    Semver {
        /// The range.
        range: String,
        /// A regular expression that tags must match first.
        filter: Option<String>,
        /// Helm charts write `+` as `_` in tags, where `+` is not allowed.
        underscore_is_plus: bool,
    },
    /// A tag.
    Tag(String),
}

/// One tag or one digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A tag, which may point elsewhere tomorrow.
    Tag(String),
    /// A digest.
    Digest(String),
}

impl Target {
    /// As it stands in a request's path.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Tag(text) | Self::Digest(text) => text,
        }
    }

    /// The artifact revision: `<tag>@<digest>`, or the digest alone.
    #[must_use]
    pub fn revision(&self, digest: &str) -> String {
        match self {
            Self::Tag(tag) => format!("{tag}@{digest}"),
            Self::Digest(_) => digest.to_owned(),
        }
    }
}

/// The tag of the highest version in the range.
pub(crate) fn highest(
    tags: &[String],
    range: &str,
    filter: Option<&str>,
    underscore_is_plus: bool,
) -> Result<String, OciError> {
    let constraint = Constraint::parse(range).map_err(|source| OciError::Range { range: range.to_owned(), source })?;
    let filter = match filter.filter(|text| !text.is_empty()) {
        Some(text) => Some(
            RegexBuilder::new(text)
                .size_limit(1 << 20)
                .build()
                .map_err(|source| OciError::Filter { filter: text.chars().take(200).collect(), source })?,
        ),
        None => None,
    };
    let mut best: Option<(Version, &String)> = None;
    for tag in tags.iter().filter(|tag| filter.as_ref().is_none_or(|filter| filter.is_match(tag))) {
        let text = if underscore_is_plus { tag.replace('_', "+") } else { tag.clone() };
        let Ok(version) = Version::parse_tag(&text) else { continue };
        let newer = best.as_ref().is_none_or(|(top, name)| (&version, tag) > (top, *name));
        if newer && constraint.matches(&version) {
            best = Some((version, tag));
        }
    }
    best.map(|(_, tag)| tag.clone()).ok_or_else(|| OciError::NoMatch { range: range.to_owned() })
}

/// A digest in a spec: `sha256:` or `sha512:` and lower-case hex of the right length.
pub(crate) fn check_digest(digest: &str) -> Result<(), OciError> {
    let good = match digest.split_once(':') {
        Some(("sha256", hex)) => hex.len() == 64 && is_hex(hex),
        Some(("sha512", hex)) => hex.len() == 128 && is_hex(hex),
        _ => false,
    };
    match good {
        true => Ok(()),
        false => Err(OciError::Spec {
            reason: format!(
                "invalid digest {:?}: expected sha256:<64 hex digits>",
                digest.chars().take(160).collect::<String>()
            ),
        }),
    }
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pick(tags: &[&str], range: &str, filter: Option<&str>, chart: bool) -> Result<String, String> {
        let tags: Vec<String> = tags.iter().map(|tag| (*tag).to_owned()).collect();
        highest(&tags, range, filter, chart).map_err(|error| error.to_string())
    }

    #[test]
    fn the_highest_tag_in_the_range_is_taken() {
        let tags = ["latest", "1.0.0", "1.2.0", "v1.3.0", "2.0.0", "1.4.0-rc.1", "1.5", "not.a.version"];
        assert_eq!(pick(&tags, "1.x", None, false).unwrap(), "v1.3.0");
        assert_eq!(pick(&tags, ">=1.0.0-0 <2", None, false).unwrap(), "1.4.0-rc.1");
        assert_eq!(pick(&tags, "1.x", Some("^1"), false).unwrap(), "1.2.0");
        assert_eq!(pick(&tags, "1.x", Some(""), false).unwrap(), "v1.3.0");
        assert_eq!(pick(&tags, "3.x", None, false).unwrap_err(), "no match found for semver: 3.x");
        assert!(pick(&tags, "what", None, false).unwrap_err().contains("semver 'what' parse error"));
        assert!(pick(&tags, "*", Some("("), false).unwrap_err().contains("tag filter"));
    }

    #[test]
    fn charts_write_plus_as_underscore() {
        let tags = ["6.1.0", "6.1.1_build.7"];
        assert_eq!(pick(&tags, "6.x", None, true).unwrap(), "6.1.1_build.7");
        assert_eq!(pick(&tags, "6.x", None, false).unwrap(), "6.1.0");
    }

    #[test]
    fn revisions_and_digests() {
        assert_eq!(Target::Tag("v1".into()).revision("sha256:ab"), "v1@sha256:ab");
        assert_eq!(Target::Digest("sha256:ab".into()).revision("sha256:ab"), "sha256:ab");
        assert!(check_digest(&format!("sha256:{}", "a".repeat(64))).is_ok());
        for bad in ["sha256:ab", "latest", "md5:00", &format!("sha256:{}", "G".repeat(64))] {
            assert!(check_digest(bad).is_err(), "{bad}");
        }
    }
}
