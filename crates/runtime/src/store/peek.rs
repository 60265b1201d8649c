//! A glance at an object's JSON, whatever its kind.

use serde::Deserialize;
use weir_api::meta::ConditionStatus;
use weir_reconcile::conditions::READY;

use crate::watch::Raw;

/// The few fields of spec and status that the runtime looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Peek {
    /// `spec.suspend`.
    pub(crate) suspend: bool,
    /// The status of the Ready condition.
    pub(crate) ready: Option<ConditionStatus>,
    /// Whether the object was last concluded at an older generation, or never.
    pub(crate) fresh: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Object {
    spec: Spec,
    status: Status,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Spec {
    suspend: Option<bool>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    observed_generation: Option<i64>,
    conditions: Vec<Condition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type")]
    type_: String,
    status: ConditionStatus,
    observed_generation: Option<i64>,
}

impl Peek {
    /// What has an unexpected shape is as if it were not there.
    pub(super) fn of(raw: &Raw<'_>) -> Self {
        let Object { spec, status } = raw.decode().unwrap_or_default();
        let ready = status.conditions.iter().find(|condition| condition.type_ == READY);
        let generation = raw.meta.generation;
        let seen = status.observed_generation == generation
            || ready.is_some_and(|ready| ready.observed_generation == generation);
        Self {
            suspend: spec.suspend.unwrap_or(false),
            ready: ready.map(|ready| ready.status),
            fresh: generation.is_some() && !seen,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_and_surprises() {
        let peek = |rest: &str| {
            let json = format!(r#"{{"metadata":{{"name":"a","generation":2}}{rest}}}"#);
            Peek::of(&Raw::parse(&json).unwrap())
        };
        assert_eq!(peek(""), Peek { fresh: true, ..Peek::default() });
        assert!(peek(r#","spec":{"suspend":true,"x":[1]}"#).suspend);
        let ready = r#","status":{"observedGeneration":2,"conditions":[{"type":"Ready","status":"True"}]}"#;
        assert_eq!(peek(ready), Peek { ready: Some(ConditionStatus::True), ..Peek::default() });
        assert!(peek(r#","status":{"observedGeneration":1,"conditions":[]}"#).fresh);
        let failed = r#","status":{"observedGeneration":1,"conditions":[{"type":"Ready","status":"False","observedGeneration":2}]}"#;
        assert!(!peek(failed).fresh, "a failure at this generation was concluded too");
        assert!(peek(r#","spec":null,"status":7"#).fresh);
    }
}
