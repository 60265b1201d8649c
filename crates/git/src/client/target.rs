//! Which of the server's references are wanted, and of commits that tie the newest.

use std::{cmp::Ordering, collections::HashMap};

use gix::hash::ObjectId;
use weir_semver::{Constraint, Version, candidates};

use crate::{
    Error,
    reference::Selector,
    tree::{self, Commit},
    wire::{RemoteRef, Session},
};

/// What the server's list says is wanted; more than one only when versions tie.
pub(super) type Targets = Vec<Target>;

#[derive(Clone)]
pub(super) struct Target {
    pub(super) pointer: Option<String>,
    pub(super) found: RemoteRef,
}

/// Versions that tie are compared by their commits; nobody has more of them than this.
const TIES: usize = 16;

/// Looks up what is wanted in the server's list.
pub(super) async fn find(session: &mut Session, selector: &Selector) -> Result<Targets, Error> {
    if let Selector::Commit(id, branch) = selector {
        let found = RemoteRef { name: String::new(), id: *id, peeled: None };
        return Ok(vec![Target { pointer: branch.clone(), found }]);
    }
    let refs = session.references(&selector.prefixes(), |name| selector.wants(name)).await?;
    let pointer = match selector {
        Selector::Semver(constraint, _) => return Ok(highest(constraint, &refs)),
        Selector::Branch(name) | Selector::Tag(name) | Selector::Name(name) => Some(name.clone()),
        Selector::Commit(..) => None,
    };
    Ok(refs.into_iter().take(1).map(|found| Target { pointer: pointer.clone(), found }).collect())
}

/// The tags of the highest version that a constraint allows.
fn highest(constraint: &Constraint, refs: &[RemoteRef]) -> Targets {
    let tags: HashMap<&str, &RemoteRef> =
        refs.iter().filter_map(|r| Some((r.name.strip_prefix("refs/tags/")?, r))).collect();
    let mut best: Vec<(Version, &str)> = Vec::new();
    for (version, tag) in candidates(constraint, tags.keys().copied()) {
        match best.first().map(|(top, _)| version.cmp(top)) {
            Some(Ordering::Less) => continue,
            Some(Ordering::Equal) => {}
            Some(Ordering::Greater) | None => best.clear(),
        }
        best.push((version, tag));
    }
    best.sort_by_key(|(_, tag)| *tag);
    let target = |tag: &str| tags.get(tag).map(|r| Target { pointer: Some(tag.to_owned()), found: (*r).clone() });
    best.iter().filter_map(|(_, tag)| target(tag)).take(TIES).collect()
}

/// Of several commits the newest; ties go to the first. None when one leads to no commit.
pub(super) fn newest(
    objects: &gix::odb::Handle,
    targets: &Targets,
) -> Result<Option<(Option<String>, Commit, ObjectId)>, Error> {
    let mut best: Option<(Option<String>, Commit, ObjectId)> = None;
    for target in targets {
        let Some((commit, root)) = tree::commit(objects, target.found.id)? else { return Ok(None) };
        if best.as_ref().is_none_or(|(_, newest, _)| commit.time > newest.time) {
            best = Some((target.pointer.clone(), commit, root));
        }
    }
    Ok(best)
}
