use serde_json::json;

use super::*;
use crate::sigs::from_nodes;

fn quick(text: &str) -> Option<Value> {
    read(text, &Limits::default(), false, None)
}

#[test]
fn what_programs_print_is_read() {
    for text in [
        "a: 1\n",
        "# above\n---\na: 1\n",
        "---\n# above\n\na:\n  b: x y\n  c:\n  - 1\n  - d: e\n    f:\n      - g\n\n  # foot\nh: null\n",
        "a:\nb: ~\nc:\n",
        "- - 1\n  - 2\n-\n  a: b\n-\n- 'it''s'\n",
        "a: |\n  x\n   y\n\n  z\n\n\nb: |-\n  x\n\nc: |+\n  x\n\n\nd: 1\n",
        "a: |\n    x\n  # inside? no\nb: 1\n",
        "a: |+\n\n\n  # text\nb: |\n\n  x\n",
        "- |\n  x\n- a: |\n    y\n",
        "a: one\n  two\n\n  three\nb: 'one\n  two\n\n\n  three  '\nc: \"x\n\n  y\\\"\\n\"\n",
        "a: []\nb: { }\nc: [1, \"x, y\", z, 'q']\nd: [] # empty\n",
        "\"a b\": yes\n'c': off\n/x/y: 0777\n$ref: 1.50\nx.y/z: -1\nt: 2001-01-01\n",
        "a: \"\"\nb: ''\nc: b # comment\nd: a#b\ne: http://x:80/\nf: --x\n",
        "a:\n    text below\nb:\n  \"quoted below\"\n",
        "a: x\n\n\n# end",
        "- jsonPath: .status.x\n- -.5\n- .5\n",
        "a: \"x \\\n  \\ y\\x41\\u00e4 \\\n\n\n  z\\ \n  w\"\n",
        "a: über — “x”\n",
        "a: 1\na: 2\n",
    ] {
        let value = quick(text).unwrap_or_else(|| panic!("given up: {text}"));
        assert_eq!(Ok(value), from_nodes(text, false, &Limits::default()), "{text}");
    }
}

#[test]
fn what_is_not_simple_is_left_to_the_other() {
    for text in [
        "",
        "# nothing\n",
        "text\n",
        "a: &x 1\nb: *x\n",
        "<<: {a: 1}\n",
        "a: !!str 1\n",
        "? a\n: b\n",
        "a: {b: c}\n",
        "a: [b, [c]]\n",
        "a:\tb\n",
        "a: 1\n---\nb: 2\n",
        "a: 1\n...\n",
        "a: 1\n... b: 2\n",
        "--- a: 1\n",
        "a: .inf\n",
        "yes: 1\n",
        "1: 1\n",
        "a: b: c\n",
        "a: b\n c: d\n",
        "a:\n  b: 1\n c: 2\n",
        "a: x\n# comment\n  y\n",
        "a: 'x\n--- y'\n",
        "a: \"\\x4\"\n",
        "a: \"\\ud800\"\n",
        "a: \"\\e\"\n",
        "a: |2\n   x\n",
        "a: |\n     \n  x\n",
        "a: |\nb: 1\n",
        "- a\nb: 1\n",
        "a:\n  - 1\n  b: 2\n",
        "a: - 1\n",
        "a: @x\n",
        "a: 'x' y\n",
        "\u{feff}a: 1\n",
        "a: x\u{2028}y\n",
        "a: x\ry\n",
        "a: \u{80}\n",
    ] {
        assert_eq!(quick(text), None, "{text}");
    }
}

/// Lines of which documents are made, right and wrong ones.
const LINES: &[&str] = &[
    "a: 1",
    "b:",
    "c: x y",
    "- 1",
    "-",
    "- a: b",
    "- - x",
    "  d: 'q'",
    "  e:",
    "    - f",
    "  - g: |",
    "      text",
    "   odd",
    "# comment",
    "  # comment",
    "",
    "  ",
    "h: |",
    "i: >-",
    "j: |+",
    "k: 'open",
    "close'",
    "l: \"open",
    "  close\" # end",
    "m: [a, 'b']",
    "n: {}",
    "---",
    "...",
    "  o: p # q",
    "  r: s:t",
    "u: v: w",
    "\"x y\": z",
    "null: 1",
    "on: 1",
    "A: ~",
    "B: 1e3",
    "C: .5",
    "- |",
    "D: &E f",
    "G: *E",
    "H: x#y",
    "  I: -1",
    "J: '''a'''",
    "K: \"a\\n\\\"\"",
    "L : 1",
    "M:1",
    "N: [",
    "]",
    "- [1, 2]",
    "... O: P",
    "Q: |-",
    "\t",
    "'R': 0777",
    "S: 2001-01-01",
    "T: 9223372036854775808",
    "- ? U",
    "V: -",
    "W: - x",
    "X: @",
    "Y: \u{e4}",
    ".Z: 1",
    "a b: c",
    "  a: 2",
    "    a: 3",
    "/x: {}",
    "Z: \"a \\",
    "  b\\ c\\",
    "  \\ d\\u0041 \"",
    "  \\x4 ",
    "{ }",
];

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]
    #[test]
    fn what_is_accepted_the_other_reader_accepts(
        lines in proptest::collection::vec(proptest::sample::select(LINES), 1..9),
        cut in proptest::bool::weighted(0.2),
    ) {
        let mut text = lines.join("\n");
        if !cut {
            text.push('\n');
        }
        let limits = Limits::default();
        if let Some(value) = quick(&text) {
            assert_eq!(Ok(value), from_nodes(&text, false, &limits), "{text:?}");
        }
        let wanted: fn(&str) -> bool = |key| key.len() == 1;
        if let Some(value) = read(&text, &limits, false, Some(wanted)) {
            let mut all = from_nodes(&text, false, &limits).unwrap_or_else(|error| panic!("{error}: {text:?}"));
            if let Value::Object(map) = &mut all {
                map.retain(|key, _| wanted(key));
            }
            assert_eq!(value, all, "{text:?}");
        }
    }
}

/// Were the line looked through for each of its items, this would take minutes.
#[test]
fn a_wide_line_is_read_once() {
    let items = 1_000_000;
    let text = format!("a: [{}'x']\n", "'x', ".repeat(items - 1));
    assert_eq!(quick(&text).and_then(|it| it["a"].as_array().map(Vec::len)), Some(items));
}

#[test]
fn only_what_is_wanted_is_kept() {
    let text = "a: 1\nb:\n  c: [x]\n  d: .inf\n";
    assert_eq!(read(text, &Limits::default(), false, Some(|key| key == "a")), None);
    let text = "a: 1\nb:\n  c: [x]\n  d: |\n    y\ne: {}\n";
    assert_eq!(
        read(text, &Limits::default(), false, Some(|key| key == "a" || key == "e")),
        Some(json!({"a": 1, "e": {}}))
    );
}
