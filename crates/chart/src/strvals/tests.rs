use serde_json::json;

use super::*;

fn all(text: &str) -> Value {
    let mut into = Table::new();
    set(text, &mut into).unwrap_or_else(|error| panic!("{text}: {error}"));
    Value::Object(into)
}

fn refused(text: &str) -> String {
    set(text, &mut Table::new()).expect_err(text).0
}

#[test]
fn names_lists_and_types() {
    for (text, expected) in [
        ("a=1", json!({"a": 1})),
        ("a=01,b=-3,c=1.5,d=true,e=NULL,f=", json!({"a": "01", "b": -3, "c": "1.5", "d": true, "e": null, "f": ""})),
        ("a.b.c=x,a.b.d=y", json!({"a": {"b": {"c": "x", "d": "y"}}})),
        ("a={1,x,true}", json!({"a": [1, "x", true]})),
        ("a={},b=1", json!({"a": [""], "b": 1})),
        ("a[1].b=x", json!({"a": [null, {"b": "x"}]})),
        ("a[0][1]=x,a[0][0]=y", json!({"a": [["y", "x"]]})),
        ("a\\.b=1,c=x\\,y", json!({"a.b": 1, "c": "x,y"})),
        ("a=b=c", json!({"a": "b=c"})),
        ("a=1,", json!({"a": 1})),
        ("", json!({})),
        ("a=9223372036854775808", json!({"a": "9223372036854775808"})),
        ("a=ünï", json!({"a": "ünï"})),
    ] {
        assert_eq!(all(text), expected, "{text}");
    }
}

#[test]
fn what_is_refused() {
    for (text, expected) in [
        ("a", "key \"a\" has no value"),
        ("a,b=1", "key \"a\" has no value (cannot end with ,)"),
        ("a={1,2", "list must terminate with '}'"),
        ("a[-1]=x", "negative -1 index not allowed"),
        ("a[x]=1", "error parsing index: strconv.Atoi: parsing \"x\": invalid syntax"),
        ("a[1]b=1", "unexpected data at end of array index: \"b\""),
        ("a[65537]=1", "index of 65537 is greater than maximum supported index of 65536"),
        ("a[999999999999]=1", "index of 999999999999 is greater than maximum supported index of 65536"),
        (
            "a[99999999999999999999]=1",
            "error parsing index: strconv.Atoi: parsing \"99999999999999999999\": value out of range",
        ),
        ("a=1,a.b=2", "unable to parse key: \"a\" is not a map"),
    ] {
        assert_eq!(refused(text), expected, "{text}");
    }
    let deep = |levels: usize| format!("{}=1", vec!["a"; levels].join("."));
    assert!(set(&deep(31), &mut Table::new()).is_ok());
    assert!(refused(&deep(32)).contains("maximum supported nested level of 30"));
}

#[test]
fn memory_is_bounded() {
    // Each bracket is small, together they would fill gigabytes.
    let text: Vec<String> = (0..200).map(|n| format!("a[{n}][65000]=x")).collect();
    assert!(refused(&text.join(",")).contains("places in all"));
    assert!(refused(&format!("a{}=1", "[0]".repeat(100_000))).contains("nested too deeply"));
    assert!(refused(&format!("{}=1", "a.".repeat(100_000))).contains("nested level"));
}

#[test]
fn the_other_forms() {
    let mut into = Table::new();
    set_string("a=1,b=true,c={1,2}", &mut into).unwrap();
    set_literal("d.e=x,y={z}\\n", &mut into).unwrap();
    set_json("f={\"g\":[1,null]},h=[2],i=,j=\"x\"", &mut into).unwrap();
    set_json(" {\"f\": {\"k\": 1}} ", &mut into).unwrap();
    set_file("l=path", &mut into, &|path| Ok(format!("<{path}>"))).unwrap();
    assert_eq!(
        Value::Object(into),
        json!({"a": "1", "b": "true", "c": ["1", "2"], "d": {"e": "x,y={z}\\n"}, "f": {"g": [1.0, null], "k": 1.0},
            "h": [2.0], "i": null, "j": "x", "l": "<path>"})
    );
    assert!(set_json("a={", &mut Table::new()).is_err());
}
