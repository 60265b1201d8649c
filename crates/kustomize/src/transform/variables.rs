//! `vars`: `$(NAME)` in known fields becomes the value of a field of an object.

use std::collections::BTreeMap;

use weir_yaml::{Data, Node, Resolved, Schema, resolve};

use crate::Error;
use crate::config::Config;
use crate::fieldspec::{Create, is_string, split_smart};
use crate::kustomization::Var;
use crate::meter::Meter;
use crate::resid::Id;
use crate::resmap::ResMap;

/// The variables of a build, by name.
#[derive(Debug, Default)]
pub(crate) struct Variables(BTreeMap<String, Var>);

impl Variables {
    /// Adds variables and marks the objects they read.
    pub(crate) fn add(&mut self, map: &mut ResMap, vars: &[Var]) -> Result<(), Error> {
        for var in vars {
            map.meter.go_on()?;
            let gvk = var.objref.gvk();
            let exact = !var.objref.namespace.is_empty() || gvk.is_cluster_scoped();
            let wanted = Id::new(gvk.clone(), &var.objref.name, &var.objref.namespace);
            let mut found = Vec::new();
            for (at, resource) in map.list.iter().enumerate() {
                let fits = |id: Id| {
                    if exact { id == wanted } else { id.gvk == gvk && id.name == var.objref.name }
                };
                if resource.all_ids().any(fits) {
                    found.push(at);
                }
            }
            match found.as_slice() {
                [] => {}
                [at] => {
                    if let Some(resource) = map.list.get_mut(*at) {
                        resource.variables.push(var.name.clone());
                    }
                }
                many => {
                    let count = many.len();
                    return Err(Error::object(format!("found {count} objects for var {}", var.name)));
                }
            }
        }
        for var in vars {
            self.insert(var.clone())?;
        }
        Ok(())
    }

    pub(crate) fn merge(&mut self, other: Variables) -> Result<(), Error> {
        other.0.into_values().try_for_each(|var| self.insert(var))
    }

    fn insert(&mut self, mut var: Var) -> Result<(), Error> {
        if self.0.contains_key(&var.name) {
            return Err(Error::object(format!("var '{}' already encountered", var.name)));
        }
        if var.fieldref.field_path.is_empty() {
            "metadata.name".clone_into(&mut var.fieldref.field_path);
        }
        self.0.insert(var.name.clone(), var);
        Ok(())
    }

    /// Replaces the variables in the fields the config names.
    pub(crate) fn resolve(&self, map: &mut ResMap, config: &Config) -> Result<(), Error> {
        if self.0.is_empty() {
            return Ok(());
        }
        let mut values: BTreeMap<&str, Value> = BTreeMap::new();
        for (name, var) in &self.0 {
            values.insert(name, value_of(map, name, var)?);
        }
        let ResMap { list, meter } = map;
        for resource in list {
            meter.go_on()?;
            for spec in &config.var_reference {
                spec.apply(resource, Create::Nothing, &mut |node| replace(node, &values, meter))?;
            }
        }
        Ok(())
    }
}

/// A variable's value.
enum Value {
    Text(String),
    /// A number or a boolean, as it is written.
    Plain(String),
    /// A mapping or list, which cannot be put anywhere.
    Other,
}

fn value_of(map: &ResMap, name: &str, var: &Var) -> Result<Value, Error> {
    let Some(resource) = map.list.iter().find(|r| r.variables.iter().any(|v| v == name)) else {
        return Err(Error::object(format!("var '{name}' cannot be mapped to a field in the set of known resources")));
    };
    let mut here = Some(&resource.node);
    for part in path_parts(&var.fieldref.field_path) {
        here = here.and_then(|node| step(node, &part));
    }
    let Some(node) = here.filter(|n| !n.is_null()) else {
        let id = resource.id();
        let field = &var.fieldref.field_path;
        return Err(Error::object(format!("field {field} specified in var '{name}' not found in {id}")));
    };
    let Data::Scalar(text) = &node.data else { return Ok(Value::Other) };
    let text = text.clone();
    let plain = node.tag().is_none() && !node.style.is_quoted();
    Ok(match resolve(&text, Schema::V3) {
        Resolved::Int(_) | Resolved::Uint(_) | Resolved::Float(_) | Resolved::Bool(_) if plain => Value::Plain(text),
        _ => Value::Text(text),
    })
}

/// `a.b[0].c` and `a.[name=x].c`.
fn path_parts(path: &str) -> Vec<String> {
    let mut out = Vec::new();
    for part in split_smart(path) {
        match part.find('[').filter(|at| *at > 0 && part.ends_with(']')) {
            Some(at) => {
                out.push(part.get(..at).unwrap_or_default().to_owned());
                out.push(part.get(at + 1..part.len() - 1).unwrap_or_default().to_owned());
            }
            None => out.push(part),
        }
    }
    out
}

fn step<'a>(node: &'a Node, part: &str) -> Option<&'a Node> {
    match &node.data {
        Data::Mapping(_) => node.get(part),
        Data::Sequence(items) => match part.strip_prefix('[').and_then(|p| p.strip_suffix(']')) {
            Some(inner) => match inner.split_once('=') {
                Some((key, value)) => items.iter().find(|item| item.get_str(key) == Some(value)),
                None => items.get(inner.parse::<usize>().ok()?),
            },
            None => items.get(part.parse::<usize>().ok()?),
        },
        _ => None,
    }
}

fn replace(node: &mut Node, values: &BTreeMap<&str, Value>, meter: &Meter) -> Result<(), Error> {
    if node.is_null() {
        return Ok(());
    }
    if is_string(node) {
        return expand(node, values, meter);
    }
    match &mut node.data {
        Data::Mapping(entries) => {
            for (key, value) in entries {
                if !is_string(key) {
                    return Err(Error::object("invalid map key: a key must be a string"));
                }
                if is_string(value) {
                    expand(value, values, meter)?;
                }
            }
            Ok(())
        }
        Data::Sequence(items) => {
            for item in items {
                if !is_string(item) {
                    return Err(Error::object("invalid value type: expected a string"));
                }
                expand(item, values, meter)?;
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Expands a string. `$$` is a dollar sign; an unknown variable stays as it is written.
fn expand(node: &mut Node, values: &BTreeMap<&str, Value>, meter: &Meter) -> Result<(), Error> {
    let Data::Scalar(text) = &node.data else { return Ok(()) };
    let whole = text.strip_prefix("$(").and_then(|t| t.strip_suffix(')')).filter(|name| !name.contains(')'));
    if let Some(Value::Plain(plain)) = whole.and_then(|name| values.get(name)) {
        *node = Node::scalar(plain);
        return Ok(());
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('$') {
        out.push_str(rest.get(..at).unwrap_or_default());
        let after = rest.get(at + 1..).unwrap_or_default();
        if after.is_empty() {
            out.push('$');
            rest = after;
            continue;
        }
        if let Some(behind) = after.strip_prefix('$') {
            out.push('$');
            rest = behind;
        } else if let Some((name, behind)) = after.strip_prefix('(').and_then(|a| a.split_once(')')) {
            match values.get(name) {
                Some(Value::Text(value) | Value::Plain(value)) => {
                    meter.go_on()?;
                    meter.grow(value.len())?;
                    out.push_str(value);
                }
                _ => out.push_str(&format!("$({name})")),
            }
            rest = behind;
        } else {
            out.push('$');
            let width = after.chars().next().map_or(0, char::len_utf8);
            out.push_str(after.get(..width).unwrap_or_default());
            rest = after.get(width..).unwrap_or_default();
        }
    }
    out.push_str(rest);
    *node = Node::string(out);
    Ok(())
}
