//! The kustomization file that is built: the one in the artifact, or one made of every manifest below the path, with what
//! the spec adds to it.

use serde_json::{Map, Value, json};
use weir_api::{
    kustomize::KustomizationSpec,
    meta::{Image, Patch},
};
use weir_kustomize::{Kind, Tree, tree::join};

/// The names a kustomization file may have.
const NAMES: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];
/// What stands in for a namespace in a kustomization without anything else: an empty one is refused by the engine.
const PLACEHOLDER: &str = "_placeholder";
/// How deep directories are searched.
const DEPTH: usize = 64;

/// Why there is no kustomization file.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder cannot be read.
    #[error("cannot read {path:?} of the artifact: {problem}")]
    Read {
        /// Which.
        path: String,
        /// Why.
        problem: String,
    },
    /// A manifest is not YAML of objects.
    #[error("failed to decode Kubernetes YAML from {path}")]
    Manifest {
        /// Which.
        path: String,
        /// Where and why.
        #[source]
        source: weir_yaml::Error,
    },
    /// A manifest's document is no object.
    #[error("failed to decode Kubernetes YAML from {path}: missing apiVersion, kind or metadata.name")]
    NoObject {
        /// Which.
        path: String,
    },
    /// The kustomization file is no YAML mapping.
    #[error("cannot read {path}: expected a kustomization")]
    Kustomization {
        /// Which.
        path: String,
    },
    /// A component may only come from the artifact.
    #[error("component path {path:?} must be local and relative")]
    Component {
        /// As it stands in the spec.
        path: String,
    },
    /// Folders in folders in folders.
    #[error("folders below {path:?} are nested too deep")]
    TooDeep {
        /// Where.
        path: String,
    },
}

/// The kustomization file to build the folder `dir` with: where it stands and what is in it.
///
/// # Errors
/// When a file below it cannot be read or is no manifest.
pub fn kustomization(tree: &dyn Tree, dir: &str, spec: &KustomizationSpec) -> Result<(String, String), Error> {
    let (path, mut file) = match existing(tree, dir) {
        Some(path) => {
            let value = read(tree, &path)?;
            (path, value)
        }
        None => (below(dir, NAMES[0]), generated(tree, dir)?),
    };
    add(&mut file, tree, dir, spec)?;
    let is_empty = |key: &str| file.get(key).is_none_or(|v| v.as_array().is_some_and(Vec::is_empty));
    if file.keys().all(|key| matches!(key.as_str(), "apiVersion" | "kind") || is_empty(key)) {
        file.insert("namespace".to_owned(), Value::from(PLACEHOLDER));
    }
    Ok((path, weir_yaml::to_string(&Value::Object(file))))
}

fn existing(tree: &dyn Tree, dir: &str) -> Option<String> {
    NAMES.iter().map(|name| below(dir, name)).find(|path| tree.kind(path) == Kind::File)
}

fn below(dir: &str, name: &str) -> String {
    if dir.is_empty() { name.to_owned() } else { format!("{dir}/{name}") }
}

fn text(tree: &dyn Tree, path: &str) -> Result<String, Error> {
    let failed = |problem: String| Error::Read { path: path.to_owned(), problem };
    let bytes = tree.read(path).map_err(|e| failed(e.to_string()))?;
    String::from_utf8(bytes).map_err(|_| failed("it is no text".to_owned()))
}

fn read(tree: &dyn Tree, path: &str) -> Result<Map<String, Value>, Error> {
    let text = text(tree, path)?;
    match weir_yaml::parse_value(&text) {
        Ok(Value::Object(map)) => Ok(map),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Error::Kustomization { path: path.to_owned() }),
        Err(source) => Err(Error::Manifest { path: path.to_owned(), source }),
    }
}

/// A kustomization of all manifests below a folder; a folder with a kustomization of its own is taken as one.
fn generated(tree: &dyn Tree, dir: &str) -> Result<Map<String, Value>, Error> {
    let mut resources = Vec::new();
    scan(tree, dir, "", 0, &mut resources)?;
    let file =
        json!({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources});
    match file {
        Value::Object(map) => Ok(map),
        _ => Ok(Map::new()),
    }
}

fn scan(tree: &dyn Tree, root: &str, under: &str, depth: usize, out: &mut Vec<String>) -> Result<(), Error> {
    let dir = join(root, under).unwrap_or_default();
    if depth > DEPTH {
        return Err(Error::TooDeep { path: dir });
    }
    let names = tree.list(&dir).map_err(|e| Error::Read { path: dir.clone(), problem: e.to_string() })?;
    for name in names {
        let (relative, path) = (below(under, &name), below(&dir, &name));
        match tree.kind(&path) {
            Kind::Dir if existing(tree, &path).is_some() => out.push(relative),
            Kind::Dir => scan(tree, root, &relative, depth + 1, out)?,
            Kind::File if name.ends_with(".yaml") || name.ends_with(".yml") => {
                check(&text(tree, &path)?, &path)?;
                out.push(relative);
            }
            Kind::File | Kind::Missing => {}
        }
    }
    Ok(())
}

/// Whether every document of a file is an object.
fn check(text: &str, path: &str) -> Result<(), Error> {
    let documents =
        weir_yaml::parse_values(text).map_err(|source| Error::Manifest { path: path.to_owned(), source })?;
    let is_object = |value: &Value| {
        let set = |pointer: &str| value.pointer(pointer).and_then(Value::as_str).is_some_and(|t| !t.is_empty());
        let is_list = value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List"));
        value.is_null() || (set("/kind") && (is_list || set("/metadata/name") || set("/metadata/generateName")))
    };
    if documents.iter().all(is_object) { Ok(()) } else { Err(Error::NoObject { path: path.to_owned() }) }
}

/// Adds what the spec says to a kustomization.
fn add(file: &mut Map<String, Value>, tree: &dyn Tree, dir: &str, spec: &KustomizationSpec) -> Result<(), Error> {
    let texts =
        [("namespace", &spec.target_namespace), ("namePrefix", &spec.name_prefix), ("nameSuffix", &spec.name_suffix)];
    for (key, text) in texts {
        if let Some(text) = text.as_deref().filter(|text| !text.is_empty()) {
            file.insert(key.to_owned(), Value::from(text));
        }
    }
    list(file, "patches").extend(spec.patches.iter().map(patch));
    for component in &spec.components {
        let Some(path) = local(dir, component) else {
            return Err(Error::Component { path: component.clone() });
        };
        if spec.ignore_missing_components && tree.kind(&path) == Kind::Missing {
            continue;
        }
        list(file, "components").push(Value::from(component.as_str()));
    }
    for image in &spec.images {
        add_image(list(file, "images"), image);
    }
    for option in &spec.build_metadata {
        let option = serde_json::to_value(option).unwrap_or(Value::Null);
        let options = list(file, "buildMetadata");
        if !options.contains(&option) {
            options.push(option);
        }
    }
    file.retain(|_, value| !value.as_array().is_some_and(Vec::is_empty));
    Ok(())
}

/// The path of a component within the tree; `None` when it is remote, absolute or leaves the tree.
fn local(dir: &str, component: &str) -> Option<String> {
    let remote = component.contains("://") || component.contains("?ref=") || component.starts_with("git@");
    if remote { None } else { join(dir, component) }
}

fn list<'a>(file: &'a mut Map<String, Value>, key: &str) -> &'a mut Vec<Value> {
    let slot = file.entry(key).or_insert_with(|| json!([]));
    if !slot.is_array() {
        *slot = json!([]);
    }
    slot.as_array_mut().expect("a list was put there if there was none")
}

fn patch(patch: &Patch) -> Value {
    let mut value = json!({"patch": patch.patch});
    if let Some(target) = &patch.target {
        value["target"] = serde_json::to_value(target).unwrap_or_default();
    }
    value
}

/// An image of the spec; one of the same name keeps the fields that the spec leaves out.
fn add_image(images: &mut Vec<Value>, image: &Image) {
    let wanted = serde_json::to_value(image).unwrap_or_default();
    let name = Value::from(image.name.as_str());
    match images.iter_mut().find(|have| have.get("name") == Some(&name)).and_then(Value::as_object_mut) {
        Some(have) => {
            for (key, value) in wanted.as_object().into_iter().flatten() {
                have.insert(key.clone(), value.clone());
            }
        }
        None => images.push(wanted),
    }
}

#[cfg(test)]
mod tests {
    use weir_kustomize::MemTree;

    use super::*;

    const MAP: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n";

    fn spec(fields: Value) -> KustomizationSpec {
        let mut all = json!({"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}});
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    fn made(tree: &MemTree, dir: &str, fields: Value) -> Result<(String, Value), Error> {
        let (path, text) = kustomization(tree, dir, &spec(fields))?;
        Ok((path, weir_yaml::parse_value(&text).unwrap()))
    }

    #[test]
    fn every_manifest_below_the_path_is_taken_and_overlays_as_one() {
        let tree = MemTree::new()
            .with("app/b.yml", MAP)
            .with("app/a.yaml", "")
            .with("app/deep/er/c.yaml", MAP)
            .with("app/over/kustomization.yaml", "resources: [x.yaml]")
            .with("app/over/x.yaml", "not: an object")
            .with("app/readme.md", "# hi")
            .with("other/d.yaml", MAP);
        let (path, file) = made(&tree, "app", json!({})).unwrap();
        assert_eq!(path, "app/kustomization.yaml");
        assert_eq!(file["resources"], json!(["a.yaml", "b.yml", "deep/er/c.yaml", "over"]));
    }

    #[test]
    fn what_is_no_manifest_is_named() {
        let error = made(&MemTree::new().with("x.yaml", "a: b"), "", json!({})).unwrap_err();
        assert!(error.to_string().contains("x.yaml"), "{error}");
        assert!(matches!(made(&MemTree::new().with("x.yaml", "a: [b"), "", json!({})), Err(Error::Manifest { .. })));
    }

    #[test]
    fn nothing_at_all_gets_a_placeholder() {
        let (_, file) = made(&MemTree::new().with("readme.md", ""), "", json!({})).unwrap();
        assert_eq!(file["namespace"], "_placeholder");
    }

    #[test]
    fn the_spec_is_added_to_an_existing_file() {
        let tree = MemTree::new()
            .with("Kustomization", "namespace: old\nimages: [{name: app, newName: mirror/app, newTag: v1}]\npatches: [{path: p.yaml}]\ncomponents: [c1]\n")
            .with("c2/kustomization.yaml", "");
        let (path, file) = made(
            &tree,
            "",
            json!({"targetNamespace": "new", "namePrefix": "p-", "images": [{"name": "app", "newTag": "v2"}, {"name": "x", "digest": "d"}],
                "patches": [{"patch": "x: y", "target": {"kind": "Deployment"}}], "components": ["c2", "gone"],
                "ignoreMissingComponents": true, "buildMetadata": ["originAnnotations"]}),
        )
        .unwrap();
        assert_eq!(path, "Kustomization");
        assert_eq!(
            file,
            json!({"namespace": "new", "namePrefix": "p-",
                "images": [{"name": "app", "newName": "mirror/app", "newTag": "v2"}, {"name": "x", "digest": "d"}],
                "patches": [{"path": "p.yaml"}, {"patch": "x: y", "target": {"kind": "Deployment"}}],
                "components": ["c1", "c2"], "buildMetadata": ["originAnnotations"]})
        );
    }

    #[test]
    fn components_stay_inside() {
        for component in ["../../x", "/etc", "https://example.com/x", "git@host:x"] {
            let made = made(&MemTree::new().with("a/x.yaml", MAP), "a", json!({"components": [component]}));
            assert!(matches!(made, Err(Error::Component { .. })), "{component}");
        }
    }
}
