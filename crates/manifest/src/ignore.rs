//! Fields that a Kustomization leaves alone (`spec.ignore`).
//!
//! An ignored field is not compared. When the object is applied for another reason, the field is stripped from what is
//! sent if another applier owns it, else the live value is adopted, so that nobody's value is overwritten.

use serde_json::Value;

use crate::{
    fields::OwnedFields,
    object::Object,
    pointer::{InvalidPointer, Pointer},
    selector::{InvalidSelector, Target, TargetSpec},
};

/// Paths that are left alone in the objects a target means.
#[derive(Clone, Debug)]
pub struct IgnoreRule {
    paths: Vec<Pointer>,
    target: Option<Target>,
}

/// The rule cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRule {
    /// A path is no JSON pointer.
    #[error("invalid path in ignore rule")]
    Path(#[source] InvalidPointer),
    /// The target cannot be read.
    #[error("invalid target in ignore rule")]
    Target(#[source] InvalidSelector),
}

impl IgnoreRule {
    /// A rule from a spec; no target means every object.
    ///
    /// # Errors
    /// When a path is no JSON pointer, or the target cannot be read.
    pub fn new(paths: &[String], target: Option<&TargetSpec>) -> Result<Self, InvalidRule> {
        Ok(Self {
            paths: paths.iter().map(|p| Pointer::parse(p)).collect::<Result<_, _>>().map_err(InvalidRule::Path)?,
            target: target.map(Target::new).transpose().map_err(InvalidRule::Target)?,
        })
    }
}

/// The paths that the rules leave alone in an object.
#[must_use]
pub fn ignored(rules: &[IgnoreRule], object: &Object) -> Vec<Pointer> {
    let mut paths: Vec<Pointer> = rules
        .iter()
        .filter(|rule| rule.target.as_ref().is_none_or(|target| target.matches(object)))
        .flat_map(|rule| rule.paths.iter().cloned())
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

/// What to send for an object that is already there, so that ignored fields stay as they are.
#[must_use]
pub fn respect(desired: &Object, live: &Object, paths: &[Pointer], manager: &str) -> Object {
    let mut sent = desired.clone();
    if paths.is_empty() {
        return sent;
    }
    let others = OwnedFields::of_other_appliers(live, manager);
    // From the end, so that an element removed from a list does not move those still to come.
    for path in paths.iter().rev() {
        match path.get(live.as_map()) {
            Some(value) if !others.own(path.parts(), live) => {
                let value: Value = value.clone();
                path.set(sent.as_map_mut(), value);
            }
            _ => path.remove(sent.as_map_mut()),
        }
    }
    sent
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn deployment(replicas: u32, entries: Value) -> Object {
        Object::from_value(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "a", "managedFields": entries}, "spec": {"replicas": replicas, "paused": true}}))
        .unwrap()
    }

    #[test]
    fn anothers_field_is_stripped_and_an_unowned_one_adopted() {
        let rule = IgnoreRule::new(&["/spec/replicas".to_owned()], None).unwrap();
        let desired = deployment(1, json!(null));
        let paths = ignored(std::slice::from_ref(&rule), &desired);
        let fields = json!({"f:spec": {"f:replicas": {}}});
        let applied = json!([{"manager": "hpa", "operation": "Apply", "fieldsV1": fields}]);
        let updated = json!([{"manager": "kubectl", "operation": "Update", "fieldsV1": fields}]);
        let own = json!([{"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": fields}]);
        let sent = |entries| respect(&desired, &deployment(7, entries), &paths, "kustomize-controller");
        assert_eq!(sent(applied).at(&["spec", "replicas"]), None);
        assert_eq!(sent(updated).integer(&["spec", "replicas"]), Some(7));
        assert_eq!(sent(own).integer(&["spec", "replicas"]), Some(7));
    }

    #[test]
    fn a_rule_counts_only_for_its_target() {
        let target = TargetSpec { kind: "StatefulSet".into(), ..TargetSpec::default() };
        let rule = IgnoreRule::new(&["/spec".to_owned()], Some(&target)).unwrap();
        assert!(ignored(&[rule], &deployment(1, json!(null))).is_empty());
        assert!(IgnoreRule::new(&["spec".to_owned()], None).is_err());
    }
}
