use serde_json::json;

use super::*;

fn check(schema: &Value, values: Value) -> Result<(), String> {
    single(schema.to_string().as_bytes(), values.as_object().unwrap())
}

#[test]
fn errors_read_as_helms() {
    let schema = json!({
        "type": "object", "required": ["name"], "additionalProperties": false,
        "properties": {"name": {"type": "string", "pattern": "^a"}, "n": {"type": "integer", "minimum": 2},
            "e": {"enum": ["x", "y"]}},
    });
    assert_eq!(check(&schema, json!({"name": "a", "n": 3.0, "e": "x"})), Ok(()));
    for (values, expected) in [
        (json!({}), "- at '': missing property 'name'\n"),
        (json!({"name": 1.0}), "- at '/name': got number, want string\n"),
        (json!({"name": "b"}), "- at '/name': 'b' does not match pattern '^a'\n"),
        (json!({"name": "a", "x": 1.0}), "- at '': additional properties 'x' not allowed\n"),
        (json!({"name": "a", "n": 1.0}), "- at '/n': minimum: got 1, want 2\n"),
        (json!({"name": "a", "n": 2.5}), "- at '/n': got number, want integer\n"),
        (json!({"name": "a", "e": "z"}), "- at '/e': value must be one of 'x', 'y'\n"),
    ] {
        assert_eq!(check(&schema, values).unwrap_err(), expected);
    }
}

#[test]
fn references_leave_the_schema_for_nothing() {
    for target in
        ["file:///dev/zero", "file:///etc/passwd", "http://127.0.0.1:1/x", "https://example.com/x", "other.json"]
    {
        let error = check(&json!({"$ref": target}), json!({})).unwrap_err();
        assert!(error.contains("not followed") || error.contains("values.schema.json"), "{target}: {error}");
    }
    assert_eq!(check(&json!({"properties": {"a": {"$ref": "urn:x:y"}}}), json!({"a": 1.0})), Ok(()));
    let inside = json!({"$defs": {"a": {"type": "string"}}, "properties": {"x": {"$ref": "#/$defs/a"}}});
    assert!(check(&inside, json!({"x": 1.0})).is_err());
}

#[test]
fn endless_schemas_end() {
    for schema in [
        json!({"$ref": "#"}),
        json!({"allOf": [{"$ref": "#"}]}),
        json!({"$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"anyOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}),
        json!({"$defs": {"a": {"$anchor": "x", "not": {"$ref": "#x"}}}, "properties": {"p": {"$ref": "#x"}}}),
    ] {
        assert!(check(&schema, json!({"p": 1.0})).unwrap_err().contains("without end"), "{schema}");
    }
    let tree = json!({"properties": {"child": {"$ref": "#"}}, "additionalProperties": false});
    assert_eq!(check(&tree, json!({"child": {"child": {}}})), Ok(()));
    assert!(check(&tree, json!({"child": {"child": {"x": 1.0}}})).is_err());
}

#[test]
fn deep_schemas_and_slow_patterns_are_refused() {
    let deep = format!("{}{}", "{\"not\":".repeat(100_000), "true".to_owned() + &"}".repeat(100_000));
    assert!(single(deep.as_bytes(), &Table::new()).is_err());
    let slow = json!({"properties": {"a": {"pattern": "^(a+)+$"}}});
    assert!(check(&slow, json!({"a": format!("{}b", "a".repeat(50_000))})).is_err());
    assert!(check(&json!({"properties": {"a": {"pattern": "(?=x)"}}}), json!({"a": "x"})).is_err());
}
