//! Calls of webhooks.

use std::sync::Arc;

use http::StatusCode;
use serde_json::{Value, json};
use weir_api::notification::Receiver;
use weir_reconcile::{
    conditions::{READY, is_true},
    describe,
};
use weir_runtime::{ObjectKey, clock::Clock};

use super::{check, filter, token, wake};
use crate::{
    edge::Edge,
    server::{Answer, Asked, Handler, answer, body},
};

/// Begins every path.
pub const PREFIX: &str = "/hook/";

/// Answers calls: 404 for unknown paths, 503 while the receiver is not ready or suspended, 400 for who is not let in, 500 when
/// an object could not be woken, else 200.
pub struct Hooks<E: Edge> {
    edge: Arc<E>,
    clock: Clock,
    no_cross_namespace: bool,
}

impl<E: Edge> Hooks<E> {
    /// Serves the receivers of a cluster.
    pub fn new(edge: Arc<E>, clock: Clock, no_cross_namespace: bool) -> Self {
        Self { edge, clock, no_cross_namespace }
    }

    async fn call(&self, receiver: &Receiver, request: Asked) -> Answer {
        let key = ObjectKey::of(receiver);
        let ready = receiver.status.as_ref().is_some_and(|status| is_true(&status.conditions, READY));
        if receiver.spec.suspend || !ready {
            let why = if receiver.spec.suspend { "receiver is suspended" } else { "receiver is not ready" };
            tracing::error!(receiver = %key, "unable to process request: {why}");
            return answer(StatusCode::SERVICE_UNAVAILABLE, why);
        }
        let (parts, incoming) = request.into_parts();
        let body = match body(incoming).await {
            Ok(body) => body,
            Err(answer) => return answer,
        };
        let token = match token(&receiver.spec, &key.namespace, self.edge.as_ref()).await {
            Ok(token) => token,
            Err(error) => {
                let error = describe(&error);
                tracing::error!(error, receiver = %key, "unable to validate payload");
                return answer(StatusCode::BAD_REQUEST, "");
            }
        };
        if let Err(error) = check::verify(&receiver.spec, &token, &parts.headers, &body) {
            tracing::error!(error = %error, receiver = %key, "unable to validate payload");
            return answer(StatusCode::BAD_REQUEST, "");
        }
        let filters = match filter::compile(&receiver.spec) {
            Ok(filters) => filters,
            Err(error) => {
                tracing::error!(error = %error, receiver = %key, "unable to create resource filters");
                return answer(StatusCode::INTERNAL_SERVER_ERROR, "");
            }
        };
        let payload = match filters.any() && check::is_json(&parts.headers) {
            true => first_object(&body),
            false => Some(json!({})),
        };
        let Some(payload) = payload else {
            tracing::error!(receiver = %key, "unable to create resource filters: failed to parse request body as JSON");
            return answer(StatusCode::INTERNAL_SERVER_ERROR, "");
        };
        let now = self.clock.now();
        let fine = wake::all(receiver, &filters, &payload, self.no_cross_namespace, now, &self.edge).await;
        answer(if fine { StatusCode::OK } else { StatusCode::INTERNAL_SERVER_ERROR }, "")
    }
}

/// The JSON object a body begins with, as Go's decoder reads it: what follows is not looked at, and null is empty.
fn first_object(body: &[u8]) -> Option<Value> {
    match serde_json::Deserializer::from_slice(body).into_iter().next()?.ok()? {
        Value::Null => Some(json!({})),
        value => Some(value).filter(Value::is_object),
    }
}

impl<E: Edge> Handler for Hooks<E> {
    const NAME: &'static str = PREFIX;

    async fn handle(&self, request: Asked) -> Answer {
        // The path and the query, exactly as they were sent.
        let path = request.uri().to_string();
        let found = path.starts_with(PREFIX).then(|| self.edge.receiver(&path)).flatten();
        match found {
            Some(receiver) => self.call(&receiver, request).await,
            None => answer(StatusCode::NOT_FOUND, ""),
        }
    }
}

#[cfg(test)]
mod tests;
