//! Fields inside a scalar that is itself JSON or YAML.

use serde_json::Value;
use weir_yaml::{Data, Limits, Node};

use super::path;
use crate::Error;
use crate::kustomization::FieldOptions;
use crate::meter::Meter;
use crate::resource::node_value;
use crate::transform::names::go_json;

/// Sets a field of the document inside a scalar on the way of the path. False when there is none, and nothing is changed.
pub(super) fn set(
    node: &mut Node,
    value: &Node,
    parts: &[String],
    options: &FieldOptions,
    meter: &Meter,
) -> Result<bool, Error> {
    let Some(split) = (1..parts.len()).find(|&at| {
        let (head, _) = parts.split_at(at);
        path::lookup(node, head).is_some_and(|n| matches!(n.data, Data::Scalar(_)) && parsed(n).is_some())
    }) else {
        return Ok(false);
    };
    let (outer, inner) = parts.split_at(split);
    let Some(scalar) = path::lookup(node, outer) else { return Ok(false) };
    let (Some(mut document), Some(text)) = (parsed(scalar), scalar.as_str().map(str::to_owned)) else {
        return Ok(false);
    };
    let create = options.create.then_some(value);
    let mut count = 0usize;
    let set = path::visit(&mut document, inner, create, &mut |field| {
        count += 1;
        super::set_value(field, value, options, meter)
    });
    // The meter's own refusal is none of the field's.
    meter.go_on()?;
    meter.grow(0)?;
    if set.is_err() || count == 0 {
        return Ok(false);
    }
    let Some(written) = written(&document, &text) else { return Ok(false) };
    meter.grow(written.len())?;
    let mut done = false;
    let stored = path::visit(node, outer, None, &mut |field| {
        if !done && let Data::Scalar(old) = &mut field.data {
            old.clone_from(&written);
            done = true;
        }
        Ok(())
    });
    Ok(stored.is_ok() && done)
}

fn parsed(node: &Node) -> Option<Node> {
    let text = node.as_str().filter(|t| !t.trim().is_empty())?;
    weir_yaml::parse_one(text, &Limits::default()).ok()
}

/// JSON stays JSON, pretty when it was; anything else is written as YAML.
fn written(document: &Node, original: &str) -> Option<String> {
    if !original.trim_start().starts_with(['{', '[']) {
        return Some(weir_yaml::emit(document).trim().to_owned());
    }
    let value = node_value(document).ok()?;
    let mut out = String::new();
    if original.contains('\n') && original.contains("  ") {
        pretty(&value, 0, &mut out);
    } else {
        go_json(&value, &mut out);
    }
    Some(out)
}

fn pretty(value: &Value, depth: usize, out: &mut String) {
    let line = |depth: usize, out: &mut String| {
        out.push('\n');
        out.extend(std::iter::repeat_n("  ", depth));
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut entries: Vec<(&String, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (at, (key, value)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                go_json(&Value::String(key.clone()), out);
                out.push_str(": ");
                pretty(value, depth + 1, out);
            }
            line(depth, out);
            out.push('}');
        }
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(',');
                }
                line(depth + 1, out);
                pretty(item, depth + 1, out);
            }
            line(depth, out);
            out.push(']');
        }
        other => go_json(other, out),
    }
}
