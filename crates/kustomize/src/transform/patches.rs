//! `patches`, `patchesStrategicMerge` and `patchesJson6902`.

use weir_yaml::Node;

use crate::kustomization::Patch;
use crate::loader::Loader;
use crate::meter::Meter;
use crate::resmap::{AnyIdIndex, ResMap};
use crate::resource::{Resource, node_value};
use crate::schema::Schema;
use crate::selector::Selector;
use crate::{Error, jsonpatch, merge, read};

/// An entry of `patches`.
pub(crate) fn patch(map: &mut ResMap, patch: &Patch, loader: &Loader<'_>, schema: &Schema) -> Result<(), Error> {
    let (text, file) = text_of(patch, loader)?;
    let strategic = read::resources(&text, &file);
    let json = if text.is_empty() { Err(Error::object("empty patch")) } else { jsonpatch::parse(&text, &file) };
    match (strategic, json) {
        (Ok(objects), Ok(operations)) if !objects.is_empty() && !operations.is_empty() => {
            Err(Error::field(&file, "patch", "is both a strategic merge patch and a JSON patch"))
        }
        (Ok(objects), _) => strategic_merge(map, patch, objects, schema),
        (Err(_), Ok(operations)) => {
            let Some(target) = &patch.target else {
                return Err(Error::field(&file, "target", "a JSON patch must have one"));
            };
            json6902(map, target, &operations, true)
        }
        (Err(error), Err(_)) => Err(error),
    }
}

fn text_of(patch: &Patch, loader: &Loader<'_>) -> Result<(String, String), Error> {
    let inline = patch.patch.trim();
    match (inline.is_empty(), patch.path.is_empty()) {
        (true, true) => Err(Error::object("must specify one of patch and path")),
        (false, false) => Err(Error::object("patch and path can't be set at the same time")),
        (false, true) => Ok((inline.to_owned(), "inline patch".to_owned())),
        (true, false) => Ok((loader.read_text(&patch.path)?, loader.display(&patch.path))),
    }
}

fn strategic_merge(map: &mut ResMap, patch: &Patch, mut objects: Vec<Resource>, schema: &Schema) -> Result<(), Error> {
    for object in &mut objects {
        object.allow_name_change = patch.options.allow_name_change;
        object.allow_kind_change = patch.options.allow_kind_change;
    }
    let Some(target) = &patch.target else {
        return merge_by_id(map, objects, schema);
    };
    if objects.len() > 1 {
        return Err(Error::object("several strategic merge patches in one entry are not allowed to have a target"));
    }
    let Some(object) = objects.pop() else { return Ok(()) };
    let matcher = target.matcher()?;
    let ResMap { list, meter } = map;
    for resource in list.iter_mut() {
        meter.go_on()?;
        if matcher.selects(resource) {
            apply_selected(resource, &object, schema, meter)?;
        }
    }
    map.drop_empty();
    map.check_unique()
}

/// Patches that name their target themselves.
fn merge_by_id(map: &mut ResMap, objects: Vec<Resource>, schema: &Schema) -> Result<(), Error> {
    let mut index = AnyIdIndex::new(&map.list);
    for object in objects {
        let id = object.id();
        let at = map.find_any(&index, &id)?;
        let Some(resource) = map.list.get_mut(at) else { continue };
        apply(resource, object, schema, &map.meter)?;
        index.add(at, resource);
    }
    Ok(())
}

/// `patchesStrategicMerge`: file names or patches in line.
pub(crate) fn strategic_merge_list(
    map: &mut ResMap,
    entries: &[String],
    loader: &Loader<'_>,
    schema: &Schema,
) -> Result<(), Error> {
    let mut objects = Vec::new();
    for entry in entries {
        match read::resources(entry, "inline patch") {
            Ok(found) => objects.extend(found),
            Err(_) => objects.extend(read::resources(&loader.read_text(entry)?, &loader.display(entry))?),
        }
    }
    if objects.is_empty() {
        return Err(Error::object("patchesStrategicMerge appears to be empty"));
    }
    apply_objects(map, objects, schema)
}

/// Patches that each have exactly one target, by its name now or before.
pub(crate) fn apply_objects(map: &mut ResMap, objects: Vec<Resource>, schema: &Schema) -> Result<(), Error> {
    let mut index = AnyIdIndex::new(&map.list);
    for object in objects {
        let at = map.find_any(&index, &object.id())?;
        let Some(resource) = map.list.get_mut(at) else { continue };
        let gone = {
            apply_selected(resource, &object, schema, &map.meter)?;
            resource.is_empty()
        };
        if gone {
            map.drop_empty();
            index = AnyIdIndex::new(&map.list);
        } else {
            index.add(at, resource);
        }
    }
    map.check_unique()
}

/// A patch as it is laid over a selected object: of the object's group and version, labels and annotations as strings.
fn as_selected(patch: &Resource, target: &Resource) -> Resource {
    let mut patch = patch.clone();
    for field in ["labels", "annotations"] {
        let map = patch.string_map(field);
        patch.set_string_map(field, &map);
    }
    if target.api_version().is_empty() {
        patch.node.remove("apiVersion");
    } else {
        patch.set_api_version(target.api_version());
    }
    patch
}

/// The patch may remove all annotations.
fn touches_annotations(patch: &Node) -> bool {
    let Some(metadata) = patch.get("metadata") else { return patch.get("$patch").is_some() };
    let removes = |node: &Node| node.is_null() || node.get("$patch").is_some();
    patch.get("$patch").is_some() || removes(metadata) || metadata.get("annotations").is_some_and(removes)
}

/// Lays a patch over an object that is not the one it names.
fn apply_selected(resource: &mut Resource, patch: &Resource, schema: &Schema, meter: &Meter) -> Result<(), Error> {
    apply(resource, as_selected(patch, resource), schema, meter)?;
    if !resource.is_empty() && resource.node.get("apiVersion").is_none() {
        // An object without one gets a null, as with the original.
        resource.set_api_version("");
    }
    Ok(())
}

/// Lays a patch over an object; a deleted object becomes empty.
fn apply(resource: &mut Resource, patch: Resource, schema: &Schema, meter: &Meter) -> Result<(), Error> {
    meter.take(&patch.node)?;
    let (name, namespace, kind) =
        (resource.name().to_owned(), resource.namespace().to_owned(), resource.kind().to_owned());
    if patch.allow_name_change || patch.allow_kind_change {
        ResMap::remember(meter, resource)?;
    }
    let id = resource.id();
    let marked = touches_annotations(&patch.node) && resource.show_marks();
    let node = std::mem::replace(&mut resource.node, Node::null());
    let merged = merge::merge(node, patch.node, schema, meter)
        .map_err(|error| error.told(|error| format!("patching {id}: {}", error.chain())))?;
    let Some(merged) = merged else { return Ok(()) };
    resource.node = merged;
    if resource.is_empty() {
        return Ok(());
    }
    if marked && !resource.hide_marks() {
        resource.forget();
    }
    if !patch.allow_kind_change {
        resource.set_kind(&kind);
    }
    if !patch.allow_name_change {
        resource.set_name(&name);
    }
    resource.set_namespace(&namespace);
    Ok(())
}

/// An entry of `patchesJson6902`.
pub(crate) fn json6902_entry(map: &mut ResMap, patch: &Patch, loader: &Loader<'_>) -> Result<(), Error> {
    let Some(target) = patch.target.as_ref().filter(|t| !t.name.is_empty()) else {
        return Err(Error::object("must specify the target name"));
    };
    let (text, file) = match (patch.patch.is_empty(), patch.path.is_empty()) {
        (true, true) => return Err(Error::object("empty file path and empty patch")),
        (false, false) => return Err(Error::object("must specify a file path or a patch, not both")),
        (false, true) => (patch.patch.clone(), "inline patch".to_owned()),
        (true, false) => (loader.read_text(&patch.path)?, loader.display(&patch.path)),
    };
    let operations = jsonpatch::parse(&text, &file)?;
    if operations.is_empty() {
        return Err(Error::field(&file, "patch", "appears to be empty"));
    }
    json6902(map, target, &operations, false)
}

fn json6902(
    map: &mut ResMap,
    target: &Selector,
    operations: &[jsonpatch::Operation],
    remember: bool,
) -> Result<(), Error> {
    let matcher = target.matcher()?;
    let ResMap { list, meter } = &mut *map;
    for resource in list.iter_mut() {
        meter.go_on()?;
        if !matcher.selects(resource) {
            continue;
        }
        if remember {
            ResMap::remember(meter, resource)?;
        }
        let id = resource.id();
        let marked = resource.show_marks();
        let mut value = node_value(&resource.node).map_err(|source| Error::yaml(&id.to_string(), source))?;
        jsonpatch::apply(&mut value, operations, meter)
            .map_err(|error| error.told(|error| format!("patching {id}: {}", error.chain())))?;
        resource.node = weir_yaml::from_value(&value);
        if marked {
            resource.hide_marks();
        }
    }
    map.drop_empty();
    Ok(())
}
