//! ConfigMaps and Secrets from literals, files and env files; merging of generated objects.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use weir_yaml::{Data, Node};

use crate::Error;
use crate::kustomization::{GeneratorArgs, GeneratorOptions};
use crate::loader::Loader;
use crate::resource::{Behavior, Resource, text_of};

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Generated {
    ConfigMap,
    Secret,
}

/// The object an entry of `configMapGenerator` or `secretGenerator` describes.
pub(crate) fn generate(
    what: Generated,
    args: &GeneratorArgs,
    options: &GeneratorOptions,
    loader: &Loader<'_>,
) -> Result<Resource, Error> {
    let kind = if what == Generated::Secret { "Secret" } else { "ConfigMap" };
    if args.name.is_empty() {
        return Err(Error::object(format!("a generated {kind} must have a name")));
    }
    let mut node = Node::mapping();
    node.set("apiVersion", Node::scalar("v1"));
    node.set("kind", Node::scalar(kind));
    let mut resource = Resource::new(node);
    resource.set_name(&args.name);
    resource.set_namespace(&args.namespace);
    let data = pairs(args, loader).map_err(|e| Error::object(format!("{kind} {}: {}", args.name, e.chain())))?;
    if what == Generated::Secret {
        let kind = if args.secret_type.is_empty() { "Opaque" } else { &args.secret_type };
        resource.node.set("type", Node::string(kind));
        resource.node.set("data", Node::mapping());
    }
    for (key, value) in data {
        put(&mut resource.node, what, &key, &value);
    }
    resource.set_string_map("labels", &sorted(&options.labels));
    resource.set_string_map("annotations", &sorted(&options.annotations));
    if options.immutable {
        resource.node.set("immutable", Node::scalar("true"));
    }
    resource.behavior = match args.behavior.as_str() {
        "merge" => Behavior::Merge,
        "replace" => Behavior::Replace,
        _ => Behavior::Create,
    };
    resource.needs_hash = !options.disable_name_suffix_hash;
    resource.generated = true;
    Ok(resource)
}

fn sorted(map: &BTreeMap<String, String>) -> Vec<(String, String)> {
    map.iter().map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A generator's own options over the kustomization's.
pub(crate) fn effective_options(own: Option<&GeneratorOptions>, all: Option<&GeneratorOptions>) -> GeneratorOptions {
    let mut options = own.cloned().unwrap_or_default();
    if let Some(all) = all {
        for (key, value) in &all.labels {
            options.labels.entry(key.clone()).or_insert_with(|| value.clone());
        }
        for (key, value) in &all.annotations {
            options.annotations.entry(key.clone()).or_insert_with(|| value.clone());
        }
        options.disable_name_suffix_hash |= all.disable_name_suffix_hash;
        options.immutable |= all.immutable;
    }
    options
}

fn put(node: &mut Node, what: Generated, key: &str, value: &[u8]) {
    let (field, text) = match (what, std::str::from_utf8(value)) {
        (Generated::ConfigMap, Ok(text)) => ("data", text.to_owned()),
        (Generated::ConfigMap, Err(_)) => ("binaryData", wrapped_base64(value)),
        (Generated::Secret, _) => ("data", wrapped_base64(value)),
    };
    let data = node.get_or_insert_with(field, Node::mapping);
    data.set(key, Node::string(text));
}

/// Base64 in lines of 70, as go-yaml breaks it; a single line stays one.
fn wrapped_base64(value: &[u8]) -> String {
    const LINE: usize = 70;
    let text = STANDARD.encode(value);
    if text.len() / LINE + 1 == 1 {
        return text;
    }
    let mut out = String::with_capacity(text.len() + text.len() / LINE + 1);
    for (at, char) in text.chars().enumerate() {
        if at > 0 && at.is_multiple_of(LINE) {
            out.push('\n');
        }
        out.push(char);
    }
    if !text.is_empty() {
        out.push('\n');
    }
    out
}

type Pairs = BTreeMap<String, Vec<u8>>;

fn pairs(args: &GeneratorArgs, loader: &Loader<'_>) -> Result<Pairs, Error> {
    let mut pairs = Pairs::new();
    for path in &args.envs {
        let content = loader.read(path)?;
        env_file(&content, path, &mut pairs)?;
    }
    for literal in &args.literals {
        let (key, value) = literal.split_once('=').filter(|(key, _)| !key.is_empty()).ok_or_else(|| {
            // The text may be a secret: it is not shown.
            Error::object("invalid literal source, expected key=value")
        })?;
        insert(&mut pairs, key, unquoted(value).as_bytes().to_vec())?;
    }
    for source in &args.files {
        let (key, path) = file_source(source)?;
        let content = loader.read(path)?;
        insert(&mut pairs, key, content)?;
    }
    Ok(pairs)
}

fn insert(pairs: &mut Pairs, key: &str, value: Vec<u8>) -> Result<(), Error> {
    // Whether the API server takes the key is for it to say, as with the original.
    if key.is_empty() {
        return Err(Error::object("a key is empty"));
    }
    if pairs.insert(key.to_owned(), value).is_some() {
        return Err(Error::object(format!("the key {key:?} is given twice")));
    }
    Ok(())
}

fn unquoted(text: &str) -> &str {
    for quote in ['"', '\''] {
        if text.len() >= 2
            && let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote))
        {
            return inner;
        }
    }
    text
}

fn file_source(source: &str) -> Result<(&str, &str), Error> {
    let refused = |reason: &str| Error::object(format!("file source {source:?}: {reason}"));
    match source.matches('=').count() {
        0 => Ok((source.rsplit('/').next().unwrap_or(source), source)),
        1 => match source.split_once('=') {
            Some(("", _)) => Err(refused("the key is missing")),
            Some((_, "")) => Err(refused("the path is missing")),
            Some((key, path)) => Ok((key, path)),
            None => Err(refused("the path is missing")),
        },
        _ => Err(refused("key or path contains '='")),
    }
}

fn env_file(content: &[u8], path: &str, pairs: &mut Pairs) -> Result<(), Error> {
    let text = std::str::from_utf8(content).map_err(|_| Error::object(format!("{path} is not UTF-8 text")))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for line in text.split('\n') {
        let line = line.strip_suffix('\r').unwrap_or(line).trim_start();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if key.is_empty() {
            continue;
        }
        insert(pairs, key, value.as_bytes().to_vec())?;
    }
    Ok(())
}

/// A generated object takes name, namespace, labels, annotations and history of the one it replaces.
pub(crate) fn take_over(new: &mut Resource, old: &Resource) {
    for field in ["labels", "annotations"] {
        let mut merged = old.string_map(field);
        for (key, value) in new.string_map(field) {
            match merged.iter_mut().find(|(k, _)| *k == key) {
                Some((_, known)) => *known = value,
                None => merged.push((key, value)),
            }
        }
        new.set_string_map(field, &merged);
    }
    let (name, namespace) = (old.name().to_owned(), old.namespace().to_owned());
    new.set_name(&name);
    new.set_namespace(&namespace);
    new.needs_hash = new.needs_hash && old.needs_hash;
    new.behavior = old.behavior;
    new.generated = old.generated;
    new.previous.clone_from(&old.previous);
    new.prefixes.clone_from(&old.prefixes);
    new.suffixes.clone_from(&old.suffixes);
    new.allow_name_change = old.allow_name_change;
    new.allow_kind_change = old.allow_kind_change;
    new.variables.clone_from(&old.variables);
}

/// Adds the old object's data to a generated one that is merged into it.
pub(crate) fn merge_data(new: &mut Resource, old: &Resource) -> Result<(), Error> {
    let mut old_data = data_of(&old.node, "data");
    if new.kind() == "Secret" && new.api_version() == "v1" {
        for (key, value) in data_of(&old.node, "stringData") {
            let encoded = wrapped_base64(value.as_bytes());
            match old_data.iter_mut().find(|(k, _)| *k == key) {
                Some((_, known)) => *known = encoded,
                None => old_data.push((key, encoded)),
            }
        }
    }
    for (field, base) in [("data", old_data), ("binaryData", data_of(&old.node, "binaryData"))] {
        let mut merged = base;
        for (key, value) in data_of(&new.node, field) {
            match merged.iter_mut().find(|(k, _)| *k == key) {
                Some((_, known)) => *known = value,
                None => merged.push((key, value)),
            }
        }
        if merged.is_empty() {
            new.node.remove(field);
            continue;
        }
        let entries = merged.into_iter().map(|(k, v)| (Node::scalar(k), Node::string(v))).collect();
        new.node.set(field, Node::new(Data::Mapping(entries)));
    }
    Ok(())
}

fn data_of(node: &Node, field: &str) -> Vec<(String, String)> {
    let entries = node.get(field).and_then(Node::as_mapping).unwrap_or_default();
    entries.iter().filter_map(|(k, v)| Some((k.as_str()?.to_owned(), text_of(v)))).collect()
}
