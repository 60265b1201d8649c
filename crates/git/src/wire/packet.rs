//! Packets: four hexadecimal digits of length, then the bytes.

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::{Error, error::clean};

/// One packet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Packet<'a> {
    Data(&'a [u8]),
    Flush,
    Delimiter,
    ResponseEnd,
}

/// Reads packets, each byte counted against a budget.
pub(crate) struct PacketReader {
    input: Box<dyn AsyncRead + Send + Unpin>,
    host: String,
    buffer: Vec<u8>,
    left: u64,
    what: &'static str,
    limit: u64,
}

/// The longest packet: 65520 bytes with its length.
const LONGEST: usize = 65_520;

impl PacketReader {
    /// Reads from `input`; nothing may be read before [`Self::allow`].
    pub(crate) fn new(input: Box<dyn AsyncRead + Send + Unpin>, host: String) -> Self {
        Self { input, host, buffer: Vec::new(), left: 0, what: "the answer", limit: 0 }
    }

    /// Starts a new budget.
    pub(crate) fn allow(&mut self, limit: u64, what: &'static str) {
        (self.left, self.limit, self.what) = (limit, limit, what);
    }

    /// Goes on with another stream.
    pub(crate) fn replace(&mut self, input: Box<dyn AsyncRead + Send + Unpin>) {
        self.input = input;
    }

    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// An answer that makes no sense.
    pub(crate) fn protocol(&self, reason: impl Into<String>) -> Error {
        Error::Protocol { host: self.host.clone(), reason: reason.into() }
    }

    fn spend(&mut self, bytes: usize) -> Result<(), Error> {
        match self.left.checked_sub(bytes as u64) {
            Some(left) => self.left = left,
            None => return Err(Error::Limit { host: self.host.clone(), what: self.what, limit: self.limit }),
        }
        Ok(())
    }

    /// The next packet; `None` at a clean end of the stream. An `ERR` packet is an error.
    pub(crate) async fn next(&mut self) -> Result<Option<Packet<'_>>, Error> {
        let mut head = [0u8; 4];
        let mut got = 0;
        while got < head.len() {
            let rest = head.get_mut(got..).unwrap_or_default();
            let n = self.input.read(rest).await.map_err(|e| network(&self.host, &e))?;
            if n == 0 {
                if got == 0 {
                    return Ok(None);
                }
                return Err(self.protocol("the stream ends within a packet"));
            }
            got += n;
        }
        self.spend(4)?;
        let length = std::str::from_utf8(&head)
            .ok()
            .filter(|text| text.bytes().all(|b| b.is_ascii_hexdigit()))
            .and_then(|text| usize::from_str_radix(text, 16).ok());
        let length = match length {
            Some(0) => return Ok(Some(Packet::Flush)),
            Some(1) => return Ok(Some(Packet::Delimiter)),
            Some(2) => return Ok(Some(Packet::ResponseEnd)),
            Some(length) if (4..=LONGEST).contains(&length) => length - 4,
            _ => return Err(self.protocol("a packet has no valid length")),
        };
        self.spend(length)?;
        self.buffer.resize(length, 0);
        self.input.read_exact(&mut self.buffer).await.map_err(|e| match e.kind() {
            std::io::ErrorKind::UnexpectedEof => {
                Error::Protocol { host: self.host.clone(), reason: "the stream ends within a packet".to_owned() }
            }
            _ => network(&self.host, &e),
        })?;
        if let Some(message) = self.buffer.strip_prefix(b"ERR ") {
            return Err(remote_error(&self.host, message));
        }
        Ok(Some(Packet::Data(&self.buffer)))
    }
}

/// A server's error text as an error of ours.
pub(crate) fn remote_error(host: &str, message: &[u8]) -> Error {
    let text = clean(message);
    let lower = text.to_ascii_lowercase();
    if lower.contains("not found") && lower.contains("repository")
        || lower.contains("does not appear to be a git repository")
    {
        return Error::NotFound { host: host.to_owned() };
    }
    Error::Remote { host: host.to_owned(), message: text }
}

/// A broken stream.
pub(crate) fn network(host: &str, error: &std::io::Error) -> Error {
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(next) = cause {
        let text = next.to_string();
        if !reason.contains(&text) {
            reason = format!("{reason}: {text}");
        }
        cause = next.source();
    }
    Error::Network { host: host.to_owned(), reason }
}

/// Appends one packet of text.
pub(crate) fn push(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{:04x}{text}", text.len() + 4).as_bytes());
}

/// Appends a flush packet.
pub(crate) fn push_flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

/// Appends a delimiter packet.
pub(crate) fn push_delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

/// A packet's text without its newline.
pub(crate) fn line(data: &[u8]) -> String {
    String::from_utf8_lossy(data.strip_suffix(b"\n").unwrap_or(data)).into_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    async fn read(bytes: &[u8], limit: u64) -> Result<Vec<String>, Error> {
        let mut reader = PacketReader::new(Box::new(std::io::Cursor::new(bytes.to_vec())), "h".into());
        reader.allow(limit, "the test");
        let mut out = Vec::new();
        while let Some(packet) = reader.next().await? {
            out.push(match packet {
                Packet::Data(data) => line(data),
                other => format!("{other:?}"),
            });
        }
        Ok(out)
    }

    fn run<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    #[test]
    fn packets() {
        let mut out = Vec::new();
        push(&mut out, "a\n");
        push_delimiter(&mut out);
        push(&mut out, "");
        push_flush(&mut out);
        assert_eq!(out, b"0006a\n000100040000");
        assert_eq!(run(read(&out, 100)).unwrap(), ["a", "Delimiter", "", "Flush"]);
    }

    #[test]
    fn what_is_no_packet_is_refused() {
        for bytes in [&b"0003"[..], b"zzzz", b"fff1", b"00", b"0010abc", b"+00a12345678", b"0009ERR x", b" 00a"] {
            assert!(run(read(bytes, 1 << 20)).is_err(), "{bytes:?}");
        }
        assert!(matches!(run(read(b"000aabcdef", 8)), Err(Error::Limit { limit: 8, .. })));
    }

    proptest! {
        #[test]
        fn never_panics_and_never_exceeds_its_budget(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(lines) = run(read(&bytes, 100)) {
                prop_assert!(lines.len() <= 25);
            }
        }

        #[test]
        fn what_is_written_is_read(texts in proptest::collection::vec("[a-z ]{1,40}", 0..20)) {
            let mut out = Vec::new();
            for text in &texts {
                push(&mut out, text);
            }
            prop_assert_eq!(run(read(&out, 1 << 20)).unwrap(), texts);
        }
    }
}
