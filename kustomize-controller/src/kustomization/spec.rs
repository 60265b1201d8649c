//! What a spec says, parsed once into values that the steps use.

use std::{collections::HashMap, time::Duration};

use jiff::Timestamp;
use weir_api::{kustomize::Kustomization, meta};
use weir_expr::{CompileError, Declared, Expression, HealthExprs};
use weir_manifest::{Health, IgnoreRule, Object, Status, health, selector::TargetSpec};

use super::{depends, error::Error, timing};
use crate::args::Options;

/// Of a spec, what has to be parsed.
#[derive(Debug)]
pub struct Spec {
    /// Fields that are left alone.
    pub ignore: Vec<IgnoreRule>,
    /// Health by expression, by group and kind; an empty kind means every kind of the group.
    pub checks: Checks,
    /// What the build, the health checks and, when it is deleted, the end of its objects may take, each for itself. Applying is
    /// not bounded by it, as in Flux: a stage has limits of its own.
    pub timeout: Duration,
}

impl Spec {
    /// Parses a spec.
    ///
    /// # Errors
    /// When an expression cannot be compiled, a rule cannot be read, or something is asked for that is not there yet.
    pub fn parse(ks: &Kustomization, options: &Options) -> Result<Self, Error> {
        let spec = &ks.spec;
        check_ready_exprs(ks)?;
        let checks = Checks::parse(&spec.health_check_exprs)?;
        if let Some(decryption) = &spec.decryption {
            if decryption.service_account_name.is_some() && !options.object_level_identity {
                return Err(Error::IdentityGate);
            }
            return Err(Error::Unsupported { what: "spec.decryption" });
        }
        if spec.kube_config.is_some() {
            return Err(Error::Unsupported { what: "spec.kubeConfig" });
        }
        let rule = |rule: &meta::IgnoreRule| IgnoreRule::new(&rule.paths, rule.target.as_ref().map(target).as_ref());
        let ignore = spec.ignore.iter().map(rule).collect::<Result<_, _>>().map_err(Error::Ignore)?;
        Ok(Self { ignore, checks, timeout: timing::timeout(spec) })
    }
}

/// Malformed ones are told at once, not when their dependency is there.
fn check_ready_exprs(ks: &Kustomization) -> Result<(), Error> {
    for (dependency, reference) in depends::names(ks).zip(&ks.spec.depends_on) {
        let text = reference.ready_expr.as_deref().unwrap_or_default();
        if let Some(Err(error)) = (!text.is_empty()).then(|| ready_expr(text)) {
            let bad = depends::BadExpression { dependency, message: weir_reconcile::describe(&error) };
            return Err(Error::Expression { message: bad.to_string() });
        }
    }
    Ok(())
}

/// Compiles a `readyExpr`.
///
/// # Errors
/// When it is malformed, is no boolean, or names other variables than `self` and `dep`.
pub fn ready_expr(text: &str) -> Result<Expression, CompileError> {
    Expression::compile_with(text, &Declared { variables: &["self", "dep"], output: Some("bool") })
}

fn target(selector: &meta::Selector) -> TargetSpec {
    let text = |field: &Option<String>| field.clone().unwrap_or_default();
    TargetSpec {
        group: text(&selector.group),
        version: text(&selector.version),
        kind: text(&selector.kind),
        namespace: text(&selector.namespace),
        name: text(&selector.name),
        label_selector: text(&selector.label_selector),
        annotation_selector: text(&selector.annotation_selector),
    }
}

/// `spec.healthCheckExprs`, compiled.
#[derive(Debug, Default)]
pub struct Checks(HashMap<(String, String), HealthExprs>);

impl Checks {
    fn parse(checks: &[meta::HealthCheckExpr]) -> Result<Self, Error> {
        let mut all = HashMap::new();
        for check in checks {
            let group = check.api_version.split_once('/').map_or("", |(group, _)| group);
            let kind = check.kind.clone().unwrap_or_default();
            let compiled = HealthExprs::compile(&check.current, check.in_progress.as_deref(), check.failed.as_deref());
            let of = if kind.is_empty() { group.to_owned() } else { format!("{kind}.{group}") };
            let message = |problem: String| format!("health check expressions of {of}: {problem}");
            let compiled =
                compiled.map_err(|e| Error::Expression { message: message(weir_reconcile::describe(&e)) })?;
            if all.insert((group.to_owned(), kind.clone()), compiled).is_some() {
                return Err(Error::Expression { message: message("given more than once".to_owned()) });
            }
        }
        Ok(Self(all))
    }

    /// The health of an object at a time: by expression where there is one for its kind, else as kstatus has it.
    #[must_use]
    pub fn judge(&self, object: &Object, now: Timestamp) -> Health {
        let (group, kind) = (object.group().to_owned(), object.kind().to_owned());
        let exprs = self.0.get(&(group.clone(), kind)).or_else(|| self.0.get(&(group, String::new())));
        let Some(exprs) = exprs else { return health(object, now) };
        if object.is_terminating() {
            return Health::new(Status::Terminating, "Resource scheduled for deletion");
        }
        match exprs.evaluate(&object.clone().into_value()) {
            Ok(weir_expr::Health::Current) => Health::new(Status::Current, "Resource is current"),
            Ok(weir_expr::Health::Failed) => Health::new(Status::Failed, "Resource has failed"),
            Ok(weir_expr::Health::InProgress) => Health::new(Status::InProgress, "Resource is in progress"),
            // A field may still come: the check fails when time is up, as in Flux.
            Err(error) => Health::new(Status::Unknown, weir_reconcile::describe(&error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_reconcile::{ErrorKind, Failure as _};

    use super::*;

    fn parse(fields: serde_json::Value) -> Result<Spec, Error> {
        let mut ks = json!({"apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization",
            "metadata": {"name": "a", "namespace": "n"},
            "spec": {"interval": "1m", "prune": true, "sourceRef": {"kind": "GitRepository", "name": "s"}}});
        ks["spec"].as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        Spec::parse(&serde_json::from_value(ks).unwrap(), &Options::default())
    }

    fn thing(status: serde_json::Value) -> Object {
        Object::from_value(json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a"},
            "status": status}))
        .unwrap()
    }

    #[test]
    fn expressions_judge_their_kind_and_others_are_judged_as_ever() {
        let spec = parse(json!({"healthCheckExprs": [{"apiVersion": "example.com/v1", "kind": "Thing",
            "current": "status.phase == 'up'", "failed": "status.phase == 'broken'"}]}))
        .unwrap();
        let judge = |object: &Object| spec.checks.judge(object, Timestamp::UNIX_EPOCH).status;
        assert_eq!(judge(&thing(json!({"phase": "up"}))), Status::Current);
        assert_eq!(judge(&thing(json!({"phase": "broken"}))), Status::Failed);
        assert_eq!(judge(&thing(json!({"phase": "coming"}))), Status::InProgress);
        let config = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}});
        assert_eq!(judge(&Object::from_value(config).unwrap()), Status::Current);
    }

    #[test]
    fn an_expression_that_cannot_be_evaluated_yet_says_so_and_is_neither_current_nor_failed() {
        let check = json!({"apiVersion": "example.com/v1", "kind": "Thing", "current": "status.phase == 'up'"});
        let spec = parse(json!({"healthCheckExprs": [check]})).unwrap();
        let health = spec.checks.judge(&thing(json!({})), Timestamp::UNIX_EPOCH);
        let text = "failed to evaluate the CEL expression 'status.phase == 'up'': no such key: phase";
        assert_eq!((health.status, &*health.message), (Status::Unknown, text));
    }

    #[test]
    fn a_malformed_ready_expression_needs_no_dependency_to_be_found() {
        let parse = |text: &str| parse(json!({"dependsOn": [{"name": "first"}, {"name": "db", "readyExpr": text}]}));
        for bad in ["dep.status.", "other.status.x == 1", "'text'"] {
            let error = parse(bad).unwrap_err();
            assert_eq!((error.kind(), error.reason()), (ErrorKind::Stall, "InvalidCELExpression"), "{bad}");
            assert!(error.to_string().contains("readyExpr of dependency 'n/db'"), "{error}");
        }
        assert!(parse("dep.status.x == self.status.x").is_ok() && parse("").is_ok());
    }

    #[test]
    fn what_only_another_spec_can_help_stalls() {
        for (fields, reason) in [
            (json!({"healthCheckExprs": [{"apiVersion": "x/v1", "current": "a +"}]}), "InvalidCELExpression"),
            (
                json!({"healthCheckExprs": [{"apiVersion": "x/v1", "current": "true"}, {"apiVersion": "x/v2", "current": "true"}]}),
                "InvalidCELExpression",
            ),
            (json!({"decryption": {"provider": "sops", "serviceAccountName": "x"}}), "FeatureGateDisabled"),
            (json!({"decryption": {"provider": "sops"}}), "ReconciliationFailed"),
            (json!({"kubeConfig": {"secretRef": {"name": "x"}}}), "ReconciliationFailed"),
        ] {
            let error = parse(fields.clone()).unwrap_err();
            assert_eq!((error.kind(), error.reason()), (ErrorKind::Stall, reason), "{fields}");
        }
        let rule = parse(json!({"ignore": [{"paths": ["spec"]}]})).unwrap_err();
        assert_eq!(rule.reason(), "ReconciliationFailed");
    }
}
