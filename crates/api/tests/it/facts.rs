//! A CRD as sorted lines of facts: one for its names, its columns, its versions, and one for every node of a schema.
//!
//! Nothing but descriptions is left out, so two CRDs with the same facts behave the same.

use std::collections::BTreeMap;

use serde_json::Value;

/// The facts of some CRDs.
pub fn of(crds: &[Value]) -> Vec<String> {
    let mut facts: Vec<String> = crds.iter().flat_map(of_one).collect();
    facts.sort();
    facts
}

fn of_one(crd: &Value) -> Vec<String> {
    let name = crd["metadata"]["name"].as_str().unwrap();
    let mut facts = vec![
        format!("{name} metadata {}", without(&crd["metadata"], &[])),
        format!("{name} names {}", without(&crd["spec"]["names"], &[])),
        format!("{name} spec {}", without(&crd["spec"], &["names", "versions"])),
    ];
    for version in crd["spec"]["versions"].as_array().unwrap() {
        let prefix = format!("{name}/{}", version["name"].as_str().unwrap());
        let columns = version.get("additionalPrinterColumns").cloned().unwrap_or_else(|| Value::Array(Vec::new()));
        facts.push(format!("{prefix} columns {}", sorted(&columns)));
        facts.push(format!("{prefix} version {}", without(version, &["schema", "additionalPrinterColumns"])));
        node(&mut facts, &prefix, "", &version["schema"]["openAPIV3Schema"], false);
    }
    facts
}

fn node(facts: &mut Vec<String>, prefix: &str, path: &str, schema: &Value, required: bool) {
    let own = without(schema, &["properties", "items", "additionalProperties", "required", "description"]);
    let name = if path.is_empty() { "." } else { path };
    facts.push(format!("{prefix} {name}{} {own}", if required { "*" } else { "" }));
    let required: Vec<&str> = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema["properties"].as_object();
    for name in &required {
        assert!(properties.is_some_and(|p| p.contains_key(*name)), "{prefix} {path}: {name} is required but not there");
    }
    for (name, child) in properties.into_iter().flatten() {
        node(facts, prefix, &format!("{path}.{name}"), child, required.contains(&name.as_str()));
    }
    for (key, mark) in [("items", "[]"), ("additionalProperties", "{}")] {
        if let Some(child) = schema.get(key) {
            node(facts, prefix, &format!("{path}{mark}"), child, false);
        }
    }
}

/// An object in one line, keys sorted, some left out.
fn without(value: &Value, keys: &[&str]) -> String {
    let kept: BTreeMap<&String, &Value> =
        value.as_object().unwrap().iter().filter(|(key, _)| !keys.contains(&key.as_str())).collect();
    sorted(&serde_json::to_value(kept).unwrap())
}

/// JSON in one line, keys sorted at every depth whatever the map's own order is.
fn sorted(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let map: BTreeMap<_, _> = map.iter().collect();
            let fields: Vec<String> =
                map.iter().map(|(key, value)| format!("{}:{}", Value::from(key.as_str()), sorted(value))).collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(sorted).collect::<Vec<_>>().join(",")),
        other => other.to_string(),
    }
}
