//! A tar stream, entry by entry, in bounded memory: unlike general readers it never holds an extended header of the
//! size that the archive claims for it.

use std::io::{self, Read};

use tar::{EntryType, Header};

use super::{Limits, UnpackError};

const BLOCK: u64 = 512;
/// The most that a name or a PAX header may take.
const EXTENSION_BYTES: u64 = 1 << 20;

/// One member of an archive, its data still in the stream.
pub(super) struct Entry {
    /// Its name as bytes decoded leniently; a name that is no UTF-8 is refused.
    pub(super) name: String,
    pub(super) kind: EntryType,
    pub(super) size: u64,
    pub(super) executable: bool,
    /// Target of a link.
    pub(super) link: Option<String>,
}

/// What extended headers say of the entry that follows them.
#[derive(Default)]
struct Extension {
    name: Option<Vec<u8>>,
    link: Option<Vec<u8>>,
    size: Option<u64>,
}

/// Reads headers; the caller takes the data with [`Entries::data`] or leaves it.
pub(super) struct Entries<R> {
    inner: R,
    /// Data of the current entry not read yet, and the padding behind it.
    remaining: u64,
    padding: u64,
    count: u64,
    limits: Limits,
}

impl<R: Read> Entries<R> {
    pub(super) fn new(inner: R, limits: Limits) -> Self {
        Self { inner, remaining: 0, padding: 0, count: 0, limits }
    }

    /// The next entry, or nothing at the end of the archive.
    pub(super) fn next(&mut self) -> Result<Option<Entry>, UnpackError> {
        let mut extension = Extension::default();
        loop {
            self.skip_rest()?;
            let Some(header) = self.header()? else { return Ok(None) };
            self.count += 1;
            if self.count > self.limits.entries {
                return Err(UnpackError::Entries { limit: self.limits.entries });
            }
            let kind = header.entry_type();
            let own_size = header.entry_size().map_err(corrupt)?;
            match kind {
                EntryType::GNULongName => extension.name = Some(self.extension(own_size)?),
                EntryType::GNULongLink => extension.link = Some(self.extension(own_size)?),
                EntryType::XHeader => {
                    let records = self.extension(own_size)?;
                    extension.read_pax(&records)?;
                }
                _ => return self.entry(&header, own_size, extension).map(Some),
            }
        }
    }

    /// The data of the current entry; a stream that ends early is an error, never a short file.
    pub(super) fn data(&mut self) -> Data<'_, R> {
        Data { entries: self }
    }

    fn entry(&mut self, header: &Header, own_size: u64, extension: Extension) -> Result<Entry, UnpackError> {
        let kind = header.entry_type();
        // Only what has data may say so: the size of a link or directory means nothing.
        let carries = !matches!(
            kind,
            EntryType::Directory
                | EntryType::Symlink
                | EntryType::Link
                | EntryType::Char
                | EntryType::Block
                | EntryType::Fifo
        );
        let size = if carries { extension.size.unwrap_or(own_size) } else { 0 };
        self.expect_data(size);
        let name = text(extension.name.unwrap_or_else(|| header.path_bytes().into_owned()))?;
        let link = match extension.link.or_else(|| header.link_name_bytes().map(|bytes| bytes.into_owned())) {
            Some(bytes) if matches!(kind, EntryType::Symlink | EntryType::Link) => Some(text(bytes)?),
            _ => None,
        };
        let executable = header.mode().map_err(corrupt)? & 0o111 != 0;
        // Archives older than POSIX mark directories by their name alone.
        let kind = if kind == EntryType::Regular && name.ends_with('/') { EntryType::Directory } else { kind };
        Ok(Entry { name, kind, size, executable, link })
    }

    fn expect_data(&mut self, size: u64) {
        self.remaining = size;
        // A size that no archive can have is found out when its data does not come.
        self.padding = size.checked_next_multiple_of(BLOCK).map_or(0, |whole| whole - size);
    }

    fn skip_rest(&mut self) -> Result<(), UnpackError> {
        let rest = self.remaining.saturating_add(self.padding);
        let skipped = io::copy(&mut self.inner.by_ref().take(rest), &mut io::sink()).map_err(stream)?;
        if skipped < rest {
            return Err(UnpackError::Truncated);
        }
        (self.remaining, self.padding) = (0, 0);
        Ok(())
    }

    fn header(&mut self) -> Result<Option<Header>, UnpackError> {
        let mut header = Header::new_old();
        let block = header.as_mut_bytes();
        let mut filled = 0;
        while let Some(rest) = block.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            match self.inner.read(rest) {
                Ok(0) if filled == 0 => return Ok(None),
                Ok(0) => return Err(UnpackError::Truncated),
                Ok(n) => filled += n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(stream(error)),
            }
        }
        if block.iter().all(|byte| *byte == 0) {
            return Ok(None);
        }
        // The checksum counts its own field as eight spaces.
        let sum: u32 =
            block.iter().enumerate().map(|(i, b)| if (148..156).contains(&i) { 32 } else { u32::from(*b) }).sum();
        if header.cksum().ok() != Some(sum) {
            return Err(UnpackError::NotTar);
        }
        Ok(Some(header))
    }

    fn extension(&mut self, size: u64) -> Result<Vec<u8>, UnpackError> {
        if size > EXTENSION_BYTES {
            return Err(UnpackError::Extension { size, limit: EXTENSION_BYTES });
        }
        self.expect_data(size);
        let mut bytes = Vec::new();
        self.data().read_to_end(&mut bytes).map_err(stream)?;
        while bytes.last() == Some(&0) {
            bytes.pop();
        }
        Ok(bytes)
    }
}

impl Extension {
    /// Records of the form `<length> <key>=<value>\n`.
    fn read_pax(&mut self, mut records: &[u8]) -> Result<(), UnpackError> {
        let malformed = || UnpackError::Corrupt { source: io::Error::other("malformed PAX header") };
        while !records.is_empty() {
            let space = records.iter().position(|b| *b == b' ').ok_or_else(malformed)?;
            let (length, _) = records.split_at(space);
            let length: usize =
                std::str::from_utf8(length).ok().and_then(|text| text.parse().ok()).ok_or_else(malformed)?;
            let record = records.get(space + 1..length).and_then(|r| r.strip_suffix(b"\n")).ok_or_else(malformed)?;
            records = records.get(length..).unwrap_or_default();
            let equals = record.iter().position(|b| *b == b'=').ok_or_else(malformed)?;
            let (key, value) = (record.get(..equals).unwrap_or_default(), record.get(equals + 1..).unwrap_or_default());
            match key {
                b"path" => self.name = Some(value.to_vec()),
                b"linkpath" => self.link = Some(value.to_vec()),
                b"size" => {
                    let size = std::str::from_utf8(value).ok().and_then(|text| text.parse().ok());
                    self.size = Some(size.ok_or_else(malformed)?);
                }
                key if key.starts_with(b"GNU.sparse.") => return Err(UnpackError::Sparse),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The data of one entry.
pub(super) struct Data<'a, R> {
    entries: &'a mut Entries<R>,
}

impl<R: Read> Read for Data<'_, R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let limit = usize::try_from(self.entries.remaining).unwrap_or(usize::MAX).min(buf.len());
        let Some(part) = buf.get_mut(..limit).filter(|part| !part.is_empty()) else { return Ok(0) };
        let n = self.entries.inner.read(part)?;
        if n == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.entries.remaining -= n as u64;
        Ok(n)
    }
}

fn text(bytes: Vec<u8>) -> Result<String, UnpackError> {
    String::from_utf8(bytes).map_err(|error| UnpackError::Name {
        name: String::from_utf8_lossy(error.as_bytes()).chars().take(200).collect(),
    })
}

fn corrupt(source: io::Error) -> UnpackError {
    UnpackError::Corrupt { source }
}

/// An error of the stream below: a limit, an early end, or bytes that are no gzip.
pub(super) fn stream(source: io::Error) -> UnpackError {
    use super::members::Cut;
    if source.kind() == io::ErrorKind::UnexpectedEof {
        return UnpackError::Truncated;
    }
    match source.get_ref().and_then(|inner| inner.downcast_ref::<Cut>()) {
        Some(Cut::Input(limit)) => UnpackError::Compressed { limit: *limit },
        Some(Cut::Output(limit)) => UnpackError::Total { limit: *limit },
        Some(Cut::Ratio(ratio)) => UnpackError::Bomb { ratio: *ratio },
        Some(Cut::Members) => UnpackError::Members,
        None => UnpackError::Corrupt { source },
    }
}
