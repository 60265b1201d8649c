//! Following one object until its reconcile is over.

use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    clock,
    cluster::{Change, Cluster},
    error::Error,
    kind::Kind,
    object::{self, condition, text},
    terminal::Progress,
    text::short_hex,
};

/// What is waited for: that a request is handled, and that this generation is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goal {
    /// The request; none when only the generation counts.
    pub token: Option<String>,
    /// The object's generation when waiting began.
    pub generation: i64,
}

impl Goal {
    /// To see this object as it is now judged, and the request handled.
    pub fn of(object: &Value, token: Option<String>) -> Self {
        let generation = object.pointer("/metadata/generation").and_then(Value::as_i64).unwrap_or(0);
        Self { token, generation }
    }
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not over yet, and what goes on.
    Waiting(String),
    /// It worked.
    Done(String),
    /// It did not work.
    Failed(String),
}

/// Judges an object as kstatus does, but knows that a failed attempt is over although it will be tried again.
pub fn judge(object: &Value, goal: &Goal) -> Verdict {
    let of = |type_| condition(object, type_);
    let message = |condition: Option<&Value>, otherwise: &str| match condition.map(|c| text(c, "/message")) {
        Some(message) if !message.is_empty() => short_hex(message),
        _ => otherwise.to_owned(),
    };
    let reconciling = of("Reconciling").filter(|condition| text(condition, "/status") == "True");
    if goal.token.as_deref().is_some_and(|token| object::handled(object) != token) {
        return Verdict::Waiting(message(reconciling, "waiting to be picked up"));
    }
    let Some(ready) = of("Ready") else {
        return Verdict::Waiting(message(reconciling, "waiting to be reconciled"));
    };
    if ready.pointer("/observedGeneration").and_then(Value::as_i64).is_some_and(|seen| seen < goal.generation) {
        return Verdict::Waiting(message(reconciling, "waiting for the new generation to be reconciled"));
    }
    if let Some(stalled) = of("Stalled").filter(|condition| text(condition, "/status") == "True") {
        return Verdict::Failed(message(Some(stalled), "stalled"));
    }
    let failed = text(ready, "/status") == "False";
    match reconciling {
        // A dependency may become ready any moment, and then this goes on by itself.
        _ if failed && text(ready, "/reason") == "DependencyNotReady" => {
            Verdict::Waiting(message(Some(ready), "a dependency is not ready"))
        }
        Some(reconciling) if failed && text(reconciling, "/reason") == "ProgressingWithRetry" => {
            Verdict::Failed(message(Some(ready), "failed"))
        }
        Some(_) => Verdict::Waiting(message(reconciling, "reconciling")),
        None if failed => Verdict::Failed(message(Some(ready), "failed")),
        None if text(ready, "/status") == "True" => Verdict::Done(message(Some(ready), "ready")),
        None => Verdict::Waiting(message(Some(ready), "reconciling")),
    }
}

/// Watches an object until it is done, and returns what it says then.
pub async fn follow(
    cluster: &Cluster,
    kind: &'static Kind,
    name: &str,
    goal: &Goal,
    timeout: Duration,
    progress: &mut Progress,
) -> Result<String, Error> {
    let namespace = cluster.namespace();
    let display = format!("{}/{namespace}/{name}", kind.kind);
    let begin = clock::now();
    let mut changes = cluster.watch(&kind.resource(), Some(namespace), Some(name), None).boxed();
    let mut says = String::from("waiting to be picked up");
    let mut picked_up = false;
    let failed = |message: String| Error::Failed {
        object: display.clone(),
        message,
        hint: format!("see what happened: weir events --for {}/{name} -n {namespace}", kind.singular()),
    };
    loop {
        let elapsed = seconds_since(begin);
        let Some(left) =
            timeout.checked_sub(Duration::from_secs(elapsed.unsigned_abs())).filter(|left| !left.is_zero())
        else {
            let after = weir_api::meta::Duration(timeout).to_string();
            let hint = if picked_up {
                format!("wait longer with --timeout, or look at: weir events --watch -n {namespace}")
            } else {
                "check that its controller runs: kubectl get deploy -A -l app.kubernetes.io/part-of=flux".to_owned()
            };
            return Err(Error::Timeout { object: display, after, message: says, hint });
        };
        progress.wait(&format!("{display}: {says}"), elapsed);
        // Wake up to show that we are alive, even if nothing happens.
        let change = match tokio::time::timeout(left.min(Duration::from_millis(250)), changes.next()).await {
            Err(_) => continue,
            Ok(None) => return Err(failed("the watch ended".into())),
            Ok(Some(change)) => change,
        };
        match &change {
            Change::Initial(object) | Change::Applied(object) => match judge(object, goal) {
                Verdict::Waiting(message) => {
                    picked_up |= message != says && !matches!(change, Change::Initial(_));
                    says = message;
                }
                Verdict::Done(message) => return Ok(message),
                Verdict::Failed(message) => return Err(failed(message)),
            },
            Change::Deleted(_) => return Err(failed("it was deleted".into())),
            Change::Broken(why) => says = format!("lost the API server, trying again: {why}"),
            Change::Synced => {}
        }
    }
}

fn seconds_since(begin: Timestamp) -> i64 {
    clock::now().as_second().saturating_sub(begin.as_second())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(handled: &str, conditions: Value) -> Value {
        json!({ "metadata": { "generation": 2 }, "status": { "lastHandledReconcileAt": handled, "conditions": conditions } })
    }

    #[test]
    fn a_reconcile_is_over_when_it_says_so() {
        let goal = Goal { token: Some("t".into()), generation: 2 };
        let ready = |status: &str, reason: &str| json!({ "type": "Ready", "status": status, "reason": reason, "message": "m", "observedGeneration": 2 });
        let moving =
            |reason: &str| json!({ "type": "Reconciling", "status": "True", "reason": reason, "message": "moving" });
        let waiting = |text: &str| Verdict::Waiting(text.into());
        for (case, handled, conditions, verdict) in [
            ("not picked up", "s", json!([ready("True", "x")]), waiting("waiting to be picked up")),
            ("at work", "s", json!([moving("Progressing"), ready("True", "x")]), waiting("moving")),
            ("no status", "t", json!([]), waiting("waiting to be reconciled")),
            ("done", "t", json!([ready("True", "x")]), Verdict::Done("m".into())),
            ("failed", "t", json!([ready("False", "x")]), Verdict::Failed("m".into())),
            (
                "will retry",
                "t",
                json!([moving("ProgressingWithRetry"), ready("False", "x")]),
                Verdict::Failed("m".into()),
            ),
            ("health", "t", json!([moving("Progressing"), ready("Unknown", "x")]), waiting("moving")),
            ("unknown", "t", json!([ready("Unknown", "x")]), waiting("m")),
            (
                "dependency",
                "t",
                json!([moving("ProgressingWithRetry"), ready("False", "DependencyNotReady")]),
                waiting("m"),
            ),
            (
                "stalled",
                "t",
                json!([{ "type": "Stalled", "status": "True", "message": "bad url" }, ready("False", "x")]),
                Verdict::Failed("bad url".into()),
            ),
        ] {
            assert_eq!(judge(&object(handled, conditions), &goal), verdict, "{case}");
        }
        let later = Goal { token: None, generation: 3 };
        assert_eq!(
            judge(&object("", json!([ready("True", "x")])), &later),
            waiting("waiting for the new generation to be reconciled")
        );
    }
}
