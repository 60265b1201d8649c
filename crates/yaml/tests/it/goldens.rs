//! What go-yaml v3.0.5 printed for these texts with kyaml's settings, compact and wide, or that it refused them.
//!
//! Recorded from the original: every document of a text is read as a node and written again. Own texts, one table for a sort of
//! thing that is easy to get wrong.

use weir_yaml::{EmitOptions, Limits, SequenceIndent, emit_all, parse};

/// A text, and what the original printed: compact and wide.
type Golden = (&'static str, Option<(&'static str, &'static str)>);

fn same_as_go(goldens: &[Golden]) {
    let limits = Limits { duplicate_keys: true, ..Limits::default() };
    for (text, expected) in goldens {
        let printed = parse(text, &limits).ok().map(|documents| {
            [SequenceIndent::Compact, SequenceIndent::Wide]
                .map(|sequences| emit_all(&documents, EmitOptions { sequences }))
        });
        let expected = expected.map(|(compact, wide)| [compact.to_owned(), wide.to_owned()]);
        assert_eq!(printed, expected, "{text:?}");
    }
}

#[test]
fn flow_comments() {
    same_as_go(&[
        (
            "a: [x, # one\n  y, # two\n  # three\n  z]\n",
            Some(("a: [x, # one\n  y, # two\n  # three\n  z]\n", "a: [x, # one\n  y, # two\n  # three\n  z]\n")),
        ),
        (
            "a: {b: 1, # one\n  # two\n  c: 2 # three\n  }\nd: 1\n",
            Some((
                "a: {b: 1, # one\n  # two\n  c: 2, # three\n}\nd: 1\n",
                "a: {b: 1, # one\n  # two\n  c: 2, # three\n}\nd: 1\n",
            )),
        ),
        ("a: [\n  # head\n  x,\n] # end\n", Some(("a: [\n  # head\n  x] # end\n", "a: [\n  # head\n  x] # end\n"))),
        ("- [a, b] # c\n- {x: y} # d\n", Some(("- [a, b] # c\n- {x: y} # d\n", "- [a, b] # c\n- {x: y} # d\n"))),
        ("a: [ # first\n  x\n]\n", Some(("a: [x]\n", "a: [x]\n"))),
    ]);
}

#[test]
fn deeper_comments() {
    same_as_go(&[
        ("a: 1\n    # deeper\nb: 2\n", Some(("a: 1\n# deeper\nb: 2\n", "a: 1\n# deeper\nb: 2\n"))),
        (
            "a:\n  b: 1\n      # deeper\n  # here\n# out\nc: 2\n",
            Some((
                "a:\n  b: 1\n  # deeper\n  # here\n# out\nc: 2\n",
                "a:\n  b: 1\n  # deeper\n  # here\n# out\nc: 2\n",
            )),
        ),
        (
            "a:\n    # four\n  # two\n  b: 1\n",
            Some(("a:\n  # four\n  # two\n  b: 1\n", "a:\n  # four\n  # two\n  b: 1\n")),
        ),
        ("- a\n   # three\n- b\n", Some(("- a\n# three\n- b\n", "- a\n# three\n- b\n"))),
    ]);
}

#[test]
fn foot_comments() {
    same_as_go(&[
        ("a: 1\n# foot\n\nb: 2\n", Some(("a: 1\n# foot\n\nb: 2\n", "a: 1\n# foot\n\nb: 2\n"))),
        (
            "a:\n  b: 1\n  # foot of b\n# foot of a\n\nc: 2\n",
            Some((
                "a:\n  b: 1\n  # foot of b\n# foot of a\n\nc: 2\n",
                "a:\n  b: 1\n  # foot of b\n# foot of a\n\nc: 2\n",
            )),
        ),
        ("- a\n# foot\n\n- b\n# end\n", Some(("- a\n# foot\n\n- b\n# end\n", "- a\n# foot\n\n- b\n# end\n"))),
        ("a: 1\n\n# end\n", Some(("a: 1\n\n# end\n", "a: 1\n\n# end\n"))),
        ("a:\n- x\n# after\n\nb: 1\n", Some(("a:\n- x\n# after\n\nb: 1\n", "a:\n  - x\n  # after\nb: 1\n"))),
        ("a:\n  - x\n  # foot\nb: 1\n", Some(("a:\n- x\n# foot\n\nb: 1\n", "a:\n  - x\n  # foot\nb: 1\n"))),
    ]);
}

#[test]
fn between_documents() {
    same_as_go(&[
        (
            "# top\n\n# head\na: 1\n# foot\n---\n# next\nb: 2\n",
            Some((
                "# top\n\n# head\na: 1\n\n# foot\n---\n# next\nb: 2\n",
                "# top\n\n# head\na: 1\n\n# foot\n---\n# next\nb: 2\n",
            )),
        ),
        ("a: 1\n--- # marker\nb: 2\n", Some(("a: 1\n---\n# marker\nb: 2\n", "a: 1\n---\n# marker\nb: 2\n"))),
        (
            "# only\n---\n# x\na: 1\n...\n# tail\n---\nb: 1\n",
            Some(("# only\n# x\na: 1\n---\n# tail\nb: 1\n", "# only\n# x\na: 1\n---\n# tail\nb: 1\n")),
        ),
        ("---\n# c\n\na: 1\n", Some(("# c\na: 1\n", "# c\na: 1\n"))),
    ]);
}

#[test]
fn first_items() {
    same_as_go(&[
        (
            "a:\n# head of first\n- x\n- y\n",
            Some(("a:\n# head of first\n- x\n- y\n", "a:\n  # head of first\n  - x\n  - y\n")),
        ),
        (
            "# above\n- # behind dash\n  a: 1\n  b: 2\n- c\n",
            Some((
                "# above\n- # behind dash\n  a: 1\n  b: 2\n- c\n",
                "# above\n- # behind dash\n  a: 1\n  b: 2\n- c\n",
            )),
        ),
        (
            "- # one\n  - x\n  # two\n  - y\n",
            Some(("- # one\n  - x\n  # two\n  - y\n", "- # one\n  - x\n  # two\n  - y\n")),
        ),
        (
            "a:\n  # stem\n  - # inner\n    b: 1\n",
            Some(("a:\n# stem\n- # inner\n  b: 1\n", "a:\n  # stem\n  - # inner\n    b: 1\n")),
        ),
        ("# c1\n- # c2\n  # c3\n  x: 1\n", Some(("# c1\n- # c2\n  # c3\n  x: 1\n", "# c1\n- # c2\n  # c3\n  x: 1\n"))),
    ]);
}

#[test]
fn behind_headers() {
    same_as_go(&[
        (
            "a: | # c\n  x\nb: >- # d\n  y\n  z\n",
            Some(("a: | # c\n  x\nb: >- # d\n  y z\n", "a: | # c\n  x\nb: >- # d\n  y z\n")),
        ),
        ("- |+ # keep\n  x\n\n- y\n", Some(("- |+ # keep\n  x\n\n- y\n", "- |+ # keep\n  x\n\n- y\n"))),
        ("a: | #c\nb: 1\n", Some(("a: \"\" #c\nb: 1\n", "a: \"\" #c\nb: 1\n"))),
    ]);
}

#[test]
fn tags() {
    same_as_go(&[
        (
            "a: !!str 12\nb: !!int \"5\"\nc: !mine x\nd: !!float 1\ne: ! 12\nf: !<tag:x,1:y> z\ng: !!binary aGk=\n",
            Some((
                "a: !!str 12\nb: !!int \"5\"\nc: !mine x\nd: !!float 1\ne: 12\nf: !<tag:x,1:y> z\ng: !!binary aGk=\n",
                "a: !!str 12\nb: !!int \"5\"\nc: !mine x\nd: !!float 1\ne: 12\nf: !<tag:x,1:y> z\ng: !!binary aGk=\n",
            )),
        ),
        (
            "a: !!map\n  b: 1\nc: !!seq [1]\nd: !t {x: y}\ne: !!set {a}\n",
            Some((
                "a: !!map\n  b: 1\nc: !!seq [1]\nd: !t {x: y}\ne: !!set {a: ''}\n",
                "a: !!map\n  b: 1\nc: !!seq [1]\nd: !t {x: y}\ne: !!set {a: ''}\n",
            )),
        ),
        ("%TAG !e! tag:e,2000:\n---\na: !e!x y\n", Some(("a: !<tag:e,2000:x> y\n", "a: !<tag:e,2000:x> y\n"))),
        ("a: !!null\nb: !!str\nc: !x\n", Some(("a: !!null\nb: !!str\nc: !x\n", "a: !!null\nb: !!str\nc: !x\n"))),
        ("!!str a: !!str b\n", Some(("!!str a: !!str b\n", "!!str a: !!str b\n"))),
    ]);
}

#[test]
fn complex_keys() {
    same_as_go(&[
        (
            "? [a, b]\n: 1\n? {c: d}\n: - x\n  - y\n",
            Some(("? [a, b]\n: 1\n? {c: d}\n: - x\n  - y\n", "? [a, b]\n: 1\n? {c: d}\n: - x\n  - y\n")),
        ),
        ("? - a\n  - b\n: c\n", Some(("? - a\n  - b\n: c\n", "? - a\n  - b\n: c\n"))),
        ("? |\n  text\n: x\n", Some(("? |\n  text\n: x\n", "? |\n  text\n: x\n"))),
        ("? long\n", Some(("long:\n", "long:\n"))),
        (
            "{[a]: b, {c: d}: e, [ ]: f}\n",
            Some(("{? [a] : b, ? {c: d} : e, []: f}\n", "{? [a] : b, ? {c: d} : e, []: f}\n")),
        ),
        ("? # c\n  a\n: # d\n  b\n", Some(("a: b # c\n\n# d\n", "a: b # c\n\n# d\n"))),
        ("[]: x\n{}: y\n", Some(("[]: x\n{}: y\n", "[]: x\n{}: y\n"))),
    ]);
}

#[test]
fn empty() {
    same_as_go(&[
        ("", Some(("", ""))),
        ("---\n---\na: 1\n---\n", Some(("a: 1\n", "a: 1\n"))),
        ("a:\nb:\n- \n- ~\n", Some(("a:\nb:\n-\n- ~\n", "a:\nb:\n  -\n  - ~\n"))),
        ("- - -\n", Some(("- - -\n", "- - -\n"))),
        ("{a: , b}\n", Some(("{a: '', b: ''}\n", "{a: '', b: ''}\n"))),
        ("? \n: \n", Some(("'':\n", "'':\n"))),
        ("---\n...\n", Some(("", ""))),
    ]);
}

#[test]
fn directives() {
    same_as_go(&[
        ("%YAML 1.1\n---\na: 1\n", Some(("a: 1\n", "a: 1\n"))),
        ("%YAML 1.2\n---\na: 1\n", None),
        ("%X y\n---\na\n", None),
        (
            "--- {a: 1}\n--- |\n x\n--- \"q\"\n",
            Some(("{a: 1}\n---\n|\n  x\n---\n\"q\"\n", "{a: 1}\n---\n|\n  x\n---\n\"q\"\n")),
        ),
        ("a: 1\n%YAML 1.1\n---\nb: 2\n", Some(("a: 1\n---\nb: 2\n", "a: 1\n---\nb: 2\n"))),
    ]);
}

#[test]
fn anchors() {
    same_as_go(&[
        (
            "a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\ne: *x\n",
            Some((
                "a: &x {b: 1}\nc:\n  !!merge <<: *x\n  d: 2\ne: *x\n",
                "a: &x {b: 1}\nc:\n  !!merge <<: *x\n  d: 2\ne: *x\n",
            )),
        ),
        ("&k a: &v b\n*k : c\n", Some(("&k a: &v b\n*k: c\n", "&k a: &v b\n*k: c\n"))),
        ("- &a x\n- *a\n- &a y\n- *a\n", Some(("- &a x\n- *a\n- &a y\n- *a\n", "- &a x\n- *a\n- &a y\n- *a\n"))),
        (
            "<<: {a: 1}\nb: {<<: [{c: 1}]}\nc: <<\n",
            Some((
                "!!merge <<: {a: 1}\nb: {!!merge <<: [{c: 1}]}\nc: !!merge <<\n",
                "!!merge <<: {a: 1}\nb: {!!merge <<: [{c: 1}]}\nc: !!merge <<\n",
            )),
        ),
        ("a: &x\n  b: 1\nc: &y\n- *x\n", Some(("a: &x\n  b: 1\nc: &y\n- *x\n", "a: &x\n  b: 1\nc: &y\n  - *x\n"))),
        ("a: *none\n", None),
    ]);
}

#[test]
fn long_lines() {
    same_as_go(&[
        (
            "a: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word end\nb: 'it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s '\n",
            Some((
                "a: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word end\nb: 'it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s '\n",
                "a: word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word end\nb: 'it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s it''s '\n",
            )),
        ),
        (
            "a: >\n  word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \n\n  x\n",
            Some((
                "a: \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \\nx\\n\"\n",
                "a: \"word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word word \\nx\\n\"\n",
            )),
        ),
        (
            "kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk: 1\n",
            Some((
                "? kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n: 1\n",
                "? kkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkkk\n: 1\n",
            )),
        ),
    ]);
}

#[test]
fn spaces() {
    same_as_go(&[
        (
            "a:   x  \nb: 'x  '\nc: |\n  x  \n  y\nd: \"\\tx\"\ne: x\ty\n",
            Some((
                "a: x\nb: 'x  '\nc: \"x  \\ny\\n\"\nd: \"\\tx\"\ne: \"x\\ty\"\n",
                "a: x\nb: 'x  '\nc: \"x  \\ny\\n\"\nd: \"\\tx\"\ne: \"x\\ty\"\n",
            )),
        ),
        (
            "a: x\u{a0}y\nb: \"\\_\"\nc: \"a\\Nb\\Lc\\Pd\"\n",
            Some((
                "a: x\u{a0}y\nb: \"\u{a0}\"\nc: \"a\\Nb\\Lc\\Pd\"\n",
                "a: x\u{a0}y\nb: \"\u{a0}\"\nc: \"a\\Nb\\Lc\\Pd\"\n",
            )),
        ),
        (
            "a: \"x\u{85}y\"\nb: x\u{2028} y\n",
            Some(("a: \"x y\"\nb: 'x\u{2028}  y'\n", "a: \"x y\"\nb: 'x\u{2028}  y'\n")),
        ),
        ("a: \"\\ud83d\\ude00\"\n", None),
        (
            "a: 😀\nb: \"\\U0001F600\"\nc: \u{feff}x\n",
            Some((
                "a: \"\\U0001F600\"\nb: \"\\U0001F600\"\nc: \"\\uFEFF\\x78\"\n",
                "a: \"\\U0001F600\"\nb: \"\\U0001F600\"\nc: \"\\uFEFF\\x78\"\n",
            )),
        ),
        ("a: \"\\x7f\\e\\0\\a\"\n", Some(("a: \"\\x7F\\e\\0\\a\"\n", "a: \"\\x7F\\e\\0\\a\"\n"))),
    ]);
}

#[test]
fn words() {
    same_as_go(&[
        (
            "a: [y, n, yes, no, on, off, ~, null, Null, true, True, tRUE]\nb: [.inf, -.INF, .nan, 1e3, 1.0, .5, 0x1F, 0o17, 017, 0b11, 1_000, +1, 1:20]\nc: [2001-01-01, 2001-01-01T00:00:00Z, 99999999999999999999]\n",
            Some((
                "a: [y, n, yes, no, on, off, ~, null, Null, true, True, tRUE]\nb: [.inf, -.INF, .nan, 1e3, 1.0, .5, 0x1F, 0o17, 017, 0b11, 1_000, +1, '1:20']\nc: [2001-01-01, '2001-01-01T00:00:00Z', 99999999999999999999]\n",
                "a: [y, n, yes, no, on, off, ~, null, Null, true, True, tRUE]\nb: [.inf, -.INF, .nan, 1e3, 1.0, .5, 0x1F, 0o17, 017, 0b11, 1_000, +1, '1:20']\nc: [2001-01-01, '2001-01-01T00:00:00Z', 99999999999999999999]\n",
            )),
        ),
        ("yes: 1\n1: 2\n~: 3\n1.5: 4\n", Some(("yes: 1\n1: 2\n~: 3\n1.5: 4\n", "yes: 1\n1: 2\n~: 3\n1.5: 4\n"))),
    ]);
}

#[test]
fn duplicates() {
    same_as_go(&[
        ("a: 1\na: 2\n", Some(("a: 1\na: 2\n", "a: 1\na: 2\n"))),
        ("{a: 1, a: 2}\n", Some(("{a: 1, a: 2}\n", "{a: 1, a: 2}\n"))),
    ]);
}

#[test]
fn line_ends() {
    same_as_go(&[
        ("a: 1\r\nb:\r\n- x # c\r\n# d\r\n", Some(("a: 1\nb:\n- x # c\n# d\n", "a: 1\nb:\n  - x # c\n  # d\n"))),
        ("a: |\r\n  x\r\n  y\r\n", Some(("a: |\n  x\n  y\n", "a: |\n  x\n  y\n"))),
        ("a: 1\rb: 2\r", Some(("a: 1\nb: 2\n", "a: 1\nb: 2\n"))),
        ("a: 'x\r\n  y'\r\n", Some(("a: 'x y'\n", "a: 'x y'\n"))),
    ]);
}

#[test]
fn refused() {
    same_as_go(&[
        ("a: b: c\n", None),
        ("a:\n\t- x\n", None),
        ("- a\nb\n", None),
        ("a: [1, 2\n", None),
        ("{? a}: b\n", None),
        ("a: 'x\n---\n'\n", None),
        ("a: @x\n", None),
        ("a: |0\n  x\n", None),
        ("[? : a]\n", None),
        ("a: \"\\q\"\n", None),
        ("a: - b\n", None),
        ("&a &b c\n", None),
        ("a: !e!x y\n", None),
        ("\u{7}\n", None),
    ]);
}
