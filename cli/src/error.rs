//! What can go wrong, and what to do about it.

use crate::{
    terminal::{Style, Tone},
    text::clean,
};

/// Why a command failed. The text names the object; causes are in the source.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The command was asked for something that makes no sense.
    #[error("{message}")]
    Usage {
        /// What is wrong with it.
        message: String,
        /// The next move.
        hint: Option<String>,
    },
    /// No kubeconfig, or a bad one.
    #[error("cannot load the kubeconfig")]
    Kubeconfig(#[source] Cause),
    /// The API server refused or did not answer.
    #[error("cannot {action}")]
    Api {
        /// What was tried.
        action: String,
        /// What the server said.
        #[source]
        source: Cause,
    },
    /// The kind is unknown to the cluster.
    #[error("the cluster does not know {plural}.{group}")]
    NotInstalled {
        /// Plural of the kind.
        plural: String,
        /// Its group.
        group: String,
    },
    /// The object is not there.
    #[error("{object} not found{}", in_namespace(namespace))]
    NotFound {
        /// `Kind/name`.
        object: String,
        /// Where it was looked for; empty for the whole cluster.
        namespace: String,
        /// The next move.
        hint: String,
    },
    /// The object cannot do what was asked of it.
    #[error("{object}: {message}")]
    Refused {
        /// `Kind/namespace/name`.
        object: String,
        /// Why.
        message: String,
        /// The next move.
        hint: String,
    },
    /// A reconcile ended badly.
    #[error("{object} failed: {message}")]
    Failed {
        /// `Kind/namespace/name`.
        object: String,
        /// What it says.
        message: String,
        /// The next move.
        hint: String,
    },
    /// It took too long.
    #[error("{object} was not done after {after}: {message}")]
    Timeout {
        /// `Kind/namespace/name`.
        object: String,
        /// How long it was waited for.
        after: String,
        /// What it said last.
        message: String,
        /// The next move.
        hint: String,
    },
    /// Several of many did not work; each was reported when it happened.
    #[error("{failed} of {total} failed")]
    Several {
        /// How many failed.
        failed: usize,
        /// Of how many.
        total: usize,
    },
    /// A file could not be read or written.
    #[error("cannot {action}")]
    Io {
        /// What was tried.
        action: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// A directory could not be built.
    #[error("cannot build {path}")]
    Build {
        /// The directory.
        path: String,
        /// Why not.
        #[source]
        source: Cause,
    },
    /// A chart could not be loaded or rendered.
    #[error("cannot {action}")]
    Chart {
        /// What was tried.
        action: String,
        /// Why not; may take several lines.
        #[source]
        source: Cause,
        /// The next move.
        hint: Option<String>,
    },
}

/// An error of the Kubernetes client in a few words.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Cause {
    text: String,
    code: u16,
}

impl Cause {
    /// A cause in words.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), code: 0 }
    }
}

impl From<kube::Error> for Cause {
    fn from(error: kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self { text: status.message.clone(), code: status.code },
            // The outer layers say that a service failed; the innermost says why.
            other => Self { text: innermost(&other), code: 0 },
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

fn in_namespace(namespace: &str) -> String {
    if namespace.is_empty() { String::new() } else { format!(" in namespace {namespace}") }
}

impl Error {
    /// A question that makes no sense, and the next move.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: Some(hint.into()) }
    }

    /// An API call that failed.
    pub fn api(action: impl Into<String>, source: kube::Error) -> Self {
        Self::Api { action: action.into(), source: source.into() }
    }

    /// The same of a server; one that did not answer is named.
    pub fn call(action: String, server: &str, source: kube::Error) -> Self {
        let mut cause = Cause::from(source);
        if cause.code == 0 {
            cause.text = format!("{server}: {}", cause.text);
        }
        Self::Api { action, source: cause }
    }

    /// 2 for a question that makes no sense, 1 for anything else.
    pub fn exit_code(&self) -> u8 {
        if matches!(self, Self::Usage { .. }) { 2 } else { 1 }
    }

    /// The next move.
    fn hint(&self) -> Option<String> {
        match self {
            Self::Usage { hint, .. } | Self::Chart { hint, .. } => hint.clone(),
            Self::Kubeconfig(_) => Some("name one with --kubeconfig FILE, or a context with --context NAME".into()),
            Self::Api { source: Cause { code: 401, .. }, .. } => {
                Some("log in to the cluster again, or choose another user with --context NAME".into())
            }
            Self::Api { source: Cause { code: 403, .. }, .. } => {
                Some("ask for the permission, or use another identity with --context NAME".into())
            }
            Self::Api { source: Cause { code: 0, .. }, .. } => {
                Some("check that the cluster of your current context is up: kubectl cluster-info".into())
            }
            Self::NotInstalled { .. } => {
                Some("install the suite: kubectl apply --server-side -k deploy/install".into())
            }
            Self::NotFound { hint, .. }
            | Self::Refused { hint, .. }
            | Self::Failed { hint, .. }
            | Self::Timeout { hint, .. } => Some(hint.clone()),
            Self::Api { .. } | Self::Several { .. } | Self::Io { .. } | Self::Build { .. } => None,
        }
    }
}

/// The error with its causes and the next move, a line each.
pub fn render(error: &Error, style: Style) -> String {
    let mut out = format!("{} {}\n", style.paint("error:", Tone::Bad), clean(&error.to_string()));
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        let text = cause.to_string();
        let mut lines = text.lines();
        out.push_str(&format!("  because {}\n", clean(lines.next().unwrap_or_default())));
        lines.for_each(|line| out.push_str(&format!("  {}\n", clean(line))));
        source = cause.source();
    }
    if let Some(hint) = error.hint() {
        out.push_str(&format!("{} {}\n", style.paint("hint:", Tone::Dim), clean(&hint)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_names_object_cause_and_next_move() {
        let error = Error::Api {
            action: "list kustomizations".into(),
            source: Cause { text: "forbidden: \u{1b}[31mno".into(), code: 403 },
        };
        assert_eq!(
            render(&error, Style::plain()),
            "error: cannot list kustomizations\n  because forbidden: [31mno\n\
             hint: ask for the permission, or use another identity with --context NAME\n"
        );
        assert_eq!(error.exit_code(), 1);
        assert_eq!(Error::usage("x", "y").exit_code(), 2);
        let gone = kube::Error::Service(std::io::Error::other("Connection refused").into());
        let said = render(&Error::call("list pods".into(), "10.0.0.1:6443", gone), Style::plain());
        assert!(said.contains("because 10.0.0.1:6443: Connection refused"), "{said}");
    }
}
