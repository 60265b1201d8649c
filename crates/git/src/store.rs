//! The bare repository kept for one source, so that the next fetch brings only what is new.
//!
//! ```text
//! <dir>/HEAD config refs/ objects/pack/     a bare repository: git can read it
//! <dir>/shallow                             commits whose parents are not here, as git writes it
//! <dir>/weir                                url and the commits that are here completely
//! ```
//! It is a cache: whatever is wrong with it, it is deleted and filled again.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use gix::hash::ObjectId;

use crate::{
    Error,
    options::Limits,
    wire::{Shallow, parse_id},
};

/// How many complete commits are remembered; each is said to the server with every fetch.
const REMEMBERED: usize = 8;
const VERSION: &str = "weir kept repository 1";

/// A kept repository, opened.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    dir: PathBuf,
    url: String,
    /// Newest last.
    tips: Vec<ObjectId>,
    shallow: BTreeSet<ObjectId>,
}

impl Store {
    /// Opens the repository in `dir`; starts an empty one when there is none, it is of another URL, too large, or broken.
    pub(crate) fn open(dir: &Path, url: &str, limits: &Limits) -> Result<Self, Error> {
        if let Some(store) = Self::load(dir, url)
            && store.fits(limits)
        {
            store.sweep();
            return Ok(store);
        }
        Self::anew(dir, url)
    }

    fn load(dir: &Path, url: &str) -> Option<Self> {
        let text = fs::read_to_string(dir.join("weir")).ok()?;
        let mut lines = text.lines();
        if lines.next()? != VERSION || lines.next()? != url || !dir.join("objects/pack").is_dir() {
            return None;
        }
        let tips = lines.map(parse_id).collect::<Option<Vec<_>>>()?;
        let shallow = match fs::read_to_string(dir.join("shallow")) {
            Ok(text) => text.lines().map(parse_id).collect::<Option<BTreeSet<_>>>()?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => BTreeSet::new(),
            Err(_) => return None,
        };
        Some(Self { dir: dir.to_owned(), url: url.to_owned(), tips, shallow })
    }

    /// Deletes what is there and starts empty.
    pub(crate) fn anew(dir: &Path, url: &str) -> Result<Self, Error> {
        wipe(dir)?;
        let write = Error::io("write to");
        let make = || -> std::io::Result<()> {
            fs::create_dir_all(dir.join("objects/pack"))?;
            fs::create_dir_all(dir.join("objects/info"))?;
            fs::create_dir_all(dir.join("refs/heads"))?;
            fs::write(dir.join("HEAD"), "ref: refs/heads/weir\n")?;
            fs::write(dir.join("config"), "[core]\n\trepositoryformatversion = 0\n\tbare = true\n")
        };
        make().map_err(write)?;
        let store = Self { dir: dir.to_owned(), url: url.to_owned(), tips: Vec::new(), shallow: BTreeSet::new() };
        store.save()?;
        Ok(store)
    }

    fn fits(&self, limits: &Limits) -> bool {
        let (mut packs, mut bytes) = (0, 0u64);
        let Ok(entries) = fs::read_dir(self.packs()) else { return false };
        for entry in entries.flatten() {
            packs += usize::from(entry.path().extension().is_some_and(|e| e == "pack"));
            bytes = bytes.saturating_add(entry.metadata().map_or(0, |m| m.len()));
        }
        packs <= limits.kept_packs && bytes <= limits.kept_bytes
    }

    /// Removes what an interrupted fetch left.
    fn sweep(&self) {
        let Ok(entries) = fs::read_dir(self.packs()) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
            let orphan = extension == "pack" && !path.with_extension("idx").exists();
            if orphan || !matches!(extension, "pack" | "idx") {
                let _ = fs::remove_file(path);
            }
        }
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    pub(crate) fn packs(&self) -> PathBuf {
        self.dir.join("objects/pack")
    }

    pub(crate) fn tips(&self) -> &[ObjectId] {
        &self.tips
    }

    pub(crate) fn shallow(&self) -> &BTreeSet<ObjectId> {
        &self.shallow
    }

    /// The objects.
    pub(crate) fn objects(&self, limits: &Limits) -> Result<gix::odb::Handle, Error> {
        let options = gix::odb::store::init::Options {
            use_multi_pack_index: false,
            alloc_limit_bytes: usize::try_from(limits.object_bytes).ok(),
            ..gix::odb::store::init::Options::default()
        };
        gix::odb::at_opts(self.dir.join("objects"), gix::hash::Kind::Sha1, None, options).map_err(Error::io("open"))
    }

    /// Remembers that `commit` is here completely, and how the boundary moved.
    pub(crate) fn remember(&mut self, commit: ObjectId, shallow: &Shallow) -> Result<(), Error> {
        self.shallow.extend(shallow.added.iter().copied());
        for id in &shallow.removed {
            self.shallow.remove(id);
        }
        self.tips.retain(|id| *id != commit);
        self.tips.push(commit);
        if let Some(over) = self.tips.len().checked_sub(REMEMBERED) {
            self.tips.drain(..over);
        }
        self.save()
    }

    fn save(&self) -> Result<(), Error> {
        let mut text = format!("{VERSION}\n{}\n", self.url);
        for id in &self.tips {
            text.push_str(&format!("{id}\n"));
        }
        let shallow: String = self.shallow.iter().map(|id| format!("{id}\n")).collect();
        // The boundary first: a tip without its boundary would promise history that is not here.
        if shallow.is_empty() {
            let _ = fs::remove_file(self.dir.join("shallow"));
        } else {
            replace(&self.dir.join("shallow"), &shallow)?;
        }
        if let Some(tip) = self.tips.last() {
            replace(&self.dir.join("refs/heads/weir"), &format!("{tip}\n"))?;
        }
        replace(&self.dir.join("weir"), &text)
    }
}

/// Makes the next [`Store::open`] start empty.
pub(crate) fn distrust(dir: &Path) {
    let _ = fs::remove_file(dir.join("weir"));
}

/// Deletes a kept repository.
pub(crate) fn wipe(dir: &Path) -> Result<(), Error> {
    // First the file that makes it one: a deletion cut short leaves nothing that looks whole.
    distrust(dir);
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(Error::io("delete")(error)),
        _ => Ok(()),
    }
}

fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let next = path.with_extension("next");
    fs::write(&next, text).and_then(|()| fs::rename(&next, path)).map_err(Error::io("write to"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(c: char) -> ObjectId {
        ObjectId::from_hex(c.to_string().repeat(40).as_bytes()).unwrap()
    }

    #[test]
    fn survives_reopening_and_starts_anew_when_it_must() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b");
        let limits = Limits::default();
        let mut store = Store::open(&dir, "https://h/a", &limits).unwrap();
        store.remember(id('a'), &Shallow { added: vec![id('a')], removed: vec![] }).unwrap();
        store.remember(id('b'), &Shallow { added: vec![id('b')], removed: vec![id('a')] }).unwrap();
        let again = Store::open(&dir, "https://h/a", &limits).unwrap();
        assert_eq!(again.tips(), [id('a'), id('b')]);
        assert_eq!(again.shallow(), &BTreeSet::from([id('b')]));
        fs::write(dir.join("objects/pack/tmp_x"), "x").unwrap();
        fs::write(dir.join("objects/pack/pack-1.pack"), "x").unwrap();
        Store::open(&dir, "https://h/a", &limits).unwrap();
        assert_eq!(fs::read_dir(dir.join("objects/pack")).unwrap().count(), 0);
        // Another repository must not be asked with, or served from, this one's objects.
        assert!(Store::open(&dir, "https://h/b", &limits).unwrap().tips().is_empty());
        let mut store = Store::open(&dir, "https://h/b", &limits).unwrap();
        store.remember(id('c'), &Shallow::default()).unwrap();
        fs::write(dir.join("shallow"), "garbage").unwrap();
        assert!(Store::open(&dir, "https://h/b", &limits).unwrap().tips().is_empty());
        let mut store = Store::open(&dir, "https://h/b", &limits).unwrap();
        store.remember(id('c'), &Shallow::default()).unwrap();
        distrust(&dir);
        assert!(Store::open(&dir, "https://h/b", &limits).unwrap().tips().is_empty());
    }

    #[test]
    fn too_many_packs_mean_a_new_clone() {
        let root = tempfile::tempdir().unwrap();
        let mut store = Store::open(root.path(), "u", &Limits::default()).unwrap();
        store.remember(id('a'), &Shallow::default()).unwrap();
        for i in 0..3 {
            fs::write(root.path().join(format!("objects/pack/pack-{i}.pack")), "x").unwrap();
            fs::write(root.path().join(format!("objects/pack/pack-{i}.idx")), "x").unwrap();
        }
        let limits = Limits { kept_packs: 3, ..Limits::default() };
        assert_eq!(Store::open(root.path(), "u", &limits).unwrap().tips().len(), 1);
        let limits = Limits { kept_packs: 2, ..Limits::default() };
        assert_eq!(Store::open(root.path(), "u", &limits).unwrap().tips().len(), 0);
    }
}
