//! Objects of every kind survive reading and writing. The samples are made from the schemas, which
//! `schema::our_crds_are_the_originals` ties to the originals, so no field can be left out of them.

use kube_core::CustomResourceExt;
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};
use weir_api::{helm, image, kustomize, notification, source};

/// A value for a schema with every property present; `turn` chooses among enum values.
fn sample(path: &str, schema: &Value, turn: usize) -> Value {
    if let Some(values) = schema["enum"].as_array() {
        return values[turn % values.len()].clone();
    }
    match schema["type"].as_str() {
        Some("object") => object(path, schema, turn),
        Some("array") => json!([sample(path, &schema["items"], turn), sample(path, &schema["items"], turn + 1)]),
        Some("boolean") => json!(true),
        Some("integer") => json!(7),
        Some("string") => json!(text(path, schema)),
        None if schema["x-kubernetes-preserve-unknown-fields"] == true => {
            json!({ "a": [1, null, { "b": "c" }], "d": 1.5 })
        }
        other => panic!("{path}: no sample for type {other:?}"),
    }
}

fn object(path: &str, schema: &Value, turn: usize) -> Value {
    let mut map = Map::new();
    for (name, child) in schema["properties"].as_object().into_iter().flatten() {
        map.insert(name.clone(), sample(&format!("{path}.{name}"), child, turn));
    }
    if schema["additionalProperties"].is_object() {
        map.insert("some/key".into(), sample(path, &schema["additionalProperties"], turn));
    }
    Value::Object(map)
}

fn text(path: &str, schema: &Value) -> String {
    let pattern = schema["pattern"].as_str().unwrap_or_default();
    match pattern {
        p if p.starts_with(r"^([0-9]+(\.[0-9]+)?(ms|s|m") => "1m30s",
        "" if path.to_ascii_lowercase().ends_with("duration") => "1.5s",
        _ if schema["format"] == "date-time" => "2026-11-21T10:00:00Z",
        _ => "any text",
    }
    .to_owned()
}

fn check<K: CustomResourceExt + Serialize + DeserializeOwned>() {
    let crd = weir_api::crds().into_iter().find(|crd| crd["metadata"]["name"] == K::crd_name()).unwrap();
    let version = &crd["spec"]["versions"][0];
    let schema = &version["schema"]["openAPIV3Schema"]["properties"];
    let kind = crd["spec"]["names"]["kind"].as_str().unwrap();
    let head = json!({
        "apiVersion": format!("{}/{}", crd["spec"]["group"].as_str().unwrap(), version["name"].as_str().unwrap()),
        "kind": kind,
        "metadata": { "name": "a", "namespace": "b", "labels": { "c": "d" } },
    });
    // As many turns as the longest enum has values.
    for turn in 0..40 {
        let mut full = head.clone();
        full["spec"] = sample(kind, &schema["spec"], turn);
        if schema["status"].is_object() {
            full["status"] = sample(kind, &schema["status"], turn);
        }
        let read: K = serde_json::from_value(full.clone()).unwrap_or_else(|error| panic!("{kind}: {error}\n{full:#}"));
        assert_eq!(serde_json::to_value(&read).unwrap(), full, "{kind}, turn {turn}");
    }
    smallest::<K>(kind, head, schema);
}

/// With required fields only: what comes back is what was there and the schema's defaults, nothing else.
fn smallest<K: Serialize + DeserializeOwned>(kind: &str, head: Value, schema: &Value) {
    fn required(path: &str, schema: &Value, defaults: bool) -> Value {
        if schema["type"] != "object" || !schema["properties"].is_object() {
            return if schema["type"] == "array" {
                json!([required(path, &schema["items"], defaults)])
            } else {
                sample(path, schema, 0)
            };
        }
        let names: Vec<_> = schema["required"].as_array().into_iter().flatten().collect();
        let mut map = Map::new();
        for (name, child) in schema["properties"].as_object().into_iter().flatten() {
            if defaults && child.get("default").is_some() {
                map.insert(name.clone(), canonical(&child["default"]));
            } else if names.contains(&&json!(name)) && child.get("default").is_none() {
                map.insert(name.clone(), required(&format!("{path}.{name}"), child, defaults));
            }
        }
        Value::Object(map)
    }
    let mut object = head;
    object["spec"] = required(kind, &schema["spec"], false);
    let read: K = serde_json::from_value(object.clone()).unwrap_or_else(|error| panic!("{kind}: {error}\n{object:#}"));
    object["spec"] = required(kind, &schema["spec"], true);
    assert_eq!(serde_json::to_value(&read).unwrap(), object, "{kind}");
}

/// A default as it is written back: durations in Go's own form.
fn canonical(value: &Value) -> Value {
    match value.as_str() {
        Some("60s") => json!("1m0s"),
        Some("10m") => json!("10m0s"),
        _ => value.clone(),
    }
}

macro_rules! kinds {
    ($($name:ident: $kind:ty,)*) => {
        $(#[test]
        fn $name() {
            check::<$kind>();
        })*

        #[test]
        fn no_kind_is_forgotten() {
            let mut here = vec![$(<$kind>::crd_name(),)*];
            here.sort_unstable();
            let crds = weir_api::crds();
            let mut all: Vec<_> = crds.iter().map(|crd| crd["metadata"]["name"].as_str().unwrap()).collect();
            all.sort_unstable();
            assert_eq!(here, all);
            assert_eq!(here.len(), 15);
        }
    };
}

kinds! {
    git_repository: source::GitRepository,
    oci_repository: source::OciRepository,
    bucket: source::Bucket,
    helm_repository: source::HelmRepository,
    helm_chart: source::HelmChart,
    external_artifact: source::ExternalArtifact,
    artifact_generator: source::ArtifactGenerator,
    kustomization: kustomize::Kustomization,
    helm_release: helm::HelmRelease,
    image_repository: image::ImageRepository,
    image_policy: image::ImagePolicy,
    image_update_automation: image::ImageUpdateAutomation,
    provider: notification::Provider,
    alert: notification::Alert,
    receiver: notification::Receiver,
}

#[test]
fn a_value_from_the_future_is_an_error_of_that_object_alone() {
    let list = json!([
        { "kind": "Secret", "name": "a" },
        { "kind": "Vault", "name": "b" },
    ]);
    let read: Vec<Result<kustomize::SubstituteReference, _>> =
        list.as_array().unwrap().iter().map(|item| serde_json::from_value(item.clone())).collect();
    assert!(read[0].is_ok());
    assert!(read[1].as_ref().unwrap_err().to_string().contains("Vault"));
}

#[test]
fn unknown_fields_are_ignored() {
    let read: kustomize::SubstituteReference =
        serde_json::from_value(json!({ "kind": "Secret", "name": "a", "new": { "x": 1 } })).unwrap();
    assert_eq!(read.name, "a");
}
