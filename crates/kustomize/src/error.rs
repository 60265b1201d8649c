//! Why a build failed: which file, which field, what is wrong.

use std::fmt;

/// A build that failed. Content of files is never repeated, names and paths are.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A path could not be read.
    #[error("cannot read {path}")]
    Read {
        /// The path in the tree.
        path: String,
        /// Why.
        #[source]
        source: TreeError,
    },
    /// A path leaves what may be read.
    #[error("{path} is refused: {reason}")]
    Refused {
        /// The path as it was written.
        path: String,
        /// Why.
        reason: &'static str,
    },
    /// A folder holds no kustomization file, or more than one.
    #[error("{path}: {reason}")]
    NoKustomization {
        /// The folder.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// A file is not the YAML it should be.
    #[error("{file} is not valid YAML")]
    Yaml {
        /// The file or the field.
        file: String,
        /// Where and why.
        #[source]
        source: weir_yaml::Error,
    },
    /// A field holds what it must not.
    #[error("{file}: {field}: {reason}")]
    Field {
        /// The file.
        file: String,
        /// The field in it.
        field: String,
        /// What is wrong.
        reason: String,
    },
    /// A step of a kustomization failed.
    #[error("{file}: {field}")]
    Step {
        /// The kustomization file.
        file: String,
        /// The field that asked for the step.
        field: String,
        /// Why.
        #[source]
        source: Box<Error>,
    },
    /// Objects cannot be combined or changed as asked.
    #[error("{0}")]
    Object(String),
    /// A bound of [`crate::Budget`] was passed.
    #[error("{what} exceeds the limit of {limit}")]
    Budget {
        /// What there is too much of.
        what: &'static str,
        /// The bound.
        limit: usize,
    },
    /// [`crate::Options::interrupt`] was set.
    #[error("the build was ended before it was done")]
    Interrupted,
    /// A remote file or base could not be fetched.
    #[error("cannot fetch {url}: {reason}")]
    Fetch {
        /// Its address, without what is secret.
        url: String,
        /// Why.
        reason: String,
    },
    /// A chart could not be had or rendered.
    #[error("chart {name}: {reason}")]
    Chart {
        /// The chart's name.
        name: String,
        /// Why, in Helm's words.
        reason: String,
    },
    /// Something that is switched off or not there.
    #[error("{what} is not available: {hint}")]
    Unavailable {
        /// What was asked for.
        what: String,
        /// What to do.
        hint: &'static str,
    },
}

/// Why a tree refused a path.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TreeError {
    /// Nothing is there.
    #[error("no such file")]
    Missing,
    /// It is a folder, a socket, a device or the like.
    #[error("not a regular file")]
    NotAFile,
    /// The path or a link on it leads out of the tree.
    #[error("the path leaves the tree")]
    Escapes,
    /// The file is larger than allowed.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// The system refused.
    #[error("{0}")]
    Io(String),
}

impl Error {
    pub(crate) fn object(message: impl fmt::Display) -> Self {
        Self::Object(message.to_string())
    }

    pub(crate) fn field(file: &str, field: impl fmt::Display, reason: impl fmt::Display) -> Self {
        Self::Field { file: file.to_owned(), field: field.to_string(), reason: reason.to_string() }
    }

    pub(crate) fn yaml(file: &str, source: weir_yaml::Error) -> Self {
        Self::Yaml { file: file.to_owned(), source }
    }

    /// This error as the outcome of a field of a kustomization file.
    pub(crate) fn at(self, file: &str, field: impl fmt::Display) -> Self {
        Self::Step { file: file.to_owned(), field: field.to_string(), source: Box::new(self) }
    }

    /// Whether the build was ended from outside.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        match self {
            Self::Interrupted => true,
            Self::Step { source, .. } => source.is_interrupted(),
            _ => false,
        }
    }

    /// This error under a text of its own; what ends the whole build passes through as it is.
    pub(crate) fn told(self, text: impl FnOnce(&Self) -> String) -> Self {
        match self {
            Self::Interrupted | Self::Budget { .. } => self,
            error => Self::Object(text(&error)),
        }
    }

    /// The whole chain in one line.
    #[must_use]
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(error) = next {
            text.push_str(": ");
            text.push_str(&error.to_string());
            next = error.source();
        }
        text
    }
}
