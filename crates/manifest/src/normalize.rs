//! Makes an object what the API server would store, as far as it matters for server-side apply.
//!
//! `status` goes (except on CRDs), `creationTimestamp: null` goes, ports without a protocol get `TCP` (it is part of the
//! key by which ports are merged), `stringData` of a Secret moves into `data`, repeated metrics of a
//! HorizontalPodAutoscaler and unusable CA bundles of CRDs go.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Map, Value};

use crate::object::Object;

/// Normalises one object.
pub fn normalize(object: &mut Object) {
    let (group, kind) = (object.group().to_owned(), object.kind().to_owned());
    let is_crd = group == "apiextensions.k8s.io" && kind == "CustomResourceDefinition";
    let map = object.as_map_mut();
    if is_crd {
        drop_bad_ca(map);
    } else {
        map.remove("status");
    }
    drop_null_time(map);
    match (group.as_str(), kind.as_str()) {
        ("", "Secret") => move_string_data(map),
        ("", "Service") => default_protocol(at_mut(map, &["spec", "ports"])),
        ("", "Pod") => pod_spec(at_mut(map, &["spec"])),
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") => {
            pod_template(at_mut(map, &["spec", "template"]));
        }
        ("", "ReplicationController" | "PodTemplate") => {
            pod_template(at_mut(map, &["spec", "template"]));
            pod_template(at_mut(map, &["template"]));
        }
        ("batch", "CronJob") => {
            if let Some(Value::Object(job)) = at_mut(map, &["spec", "jobTemplate"]) {
                drop_null_time(job);
            }
            pod_template(at_mut(map, &["spec", "jobTemplate", "spec", "template"]));
        }
        ("autoscaling", "HorizontalPodAutoscaler") => unique_metrics(map),
        _ => {}
    }
}

/// What of an object is compared: everything but metadata and status, metrics without repeats.
#[must_use]
pub fn comparable(object: &Object) -> Map<String, Value> {
    let mut map = object.as_map().clone();
    map.remove("metadata");
    map.remove("status");
    if object.group() == "autoscaling" && object.kind() == "HorizontalPodAutoscaler" {
        unique_metrics(&mut map);
    }
    map
}

fn at_mut<'a>(map: &'a mut Map<String, Value>, path: &[&str]) -> Option<&'a mut Value> {
    let (first, rest) = path.split_first()?;
    rest.iter().try_fold(map.get_mut(*first)?, |value, key| value.get_mut(key))
}

fn drop_null_time(map: &mut Map<String, Value>) {
    if let Some(Value::Object(metadata)) = map.get_mut("metadata")
        && metadata.get("creationTimestamp").is_some_and(Value::is_null)
    {
        metadata.remove("creationTimestamp");
    }
}

fn pod_template(template: Option<&mut Value>) {
    if let Some(Value::Object(template)) = template {
        drop_null_time(template);
        pod_spec(template.get_mut("spec"));
    }
}

fn pod_spec(spec: Option<&mut Value>) {
    let Some(Value::Object(spec)) = spec else { return };
    for field in ["containers", "initContainers", "ephemeralContainers"] {
        if let Some(Value::Array(containers)) = spec.get_mut(field) {
            for container in containers {
                default_protocol(container.get_mut("ports"));
            }
        }
    }
}

fn default_protocol(ports: Option<&mut Value>) {
    let Some(Value::Array(ports)) = ports else { return };
    for port in ports.iter_mut().filter_map(Value::as_object_mut) {
        if port.get("protocol").and_then(Value::as_str).unwrap_or_default().is_empty() {
            port.insert("protocol".to_owned(), Value::from("TCP"));
        }
    }
}

fn move_string_data(map: &mut Map<String, Value>) {
    let Some(Value::Object(texts)) = map.remove("stringData") else { return };
    let data = map.entry("data").or_insert_with(|| Value::Object(Map::new()));
    if !data.is_object() {
        *data = Value::Object(Map::new());
    }
    let Some(data) = data.as_object_mut() else { return };
    for (key, value) in texts {
        let encoded = match value {
            Value::String(text) => Value::from(STANDARD.encode(text)),
            // Refused by the server, which names the field; kept as it is.
            other => other,
        };
        data.insert(key, encoded);
    }
}

fn unique_metrics(map: &mut Map<String, Value>) {
    if let Some(Value::Array(metrics)) = at_mut(map, &["spec", "metrics"]) {
        let mut seen: Vec<Value> = Vec::new();
        metrics.retain(|metric| {
            let new = !seen.contains(metric);
            if new {
                seen.push(metric.clone());
            }
            new
        });
    }
}

fn drop_bad_ca(map: &mut Map<String, Value>) {
    if let Some(Value::Object(config)) = at_mut(map, &["spec", "conversion", "webhook", "clientConfig"])
        && config.get("caBundle").is_some_and(|bundle| !is_ca(bundle))
    {
        config.remove("caBundle");
    }
}

/// Whether a value is base64 of at least one PEM certificate and nothing else.
fn is_ca(bundle: &Value) -> bool {
    let decoded = bundle.as_str().and_then(|text| STANDARD.decode(text).ok());
    let Some(pem) = decoded.and_then(|bytes| String::from_utf8(bytes).ok()) else { return false };
    let mut parts = pem.trim().split("-----BEGIN CERTIFICATE-----");
    if parts.next().is_none_or(|before| !before.trim().is_empty()) {
        return false;
    }
    let mut count = 0;
    for part in parts {
        let Some((body, _)) = part.split_once("-----END CERTIFICATE-----") else { return false };
        let body: String = body.split_whitespace().collect();
        // A certificate is a DER sequence.
        if !STANDARD.decode(body).is_ok_and(|der| der.first() == Some(&0x30)) {
            return false;
        }
        count += 1;
    }
    count > 0
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn normalized(value: Value) -> Value {
        let mut object = Object::from_value(value).unwrap();
        normalize(&mut object);
        object.into_value()
    }

    #[test]
    fn workloads_get_protocols_and_lose_status_and_null_times() {
        let got = normalized(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "creationTimestamp": null}, "status": {"replicas": 1},
            "spec": {"template": {"metadata": {"creationTimestamp": null}, "spec": {"containers": [
                {"name": "c", "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}]}]}}}}));
        assert_eq!(
            got,
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"},
            "spec": {"template": {"metadata": {}, "spec": {"containers": [
                {"name": "c", "ports": [{"containerPort": 80, "protocol": "TCP"},
                    {"containerPort": 53, "protocol": "UDP"}]}]}}}})
        );
    }

    #[test]
    fn string_data_wins_over_data() {
        let got = normalized(json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "a"},
            "data": {"a": "b2xk", "b": "Yg=="}, "stringData": {"a": "new"}}));
        assert_eq!(got["data"], json!({"a": "bmV3", "b": "Yg=="}));
        assert!(got.get("stringData").is_none());
    }

    #[test]
    fn metrics_are_unique_and_crds_keep_status() {
        let got = normalized(json!({"apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "a"}, "spec": {"metrics": [{"type": "A"}, {"type": "B"}, {"type": "A"}]}}));
        assert_eq!(got["spec"]["metrics"], json!([{"type": "A"}, {"type": "B"}]));
        let crd = |bundle: &str| {
            normalized(json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": "a"}, "status": {}, "spec": {"conversion": {"webhook": {"clientConfig":
                {"caBundle": bundle}}}}}))
        };
        let bad = crd("Cg==");
        assert_eq!(bad["spec"]["conversion"]["webhook"]["clientConfig"], json!({}));
        assert_eq!(bad["status"], json!({}));
        let pem = STANDARD.encode("-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n");
        assert_eq!(crd(&pem)["spec"]["conversion"]["webhook"]["clientConfig"]["caBundle"], json!(pem));
    }
}
