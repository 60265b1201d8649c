//! `valuesInline` and the values of a file, brought together as kustomize does: as a strategic merge of nodes, written as YAML
//! for the chart engine.

use serde_json::{Map, Value};
use weir_yaml::{Data, Limits, Node, Resolved, Schema as YamlSchema};

use crate::Error;
use crate::merge;
use crate::meter::Meter;
use crate::schema::Schema;

/// How values of the kustomization file and of `valuesFile` (or the chart's own) come together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValuesMerge {
    /// Those in line count before those of the file.
    Override,
    /// Those of the file count before those in line.
    Merge,
    /// Those in line only.
    Replace,
}

impl ValuesMerge {
    pub(super) fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "" | "override" => Ok(Self::Override),
            "merge" => Ok(Self::Merge),
            "replace" => Ok(Self::Replace),
            other => Err(Error::object(format!("valuesMerge must be one of [merge override replace], got {other:?}"))),
        }
    }
}

/// The values of a file and those in line as one text.
pub(super) fn merged(
    text: &str,
    inline: Map<String, Value>,
    how: ValuesMerge,
    (schema, meter): (&Schema, &Meter),
) -> Result<String, Error> {
    let yaml = |source| Error::yaml("values of the chart", source);
    let file = weir_yaml::parse(text, &Limits::default()).map_err(yaml)?;
    let Some(file) = file.into_iter().next() else {
        return Err(Error::object("values that valuesInline is merged with are empty; say {} to have none"));
    };
    let inline = weir_yaml::from_value(&Value::Object(inline));
    let (below, above) = match how {
        ValuesMerge::Merge => (inline, file),
        ValuesMerge::Override | ValuesMerge::Replace => (file, inline),
    };
    let Some(node) = merge::merge_values(below, above, schema, meter)? else { return Ok("{}\n".to_owned()) };
    let mut node = node.expand(&Limits::default()).map_err(yaml)?;
    let Some(entries) = node.as_mapping_mut() else {
        return Err(Error::object("values of the chart must be a mapping"));
    };
    // The original reads into a map with keys of text: on the first level they are what is written, below they have to be.
    entries.retain(|(key, _)| !key.is_null());
    for (key, value) in entries {
        if let Some(text) = key.as_str().map(str::to_owned) {
            *key = Node::string(text);
        }
        keys_are_text(value)?;
    }
    // Read as go-yaml v3 reads, which the original merges with: `yes` is a text from here on.
    let limits = Limits { duplicate_keys: true, ..Limits::default() };
    print(weir_yaml::to_value_with(&node, YamlSchema::V3, &limits).map_err(yaml)?)
}

/// Values as text for the chart engine.
pub(super) fn print(values: Value) -> Result<String, Error> {
    weir_yaml::sigs::to_string(&values).map_err(|source| Error::yaml("valuesInline", source))
}

/// The original has no form for keys that are numbers and the like.
fn keys_are_text(node: &Node) -> Result<(), Error> {
    match &node.data {
        Data::Mapping(entries) => entries.iter().try_for_each(|(key, value)| {
            if !is_text(key) {
                let key = key.as_str().unwrap_or("?");
                let reason = format!("values of the chart: the key {key} must be a text; put it in quotes");
                return Err(Error::Object(reason));
            }
            keys_are_text(value)
        }),
        Data::Sequence(items) => items.iter().try_for_each(keys_are_text),
        Data::Scalar(_) | Data::Alias(_) => Ok(()),
    }
}

fn is_text(key: &Node) -> bool {
    match (&key.data, key.tag()) {
        (Data::Scalar(_), Some(tag)) => tag == "!!str",
        (Data::Scalar(text), None) => {
            key.style.is_quoted() || weir_yaml::resolve(text, YamlSchema::V3) == Resolved::Str
        }
        _ => false,
    }
}
