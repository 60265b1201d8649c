//! Constraints: comparisons joined by commas or spaces (all must hold), alternatives by `||`.

use std::{fmt, str::FromStr};

use crate::{
    interval::{Given, Interval, Op},
    scan::Scan,
    version::{Version, number, shown},
};

/// Longer texts are not looked at.
const MAX_LENGTH: usize = 512;

/// How operators are written, longer ones before those they begin with.
const OPERATORS: [(&str, Op); 12] = [
    ("!=", Op::NotEqual),
    (">=", Op::GreaterOrEqual),
    ("=>", Op::GreaterOrEqual),
    ("<=", Op::LessOrEqual),
    ("=<", Op::LessOrEqual),
    ("~>", Op::Tilde),
    ("=", Op::Equal),
    (">", Op::Greater),
    ("<", Op::Less),
    ("~", Op::Tilde),
    ("^", Op::Caret),
    ("", Op::Equal),
];

/// A version constraint.
///
/// Operators: `=` (or none), `!=`, `>`, `<`, `>=`, `<=`, `~`, `^`; wildcards `x`, `X`, `*`; ranges `1.2 - 2.3`; `,` or a
/// space between comparisons that must all hold, `||` between alternatives. A pre-release is accepted only by an alternative
/// that names one itself (`>=1.2.3-0`), or by all when [`Constraint::include_prerelease`] says so.
#[derive(Clone, Debug)]
pub struct Constraint {
    text: String,
    alternatives: Vec<Vec<Interval>>,
    include_prerelease: bool,
}

/// Why a text is not a constraint.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConstraint {
    /// It does not have the form of one.
    #[error("improper constraint: {text:?}")]
    Form {
        /// What was written, cut.
        text: String,
    },
    /// The text is longer than a constraint may be.
    #[error("constraint string is too long (max {MAX_LENGTH} bytes)")]
    TooLong,
}

impl Constraint {
    /// Reads a constraint.
    ///
    /// # Errors
    /// When the text is not one; an empty text is not.
    pub fn parse(text: &str) -> Result<Self, InvalidConstraint> {
        if text.len() > MAX_LENGTH {
            return Err(InvalidConstraint::TooLong);
        }
        let group = |part| alternative(part).ok_or_else(|| InvalidConstraint::Form { text: shown(text) });
        let alternatives = text.split("||").map(group).collect::<Result<_, _>>()?;
        Ok(Self { text: text.to_owned(), alternatives, include_prerelease: false })
    }

    /// Accepts pre-releases also where none is named.
    #[must_use]
    pub fn include_prerelease(mut self) -> Self {
        self.include_prerelease = true;
        self
    }

    /// Whether a version satisfies it.
    #[must_use]
    pub fn matches(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|all| {
            let pre_allowed = self.include_prerelease || all.iter().any(|interval| interval.names_pre);
            (pre_allowed || !version.is_prerelease()) && all.iter().all(|interval| interval.contains(version))
        })
    }
}

impl fmt::Display for Constraint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Constraint {
    type Err = InvalidConstraint;

    fn from_str(text: &str) -> Result<Self, InvalidConstraint> {
        Self::parse(text)
    }
}

/// Comparisons that must all hold.
fn alternative(text: &str) -> Option<Vec<Interval>> {
    let mut scan = Scan::new(text);
    let mut all = Vec::new();
    scan.space();
    loop {
        let op = OPERATORS.iter().find_map(|(token, op)| scan.eat(token).then_some((*op, *token)))?;
        scan.space();
        let (version, given) = partial(&mut scan)?;
        let end = if op.1.is_empty() { range_end(&mut scan)? } else { None };
        let is_range = end.is_some();
        match end {
            Some((last, last_given)) => {
                all.push(Interval::new(Op::GreaterOrEqual, version, given));
                all.push(Interval::new(Op::LessOrEqual, last, last_given));
            }
            None => all.push(Interval::new(op.0, version, given)),
        }
        let spaced = scan.space();
        if scan.is_done() {
            return Some(all);
        }
        let comma = scan.eat(",");
        scan.space();
        // A range separates itself: the original puts a space after it.
        if !(comma || spaced || is_range) {
            return None;
        }
    }
}

/// The rest of a hyphen range: `Some(None)` when there is none, `None` when it is malformed.
#[allow(clippy::option_option, reason = "absent and malformed are different things here")]
fn range_end(scan: &mut Scan<'_>) -> Option<Option<(Version, Given)>> {
    let mut ahead = Scan::new(scan.rest());
    if !(ahead.space() && ahead.eat("-") && ahead.space()) {
        return Some(None);
    }
    let end = partial(&mut ahead)?;
    *scan = ahead;
    Some(Some(end))
}

/// A version whose later numbers may be missing or wildcards; what follows a wildcard does not count.
fn partial(scan: &mut Scan<'_>) -> Option<(Version, Given)> {
    let start = scan.rest();
    scan.eat("v");
    let mut numbers = [0; 3];
    let mut given = Given::Nothing;
    let mut open = true;
    for (index, (slot, level)) in numbers.iter_mut().zip([Given::Major, Given::Minor, Given::All]).enumerate() {
        if index > 0 && !scan.eat(".") {
            break;
        }
        let segment = scan.run(|c| c.is_ascii_digit() || matches!(c, 'x' | 'X' | '*'));
        let wildcard = matches!(segment, "x" | "X" | "*");
        let value = if wildcard { 0 } else { number(segment, start).ok()? };
        open = open && !wildcard;
        if open {
            (*slot, given) = (value, level);
        }
    }
    let (pre, metadata) = scan.suffixes()?;
    let version = Version::build(start, numbers, pre, metadata).ok()?;
    Some((version, given))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_name_the_constraint() {
        let error = Constraint::parse(">=1.2 nonsense").unwrap_err();
        assert_eq!(error.to_string(), "improper constraint: \">=1.2 nonsense\"");
        assert_eq!(Constraint::parse(&"1".repeat(600)).unwrap_err(), InvalidConstraint::TooLong);
    }

    #[test]
    fn include_prerelease_lets_them_in() {
        let rc = Version::parse("1.5.0-rc.1").unwrap();
        let constraint = Constraint::parse("^1.2").unwrap();
        assert!(!constraint.matches(&rc));
        assert!(constraint.include_prerelease().matches(&rc));
    }
}
