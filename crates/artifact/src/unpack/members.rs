//! A gzip stream of one or more members, read with bounds on what goes in and what comes out.

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::Limits;

/// After this much output the compression ratio is watched.
const RATIO_FROM: u64 = 64 << 20;
/// Members in a row that may hold nothing; real files have one or two.
const EMPTY_MEMBERS: u32 = 16;

/// Why a stream is cut off; travels inside an [`io::Error`] through the tar reader.
#[derive(Debug, thiserror::Error)]
pub(super) enum Cut {
    #[error("the compressed stream is larger than {0} bytes")]
    Input(u64),
    #[error("the stream unpacks to more than {0} bytes")]
    Output(u64),
    #[error("the stream unpacks to more than {0} times its size")]
    Ratio(u64),
    #[error("the stream goes on in empty gzip members")]
    Members,
}

impl From<Cut> for io::Error {
    fn from(cut: Cut) -> Self {
        io::Error::other(cut)
    }
}

/// Counts what is taken from the compressed stream and ends it at the limit.
struct Metered<R> {
    inner: R,
    taken: u64,
    limit: u64,
}

impl<R: BufRead> Read for Metered<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.fill_buf()?.read(buf)?;
        self.consume(n);
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Metered<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.taken > self.limit {
            return Err(Cut::Input(self.limit).into());
        }
        self.inner.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.taken = self.taken.saturating_add(amount as u64);
        self.inner.consume(amount);
    }
}

/// Flow: compressed bytes -> members, one after the other -> plain bytes.
///
/// Guarantees: memory is one inflate window; output, input, their ratio and the number of empty members are bounded.
pub(super) struct Members<R: BufRead> {
    decoder: Option<GzDecoder<Metered<R>>>,
    /// Compressed bytes of the members that are done, and plain bytes of all.
    unpacked: u64,
    member_unpacked: u64,
    empty_members: u32,
    limits: Limits,
}

impl<R: BufRead> Members<R> {
    pub(super) fn new(inner: R, limits: Limits) -> Self {
        let metered = Metered { inner, taken: 0, limit: limits.compressed_bytes };
        Self { decoder: Some(GzDecoder::new(metered)), unpacked: 0, member_unpacked: 0, empty_members: 0, limits }
    }

    fn check(&self, taken: u64) -> Result<(), Cut> {
        if self.unpacked > self.limits.stream_bytes() {
            return Err(Cut::Output(self.limits.total_bytes));
        }
        if self.unpacked > RATIO_FROM && self.unpacked / self.limits.ratio.max(1) > taken {
            return Err(Cut::Ratio(self.limits.ratio));
        }
        Ok(())
    }

    /// Goes on with the next member, if the stream has one.
    fn next_member(&mut self) -> io::Result<bool> {
        let Some(decoder) = self.decoder.take() else { return Ok(false) };
        let mut metered = decoder.into_inner();
        self.empty_members = if self.member_unpacked == 0 { self.empty_members + 1 } else { 0 };
        self.member_unpacked = 0;
        if self.empty_members > EMPTY_MEMBERS {
            return Err(Cut::Members.into());
        }
        if metered.fill_buf()?.is_empty() {
            return Ok(false);
        }
        self.decoder = Some(GzDecoder::new(metered));
        Ok(true)
    }
}

impl<R: BufRead> Read for Members<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        loop {
            let Some(decoder) = self.decoder.as_mut() else { return Ok(0) };
            let n = decoder.read(buf)?;
            let taken = decoder.get_ref().taken;
            if n > 0 {
                self.unpacked = self.unpacked.saturating_add(n as u64);
                self.member_unpacked = self.member_unpacked.saturating_add(n as u64);
                self.check(taken)?;
                return Ok(n);
            }
            if !self.next_member()? {
                return Ok(0);
            }
        }
    }
}
