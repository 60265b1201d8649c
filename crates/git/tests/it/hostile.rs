//! Servers that mean harm: every answer is bounded.

use std::{io::Write, time::Duration};

use anyhow::Result;
use axum::{
    Router,
    body::Body,
    extract::Request,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use flate2::{Compression, write::ZlibEncoder};
use weir_git::{Error, Kind, Limits};
use weir_testkit::{GitServer, Hostile, HttpServer};

use super::{Source, branch};

const TIP: &str = "0123456789abcdef0123456789abcdef01234567";

fn packet(data: &[u8]) -> Vec<u8> {
    [format!("{:04x}", data.len() + 4).as_bytes(), data].concat()
}

/// A server that lists one branch and answers a fetch with `answer`, again and again if `endless`.
async fn serving(answer: Vec<u8>, endless: bool) -> Result<HttpServer> {
    let router = Router::new().fallback(move |request: Request| {
        let answer = answer.clone();
        async move {
            let path = request.uri().path().to_owned();
            let reply = |kind: &'static str, body: Body| -> Response {
                ([(CONTENT_TYPE, format!("application/x-git-upload-pack-{kind}"))], body).into_response()
            };
            if path.ends_with("/info/refs") {
                let service = packet(b"# service=git-upload-pack\n");
                let first = packet(format!("{TIP} refs/heads/main\0side-band-64k shallow ofs-delta\n").as_bytes());
                return reply("advertisement", [service, b"0000".to_vec(), first, b"0000".to_vec()].concat().into());
            }
            let body = [packet(format!("shallow {TIP}").as_bytes()), b"0000".to_vec(), packet(b"NAK\n")].concat();
            if !endless {
                return reply("result", [body, answer].concat().into());
            }
            let first = Ok::<_, std::io::Error>(body);
            let stream = futures::StreamExt::chain(
                futures::stream::iter([first]),
                futures::stream::repeat_with(move || Ok(answer.clone())),
            );
            reply("result", Body::from_stream(stream))
        }
    });
    HttpServer::start(router, None).await
}

fn limits() -> Limits {
    Limits {
        advertisement_bytes: 1 << 20,
        pack_bytes: 4 << 20,
        objects: 1000,
        object_bytes: 1 << 20,
        inflated_bytes: 8 << 20,
        chain_bytes: 4 << 20,
        message_bytes: 64 << 10,
        ..Limits::default()
    }
}

async fn refused(answer: Vec<u8>, endless: bool) -> Result<Error> {
    let server = serving(answer, endless).await?;
    let mut source = Source::with(format!("{}/a.git", server.url()), limits())?;
    source.timeout = Duration::from_secs(120);
    Ok(source.refused().await)
}

fn sideband(bytes: &[u8]) -> Vec<u8> {
    bytes.chunks(60_000).flat_map(|chunk| packet(&[&[1], chunk].concat())).chain(*b"0000").collect()
}

fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::best());
    out.write_all(bytes).and_then(|()| out.finish()).expect("memory takes it all")
}

/// An entry: type, announced size, what comes between size and data, data.
fn entry(kind: u8, size: usize, between: &[u8], data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let (mut byte, mut rest) = ((kind << 4) | (size & 15) as u8, size >> 4);
    while rest > 0 {
        out.push(byte | 0x80);
        (byte, rest) = ((rest & 0x7f) as u8, rest >> 7);
    }
    out.push(byte);
    [out, between.to_vec(), zlib(data)].concat()
}

fn pack(count: u32, entries: &[Vec<u8>]) -> Vec<u8> {
    let mut out = [b"PACK".as_slice(), &2u32.to_be_bytes(), &count.to_be_bytes(), &entries.concat()].concat();
    let mut hasher = gix::hash::hasher(gix::hash::Kind::Sha1);
    hasher.update(&out);
    out.extend_from_slice(hasher.try_finalize().expect("no attack").as_slice());
    out
}

fn varint(mut n: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while n > 0x7f {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
    out
}

/// An offset as deltas write it.
fn offset(mut n: usize) -> Vec<u8> {
    let mut out = vec![(n & 0x7f) as u8];
    while n > 0x7f {
        n = (n >> 7) - 1;
        out.insert(0, (n & 0x7f) as u8 | 0x80);
    }
    out
}

#[tokio::test]
async fn endless_answers_end() -> Result<()> {
    let hostile = Hostile::start().await?;
    let mut source = Source::with(hostile.url("a.git"), limits())?;
    source.timeout = Duration::from_secs(120);
    let error = source.refused().await;
    assert!(matches!(error, Error::Limit { .. }), "{error:?}");
    assert!(hostile.sent() < 64 << 20, "{}", hostile.sent());
    for (band, what) in [(1u8, "the pack"), (2, "progress text")] {
        let error = refused(packet(&[vec![band], vec![b'x'; 60_000]].concat()), true).await?;
        assert!(matches!(&error, Error::Limit { what: w, .. } if *w == what), "{band}: {error:?}");
    }
    let error = refused(packet(&[1]), true).await?;
    assert!(matches!(error, Error::Limit { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn packs_that_promise_or_unpack_too_much_are_refused() -> Result<()> {
    let big = vec![0u8; 1 << 20];
    // A base of 1 MiB, then deltas that each copy all of it; the first instruction copies 64 KiB at a time.
    let copy_all = [varint(1 << 20), varint(1 << 20), [0xf0u8, 0, 0, 0].repeat(0)].concat();
    let mut entries = vec![entry(3, big.len(), &[], &big)];
    let mut last = entries[0].len();
    for _ in 0..20 {
        let next = entry(6, copy_all.len(), &offset(last), &copy_all);
        last = next.len();
        entries.push(next);
    }
    let chain = pack(entries.len() as u32, &entries);
    let wide: Vec<Vec<u8>> = (0..20).map(|_| entry(3, big.len(), &[], &big)).collect();
    let cases: Vec<(&str, Vec<u8>, &str)> = vec![
        ("announces 4 billion objects", pack(u32::MAX, &[]), "objects in a pack"),
        ("announces more than it has", pack(900, &[]), "announces more objects"),
        ("an object announced as 1 TiB", pack(1, &[entry(3, 1 << 40, &[], b"x")]), "an object"),
        ("inflates past its size", pack(1, &[entry(3, 10, &[], &big)]), "larger than announced"),
        ("inflates to less", pack(1, &[entry(3, 10, &[], b"x")]), "smaller than announced"),
        ("deltas on deltas", chain, "a chain of deltas"),
        ("many large objects", pack(20, &wide), "all objects of a pack"),
        (
            "a delta that becomes 1 TiB",
            pack(2, &[entry(3, 1, &[], b"x"), entry(6, 7, &offset(10), &[varint(1), varint(1 << 40)].concat())]),
            "an object",
        ),
        ("a delta on nothing", pack(1, &[entry(6, 2, &offset(5), &[1, 1])]), "has no base"),
        ("a base elsewhere", pack(1, &[entry(7, 2, &[0xab; 20], &[1, 1])]), "is elsewhere"),
        ("no pack at all", b"nonsense that is long enough".to_vec(), "no header"),
        ("cut short", pack(1, &[entry(3, 1000, &[], &big[..1000])])[..30].to_vec(), ""),
        ("another checksum", [&pack(1, &[entry(3, 1, &[], b"x")])[..], &[0]].concat(), ""),
        ("not what was asked for", pack(1, &[entry(3, 1, &[], b"x")]), ""),
    ];
    for (name, pack, text) in cases {
        let error = refused(sideband(&pack), false).await?;
        assert!(matches!(error.kind(), Kind::Limit | Kind::Protocol | Kind::Store), "{name}: {error:?}");
        assert!(error.to_string().contains(text), "{name}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn errors_of_the_server_are_told_in_one_clean_line() -> Result<()> {
    let error = refused(packet(b"ERR upload-pack: no \x1b[31m\n way"), false).await?;
    assert!(matches!(&error, Error::Remote { message, .. } if message == "upload-pack: no  [31m  way"), "{error:?}");
    let error = refused(packet(&[&[3u8][..], b"fatal"].concat()), false).await?;
    assert!(matches!(error, Error::Remote { .. }), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn a_server_that_hangs_is_left() -> Result<()> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    for scheme in ["http", "ssh"] {
        let mut source = Source::new(format!("{scheme}://{}/a.git", listener.local_addr()?))?;
        if scheme == "ssh" {
            let key = weir_testkit::SshKey::generate(weir_testkit::KeyType::Ed25519, "")?;
            source = source.secret(&[("identity", &key.private), ("known_hosts", "x")]);
        }
        source.timeout = Duration::from_millis(300);
        assert!(matches!(source.refused().await, Error::Timeout { .. }), "{scheme}");
    }
    Ok(())
}

#[tokio::test]
async fn trees_with_names_that_must_not_be_written_are_refused() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    repo.write("a", "a")?;
    repo.push("a")?;
    let blob = repo.git(&["rev-parse", "HEAD:a"])?;
    let blob = blob.trim();
    for (i, name) in [".git", ".GIT", "git~1", "..", ".", ".git ", "a\\b", ".g\u{200c}it"].iter().enumerate() {
        // Only plumbing makes such trees.
        let raw = [b"100644 ".as_slice(), name.as_bytes(), &[0], &hex(blob)].concat();
        let file = repo.work().join(".git/raw-tree");
        std::fs::write(&file, raw)?;
        let tree = repo.git(&["hash-object", "-t", "tree", "-w", "--literally", ".git/raw-tree"])?;
        let commit = repo.git(&["-c", "user.name=n", "-c", "user.email=e", "commit-tree", "-m", "x", tree.trim()])?;
        let to = format!("{}:refs/heads/evil-{i}", commit.trim());
        repo.git(&["push", "--quiet", &repo.path().to_string_lossy(), &to])?;
        let got = Source::new(server.url("app"))?.outcome(&branch(&format!("evil-{i}"))).await;
        assert!(matches!(got, Err(Error::Path { .. })), "{name:?}");
    }
    Ok(())
}

fn hex(text: &str) -> Vec<u8> {
    gix::ObjectId::from_hex(text.as_bytes()).expect("an id").as_slice().to_vec()
}
