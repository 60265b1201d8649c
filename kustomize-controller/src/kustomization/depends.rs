//! `spec.dependsOn`: whether everything that must be ready first is.

mod shown;

use std::{collections::BTreeSet, fmt, sync::Arc};

use serde_json::Value;
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
    /// Nobody could say whether it is there.
    #[error("dependency '{name}' not found: {message}")]
    Unknown {
        /// Which.
        name: Name,
        /// What the server said.
        message: String,
    },
    /// Its readyExpr says no.
    #[error("dependency '{0}' is not ready according to readyExpr eval")]
    Expression(Name),
    /// Its readyExpr cannot be evaluated as it is now: a field may still come.
    #[error("dependency '{name}' is not ready according to readyExpr eval: {message}")]
    Evaluation {
        /// Which.
        name: Name,
        /// What the evaluator said.
        message: String,
    },
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
    /// Finds a Kustomization by namespace and name; an error says why nobody knows.
    pub lookup: &'a dyn Fn(&Name) -> Found,
    /// Evaluates a readyExpr with `self` and `dep`; only called when one is set.
    pub evaluate: &'a dyn Fn(&str, &Value, &Value) -> Result<Evaluated, String>,
    /// Of dependencies in other namespaces an expression sees only what says how far they are.
    pub restricted: bool,
    /// A readyExpr comes on top of the built-in check instead of in its place.
    pub additive: bool,
}

/// A Kustomization if there is one, or why nobody knows.
pub type Found = Result<Option<Arc<Kustomization>>, String>;

/// What became of a well-formed expression: its result, or why there is none.
pub type Evaluated = Result<bool, String>;

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
    let dependency = match (view.lookup)(&name) {
        Ok(Some(dependency)) => dependency,
        Ok(None) => return Ok(Some(Blocked::NotFound(name))),
        Err(message) => return Ok(Some(Blocked::Unknown { name, message })),
    };
    if let Some(expression) = reference.ready_expr.as_deref().filter(|e| !e.is_empty()) {
        let is_foreign = view.restricted && name.namespace != namespace(ks);
        let shown = if is_foreign { shown::progress(&dependency) } else { shown::whole(&dependency) };
        let evaluated = (view.evaluate)(expression, &shown::whole(ks), &shown)
            .map_err(|message| BadExpression { dependency: name.clone(), message })?;
        match evaluated {
            Ok(true) if view.additive => {}
            Ok(true) => return Ok(None),
            Ok(false) => return Ok(Some(Blocked::Expression(name))),
            Err(message) => return Ok(Some(Blocked::Evaluation { name, message })),
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
        let of = source.namespace.clone().filter(|namespace| !namespace.is_empty());
        (source.kind, source.name.clone(), of.unwrap_or_else(|| namespace(ks).to_owned()))
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
            && let Ok(Some(next)) = (view.lookup)(&name)
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
        let lookup = |name: &Name| Ok(others.iter().find(|o| own_name(o) == *name).cloned().map(Arc::new));
        let evaluate = |expression: &str, _: &Value, dep: &Value| match expression {
            "yes" => Ok(Ok(true)),
            "no" => Ok(Ok(false)),
            "later" => Ok(Err("no such key: later".to_owned())),
            "spec" => Ok(Ok(dep.get("spec").is_some())),
            _ => Err("no such function".to_owned()),
        };
        check(ks, "main@sha1:1", &View { lookup: &lookup, evaluate: &evaluate, restricted: true, additive })
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
        let later = dependant(serde_json::json!({ "name": "db", "readyExpr": "later" }));
        let text = "dependency 'a/db' is not ready according to readyExpr eval: no such key: later";
        assert_eq!(blocked(&later, &stale), text);
        let bad = dependant(serde_json::json!({ "name": "db", "readyExpr": "bad()" }));
        assert!(run(&bad, &stale, false).is_err());
    }

    #[test]
    fn of_another_tenants_kustomization_an_expression_sees_no_spec() {
        let app = |namespace: &str| {
            dependant(serde_json::json!({ "name": "db", "namespace": namespace, "readyExpr": "spec" }))
        };
        let mut other = ready("db", "main@sha1:1", 2);
        assert_eq!(run(&app("a"), &[other.clone()], false).unwrap(), Ok(()));
        other.metadata.namespace = Some("b".to_owned());
        assert_eq!(blocked(&app("b"), &[other]), "dependency 'b/db' is not ready according to readyExpr eval");
    }

    #[test]
    fn a_dependency_nobody_can_look_for_says_why() {
        let app = dependant(serde_json::json!({ "name": "db" }));
        let lookup = |_: &Name| Err("the API server did not answer within 60s".to_owned());
        let evaluate = |_: &str, _: &Value, _: &Value| Ok(Ok(true));
        let view = View { lookup: &lookup, evaluate: &evaluate, restricted: false, additive: false };
        let blocked = check(&app, "r", &view).unwrap().unwrap_err();
        assert_eq!(blocked.to_string(), "dependency 'a/db' not found: the API server did not answer within 60s");
    }

    #[test]
    fn a_cycle_is_named() {
        let app = dependant(serde_json::json!({ "name": "db" }));
        let db = ks(serde_json::json!({ "metadata": { "name": "db" }, "spec": { "dependsOn": [{ "name": "app" }] } }));
        let text = blocked(&app, &[app.clone(), db]);
        assert!(text.contains("a/app -> a/db -> a/app"), "{text}");
    }
}
