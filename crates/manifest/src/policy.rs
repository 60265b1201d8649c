//! What an object itself says about how it is applied, in annotations or labels. Values are compared without case.

use crate::object::Object;

/// The prefix of every key here.
pub const GROUP: &str = "kustomize.toolkit.fluxcd.io";

/// How server-side apply treats an object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ssa {
    /// Fields are taken over, from kubectl too.
    #[default]
    Override,
    /// Fields others manage stay theirs: no take-over from kubectl.
    Merge,
    /// Applied only when it is not there.
    IfNotPresent,
    /// Never applied nor deleted.
    Ignore,
}

/// What an object says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Policy {
    /// `…/ssa`.
    pub ssa: Ssa,
    /// False with `…/reconcile: disabled`: neither applied nor pruned.
    pub reconcile: bool,
    /// True with `…/force: enabled`: recreated when an immutable field changes.
    pub force: bool,
    /// False with `…/prune: disabled`.
    pub prune: bool,
    /// False with `…/substitute: disabled`.
    pub substitute: bool,
}

impl Policy {
    /// Reads it.
    #[must_use]
    pub fn of(object: &Object) -> Self {
        let says = |key: &str, value: &str| {
            let key = format!("{GROUP}/{key}");
            [object.label(&key), object.annotation(&key)].into_iter().flatten().any(|v| v.eq_ignore_ascii_case(value))
        };
        let ssa = [("ignore", Ssa::Ignore), ("ifnotpresent", Ssa::IfNotPresent), ("merge", Ssa::Merge)]
            .into_iter()
            .find_map(|(value, ssa)| says("ssa", value).then_some(ssa));
        Self {
            ssa: ssa.unwrap_or_default(),
            reconcile: !says("reconcile", "disabled"),
            force: says("force", "enabled"),
            prune: !says("prune", "disabled"),
            substitute: !says("substitute", "disabled"),
        }
    }

    /// Whether the object is not to be touched at all.
    #[must_use]
    pub fn is_excluded(self) -> bool {
        !self.reconcile || self.ssa == Ssa::Ignore
    }

    /// Whether the object may be deleted when it left the source.
    #[must_use]
    pub fn may_prune(self) -> bool {
        self.prune && !self.is_excluded()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn annotations_and_labels_count_whatever_their_case() {
        let of = |field: &str, key: &str, value: &str| {
            Policy::of(
                &Object::from_value(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata":
                    {"name": "a", field: {format!("{GROUP}/{key}"): value}}}))
                .unwrap(),
            )
        };
        assert_eq!(of("annotations", "ssa", "IfNotPresent").ssa, Ssa::IfNotPresent);
        assert_eq!(of("labels", "ssa", "merge").ssa, Ssa::Merge);
        assert!(of("labels", "ssa", "IGNORE").is_excluded());
        assert!(of("annotations", "reconcile", "Disabled").is_excluded());
        assert!(!of("annotations", "prune", "disabled").may_prune());
        assert!(of("annotations", "force", "Enabled").force);
        assert!(!of("labels", "substitute", "disabled").substitute);
        let plain = of("labels", "other", "x");
        assert!(plain.may_prune() && !plain.is_excluded() && plain.substitute && plain.ssa == Ssa::Override);
    }
}
