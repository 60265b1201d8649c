//! Archives: what is in them, how they are packed, and bytes of both.

use std::io::{Read as _, Write as _};

use proptest::{prelude::*, sample::Index};
use weir_chart::{Chart, Limits, load};

use super::{
    cases,
    mutate::{changes, mutated},
};

/// Small, so that bounds are met.
const LIMITS: Limits =
    Limits { total: 256 << 10, file: 128 << 10, files: 60, depth: 4, compat: weir_chart::Compat::Helm4 };

const CHART: &str = "apiVersion: v2\nname: a\nversion: 1.0.0\n";

/// An entry of a tar, of any kind, under any name, that may lie about its size.
#[derive(Clone, Debug)]
struct Entry {
    name: String,
    kind: u8,
    data: Vec<u8>,
    lie: Option<u64>,
}

fn entry() -> impl Strategy<Value = Entry> {
    let part = prop::sample::select(vec![
        "a",
        "b",
        "charts",
        "templates",
        "crds",
        "..",
        ".",
        "",
        "Chart.yaml",
        "values.yaml",
        "c:",
        "C:",
        "x.tgz",
        "b-1.0.0.tgz",
        "requirements.lock",
        "Chart.lock",
        "values.schema.json",
        "_x",
        ".x",
        "é",
        "NOTES.txt",
        "\\",
        "\u{1b}[31m",
    ]);
    let name = (prop::collection::vec(part, 1..6), prop::sample::select(vec!["/", "/", "/", "\\", "//"]))
        .prop_map(|(parts, between)| parts.join(between));
    let kind = prop_oneof![8 => Just(b'0'), 1 => prop::sample::select(b"134567LKxgSDV".to_vec())];
    let data = prop_oneof![
        Just(CHART.as_bytes().to_vec()),
        Just(b"a: 1\n".to_vec()),
        Just(gzip(&tar(&[plain("b/Chart.yaml", CHART.as_bytes())]))),
        Just(b"30 path=../../etc/passwd\n".to_vec()),
        Just(b"25 size=99999999999999\n".to_vec()),
        (0usize..200_000).prop_map(|size| vec![0; size]),
        prop::collection::vec(any::<u8>(), 0..60),
    ];
    let lie = prop_oneof![9 => Just(None), 1 => any::<u64>().prop_map(Some)];
    (name, kind, data, lie).prop_map(|(name, kind, data, lie)| Entry { name, kind, data, lie })
}

fn plain(name: &str, data: &[u8]) -> Entry {
    Entry { name: name.to_owned(), kind: b'0', data: data.to_vec(), lie: None }
}

/// The bytes of a tar, checksums right.
fn tar(entries: &[Entry]) -> Vec<u8> {
    let mut out = Vec::new();
    for entry in entries {
        let mut header = ::tar::Header::new_gnu();
        let name = &entry.name.as_bytes()[..entry.name.len().min(100)];
        header.as_old_mut().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(::tar::EntryType::new(entry.kind));
        header.set_size(entry.lie.unwrap_or(entry.data.len() as u64) & ((1 << 60) - 1));
        header.set_mode(0o644);
        header.set_cksum();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(&entry.data);
        out.resize(out.len().next_multiple_of(512), 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    out.write_all(bytes).unwrap();
    out.finish().unwrap()
}

/// What holds for every chart that was loaded, whatever it was loaded from.
fn is_sound(chart: &Chart, depth: usize) -> Result<(), TestCaseError> {
    prop_assert!(depth <= LIMITS.depth);
    let name = chart.name();
    prop_assert!(!name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0']), "{name:?}");
    for file in chart.templates.iter().chain(&chart.files) {
        prop_assert!(!file.name.starts_with('/') && !file.name.split('/').any(|it| it == ".."), "{:?}", file.name);
    }
    chart.dependencies.iter().try_for_each(|it| is_sound(it, depth + 1))
}

fn bytes_of(chart: &Chart) -> u64 {
    let own: usize = chart.templates.iter().chain(&chart.files).map(|it| it.data.len()).sum();
    own as u64 + chart.dependencies.iter().map(bytes_of).sum::<u64>()
}

fn try_out(archive: &[u8]) -> Result<(), TestCaseError> {
    match load::from_archive(archive, &LIMITS) {
        Ok(chart) => {
            prop_assert!(bytes_of(&chart) <= LIMITS.total);
            is_sound(&chart, 0)
        }
        Err(error) => {
            prop_assert!(!error.to_string().is_empty());
            Ok(())
        }
    }
}

/// A chart with all that a chart may hold.
fn seed() -> Vec<Entry> {
    let sub = gzip(&tar(&[plain("b/Chart.yaml", b"name: b\nversion: 1.0.0\n"), plain("b/values.yaml", b"x: 1\n")]));
    vec![
        plain("a/Chart.yaml", b"apiVersion: v2\nname: a\nversion: 1.0.0\ndependencies: [{name: b, version: '>0'}]\n"),
        plain("a/values.yaml", b"\xEF\xBB\xBFb: {x: 2}\n"),
        plain("a/values.schema.json", b"{\"type\": \"object\"}"),
        plain("a/Chart.lock", b"dependencies: []\ndigest: x\n"),
        plain("a/templates/a.yaml", b"a: {{ .Values.b.x }}\n"),
        plain("a/crds/c.yaml", b"kind: CustomResourceDefinition\n"),
        plain("a/charts/b-1.0.0.tgz", &sub),
        plain("a/charts/c/Chart.yaml", b"name: c\nversion: 1.0.0\n"),
    ]
}

const PIECES: &[&str] =
    &["../", "/", "\0", "a/", "\u{1}", "7777777", "ustar", "x", "Chart.yaml", "path=", "\n", "0", "\u{80}"];

#[test]
fn the_seed_is_a_chart() {
    let chart = load::from_archive(&gzip(&tar(&seed())), &LIMITS).unwrap();
    assert_eq!((chart.dependencies.len(), chart.templates.len()), (2, 1));
}

proptest! {
    #![proptest_config(cases(200))]

    #[test]
    fn entries_of_any_kind(entries in prop::collection::vec(entry(), 0..12), keep in any::<bool>()) {
        let mut all = if keep { seed() } else { Vec::new() };
        all.extend(entries);
        try_out(&gzip(&tar(&all)))?;
    }

    #[test]
    fn bytes_of_the_tar(changes in changes(PIECES, 6)) {
        try_out(&gzip(&mutated(&tar(&seed()), &changes)))?;
    }

    #[test]
    fn bytes_of_headers(at in any::<Index>(), byte in any::<u8>(), place in 0usize..512) {
        // The checksum is made good, so that what follows it is reached.
        let mut bytes = tar(&seed());
        let blocks: Vec<usize> = (0..bytes.len() / 512).filter(|it| &bytes[it * 512 + 257..it * 512 + 262] == b"ustar").collect();
        let start = at.get(&blocks) * 512;
        bytes[start + place] = byte;
        let mut header = ::tar::Header::from_byte_slice(&bytes[start..start + 512]).clone();
        header.set_cksum();
        bytes[start..start + 512].copy_from_slice(header.as_bytes());
        try_out(&gzip(&bytes))?;
    }

    #[test]
    fn bytes_of_the_archive(changes in changes(PIECES, 4)) {
        let archive = mutated(&gzip(&tar(&seed())), &changes);
        try_out(&archive)?;
        let mut text = Vec::new();
        let _ = (&archive[..]).take(64).read_to_end(&mut text);
        try_out(&text)?;
    }
}
