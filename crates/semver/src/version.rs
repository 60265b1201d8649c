//! Versions: three numbers, a pre-release and metadata.

use std::{cmp::Ordering, fmt, hash};

use crate::scan::{Scan, is_prerelease};

/// Longer texts are not looked at.
const MAX_LENGTH: usize = 256;

/// A semantic version.
///
/// Order and equality are precedence: metadata and the way it was written do not count. Prints as `1.2.3-rc.1+build`,
/// without the `v` it may have had; [`Version::original`] has the text.
#[derive(Clone, Debug)]
pub struct Version {
    /// First number.
    pub major: u64,
    /// Second number.
    pub minor: u64,
    /// Third number.
    pub patch: u64,
    /// Pre-release without the hyphen, empty if there is none.
    pub pre: String,
    /// Build metadata without the plus sign, empty if there is none.
    pub metadata: String,
    original: String,
}

/// Why a text is not a version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidVersion {
    /// It does not have the form of one.
    #[error("invalid semantic version {text:?}")]
    Form {
        /// What was written, cut.
        text: String,
    },
    /// A number has a leading zero where that is not allowed.
    #[error("invalid semantic version {text:?}: version segment starts with 0")]
    LeadingZero {
        /// What was written, cut.
        text: String,
    },
    /// A number does not fit 64 bits.
    #[error("invalid semantic version {text:?}: a number is too large")]
    TooLarge {
        /// What was written, cut.
        text: String,
    },
    /// The text is longer than a version may be.
    #[error("version string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
}

impl Version {
    /// Reads a version leniently: an optional `v`, one to three numbers (missing ones are zero), leading zeros in the
    /// numbers.
    ///
    /// # Errors
    /// When the text is not a version.
    pub fn parse(text: &str) -> Result<Self, InvalidVersion> {
        let form = || InvalidVersion::Form { text: shown(text) };
        check_length(text)?;
        let mut scan = Scan::new(text);
        scan.eat("v");
        let mut numbers = [0; 3];
        for (index, slot) in numbers.iter_mut().enumerate() {
            if index > 0 && !scan.eat(".") {
                break;
            }
            *slot = number(scan.run(|c| c.is_ascii_digit()), text)?;
        }
        let (pre, metadata) = scan.suffixes().ok_or_else(form)?;
        if !scan.is_done() {
            return Err(form());
        }
        Self::build(text, numbers, pre, metadata)
    }

    /// Reads a version as semver 2.0.0 writes it: three numbers without leading zeros and no `v`.
    ///
    /// # Errors
    /// When the text is not such a version.
    pub fn parse_strict(text: &str) -> Result<Self, InvalidVersion> {
        check_length(text)?;
        let core = text.split(['-', '+']).next().unwrap_or_default();
        if core.starts_with('v') || core.split('.').count() != 3 {
            return Err(InvalidVersion::Form { text: shown(text) });
        }
        if core.split('.').any(|part| part.len() > 1 && part.starts_with('0')) {
            return Err(InvalidVersion::LeadingZero { text: shown(text) });
        }
        Self::parse(text)
    }

    /// Reads a tag as Flux does: leniently, but the text must have three segments between dots.
    ///
    /// # Errors
    /// When the text is not such a version.
    pub fn parse_tag(text: &str) -> Result<Self, InvalidVersion> {
        if text.splitn(3, '.').count() != 3 {
            return Err(InvalidVersion::Form { text: shown(text) });
        }
        Self::parse(text)
    }

    /// The text this was read from.
    #[must_use]
    pub fn original(&self) -> &str {
        &self.original
    }

    /// Whether it comes before a release.
    #[must_use]
    pub fn is_prerelease(&self) -> bool {
        !self.pre.is_empty()
    }

    /// The three numbers.
    #[must_use]
    pub fn core(&self) -> (u64, u64, u64) {
        (self.major, self.minor, self.patch)
    }

    pub(crate) fn build(text: &str, numbers: [u64; 3], pre: &str, metadata: &str) -> Result<Self, InvalidVersion> {
        if !is_prerelease(pre) {
            return Err(InvalidVersion::LeadingZero { text: shown(text) });
        }
        let [major, minor, patch] = numbers;
        let (pre, metadata) = (pre.to_owned(), metadata.to_owned());
        Ok(Self { major, minor, patch, pre, metadata, original: text.to_owned() })
    }
}

fn check_length(text: &str) -> Result<(), InvalidVersion> {
    if text.len() > MAX_LENGTH { Err(InvalidVersion::TooLong) } else { Ok(()) }
}

/// A number of a version, digits only.
pub(crate) fn number(digits: &str, text: &str) -> Result<u64, InvalidVersion> {
    if digits.is_empty() {
        return Err(InvalidVersion::Form { text: shown(text) });
    }
    digits.parse().map_err(|_| InvalidVersion::TooLarge { text: shown(text) })
}

/// At most 64 characters of a text, for errors.
pub(crate) fn shown(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Precedence of two pre-releases; none at all is the highest.
fn compare_pre(a: &str, b: &str) -> Ordering {
    match (a.is_empty(), b.is_empty()) {
        (true, true) => return Ordering::Equal,
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut left, mut right) = (a.split('.'), b.split('.'));
    loop {
        let order = match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => Ordering::Less,
            (Some(_), None) => Ordering::Greater,
            (Some(x), Some(y)) => match (x.parse::<u64>(), y.parse::<u64>()) {
                (Ok(x), Ok(y)) => x.cmp(&y),
                (Ok(_), Err(_)) => Ordering::Less,
                (Err(_), Ok(_)) => Ordering::Greater,
                (Err(_), Err(_)) => x.cmp(y),
            },
        };
        if order.is_ne() {
            return order;
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.core().cmp(&other.core()).then_with(|| compare_pre(&self.pre, &other.pre))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Version {}

impl hash::Hash for Version {
    fn hash<H: hash::Hasher>(&self, state: &mut H) {
        (self.core(), &self.pre).hash(state);
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)?;
        if !self.pre.is_empty() {
            write!(f, "-{}", self.pre)?;
        }
        if !self.metadata.is_empty() {
            write!(f, "+{}", self.metadata)?;
        }
        Ok(())
    }
}

impl std::str::FromStr for Version {
    type Err = InvalidVersion;

    fn from_str(text: &str) -> Result<Self, InvalidVersion> {
        Self::parse(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn precedence_follows_the_specification() {
        let ascending = [
            "0.9.9",
            "1.0.0-1",
            "1.0.0-2",
            "1.0.0-10",
            "1.0.0-alpha",
            "1.0.0-alpha.1",
            "1.0.0-alpha.beta",
            "1.0.0-rc.1",
            "1.0.0",
            "1.0.1",
            "1.10.0",
        ];
        for pair in ascending.windows(2) {
            let (low, high) = (Version::parse(pair[0]).unwrap(), Version::parse(pair[1]).unwrap());
            assert!(low < high, "{low} < {high}");
        }
        assert_eq!(Version::parse("v1.2.3+a").unwrap(), Version::parse("1.2.3+b").unwrap());
    }
}
