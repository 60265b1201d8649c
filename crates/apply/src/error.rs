//! What a request to an API server can fail with.

use serde::Deserialize;

/// A request that failed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The server answered with a status that is no success.
    #[error("{message}")]
    Status {
        /// The HTTP status.
        code: u16,
        /// `NotFound`, `Invalid`, …; empty when the server gave none.
        reason: String,
        /// What the server said.
        message: String,
        /// `FieldManagerConflict`, `FieldValueInvalid`, ….
        causes: Vec<String>,
    },
    /// The server does not serve the kind.
    #[error("no matches for kind {kind:?} in version {api_version:?}")]
    NoMatch {
        /// The kind.
        kind: String,
        /// Its apiVersion.
        api_version: String,
    },
    /// The account to act as cannot exist.
    #[error("{account:?} is not the name of a ServiceAccount: correct spec.serviceAccountName")]
    Account {
        /// Namespace and name.
        account: String,
    },
    /// The server could not be reached.
    #[error("request to the API server failed")]
    Transport(#[source] Box<kube::Error>),
    /// The server's answer broke off or is no JSON of an object.
    #[error("the API server's answer cannot be read")]
    Answer(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The server did not answer in time.
    #[error("the API server did not answer within {seconds}s")]
    Timeout {
        /// How long was waited.
        seconds: u64,
    },
}

/// `metav1.Status`, as far as it is used.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Status {
    reason: String,
    message: String,
    details: Option<Details>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    causes: Vec<Cause>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cause {
    reason: String,
}

impl RequestError {
    pub(crate) fn from_answer(code: u16, body: &[u8]) -> Self {
        let status: Status = serde_json::from_slice(body).unwrap_or_default();
        let message = if status.message.is_empty() {
            let text: String = String::from_utf8_lossy(body).trim().chars().take(512).collect();
            if text.is_empty() { format!("the server answered with status {code}") } else { text }
        } else {
            status.message
        };
        let causes = status.details.unwrap_or_default().causes.into_iter().map(|c| c.reason).collect();
        Self::Status { code, reason: status.reason, message, causes }
    }

    /// The reason the server gave; empty when there is none.
    #[must_use]
    pub fn reason(&self) -> &str {
        match self {
            Self::Status { causes, .. } if causes.iter().any(|c| c == "FieldManagerConflict") => "FieldManagerConflict",
            Self::Status { reason, .. } => reason,
            _ => "",
        }
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn code(&self) -> Option<u16> {
        match self {
            Self::Status { code, .. } => Some(*code),
            _ => None,
        }
    }

    /// There is no such object.
    #[must_use]
    pub fn is_not_found(&self) -> bool {
        self.code() == Some(404)
    }

    /// The server does not serve the kind.
    #[must_use]
    pub fn is_no_match(&self) -> bool {
        matches!(self, Self::NoMatch { .. })
    }

    /// The caller may not do this.
    #[must_use]
    pub fn is_forbidden(&self) -> bool {
        matches!(self.code(), Some(401 | 403))
    }

    /// Somebody wrote in between, or it exists already.
    #[must_use]
    pub fn is_conflict(&self) -> bool {
        self.code() == Some(409)
    }

    /// What was asked for changes a field that cannot change.
    #[must_use]
    pub fn is_immutable(&self) -> bool {
        let Self::Status { reason, .. } = self else { return false };
        // A conflict of field managers is no reason to recreate anything.
        let other = self.reason() == "FieldManagerConflict";
        self.is_immutable_text() || (!other && matches!(reason.as_str(), "Invalid" | "Conflict"))
    }

    /// Whether the server says in words that a field cannot change.
    #[must_use]
    pub fn is_immutable_text(&self) -> bool {
        let Self::Status { message, .. } = self else { return false };
        message.contains("is immutable") || message.contains("immutable field")
    }

    /// Whether a write may have been made although it failed: nobody said that it was not.
    #[must_use]
    pub fn is_uncertain(&self) -> bool {
        match self {
            Self::Status { code, .. } => *code >= 500,
            Self::NoMatch { .. } | Self::Account { .. } => false,
            Self::Transport(_) | Self::Answer(_) | Self::Timeout { .. } => true,
        }
    }

    /// Whether a later try may go well although nothing was changed.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Status { code, .. } => matches!(code, 409 | 429 | 500..),
            Self::NoMatch { .. } | Self::Account { .. } => false,
            Self::Transport(_) | Self::Answer(_) | Self::Timeout { .. } => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(code: u16, reason: &str, message: &str, cause: &str) -> RequestError {
        let body = serde_json::json!({"kind": "Status", "reason": reason, "message": message,
            "details": {"causes": [{"reason": cause}]}});
        RequestError::from_answer(code, body.to_string().as_bytes())
    }

    #[test]
    fn immutable_is_told_from_other_refusals() {
        assert!(answer(422, "Invalid", "spec.selector: field is immutable", "FieldValueInvalid").is_immutable());
        assert!(answer(400, "", "Job is immutable", "").is_immutable());
        assert!(!answer(409, "Conflict", "conflict with \"x\"", "FieldManagerConflict").is_immutable());
        assert!(!answer(403, "Forbidden", "no", "").is_immutable());
    }

    #[test]
    fn only_what_was_refused_is_known_not_to_be_there() {
        assert!(!answer(403, "Forbidden", "no", "").is_uncertain());
        assert!(!answer(422, "Invalid", "no", "").is_uncertain());
        assert!(answer(504, "Timeout", "request did not complete in time", "").is_uncertain());
        assert!(RequestError::Timeout { seconds: 60 }.is_uncertain());
    }

    #[test]
    fn an_answer_that_is_no_status_is_still_told() {
        assert_eq!(RequestError::from_answer(502, b"bad gateway\n").to_string(), "bad gateway");
        assert_eq!(RequestError::from_answer(404, b"").to_string(), "the server answered with status 404");
        assert!(RequestError::from_answer(404, b"").is_not_found());
    }
}
