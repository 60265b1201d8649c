//! `--set` and its relatives.

use proptest::prelude::*;
use serde_json::{Map, Value};
use weir_chart::strvals::{self, SetError};

use super::{
    cases,
    mutate::{changes, mutated},
};

const PIECES: &[&str] = &[
    "a",
    "b",
    "é",
    "a.b",
    "a.b.c",
    ".",
    "..",
    "=",
    "==",
    ",",
    ",,",
    "[",
    "]",
    "[0]",
    "[1][2]",
    "[-1]",
    "[65536]",
    "[65537]",
    "[99999999999999999999]",
    "{",
    "}",
    "{1,2}",
    "{}",
    "\\",
    "\\,",
    "\\.",
    "\\=",
    "\\[",
    "\"",
    "{\"a\":1}",
    "[1,[2]]",
    "null",
    "true",
    "1",
    "-1",
    "007",
    "1e9",
    " ",
    "\n",
    "\t",
    "\0",
    "a[0].b",
    "a[0][0]",
    "global.",
    "x=y",
];

const SEEDS: &[&str] = &[
    "a=1,b.c=x,d[0]=y,e={1,2},f\\.g=h",
    "a[3].b[2].c=1,a[3].b[0]=x",
    "a={\"b\":[1,{\"c\":null}]},d=[],e=\"x\"",
    "{\"a\": {\"b\": [1, 2, {\"c\": \"d\"}]}}",
    "image.tag=1.0\\,2,list={a,b\\,c,},n=null,t=TRUE,o=0123",
];

/// How many values there are.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn nesting(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(nesting).max().unwrap_or(0),
        Value::Object(map) => map.values().map(nesting).max().unwrap_or(0),
        _ => 0,
    }
}

/// Every form on a text, over values that are there already.
fn try_out(text: &str) -> Result<(), TestCaseError> {
    let forms: [fn(&str, &mut Map<String, Value>) -> Result<(), SetError>; 5] =
        [strvals::set, strvals::set_string, strvals::set_json, strvals::set_literal, |text, into| {
            strvals::set_file(text, into, &|path| Ok(path.to_owned()))
        }];
    let there = serde_json::json!({"a": [{"b": 1}, [2]], "b": {"c": null}, "s": "text"});
    for form in forms {
        let mut into = there.as_object().unwrap().clone();
        if let Err(error) = form(text, &mut into) {
            prop_assert!(!error.0.is_empty() && error.0.len() < 400 + 4 * text.len());
        }
        let all = Value::Object(into);
        prop_assert!(count(&all) < (1 << 20) + text.len() + 100, "{} values", count(&all));
        prop_assert!(nesting(&all) < 400, "nested {} deep", nesting(&all));
    }
    Ok(())
}

/// Values that a text can say: no empty lists or tables, and names that are not empty.
fn sayable() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-zA-Zé. =,\\[\\]{}\\\\]{1,8}".prop_filter("reads as text", |it| !reads_otherwise(it)).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..4).prop_map(Value::from),
            prop::collection::btree_map("[a-zA-Zé. =,\\[\\]\\\\]{1,6}", inner, 1..4)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

fn reads_otherwise(text: &str) -> bool {
    ["true", "false", "null"].iter().any(|it| text.eq_ignore_ascii_case(it)) || text.parse::<i64>().is_ok()
}

/// The texts that set a value, leaf by leaf.
fn said(path: &str, value: &Value, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                let dot = if path.is_empty() { "" } else { "." };
                said(&format!("{path}{dot}{}", escaped(key)), inner, out);
            }
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, inner)| said(&format!("{path}[{at}]"), inner, out));
        }
        Value::String(text) => out.push(format!("{path}={}", escaped(text))),
        other => out.push(format!("{path}={other}")),
    }
}

fn escaped(text: &str) -> String {
    text.chars().flat_map(|it| ".,=[]{}\\".contains(it).then_some('\\').into_iter().chain([it])).collect()
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn pieces_in_any_order(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..30)) {
        try_out(&pieces.concat())?;
    }

    #[test]
    fn texts_mutated(seed in prop::sample::select(SEEDS), changes in changes(PIECES, 8)) {
        try_out(&String::from_utf8_lossy(&mutated(seed.as_bytes(), &changes)))?;
    }

    #[test]
    fn what_is_said_is_set(value in sayable()) {
        let value = serde_json::json!({"top": value});
        let mut texts = Vec::new();
        said("", &value, &mut texts);
        let mut into = Map::new();
        let text = texts.join(",");
        let result = strvals::set(&text, &mut into);
        prop_assert!(result.is_ok(), "{text}: {result:?}");
        prop_assert_eq!(Value::Object(into), value, "{}", text);
    }
}
