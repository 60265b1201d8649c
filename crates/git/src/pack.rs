//! From a pack file of a stranger to an indexed pack: every entry measured before anything is unpacked into memory.
//!
//! The file is read once from front to back to check entries, sizes and checksum; then gix resolves deltas, hashes every
//! object and writes the index. A pack that promises too much never reaches that second step, and how much memory that step
//! needs is known before it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
};

use gix::{
    objs::Exists,
    odb::pack::data::{Entry, entry::Header},
    zlib::{Decompress, FlushDecompress, Status},
};

use crate::{Error, options::Limits};

const TRAILER: u64 = 20;

/// Bytes that resolving holds for each object, at most: entry, delta tree, and their sorted copy (measured: 170).
const PER_OBJECT: u64 = 256;

/// A pack as it came, and what is needed to judge it.
#[derive(Clone)]
pub(crate) struct Incoming<'a> {
    pub(crate) path: &'a Path,
    pub(crate) host: &'a str,
    /// Whether the server names bases within the pack by offset.
    pub(crate) offsets: bool,
    /// What we have: the bases of a thin pack.
    pub(crate) ours: Option<gix::odb::Handle>,
}

/// Measures a pack; gives the bytes of memory that [`resolve`] may take for it.
pub(crate) fn measure(incoming: &Incoming<'_>, limits: &Limits, stop: &AtomicBool) -> Result<u64, Error> {
    let Incoming { path, host, offsets, ours } = incoming;
    let file = File::open(path).map_err(Error::io("read"))?;
    let size = file.metadata().map_err(Error::io("read"))?.len();
    let mut scan = Scan::new(file, size, host, limits)?;
    (scan.offsets, scan.ours) = (*offsets, ours.as_ref());
    let objects = u64::from(scan.left);
    while scan.left > 0 {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Worker);
        }
        scan.step()?;
    }
    scan.trailer()?;
    let longest = scan.chains.iter().map(|(_, bytes)| *bytes).max().unwrap_or_default();
    let memory = objects.saturating_mul(PER_OBJECT).saturating_add(longest);
    if memory > limits.resolve_bytes {
        return Err(scan.limit("resolving a pack", limits.resolve_bytes));
    }
    Ok(memory)
}

/// Writes a measured pack and its index into `directory`, completed by the bases that it leaves out.
pub(crate) fn resolve(
    incoming: Incoming<'_>,
    directory: &Path,
    limits: &Limits,
    stop: &AtomicBool,
) -> Result<(), Error> {
    let Incoming { path, host, ours, .. } = incoming;
    let mut input = BufReader::with_capacity(64 * 1024, File::open(path).map_err(Error::io("read"))?);
    let options = gix::odb::pack::bundle::write::Options {
        thread_limit: Some(1),
        // One of the allocations is the list of entries, whose number `Scan` has bounded.
        alloc_limit_bytes: usize::try_from(limits.object_bytes.max(1 << 30)).ok(),
        ..gix::odb::pack::bundle::write::Options::default()
    };
    let outcome = gix::odb::pack::Bundle::write_to_directory(
        &mut input,
        Some(directory),
        &mut gix::progress::Discard,
        stop,
        ours,
        gix::hash::Kind::Sha1,
        options,
    )
    .map_err(|e| bad(host, &format!("its pack cannot be resolved: {e}")))?;
    if let Some(keep) = outcome.keep_path {
        std::fs::remove_file(keep).map_err(Error::io("write to"))?;
    }
    Ok(())
}

fn bad(host: &str, reason: &str) -> Error {
    Error::Protocol { host: host.to_owned(), reason: reason.chars().take(300).collect() }
}

/// A pack file being read from front to back.
struct Scan<'a> {
    input: Input,
    host: &'a str,
    limits: &'a Limits,
    offsets: bool,
    ours: Option<&'a gix::odb::Handle>,
    left: u32,
    size: u64,
    inflate: Decompress,
    scratch: Vec<u8>,
    /// Bytes along the chain of deltas that ends at each entry, by its offset: ascending, as entries come.
    chains: Vec<(u64, u64)>,
    inflated: u64,
    by_id: u64,
}

impl<'a> Scan<'a> {
    fn new(file: File, size: u64, host: &'a str, limits: &'a Limits) -> Result<Self, Error> {
        let mut input = Input::new(file);
        let mut head = [0u8; 12];
        input.read_exact(&mut head).map_err(|_| bad(host, "its pack has no header"))?;
        let (magic, rest) = head.split_at(4);
        let (version, count) = rest.split_at(4);
        if magic != b"PACK" || version != [0, 0, 0, 2] {
            return Err(bad(host, "its pack has no header of version 2"));
        }
        let left = u32::from_be_bytes(count.try_into().unwrap_or_default());
        if left > limits.objects {
            return Err(Error::Limit {
                host: host.to_owned(),
                what: "objects in a pack",
                limit: limits.objects.into(),
            });
        }
        // An entry takes at least a byte of header and eight of an empty zlib stream.
        if u64::from(left) * 9 > size {
            return Err(bad(host, "its pack announces more objects than it has room for"));
        }
        Ok(Self {
            input,
            host,
            limits,
            offsets: true,
            ours: None,
            left,
            size,
            inflate: Decompress::new(),
            scratch: vec![0; 32 * 1024],
            chains: Vec::with_capacity(left as usize),
            inflated: 0,
            by_id: 0,
        })
    }

    fn limit(&self, what: &'static str, limit: u64) -> Error {
        Error::Limit { host: self.host.to_owned(), what, limit }
    }

    fn step(&mut self) -> Result<(), Error> {
        self.left -= 1;
        let offset = self.input.at;
        let entry = Entry::from_read(&mut self.input, offset, TRAILER as usize)
            .map_err(|e| bad(self.host, &format!("an entry of its pack has no header: {e}")))?;
        if entry.decompressed_size > self.limits.object_bytes {
            return Err(self.limit("an object", self.limits.object_bytes));
        }
        let head = self.measure(entry.decompressed_size)?;
        self.weigh(offset, &entry, &head)?;
        if self.input.at + TRAILER > self.size {
            return Err(bad(self.host, "its pack ends early"));
        }
        Ok(())
    }

    /// Inflates one entry into nothing, never past its announced size; returns its first bytes.
    fn measure(&mut self, announced: u64) -> Result<Vec<u8>, Error> {
        let mut head = Vec::new();
        self.inflate.reset();
        loop {
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let chunk = self.input.inner.fill_buf().map_err(Error::io("read"))?;
            let at_end = chunk.is_empty();
            let status = self
                .inflate
                .decompress(chunk, &mut self.scratch, FlushDecompress::None)
                .map_err(|_| bad(self.host, "an entry of its pack cannot be inflated"))?;
            let used = usize::try_from(self.inflate.total_in() - before_in).unwrap_or(usize::MAX);
            let made = usize::try_from(self.inflate.total_out() - before_out).unwrap_or(usize::MAX);
            self.input.took(used);
            if head.len() < 32 {
                head.extend(self.scratch.iter().take(made.min(32 - head.len())));
            }
            if self.inflate.total_out() > announced {
                return Err(bad(self.host, "an entry of its pack is larger than announced"));
            }
            match status {
                Status::StreamEnd if self.inflate.total_out() == announced => return Ok(head),
                Status::StreamEnd => return Err(bad(self.host, "an entry of its pack is smaller than announced")),
                _ if used == 0 && made == 0 && at_end => return Err(bad(self.host, "its pack ends early")),
                _ if used == 0 && made == 0 => return Err(bad(self.host, "an entry of its pack cannot be inflated")),
                _ => {}
            }
        }
    }

    /// Counts what unpacking this entry will take.
    fn weigh(&mut self, offset: u64, entry: &Entry, head: &[u8]) -> Result<(), Error> {
        let result = if entry.header.is_delta() {
            Some(delta_size(head, 1)).filter(|size| *size < u64::MAX)
        } else {
            Some(entry.decompressed_size)
        };
        let result = result.ok_or_else(|| bad(self.host, "a delta of its pack has no sizes"))?;
        if result > self.limits.object_bytes {
            return Err(self.limit("an object", self.limits.object_bytes));
        }
        self.inflated = self.inflated.saturating_add(result);
        if self.inflated > self.limits.inflated_bytes {
            return Err(self.limit("all objects of a pack", self.limits.inflated_bytes));
        }
        let base = match entry.header {
            Header::OfsDelta { base_distance } => {
                let at = offset.checked_sub(base_distance).unwrap_or(u64::MAX);
                match self.chains.binary_search_by_key(&at, |(offset, _)| *offset) {
                    Ok(i) => self.chains.get(i).map_or(0, |(_, bytes)| *bytes),
                    Err(_) => return Err(bad(self.host, "a delta of its pack has no base")),
                }
            }
            Header::RefDelta { base_id } if self.ours.is_some_and(|ours| ours.exists(&base_id)) => delta_size(head, 0),
            Header::RefDelta { .. } if self.offsets => {
                return Err(bad(self.host, "a delta of its pack names a base that is elsewhere"));
            }
            Header::RefDelta { .. } => {
                self.by_id = self.by_id.saturating_add(result);
                self.by_id
            }
            _ => 0,
        };
        let chain = base.saturating_add(result);
        if chain > self.limits.chain_bytes {
            return Err(self.limit("a chain of deltas", self.limits.chain_bytes));
        }
        self.chains.push((offset, chain));
        Ok(())
    }

    /// Reads the checksum and compares.
    fn trailer(&mut self) -> Result<(), Error> {
        let hasher = std::mem::replace(&mut self.input.hasher, gix::hash::hasher(gix::hash::Kind::Sha1));
        let actual = hasher.try_finalize().map_err(|_| bad(self.host, "its pack is an attack on SHA-1"))?;
        let mut bytes = [0u8; TRAILER as usize];
        self.input.inner.read_exact(&mut bytes).map_err(|_| bad(self.host, "its pack ends early"))?;
        if bytes != actual.as_slice() {
            return Err(bad(self.host, "its pack has another checksum than it says"));
        }
        if self.input.at + TRAILER != self.size {
            return Err(bad(self.host, "its pack goes on after its end"));
        }
        Ok(())
    }
}

/// One of the two numbers that a delta starts with: 0 is the size of its base, 1 of its result. `u64::MAX` when it cannot be
/// read.
fn delta_size(head: &[u8], which: usize) -> u64 {
    let mut bytes = head.iter();
    let mut number = || {
        let (mut value, mut shift) = (0u64, 0u32);
        loop {
            let byte = *bytes.next()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift).filter(|_| shift < 63)?;
            shift += 7;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
    };
    let numbers = [number(), number()];
    numbers.get(which).copied().flatten().unwrap_or(u64::MAX)
}

/// The file with the checksum of what was read.
struct Input {
    inner: BufReader<File>,
    at: u64,
    hasher: gix::hash::Hasher,
}

impl Input {
    fn new(file: File) -> Self {
        Self {
            inner: BufReader::with_capacity(64 * 1024, file),
            at: 0,
            hasher: gix::hash::hasher(gix::hash::Kind::Sha1),
        }
    }

    /// Consumes `n` bytes of the buffer.
    fn took(&mut self, n: usize) {
        let bytes = self.inner.buffer().get(..n).unwrap_or_default();
        self.hasher.update(bytes);
        self.at += n as u64;
        self.inner.consume(n);
    }
}

impl Read for Input {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let mut chunk = self.inner.fill_buf()?;
        let n = chunk.read(out)?;
        self.took(n);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};
    use proptest::prelude::*;

    use super::*;

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    /// A pack of small blobs and one delta, sealed.
    fn sample() -> Vec<u8> {
        let mut out = b"PACK\0\0\0\x02\0\0\0\x03".to_vec();
        for text in [b"hello", b"world"] {
            out.push(0x35);
            out.extend(zlib(text));
        }
        let distance = 1 + zlib(b"world").len();
        out.push(0x67);
        out.push(u8::try_from(distance).unwrap());
        // Copies five bytes, adds two.
        out.extend(zlib(&[5, 7, 0x90, 5, 2, b'!', b'!']));
        seal(&mut out);
        out
    }

    fn seal(pack: &mut Vec<u8>) {
        let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
        hasher.update(pack);
        pack.extend_from_slice(hasher.try_finalize().unwrap().as_slice());
    }

    fn run(bytes: &[u8]) -> Result<(), Error> {
        let (mut file, dir) = (tempfile::NamedTempFile::new().unwrap(), tempfile::tempdir().unwrap());
        file.write_all(bytes).unwrap();
        let limits = Limits { object_bytes: 1 << 20, objects: 1000, ..Limits::default() };
        let incoming = Incoming { path: file.path(), host: "h", offsets: true, ours: None };
        measure(&incoming, &limits, &AtomicBool::new(false))?;
        resolve(incoming, dir.path(), &limits, &AtomicBool::new(false))
    }

    #[test]
    fn sizes_of_deltas() {
        assert_eq!((delta_size(&[5, 0x80, 1], 0), delta_size(&[5, 0x80, 1], 1)), (5, 128));
        assert_eq!(delta_size(&[5, 0x80], 1), u64::MAX);
        assert_eq!(delta_size(&[0xff; 32], 0), u64::MAX);
    }

    #[test]
    fn what_resolving_takes_is_known_before() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&sample()).unwrap();
        let incoming = Incoming { path: file.path(), host: "h", offsets: true, ours: None };
        let measured = |limits: &Limits| measure(&incoming, limits, &AtomicBool::new(false));
        // Three objects; the longest chain is a blob of five bytes and what becomes of it, seven.
        assert!(measured(&Limits::default()).unwrap() > 3 * PER_OBJECT);
        let tight = Limits { resolve_bytes: 3 * PER_OBJECT, ..Limits::default() };
        assert!(matches!(measured(&tight), Err(Error::Limit { what: "resolving a pack", .. })));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]

        #[test]
        fn a_pack_with_a_wrong_byte_is_refused(at in any::<proptest::sample::Index>(), bit in 0u8..8) {
            let mut bytes = sample();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert!(run(&bytes).is_err());
        }

        #[test]
        fn a_resealed_pack_of_nonsense_never_panics(
            body in proptest::collection::vec(any::<u8>(), 0..200),
            at in any::<proptest::sample::Index>(),
            bit in 0u8..8,
            random in any::<bool>(),
        ) {
            let mut bytes = if random { [b"PACK\0\0\0\x02\0\0\0\x03", body.as_slice()].concat() } else { sample() };
            bytes.truncate(bytes.len().saturating_sub(if random { 0 } else { 20 }));
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            seal(&mut bytes);
            let _ = run(&bytes);
        }
    }
}
