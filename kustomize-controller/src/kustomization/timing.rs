//! Intervals and budgets of a Kustomization, with the defaults that its spec leaves out.

use std::time::Duration;

use weir_api::kustomize::KustomizationSpec;

/// The least time a run is given when the spec names none.
const LEAST_TIMEOUT: Duration = Duration::from_secs(30);

/// How long health checks may take, or, after a deletion, objects to go. A build is ended after the same time, at the latest
/// after [`super::build::thread::LONGEST`]; applying is not bounded by it.
#[must_use]
pub fn timeout(spec: &KustomizationSpec) -> Duration {
    match spec.timeout {
        Some(timeout) => timeout.0,
        None => spec.interval.0.saturating_sub(Duration::from_secs(30)),
    }
    .max(LEAST_TIMEOUT)
}

/// How long after a failure it is tried again: always the same, no backoff.
#[must_use]
pub fn retry_interval(spec: &KustomizationSpec) -> Duration {
    spec.retry_interval.map_or(spec.interval.0, |retry| retry.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(fields: serde_json::Value) -> KustomizationSpec {
        let mut all = serde_json::json!({ "interval": "10m", "prune": true,
            "sourceRef": { "kind": "GitRepository", "name": "app" } });
        all.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn defaults_follow_the_interval() {
        let plain = spec(serde_json::json!({}));
        assert_eq!(timeout(&plain), Duration::from_secs(570));
        assert_eq!(retry_interval(&plain), Duration::from_secs(600));
        assert_eq!(timeout(&spec(serde_json::json!({ "interval": "45s" }))), LEAST_TIMEOUT);
        let named = spec(serde_json::json!({ "timeout": "2m", "retryInterval": "7s" }));
        assert_eq!((timeout(&named), retry_interval(&named)), (Duration::from_secs(120), Duration::from_secs(7)));
    }
}
