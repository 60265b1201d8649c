//! Texts mutated at random: nothing panics, nothing runs away, and what is read and written again means the same.
//!
//! `PROPTEST_CASES=1000000 cargo test -p weir-yaml fuzz` runs longer; it needs no nightly compiler.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use weir_yaml::{Data, Edit, Limits, Node, Style, emit, parse, sigs};

const SEEDS: &[&str] = &[
    "# top\n\na: 1 # line\nb:\n# head\n- x\n- 'y'\n# foot\n\nc: {d: [e, \"f\"], g: ~}\n",
    "a: &x\n  b: |\n    text\n    more\n  c: >-\n    folded\n    text\nd:\n  <<: *x\n  e: !!str 1\n",
    "? [a, b]\n: - c\n  - ? d\n    : e\n---\n%x\n...\n%YAML 1.1\n---\n- - - a\n    - b\n",
    "{a: [1, 2, {b: c}], ? d : e, \"f\": 'g'}\n",
    "a: plain\n  going\n\n  on # c\nb: \"x\\n\\u00e9\\\n  y\"\nc: 'it''s\n\n  so'\r\n",
];

const PIECES: &[&str] = &[
    "-",
    "- ",
    "?",
    "? ",
    ":",
    ": ",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    " # c\n",
    "\n# c\n",
    "&a ",
    "*a",
    "!",
    "!!str ",
    "|",
    ">",
    "|+\n",
    "'",
    "\"",
    "\\",
    "%",
    "@",
    "`",
    "\n",
    "\n\n",
    "\r\n",
    " ",
    "  ",
    "\t",
    "---\n",
    "...\n",
    "<<",
    "~",
    "1",
    "é",
    "😀",
    "\u{85}",
    "\u{2028}",
    "\u{feff}",
    "\u{7f}",
    "\0",
    "<<: *a\n",
    "a: &a [*a]\n",
];

/// Something is put in, taken out or said twice.
fn mutated() -> impl Strategy<Value = String> {
    let change = (any::<Index>(), select(PIECES), 0usize..4, 0usize..6);
    (select(SEEDS), proptest::collection::vec(change, 0..6)).prop_map(|(seed, changes)| {
        let mut chars: Vec<char> = seed.chars().collect();
        for (at, piece, kind, count) in changes {
            let at = at.index(chars.len() + 1);
            let end = (at + count).min(chars.len());
            match kind {
                0 | 1 => drop(chars.splice(at..at, piece.chars()).collect::<Vec<_>>()),
                2 => drop(chars.drain(at..end)),
                _ => {
                    let again: Vec<char> = chars[at..].iter().copied().take(count * 8).collect();
                    drop(chars.splice(at..at, again).collect::<Vec<_>>());
                }
            }
        }
        chars.into_iter().collect()
    })
}

/// go-yaml writes folded scalars, separators and empty aliases so that they may read differently.
fn writes_faithfully(node: &Node) -> bool {
    let odd = |text: &str| text.contains(['\u{85}', '\u{2028}', '\u{2029}', '\u{feff}', '\r']);
    let below = match &node.data {
        Data::Scalar(text) => {
            node.style != Style::Folded && !odd(text) && !(text.is_empty() && node.style == Style::Plain)
        }
        Data::Alias(_) => false,
        Data::Mapping(entries) => entries.iter().all(|(key, value)| writes_faithfully(key) && writes_faithfully(value)),
        Data::Sequence(items) => items.iter().all(writes_faithfully),
    };
    below && node.anchor().is_none() && node.comments().is_none()
}

proptest! {
    #[test]
    fn no_mutation_panics(text in mutated()) {
        let limits = Limits { duplicate_keys: true, ..Limits::default() };
        let _ = sigs::from_str(&text);
        let _ = sigs::from_str_strict(&text).map(|value| (sigs::to_string(&value), sigs::to_string_pretty(&value)));
        if let Ok(mut edit) = Edit::new(&text, &Limits::default()) {
            let places: Vec<_> = edit.scalars().iter().map(|scalar| (scalar.document, scalar.path.clone())).collect();
            for (document, path) in places.into_iter().take(8) {
                let _ = edit.set(document, &path, "other: text");
            }
            let _ = edit.finish();
        }
        let Ok(documents) = parse(&text, &limits) else { return Ok(()) };
        for node in documents {
            let _ = weir_yaml::to_value(&node);
            let _ = weir_yaml::to_value_with(&node, weir_yaml::Schema::Kyaml, &limits);
            let written = emit(&node);
            let again = parse(&written, &limits);
            if writes_faithfully(&node) {
                let again = again.map_err(|error| TestCaseError::fail(format!("{error}\n{text}\n---\n{written}")))?;
                prop_assert!(again.len() == 1 && again[0].same_data(&node), "{}\n---\n{}", text, written);
            }
            let _ = node.expand(&limits);
        }
    }
}
