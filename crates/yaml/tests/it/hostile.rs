//! Input made to hurt: refused early, in memory that follows the limits.

use weir_yaml::{ErrorKind, Limits, parse, parse_value, to_value_with};

fn limit(text: &str, limits: &Limits) -> &'static str {
    let error = match parse(text, limits) {
        Err(error) => error,
        Ok(nodes) => nodes
            .iter()
            .find_map(|n| to_value_with(n, weir_yaml::Schema::V2, limits).err())
            .unwrap_or_else(|| panic!("accepted")),
    };
    match error.kind {
        ErrorKind::Limit { what, .. } => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_alias_bomb_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for level in 1..40 {
        let item = format!("*a{}", level - 1);
        text += &format!("a{level}: &a{level} [{}]\n", vec![item; 10].join(", "));
    }
    assert_eq!(limit(&text, &Limits::default()), "alias expansion");
    let expanded = parse(&text, &Limits::default()).unwrap().remove(0).expand(&Limits::default());
    assert!(matches!(expanded.unwrap_err().kind, ErrorKind::Limit { what: "alias expansion", .. }));
}

#[test]
fn merge_keys_do_not_get_around_the_bound() {
    let mut text = "m0: &m0 {a: [1, 2, 3, 4, 5, 6, 7, 8]}\n".to_owned();
    for level in 1..30 {
        let below = format!("*m{}", level - 1);
        text += &format!("m{level}: &m{level} {{<<: {below}, k{level}: [{below}, {below}, {below}, {below}]}}\n");
    }
    assert_eq!(limit(&text, &Limits::default()), "alias expansion");
}

#[test]
fn depth_is_bounded_in_every_form() {
    for text in [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        (0..2_000).map(|i| format!("{}a:\n", " ".repeat(i))).collect::<String>(),
    ] {
        assert_eq!(limit(&text, &Limits::default()), "depth");
    }
}

#[test]
fn size_and_counts_are_bounded() {
    let small = Limits { size: 10, ..Limits::default() };
    assert_eq!(limit("aaaaaaaaaaaaaaaa", &small), "size in bytes");
    let few = Limits { nodes: 10, ..Limits::default() };
    assert_eq!(limit(&"- a\n".repeat(20), &few), "number of nodes");
    let one = Limits { documents: 1, ..Limits::default() };
    assert_eq!(limit("a\n---\nb\n", &one), "number of documents");
}

#[test]
fn a_key_given_twice_is_refused_and_named() {
    let text = "a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n";
    let error = parse(text, &Limits::default()).unwrap_err();
    assert_eq!(error.to_string(), "line 5, column 3: key \"c\" already stands on line 3");
    assert!(parse("{a: 1, a: 2}", &Limits::default()).is_err());
    let many: String = (0..100).map(|i| format!("k{}: 1\n", i % 99)).collect();
    assert!(parse(&many, &Limits::default()).is_err());
    let lenient = Limits { duplicate_keys: true, ..Limits::default() };
    assert_eq!(weir_yaml::to_value(&parse("a: 1\na: 2", &lenient).unwrap()[0]).unwrap(), serde_json::json!({"a": 2}));
}

#[test]
fn a_self_reference_is_an_unknown_anchor_or_refused() {
    assert!(parse_value("a: *a").is_err());
    assert!(parse_value("a: &a [*a]").is_err());
}

#[test]
fn control_characters_are_refused() {
    assert!(parse("a: \u{7}", &Limits::default()).is_err());
    assert!(parse("a: \u{7f}", &Limits::default()).is_err());
}
