//! Extraction of archives nobody vouches for.
//!
//! Guarantees: nothing is created outside the given directory; memory stays at a few buffers whatever the archive claims;
//! bytes, entries, depth and compression ratio are bounded while streaming. Symbolic links are skipped (as Flux does),
//! hard links become copies of what they name, devices, FIFOs and sparse files are refused.

mod entries;
mod members;

use std::io::{self, BufRead, Read, Write};

use cap_std::fs::{Dir, DirBuilder, DirBuilderExt, OpenOptions, OpenOptionsExt};
use tar::EntryType;

use entries::{Entries, Entry};
use members::Members;

/// The most that an archive may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the compressed stream.
    pub compressed_bytes: u64,
    /// Bytes of all files together.
    pub total_bytes: u64,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Headers in the archive, extended ones included.
    pub entries: u64,
    /// Directories made, those that paths imply included.
    pub directories: u64,
    /// Segments of a path.
    pub depth: usize,
    /// Plain bytes per compressed byte, watched once 64 MiB have come out.
    pub ratio: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            compressed_bytes: 2 << 30,
            total_bytes: 4 << 30,
            file_bytes: 2 << 30,
            entries: 1_000_000,
            directories: 250_000,
            depth: 128,
            ratio: 200,
        }
    }
}

impl Limits {
    /// What the tar stream itself may measure: the files, and a few headers for each.
    fn stream_bytes(&self) -> u64 {
        self.total_bytes.saturating_add(self.entries.saturating_mul(2048))
    }
}

/// Why an archive was not unpacked.
#[derive(Debug, thiserror::Error)]
pub enum UnpackError {
    /// A name that is absolute, goes up, holds a backslash or is no text.
    #[error("archive entry {name:?} has a name that is not allowed: it must stay below the root")]
    Name {
        /// The name, shortened.
        name: String,
    },
    /// A hard link that leaves the archive or names nothing in it.
    #[error("archive entry {name:?} is a hard link to {target:?}, which is no file of the archive")]
    Link {
        /// The link.
        name: String,
        /// What it names.
        target: String,
    },
    /// A device, a FIFO or something unknown.
    #[error("archive entry {name:?} is of an unsupported type: only files and directories are unpacked")]
    Type {
        /// The entry.
        name: String,
    },
    /// A sparse file.
    #[error("the archive holds sparse files: pack it without --sparse")]
    Sparse,
    /// A path with too many segments.
    #[error("archive entry {name:?} is deeper than {limit} directories")]
    Depth {
        /// The entry.
        name: String,
        /// The limit.
        limit: usize,
    },
    /// Too many entries.
    #[error("the archive has more than {limit} entries")]
    Entries {
        /// The limit.
        limit: u64,
    },
    /// Too many directories.
    #[error("the archive has more than {limit} directories")]
    Directories {
        /// The limit.
        limit: u64,
    },
    /// One file is too large.
    #[error("archive entry {name:?} has {size} bytes: more than {limit} per file are refused")]
    File {
        /// The entry.
        name: String,
        /// What its header says.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// All files together are too large.
    #[error("the archive unpacks to more than {limit} bytes")]
    Total {
        /// The limit.
        limit: u64,
    },
    /// The compressed stream is too large.
    #[error("the archive is larger than {limit} bytes")]
    Compressed {
        /// The limit.
        limit: u64,
    },
    /// It grows as no honest archive does.
    #[error("the archive unpacks to more than {ratio} times its size: refused as a compression bomb")]
    Bomb {
        /// The limit.
        ratio: u64,
    },
    /// Endless gzip members that hold nothing.
    #[error("the archive goes on in empty gzip members: refused")]
    Members,
    /// An extended header that would fill the memory.
    #[error("the archive has an extended header of {size} bytes: more than {limit} are refused")]
    Extension {
        /// What it says.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// It ends in the middle.
    #[error("the archive ends in the middle of an entry")]
    Truncated,
    /// No tar headers inside.
    #[error("not a tar archive: bad header checksum")]
    NotTar,
    /// No gzip, or damaged.
    #[error("not a valid gzip-compressed tar archive")]
    Corrupt {
        /// What the decoder said.
        #[source]
        source: io::Error,
    },
    /// The disk said no.
    #[error("cannot write {name:?}")]
    Write {
        /// The entry.
        name: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

impl UnpackError {
    /// Whether the archive asked for more than it may have (as opposed to being malformed or hostile in its names).
    #[must_use]
    pub fn is_limit(&self) -> bool {
        matches!(
            self,
            Self::Entries { .. }
                | Self::Directories { .. }
                | Self::Depth { .. }
                | Self::File { .. }
                | Self::Total { .. }
                | Self::Compressed { .. }
                | Self::Bomb { .. }
                | Self::Members
                | Self::Extension { .. }
        )
    }
}

/// What came out of an archive.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Regular files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Symbolic links left out.
    pub skipped_links: u64,
}

/// Unpacks a gzip-compressed tar stream below `root`. On error the directory holds what came before it: use a fresh one.
pub fn unpack(archive: impl BufRead, root: &Dir, limits: &Limits) -> Result<Summary, UnpackError> {
    let mut out = Output { root, limits, summary: Summary::default(), directories: 0, made: String::new() };
    let mut entries = Entries::new(Members::new(archive, *limits), *limits);
    let mut buffer = vec![0u8; 32 * 1024];
    while let Some(entry) = entries.next()? {
        let Some(path) = safe_path(&entry, limits)? else { continue };
        match entry.kind {
            EntryType::Directory => out.directory(&path)?,
            EntryType::Regular | EntryType::Continuous => out.file(&path, &entry, entries.data(), &mut buffer)?,
            EntryType::Link => out.link(&path, &entry)?,
            EntryType::Symlink => out.summary.skipped_links += 1,
            EntryType::XGlobalHeader => {}
            EntryType::GNUSparse => return Err(UnpackError::Sparse),
            _ => return Err(UnpackError::Type { name: entry.name }),
        }
    }
    Ok(out.summary)
}

/// The entry's path, segment by segment, or nothing when it is the root itself.
fn safe_path(entry: &Entry, limits: &Limits) -> Result<Option<String>, UnpackError> {
    if entry.kind == EntryType::XGlobalHeader {
        return Ok(Some(String::new()));
    }
    relative(&entry.name, limits)
}

fn relative(name: &str, limits: &Limits) -> Result<Option<String>, UnpackError> {
    let shown = || name.chars().take(200).collect::<String>();
    if name.is_empty() || name.starts_with('/') || name.contains(['\\', '\0']) || name.len() > 4096 {
        return Err(UnpackError::Name { name: shown() });
    }
    let segments: Vec<&str> = name.split('/').filter(|segment| !segment.is_empty() && *segment != ".").collect();
    if segments.contains(&"..") {
        return Err(UnpackError::Name { name: shown() });
    }
    if segments.len() > limits.depth {
        return Err(UnpackError::Depth { name: shown(), limit: limits.depth });
    }
    Ok((!segments.is_empty()).then(|| segments.join("/")))
}

struct Output<'a> {
    root: &'a Dir,
    limits: &'a Limits,
    summary: Summary,
    /// Directories made so far.
    directories: u64,
    /// The directory made or found last; archives list the files of a directory together.
    made: String,
}

impl Output<'_> {
    fn directory(&mut self, path: &str) -> Result<(), UnpackError> {
        let mut builder = DirBuilder::new();
        builder.mode(0o750);
        let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
        for directory in ends.filter_map(|end| path.get(..end)) {
            if self.holds(directory) {
                continue;
            }
            match self.root.create_dir_with(directory, &builder) {
                Ok(()) => self.directories += 1,
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && self.root.is_dir(directory) => {}
                Err(source) => return Err(write_error(path, source)),
            }
            if self.directories > self.limits.directories {
                return Err(UnpackError::Directories { limit: self.limits.directories });
            }
        }
        self.made = path.to_owned();
        Ok(())
    }

    /// Whether a directory is known to be there: the one made last, or one around it.
    fn holds(&self, directory: &str) -> bool {
        self.made.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    fn parent(&mut self, path: &str) -> Result<(), UnpackError> {
        match path.rsplit_once('/') {
            Some((parent, _)) => self.directory(parent),
            None => Ok(()),
        }
    }

    fn account(&mut self, path: &str, size: u64) -> Result<(), UnpackError> {
        if size > self.limits.file_bytes {
            return Err(UnpackError::File { name: path.to_owned(), size, limit: self.limits.file_bytes });
        }
        self.summary.bytes = self.summary.bytes.saturating_add(size);
        if self.summary.bytes > self.limits.total_bytes {
            return Err(UnpackError::Total { limit: self.limits.total_bytes });
        }
        self.summary.files += 1;
        Ok(())
    }

    fn file(&mut self, path: &str, entry: &Entry, mut data: impl Read, buffer: &mut [u8]) -> Result<(), UnpackError> {
        self.account(path, entry.size)?;
        self.parent(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(if entry.executable { 0o700 } else { 0o600 });
        let mut file = self.root.open_with(path, &options).map_err(|source| write_error(path, source))?;
        loop {
            match data.read(buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => {
                    file.write_all(buffer.get(..n).unwrap_or_default()).map_err(|source| write_error(path, source))?
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(entries::stream(error)),
            }
        }
    }

    /// A hard link becomes a copy: the tree never holds two names for one file.
    fn link(&mut self, path: &str, entry: &Entry) -> Result<(), UnpackError> {
        let target = entry.link.clone().unwrap_or_default();
        let refused = || UnpackError::Link { name: entry.name.clone(), target: target.chars().take(200).collect() };
        let source = relative(&target, self.limits).ok().flatten().ok_or_else(refused)?;
        let found = self.root.symlink_metadata(&source).ok().filter(cap_std::fs::Metadata::is_file);
        let size = found.ok_or_else(refused)?.len();
        if source == path {
            return Err(refused());
        }
        self.account(path, size)?;
        self.parent(path)?;
        self.root.copy(&source, self.root, path).map_err(|source| write_error(path, source))?;
        Ok(())
    }
}

fn write_error(name: &str, source: io::Error) -> UnpackError {
    UnpackError::Write { name: name.to_owned(), source }
}

#[cfg(test)]
mod tests;
