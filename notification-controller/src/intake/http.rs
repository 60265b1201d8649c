//! `POST /`: one event as JSON.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use weir_proto::WireEvent;
use weir_reconcile::describe;

use super::Intake;
use crate::{
    queue::{Accepted, Refused},
    server::{Answer, Asked, Handler, answer, body},
};

/// Answers event POSTs: 202 once the event is safe, 429 for one that came a short while ago.
#[derive(Clone, Debug)]
pub struct HttpIntake {
    intake: Intake,
}

impl HttpIntake {
    /// Serves an intake.
    #[must_use]
    pub fn new(intake: Intake) -> Self {
        Self { intake }
    }
}

impl Handler for HttpIntake {
    const NAME: &'static str = "/";

    async fn handle(&self, request: Asked) -> Answer {
        let body = match body(request.into_body()).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let Some(event) = decode(&body) else {
            tracing::error!(bytes = body.len(), "decoding the request body failed");
            return answer(StatusCode::BAD_REQUEST, "the body is not an event in JSON");
        };
        match self.intake.take(event).await {
            Ok(Accepted::New(_)) => answer(StatusCode::ACCEPTED, ""),
            Ok(Accepted::Duplicate) => answer(StatusCode::TOO_MANY_REQUESTS, "the same event came a short while ago"),
            Err(error) => refusal(&error),
        }
    }
}

fn refusal(error: &Refused) -> Answer {
    let text = describe(error);
    tracing::error!(error = text, "event not accepted");
    let (status, text) = match error {
        Refused::Full => (StatusCode::SERVICE_UNAVAILABLE, "too many events wait to be delivered"),
        Refused::Ending => (StatusCode::SERVICE_UNAVAILABLE, "the service is ending"),
        Refused::TooLarge => (StatusCode::PAYLOAD_TOO_LARGE, "the event is too large"),
        Refused::Journal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the event could not be written"),
    };
    let mut answer = answer(status, text);
    answer.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
    answer
}

/// Reads an event as Go does: what is missing or null is empty, what is unknown is passed over.
fn decode(body: &[u8]) -> Option<WireEvent> {
    let Value::Object(mut fields) = serde_json::from_slice(body).ok()? else { return None };
    fill(&mut fields, &["severity", "message", "reason", "reportingController", "reportingInstance"]);
    if fields.get("involvedObject").is_none_or(Value::is_null) {
        fields.insert("involvedObject".to_owned(), json!({}));
    }
    if let Some(Value::Object(object)) = fields.get_mut("involvedObject") {
        fill(object, &["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"]);
    }
    fields.entry("timestamp").or_insert(Value::Null);
    serde_json::from_value(Value::Object(fields)).ok()
}

fn fill(fields: &mut Map<String, Value>, names: &[&str]) {
    for name in names {
        if fields.get(*name).is_none_or(Value::is_null) {
            fields.insert((*name).to_owned(), Value::String(String::new()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_as_leniently_as_go_reads_them() {
        for text in ["{}", r#"{"metadata":null,"timestamp":null}"#, r#"{"involvedObject":{"kind":null},"extra":1}"#] {
            assert!(decode(text.as_bytes()).is_some(), "{text}");
        }
        for text in ["", "[]", "null", "{", r#"{"message":1}"#, r#"{"involvedObject":"x"}"#, r#"{"timestamp":"x"}"#] {
            assert!(decode(text.as_bytes()).is_none(), "{text}");
        }
        let event = decode(br#"{"involvedObject":{"kind":"Bucket"},"severity":"error","message":"m"}"#).unwrap();
        assert_eq!((event.involved_object.kind.as_str(), event.severity.as_str()), ("Bucket", "error"));
    }
}
