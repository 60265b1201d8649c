//! What is written, compared with what go-yaml v3 and sigs.k8s.io/yaml wrote for the same input.

use serde_json::json;
use weir_yaml::{EmitOptions, Limits, SequenceIndent, emit, emit_with, parse_one, sequence_indent_of, to_string};

fn emitted(text: &str) -> String {
    emit(&parse_one(text, &Limits::default()).unwrap())
}

#[test]
fn comments_order_and_styles_are_kept() {
    let text = "# document\n\n# head\na: 1 # line\nb:\n# inside\n- x # one\n- 'y'\n# for c\nc: {a: b, \"q\": [1, 2]}\n\
                d: |\n  text\ne: \"quoted\"\nf: &x\n  k: v\ng: *x\n";
    assert_eq!(emitted(text), text);
}

#[test]
fn comments_below_and_between() {
    let text =
        "a:\n# c1\n- 1\n- 2\n# c2\n\n# c3\nb:\n  # c4\n  c: 1\n  # c5\n  d: 2\n  # c6\n# c7\ne: 1\n# c8\n\nf: 2\n";
    assert_eq!(emitted(text), text);
}

#[test]
fn sequences_stand_wide_or_compact() {
    let wide = "a:\n  - b:\n      - c\n  - d\n";
    let compact = "a:\n- b:\n  - c\n- d\n";
    let node = parse_one(wide, &Limits::default()).unwrap();
    assert_eq!(sequence_indent_of(&node), SequenceIndent::Wide);
    assert_eq!(emit_with(&node, EmitOptions { sequences: SequenceIndent::Wide }), wide);
    assert_eq!(emit(&node), compact);
}

#[test]
fn go_yaml_v3_writes_these() {
    for (text, expected) in [
        ("a:   x\n  y", "a: x y\n"),
        ("emoji: 😀", "emoji: \"\\U0001F600\"\n"),
        ("a: >-\n  one\n  two\n\n  three\n", "a: >-\n  one two\n\n  three\n"),
        ("m:\n  <<: {a: b}\n", "m:\n  !!merge <<: {a: b}\n"),
        ("? long\n: v\n", "long: v\n"),
        ("- - b\n  - c\n-\n  - d\n", "- - b\n  - c\n- - d\n"),
        ("a:\n", "a:\n"),
        ("[]", "[]\n"),
    ] {
        assert_eq!(emitted(text), expected, "{text:?}");
    }
}

#[test]
fn sigs_yaml_prints_these() {
    let value = json!({
        "b": [[1, 2], {"x": 1, "y": [3]}, []],
        "a": {"multi": "one\ntwo\n", "kept": "x\n\n", "stripped": "a\nb", "lead": " x\ny"},
        "empty": "",
        "colon": "a: b",
        "hash": "a #b",
        "tab": "a\tb",
        "trail": "x ",
        "quote": "it's",
        "dash": "- x",
        "pct": "%x",
        "num": "0777",
        "exp": "1e3",
        "f": 1.5,
        "big": 1e22,
    });
    let expected = "a:\n  kept: |+\n    x\n\n  lead: |2-\n     x\n    y\n  multi: |\n    one\n    two\n  stripped: |-\n    a\n    b\n\
                    b:\n- - 1\n  - 2\n- x: 1\n  \"y\":\n  - 3\n- []\nbig: 1e+22\ncolon: 'a: b'\ndash: '- x'\nempty: \"\"\nexp: \"1e3\"\n\
                    f: 1.5\nhash: 'a #b'\nnum: \"0777\"\npct: '%x'\nquote: it's\ntab: \"a\\tb\"\ntrail: 'x '\n";
    assert_eq!(to_string(&value), expected);
}
