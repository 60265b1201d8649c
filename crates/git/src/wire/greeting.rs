//! What a server says first: version 2 its capabilities, version 0 its references.

use gix::hash::ObjectId;

use super::{
    PacketReader,
    packet::{Packet, line},
};
use crate::{Error, options::Limits};

/// A reference as the server lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RemoteRef {
    pub(crate) name: String,
    pub(crate) id: ObjectId,
    /// What an annotated tag leads to.
    pub(crate) peeled: Option<ObjectId>,
}

impl RemoteRef {
    /// The commit, as far as the list tells.
    pub(crate) fn commit(&self) -> ObjectId {
        self.peeled.unwrap_or(self.id)
    }
}

/// How the server speaks.
pub(super) enum Version {
    /// The references came with the greeting.
    Zero {
        refs: Vec<RemoteRef>,
        any: bool,
    },
    Two,
}

pub(crate) fn parse_id(hex: &str) -> Option<ObjectId> {
    (hex.len() == 40).then(|| ObjectId::from_hex(hex.as_bytes()).ok()).flatten()
}

/// Reads the greeting: version 2 capabilities, or version 0 references.
pub(super) async fn greeting(
    reader: &mut PacketReader,
    limits: &Limits,
    keep: impl Fn(&str) -> bool,
) -> Result<(Version, Vec<String>), Error> {
    let mut capabilities = Vec::new();
    let mut refs: Vec<RemoteRef> = Vec::new();
    let (mut two, mut first, mut any, mut seen) = (false, true, false, 0usize);
    let mut announced = false;
    loop {
        let data = match reader.next().await? {
            Some(Packet::Data(data)) => data,
            Some(Packet::Flush) if std::mem::take(&mut announced) => continue,
            Some(Packet::Flush) => break,
            None if first => return Err(reader.protocol("it closed the connection before greeting")),
            _ => return Err(reader.protocol("its greeting does not end")),
        };
        let text = line(data);
        // Over HTTP, version 0 has a line of its own before all others.
        if first && text == "# service=git-upload-pack" {
            announced = true;
            continue;
        }
        if first && text == "version 2" {
            (two, first) = (true, false);
            continue;
        }
        if first && text == "version 1" {
            continue;
        }
        seen += 1;
        if seen > limits.references {
            let limit = limits.references as u64;
            return Err(Error::Limit { host: reader.host().to_owned(), what: "the number of references", limit });
        }
        if two {
            capabilities.push(text);
            continue;
        }
        let text = match text.split_once('\0') {
            Some((reference, rest)) if first => {
                capabilities = rest.split(' ').map(str::to_owned).collect();
                reference.to_owned()
            }
            _ => text,
        };
        first = false;
        if text.starts_with("shallow ") {
            continue;
        }
        let Some((id, name)) = text.split_once(' ').and_then(|(id, name)| Some((parse_id(id)?, name))) else {
            return Err(reader.protocol("its greeting is not Git's"));
        };
        if name == "capabilities^{}" {
            continue;
        }
        any = true;
        match name.strip_suffix("^{}") {
            Some(tag) => {
                if let Some(last) = refs.last_mut().filter(|r| r.name == tag) {
                    last.peeled = Some(id);
                }
            }
            None if keep(name) => refs.push(RemoteRef { name: name.to_owned(), id, peeled: None }),
            None => {}
        }
    }
    check_format(reader, &capabilities)?;
    Ok((if two { Version::Two } else { Version::Zero { refs, any } }, capabilities))
}

/// Repositories with SHA-256 ids are another format, which Flux does not read either.
fn check_format(reader: &PacketReader, capabilities: &[String]) -> Result<(), Error> {
    match capabilities.iter().find_map(|c| c.strip_prefix("object-format=")) {
        Some(format) if format != "sha1" => Err(reader.protocol(format!(
            "its objects are named by {}, only sha1 is supported",
            crate::error::clean(format.as_bytes())
        ))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::packet::{push, push_flush},
        *,
    };

    const A: &str = "0123456789abcdef0123456789abcdef01234567";
    const B: &str = "89abcdef0123456789abcdef0123456789abcdef";

    fn greet(bytes: Vec<u8>) -> Result<(Version, Vec<String>), Error> {
        let mut reader = PacketReader::new(Box::new(std::io::Cursor::new(bytes)), "h".into());
        reader.allow(10_000, "the test");
        let limits = Limits { references: 10, ..Limits::default() };
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(greeting(
            &mut reader,
            &limits,
            |name| name.starts_with("refs/"),
        ))
    }

    fn packets(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        lines.iter().for_each(|line| push(&mut out, line));
        push_flush(&mut out);
        out
    }

    #[test]
    fn greetings() {
        let (version, capabilities) = greet(packets(&["version 2\n", "agent=git/2\n", "fetch=shallow\n"])).unwrap();
        assert!(matches!(version, Version::Two));
        assert_eq!(capabilities, ["agent=git/2", "fetch=shallow"]);
        let lines = [
            format!("{A} HEAD\0side-band-64k ofs-delta\n"),
            format!("{A} refs/heads/main\n"),
            format!("{A} refs/tags/v1\n"),
            format!("{B} refs/tags/v1^{{}}\n"),
        ];
        let lines: Vec<_> = lines.iter().map(String::as_str).collect();
        let (version, _) = greet(packets(&lines)).unwrap();
        let Version::Zero { refs, any: true } = version else { panic!() };
        assert_eq!(refs.len(), 2);
        assert_eq!(refs[1].commit().to_string(), B);
        let (version, _) = greet(packets(&[&format!("{} capabilities^{{}}\0x\n", "0".repeat(40))])).unwrap();
        assert!(matches!(version, Version::Zero { any: false, .. }));
    }

    #[test]
    fn floods_and_nonsense_are_refused() {
        let many: Vec<_> = (0..20).map(|i| format!("{A} refs/heads/{i}\n")).collect();
        let many: Vec<_> = many.iter().map(String::as_str).collect();
        assert!(matches!(greet(packets(&many)), Err(Error::Limit { limit: 10, .. })));
        assert!(matches!(greet(packets(&["<html>\n"])), Err(Error::Protocol { .. })));
        assert!(matches!(greet(Vec::new()), Err(Error::Protocol { .. })));
        let sha256 = greet(packets(&["version 2\n", "object-format=sha256\n"]));
        assert!(sha256.is_err_and(|e| e.to_string().contains("sha256")));
    }

    proptest! {
        #[test]
        fn greetings_never_panic(lines in proptest::collection::vec("[a-f0-9]{0,40}[ \0]?[a-zA-Z/^{} .=-]{0,30}\n?", 0..12)) {
            let lines: Vec<_> = lines.iter().map(String::as_str).collect();
            let _ = greet(packets(&lines));
        }
    }
}
