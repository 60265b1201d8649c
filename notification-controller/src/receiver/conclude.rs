//! What is said of a receiver.

use jiff::Timestamp;
use weir_api::{
    meta::Duration,
    names::reason,
    notification::{Receiver, ReceiverStatus},
};
use weir_reconcile::{
    Conclusion, Conditions, ErrorKind, Event, Failure, Outcome, Requeue, Severity,
    conditions::{READY, RECONCILING, STALLED},
};

use super::{ReceiverError, interval};

const TERMINAL: &str = "Reconciliation failed terminally due to configuration error";

/// The status and the events of a run that found this path.
pub(super) fn from(
    receiver: &Receiver,
    path: Result<String, ReceiverError>,
    now: Timestamp,
) -> Conclusion<ReceiverStatus> {
    let mut status = receiver.status.clone().unwrap_or_default();
    let generation = receiver.metadata.generation;
    let mut conditions = Conditions::new(&status.conditions, generation, now);
    let (event, requeue, outcome) = match path {
        Ok(path) => {
            let interval = interval(&receiver.spec);
            conditions.remove(RECONCILING);
            conditions.remove(STALLED);
            conditions.mark_true(READY, reason::SUCCEEDED, format!("Receiver initialized for path: {path}"));
            status.webhook_path = Some(path);
            status.observed_generation = generation;
            let message = format!("Reconciliation finished, next run in {}", Duration(interval));
            let event = Event::new(Severity::Info, reason::SUCCEEDED, message);
            (event, Requeue::Interval(interval), Outcome::Success)
        }
        Err(error) if error.kind() == ErrorKind::Stall => {
            let message = format!("{TERMINAL}: {error}");
            conditions.remove(RECONCILING);
            conditions.mark_false(READY, error.reason(), message.clone());
            conditions.mark_true(STALLED, error.reason(), message.clone());
            status.observed_generation = generation;
            (Event::new(Severity::Error, error.reason(), message), Requeue::Never, Outcome::Stalled)
        }
        Err(error) => {
            let message = error.to_string();
            conditions.remove(STALLED);
            conditions.mark_true(RECONCILING, reason::PROGRESSING_WITH_RETRY, "Reconciliation in progress");
            conditions.mark_false(READY, error.reason(), message.clone());
            status.webhook_path = None;
            (Event::new(Severity::Error, reason::FAILED, message), Requeue::Backoff, Outcome::Failed)
        }
    };
    status.conditions = conditions.into_vec();
    Conclusion { status, events: vec![event], requeue, outcome }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use weir_api::meta::ConditionStatus;
    use weir_runtime::ObjectKey;

    use super::*;
    use crate::receiver::webhook_path;

    const NOW: Timestamp = Timestamp::constant(1_700_000_000, 0);

    fn receiver() -> Receiver {
        serde_json::from_value(json!({
            "apiVersion": "notification.toolkit.fluxcd.io/v1", "kind": "Receiver",
            "metadata": {"name": "r", "namespace": "apps", "generation": 3},
            "spec": {"type": "generic", "interval": "5m", "resources": [], "secretRef": {"name": "s"}},
            "status": {"observedGeneration": 2, "webhookPath": "/hook/old"},
        }))
        .unwrap()
    }

    fn row(c: &Conclusion<ReceiverStatus>) -> Vec<(String, ConditionStatus, String)> {
        c.status.conditions.iter().map(|c| (c.type_.clone(), c.status, c.reason.clone())).collect()
    }

    #[test]
    fn a_path_makes_it_ready() {
        let path = webhook_path(b"token", &ObjectKey::new("apps", "r"));
        // echo -n tokenrapps | sha256sum
        assert_eq!(path, "/hook/b4a3b70e2bbe30a0e517894cf1b2cc85e1616ef6ad86d27f9842da5bbcc3271a");
        let done = from(&receiver(), Ok(path.clone()), NOW);
        assert_eq!(row(&done), [("Ready".to_owned(), ConditionStatus::True, "Succeeded".to_owned())]);
        assert_eq!(done.status.conditions[0].message, format!("Receiver initialized for path: {path}"));
        assert_eq!(done.status.observed_generation, Some(3));
        assert_eq!(done.events[0].message, "Reconciliation finished, next run in 5m0s");
        assert_eq!(done.requeue, Requeue::Interval(std::time::Duration::from_secs(300)));
    }

    #[test]
    fn a_missing_token_clears_the_path_and_is_tried_again() {
        let error = ReceiverError::NoToken { secret: ObjectKey::new("apps", "s") };
        let done = from(&receiver(), Err(error), NOW);
        let expected = [
            ("Reconciling".to_owned(), ConditionStatus::True, "ProgressingWithRetry".to_owned()),
            ("Ready".to_owned(), ConditionStatus::False, "TokenNotFound".to_owned()),
        ];
        assert_eq!(row(&done), expected);
        assert_eq!((done.status.webhook_path, done.status.observed_generation), (None, Some(2)));
        assert_eq!((done.requeue, done.events[0].reason.as_str()), (Requeue::Backoff, "Failed"));
    }

    #[test]
    fn what_only_a_change_can_mend_is_stalled() {
        let done = from(&receiver(), Err(ReceiverError::Unsupported("gitlab".to_owned())), NOW);
        let expected = [
            ("Ready".to_owned(), ConditionStatus::False, "ValidationFailed".to_owned()),
            ("Stalled".to_owned(), ConditionStatus::True, "ValidationFailed".to_owned()),
        ];
        assert_eq!(row(&done), expected);
        assert!(done.status.conditions[0].message.starts_with(TERMINAL));
        assert!(done.status.conditions[0].message.contains("\"gitlab\" is not supported yet"));
        assert_eq!((done.requeue, done.status.observed_generation), (Requeue::Never, Some(3)));
    }
}
