//! Changing scalars of a text and nothing else of it.
//!
//! ```text
//! text --Edit::new--> documents --set(document, path, text)--> changes --finish--> text, all other bytes as they were
//! ```
//! A scalar keeps the way it is written where the new text allows: quotes stay quotes, a block stays a block at its
//! indentation, plain text becomes quoted when it would read as something else. What stands behind it, such as a marker
//! comment, stays. [`Edit::finish`] reads what it wrote and compares: a change that would mean anything else is refused.

mod block;
mod check;
mod form;

use std::collections::HashMap;
use std::ops::Range;

use crate::{Data, Document, Error, Limits, Node, Style, parse};

/// A step from a node to one below it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// The value of a key of a mapping.
    Key(String),
    /// An item of a sequence, counted from 0.
    Index(usize),
}

impl From<&str> for Step {
    fn from(key: &str) -> Self {
        Step::Key(key.to_owned())
    }
}

impl From<usize> for Step {
    fn from(index: usize) -> Self {
        Step::Index(index)
    }
}

/// Why a scalar could not be changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    /// The text is no YAML.
    #[error("the text cannot be read")]
    Read(#[source] Error),
    /// Nothing stands at the path.
    #[error("document {document} has no {path}")]
    NoSuchPath {
        /// The document, counted from 0.
        document: usize,
        /// The path, keys and indexes joined by dots.
        path: String,
    },
    /// A mapping or a sequence stands at the path.
    #[error("{path} in document {document} is no scalar, so its text cannot be set")]
    NotScalar {
        /// The document, counted from 0.
        document: usize,
        /// The path, keys and indexes joined by dots.
        path: String,
    },
    /// The value is not written at all and there is no place to write it at.
    #[error("{path} in document {document} has no value in the text; write one by hand first")]
    NoPlace {
        /// The document, counted from 0.
        document: usize,
        /// The path, keys and indexes joined by dots.
        path: String,
    },
    /// The text with the changes would not read as meant.
    #[error("{path} cannot hold the new text without changing what stands around it; edit it by hand")]
    Unsafe {
        /// The first path that would read differently, keys and indexes joined by dots.
        path: String,
    },
}

/// A scalar (or an alias) that can be set.
#[derive(Debug, Clone)]
pub struct Scalar<'d> {
    /// The document, counted from 0 without those that are empty.
    pub document: usize,
    /// Where it stands in the document.
    pub path: Vec<Step>,
    /// The scalar, its comments with it.
    pub node: &'d Node,
}

/// Changes to a text, collected and then made at once.
#[derive(Debug)]
pub struct Edit<'t> {
    text: &'t str,
    limits: Limits,
    documents: Vec<Document>,
    changes: HashMap<Place, Change>,
}

/// Document and path.
type Place = (usize, Vec<Step>);

#[derive(Debug)]
struct Change {
    value: String,
    /// It may read as something else than a text.
    any_kind: bool,
    /// What is replaced in the text, in order.
    splices: Vec<(Range<usize>, String)>,
}

/// A node and what decides how it can be written.
struct Found<'d> {
    node: &'d Node,
    /// It stands inside of a flow collection.
    flow: bool,
}

impl<'t> Edit<'t> {
    /// Reads the text.
    ///
    /// # Errors
    /// As [`parse`].
    pub fn new(text: &'t str, limits: &Limits) -> Result<Self, Error> {
        let documents = parse(text, limits)?;
        Ok(Self { text, limits: *limits, documents, changes: HashMap::new() })
    }

    /// The documents of the text, those without content left out.
    #[must_use]
    pub fn documents(&self) -> &[Document] {
        &self.documents
    }

    /// Every scalar and alias that is a value or an item, in the order of the text; keys are none.
    #[must_use]
    pub fn scalars(&self) -> Vec<Scalar<'_>> {
        let mut scalars = Vec::new();
        for (document, node) in self.documents.iter().enumerate() {
            collect(node, document, &mut Vec::new(), &mut scalars);
        }
        scalars
    }

    /// Sets the scalar at a path to a text, which it will read as whatever it looks like. False when it has that text
    /// already, quoted or not.
    ///
    /// # Errors
    /// Every kind of [`EditError`] but [`EditError::Unsafe`], which [`Self::finish`] finds.
    pub fn set(&mut self, document: usize, path: &[Step], value: &str) -> Result<bool, EditError> {
        self.change(document, path, value, false)
    }

    /// As [`Self::set`], but where a number, a boolean or null stands plain, the new text stands plain too and means what it
    /// looks like: `1.0` becomes `1.1` and not `"1.1"`.
    ///
    /// # Errors
    /// As [`Self::set`].
    pub fn set_like(&mut self, document: usize, path: &[Step], value: &str) -> Result<bool, EditError> {
        self.change(document, path, value, true)
    }

    fn change(&mut self, document: usize, path: &[Step], value: &str, like: bool) -> Result<bool, EditError> {
        let name = || display(path);
        let found = self.find(document, path).ok_or_else(|| EditError::NoSuchPath { document, path: name() })?;
        let any_kind = like && !found.node.is_absent() && found.node.as_str().is_some() && !form::is_text(found.node);
        let splices = match &found.node.data {
            Data::Mapping(_) | Data::Sequence(_) => return Err(EditError::NotScalar { document, path: name() }),
            Data::Scalar(text) if text == value && !found.node.is_absent() => {
                self.changes.remove(&(document, path.to_vec()));
                return Ok(false);
            }
            Data::Scalar(_) | Data::Alias(_) => self.splices(&found, value, any_kind),
        };
        let splices = splices.ok_or_else(|| EditError::NoPlace { document, path: name() })?;
        self.changes.insert((document, path.to_vec()), Change { value: value.to_owned(), any_kind, splices });
        Ok(true)
    }

    /// The text with the changes.
    ///
    /// # Errors
    /// [`EditError::Unsafe`] when it would read as anything but the old one with the new scalars.
    pub fn finish(self) -> Result<String, EditError> {
        if self.changes.is_empty() {
            return Ok(self.text.to_owned());
        }
        let mut splices: Vec<&(Range<usize>, String)> =
            self.changes.values().flat_map(|change| &change.splices).collect();
        splices.sort_by_key(|(range, _)| range.start);
        let mut out = String::with_capacity(self.text.len() + 64);
        let mut at = 0;
        for (range, text) in splices {
            out.push_str(self.text.get(at..range.start).unwrap_or_default());
            out.push_str(text);
            at = range.end;
        }
        out.push_str(self.text.get(at..).unwrap_or_default());
        self.check(&out)?;
        Ok(out)
    }

    fn find(&self, document: usize, path: &[Step]) -> Option<Found<'_>> {
        let mut node = self.documents.get(document)?;
        let mut flow = false;
        for step in path {
            flow |= node.style == Style::Flow;
            node = match step {
                Step::Key(key) => node.get(key)?,
                Step::Index(index) => node.as_sequence()?.get(*index)?,
            };
        }
        Some(Found { node, flow })
    }

    /// What is to be replaced so that the node reads as `value`.
    fn splices(&self, found: &Found<'_>, value: &str, any_kind: bool) -> Option<Vec<(Range<usize>, String)>> {
        let position = found.node.position;
        let (start, end) = (position.start as usize, position.end as usize);
        if start == end {
            // Nothing stands there: behind `:`, `-`, a tag or an anchor is a place for it.
            let before = self.text.get(..start)?.chars().next_back()?;
            let place = before == ':' || before == '-' || (found.node.tag().is_some() || found.node.anchor().is_some());
            let written = form::inline(value, Style::Plain, found.flow, false);
            return place.then(|| vec![(start..end, format!(" {written}"))]);
        }
        match found.node.style {
            Style::Literal | Style::Folded => Some(block::splices(self.text, start, end, found.node, value)),
            style => Some(vec![(start..end, form::inline(value, style, found.flow, any_kind))]),
        }
    }
}

fn collect<'d>(node: &'d Node, document: usize, path: &mut Vec<Step>, scalars: &mut Vec<Scalar<'d>>) {
    let mut below = |step: Step, child: &'d Node, scalars: &mut Vec<Scalar<'d>>| {
        path.push(step);
        collect(child, document, path, scalars);
        path.pop();
    };
    match &node.data {
        Data::Scalar(_) | Data::Alias(_) => scalars.push(Scalar { document, path: path.clone(), node }),
        Data::Mapping(entries) => {
            for (key, value) in entries {
                if let Some(key) = key.as_str() {
                    below(Step::Key(key.to_owned()), value, scalars);
                }
            }
        }
        Data::Sequence(items) => {
            for (index, item) in items.iter().enumerate() {
                below(Step::Index(index), item, scalars);
            }
        }
    }
}

/// A path for people: keys and indexes joined by dots.
fn display(path: &[Step]) -> String {
    if path.is_empty() {
        return "the document".to_owned();
    }
    let steps = path.iter().map(|step| match step {
        Step::Key(key) => key.clone(),
        Step::Index(index) => index.to_string(),
    });
    steps.collect::<Vec<_>>().join(".")
}
