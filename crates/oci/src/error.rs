//! What can go wrong between us and a registry.

use std::io;

/// What kind of failure it is; the message says the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The registry wants (other) credentials.
    Authentication,
    /// It does not have what was asked for.
    NotFound,
    /// It could not be reached, or failed on its side.
    Transport,
    /// It sent more than is taken.
    Limit,
    /// What it sent is not what it should be.
    Content,
    /// The object's own spec or secret is wrong.
    Spec,
}

/// A failure, with the address it happened at and the next move.
#[derive(Debug, thiserror::Error)]
pub enum OciError {
    /// The URL in the spec.
    #[error("{reason}")]
    Url {
        /// Why it is refused.
        reason: String,
    },
    /// Something else in the spec.
    #[error("{reason}")]
    Spec {
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The regular expression of a tag filter.
    #[error("failed to compile the tag filter {filter:?}")]
    Filter {
        /// What was written.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: regex::Error,
    },
    /// The version range.
    #[error("semver '{range}' parse error")]
    Range {
        /// What was written.
        range: String,
        /// What is wrong with it.
        #[source]
        source: weir_semver::InvalidConstraint,
    },
    /// No tag in the range.
    #[error("no match found for semver: {range}")]
    NoMatch {
        /// What was asked for.
        range: String,
    },
    /// A secret that cannot be used.
    #[error("{name}: {reason}")]
    Secret {
        /// Which secret.
        name: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The HTTP client could not be made of the certificates or the proxy.
    #[error("cannot set up the connection: {reason}")]
    Setup {
        /// What is wrong.
        reason: String,
        /// What the TLS library said.
        #[source]
        source: reqwest::Error,
    },
    /// 401 or 403, from the registry or its token service.
    #[error("{url}: {status}{detail}: {hint}")]
    Denied {
        /// Where.
        url: String,
        /// For example `UNAUTHORIZED (401)`.
        status: String,
        /// What the registry said, with a colon before it.
        detail: String,
        /// Which credentials were shown, and what to do.
        hint: String,
    },
    /// 404.
    #[error("{url}: not found{detail}: check the repository and the tag, and that the credentials may read it")]
    NotFound {
        /// Where.
        url: String,
        /// What the registry said.
        detail: String,
    },
    /// Another status.
    #[error("{url}: the registry answered {status}{detail}")]
    Status {
        /// Where.
        url: String,
        /// The status.
        status: u16,
        /// What the registry said.
        detail: String,
    },
    /// No answer.
    #[error("{url}: {hint}")]
    Transport {
        /// Where.
        url: String,
        /// What to look at.
        hint: &'static str,
        /// What the client said.
        #[source]
        source: reqwest::Error,
    },
    /// Too much.
    #[error("{url}: {what} of more than {limit} refused")]
    Limit {
        /// Where.
        url: String,
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// Bytes that do not match their digest or size.
    #[error("{url}: expected {expected}, got {actual}: the content was changed on the way or in the registry")]
    Mismatch {
        /// Where.
        url: String,
        /// What was asked for.
        expected: String,
        /// What came.
        actual: String,
    },
    /// An answer that is not what the protocol says.
    #[error("{url}: {reason}")]
    Content {
        /// Where.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The local disk.
    #[error("cannot write the layer to a temporary file")]
    Disk(#[source] io::Error),
}

impl OciError {
    /// What kind of failure it is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Url { .. } | Self::Spec { .. } | Self::Filter { .. } | Self::Range { .. } | Self::NoMatch { .. } => {
                Kind::Spec
            }
            Self::Secret { .. } | Self::Setup { .. } | Self::Denied { .. } => Kind::Authentication,
            Self::NotFound { .. } => Kind::NotFound,
            Self::Status { .. } | Self::Transport { .. } | Self::Disk(_) => Kind::Transport,
            Self::Limit { .. } => Kind::Limit,
            Self::Mismatch { .. } | Self::Content { .. } => Kind::Content,
        }
    }

    pub(crate) fn transport(url: &url::Url, source: reqwest::Error) -> Self {
        let hint = if source.is_timeout() {
            "no answer in time: check the address, the network policy and the proxy"
        } else if source.is_redirect() {
            "too many redirects, or one that leaves HTTPS"
        } else if source.is_connect() {
            "cannot connect: check the address, the certificate (spec.certSecretRef), spec.insecure and the proxy"
        } else {
            "the connection broke"
        };
        Self::Transport { url: shown(url), hint, source: source.without_url() }
    }
}

/// A URL for people: no credentials, no query (signed blob URLs hold secrets there).
pub(crate) fn shown(url: &url::Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    // Only URLs that cannot have a user refuse this.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.to_string()
}
