//! Whatever text comes, parsing and executing it ends, without a panic and with places that exist.
//!
//! `PROPTEST_CASES=1000000 cargo test -p weir-gotemplate fuzz` runs longer; it needs no nightly compiler.

use std::{rc::Rc, sync::LazyLock};

use proptest::{prelude::*, sample::Index};
use weir_gotemplate::{Functions, Limits, Options, Set, Value};

use crate::cases::functions;

/// Pieces that templates are made of, whole and broken.
const PIECES: &[&str] = &[
    "{{",
    "}}",
    "{{- ",
    " -}}",
    "{{/*",
    "*/}}",
    " ",
    "\n",
    "text",
    "é☃",
    "\u{0}",
    "(",
    ")",
    "|",
    ",",
    ":=",
    "=",
    ":",
    ".",
    "..",
    ".a",
    ".a.b",
    ".m.x",
    ".l",
    ".th.Get",
    "$",
    "$x",
    "$x.a",
    "$y",
    "nil",
    "true",
    "0",
    "1",
    "-3",
    "2.5",
    "0x1F",
    "1e400",
    "1i",
    "'a'",
    "'",
    "\"s\"",
    "\"",
    "\"\\xff\"",
    "\"%d %v %q\"",
    "`raw`",
    "`",
    "if ",
    "else ",
    "else if ",
    "end",
    "range ",
    "with ",
    "break",
    "continue",
    "define \"d\"",
    "template \"d\" ",
    "block \"b\" .",
    "and ",
    "or ",
    "not ",
    "eq ",
    "lt ",
    "len ",
    "index ",
    "slice ",
    "print ",
    "printf ",
    "html ",
    "js ",
    "urlquery ",
    "call ",
    "str ",
    "add ",
    "dict ",
    "list ",
    "set ",
    "fnfn",
    "any ",
    "nilany",
    "{{end}}",
    "{{else}}",
    "{{if .a}}",
    "{{range .l}}",
    "{{range $x, $y := .m}}",
    "{{with .m}}",
    "{{$x := .l}}",
    "{{define \"d\"}}",
    "{{template \"d\" .}}",
    "{{break}}",
    "{{.}}",
    "{{set .m \"self\" .m}}",
    "{{printf \"%[2]*.[1]*f\" 1 2 3}}",
];

fn data() -> Value {
    Value::map([
        ("a", Value::map([("b", Value::int(1))])),
        ("m", Value::map([("x", Value::Nil), ("y", Value::string("text"))])),
        ("l", Value::list(vec![Value::int(1), Value::string("two"), Value::float(0.5)])),
    ])
}

fn try_out(text: &[u8]) {
    try_with(Rc::new(functions()), text);
}

/// With Sprig's functions that look at nothing but their arguments.
fn try_sprig(text: &[u8]) {
    let mut functions = Functions::new();
    weir_gotemplate::sprig::register(&mut functions);
    try_with(Rc::new(functions), text);
}

fn try_with(functions: Rc<Functions>, text: &[u8]) {
    let mut set = Set::new(functions);
    if let Err(error) = set.parse("t", text) {
        assert!(error.message.starts_with("template: t:"), "{}", error.message);
        assert!(error.span.offset <= text.len() && error.span.len >= 1 && error.span.line >= 1);
        return;
    }
    let limits = Limits { steps: 20_000, output: 1 << 20, ..Limits::default() };
    let _scope = weir_gotemplate::Scope::new();
    for missing_key in [weir_gotemplate::MissingKey::Zero, weir_gotemplate::MissingKey::Error] {
        let options = Options { missing_key, limits: limits.clone(), ..Options::default() };
        if let Err(error) = set.execute("t", &data(), &options) {
            let end = error.span.offset + error.span.len;
            assert!(end <= text.len().max(1), "{error}: {:?}", error.span);
        }
    }
}

/// Every template of the recorded cases, those of the language and those of Sprig's functions.
static SEEDS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let read = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let mut out = Vec::new();
    for name in ["language.jsonl", "printing.jsonl", "random.jsonl", "templates.jsonl"] {
        for line in read(name).lines() {
            let case: serde_json::Value = serde_json::from_str(line).unwrap();
            let templates = case["templates"].as_array().into_iter().flatten();
            out.extend(templates.filter_map(|it| Some(it[1].as_str()?.to_owned())));
        }
    }
    for name in
        ["strings", "lists", "dicts", "math", "dates", "regex", "json", "paths", "versions", "defaults", "encoding"]
    {
        let text = read(&format!("sprig/{name}.tsv"));
        out.extend(
            text.lines().filter(|it| !it.starts_with('#')).filter_map(|it| Some(it.split_once('\t')?.0.to_owned())),
        );
    }
    out
});

/// Pieces put in, bytes taken out, changed or said twice.
fn mutated(seed: &str, changes: &[(Index, u8, &str, u8)]) -> Vec<u8> {
    let mut bytes = seed.as_bytes().to_vec();
    for (at, kind, piece, byte) in changes {
        let at = at.index(bytes.len() + 1);
        let end = (at + usize::from(byte % 9)).min(bytes.len());
        match kind {
            0..=3 => drop(bytes.splice(at..at, piece.bytes()).collect::<Vec<_>>()),
            4 | 5 => drop(bytes.drain(at..end)),
            6 => bytes[at..end].fill(*byte),
            _ => {
                let again = bytes[at..end].repeat(2);
                drop(bytes.splice(at..end, again).collect::<Vec<_>>());
            }
        }
    }
    bytes
}

fn changes() -> impl Strategy<Value = Vec<(Index, u8, &'static str, u8)>> {
    prop::collection::vec((any::<Index>(), 0u8..8, prop::sample::select(PIECES), any::<u8>()), 0..8)
}

/// As many cases as the environment asks for, else a thousand.
fn cases() -> ProptestConfig {
    let usual = ProptestConfig::default();
    let cases = if std::env::var_os("PROPTEST_CASES").is_some() { usual.cases } else { 1000 };
    ProptestConfig { cases, failure_persistence: None, ..usual }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn recorded_templates_with_changes(seed in any::<Index>(), changes in changes()) {
        let text = mutated(seed.get(SEEDS.as_slice()).as_str(), &changes);
        try_out(&text);
        try_sprig(&text);
    }

    #[test]
    fn recorded_actions_side_by_side(parts in prop::collection::vec(any::<Index>(), 1..5), changes in changes()) {
        let text: String = parts.iter().map(|it| it.get(SEEDS.as_slice()).as_str()).collect();
        try_sprig(&mutated(&text, &changes));
    }

    #[test]
    fn pieces_in_any_order(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        try_out(pieces.concat().as_bytes());
    }

    #[test]
    fn actions_with_pieces_in_any_order(actions in prop::collection::vec(prop::collection::vec(prop::sample::select(PIECES), 1..6), 0..8)) {
        let text: String = actions.iter().map(|it| format!("{{{{{}}}}}", it.join(" "))).collect();
        try_out(text.as_bytes());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        try_out(&bytes);
        try_out(&[b"{{", &bytes[..], b"}}"].concat());
    }

    #[test]
    fn any_format(format in "[%#+ 0-9.*\\[\\]a-zA-Zé-]{0,20}", number in any::<i64>(), float in any::<f64>()) {
        let args = [Value::int(number), Value::float(float), Value::string("text"), data(), Value::Nil];
        let _ = weir_gotemplate::format::sprintf(format.as_bytes(), &args);
    }
}
