//! What is written reads back the same; nothing panics.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use serde_json::{Map, Value};
use weir_yaml::{EmitOptions, Limits, Node, Schema, SequenceIndent, emit, emit_with, from_value, parse, parse_one};

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        "[a-z:#&*!|>'\"%@` \\-?{}\\[\\],~.0-9]{0,8}",
        "([a-z ]{0,6}\n){0,4}[a-z ]{0,4}",
        "[\\PC\n\t]{0,6}",
        Just("yes".to_owned()),
        Just("0o17".to_owned()),
        Just("1e3".to_owned()),
        Just("2001-01-01".to_owned()),
        Just("---".to_owned()),
        "([a-z]{1,9} ){12,30}",
    ]
}

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        text().prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    scalar().prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::from),
            btree_map(text(), inner, 0..5).prop_map(|m| Value::Object(m.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// Lines that begin with a tab are written as a block that go-yaml v3 does not read again, here as there. A merge key is written as it is, so that it is one when it is read. Line separators other than the line feed are written, but read as line feeds or text by different readers.
fn is_plain(value: &Value) -> bool {
    let tabbed = |text: &str| text.starts_with('\t') && text.contains('\n');
    let odd = |text: &str| {
        text == "<<" || tabbed(text) || text.contains(['\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{feff}'])
    };
    match value {
        Value::String(text) => !odd(text),
        Value::Array(items) => items.iter().all(is_plain),
        Value::Object(map) => map.iter().all(|(key, value)| !odd(key) && is_plain(value)),
        _ => true,
    }
}

fn read(node: &Node) -> Value {
    weir_yaml::to_value_with(node, Schema::V2, &Limits::default()).unwrap()
}

proptest! {
    #[test]
    fn values_printed_read_back(value in value().prop_filter("plain", is_plain)) {
        let printed = weir_yaml::to_string(&value);
        let back = weir_yaml::parse_value(&printed)
            .map_err(|error| TestCaseError::fail(format!("{error}\n{printed}")))?;
        prop_assert_eq!(back, value, "{}", printed);
    }

    #[test]
    fn nodes_emitted_read_back(value in value().prop_filter("plain", is_plain)) {
        for sequences in [SequenceIndent::Compact, SequenceIndent::Wide] {
            let emitted = emit_with(&from_value(&value), EmitOptions { sequences });
            let back = parse_one(&emitted, &Limits::default())
                .map_err(|error| TestCaseError::fail(format!("{error}\n{emitted}")))?;
            prop_assert_eq!(read(&back), value.clone(), "{}", emitted);
        }
    }

    #[test]
    fn emitting_again_changes_nothing(value in value().prop_filter("plain", is_plain)) {
        let once = emit(&from_value(&value));
        let again = emit(&parse_one(&once, &Limits::default()).unwrap());
        prop_assert_eq!(once, again);
    }

    #[test]
    fn no_text_panics(text in "[\\PC\n\t\r]{0,60}") {
        if let Ok(nodes) = parse(&text, &Limits::default()) {
            for node in nodes {
                let _ = weir_yaml::to_value(&node);
                let _ = emit(&node);
                let _ = node.expand(&Limits::default());
            }
        }
    }

    #[test]
    fn no_text_of_indicators_panics(text in "[-?:,\\[\\]{}#&*!|>'\"%@` a\n~<0-9\\\\]{0,50}") {
        if let Ok(nodes) = parse(&text, &Limits::default()) {
            for node in nodes {
                let _ = weir_yaml::to_value(&node);
                let _ = emit(&node);
            }
        }
    }
}
