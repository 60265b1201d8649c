//! What can go wrong between a URL and a tree, by what a person has to do about it.

use std::time::Duration;

use thiserror::Error;

/// What kind of trouble an [`Error`] is: it decides the reason on a condition and whether trying again makes sense.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The request itself cannot work: URL, reference or option.
    Config,
    /// Credentials are missing, malformed or refused.
    Auth,
    /// The server's identity is not the one we were told to expect.
    HostKey,
    /// The repository is not there.
    NotFound,
    /// The repository has no such branch, tag, version or commit.
    ReferenceNotFound,
    /// The repository has no commits.
    Empty,
    /// TLS failed.
    Tls,
    /// It took longer than allowed.
    Timeout,
    /// The network or the server failed.
    Network,
    /// The server says what we do not understand.
    Protocol,
    /// The server sends more than we accept.
    Limit,
    /// The repository kept on disk failed.
    Store,
}

/// An error of this crate. Messages name the host; none holds a secret.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The URL cannot be used.
    #[error("invalid url: {reason}")]
    Url {
        /// What is wrong with it, without its credentials.
        reason: String,
    },
    /// The reference cannot be used.
    #[error("invalid reference {reference:?}: {reason}")]
    Reference {
        /// As written.
        reference: String,
        /// What is wrong with it.
        reason: String,
    },
    /// An option of the process cannot be used.
    #[error("invalid option {name}: {reason}")]
    Option {
        /// The flag.
        name: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// A secret has not what its URL needs, or it cannot be read.
    #[error("{reason}")]
    Credentials {
        /// What is wrong, naming keys and never values.
        reason: String,
    },
    /// The identity is encrypted and there is no password for it.
    #[error("SSH identity key is encrypted but no 'password' field was provided in the secret")]
    EncryptedIdentity,
    /// The server refused our credentials, or wants some.
    #[error("authentication with {host} failed ({detail}): {next}")]
    Unauthorized {
        /// The server.
        host: String,
        /// `HTTP status 401`, `publickey refused for user git`.
        detail: String,
        /// What to check.
        next: &'static str,
    },
    /// The server's key is not in `known_hosts`.
    #[error("host key of {host} is not known ({algorithm} {fingerprint}): add it to known_hosts in the secret")]
    UnknownHost {
        /// Host, with its port unless 22.
        host: String,
        /// Type of the key.
        algorithm: String,
        /// Its SHA-256 fingerprint.
        fingerprint: String,
    },
    /// The server's key is another one than `known_hosts` has.
    #[error(
        "host key of {host} does not match known_hosts ({algorithm} {fingerprint}): somebody may be in between, or the server has a new key"
    )]
    HostKeyChanged {
        /// Host, with its port unless 22.
        host: String,
        /// Type of the key.
        algorithm: String,
        /// Its SHA-256 fingerprint.
        fingerprint: String,
    },
    /// No such repository.
    #[error("repository not found on {host}: check the path, and that the credentials may read it")]
    NotFound {
        /// The server.
        host: String,
    },
    /// No such branch, tag, name or commit.
    #[error("{what} not found on {host}")]
    ReferenceNotFound {
        /// `branch 'main'`, `tag 'v1'`, `commit 'abc…'`, `version matching '>1'`.
        what: String,
        /// The server.
        host: String,
    },
    /// The repository has no commits.
    #[error("git repository is empty")]
    Empty,
    /// A reference leads to something that is not a commit.
    #[error("{what} does not point to a commit")]
    NotACommit {
        /// The reference.
        what: String,
    },
    /// The server's certificate, or ours, was refused.
    #[error("TLS with {host} failed: {reason}")]
    Tls {
        /// The server.
        host: String,
        /// The TLS stack's words.
        reason: String,
    },
    /// No connection, or it broke.
    #[error("cannot reach {host}: {reason}")]
    Network {
        /// The server, or the proxy.
        host: String,
        /// The system's words.
        reason: String,
    },
    /// The server answers with an HTTP status that is no success.
    #[error("{host} answered with HTTP status {status}")]
    Status {
        /// The server.
        host: String,
        /// The status.
        status: u16,
    },
    /// The server leads us in circles, down to plain HTTP, or redirects what must not be redirected.
    #[error("{host} redirects {reason}: write the final address into the url")]
    Redirect {
        /// The server.
        host: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The server reports an error.
    #[error("{host} reports: {message}")]
    Remote {
        /// The server.
        host: String,
        /// Its words, cut and cleaned.
        message: String,
    },
    /// The server does not speak Git as we know it.
    #[error("{host} sent an answer that is not understood: {reason}")]
    Protocol {
        /// The server.
        host: String,
        /// What was wrong.
        reason: String,
    },
    /// More than we accept.
    #[error("{host} sent more than allowed: {what} is over {limit}")]
    Limit {
        /// The server.
        host: String,
        /// What there is too much of.
        what: &'static str,
        /// How much is allowed.
        limit: u64,
    },
    /// The time is over.
    #[error("no complete answer from {host} within {after:?}")]
    Timeout {
        /// The server.
        host: String,
        /// The allowed time.
        after: Duration,
    },
    /// A tree entry has a name that must not be written anywhere.
    #[error("tree entry {path:?} has a name that is not allowed")]
    Path {
        /// Where it is in the tree, lossy.
        path: String,
    },
    /// What we keep on disk is broken; it is deleted and fetched anew.
    #[error("kept repository is damaged: {reason}")]
    Damaged {
        /// What is missing or unreadable.
        reason: String,
    },
    /// The file system failed.
    #[error("cannot {what} the kept repository")]
    Io {
        /// `open`, `write to`, …
        what: &'static str,
        /// The system's words.
        #[source]
        source: std::io::Error,
    },
    /// A worker thread died.
    #[error("a worker thread failed while reading the repository")]
    Worker,
    /// The visitor of a tree failed.
    #[error("cannot take in the tree")]
    Visitor {
        /// What it said.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Error {
    /// What kind of trouble this is.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Url { .. } | Self::Reference { .. } | Self::Option { .. } => Kind::Config,
            Self::Credentials { .. } | Self::EncryptedIdentity | Self::Unauthorized { .. } => Kind::Auth,
            Self::UnknownHost { .. } | Self::HostKeyChanged { .. } => Kind::HostKey,
            Self::NotFound { .. } => Kind::NotFound,
            Self::ReferenceNotFound { .. } | Self::NotACommit { .. } => Kind::ReferenceNotFound,
            Self::Empty => Kind::Empty,
            Self::Tls { .. } => Kind::Tls,
            Self::Network { .. } | Self::Status { .. } | Self::Remote { .. } => Kind::Network,
            Self::Protocol { .. } | Self::Redirect { .. } => Kind::Protocol,
            Self::Limit { .. } | Self::Path { .. } => Kind::Limit,
            Self::Timeout { .. } => Kind::Timeout,
            Self::Damaged { .. } | Self::Io { .. } | Self::Worker | Self::Visitor { .. } => Kind::Store,
        }
    }

    /// A failed file operation.
    pub(crate) fn io(what: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { what, source }
    }

    /// Something broken on disk.
    pub(crate) fn damaged(reason: impl std::fmt::Display) -> Self {
        Self::Damaged { reason: reason.to_string() }
    }
}

/// Text of a server, fit for a message: one line, printable, at most 300 characters.
pub(crate) fn clean(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let text = text.trim();
    let mut out: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(300).collect();
    if text.chars().count() > 300 {
        out.push('…');
    }
    out
}
