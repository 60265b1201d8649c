//! Which commit of a repository is wanted, and how a revision is written.

use std::fmt;

use gix::hash::ObjectId;
use weir_semver::Constraint;

use crate::Error;

/// Where to look, as a spec says it: commit before name before semver before tag before branch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// A branch.
    pub branch: Option<String>,
    /// A tag.
    pub tag: Option<String>,
    /// A range of versions, looked up among the tags.
    pub semver: Option<String>,
    /// A full reference name, for example `refs/pull/1/head`.
    pub name: Option<String>,
    /// A full commit id; with a branch, the branch names the revision.
    pub commit: Option<String>,
}

/// The branch taken when nothing is asked for.
pub const DEFAULT_BRANCH: &str = "master";

/// A [`Reference`] after precedence and validation.
#[derive(Clone, Debug)]
pub(crate) enum Selector {
    Branch(String),
    Tag(String),
    Semver(Constraint, String),
    Name(String),
    Commit(ObjectId, Option<String>),
}

impl Reference {
    pub(crate) fn selector(&self) -> Result<Selector, Error> {
        let set = |part: &Option<String>| part.clone().filter(|text| !text.is_empty());
        if let Some(commit) = set(&self.commit) {
            let id = ObjectId::from_hex(commit.as_bytes())
                .ok()
                .filter(|id| id.kind() == gix::hash::Kind::Sha1)
                .ok_or_else(|| bad(&commit, "a commit is 40 hexadecimal digits"))?;
            let branch = set(&self.branch);
            if let Some(branch) = &branch {
                full_name(&format!("refs/heads/{branch}"), branch)?;
            }
            return Ok(Selector::Commit(id, branch));
        }
        if let Some(name) = set(&self.name) {
            if name != "HEAD" {
                full_name(&name, &name)?;
            }
            return Ok(Selector::Name(name));
        }
        if let Some(range) = set(&self.semver) {
            let constraint = Constraint::parse(&range).map_err(|e| bad(&range, &e.to_string()))?;
            return Ok(Selector::Semver(constraint, range));
        }
        if let Some(tag) = set(&self.tag) {
            full_name(&format!("refs/tags/{tag}"), &tag)?;
            return Ok(Selector::Tag(tag));
        }
        let branch = set(&self.branch).unwrap_or_else(|| DEFAULT_BRANCH.to_owned());
        full_name(&format!("refs/heads/{branch}"), &branch)?;
        Ok(Selector::Branch(branch))
    }
}

fn bad(reference: &str, reason: &str) -> Error {
    Error::Reference { reference: reference.chars().take(100).collect(), reason: reason.to_owned() }
}

/// Checks a whole reference name by Git's own rules.
fn full_name(name: &str, written: &str) -> Result<(), Error> {
    if !name.starts_with("refs/") {
        return Err(bad(written, "a name is HEAD or starts with refs/"));
    }
    if name.len() > 1024 {
        return Err(bad(written, "it is longer than 1024 bytes"));
    }
    gix::validate::reference::name(name.as_bytes().into())
        .map(|_| ())
        .map_err(|_| bad(written, "git does not allow it"))
}

impl Selector {
    /// What is looked for, for messages.
    pub(crate) fn what(&self) -> String {
        match self {
            Self::Branch(branch) => format!("branch '{branch}'"),
            Self::Tag(tag) => format!("tag '{tag}'"),
            Self::Semver(_, range) => format!("tag with a version matching '{range}'"),
            Self::Name(name) => format!("reference '{name}'"),
            Self::Commit(id, _) => format!("commit '{id}'"),
        }
    }

    /// Whether a commit is asked for, which no list names.
    pub(crate) fn is_commit(&self) -> bool {
        matches!(self, Self::Commit(..))
    }

    /// The prefixes of the names that can answer.
    pub(crate) fn prefixes(&self) -> Vec<String> {
        match self {
            Self::Branch(branch) | Self::Commit(_, Some(branch)) => vec![format!("refs/heads/{branch}")],
            Self::Tag(tag) => vec![format!("refs/tags/{tag}")],
            Self::Semver(..) => vec!["refs/tags/".to_owned()],
            Self::Name(name) => vec![name.strip_suffix("^{}").unwrap_or(name).to_owned()],
            Self::Commit(_, None) => vec!["HEAD".to_owned(), "refs/heads/".to_owned()],
        }
    }

    /// Whether a reference of this name can answer.
    pub(crate) fn wants(&self, name: &str) -> bool {
        match self {
            Self::Semver(..) => name.starts_with("refs/tags/"),
            Self::Commit(_, None) => name == "HEAD" || name.starts_with("refs/heads/"),
            _ => self.prefixes().iter().any(|prefix| prefix == name),
        }
    }
}

/// A commit by the way it was found; prints as Flux writes revisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// `main`, `v1.2.3`, `refs/pull/1/head`; none for a bare commit.
    pub pointer: Option<String>,
    /// The commit.
    pub commit: ObjectId,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(pointer) = &self.pointer {
            write!(f, "{pointer}@")?;
        }
        write!(f, "sha1:{}", self.commit)
    }
}

impl Revision {
    /// Reads what [`fmt::Display`] writes; also the old `main/<sha>` shape.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (pointer, hex) = match text.rsplit_once('@') {
            Some((pointer, digest)) => (Some(pointer), digest.strip_prefix("sha1:")?),
            None => match text.strip_prefix("sha1:") {
                Some(hex) => (None, hex),
                None => match text.rsplit_once('/') {
                    Some((pointer, hex)) => (Some(pointer).filter(|p| *p != "HEAD"), hex),
                    None => (None, text),
                },
            },
        };
        let commit = ObjectId::from_hex(hex.as_bytes()).ok().filter(|id| id.kind() == gix::hash::Kind::Sha1)?;
        Some(Self { pointer: pointer.filter(|p| !p.is_empty()).map(str::to_owned), commit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "0123456789abcdef0123456789abcdef01234567";

    fn reference(f: impl FnOnce(&mut Reference)) -> Reference {
        let mut r = Reference::default();
        f(&mut r);
        r
    }

    #[test]
    fn precedence_is_commit_name_semver_tag_branch() {
        let mut r = Reference {
            branch: Some("main".into()),
            tag: Some("v1".into()),
            semver: Some(">=1.0.0".into()),
            name: Some("refs/pull/1/head".into()),
            commit: Some(SHA.into()),
        };
        assert!(matches!(r.selector().unwrap(), Selector::Commit(id, Some(b)) if id.to_hex() == SHA && b == "main"));
        r.commit = None;
        assert!(matches!(r.selector().unwrap(), Selector::Name(n) if n == "refs/pull/1/head"));
        r.name = None;
        assert!(matches!(r.selector().unwrap(), Selector::Semver(_, range) if range == ">=1.0.0"));
        r.semver = None;
        assert!(matches!(r.selector().unwrap(), Selector::Tag(t) if t == "v1"));
        r.tag = None;
        assert!(matches!(r.selector().unwrap(), Selector::Branch(b) if b == "main"));
        r.branch = None;
        assert!(matches!(r.selector().unwrap(), Selector::Branch(b) if b == "master"));
    }

    #[test]
    fn names_that_git_refuses_are_refused() {
        for branch in ["a..b", "a b", "-\n", "a\0b", "x.lock", "a~1", "a:b", "", "'; rm -rf /"] {
            let r = reference(|r| r.branch = Some(branch.into()));
            assert_eq!(r.selector().is_err(), !branch.is_empty(), "{branch:?}");
        }
        assert!(reference(|r| r.name = Some("main".into())).selector().is_err());
        assert!(reference(|r| r.commit = Some("abc".into())).selector().is_err());
        assert!(reference(|r| r.semver = Some("not a range".into())).selector().is_err());
    }

    #[test]
    fn revisions_round_trip() {
        for text in [format!("main@sha1:{SHA}"), format!("sha1:{SHA}"), format!("refs/pull/1/head@sha1:{SHA}")] {
            assert_eq!(Revision::parse(&text).unwrap().to_string(), text);
        }
        assert_eq!(Revision::parse(&format!("main/{SHA}")).unwrap().to_string(), format!("main@sha1:{SHA}"));
        assert_eq!(Revision::parse(&format!("HEAD/{SHA}")).unwrap().to_string(), format!("sha1:{SHA}"));
        assert_eq!(Revision::parse(&format!("HEAD@sha1:{SHA}")).unwrap().to_string(), format!("HEAD@sha1:{SHA}"));
        assert_eq!(Revision::parse("main@sha256:00"), None);
        assert_eq!(Revision::parse(""), None);
    }
}
