//! What one comparison (`^1.2`, `>=3`, `!=1.x`) accepts, as an interval of versions.

use crate::version::Version;

/// How a comparison is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Tilde,
    Caret,
}

/// Which numbers of the version were written; the first wildcard ends them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Given {
    Nothing,
    Major,
    Minor,
    All,
}

/// Where an interval starts.
#[derive(Clone, Debug)]
enum Lower {
    Open,
    From(Version),
    After(Version),
    /// Three numbers whatever the pre-release.
    Core((u64, u64, u64)),
    /// Beyond every version.
    Nowhere,
}

/// Where an interval ends.
#[derive(Clone, Debug)]
enum Upper {
    Open,
    Before(Version),
    Through(Version),
    /// Before three numbers, so that their own pre-releases are out.
    Core((u64, u64, u64)),
}

/// The versions from a start to an end, or all others.
#[derive(Clone, Debug)]
pub(crate) struct Interval {
    lower: Lower,
    upper: Upper,
    outside: bool,
    /// `!=1.2.x` excludes releases only, `!=1.2.x-rc` only what has that pre-release.
    only_pre: Option<String>,
    /// Whether the comparison names a pre-release: only then does it accept any.
    pub(crate) names_pre: bool,
}

impl Interval {
    /// What `op` with `version` accepts; numbers that were not given are zero in `version`.
    pub(crate) fn new(op: Op, version: Version, given: Given) -> Self {
        let names_pre = version.is_prerelease();
        let only_pre = (op == Op::NotEqual && given == Given::Minor).then(|| version.pre.clone());
        let (lower, upper) = match op {
            Op::Equal | Op::NotEqual => equal(version, given, op),
            Op::Less => (Lower::Open, Upper::Before(version)),
            Op::LessOrEqual => (Lower::Open, through(version, given)),
            Op::Greater => (after(version, given), Upper::Open),
            Op::GreaterOrEqual => (Lower::From(version), Upper::Open),
            Op::Tilde => (Lower::From(version.clone()), tilde(&version, given)),
            Op::Caret => (Lower::From(version.clone()), caret(&version, given)),
        };
        Self { lower, upper, outside: op == Op::NotEqual, only_pre, names_pre }
    }

    /// Whether the version is accepted; the rule for pre-releases is the caller's.
    pub(crate) fn contains(&self, version: &Version) -> bool {
        let above = match &self.lower {
            Lower::Open => true,
            Lower::From(bound) => version >= bound,
            Lower::After(bound) => version > bound,
            Lower::Core(core) => version.core() >= *core,
            Lower::Nowhere => false,
        };
        let below = match &self.upper {
            Upper::Open => true,
            Upper::Before(bound) => version < bound,
            Upper::Through(bound) => version <= bound,
            Upper::Core(core) => version.core() < *core,
        };
        let same_pre = self.only_pre.as_ref().is_none_or(|pre| *pre == version.pre);
        (above && below && same_pre) != self.outside
    }
}

/// One version when it is complete, else everything that begins so; `!=` looks at the numbers only.
fn equal(version: Version, given: Given, op: Op) -> (Lower, Upper) {
    let all_of_it = matches!(given, Given::All) || (op == Op::NotEqual && given == Given::Nothing);
    if all_of_it {
        return (Lower::From(version.clone()), Upper::Through(version));
    }
    let upper = tilde(&version, given);
    let lower = if op == Op::NotEqual { Lower::Core(version.core()) } else { Lower::From(version) };
    (lower, upper)
}

fn after(version: Version, given: Given) -> Lower {
    match given {
        Given::Major => next_major(&version).map_or(Lower::Nowhere, Lower::Core),
        Given::Minor => next_minor(&version).map_or(Lower::Nowhere, Lower::Core),
        Given::Nothing | Given::All => Lower::After(version),
    }
}

fn through(version: Version, given: Given) -> Upper {
    match given {
        Given::All => Upper::Through(version),
        Given::Major => below(next_major(&version)),
        // A lone wildcard stands for 0.0 here: that is how the original answers `<=*`.
        Given::Minor | Given::Nothing => below(next_minor(&version)),
    }
}

/// `~`: patches when a minor number was given, else minors; from zero there is no end.
fn tilde(version: &Version, given: Given) -> Upper {
    match given {
        Given::Major => below(next_major(version)),
        Given::Minor => below(next_minor(version)),
        Given::Nothing | Given::All if version.core() == (0, 0, 0) => Upper::Open,
        Given::Nothing | Given::All => below(next_minor(version)),
    }
}

/// `^`: whatever leaves the first number that is not zero as it is.
fn caret(version: &Version, given: Given) -> Upper {
    below(match (version.core(), given) {
        ((1.., _, _), _) | (_, Given::Major) => next_major(version),
        ((_, 1.., _), _) | (_, Given::Minor) => next_minor(version),
        ((major, minor, patch), _) => patch.checked_add(1).map(|patch| (major, minor, patch)),
    })
}

fn below(core: Option<(u64, u64, u64)>) -> Upper {
    core.map_or(Upper::Open, Upper::Core)
}

fn next_major(version: &Version) -> Option<(u64, u64, u64)> {
    Some((version.major.checked_add(1)?, 0, 0))
}

fn next_minor(version: &Version) -> Option<(u64, u64, u64)> {
    match version.minor.checked_add(1) {
        Some(minor) => Some((version.major, minor, 0)),
        None => next_major(version),
    }
}
