//! One conversation with a server: its references, then a pack.

use std::collections::BTreeSet;

use gix::hash::ObjectId;
use tokio::io::{AsyncWrite, AsyncWriteExt};

use super::{
    AGENT, PacketReader,
    greeting::{RemoteRef, Version, greeting, parse_id},
    packet::{Packet, line, push, push_delimiter, push_flush, remote_error},
};
use crate::{Error, options::Limits, transport::Link};

/// How much history is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    One,
    All,
}

/// What to ask a server for.
///
/// With `haves` the pack may be thin: deltas on objects of ours. It is not only smaller: without asking for it, git does not
/// leave out what a shallow commit of ours already has.
#[derive(Debug)]
pub(crate) struct Fetch<'a> {
    pub(crate) wants: &'a [ObjectId],
    pub(crate) haves: &'a [ObjectId],
    /// Commits of ours whose parents we do not have.
    pub(crate) shallow: &'a BTreeSet<ObjectId>,
    pub(crate) depth: Depth,
}

/// How the boundary of our history moves with a pack.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shallow {
    pub(crate) added: Vec<ObjectId>,
    pub(crate) removed: Vec<ObjectId>,
}

/// An open conversation.
pub(crate) struct Session {
    link: Link,
    reader: PacketReader,
    version: Version,
    capabilities: Vec<String>,
    limits: Limits,
}

impl Session {
    /// Opens the conversation and reads the greeting. Of the references in a version 0 greeting only those that `keep`
    /// accepts are kept.
    pub(crate) async fn open(mut link: Link, limits: &Limits, keep: impl Fn(&str) -> bool) -> Result<Self, Error> {
        let mut reader = link.greeting().await?;
        reader.allow(limits.advertisement_bytes, "the list of references");
        let (version, capabilities) = match greeting(&mut reader, limits, keep).await {
            Ok(greeting) => greeting,
            Err(error) => return Err(link.explain(error).await),
        };
        Ok(Self { link, reader, version, capabilities, limits: limits.clone() })
    }

    fn can(&self, capability: &str) -> bool {
        self.capabilities
            .iter()
            .any(|c| c.strip_prefix(capability).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
    }

    /// The references whose names start with one of `prefixes` and which `keep` accepts.
    pub(crate) async fn references(
        &mut self,
        prefixes: &[String],
        keep: impl Fn(&str) -> bool,
    ) -> Result<Vec<RemoteRef>, Error> {
        if let Version::Zero { refs, .. } = &self.version {
            return Ok(refs.iter().filter(|r| keep(&r.name)).cloned().collect());
        }
        let mut found = Vec::new();
        let mut seen = 0;
        self.ask_references(prefixes).await?;
        while let Some(reference) = self.next_reference().await? {
            seen += 1;
            if seen > self.limits.references {
                return Err(self.limit("the number of references", self.limits.references as u64));
            }
            if keep(&reference.name) {
                found.push(reference);
            }
        }
        Ok(found)
    }

    /// Whether the repository has any reference at all. Ends the conversation.
    pub(crate) async fn has_any(mut self) -> Result<bool, Error> {
        if let Version::Zero { any, .. } = self.version {
            return Ok(any);
        }
        self.ask_references(&["refs/".to_owned()]).await?;
        Ok(self.next_reference().await?.is_some())
    }

    fn limit(&self, what: &'static str, limit: u64) -> Error {
        Error::Limit { host: self.reader.host().to_owned(), what, limit }
    }

    async fn ask_references(&mut self, prefixes: &[String]) -> Result<(), Error> {
        let mut body = Vec::new();
        self.command(&mut body, "ls-refs");
        push(&mut body, "peel\n");
        for prefix in prefixes {
            push(&mut body, &format!("ref-prefix {prefix}\n"));
        }
        push_flush(&mut body);
        self.link.send(body, &mut self.reader).await?;
        self.reader.allow(self.limits.advertisement_bytes, "the list of references");
        Ok(())
    }

    async fn next_reference(&mut self) -> Result<Option<RemoteRef>, Error> {
        loop {
            match self.reader.next().await? {
                Some(Packet::Data(data)) => {
                    let text = line(data);
                    match parse_v2_reference(&text) {
                        Some(Some(reference)) => return Ok(Some(reference)),
                        Some(None) => {}
                        None => return Err(self.reader.protocol("a reference cannot be read")),
                    }
                }
                Some(Packet::Flush) => return Ok(None),
                _ => return Err(self.reader.protocol("the list of references does not end")),
            }
        }
    }

    fn command(&self, body: &mut Vec<u8>, name: &str) {
        push(body, &format!("command={name}\n"));
        if self.can("agent") {
            push(body, &format!("agent={AGENT}\n"));
        }
        if self.can("object-format") {
            push(body, "object-format=sha1\n");
        }
        push_delimiter(body);
    }

    /// Whether the server lets anybody ask for a commit by its id alone.
    pub(crate) fn serves_commits(&self) -> bool {
        match self.version {
            Version::Two => true,
            Version::Zero { .. } => self.can("allow-reachable-sha1-in-want") || self.can("allow-any-sha1-in-want"),
        }
    }

    /// Whether the server names bases by offset, so that a base by id is not needed within a pack.
    pub(crate) fn knows_offsets(&self) -> bool {
        matches!(self.version, Version::Two) || self.can("ofs-delta")
    }

    /// Asks for a pack and writes its bytes to `pack`. Answers how the boundary of history moves.
    pub(crate) async fn fetch(
        &mut self,
        fetch: &Fetch<'_>,
        pack: &mut (impl AsyncWrite + Unpin),
    ) -> Result<Shallow, Error> {
        let body = match self.version {
            Version::Two => self.fetch_v2(fetch),
            Version::Zero { .. } => self.fetch_v0(fetch)?,
        };
        self.link.send(body, &mut self.reader).await?;
        // Framing costs 5 bytes per 65515.
        let limit = self.limits.pack_bytes;
        self.reader.allow(limit.saturating_add(limit / 1000).saturating_add(1 << 20), "the pack");
        let result = self.receive(pack).await;
        match result {
            Ok(shallow) => Ok(shallow),
            Err(error) => Err(self.link.explain(error).await),
        }
    }

    fn fetch_v2(&self, fetch: &Fetch<'_>) -> Vec<u8> {
        let mut body = Vec::new();
        self.command(&mut body, "fetch");
        push(&mut body, "ofs-delta\n");
        push(&mut body, "no-progress\n");
        if !fetch.haves.is_empty() {
            push(&mut body, "thin-pack\n");
        }
        if let Depth::One = fetch.depth {
            push(&mut body, "deepen 1\n");
        }
        for id in fetch.shallow {
            push(&mut body, &format!("shallow {id}\n"));
        }
        for id in fetch.wants {
            push(&mut body, &format!("want {id}\n"));
        }
        for id in fetch.haves {
            push(&mut body, &format!("have {id}\n"));
        }
        push(&mut body, "done\n");
        push_flush(&mut body);
        body
    }

    fn fetch_v0(&self, fetch: &Fetch<'_>) -> Result<Vec<u8>, Error> {
        if !self.can("side-band-64k") {
            return Err(self.reader.protocol("it does not offer side-band-64k"));
        }
        let shallow = self.can("shallow");
        let mut body = Vec::new();
        let mut extra = String::from(" side-band-64k");
        for capability in ["multi_ack_detailed", "ofs-delta", "no-progress", "thin-pack"] {
            if self.can(capability) && (capability != "thin-pack" || !fetch.haves.is_empty()) {
                extra.push(' ');
                extra.push_str(capability);
            }
        }
        if self.can("agent") {
            extra.push_str(&format!(" agent={AGENT}"));
        }
        for id in fetch.wants {
            push(&mut body, &format!("want {id}{extra}\n"));
            extra.clear();
        }
        if shallow {
            for id in fetch.shallow {
                push(&mut body, &format!("shallow {id}\n"));
            }
            if let Depth::One = fetch.depth {
                push(&mut body, "deepen 1\n");
            }
        }
        push_flush(&mut body);
        for id in fetch.haves {
            push(&mut body, &format!("have {id}\n"));
        }
        push(&mut body, "done\n");
        Ok(body)
    }

    /// Reads the answer to a fetch: acknowledgements and boundary, then the pack in its side band.
    async fn receive(&mut self, pack: &mut (impl AsyncWrite + Unpin)) -> Result<Shallow, Error> {
        let mut shallow = Shallow::default();
        let mut messages = 0u64;
        let mut started = false;
        let host = self.reader.host().to_owned();
        loop {
            let data = match self.reader.next().await? {
                Some(Packet::Data(data)) => data,
                // Version 0 ends its boundary with a flush, version 2 its sections with delimiters.
                Some(Packet::Flush) if started => return Ok(shallow),
                Some(Packet::Flush | Packet::Delimiter) => continue,
                Some(Packet::ResponseEnd) | None => {
                    return Err(self.reader.protocol("it ends before the pack is complete"));
                }
            };
            match data.split_first() {
                Some((1, bytes)) => {
                    started = true;
                    pack.write_all(bytes).await.map_err(Error::io("write to"))?;
                }
                Some((2, bytes)) => {
                    messages += bytes.len() as u64;
                    if messages > self.limits.message_bytes {
                        let limit = self.limits.message_bytes;
                        return Err(Error::Limit { host, what: "progress text", limit });
                    }
                }
                Some((3, bytes)) => return Err(remote_error(&host, bytes)),
                _ if started => return Err(self.reader.protocol("the pack is interrupted")),
                _ => {
                    let text = line(data);
                    if !header(&text, &mut shallow) {
                        return Err(self.reader.protocol("the answer to a fetch cannot be read"));
                    }
                }
            }
        }
    }

    /// Says goodbye, so that an SSH server need not wait.
    pub(crate) async fn close(mut self) {
        self.link.close().await;
    }
}

/// A line before the pack. False when it is none.
fn header(text: &str, shallow: &mut Shallow) -> bool {
    if let Some(id) = text.strip_prefix("shallow ").and_then(parse_id) {
        shallow.added.push(id);
        return true;
    }
    if let Some(id) = text.strip_prefix("unshallow ").and_then(parse_id) {
        shallow.removed.push(id);
        return true;
    }
    matches!(text, "NAK" | "ready" | "acknowledgments" | "shallow-info" | "packfile") || text.starts_with("ACK ")
}

/// A line of `ls-refs`; `Some(None)` for a reference to nothing.
fn parse_v2_reference(text: &str) -> Option<Option<RemoteRef>> {
    let mut words = text.split(' ');
    let id = words.next()?;
    let name = words.next()?.to_owned();
    if id == "unborn" {
        return Some(None);
    }
    let id = parse_id(id)?;
    let peeled =
        words.find_map(|word| word.strip_prefix("peeled:")).map(|hex| parse_id(hex).ok_or(())).transpose().ok()?;
    Some(Some(RemoteRef { name, id, peeled }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn reference_lines_never_panic(text in "\\PC{0,120}") {
            let _ = parse_v2_reference(&text);
            let _ = header(&text, &mut Shallow::default());
        }
    }
}
