//! Putting a drifted object back without a dry-run: it was accepted as it is desired before, so it is applied at once.
//! What else has to be done, and who did it, is known from its metadata alone.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::{
    fields::{Cleanup, Operation, entries, is_applier, is_element, text},
    fingerprint::{Managed, Metadata},
    object::Object,
    policy::GROUP,
};

/// Fields named of a change, at most.
const NAMED: usize = 8;

/// What an object may say of itself that has to be heeded before it is applied.
const SAYINGS: [&str; 2] = ["ssa", "reconcile"];

/// Who wrote an object last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    /// The field manager.
    pub manager: String,
    /// JSON pointers of fields it manages, the first few; an element of a list by its key.
    pub fields: Vec<String>,
}

impl Cleanup {
    /// Whether an object with this metadata can be applied as it is: there is nothing to clean up, it does not say how
    /// it wants to be treated, it is not on its way out, and nobody put ports into a Service.
    #[must_use]
    pub fn is_clean(&self, meta: &Metadata) -> bool {
        let there = |keys: &[String], map: &BTreeMap<String, String>| keys.iter().any(|key| map.contains_key(key));
        let says = |map: &BTreeMap<String, String>| {
            let rest =
                |key: &'_ String| key.strip_prefix(GROUP).and_then(|rest| rest.strip_prefix('/').map(str::to_owned));
            map.keys().filter_map(rest).any(|rest| SAYINGS.contains(&rest.as_str()))
        };
        let taken_over = |entry: &Managed| {
            self.managers.iter().any(|m| entry.manager.starts_with(&m.name) && entry.operation == m.operation.as_str())
        };
        let has_ports = |entry: &Managed| {
            entry.operation == Operation::Update.as_str() && entry.fields.pointer("/f:spec/f:ports").is_some()
        };
        meta.deletion_timestamp.is_none()
            && !there(&self.annotations, &meta.annotations)
            && !there(&self.labels, &meta.labels)
            && !says(&meta.annotations)
            && !says(&meta.labels)
            && !meta.managed_fields.iter().any(|e| e.subresource.is_empty() && (taken_over(e) || has_ports(e)))
    }

    /// The JSON patch to send before a drifted object is applied: what [`Self::patch`] says, and what [`Self::untangle`]
    /// says where the server is bound to refuse the merge. Of `live` only the metadata is used.
    #[must_use]
    pub fn before_apply(&self, desired: &Object, live: &Object) -> Option<Value> {
        if displaces_ports(desired, live, &self.owner) {
            return self.untangle(desired, live);
        }
        self.patch(desired, live)
    }
}

/// Whether somebody took a port of ours out of a Service and put another in: the number is the key of a port, so that is
/// what a changed number looks like. The server refuses to have both, since names would be the same or missing.
fn displaces_ports(desired: &Object, live: &Object, owner: &str) -> bool {
    let Some(Value::Array(wanted)) = desired.at(&["spec", "ports"]) else { return false };
    if desired.kind() != "Service" || !desired.group().is_empty() {
        return false;
    }
    let ports = |entry: &Value| -> Vec<String> {
        let ports = entry.pointer("/fieldsV1/f:spec/f:ports").and_then(Value::as_object);
        ports.into_iter().flat_map(Map::keys).filter(|key| key.starts_with("k:")).cloned().collect()
    };
    let ours = entries(live).iter().find(|entry| is_applier(entry, owner)).map(ports).unwrap_or_default();
    let mut theirs = entries(live).iter().filter(|entry| {
        text(entry, "operation") == Operation::Update.as_str() && text(entry, "subresource").is_empty()
    });
    let is_wanted = |key: &String| wanted.iter().any(|port| is_element(key, "", port));
    ours.len() < wanted.len() && theirs.any(|entry| ports(entry).iter().any(|key| !is_wanted(key)))
}

impl Metadata {
    /// Who wrote the object last, other than `manager` and than to its status; of several in the same second any.
    #[must_use]
    pub fn last_writer(&self, manager: &str) -> Option<Writer> {
        let others = self.managed_fields.iter().filter(|e| e.manager != manager && e.subresource.is_empty());
        let last = others.max_by(|a, b| a.time.cmp(&b.time))?;
        let mut fields = Vec::new();
        name(&last.fields, &mut String::new(), &mut fields);
        Some(Writer { manager: last.manager.clone(), fields })
    }
}

/// The leaves of a `fieldsV1` tree.
fn name(fields: &Value, path: &mut String, out: &mut Vec<String>) {
    let below = fields.as_object().into_iter().flatten().filter(|(key, _)| *key != ".");
    let mut is_leaf = true;
    for (key, next) in below {
        is_leaf = false;
        if out.len() >= NAMED {
            return;
        }
        let length = path.len();
        path.push('/');
        path.push_str(key.strip_prefix("f:").unwrap_or(key));
        name(next, path, out);
        path.truncate(length);
    }
    if is_leaf && !path.is_empty() {
        out.push(path.clone());
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::json;

    use super::*;

    const US: &str = "kustomize-controller";

    fn metadata(value: &Value) -> Metadata {
        Metadata::deserialize(value).unwrap()
    }

    fn entry(manager: &str, operation: &str, time: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "time": time, "fieldsV1": fields})
    }

    #[test]
    fn only_what_needs_no_look_is_clean() {
        let cleanup = Cleanup::standard(US, &[]);
        let ours = entry(US, "Apply", "1", json!({"f:data": {}}));
        let status = json!({"manager": "kubectl", "operation": "Update", "subresource": "status"});
        let plain = json!({"labels": {"kustomize.toolkit.fluxcd.io/name": "a", "kustomize.toolkit.fluxcd.io/namespace": "n"},
            "annotations": {"x": "y", "kustomize.toolkit.fluxcd.io/prune": "disabled"},
            "managedFields": [ours, entry("hpa", "Update", "2", json!({"f:data": {}})), status]});
        assert!(cleanup.is_clean(&metadata(&plain)));
        for (path, value) in [
            ("labels", json!({"kustomize.toolkit.fluxcd.io/reconcile": "disabled"})),
            ("annotations", json!({"kustomize.toolkit.fluxcd.io/ssa": "merge"})),
            ("annotations", json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"})),
            ("labels", json!({"fluxcd.io/sync-gc-mark": "x"})),
            ("deletionTimestamp", json!("2026-01-01T00:00:00Z")),
            ("managedFields", json!([ours, entry("kubectl-edit", "Update", "2", json!({}))])),
            ("managedFields", json!([ours, entry("them", "Update", "2", json!({"f:spec": {"f:ports": {}}}))])),
        ] {
            let mut other = plain.clone();
            other[path] = value;
            assert!(!cleanup.is_clean(&metadata(&other)), "{other}");
        }
    }

    #[test]
    fn a_port_put_in_place_of_ours_goes_first_and_one_put_beside_it_stays() {
        let cleanup = Cleanup::standard(US, &[]);
        let service = |entries: Value| {
            Object::from_value(json!({"apiVersion": "v1", "kind": "Service", "metadata":
                {"name": "a", "resourceVersion": "7", "managedFields": entries},
                "spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}]}}))
            .unwrap()
        };
        let ports = |numbers: &[u16]| -> Value {
            let one = |n: &u16| (format!(r#"k:{{"port":{n},"protocol":"TCP"}}"#), json!({".": {}, "f:port": {}}));
            json!({"f:spec": {"f:ports": numbers.iter().map(one).collect::<Map<_, _>>()}})
        };
        let live = |ours: &[u16], theirs: &[u16]| {
            service(json!([entry(US, "Apply", "1", ports(ours)), entry("them", "Update", "2", ports(theirs))]))
        };
        let desired = service(json!([]));
        let patch = cleanup.before_apply(&desired, &live(&[], &[81])).unwrap();
        assert_eq!(patch[0]["value"][0]["fieldsV1"], ports(&[81]), "ours for the time of the apply");
        assert_eq!(cleanup.before_apply(&desired, &live(&[80], &[81])), None);
        assert_eq!(cleanup.before_apply(&desired, &live(&[], &[80])), None, "the port is there, somebody wrote it too");
        assert_eq!(cleanup.before_apply(&desired, &live(&[], &[])), None);
    }

    #[test]
    fn the_last_writer_is_named_with_some_of_its_fields() {
        let fields = json!({"f:metadata": {"f:labels": {".": {}, "f:x": {}}}, "f:spec": {"f:ports": {
            "k:{\"port\":81}": {".": {}, "f:port": {}}}}});
        let meta = metadata(&json!({"managedFields": [
            entry("early", "Update", "2026-01-01T00:00:01Z", json!({"f:data": {}})),
            entry("late", "Update", "2026-01-01T00:00:02Z", fields),
            entry(US, "Apply", "2026-01-01T00:00:03Z", json!({"f:data": {}})),
            {"manager": "kcm", "operation": "Update", "subresource": "status", "time": "2026-01-01T00:00:04Z"},
        ]}));
        let writer = meta.last_writer(US).unwrap();
        assert_eq!(writer.manager, "late");
        assert_eq!(writer.fields, ["/metadata/labels/x", "/spec/ports/k:{\"port\":81}/port"]);
        assert_eq!(metadata(&json!({})).last_writer(US), None);
    }
}
