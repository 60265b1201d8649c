//! A directory as one reproducible `tar.gz`: the same files give the same bytes, wherever and whenever they are packed.
//!
//! Entries are relative and sorted; only regular files and directories; owner, group and times are zero; modes are 0750
//! for directories, 0700 for executables and 0600 for other files.

mod files;

use std::{
    ffi::OsString,
    io::{self, Read, Write},
};

use cap_std::fs::{Dir, PermissionsExt};
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::{
    digest::{Algorithm, Digest, Tee},
    ignore::{self, Pattern, Rules},
};

pub use files::{Files, Taker, pack_files};

/// The most a single ignore file may hold, and all of them together in patterns.
const IGNORE_BYTES: u64 = 1 << 20;
const IGNORE_PATTERNS: usize = 20_000;
/// Directories nested deeper than this are refused, in sources as in archives.
const DEPTH: usize = 128;

/// Why a directory was not packed.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file or directory could not be read.
    #[error("cannot read {path:?}")]
    Read {
        /// Relative to the root.
        path: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The archive could not be written.
    #[error("cannot write the archive")]
    Write(#[source] io::Error),
    /// A name that is no UTF-8: it cannot be matched against rules nor named in a manifest.
    #[error("file name {name:?} is not valid UTF-8")]
    Name {
        /// The name, decoded leniently.
        name: String,
    },
    /// Too many directories in one another.
    #[error("{path:?} is deeper than {DEPTH} directories")]
    Depth {
        /// Relative to the root.
        path: String,
    },
    /// Ignore rules beyond reason.
    #[error("{path:?} has more ignore rules than are allowed: 1 MiB a file, 20000 patterns in all")]
    Rules {
        /// The file.
        path: String,
    },
    /// Files that are in no directory could not be shown.
    #[error("cannot read the files")]
    Files(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What was packed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packed {
    /// Of the compressed bytes.
    pub digest: Digest,
    /// Compressed bytes.
    pub size: u64,
    /// Regular files inside.
    pub files: u64,
}

/// The rules of a tree: every `.sourceignore` in it, then `spec_ignore`, which has the last word.
pub fn rules(root: &Dir, spec_ignore: Option<&str>) -> Result<Rules, PackError> {
    let mut patterns = Vec::new();
    collect_rules(root, &mut Vec::new(), &mut patterns)?;
    patterns.extend(ignore::parse(spec_ignore.unwrap_or_default(), &[]));
    Ok(Rules::new(patterns))
}

fn collect_rules(dir: &Dir, domain: &mut Vec<String>, patterns: &mut Vec<Pattern>) -> Result<(), PackError> {
    let path = |name: &str| join(domain, name);
    match dir.symlink_metadata(ignore::FILE) {
        Ok(found) if found.is_file() => {
            let mut text = Vec::new();
            let read = dir.open(ignore::FILE).and_then(|f| f.take(IGNORE_BYTES + 1).read_to_end(&mut text));
            read.map_err(|source| PackError::Read { path: path(ignore::FILE), source })?;
            patterns.extend(ignore::parse(&String::from_utf8_lossy(&text), domain));
            if text.len() as u64 > IGNORE_BYTES || patterns.len() > IGNORE_PATTERNS {
                return Err(PackError::Rules { path: path(ignore::FILE) });
            }
        }
        _ => {}
    }
    for (name, is_dir) in listing(dir, domain)? {
        if is_dir && name != ".git" {
            descend(domain)?;
            let child = dir.open_dir(&name).map_err(|source| PackError::Read { path: join(domain, &name), source })?;
            domain.push(name);
            collect_rules(&child, domain, patterns)?;
            domain.pop();
        }
    }
    Ok(())
}

/// Packs what the rules leave of a directory. Streams: memory is one file buffer and the compressor's window.
pub fn pack<W: Write>(root: &Dir, rules: &Rules, out: W, algorithm: Algorithm) -> Result<(W, Packed), PackError> {
    let tee = Tee::new(out, algorithm);
    let gzip = GzBuilder::new().mtime(0).operating_system(255).write(tee, Compression::default());
    let mut walk = Walk { tar: Builder::new(gzip), rules, files: 0 };
    walk.directory(root, &mut Vec::new())?;
    walk.finish()
}

type Gzip<W> = flate2::write::GzEncoder<Tee<W>>;

struct Walk<'a, W: Write> {
    tar: Builder<Gzip<W>>,
    rules: &'a Rules,
    files: u64,
}

impl<W: Write> Walk<'_, W> {
    fn finish(self) -> Result<(W, Packed), PackError> {
        let gzip = self.tar.into_inner().map_err(PackError::Write)?;
        let (out, digest, size) = gzip.finish().map_err(PackError::Write)?.finish();
        Ok((out, Packed { digest, size, files: self.files }))
    }

    fn directory(&mut self, dir: &Dir, path: &mut Vec<String>) -> Result<(), PackError> {
        for (name, is_dir) in listing(dir, path)? {
            let read = |source| PackError::Read { path: join(path, &name), source };
            let segments: Vec<&str> = path.iter().map(String::as_str).chain([name.as_str()]).collect();
            let excluded = self.rules.excludes(&segments, is_dir);
            if is_dir {
                if excluded && self.rules.may_prune() {
                    continue;
                }
                descend(path)?;
                let child = dir.open_dir(&name).map_err(read)?;
                if !excluded {
                    self.append(&join(path, &name), EntryType::Directory, 0o750, 0, io::empty())?;
                }
                path.push(name);
                self.directory(&child, path)?;
                path.pop();
            } else if !excluded {
                let file = dir.open(&name).map_err(read)?;
                let metadata = file.metadata().map_err(read)?;
                let mode = if metadata.permissions().mode() & 0o111 == 0 { 0o600 } else { 0o700 };
                // A file that shrinks while it is read would leave a hole in the archive: padded by nobody, refused.
                let exact = Exact { inner: file, left: metadata.len() };
                self.append(&join(path, &name), EntryType::Regular, mode, metadata.len(), exact)?;
                self.files += 1;
            }
        }
        Ok(())
    }

    fn append(&mut self, path: &str, kind: EntryType, mode: u32, size: u64, data: impl Read) -> Result<(), PackError> {
        let mut header = Header::new_ustar();
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(size);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        self.tar.append_data(&mut header, path, data).map_err(PackError::Write)
    }
}

/// Exactly as many bytes as the header promised.
struct Exact<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let limit = usize::try_from(self.left).unwrap_or(usize::MAX).min(buf.len());
        let Some(part) = buf.get_mut(..limit).filter(|part| !part.is_empty()) else { return Ok(0) };
        let n = self.inner.read(part)?;
        if n == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the file became shorter while it was packed"));
        }
        self.left -= n as u64;
        Ok(n)
    }
}

/// Files and directories of a directory, sorted by name; links and everything else are left out.
fn listing(dir: &Dir, path: &[String]) -> Result<Vec<(String, bool)>, PackError> {
    let read = |source| PackError::Read { path: join(path, ""), source };
    let mut names = Vec::new();
    for entry in dir.entries().map_err(read)? {
        let entry = entry.map_err(read)?;
        let kind = entry.file_type().map_err(read)?;
        if kind.is_dir() || kind.is_file() {
            let name = entry
                .file_name()
                .into_string()
                .map_err(|name: OsString| PackError::Name { name: name.to_string_lossy().into_owned() })?;
            names.push((name, kind.is_dir()));
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn descend(path: &[String]) -> Result<(), PackError> {
    if path.len() >= DEPTH { Err(PackError::Depth { path: join(path, "") }) } else { Ok(()) }
}

fn join(path: &[String], name: &str) -> String {
    path.iter().map(String::as_str).chain([name]).filter(|s| !s.is_empty()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use cap_std::ambient_authority;

    use super::*;
    use crate::unpack::{Limits, unpack};

    fn scratch() -> (tempfile::TempDir, Dir) {
        let temp = tempfile::tempdir().unwrap();
        let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).unwrap();
        (temp, dir)
    }

    fn packed(dir: &Dir, ignore: Option<&str>) -> (Vec<u8>, Packed) {
        let rules = rules(dir, ignore).unwrap();
        pack(dir, &rules, Vec::new(), Algorithm::Sha256).unwrap()
    }

    /// Name -> (mode, size) of every entry.
    fn entries(bytes: &[u8]) -> BTreeMap<String, (u32, u64)> {
        let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
        let list = archive.entries().unwrap().map(|entry| {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!((header.uid().unwrap(), header.gid().unwrap(), header.mtime().unwrap()), (0, 0, 0));
            let name = entry.path().unwrap().to_str().unwrap().trim_end_matches('/').to_owned();
            (name, (header.mode().unwrap(), entry.size()))
        });
        list.collect()
    }

    #[test]
    fn the_same_files_give_the_same_bytes() {
        let (a, b) = (scratch(), scratch());
        for (dir, order) in [(&a.1, ["z", "a", "m"]), (&b.1, ["m", "z", "a"])] {
            for name in order {
                dir.create_dir_all(format!("dir/{name}")).unwrap();
                dir.write(format!("dir/{name}/file.yaml"), name).unwrap();
            }
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
        b.1.write("dir/a/file.yaml", "a").unwrap();
        let (one, two) = (packed(&a.1, None), packed(&b.1, None));
        assert_eq!(one, two);
        assert_eq!(one.1.digest, Digest::of(Algorithm::Sha256, &one.0));
        assert_eq!(one.1.size, one.0.len() as u64);
    }

    #[test]
    fn modes_links_and_rules() {
        let (temp, dir) = scratch();
        dir.create_dir_all("sub/deep").unwrap();
        for name in ["app.yaml", "run.sh", "logo.png", "sub/note.md", "sub/deep/x.yaml"] {
            dir.write(name, "12345").unwrap();
        }
        let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(temp.path().join("run.sh"), executable).unwrap();
        std::os::unix::fs::symlink("/etc/passwd", temp.path().join("link")).unwrap();
        let names = |ignore| entries(&packed(&dir, ignore).0);
        let default = names(None);
        assert_eq!(default.get("app.yaml"), Some(&(0o600, 5)));
        assert_eq!(default.get("run.sh"), Some(&(0o700, 5)));
        assert_eq!(default.get("sub/deep"), Some(&(0o750, 0)));
        assert!(!default.contains_key("logo.png") && !default.contains_key("link"));
        dir.write("sub/.sourceignore", "*.md\n").unwrap();
        let scoped = names(None);
        assert!(!scoped.contains_key("sub/note.md") && scoped.contains_key("logo.png"));
        assert!(names(Some("!*.md")).contains_key("sub/note.md"));
        assert!(!names(Some("/sub/deep/")).contains_key("sub/deep/x.yaml"));
    }

    #[test]
    fn what_is_packed_unpacks_the_same() {
        let (_temp, dir) = scratch();
        let long = format!("{}/{}.yaml", "d".repeat(120), "f".repeat(200));
        dir.create_dir_all("d".repeat(120)).unwrap();
        dir.write(&long, vec![b'x'; 100_000]).unwrap();
        let (bytes, summary) = packed(&dir, None);
        assert_eq!(summary.files, 1);
        let (_out, target) = scratch();
        let done = unpack(bytes.as_slice(), &target, &Limits::default()).unwrap();
        assert_eq!((done.files, done.bytes), (1, 100_000));
        assert_eq!(target.read(&long).unwrap(), vec![b'x'; 100_000]);
    }
}
