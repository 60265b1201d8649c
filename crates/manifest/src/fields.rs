//! Who manages which field (`metadata.managedFields`), and taking fields over from kubectl.

use serde_json::{Map, Value, json};

use crate::{
    object::Object,
    pointer,
    policy::{Policy, Ssa},
};

/// How a manager wrote its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Everything else.
    Update,
}

impl Operation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// A manager whose fields are taken over; its name is a prefix.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldManager {
    /// The beginning of the manager's name.
    pub name: String,
    /// How it wrote.
    pub operation: Operation,
}

/// What is cleaned up on live objects before they are applied.
#[derive(Clone, Debug, Default)]
pub struct Cleanup {
    /// Annotations to remove.
    pub annotations: Vec<String>,
    /// Labels to remove.
    pub labels: Vec<String>,
    /// Managers whose fields become `owner`'s.
    pub managers: Vec<FieldManager>,
    /// Our own field manager.
    pub owner: String,
}

impl Cleanup {
    /// The clean-up Flux does for `owner`, with further managers to take over from (`--override-manager`).
    #[must_use]
    pub fn standard(owner: &str, others: &[String]) -> Self {
        let manager = |name: &str, operation| FieldManager { name: name.to_owned(), operation };
        let mut managers = vec![
            manager("kubectl", Operation::Apply),
            manager("kubectl", Operation::Update),
            manager("before-first-apply", Operation::Update),
            manager(owner, Operation::Update),
        ];
        for name in others {
            managers.extend([manager(name, Operation::Apply), manager(name, Operation::Update)]);
        }
        Self {
            annotations: [
                "kubectl.kubernetes.io/last-applied-configuration",
                "kustomize.toolkit.fluxcd.io/checksum",
                "fluxcd.io/sync-checksum",
            ]
            .map(str::to_owned)
            .to_vec(),
            labels: vec!["fluxcd.io/sync-gc-mark".to_owned()],
            managers,
            owner: owner.to_owned(),
        }
    }

    /// The JSON patch that cleans a live object up, bound to the version that was read; `None` when it is clean or says
    /// that its fields stay with their managers.
    #[must_use]
    pub fn patch(&self, desired: &Object, live: &Object) -> Option<Value> {
        if [desired, live].into_iter().any(|object| Policy::of(object).ssa == Ssa::Merge) {
            return None;
        }
        let mut operations = Vec::new();
        for (field, keys) in [("annotations", &self.annotations), ("labels", &self.labels)] {
            let there = keys.iter().filter(|key| live.at(&["metadata", field, key]).is_some());
            operations.extend(
                there.map(|key| json!({"op": "remove", "path": format!("/metadata/{field}/{}", pointer::escape(key))})),
            );
        }
        if let Some(entries) = self.taken_over(live) {
            operations.push(json!({"op": "replace", "path": "/metadata/managedFields", "value": entries}));
        }
        if operations.is_empty() {
            return None;
        }
        let version = live.resource_version();
        operations.push(json!({"op": "replace", "path": "/metadata/resourceVersion", "value": version}));
        Some(Value::Array(operations))
    }

    /// The JSON patch after which an object can be applied that the server refuses to merge with what others put into its
    /// lists; see [`disentangle`]. `None` when nothing of theirs is in the way.
    #[must_use]
    pub fn untangle(&self, desired: &Object, live: &Object) -> Option<Value> {
        let Some(Value::Array(mut operations)) = self.patch(desired, live) else {
            return disentangle(desired, live, &self.owner);
        };
        let mut cleaned = live.clone();
        if let Some(entries) = self.taken_over(live) {
            cleaned.metadata_mut().insert("managedFields".to_owned(), Value::Array(entries));
        }
        if let Some(Value::Array(more)) = disentangle(desired, &cleaned, &self.owner) {
            operations.retain(|operation| text(operation, "path") != "/metadata/managedFields");
            operations.retain(|operation| text(operation, "path") != "/metadata/resourceVersion");
            operations.extend(more);
        }
        Some(Value::Array(operations))
    }

    /// The entries after the take-over: what the named managers had becomes part of our one `Apply` entry.
    fn taken_over(&self, live: &Object) -> Option<Vec<Value>> {
        let entries = entries(live);
        let taken = |entry: &Value| {
            let (manager, operation) = (text(entry, "manager"), text(entry, "operation"));
            text(entry, "subresource").is_empty()
                && self.managers.iter().any(|m| manager.starts_with(&m.name) && operation == m.operation.as_str())
        };
        if !entries.iter().any(taken) {
            return None;
        }
        let mut ours: Option<Value> = None;
        let mut rest = Vec::new();
        for entry in entries {
            if !taken(entry) && !is_applier(entry, &self.owner) {
                rest.push(entry.clone());
                continue;
            }
            match &mut ours {
                None => {
                    let mut first = entry.clone();
                    if let Some(first) = first.as_object_mut() {
                        first.insert("manager".to_owned(), Value::from(self.owner.as_str()));
                        first.insert("operation".to_owned(), Value::from("Apply"));
                    }
                    ours = Some(first);
                }
                Some(ours) => {
                    if let (Some(into), Some(from)) = (ours.get_mut("fieldsV1"), entry.get("fieldsV1")) {
                        merge(into, from);
                    }
                }
            }
        }
        Some(ours.into_iter().chain(rest).collect())
    }
}

/// The fields that certain managers own in a live object.
#[derive(Debug)]
pub struct OwnedFields<'a>(Vec<&'a Map<String, Value>>);

impl<'a> OwnedFields<'a> {
    /// What appliers other than `manager` own.
    #[must_use]
    pub fn of_other_appliers(live: &'a Object, manager: &str) -> Self {
        let others = entries(live)
            .iter()
            .filter(|entry| text(entry, "operation") == "Apply" && text(entry, "manager") != manager)
            .filter_map(|entry| entry.get("fieldsV1").and_then(Value::as_object));
        Self(others.collect())
    }

    /// Whether one of them owns the field at this path of `live`, or something below it.
    #[must_use]
    pub fn own(&self, path: &[String], live: &Object) -> bool {
        self.0.iter().any(|fields| owns(fields, path, &Value::Object(live.as_map().clone())))
    }
}

/// Walks a path through a `fieldsV1` tree: keys are `f:<name>`; elements of lists are `k:{…}` (by key fields),
/// `v:<value>` or `i:<index>`.
fn owns(fields: &Map<String, Value>, path: &[String], live: &Value) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let below = |next: &Value, live: Option<&Value>| match next.as_object() {
        // An owned leaf or atomic value holds everything below it.
        None => true,
        Some(next) if next.is_empty() => true,
        Some(next) => owns(next, rest, live.unwrap_or(&Value::Null)),
    };
    if let Value::Array(list) = live {
        let Some(element) = first.parse().ok().and_then(|at: usize| list.get(at)) else { return false };
        return fields.iter().any(|(key, next)| is_element(key, first, element) && below(next, Some(element)));
    }
    fields.get(&format!("f:{first}")).is_some_and(|next| below(next, live.get(first)))
}

/// Whether an element of a list is the one that a key of its `fieldsV1` tree means.
pub(crate) fn is_element(key: &str, index: &str, element: &Value) -> bool {
    match key.split_once(':') {
        Some(("k", keys)) => match serde_json::from_str::<Map<String, Value>>(keys) {
            Ok(keys) => keys.iter().all(|(name, value)| element.get(name) == Some(value)),
            Err(_) => false,
        },
        Some(("v", value)) => serde_json::from_str::<Value>(value).is_ok_and(|value| value == *element),
        Some(("i", at)) => at == index,
        _ => false,
    }
}

/// The JSON patch that makes ours, for the time of the next apply, what others put into lists beside our elements: then
/// applying removes it. `None` when nobody did.
///
/// Needed when the server refuses the merge, for example two ports of the same name because somebody changed the number of
/// one: the number is the key, so to the server it is another port.
#[must_use]
pub fn disentangle(desired: &Object, live: &Object, owner: &str) -> Option<Value> {
    let desired_value = Value::Object(desired.as_map().clone());
    let (mut taken, mut rest, mut ours, mut time) = (Map::new(), Vec::new(), None, None);
    for entry in entries(live) {
        if is_applier(entry, owner) {
            ours = Some(entry.clone());
            continue;
        }
        let mut entry = entry.clone();
        if text(&entry, "operation") == Operation::Update.as_str() && text(&entry, "subresource").is_empty() {
            if let Some(Value::Object(fields)) = entry.get_mut("fieldsV1") {
                let foreign = take_foreign(fields, &desired_value);
                merge_maps(&mut taken, &foreign);
            }
            time = entry.get("time").cloned().or(time);
        }
        rest.push(entry);
    }
    if taken.is_empty() {
        return None;
    }
    let mut ours = ours.unwrap_or_else(|| {
        json!({"manager": owner, "operation": "Apply", "apiVersion": desired.api_version(), "fieldsType": "FieldsV1",
            "fieldsV1": {}, "time": time})
    });
    if let Some(Value::Object(fields)) = ours.get_mut("fieldsV1") {
        merge_maps(fields, &taken);
    }
    rest.retain(|entry| entry.get("fieldsV1").and_then(Value::as_object).is_none_or(|fields| !fields.is_empty()));
    rest.insert(0, ours);
    Some(json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": rest},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": live.resource_version()},
    ]))
}

/// Takes out of a `fieldsV1` tree the elements of lists that `desired` has too, but without them.
fn take_foreign(fields: &mut Map<String, Value>, desired: &Value) -> Map<String, Value> {
    let mut taken = Map::new();
    for (key, below) in fields.iter_mut() {
        let Some(below) = below.as_object_mut() else { continue };
        let found = match key.strip_prefix("f:").and_then(|name| desired.get(name)) {
            Some(list @ Value::Array(_)) => take_elements(below, list),
            Some(next) => take_foreign(below, next),
            None => Map::new(),
        };
        if !found.is_empty() {
            taken.insert(key.clone(), Value::Object(found));
        }
    }
    taken
}

fn take_elements(fields: &mut Map<String, Value>, list: &Value) -> Map<String, Value> {
    let mut taken = Map::new();
    let elements = list.as_array().map_or(&[][..], Vec::as_slice);
    let keys: Vec<String> = fields.keys().filter(|key| key.starts_with("k:")).cloned().collect();
    for key in keys {
        match elements.iter().find(|element| is_element(&key, "", element)) {
            Some(element) => {
                let found = fields.get_mut(&key).and_then(Value::as_object_mut).map(|f| take_foreign(f, element));
                if let Some(found) = found.filter(|found| !found.is_empty()) {
                    taken.insert(key, Value::Object(found));
                }
            }
            None => {
                if let Some(below) = fields.remove(&key) {
                    taken.insert(key, below);
                }
            }
        }
    }
    taken
}

fn merge_maps(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (key, value) in from {
        match into.get_mut(key) {
            Some(have) => merge(have, value),
            None => {
                into.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The managed-field entries of an object.
pub(crate) fn entries(object: &Object) -> &[Value] {
    object.at(&["metadata", "managedFields"]).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Whether an entry holds what `manager` applied to the object itself.
pub(crate) fn is_applier(entry: &Value, manager: &str) -> bool {
    text(entry, "manager") == manager
        && text(entry, "operation") == Operation::Apply.as_str()
        && text(entry, "subresource").is_empty()
}

/// The fields `manager` applied, or none.
#[must_use]
pub fn applied_by<'a>(object: &'a Object, manager: &str) -> Option<&'a Value> {
    entries(object).iter().find(|entry| is_applier(entry, manager))?.get("fieldsV1")
}

pub(crate) fn text<'a>(entry: &'a Value, key: &str) -> &'a str {
    entry.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn merge(into: &mut Value, from: &Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        merge_maps(into, from);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(annotations: Value, entries: Value) -> Object {
        Object::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata":
            {"name": "a", "resourceVersion": "7", "annotations": annotations, "managedFields": entries}}))
        .unwrap()
    }

    fn entry(manager: &str, operation: &str, fields: Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    #[test]
    fn kubectl_fields_join_our_entry() {
        let cleanup = Cleanup::standard("kustomize-controller", &[]);
        let live = live(
            json!({"kubectl.kubernetes.io/last-applied-configuration": "{}", "keep": "me"}),
            json!([
                entry("kustomize-controller", "Apply", json!({"f:data": {"f:a": {}}})),
                entry("kubectl-client-side-apply", "Update", json!({"f:data": {"f:b": {}}})),
                entry("helm", "Apply", json!({"f:data": {"f:c": {}}})),
            ]),
        );
        let patch = cleanup.patch(&live, &live).unwrap();
        assert_eq!(
            patch,
            json!([
                {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
                {"op": "replace", "path": "/metadata/managedFields", "value": [
                    entry("kustomize-controller", "Apply", json!({"f:data": {"f:a": {}, "f:b": {}}})),
                    entry("helm", "Apply", json!({"f:data": {"f:c": {}}})),
                ]},
                {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"},
            ])
        );
    }

    #[test]
    fn nothing_to_clean_is_no_patch() {
        let cleanup = Cleanup::standard("kustomize-controller", &["terraform".to_owned()]);
        let clean = live(json!({}), json!([entry("flux-client-side-apply", "Apply", json!({}))]));
        assert_eq!(cleanup.patch(&clean, &clean), None);
        let mut status = entry("kubectl-edit", "Update", json!({}));
        status["subresource"] = json!("status");
        let clean = live(json!({}), json!([status]));
        assert_eq!(cleanup.patch(&clean, &clean), None);
        let dirty = live(json!({}), json!([entry("terraform", "Apply", json!({}))]));
        assert!(cleanup.patch(&dirty, &dirty).is_some());
        let mut merge = dirty.clone();
        merge.set_annotation("kustomize.toolkit.fluxcd.io/ssa", "Merge");
        assert_eq!(cleanup.patch(&merge, &dirty), None);
    }

    #[test]
    fn a_list_element_put_beside_ours_is_taken_and_nothing_else() {
        let service = |port: u16, entries: Value| {
            Object::from_value(json!({"apiVersion": "v1", "kind": "Service", "metadata":
                {"name": "a", "resourceVersion": "7", "managedFields": entries},
                "spec": {"ports": [{"name": "http", "port": port, "protocol": "TCP"}]}}))
            .unwrap()
        };
        let foreign = r#"k:{"port":81,"protocol":"TCP"}"#;
        let ours = entry("us", "Apply", json!({"f:spec": {"f:selector": {}}}));
        let theirs = |ports: Value| {
            entry("them", "Update", json!({"f:metadata": {"f:labels": {"f:x": {}}}, "f:spec": {"f:ports": ports}}))
        };
        let live = service(81, json!([ours, theirs(json!({".": {}, foreign: {".": {}, "f:port": {}}}))]));
        let patch = disentangle(&service(80, json!([])), &live, "us").unwrap();
        assert_eq!(
            patch[0]["value"],
            json!([
                entry(
                    "us",
                    "Apply",
                    json!({"f:spec": {"f:selector": {}, "f:ports": {foreign: {".": {}, "f:port": {}}}}})
                ),
                theirs(json!({".": {}})),
            ])
        );
        assert_eq!(disentangle(&service(81, json!([])), &live, "us"), None, "that element is desired");
    }

    #[test]
    fn ownership_is_followed_into_lists() {
        let object = Object::from_value(json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a",
            "managedFields": [entry("other", "Apply", json!({"f:spec": {"f:containers": {
                "k:{\"name\":\"b\"}": {"f:image": {}}}, "f:finalizers": {"v:\"x\"": {}}}}))]},
            "spec": {"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]}}))
        .unwrap();
        let fields = OwnedFields::of_other_appliers(&object, "us");
        let own = |path: &str| fields.own(&path.split('/').map(str::to_owned).collect::<Vec<_>>(), &object);
        assert!(own("spec/containers/1/image"));
        assert!(own("spec/containers/1"));
        assert!(!own("spec/containers/0/image"));
        assert!(!own("spec/containers/1/env"));
    }
}
