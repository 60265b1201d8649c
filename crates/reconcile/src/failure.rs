//! Errors as the edge sees them: one question, what to do next.

use std::{error::Error, time::Duration};

/// What an error asks of the scheduler; it also decides the condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Try again with backoff (or at the object's own retry interval).
    Retry,
    /// Nothing is wrong yet, something is missing: look again after this long, or when woken.
    Wait(Duration),
    /// Only a changed spec or input can help: mark `Stalled`, do not try again.
    Stall,
}

/// An error of a reconcile step.
pub trait Failure: Error {
    /// What to do next.
    fn kind(&self) -> ErrorKind;

    /// The condition's and event's reason: one CamelCase word, as Flux names it.
    fn reason(&self) -> &'static str;

    /// The next move, for people.
    fn hint(&self) -> Option<String> {
        None
    }
}

/// The error and its causes in one line, outermost first, joined by `: `; a cause whose text its parent
/// already ends with is not repeated.
#[must_use]
pub fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let part = cause.to_string();
        if !part.is_empty() && !text.ends_with(&part) {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&part);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Layer {
        text: &'static str,
        #[source]
        cause: Option<Box<Layer>>,
    }

    #[test]
    fn causes_follow_without_repeats() {
        let root = Layer { text: "connection refused", cause: None };
        let middle = Layer { text: "dial: connection refused", cause: Some(Box::new(root)) };
        let top = Layer { text: "failed to fetch", cause: Some(Box::new(middle)) };
        assert_eq!(describe(&top), "failed to fetch: dial: connection refused");
    }
}
