//! Files -> objects, complete: built, substituted, labelled, normalised. No cluster, no clock.

mod guard;
pub mod thread;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sha2::{Digest as _, Sha256};
use weir_api::{
    kustomize::{Kustomization, KustomizationSpec},
    meta,
};
use weir_envsubst::Mode;
use weir_kustomize::{
    Budget, Kind, LoadRestrictions, Options, Overlay, Remote, Reorder, Tree,
    flux::{ImageOverride, Overrides, PatchOverride, PatchTarget, generate},
    tree::join,
};
use weir_manifest::{InvalidObject, Object, normalize::normalize};
use weir_remote::{Fetcher, Limits};

use self::guard::Guarded;
use super::{
    error,
    substitute::{self, Variables},
};

/// What one build may take. A repository is anybody's, and builds of all tenants share one memory; what fits is far more than
/// an inventory holds.
const BUDGET: Budget =
    Budget { files: 20_000, bytes: 64 << 20, depth: 64, bases: 2_000, resources: 25_000, memory: 128 << 20 };

/// What the files and bases of one build may take that are not in the artifact.
const REMOTE: Limits =
    Limits { file_bytes: 16 << 20, repository_bytes: 64 << 20, file_timeout: Duration::from_secs(27) };

/// Why there are no objects.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No kustomization file, and none can be made.
    #[error(transparent)]
    Generate(Box<weir_kustomize::Error>),
    /// The engine refused.
    #[error("kustomize build failed")]
    Kustomize(#[source] Box<weir_kustomize::Error>),
    /// Something that is built is no object.
    #[error("failed to decode Kubernetes apiVersion, kind and name")]
    Object(#[source] InvalidObject),
    /// Variables.
    #[error(transparent)]
    Substitute(#[from] substitute::Error),
    /// It was ended from outside.
    #[error("kustomize build did not end in time")]
    Interrupted,
}

/// What was built.
#[derive(Debug)]
pub struct Built {
    /// The objects, ready to be applied.
    pub objects: Vec<Object>,
    /// `sha256:<hex>` of the manifests as YAML.
    pub digest: String,
    /// Something came from elsewhere than the artifact, and may be another thing next time.
    pub is_remote: bool,
}

/// How to build.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Missing variables are errors.
    pub strict: bool,
    /// Files and bases may come from the network.
    pub remote: bool,
    /// Ends the build soon after it becomes true.
    pub interrupt: Arc<AtomicBool>,
}

impl Settings {
    fn go_on(&self) -> Result<(), Error> {
        if self.interrupt.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { Ok(()) }
    }

    fn fetcher(&self) -> Option<Fetcher> {
        self.remote.then(|| Fetcher::new(REMOTE).interrupted_by(Arc::clone(&self.interrupt)))
    }
}

/// Builds a Kustomization from an artifact's files.
///
/// # Errors
/// When the path is not there, the build fails, or what is built cannot be applied.
pub fn objects(
    ks: &Kustomization,
    tree: &dyn Tree,
    from: &[Variables],
    settings: &Settings,
) -> Result<Built, error::Error> {
    let tree = &Guarded::new(tree, BUDGET, settings);
    let dir = folder(&ks.spec, tree)?;
    let fetcher = settings.fetcher();
    let resources = resources(&ks.spec, tree, &dir, fetcher.as_ref(), settings).map_err(error::Error::Build)?;
    let resources = substituted(&ks.spec, resources, from, settings).map_err(error::Error::Build)?;
    let digest = digest(&resources, settings).map_err(error::Error::Build)?;
    let mut objects = flat(resources).map_err(error::Error::Build)?;
    for object in &mut objects {
        label(object, ks);
        normalize(object);
        if is_encrypted(object) {
            return Err(error::Error::Encrypted(Box::new(object.reference())));
        }
    }
    Ok(Built { objects, digest, is_remote: fetcher.is_some_and(|fetcher| fetcher.was_asked()) })
}

/// The folder that `spec.path` names. As in Flux a path that would leave the artifact stays at its root.
fn folder(spec: &KustomizationSpec, tree: &dyn Tree) -> Result<String, error::Error> {
    let path = spec.path.as_deref().unwrap_or_default().trim_start_matches('/');
    let dir = match join("", path) {
        Some(dir) => dir,
        None => path.split('/').filter(|part| !matches!(*part, "" | "." | "..")).collect::<Vec<_>>().join("/"),
    };
    if tree.kind(&dir) == Kind::Dir { Ok(dir) } else { Err(error::Error::Path { path: dir }) }
}

fn resources(
    spec: &KustomizationSpec,
    tree: &dyn Tree,
    dir: &str,
    fetcher: Option<&Fetcher>,
    settings: &Settings,
) -> Result<Vec<Object>, Error> {
    let refused = |kind: fn(Box<weir_kustomize::Error>) -> Error| {
        // Whatever it says: what was ended from outside did not get to its own end.
        move |error| settings.go_on().err().unwrap_or_else(|| kind(Box::new(error)))
    };
    let file = generate(tree, dir, &overrides(spec)).map_err(refused(Error::Generate))?;
    let tree = Overlay::new(tree, file.path, file.content);
    let options = Options {
        load_restrictions: LoadRestrictions::None,
        reorder: Reorder::None,
        budget: BUDGET,
        interrupt: Some(&settings.interrupt),
        remote: fetcher.map(|fetcher| fetcher as &dyn Remote),
        ..Options::default()
    };
    let built = weir_kustomize::build(&tree, dir, &options).map_err(refused(Error::Kustomize))?;
    let object = |resource: weir_kustomize::Resource| {
        settings.go_on()?;
        let value = resource.to_value().map_err(|e| Error::Kustomize(Box::new(e)))?;
        Object::from_value(value).map_err(Error::Object)
    };
    // Each is given up as soon as it is read: both forms of all of them would take twice the memory.
    built.into_iter().map(object).collect()
}

/// What the spec adds to the kustomization file.
fn overrides(spec: &KustomizationSpec) -> Overrides {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    let target = |target: &meta::Selector| PatchTarget {
        group: text(&target.group),
        version: text(&target.version),
        kind: text(&target.kind),
        name: text(&target.name),
        namespace: text(&target.namespace),
        label_selector: text(&target.label_selector),
        annotation_selector: text(&target.annotation_selector),
    };
    let patch =
        |patch: &meta::Patch| PatchOverride { patch: patch.patch.clone(), target: patch.target.as_ref().map(target) };
    let image = |image: &meta::Image| ImageOverride {
        name: image.name.clone(),
        new_name: text(&image.new_name),
        new_tag: text(&image.new_tag),
        digest: text(&image.digest),
    };
    Overrides {
        target_namespace: text(&spec.target_namespace),
        name_prefix: text(&spec.name_prefix),
        name_suffix: text(&spec.name_suffix),
        patches: spec.patches.iter().map(patch).collect(),
        components: spec.components.clone(),
        ignore_missing_components: spec.ignore_missing_components,
        images: spec.images.iter().map(image).collect(),
        build_metadata: spec.build_metadata.iter().map(|option| option.as_str().to_owned()).collect(),
    }
}

fn substituted(
    spec: &KustomizationSpec,
    objects: Vec<Object>,
    from: &[Variables],
    settings: &Settings,
) -> Result<Vec<Object>, Error> {
    let Some(post_build) = &spec.post_build else { return Ok(objects) };
    let variables = substitute::variables(post_build, from)?;
    let strategy = post_build.substitute_strategy.unwrap_or_default();
    let mode = Mode { strict: settings.strict };
    let mut all = substitute::Substitution::new(&variables, strategy, mode);
    let one = |object| {
        settings.go_on()?;
        Ok(all.object(object)?)
    };
    objects.into_iter().map(one).collect()
}

/// The digest of all manifests as one YAML text.
fn digest(objects: &[Object], settings: &Settings) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    for (at, object) in objects.iter().enumerate() {
        settings.go_on()?;
        if at > 0 {
            hasher.update(b"---\n");
        }
        hasher.update(weir_yaml::to_string(&object.clone().into_value()).as_bytes());
    }
    Ok(format!("sha256:{}", hex::encode(hasher.finalize())))
}

/// Lists become their items; kustomizations that slipped in are left out, no server knows them.
fn flat(objects: Vec<Object>) -> Result<Vec<Object>, Error> {
    let mut flat = Vec::with_capacity(objects.len());
    for object in objects {
        if object.group() == "kustomize.config.k8s.io" {
            continue;
        }
        if !(object.kind().ends_with("List") && object.at(&["items"]).is_some_and(serde_json::Value::is_array)) {
            flat.push(object);
            continue;
        }
        let serde_json::Value::Object(mut map) = object.into_value() else { continue };
        if let Some(serde_json::Value::Array(items)) = map.remove("items") {
            for item in items {
                flat.push(Object::from_value(item).map_err(Error::Object)?);
            }
        }
    }
    Ok(flat)
}

/// Says whose the object is, and adds `spec.commonMetadata`.
fn label(object: &mut Object, ks: &Kustomization) {
    use weir_api::names::label::{KUSTOMIZE_NAME, KUSTOMIZE_NAMESPACE};
    if let Some(common) = &ks.spec.common_metadata {
        common.labels.iter().for_each(|(key, value)| object.set_label(key, value));
        common.annotations.iter().for_each(|(key, value)| object.set_annotation(key, value));
    }
    // Last, so that nobody disowns an object by commonMetadata.
    object.set_label(KUSTOMIZE_NAME, ks.metadata.name.as_deref().unwrap_or_default());
    object.set_label(KUSTOMIZE_NAMESPACE, ks.metadata.namespace.as_deref().unwrap_or_default());
}

/// Whether an object is a Secret that SOPS encrypted and nobody decrypted.
fn is_encrypted(object: &Object) -> bool {
    let key = weir_api::names::annotation::DECRYPT;
    let opted_out =
        [object.label(key), object.annotation(key)].into_iter().flatten().any(|v| v.eq_ignore_ascii_case("disabled"));
    object.group().is_empty() && object.kind() == "Secret" && !opted_out && object.at(&["sops", "mac"]).is_some()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_kustomize::MemTree;
    use weir_reconcile::Failure as _;

    use super::*;

    fn ks(fields: serde_json::Value) -> Kustomization {
        let mut ks = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "app", "namespace": "team"},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}}});
        ks["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(ks).unwrap()
    }

    fn build(tree: &MemTree, fields: serde_json::Value) -> Result<Built, error::Error> {
        objects(&ks(fields), tree, &[], &Settings { strict: true, ..Settings::default() })
    }

    const SERVICE: &str =
        "apiVersion: v1\nkind: Service\nmetadata: {name: '${name}'}\nspec: {ports: [{port: 80}]}\nstatus: {}\n";

    #[test]
    fn what_flux_disables_is_refused_as_flux_refuses_it() {
        for (fields, reason) in [
            ("helmCharts: [{name: a}]", "must specify --enable-helm"),
            (
                "resources: ['https://127.0.0.1:1/x.yaml']",
                "remote resource https://127.0.0.1:1/x.yaml is not available",
            ),
            (
                "resources: ['https://me:canary@127.0.0.1:1/o/r//d']",
                "remote resource https://127.0.0.1:1/o/r//d is not",
            ),
        ] {
            let error = build(&MemTree::new().with("kustomization.yaml", fields), json!({})).unwrap_err();
            let text = chain(&error);
            assert!(text.starts_with("kustomize build failed") && text.contains(reason), "{text}");
            assert!(!text.contains("canary"), "{text}");
        }
    }

    fn chain(error: &dyn std::error::Error) -> String {
        let cause = error.source().map(|cause| format!(": {}", chain(cause))).unwrap_or_default();
        format!("{error}{cause}")
    }

    #[test]
    fn objects_are_complete() {
        let built = build(
            &MemTree::new().with("deploy/app.yaml", SERVICE),
            json!({"path": "./deploy", "targetNamespace": "ns", "postBuild": {"substitute": {"name": "web"}},
                "commonMetadata": {"labels": {"team": "a", "kustomize.toolkit.fluxcd.io/name": "forged"}}}),
        )
        .unwrap();
        let object = &built.objects[0];
        assert_eq!(object.reference().to_string(), "Service/ns/web");
        assert_eq!(object.label("kustomize.toolkit.fluxcd.io/name"), Some("app"));
        assert_eq!(object.label("kustomize.toolkit.fluxcd.io/namespace"), Some("team"));
        assert_eq!((object.label("team"), object.at(&["status"])), (Some("a"), None));
        assert_eq!(object.as_map()["spec"], json!({"ports": [{"port": 80, "protocol": "TCP"}]}));
        assert!(built.digest.starts_with("sha256:") && built.digest.len() == 71);
    }

    #[test]
    fn a_path_stays_inside_and_has_to_be_there() {
        let tree = MemTree::new().with("app/a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n");
        for path in ["app", "./app", "/app/", "../app", "x/../app"] {
            assert_eq!(build(&tree, json!({"path": path})).unwrap().objects.len(), 1, "{path}");
        }
        let error = build(&tree, json!({"path": "gone"})).unwrap_err();
        assert_eq!(
            (error.reason(), error.to_string().as_str()),
            ("ArtifactFailed", "kustomization path not found: stat gone: no such file or directory")
        );
    }

    #[test]
    fn failures_say_what_failed() {
        let bad = MemTree::new().with("kustomization.yaml", "resources: [gone.yaml]");
        let error = build(&bad, json!({})).unwrap_err();
        assert_eq!(error.reason(), "BuildFailed");
        assert!(weir_reconcile::describe(&error).starts_with("kustomize build failed: "), "{error}");
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nsops: {mac: x}\n";
        let error = build(&MemTree::new().with("s.yaml", secret), json!({})).unwrap_err();
        assert!(error.to_string().starts_with("Secret/s is SOPS encrypted"), "{error}");
    }

    #[test]
    fn an_encrypted_secret_can_be_meant_to_stay_so() {
        let built = |field: &str, value: &str| {
            let key = weir_api::names::annotation::DECRYPT;
            let secret = format!(
                "apiVersion: v1\nkind: Secret\nmetadata: {{name: s, {field}: {{{key}: {value}}}}}\nsops: {{mac: x}}\n"
            );
            build(&MemTree::new().with("s.yaml", secret), json!({})).is_ok()
        };
        assert!(built("annotations", "disabled") && built("annotations", "Disabled") && built("labels", "disabled"));
        assert!(!built("labels", "enabled"));
    }
}
