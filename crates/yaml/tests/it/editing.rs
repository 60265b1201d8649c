//! One scalar changes; every other byte stays.

use proptest::prelude::*;
use weir_yaml::{Edit, EditError, Limits, Node, Step, parse};

fn steps(path: &str) -> Vec<Step> {
    let step = |part: &str| part.parse::<usize>().map_or_else(|_| Step::from(part), Step::from);
    path.split('.').filter(|part| !part.is_empty()).map(step).collect()
}

fn set(text: &str, path: &str, value: &str) -> Result<String, EditError> {
    let mut edit = Edit::new(text, &Limits::default()).map_err(EditError::Read)?;
    edit.set(0, &steps(path), value)?;
    edit.finish()
}

#[test]
fn a_scalar_keeps_its_style_where_the_new_text_allows() {
    let marker = "# {\"$imagepolicy\": \"flux-system:app\"}";
    for (before, path, value, after) in [
        ("a: x # c\n", "a", "z", "a: z # c\n"),
        ("a: 'x' # c\n", "a", "it's", "a: 'it''s' # c\n"),
        ("a: \"x\"  # c\n", "a", "say \"hi\"\n", "a: \"say \\\"hi\\\"\\n\"  # c\n"),
        ("a: 'x'\n", "a", "b\nc", "a: \"b\\nc\"\n"),
        // Plain text that would read as something else is quoted.
        ("tag: v1\n", "tag", "1.10", "tag: \"1.10\"\n"),
        ("a: x\n", "a", "yes", "a: \"yes\"\n"),
        ("a: x\n", "a", "1:20", "a: \"1:20\"\n"),
        ("a: x\n", "a", "", "a: \"\"\n"),
        ("a: x\n", "a", "b: c", "a: 'b: c'\n"),
        ("a: x\n", "a", "- b", "a: '- b'\n"),
        ("a: x\n", "a", "b #c", "a: 'b #c'\n"),
        ("a: x\n", "a", "b#c:d", "a: b#c:d\n"),
        ("a: {b: x, c: [y]}\n", "a.b", "p,q", "a: {b: 'p,q', c: [y]}\n"),
        ("a: {b: x, c: [y]}\n", "a.c.0", "p:q", "a: {b: x, c: ['p:q']}\n"),
        ("{\"a\":\"x\",\"b\":1}", "a", "z", "{\"a\":\"z\",\"b\":1}"),
        // Line ends, a missing one at the end, tabs, marks, columns past ASCII.
        ("a: x\r\nb: y\r\n", "a", "z", "a: z\r\nb: y\r\n"),
        ("a:\tx\t# c", "a", "z", "a:\tz\t# c"),
        ("\u{feff}a: x\nb: y", "b", "z", "\u{feff}a: x\nb: z"),
        ("é: {日本: '本', ü: x} # é\n", "é.ü", "😀", "é: {日本: '本', ü: \"😀\"} # é\n"),
        // Anchors and tags stay; an alias makes room for a text.
        ("a: &x v1\nb: *x\n", "a", "v2", "a: &x v2\nb: *x\n"),
        ("a: &x v1\nb: *x # c\n", "b", "v2", "a: &x v1\nb: v2 # c\n"),
        ("a: !!str 1\n", "a", "2", "a: !!str \"2\"\n"),
        // Text over several lines becomes one line; nothing becomes something.
        ("a: x\n  y\n\n  z # c\nb: 1\n", "a", "w", "a: w # c\nb: 1\n"),
        ("a: 'x\n  y' # c\nb: 1\n", "a", "w", "a: 'w' # c\nb: 1\n"),
        ("a: # c\nb: 1\n", "a", "w", "a: w # c\nb: 1\n"),
        ("a:\n-\n- x\n", "a.0", "w", "a:\n- w\n- x\n"),
        ("a: !!str\nb: &x\nc: 1", "b", "w", "a: !!str\nb: &x w\nc: 1"),
        ("- a\n- b", "1", "c", "- a\n- c"),
        ("just text # c\n", "", "other", "other # c\n"),
    ] {
        assert_eq!(set(before, path, value).as_deref(), Ok(after), "{before:?} {path} {value:?}");
    }
    let before =
        format!("images:\n- name: x\n  newTag: 1.0.0 {marker}\n  # more\n- {{name: y, newTag: v1}} {marker}\n");
    let after = before.replace("1.0.0", "1.0.1");
    assert_eq!(set(&before, "images.0.newTag", "1.0.1").unwrap(), after);
}

#[test]
fn blocks_stay_blocks() {
    for (before, value, after) in [
        ("a: | # c\n  x\n  y\n\nb: 1\n", "p\nq\n", "a: | # c\n  p\n  q\n\nb: 1\n"),
        ("a: |\n  x\nb: 1\n", "p", "a: |-\n  p\nb: 1\n"),
        ("a: |-\n    x\nb: 1\n", "p\n\n  q", "a: |-\n    p\n\n      q\nb: 1\n"),
        ("a: |+\n  x\n\n\nb: 1\n", "p\n", "a: |\n  p\nb: 1\n"),
        ("a: |\n  x\n\n\nb: 1\n", "p\n\n", "a: |+\n  p\n\nb: 1\n"),
        ("a: >-\n  x\n  y\nb: 1\n", "one line", "a: >-\n  one line\nb: 1\n"),
        ("a: >-\n  x\n  y\nb: 1\n", "two\nlines", "a: |-\n  two\n  lines\nb: 1\n"),
        ("a: |2-\n    x\nb: 1\n", "p", "a: |2-\n  p\nb: 1\n"),
        ("a: |\r\n  x\r\nb: 1\r\n", "p\nq\n", "a: |\r\n  p\r\n  q\r\nb: 1\r\n"),
        ("a: |\n  x", "y", "a: |-\n  y"),
        ("a: |\n  x", "y\n", "a: |\n  y\n"),
        // What no block at this indentation can hold goes where its header stood.
        ("a: | # c\n  x\n  y\nb: 1\n", " p\n", "a: \" p\\n\" # c\nb: 1\n"),
        ("a: |\n  x\nb: 1\n", "", "a: \"\"\nb: 1\n"),
        ("a: |\n\nb: 1\n", "x", "a: \"x\"\n\nb: 1\n"),
    ] {
        assert_eq!(set(before, "a", value).as_deref(), Ok(after), "{before:?} {value:?}");
    }
}

#[test]
fn a_number_stays_one_when_asked() {
    let mut edit = Edit::new("a: 1.0\nb: x\nc: '1'\n", &Limits::default()).unwrap();
    for key in ["a", "b", "c"] {
        assert!(edit.set_like(0, &steps(key), "1.1").unwrap());
    }
    assert_eq!(edit.finish().unwrap(), "a: 1.1\nb: \"1.1\"\nc: '1.1'\n");
}

#[test]
fn several_documents_and_changes_at_once() {
    let text = "# head\n---\na: x\n---\n# nothing\n---\nb: [p, q] # c\n...\n---\nc: 1\n";
    let mut edit = Edit::new(text, &Limits::default()).unwrap();
    assert_eq!(edit.documents().len(), 3);
    assert!(edit.set(1, &steps("b.1"), "r").unwrap());
    assert!(edit.set(0, &steps("a"), "z").unwrap());
    assert!(edit.set(1, &steps("b.1"), "s").unwrap());
    assert!(!edit.set(2, &steps("c"), "1").unwrap());
    assert_eq!(edit.finish().unwrap(), text.replace("a: x", "a: z").replace("q]", "s]"));
    let edit = Edit::new(text, &Limits::default()).unwrap();
    assert_eq!(edit.finish().unwrap(), text);
}

#[test]
fn what_cannot_be_set_is_named() {
    for (text, path, message) in [
        ("a: 1\n", "b.c", "document 0 has no b.c"),
        ("a: {b: 1}\n", "a", "a in document 0 is no scalar, so its text cannot be set"),
        ("{a, b}\n", "a", "a in document 0 has no value in the text; write one by hand first"),
    ] {
        assert_eq!(set(text, path, "x").unwrap_err().to_string(), message);
    }
}

#[test]
fn scalars_come_with_their_markers() {
    let text =
        "spec:\n  image: repo:1 # {\"$imagepolicy\": \"a:b\"}\n  list:\n  # {\"$imagepolicy\": \"a:c\"}\n  - x\n";
    let edit = Edit::new(text, &Limits::default()).unwrap();
    let found: Vec<(String, String)> = edit
        .scalars()
        .iter()
        .map(|scalar| {
            let comments = scalar.node.comments().cloned().unwrap_or_default();
            (format!("{:?}", scalar.path), comments.line + &comments.head)
        })
        .collect();
    assert_eq!(found[0].1, "# {\"$imagepolicy\": \"a:b\"}");
    assert_eq!(found[1].1, "# {\"$imagepolicy\": \"a:c\"}");
    assert_eq!(found[1].0, "[Key(\"spec\"), Key(\"list\"), Index(0)]");
}

/// Texts with scalars in every style and place.
fn text() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "[a-z]{1,6}",
        Just("'quo''ted'".to_owned()),
        Just("\"dou\\nble\"".to_owned()),
        Just("1.5".to_owned()),
        Just("&a x".to_owned()),
        Just("!!str 5".to_owned()),
        Just("{k: v, l: [w, 'x']}".to_owned()),
        Just("[p, \"q\", {r: s}]".to_owned()),
        Just("| # c\n    one\n    two\n".to_owned()),
        Just(">-\n    one\n    two".to_owned()),
        Just("|+\n    one\n\n".to_owned()),
        Just("plain\n    going on".to_owned()),
        Just(String::new()),
    ];
    let entry = (scalar, prop_oneof![Just(""), Just(" # c"), Just("\n  # below"), Just("\n")]);
    (proptest::collection::vec(entry, 1..6), any::<bool>(), any::<bool>()).prop_map(|(entries, windows, end)| {
        let mut text = "# top\nlist:\n".to_owned();
        for (index, (scalar, comment)) in entries.iter().enumerate() {
            let comment = if scalar.contains('|') || scalar.contains('>') { "" } else { comment };
            text += &format!("- k{index}: {scalar}{comment}\n  other: é\n");
        }
        text += "last: x";
        if end {
            text += "\n";
        }
        if windows { text.replace('\n', "\r\n") } else { text }
    })
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z0-9.:/@-]{0,12}",
        "[ -~]{0,10}",
        "[a-z {}\\[\\],#&*!|>'\"%@`?:-]{0,8}",
        "([a-z ]{0,5}\n){0,3}[a-z]{0,4}\n{0,3}",
        "\\PC{0,5}",
        "[\\x00-\\x1f\u{7f}-\u{a0}\u{2028}\u{feff}]{0,3}",
    ]
}

/// The scalars of a tree in order, one of them replaced.
fn texts(node: &Node, out: &mut Vec<String>) {
    match &node.data {
        weir_yaml::Data::Scalar(text) | weir_yaml::Data::Alias(text) => out.push(text.clone()),
        weir_yaml::Data::Mapping(entries) => entries.iter().for_each(|(key, value)| {
            texts(key, out);
            texts(value, out);
        }),
        weir_yaml::Data::Sequence(items) => items.iter().for_each(|item| texts(item, out)),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]
    #[test]
    fn only_the_scalar_changes(text in text(), value in value(), pick in any::<prop::sample::Index>()) {
        let mut edit = Edit::new(&text, &Limits::default()).map_err(|e| TestCaseError::fail(format!("{e}\n{text}")))?;
        let scalars = edit.scalars();
        let chosen = pick.get(&scalars);
        let (document, path) = (chosen.document, chosen.path.clone());
        let (start, end) = (chosen.node.position.start as usize, chosen.node.position.end as usize);
        let block = chosen.node.style.is_quoted() && text[start..end].starts_with(['|', '>']);
        let mut expected = Vec::new();
        let before = edit.documents()[0].clone();
        edit.set(document, &path, &value).unwrap();
        let after = edit.finish().map_err(|e| TestCaseError::fail(format!("{e}\n{text}\n{value:?} {path:?}")))?;
        // Bytes around the scalar are the same; a block's trailing blank lines may go with it.
        let tail = &text[end..];
        prop_assert!(after.starts_with(&text[..start]), "{}\n---\n{}", text, after);
        prop_assert!(after.ends_with(tail) || (block && after.ends_with(tail.trim_start_matches(['\r', '\n']))), "{}\n---\n{}", text, after);
        // And so is what they mean.
        let read = parse(&after, &Limits::default()).unwrap();
        let (mut old, mut new) = (Vec::new(), Vec::new());
        texts(&before, &mut old);
        texts(&read[0], &mut new);
        prop_assert_eq!(old.len(), new.len());
        expected.extend(old.iter().zip(&new).filter(|(a, b)| a != b).map(|(_, b)| b.clone()));
        prop_assert!(expected.len() <= 1, "{:?}", expected);
        let at = path.iter().fold(&read[0], |node, step| match step {
            Step::Key(key) => node.get(key).unwrap(),
            Step::Index(index) => &node.as_sequence().unwrap()[*index],
        });
        prop_assert_eq!(at.as_str(), Some(value.as_str()));
    }
}
