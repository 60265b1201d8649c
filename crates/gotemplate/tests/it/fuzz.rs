//! Whatever text comes, parsing and executing it ends, without a panic and with places that exist.

use std::rc::Rc;

use proptest::prelude::*;
use weir_gotemplate::{Limits, Options, Set, Value};

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
    let mut set = Set::new(Rc::new(functions()));
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

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

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
