//! What a cluster needs before the services start: kinds, namespace, accounts and roles.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::api::{Api, condition_text};
use crate::kind;

/// Where the services live.
pub const NAMESPACE: &str = "flux-system";

/// Applies Weir's CRDs and waits until the API server serves them.
pub async fn install_crds(api: &Api) -> Result<()> {
    let crds = weir_api::crds::crds();
    api.apply_all(&crds).await?;
    for crd in &crds {
        let name = crd.pointer("/metadata/name").and_then(Value::as_str).context("a CRD without a name")?;
        api.wait(kind::CRD, "", name, Duration::from_secs(30), "Established", |crd| {
            condition_text(crd, "Established").0 == "True"
        })
        .await?;
    }
    Ok(())
}

/// Applies the namespace and, from `deploy/`, the ServiceAccounts and roles; nothing that runs pods.
pub async fn install_roles(api: &Api) -> Result<()> {
    api.namespace(NAMESPACE).await?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy");
    for object in manifests(&root)? {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let is_access = text("/apiVersion") == "rbac.authorization.k8s.io/v1";
        if is_access || text("/kind") == "ServiceAccount" {
            api.apply(&in_namespace(&object)).await?;
        }
    }
    Ok(())
}

/// Bases carry no namespace; here they live in [`NAMESPACE`].
fn in_namespace(object: &Value) -> Value {
    let mut object = object.clone();
    if !object.get("kind").and_then(Value::as_str).unwrap_or_default().starts_with("Cluster") {
        object["metadata"]["namespace"] = json!(NAMESPACE);
    }
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if subject.get("kind").and_then(Value::as_str) == Some("ServiceAccount") {
            subject["namespace"] = json!(NAMESPACE);
        }
    }
    object
}

fn manifests(dir: &Path) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    let Ok(entries) = std::fs::read_dir(dir) else { return Ok(found) };
    let mut paths: Vec<_> = entries.filter_map(|entry| entry.ok().map(|entry| entry.path())).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() && path.file_name().is_some_and(|name| name != "crds") {
            found.extend(manifests(&path)?);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            let text = std::fs::read_to_string(&path)?;
            found.extend(documents(&text).with_context(|| format!("{} is not YAML", path.display()))?);
        }
    }
    Ok(found)
}

/// The documents of a YAML text as JSON.
pub(crate) fn documents(text: &str) -> Result<Vec<Value>> {
    let documents = weir_yaml::parse_values(text)?;
    Ok(documents.into_iter().filter(|value| !value.is_null()).collect())
}
