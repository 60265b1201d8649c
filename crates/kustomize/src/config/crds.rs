//! Field specs from the type definitions of `crds`: OpenAPI definitions whose properties carry `x-kubernetes-…` marks.

use serde_json::{Map, Value};

use super::{Config, NameReference};
use crate::Error;
use crate::fieldspec::FieldSpec;
use crate::resid::Gvk;

/// The config of a file of definitions, by type name.
pub(crate) fn from_crds(definitions: &Value) -> Result<Config, Error> {
    let mut config = Config::default();
    let Some(definitions) = definitions.as_object() else { return Ok(config) };
    for (name, definition) in definitions {
        let Some(properties) = properties(definition) else { continue };
        if !["kind", "apiVersion", "metadata"].iter().all(|p| properties.contains_key(*p)) {
            continue;
        }
        let kind = name.rsplit('.').next().unwrap_or(name);
        let gvk = Gvk { kind: kind.to_owned(), ..Gvk::default() };
        let mut found = Config::default();
        collect(&mut found, &gvk, definitions, name, &mut Vec::new())?;
        config.add(&found)?;
    }
    Ok(config)
}

fn properties(definition: &Value) -> Option<&Map<String, Value>> {
    let schema = definition.get("Schema").or_else(|| definition.get("schema")).unwrap_or(definition);
    schema.get("properties")?.as_object()
}

fn collect(
    config: &mut Config,
    gvk: &Gvk,
    definitions: &Map<String, Value>,
    name: &str,
    path: &mut Vec<String>,
) -> Result<(), Error> {
    const DEPTH: usize = 32;
    if path.len() > DEPTH {
        return Err(Error::object("a type definition of crds contains itself"));
    }
    let Some(properties) = definitions.get(name).and_then(properties) else { return Ok(()) };
    for (field, property) in properties {
        path.push(field.clone());
        let mark = |key: &str| property.get(key).and_then(Value::as_str);
        let spec = |path: &[String]| FieldSpec { kind: gvk.kind.clone(), ..FieldSpec::new(&path.join("/")) };
        if mark("x-kubernetes-annotation").is_some() {
            config.common_annotations.push(spec(path));
        }
        if mark("x-kubernetes-label-selector").is_some() {
            config.common_labels.push(spec(path));
        }
        if mark("x-kubernetes-identity").is_some() {
            config.name_prefix.push(spec(path));
        }
        let target = (mark("x-kubernetes-object-ref-api-version"), mark("x-kubernetes-object-ref-kind"));
        if let (Some(version), Some(kind)) = target {
            let key = mark("x-kubernetes-object-ref-name-key").unwrap_or("name");
            path.push(key.to_owned());
            config.add(&Config {
                name_reference: vec![NameReference {
                    group: String::new(),
                    version: version.to_owned(),
                    kind: kind.to_owned(),
                    field_specs: vec![spec(path)],
                }],
                ..Config::default()
            })?;
            path.pop();
        }
        if let Some(target) = mark("$ref") {
            collect(config, gvk, definitions, target, path)?;
        }
        path.pop();
    }
    Ok(())
}
