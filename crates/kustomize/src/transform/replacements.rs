//! `replacements`: a value of one object's field, put into fields of others.

mod path;
mod structured;

use weir_yaml::{Data, Node, Resolved, Schema, resolve};

use crate::Error;
use crate::fieldspec::split_smart;
use crate::kustomization::{FieldOptions, Reading, ReplacementField, Source, Target, from_value};
use crate::loader::Loader;
use crate::meter::Meter;
use crate::resid::Gvk;
use crate::resmap::ResMap;
use crate::resource::Resource;
use crate::selector::selects_exactly;

/// The replacements of a list whose entries may stand in files of their own.
pub(crate) fn load(entries: &[ReplacementField], loader: &Loader<'_>) -> Result<Vec<ReplacementField>, Error> {
    let mut out = Vec::new();
    for entry in entries {
        if entry.path.is_empty() {
            out.push(entry.clone());
            continue;
        }
        if entry.source.is_some() || entry.targets.as_ref().is_some_and(|t| !t.is_empty()) {
            return Err(Error::object("cannot specify both path and inline replacement"));
        }
        let file = loader.display(&entry.path);
        let text = loader.read_text(&entry.path)?;
        let value = crate::read::first_value(&text, &file)?;
        match value {
            serde_json::Value::Array(items) => {
                for item in items {
                    out.push(from_value(item, &file, Reading::Lenient)?);
                }
            }
            serde_json::Value::Object(_) => out.push(from_value(value, &file, Reading::Lenient)?),
            _ => return Err(Error::field(&file, "replacements", "must be a mapping or a list")),
        }
    }
    Ok(out)
}

/// Carries the replacements out in order.
pub(crate) fn apply(map: &mut ResMap, replacements: &[ReplacementField]) -> Result<(), Error> {
    for replacement in replacements {
        map.meter.go_on()?;
        let Some(targets) = &replacement.targets else {
            return Err(Error::object("replacements must specify a source and at least one target"));
        };
        let value = match (&replacement.source_value, &replacement.source) {
            (Some(_), Some(_)) => {
                return Err(Error::object("value and resource selectors are mutually exclusive"));
            }
            (Some(value), None) => Node::scalar(value),
            (None, Some(source)) => source_value(map, source)?,
            (None, None) => {
                return Err(Error::object("replacements must specify a source and at least one target"));
            }
        };
        for target in targets {
            apply_target(map, &value, target)?;
        }
    }
    Ok(())
}

/// Every name an object has or had; the present one with its namespace as written.
fn ids(resource: &Resource) -> Vec<(Gvk, String, String)> {
    let mut ids = vec![(resource.gvk(), resource.name().to_owned(), resource.namespace().to_owned())];
    ids.extend(resource.previous_ids().map(|id| (id.gvk, id.name, id.namespace)));
    ids
}

fn source_value(map: &ResMap, source: &Source) -> Result<Node, Error> {
    let gvk = Gvk { group: source.group.clone(), version: source.version.clone(), kind: source.kind.clone() };
    let mut found = map.list.iter().filter(|resource| {
        resource.all_ids().any(|id| {
            let mut id = id;
            if id.namespace == crate::resid::NOT_NAMESPACED {
                "default".clone_into(&mut id.namespace);
            }
            selects_exactly(&id, &gvk, &source.name, &source.namespace)
        })
    });
    let shown = || format!("{gvk}/{}", source.name);
    let Some(resource) = found.next() else {
        return Err(Error::object(format!("nothing selected by {}", shown())));
    };
    if found.next().is_some() {
        return Err(Error::object(format!("multiple matches for selector {}", shown())));
    }
    let field = if source.field_path.is_empty() { "metadata.name" } else { &source.field_path };
    let node = path::lookup(&resource.node, &split_smart(field));
    let Some(node) = node.filter(|n| !n.is_null() && !n.is_empty_collection()) else {
        return Err(Error::object(format!("fieldPath `{field}` is missing for replacement source {}", shown())));
    };
    refine(node, &source.options)
}

fn refine(node: &Node, options: &FieldOptions) -> Result<Node, Error> {
    if options.delimiter.is_empty() {
        return Ok(node.clone());
    }
    let Some(text) = node.as_str() else {
        return Err(Error::object("delimiter option can only be used with scalar nodes"));
    };
    let part = usize::try_from(options.index).ok().and_then(|at| text.split(&options.delimiter).nth(at));
    let Some(part) = part else {
        return Err(Error::object(format!("options.index {} is out of bounds", options.index)));
    };
    let mut refined = node.clone();
    refined.data = Data::Scalar(part.to_owned());
    Ok(refined)
}

fn apply_target(map: &mut ResMap, value: &Node, target: &Target) -> Result<(), Error> {
    let Some(select) = &target.select else {
        return Err(Error::object("target must specify resources to select"));
    };
    let matcher = select.matcher()?;
    let mut rejected = Vec::new();
    for reject in &target.reject {
        rejected.push((reject, reject.matcher()?));
    }
    let name = ["metadata.name".to_owned()];
    let fields: &[String] = if target.field_paths.is_empty() { &name } else { &target.field_paths };
    let ResMap { list, meter } = map;
    for resource in list {
        meter.go_on()?;
        let ids = ids(resource);
        if !matcher.fits_marks(resource) || !ids.iter().any(|(g, n, s)| matcher.fits_id(g, n, s)) {
            continue;
        }
        let is_rejected = rejected.iter().any(|(reject, matcher)| {
            let marks = !reject.annotation_selector.is_empty() || !reject.label_selector.is_empty();
            (marks && matcher.fits_marks(resource))
                || (!reject.has_no_id() && ids.iter().any(|(g, n, s)| matcher.fits_id(g, n, s)))
        });
        if is_rejected {
            continue;
        }
        for field in fields {
            let parts = split_smart(field);
            if structured::set(&mut resource.node, value, &parts, &target.options, meter)? {
                continue;
            }
            set_field(&mut resource.node, value, &parts, &target.options, meter).map_err(|error| {
                let id = resource.id();
                error.told(|error| format!("unable to find field {field:?} in replacement target {id}: {error}"))
            })?;
        }
    }
    Ok(())
}

fn set_field(
    node: &mut Node,
    value: &Node,
    parts: &[String],
    options: &FieldOptions,
    meter: &Meter,
) -> Result<(), Error> {
    let create = options.create.then_some(value);
    let mut count = 0usize;
    path::visit(node, parts, create, &mut |field| {
        count += 1;
        set_value(field, value, options, meter)
    })?;
    if count == 0 {
        return Err(Error::object("no such field"));
    }
    Ok(())
}

fn set_value(field: &mut Node, value: &Node, options: &FieldOptions, meter: &Meter) -> Result<(), Error> {
    meter.go_on()?;
    if value.as_str().is_none() {
        meter.take(value)?;
    }
    let mut value = value.clone();
    if !options.delimiter.is_empty() {
        let (Some(old), Some(new)) = (field.as_str(), value.as_str()) else {
            return Err(Error::object("delimiter option can only be used with scalar nodes"));
        };
        let mut parts: Vec<&str> = old.split(&options.delimiter).collect();
        match usize::try_from(options.index) {
            Err(_) => parts.insert(0, new),
            Ok(at) => match parts.get_mut(at) {
                Some(part) => *part = new,
                None => parts.push(new),
            },
        }
        value.data = Data::Scalar(parts.join(&options.delimiter));
    }
    let Some(old) = field.as_str() else {
        *field = value;
        return Ok(());
    };
    // What is no scalar has no text.
    let new = value.as_str().unwrap_or_default();
    // One scalar in the place of another takes what it is longer.
    meter.grow(new.len().saturating_sub(old.len()))?;
    // Of a scalar only the text is taken: what was a string stays one, and what was a number must stay one.
    let plain = field.tag().is_none() && !field.style.is_quoted();
    if plain {
        field.set_tag(match resolve(old, Schema::V3) {
            Resolved::Str => Some("!!str"),
            Resolved::Int(_) | Resolved::Uint(_) => Some("!!int"),
            Resolved::Float(_) => Some("!!float"),
            Resolved::Bool(_) => Some("!!bool"),
            Resolved::Timestamp => Some("!!timestamp"),
            Resolved::Null if old.is_empty() => None,
            Resolved::Null => Some("!!null"),
        });
    }
    field.data = Data::Scalar(new.to_owned());
    Ok(())
}
