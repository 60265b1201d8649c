//! The kustomization file kustomize-controller builds from: the repository's own or a generated one, with what the
//! Kustomization object says laid over it.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use crate::tree::{Kind, Tree, join};
use crate::{Error, FILE_NAMES, TreeError};

/// An image to be replaced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageOverride {
    /// The image's name without tag.
    pub name: String,
    /// The name to use instead.
    pub new_name: String,
    /// The tag to use instead.
    pub new_tag: String,
    /// The digest to use instead of a tag.
    pub digest: String,
}

/// Which objects a patch is for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchTarget {
    /// API group.
    pub group: String,
    /// API version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Name, a regular expression.
    pub name: String,
    /// Namespace, a regular expression.
    pub namespace: String,
    /// Label selector.
    pub label_selector: String,
    /// Annotation selector.
    pub annotation_selector: String,
}

/// A patch in line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PatchOverride {
    /// Strategic merge or JSON patch.
    pub patch: String,
    /// What it is for.
    pub target: Option<PatchTarget>,
}

/// What a Kustomization object says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `spec.targetNamespace`
    pub target_namespace: String,
    /// `spec.namePrefix`
    pub name_prefix: String,
    /// `spec.nameSuffix`
    pub name_suffix: String,
    /// `spec.patches`
    pub patches: Vec<PatchOverride>,
    /// `spec.components`
    pub components: Vec<String>,
    /// `spec.ignoreMissingComponents`
    pub ignore_missing_components: bool,
    /// `spec.images`
    pub images: Vec<ImageOverride>,
    /// `spec.buildMetadata`
    pub build_metadata: Vec<String>,
}

/// A kustomization file to build from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generated {
    /// Its path in the tree; lay it over the tree with [`crate::Overlay`].
    pub path: String,
    /// Its text.
    pub content: String,
    /// The repository had none.
    pub is_new: bool,
}

/// The kustomization file of folder `path`: generated when there is none, with the overrides merged in.
///
/// # Errors
/// A file that is no Kubernetes YAML, a missing folder or component, a kustomization file that cannot be read.
pub fn generate(tree: &dyn Tree, path: &str, overrides: &Overrides) -> Result<Generated, Error> {
    let refused = || Error::Refused { path: path.to_owned(), reason: "the path leaves the tree" };
    let dir = join("", path).ok_or_else(refused)?;
    if tree.kind(&dir) != Kind::Dir {
        return Err(Error::Read { path: path.to_owned(), source: TreeError::Missing });
    }
    let existing = FILE_NAMES.into_iter().find(|name| join(&dir, name).is_some_and(|p| tree.kind(&p) == Kind::File));
    let (name, mut fields, is_new) = match existing {
        Some(name) => (name, read(tree, &dir, name)?, false),
        None => ("kustomization.yaml", scan(tree, &dir)?, true),
    };
    let empty = ["resources", "components"]
        .iter()
        .all(|f| fields.get(*f).is_none_or(|v| v.as_array().is_none_or(Vec::is_empty)));
    merge(tree, &dir, &mut fields, overrides)?;
    if is_new && empty && fields.get("namespace").is_none() {
        // kustomize refuses a file that says nothing.
        fields.insert("namespace".to_owned(), json!("_placeholder"));
    }
    let file = join(&dir, name).unwrap_or_else(|| name.to_owned());
    Ok(Generated { path: file, content: weir_yaml::to_string(&Value::Object(fields)), is_new })
}

fn read(tree: &dyn Tree, dir: &str, name: &str) -> Result<Map<String, Value>, Error> {
    let file = join(dir, name).unwrap_or_else(|| name.to_owned());
    let text = text(tree, &file)?;
    let value = weir_yaml::parse_value(&text).map_err(|source| Error::yaml(&file, source))?;
    let mut fields = match value {
        Value::Object(fields) => fields,
        Value::Null => Map::new(),
        _ => return Err(Error::field(&file, "document", "must be a mapping")),
    };
    for (key, default) in [("apiVersion", "kustomize.config.k8s.io/v1beta1"), ("kind", "Kustomization")] {
        fields.entry(key).or_insert_with(|| json!(default));
    }
    // Deprecated spellings are joined, so that what is added goes behind them.
    for (old, new) in [("bases", "resources"), ("imageTags", "images")] {
        if let Some(Value::Array(items)) = fields.remove(old) {
            list(&mut fields, new).extend(items);
        }
    }
    Ok(fields)
}

fn text(tree: &dyn Tree, file: &str) -> Result<String, Error> {
    let error = |source| Error::Read { path: file.to_owned(), source };
    let content = tree.read(file).map_err(error)?;
    String::from_utf8(content).map_err(|_| error(TreeError::Io("the file is not UTF-8 text".to_owned())))
}

fn list<'a>(fields: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let slot = fields.entry(key).or_insert_with(|| json!([]));
    if !slot.is_array() {
        *slot = json!([]);
    }
    match slot {
        Value::Array(items) => items,
        _ => unreachable!("it was just made a list"),
    }
}

/// Every manifest below a folder; folders with a kustomization file of their own are bases.
fn scan(tree: &dyn Tree, dir: &str) -> Result<Map<String, Value>, Error> {
    let mut found = Vec::new();
    walk(tree, dir, "", 0, &mut found)?;
    let mut fields = Map::new();
    fields.insert("apiVersion".to_owned(), json!("kustomize.config.k8s.io/v1beta1"));
    fields.insert("kind".to_owned(), json!("Kustomization"));
    if !found.is_empty() {
        fields.insert("resources".to_owned(), json!(found));
    }
    Ok(fields)
}

fn walk(tree: &dyn Tree, dir: &str, below: &str, depth: usize, found: &mut Vec<String>) -> Result<(), Error> {
    const DEPTH: usize = 128;
    if depth > DEPTH {
        return Err(Error::Budget { what: "depth of folders", limit: DEPTH });
    }
    let here = join(dir, below).unwrap_or_else(|| dir.to_owned());
    let names = tree.list(&here).map_err(|source| Error::Read { path: here.clone(), source })?;
    for name in names {
        let relative = if below.is_empty() { name.clone() } else { format!("{below}/{name}") };
        let path = join(&here, &name).unwrap_or_else(|| name.clone());
        match tree.kind(&path) {
            Kind::Dir => {
                let is_base =
                    FILE_NAMES.iter().any(|file| join(&path, file).is_some_and(|p| tree.kind(&p) == Kind::File));
                if is_base {
                    found.push(relative);
                } else {
                    walk(tree, dir, &relative, depth + 1, found)?;
                }
            }
            Kind::File if name.ends_with(".yaml") || name.ends_with(".yml") => {
                check_manifest(tree, &path)?;
                found.push(relative);
            }
            _ => {}
        }
    }
    Ok(())
}

fn check_manifest(tree: &dyn Tree, path: &str) -> Result<(), Error> {
    let text = text(tree, path)?;
    crate::read::resources(&text, path).map(|_| ())
}

fn merge(tree: &dyn Tree, dir: &str, fields: &mut Map<String, Value>, overrides: &Overrides) -> Result<(), Error> {
    for (key, value) in [
        ("namespace", &overrides.target_namespace),
        ("namePrefix", &overrides.name_prefix),
        ("nameSuffix", &overrides.name_suffix),
    ] {
        if !value.is_empty() {
            fields.insert(key.to_owned(), json!(value));
        }
    }
    for patch in &overrides.patches {
        let mut entry = Map::new();
        entry.insert("patch".to_owned(), json!(patch.patch));
        if let Some(target) = &patch.target {
            entry.insert("target".to_owned(), target_value(target));
        }
        list(fields, "patches").push(Value::Object(entry));
    }
    components(tree, dir, fields, overrides)?;
    for image in &overrides.images {
        merge_image(list(fields, "images"), image);
    }
    if !overrides.build_metadata.is_empty() {
        let known = list(fields, "buildMetadata");
        let mut seen: BTreeSet<String> = known.iter().filter_map(Value::as_str).map(str::to_owned).collect();
        for option in &overrides.build_metadata {
            if seen.insert(option.clone()) {
                known.push(json!(option));
            }
        }
    }
    Ok(())
}

fn target_value(target: &PatchTarget) -> Value {
    let mut out = Map::new();
    for (key, value) in [
        ("group", &target.group),
        ("version", &target.version),
        ("kind", &target.kind),
        ("name", &target.name),
        ("namespace", &target.namespace),
        ("labelSelector", &target.label_selector),
        ("annotationSelector", &target.annotation_selector),
    ] {
        if !value.is_empty() {
            out.insert(key.to_owned(), json!(value));
        }
    }
    Value::Object(out)
}

fn components(tree: &dyn Tree, dir: &str, fields: &mut Map<String, Value>, overrides: &Overrides) -> Result<(), Error> {
    for component in &overrides.components {
        let refused = |reason| Error::Refused { path: component.clone(), reason };
        if component.contains("://") || component.starts_with('/') {
            return Err(refused("component paths must be local and relative"));
        }
        let path = join(dir, component).ok_or_else(|| refused("the path leaves the tree"))?;
        if tree.kind(&path) != Kind::Dir {
            if overrides.ignore_missing_components {
                continue;
            }
            return Err(Error::Read { path: component.clone(), source: TreeError::Missing });
        }
        let known = list(fields, "components");
        let entry = json!(component);
        if !known.contains(&entry) {
            known.push(entry);
        }
    }
    Ok(())
}

/// An entry for the same image keeps the fields that are not overridden.
fn merge_image(images: &mut Vec<Value>, image: &ImageOverride) {
    let mut set = Map::new();
    for (key, value) in [("newName", &image.new_name), ("newTag", &image.new_tag), ("digest", &image.digest)] {
        if !value.is_empty() {
            set.insert(key.to_owned(), json!(value));
        }
    }
    let same = |entry: &&mut Value| entry.get("name").and_then(Value::as_str) == Some(&image.name);
    if let Some(Value::Object(entry)) = images.iter_mut().find(same) {
        entry.extend(set);
        return;
    }
    set.insert("name".to_owned(), json!(image.name));
    images.push(Value::Object(set));
}
