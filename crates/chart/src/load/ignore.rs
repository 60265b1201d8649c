//! `.helmignore`.

use crate::path::{self, Pattern};

/// The rules of a `.helmignore`, and the one that always holds: hidden files in `templates/`.
#[derive(Debug, Clone, Default)]
pub struct Ignore {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone)]
struct Rule {
    pattern: Pattern,
    negated: bool,
    folders_only: bool,
    place: Place,
}

/// What a pattern is held against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The whole path.
    Path,
    /// The last segment.
    Base,
}

/// Why a `.helmignore` is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidIgnore {
    /// `**` is not known there.
    #[error("double-star (**) syntax is not supported")]
    DoubleStar,
    /// A pattern that cannot be read.
    #[error("syntax error in pattern")]
    Pattern,
}

impl Ignore {
    /// Reads a `.helmignore`; an empty text stands for none.
    ///
    /// # Errors
    /// For `**` and patterns that cannot be read.
    pub fn parse(text: &str) -> Result<Self, InvalidIgnore> {
        let mut rules = Vec::new();
        for line in text.strip_prefix('\u{feff}').unwrap_or(text).lines().chain(["templates/.?*"]) {
            rules.extend(Rule::parse(line.trim())?);
        }
        Ok(Self { rules })
    }

    /// Whether a path inside the chart is left out. A folder that is takes everything in it along.
    #[must_use]
    pub fn ignores(&self, path: &str, is_folder: bool) -> bool {
        if path.is_empty() || path == "." || path == "./" {
            return false;
        }
        for rule in &self.rules {
            // As Helm has it: a negated rule leaves out everything it does not match.
            if rule.negated {
                if (rule.folders_only && !is_folder) || !rule.matches(path) {
                    return true;
                }
            } else if (!rule.folders_only || is_folder) && rule.matches(path) {
                return true;
            }
        }
        false
    }
}

impl Rule {
    fn parse(line: &str) -> Result<Option<Self>, InvalidIgnore> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(None);
        }
        if line.contains("**") {
            return Err(InvalidIgnore::DoubleStar);
        }
        Pattern::parse(line).ok_or(InvalidIgnore::Pattern)?;
        let (negated, rest) = line.strip_prefix('!').map_or((false, line), |it| (true, it));
        let (folders_only, rest) = rest.strip_suffix('/').map_or((false, rest), |it| (true, it));
        let (place, pattern) = match rest.strip_prefix('/') {
            Some(rooted) => (Place::Path, rooted),
            None if rest.contains('/') => (Place::Path, rest),
            None => (Place::Base, rest),
        };
        // What is left of a pattern that can be read can be read, but for a backslash before what was taken off.
        let pattern = Pattern::parse(pattern).unwrap_or(Pattern::Tokens(Vec::new()));
        Ok(Some(Self { pattern, negated, folders_only, place }))
    }

    fn matches(&self, path: &str) -> bool {
        let name = if self.place == Place::Base { path::base(path) } else { path };
        self.pattern.matches(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_hold_as_helm_holds_them() {
        let rules = Ignore::parse("# c\n*.bak\n.git/\n/docs\nsub/*.md\n").unwrap();
        for (path, folder, expected) in [
            ("a.bak", false, true),
            ("x/a.bak", false, true),
            (".git", true, true),
            (".git", false, false),
            ("docs", true, true),
            ("x/docs", true, false),
            ("sub/a.md", false, true),
            ("x/sub/a.md", false, false),
            ("templates/.hidden", false, true),
            ("templates/a", false, false),
            ("", true, false),
        ] {
            assert_eq!(rules.ignores(path, folder), expected, "{path}");
        }
        let negated = Ignore::parse("!*.yaml\n").unwrap();
        assert!(negated.ignores("a.txt", false) && !negated.ignores("a.yaml", false));
        assert_eq!(Ignore::parse("a/**/b").unwrap_err(), InvalidIgnore::DoubleStar);
        assert_eq!(Ignore::parse("[a").unwrap_err(), InvalidIgnore::Pattern);
    }
}
