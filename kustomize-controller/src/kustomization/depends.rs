//! `spec.dependsOn`: whether everything that must be ready first is.

use std::{collections::BTreeSet, fmt, sync::Arc};

use weir_api::{
    kustomize::Kustomization,
    meta::{ConditionStatus, DependencyReference},
};

/// A Kustomization's namespace and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.namespace, self.name)
    }
}

/// Why a Kustomization has to wait. The wording is Flux's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Blocked {
    /// Nothing of that name.
    #[error("dependency '{0}' not found")]
    NotFound(Name),
    /// It is there and not ready at its newest generation.
    #[error("dependency '{0}' is not ready")]
    NotReady(Name),
    /// It has not applied the revision that its dependant is about to apply.
    #[error("dependency '{0}' revision is not up to date")]
    OtherRevision(Name),
    /// Its readyExpr says no.
    #[error("dependency '{0}' is not ready according to readyExpr eval")]
    Expression(Name),
    /// It waits, directly or not, for its dependant.
    #[error("dependency '{via}' waits for '{start}' itself: remove one dependsOn of the cycle {path}")]
    Cycle {
        /// Where the walk began.
        start: Name,
        /// The dependency that leads back.
        via: Name,
        /// Every step, first to last.
        path: String,
    },
}

/// What a check looks at beyond the Kustomization itself.
pub struct View<'a> {
    /// Finds a Kustomization by namespace and name.
    pub lookup: &'a dyn Fn(&Name) -> Option<Arc<Kustomization>>,
    /// Evaluates a readyExpr with `self` and `dep`; only called when one is set.
    pub evaluate: &'a dyn Fn(&str, &Kustomization, &Kustomization) -> Result<bool, String>,
    /// A readyExpr comes on top of the built-in check instead of in its place.
    pub additive: bool,
}

/// A readyExpr that cannot be evaluated: only another spec helps.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to evaluate readyExpr of dependency '{dependency}': {message}")]
pub struct BadExpression {
    /// The dependency whose expression it is.
    pub dependency: Name,
    /// What the evaluator said.
    pub message: String,
}

/// The names in `dependsOn`, in order.
pub fn names(ks: &Kustomization) -> impl Iterator<Item = Name> + '_ {
    ks.spec.depends_on.iter().map(|d| name_of(ks, d))
}

/// Checks every dependency in order and stops at the first that blocks. `revision` is the artifact's about to be applied.
///
/// # Errors
/// When a readyExpr cannot be evaluated.
pub fn check(ks: &Kustomization, revision: &str, view: &View<'_>) -> Result<Result<(), Blocked>, BadExpression> {
    for reference in &ks.spec.depends_on {
        if let Some(blocked) = blocked_by(ks, reference, revision, view)? {
            return Ok(Err(cycle(ks, view).unwrap_or(blocked)));
        }
    }
    Ok(Ok(()))
}

fn blocked_by(
    ks: &Kustomization,
    reference: &DependencyReference,
    revision: &str,
    view: &View<'_>,
) -> Result<Option<Blocked>, BadExpression> {
    let name = name_of(ks, reference);
    let Some(dependency) = (view.lookup)(&name) else { return Ok(Some(Blocked::NotFound(name))) };
    if let Some(expression) = reference.ready_expr.as_deref().filter(|e| !e.is_empty()) {
        let ready = (view.evaluate)(expression, ks, &dependency)
            .map_err(|message| BadExpression { dependency: name.clone(), message })?;
        if !ready {
            return Ok(Some(Blocked::Expression(name)));
        }
        if !view.additive {
            return Ok(None);
        }
    }
    if !is_ready(&dependency) {
        return Ok(Some(Blocked::NotReady(name)));
    }
    let applied = dependency.status.as_ref().and_then(|s| s.last_applied_revision.as_deref());
    if same_source(ks, &dependency) && applied != Some(revision) {
        return Ok(Some(Blocked::OtherRevision(name)));
    }
    Ok(None)
}

fn name_of(ks: &Kustomization, reference: &DependencyReference) -> Name {
    Name {
        namespace: reference.namespace.clone().filter(|n| !n.is_empty()).unwrap_or_else(|| namespace(ks).to_owned()),
        name: reference.name.clone(),
    }
}

fn namespace(ks: &Kustomization) -> &str {
    ks.metadata.namespace.as_deref().unwrap_or_default()
}

fn own_name(ks: &Kustomization) -> Name {
    Name { namespace: namespace(ks).to_owned(), name: ks.metadata.name.clone().unwrap_or_default() }
}

/// Ready, and said of the newest generation.
fn is_ready(ks: &Kustomization) -> bool {
    let Some(status) = &ks.status else { return false };
    status.observed_generation == ks.metadata.generation
        && status.conditions.iter().any(|c| c.type_ == "Ready" && c.status == ConditionStatus::True)
}

fn same_source(a: &Kustomization, b: &Kustomization) -> bool {
    let of = |ks: &Kustomization| {
        let source = &ks.spec.source_ref;
        (source.kind, source.name.clone(), source.namespace.clone().unwrap_or_else(|| namespace(ks).to_owned()))
    };
    of(a) == of(b)
}

/// The way from `ks` over dependencies back to itself, if there is one: then no waiting helps.
fn cycle(ks: &Kustomization, view: &View<'_>) -> Option<Blocked> {
    let start = own_name(ks);
    let mut seen = BTreeSet::new();
    let mut open: Vec<(Name, Vec<Name>)> = names(ks).map(|n| (n, vec![start.clone()])).collect();
    while let Some((name, mut path)) = open.pop() {
        let via = path.last().cloned();
        path.push(name.clone());
        if name == start {
            let via = via.filter(|v| *v != start).unwrap_or_else(|| start.clone());
            let path = path.iter().map(Name::to_string).collect::<Vec<_>>().join(" -> ");
            return Some(Blocked::Cycle { start, via, path });
        }
        if seen.insert(name.clone())
            && let Some(next) = (view.lookup)(&name)
        {
            open.extend(names(&next).map(|n| (n, path.clone())));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ks(value: serde_json::Value) -> Kustomization {
        let mut all = serde_json::json!({
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": { "name": "app", "namespace": "a", "generation": 2 },
            "spec": { "interval": "10m", "prune": true, "sourceRef": { "kind": "GitRepository", "name": "repo" } }
        });
        merge(&mut all, value);
        serde_json::from_value(all).unwrap()
    }

    fn merge(into: &mut serde_json::Value, from: serde_json::Value) {
        match (into, from) {
            (serde_json::Value::Object(into), serde_json::Value::Object(from)) => {
                for (key, value) in from {
                    merge(into.entry(key).or_insert(serde_json::Value::Null), value);
                }
            }
            (into, from) => *into = from,
        }
    }

    fn ready(name: &str, revision: &str, observed: i64) -> Kustomization {
        ks(serde_json::json!({ "metadata": { "name": name }, "status": {
            "observedGeneration": observed, "lastAppliedRevision": revision,
            "conditions": [{ "type": "Ready", "status": "True", "reason": "ReconciliationSucceeded", "message": "",
                "lastTransitionTime": "2026-01-01T00:00:00Z" }] } }))
    }

    fn dependant(fields: serde_json::Value) -> Kustomization {
        ks(serde_json::json!({ "spec": { "dependsOn": [fields] } }))
    }

    fn run(ks: &Kustomization, others: &[Kustomization], additive: bool) -> Result<Result<(), Blocked>, BadExpression> {
        let lookup = |name: &Name| others.iter().find(|o| own_name(o) == *name).cloned().map(Arc::new);
        let evaluate = |expression: &str, _: &Kustomization, _: &Kustomization| match expression {
            "yes" => Ok(true),
            "no" => Ok(false),
            _ => Err("no such function".to_owned()),
        };
        check(ks, "main@sha1:1", &View { lookup: &lookup, evaluate: &evaluate, additive })
    }

    fn blocked(ks: &Kustomization, others: &[Kustomization]) -> String {
        run(ks, others, false).unwrap().map_or_else(|b| b.to_string(), |()| String::new())
    }

    #[test]
    fn a_dependency_is_ready_at_its_generation_and_our_revision() {
        let app = dependant(serde_json::json!({ "name": "db" }));
        assert_eq!(blocked(&app, &[]), "dependency 'a/db' not found");
        assert_eq!(blocked(&app, &[ready("db", "main@sha1:1", 1)]), "dependency 'a/db' is not ready");
        assert_eq!(blocked(&app, &[ready("db", "main@sha1:0", 2)]), "dependency 'a/db' revision is not up to date");
        assert_eq!(blocked(&app, &[ready("db", "main@sha1:1", 2)]), "");
        let mut other = ready("db", "whatever", 2);
        other.spec.source_ref.name = "elsewhere".to_owned();
        assert_eq!(blocked(&app, &[other]), "", "another source has other revisions");
    }

    #[test]
    fn a_ready_expression_stands_in_place_of_the_check_or_on_top_of_it() {
        let stale = [ready("db", "main@sha1:0", 2)];
        let yes = dependant(serde_json::json!({ "name": "db", "readyExpr": "yes" }));
        assert_eq!(run(&yes, &stale, false).unwrap(), Ok(()));
        assert!(run(&yes, &stale, true).unwrap().is_err());
        let no = dependant(serde_json::json!({ "name": "db", "readyExpr": "no" }));
        assert_eq!(blocked(&no, &stale), "dependency 'a/db' is not ready according to readyExpr eval");
        let bad = dependant(serde_json::json!({ "name": "db", "readyExpr": "bad()" }));
        assert!(run(&bad, &stale, false).is_err());
    }

    #[test]
    fn a_cycle_is_named() {
        let app = dependant(serde_json::json!({ "name": "db" }));
        let db = ks(serde_json::json!({ "metadata": { "name": "db" }, "spec": { "dependsOn": [{ "name": "app" }] } }));
        let text = blocked(&app, &[app.clone(), db]);
        assert!(text.contains("a/app -> a/db -> a/app"), "{text}");
    }
}
