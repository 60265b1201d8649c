//! What texts mean, as sigs.k8s.io/yaml reads them.

use serde_json::{Value, json};
use weir_yaml::{Limits, Style, parse, parse_value, parse_values};

fn value(text: &str) -> Value {
    parse_value(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn block_and_flow_collections() {
    for (text, expected) in [
        ("a:\n- 1\n- 2\nb: x", json!({"a": [1, 2], "b": "x"})),
        ("a:\n  - 1\n  -\n    b: 2\n", json!({"a": [1, {"b": 2}]})),
        ("- - a\n  - b\n- c: d\n  e: f\n", json!([["a", "b"], {"c": "d", "e": "f"}])),
        ("a: {b: [1, 'x, y'], c: }", json!({"a": {"b": [1, "x, y"], "c": null}})),
        ("{\"a\":1,\"b\":[true,null]}", json!({"a": 1, "b": [true, null]})),
        ("? a\n: b\n? c\n", json!({"a": "b", "c": null})),
        ("a:\nb:\n", json!({"a": null, "b": null})),
        ("[a, b: c, [d]]", json!(["a", {"b": "c"}, ["d"]])),
        ("a: [\n  1,\n  2, # two\n]\nb: 1", json!({"a": [1, 2], "b": 1})),
        ("\"quoted key\": 1\n'single': 2\n", json!({"quoted key": 1, "single": 2})),
        ("url: http://x.y/z?a=b#c\nt: a#b\n", json!({"url": "http://x.y/z?a=b#c", "t": "a#b"})),
        ("a: - b", Value::Null),
        ("a:\n  b: c\n  # comment\n\n  d: e # more\nf: g", json!({"a": {"b": "c", "d": "e"}, "f": "g"})),
        ("--- a", json!("a")),
        ("%YAML 1.1\n---\na: 1\n...\n", json!({"a": 1})),
    ] {
        match expected {
            Value::Null => assert!(parse_value(text).is_err(), "{text:?} is accepted"),
            expected => assert_eq!(value(text), expected, "{text:?}"),
        }
    }
}

#[test]
fn scalars_in_every_style() {
    for (text, expected) in [
        ("a: |\n  x\n   y\n\n  z\n", "x\n y\n\nz\n"),
        ("a: |-\n  x\n\n", "x"),
        ("a: |+\n  x\n\n", "x\n\n"),
        ("a: >\n  x\n  y\n\n  z\n   in\n  w\n", "x y\nz\n in\nw\n"),
        ("a: |2\n    x\n", "  x\n"),
        ("a: x\n  y\n\n  z", "x y\nz"),
        ("a: 'x\n  y\n\n  it''s'", "x y\nit's"),
        ("a: \"x\\n\\ty\\u00e9\\U0001F600\\x41 \\\n  z\"", "x\n\tyé😀A z"),
        ("a: \"\\U0001F600\"", "😀"),
        ("a: !!str 12", "12"),
        ("a: |\n  tab\there\n", "tab\there\n"),
        ("a: x\r\n  y\r\n", "x y"),
    ] {
        assert_eq!(value(text), json!({ "a": expected }), "{text:?}");
    }
}

#[test]
fn the_words_of_yaml_1_1_are_booleans_and_octals_numbers() {
    let text = "[yes, Off, y, 0777, 0o17, 1_000, 1e3, 0x1f, ~, 2001-01-01, 1.50, \"yes\", 12e03, .5, +1]";
    let expected =
        json!([true, false, true, 511, "0o17", 1000, 1000, 31, null, "2001-01-01", 1.5, "yes", 12000, 0.5, 1]);
    // go-yaml v2 reads 0o17 too: its integers take Go's own prefixes.
    let mut expected = expected;
    expected[4] = json!(15);
    assert_eq!(value(text), expected);
}

#[test]
fn anchors_and_merge_keys() {
    let text = "base: &base {a: 1, b: 2}\none:\n  <<: *base\n  b: 3\nmany:\n  <<: [*base, {c: 4}]\nlist: [*base]\n";
    let expected = json!({
        "base": {"a": 1, "b": 2},
        "one": {"a": 1, "b": 3},
        "many": {"a": 1, "b": 2, "c": 4},
        "list": [{"a": 1, "b": 2}],
    });
    assert_eq!(value(text), expected);
    let node = parse(text, &Limits::default()).unwrap().remove(0).expand(&Limits::default()).unwrap();
    assert_eq!(weir_yaml::to_value(&node).unwrap(), expected);
}

#[test]
fn keys_become_strings() {
    assert_eq!(value("1: a\ntrue: b\n1.5: c\n"), json!({"1": "a", "true": "b", "1.5": "c"}));
    assert!(parse_value("{[a]: b}").is_err());
}

#[test]
fn streams_hold_documents() {
    let values = parse_values("# head\n---\na: 1\n---\n---\n# only a comment\n---\nb: 2\n...\n---\nc: 3").unwrap();
    assert_eq!(values, [json!({"a": 1}), json!({"b": 2}), json!({"c": 3})]);
    assert!(parse_values("").unwrap().is_empty());
}

#[test]
fn errors_say_where() {
    for (text, place) in [
        ("a: b: c", "line 1, column 5"),
        ("a:\n  - x\n y: 1", "line 3"),
        ("a: [1, 2", "line 2, column 1"),
        ("a: \"\\ud83d\\ude00\"", "line 1, column 7"),
        ("a: 'x", "line 1"),
        ("a: \"\\q\"", "line 1, column 5"),
        ("a:\n\t- x", "line 2"),
        ("a: @x", "line 1, column 4"),
        ("a: *nowhere", "line 1"),
        ("a: 1\n b: 2", "line 2"),
    ] {
        let error = parse_value(text).expect_err(text).to_string();
        assert!(error.starts_with(place), "{text:?}: {error}");
    }
}

#[test]
fn positions_and_styles_are_kept() {
    let text = "a:\n  image: 'repo:1' # {setter}\n";
    let node = parse(text, &Limits::default()).unwrap().remove(0);
    let image = node.at(&["a", "image"]).unwrap();
    assert_eq!(image.style, Style::SingleQuoted);
    assert_eq!(&text[image.position.start as usize..image.position.end as usize], "'repo:1'");
    assert_eq!((image.position.line, image.position.column), (2, 10));
    assert_eq!(image.comments().unwrap().line, "# {setter}");
}
