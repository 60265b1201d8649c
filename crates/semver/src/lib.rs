//! Versions and constraints as Masterminds/semver v3 reads them, the dialect of every `semver` field in Flux's specs.
//!
//! ```text
//! tags --Version::parse_tag--> versions --Constraint::matches--> candidates --highest--> one tag
//! ```
//!
//! The rules were taken from the library's documentation and checked against its behaviour; `tests/golden` holds what it
//! answered. Reference: <https://github.com/Masterminds/semver#checking-version-constraints>.

mod constraint;
mod interval;
mod scan;
mod version;

pub use constraint::{Constraint, InvalidConstraint};
pub use version::{InvalidVersion, Version};

/// The tag with the highest version that satisfies the constraint, among those that are versions (see
/// [`Version::parse_tag`]). Of two tags with the same precedence the one that sorts last as text is taken, so the answer
/// does not depend on the order of `tags`.
pub fn highest<'a>(constraint: &Constraint, tags: impl IntoIterator<Item = &'a str>) -> Option<(Version, &'a str)> {
    candidates(constraint, tags).max_by(|a, b| a.0.cmp(&b.0).then_with(|| a.1.cmp(b.1)))
}

/// Every tag that is a version and satisfies the constraint, in the order given.
pub fn candidates<'a>(
    constraint: &Constraint,
    tags: impl IntoIterator<Item = &'a str>,
) -> impl Iterator<Item = (Version, &'a str)> {
    tags.into_iter().filter_map(|tag| {
        let version = Version::parse_tag(tag).ok()?;
        constraint.matches(&version).then_some((version, tag))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_tag_wins_whatever_the_order() {
        let tags = ["v1.0.0", "1.4.1", "1.4.1+build", "latest", "1.4", "2.0.0", "1.5.0-rc.1"];
        let constraint = Constraint::parse("1.x").unwrap();
        assert_eq!(highest(&constraint, tags).unwrap().1, "1.4.1+build");
        assert_eq!(highest(&constraint, tags.into_iter().rev()).unwrap().1, "1.4.1+build");
        let with_pre = Constraint::parse(">=1.0.0-0 <2").unwrap();
        assert_eq!(highest(&with_pre, tags).unwrap().1, "1.5.0-rc.1");
        assert!(highest(&Constraint::parse(">3").unwrap(), tags).is_none());
    }
}
