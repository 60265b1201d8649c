//! Archives made to do harm.

use std::io::BufReader;

use cap_std::ambient_authority;
use flate2::{Compression, write::GzEncoder};
use tar::Header;

use super::*;

fn root() -> (tempfile::TempDir, Dir) {
    let temp = tempfile::tempdir().unwrap();
    let inner = temp.path().join("root");
    std::fs::create_dir(&inner).unwrap();
    let dir = Dir::open_ambient_dir(&inner, ambient_authority()).unwrap();
    (temp, dir)
}

/// One header and its data, padded; the name is written as it is, unchecked.
fn block(name: &[u8], kind: EntryType, link: &[u8], data: &[u8]) -> Vec<u8> {
    let mut header = sized(name, kind, data.len() as u64);
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link);
    header.set_cksum();
    let mut out = header.as_bytes().to_vec();
    out.extend_from_slice(data);
    out.resize(out.len().next_multiple_of(512), 0);
    out
}

fn sized(name: &[u8], kind: EntryType, size: u64) -> Header {
    let mut header = Header::new_ustar();
    header.as_old_mut().name[..name.len()].copy_from_slice(name);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(size);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    header
}

fn file(name: &str, data: &[u8]) -> Vec<u8> {
    block(name.as_bytes(), EntryType::Regular, b"", data)
}

fn gz(plain: &[u8]) -> Vec<u8> {
    // Not `fast()`: some of flate2's back ends then pack zeros only 160 to 1, short of a bomb.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn archive(blocks: &[Vec<u8>]) -> Vec<u8> {
    let mut plain = blocks.concat();
    plain.resize(plain.len() + 1024, 0);
    gz(&plain)
}

fn run(bytes: &[u8], limits: &Limits) -> (tempfile::TempDir, Dir, Result<Summary, UnpackError>) {
    let (temp, dir) = root();
    let result = unpack(bytes, &dir, limits);
    // Whatever happened, nothing may lie beside the root.
    assert_eq!(std::fs::read_dir(temp.path()).unwrap().count(), 1, "something left the root");
    (temp, dir, result)
}

fn refused(blocks: &[Vec<u8>]) -> UnpackError {
    run(&archive(blocks), &Limits::default()).2.unwrap_err()
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut data = Vec::new();
    for (key, value) in records {
        let body = format!(" {key}={value}\n");
        let mut length = body.len() + 1;
        while format!("{length}{body}").len() != length {
            length += 1;
        }
        data.extend_from_slice(format!("{length}{body}").as_bytes());
    }
    block(b"PaxHeaders/x", EntryType::XHeader, b"", &data)
}

#[test]
fn an_honest_archive_unpacks() {
    let mut script = sized(b"bin/run.sh", EntryType::Regular, 2);
    script.set_mode(0o755);
    script.set_cksum();
    let mut run_sh = script.as_bytes().to_vec();
    run_sh.extend_from_slice(b"#!");
    run_sh.resize(1024, 0);
    let long = format!("long/{}", "n".repeat(180));
    let blocks = [
        block(
            b"pax_global_header",
            EntryType::XGlobalHeader,
            b"",
            b"52 comment=0123456789012345678901234567890123456789\n",
        ),
        block(b".", EntryType::Directory, b"", b""),
        block(b"./dir/", EntryType::Directory, b"", b""),
        file("./dir/a.yaml", b"a: 1\n"),
        file("other/deep/b.yaml", b"b"),
        run_sh,
        pax(&[("path", &long), ("mtime", "1.5")]),
        file("cut", b"pax"),
        block(b"././@LongLink", EntryType::GNULongName, b"", format!("gnu/{}\0", "g".repeat(150)).as_bytes()),
        file("cut", b"gnu"),
        block(b"copy.yaml", EntryType::Link, b"dir/a.yaml", b""),
    ];
    let (temp, dir, result) = run(&archive(&blocks), &Limits::default());
    assert_eq!(result.unwrap(), Summary { files: 6, bytes: 19, skipped_links: 0 });
    assert_eq!(dir.read("dir/a.yaml").unwrap(), b"a: 1\n");
    assert_eq!(dir.read("copy.yaml").unwrap(), b"a: 1\n");
    assert_eq!(dir.read(&long).unwrap(), b"pax");
    assert_eq!(dir.read(format!("gnu/{}", "g".repeat(150))).unwrap(), b"gnu");
    let mode = |path: &str| {
        let metadata = std::fs::metadata(temp.path().join("root").join(path)).unwrap();
        std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777
    };
    assert_eq!((mode("bin/run.sh"), mode("dir/a.yaml"), mode("dir")), (0o700, 0o600, 0o750));
}

#[test]
fn names_that_leave_the_root_are_refused() {
    for name in ["/etc/passwd", "../x", "a/../../x", "a/..", "..", "a\\..\\x", "C:\\x"] {
        assert!(matches!(refused(&[file(name, b"x")]), UnpackError::Name { .. }), "{name}");
        let directory = block(name.as_bytes(), EntryType::Directory, b"", b"");
        assert!(matches!(refused(&[directory]), UnpackError::Name { .. }), "{name}/");
    }
    assert!(matches!(refused(&[pax(&[("path", "../../x")]), file("ok", b"x")]), UnpackError::Name { .. }));
    let long = block(b"././@LongLink", EntryType::GNULongName, b"", b"/abs\0");
    assert!(matches!(refused(&[long, file("ok", b"x")]), UnpackError::Name { .. }));
    assert!(matches!(refused(&[block(b"\xff\xfe", EntryType::Regular, b"", b"x")]), UnpackError::Name { .. }));
}

#[test]
fn symbolic_links_are_skipped_and_cannot_be_written_through() {
    let outside = tempfile::tempdir().unwrap();
    let target = outside.path().to_str().unwrap();
    let blocks = [
        block(b"link", EntryType::Symlink, target.as_bytes(), b""),
        file("link/owned", b"x"),
        block(b"up", EntryType::Symlink, b"..", b""),
    ];
    let (_temp, dir, result) = run(&archive(&blocks), &Limits::default());
    assert_eq!(result.unwrap().skipped_links, 2);
    assert_eq!(dir.read("link/owned").unwrap(), b"x", "the name became an ordinary directory");
    assert!(!outside.path().join("owned").exists());
}

#[test]
fn hard_links_stay_inside() {
    for target in ["/etc/passwd", "../../etc/passwd", "missing", "self"] {
        let link = block(b"self", EntryType::Link, target.as_bytes(), b"");
        assert!(matches!(refused(&[link]), UnpackError::Link { .. }), "{target}");
    }
}

#[test]
fn devices_fifos_and_sparse_files_are_refused() {
    for kind in [EntryType::Char, EntryType::Block, EntryType::Fifo, EntryType::new(b'V')] {
        assert!(matches!(refused(&[block(b"dev", kind, b"", b"")]), UnpackError::Type { .. }), "{kind:?}");
    }
    assert!(matches!(refused(&[block(b"s", EntryType::GNUSparse, b"", b"")]), UnpackError::Sparse));
    let sparse = pax(&[("GNU.sparse.major", "1"), ("GNU.sparse.realsize", "10737418240")]);
    assert!(matches!(refused(&[sparse, file("s", b"x")]), UnpackError::Sparse));
}

#[test]
fn sizes_that_lie_are_refused_before_anything_is_held() {
    let huge = sized(b"huge", EntryType::Regular, 10 << 30);
    assert!(matches!(refused(&[huge.as_bytes().to_vec()]), UnpackError::File { .. }));
    for size in ["10737418240", "18446744073709551615"] {
        let by_pax = [pax(&[("size", size)]), file("x", b"short")];
        assert!(matches!(refused(&by_pax), UnpackError::File { .. }), "{size}");
    }
    let extension = sized(b"x", EntryType::XHeader, 10 << 30);
    assert!(matches!(refused(&[extension.as_bytes().to_vec()]), UnpackError::Extension { .. }));
    let name = sized(b"x", EntryType::GNULongName, 10 << 30);
    assert!(matches!(refused(&[name.as_bytes().to_vec()]), UnpackError::Extension { .. }));
    let short = sized(b"x", EntryType::Regular, 1 << 20);
    let truncated = gz(&[short.as_bytes().as_slice(), b"only this"].concat());
    assert!(matches!(run(&truncated, &Limits::default()).2, Err(UnpackError::Truncated)));
}

#[test]
fn counts_and_depth_are_bounded() {
    let small = Limits { entries: 10, total_bytes: 100, file_bytes: 60, depth: 3, ..Limits::default() };
    let many: Vec<_> = (0..11).map(|i| file(&format!("f{i}"), b"")).collect();
    assert!(matches!(run(&archive(&many), &small).2, Err(UnpackError::Entries { limit: 10 })));
    let fat = [file("a", &[1; 51]), file("b", &[1; 50])];
    assert!(matches!(run(&archive(&fat), &small).2, Err(UnpackError::Total { limit: 100 })));
    assert!(matches!(run(&archive(&[file("a", &[1; 61])]), &small).2, Err(UnpackError::File { .. })));
    assert!(matches!(run(&archive(&[file("a/b/c/d", b"")]), &small).2, Err(UnpackError::Depth { .. })));
    let links = [file("a", &[1; 60]), block(b"b", EntryType::Link, b"a", b"")];
    assert!(matches!(run(&archive(&links), &small).2, Err(UnpackError::Total { .. })), "copies count");
    // Few entries can mean many directories; one that is there is not made again.
    let few = Limits { directories: 3, ..Limits::default() };
    let wide = [file("a/b/x", b""), file("c/x", b""), file("a/y", b""), block(b"a/b/", EntryType::Directory, b"", b"")];
    assert_eq!(run(&archive(&wide), &few).2.unwrap().files, 3);
    let wider = [file("a/b/x", b""), file("c/d/x", b"")];
    assert!(matches!(run(&archive(&wider), &few).2, Err(UnpackError::Directories { limit: 3 })));
    let clash = [file("a", b""), block(b"a/", EntryType::Directory, b"", b"")];
    assert!(matches!(run(&archive(&clash), &few).2, Err(UnpackError::Write { .. })), "a file is no directory");
    let deep = "d/".repeat(2000);
    assert!(matches!(refused(&[pax(&[("path", &deep)]), file("x", b"")]), UnpackError::Depth { .. }));
}

#[test]
fn what_is_no_archive_says_so() {
    assert!(matches!(run(b"plain text, not gzip", &Limits::default()).2, Err(UnpackError::Corrupt { .. })));
    assert!(matches!(run(&gz(&[b'x'; 2048]), &Limits::default()).2, Err(UnpackError::NotTar)));
    assert!(matches!(run(b"", &Limits::default()).2, Err(UnpackError::Truncated)));
    let whole = archive(&[file("a", &[7; 5000])]);
    assert!(run(&whole[..whole.len() - 9], &Limits::default()).2.is_ok(), "the end marker was there");
    assert!(matches!(run(&whole[..30], &Limits::default()).2, Err(UnpackError::Truncated)));
    assert_eq!(run(&archive(&[]), &Limits::default()).2.unwrap(), Summary::default());
}

/// A compressed stream made while it is read: a tar header that promises 10 GiB, then zeros.
struct Zeros {
    piece: Vec<u8>,
    mebibyte: Vec<u8>,
    given: usize,
    left: u64,
}

impl Zeros {
    fn after(header: &Header) -> Zeros {
        Zeros { piece: gz(header.as_bytes()), mebibyte: gz(&vec![0; 1 << 20]), given: 0, left: 10 << 10 }
    }
}

impl Read for Zeros {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.piece.len() {
            if self.left == 0 {
                return Ok(0);
            }
            self.left -= 1;
            self.piece.clone_from(&self.mebibyte);
            self.given = 0;
        }
        let n = buf.len().min(self.piece.len() - self.given);
        buf[..n].copy_from_slice(&self.piece[self.given..self.given + n]);
        self.given += n;
        Ok(n)
    }
}

#[test]
fn ten_gibibytes_of_zeros_are_cut_off_early() {
    let header = sized(b"zeros", EntryType::Regular, 10 << 30);
    let stream = || Zeros::after(&header);
    let (_temp, dir) = root();
    let unlimited = Limits { file_bytes: u64::MAX, total_bytes: u64::MAX, ..Limits::default() };
    let bomb = unpack(BufReader::new(stream()), &dir, &unlimited).unwrap_err();
    assert!(matches!(bomb, UnpackError::Bomb { ratio: 200 }), "{bomb}");
    assert!(dir.metadata("zeros").unwrap().len() < 80 << 20, "stopped soon after the ratio is watched");
    let (_temp, dir) = root();
    let lazy = Limits { file_bytes: u64::MAX, total_bytes: 3 << 20, ratio: u64::MAX, ..Limits::default() };
    let error = unpack(BufReader::new(stream()), &dir, &lazy).unwrap_err();
    assert!(matches!(error, UnpackError::Total { .. }), "{error}");
    assert!(!dir.exists("zeros"), "refused by its header");
}

#[test]
fn skipped_data_is_bounded_too() {
    // A symlink's data is skipped, never written: the stream's own limits must catch it.
    let (_temp, dir) = root();
    let header = sized(b"x", EntryType::XGlobalHeader, 10 << 30);
    let error = unpack(BufReader::new(Zeros::after(&header)), &dir, &Limits::default()).unwrap_err();
    assert!(matches!(error, UnpackError::Bomb { .. }), "{error}");
}

#[test]
fn endless_gzip_members_end() {
    let empty = gz(b"");
    let endless = std::iter::repeat_n(empty, 10_000).flatten().collect::<Vec<u8>>();
    let error = run(&endless, &Limits::default()).2.unwrap_err();
    assert!(matches!(error, UnpackError::Members), "{error}");
    // Members that hold something are one file, as gzip says.
    let plain = [file("a", b"1"), vec![0; 1024]].concat();
    let split: Vec<u8> = plain.chunks(100).flat_map(gz).collect();
    assert_eq!(run(&split, &Limits::default()).2.unwrap().files, 1);
    let small = Limits { compressed_bytes: 1000, ..Limits::default() };
    let noise: Vec<u8> = (0..100_000u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let error = run(&archive(&[file("n", &noise)]), &small).2.unwrap_err();
    assert!(matches!(error, UnpackError::Compressed { limit: 1000 }), "{error}");
}
