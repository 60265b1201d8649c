//! Text to nodes: [`scan`] makes tokens of the text and collects comments, [`compose`] makes nodes of the tokens.
//!
//! Accepts and refuses what go-yaml v3 does, up to the bounds of [`Limits`], and puts comments where it puts them. Two things
//! differ: an alias may name an anchor of its own document only, and a byte order mark counts at the start of the text only.

mod block_scalar;
mod comments;
mod compose;
mod cursor;
mod flow;
mod keys;
mod properties;
mod scalar;
mod scan;
mod token;

use self::compose::Composer;
use crate::{Document, Error, ErrorKind, Limits, Node};

/// Errors are rare and results are many: an error goes through the reader behind one pointer.
type Fault = Box<Error>;

/// Reads every document of `text`. Documents without content are left out, as a reader of manifests does.
///
/// # Errors
/// The first thing that is no YAML or passes a limit, with its line and column.
pub fn parse(text: &str, limits: &Limits) -> Result<Vec<Document>, Error> {
    let mut composer = Composer::new(text, limits).map_err(|fault| *fault)?;
    let mut documents = Vec::new();
    while let Some(node) = composer.document().map_err(|fault| *fault)? {
        if !node.is_absent() {
            documents.push(node);
        }
    }
    Ok(documents)
}

/// Reads exactly one document; none is null.
///
/// # Errors
/// As [`parse`], and when there is more than one.
pub fn parse_one(text: &str, limits: &Limits) -> Result<Document, Error> {
    let mut documents = parse(text, limits)?;
    match (documents.pop(), documents.is_empty()) {
        (None, _) => Ok(Node::null()),
        (Some(node), true) => Ok(node),
        (Some(node), false) => {
            let what = ErrorKind::Syntax("expected a single document");
            Err(Error::new(what, node.position.line, node.position.column))
        }
    }
}

/// Reads the first document, empty or not, and no further: what follows it need not be YAML. None when there is no document.
///
/// # Errors
/// As [`parse`].
pub fn parse_first(text: &str, limits: &Limits) -> Result<Option<Document>, Error> {
    Composer::new(text, limits).and_then(|mut composer| composer.document()).map_err(|fault| *fault)
}

/// As [`parse_first`], by go-yaml v2, which finds less of what is wrong behind the document.
pub(crate) fn parse_first_v2(text: &str, limits: &Limits) -> Result<Option<Document>, Error> {
    Composer::frugal(text, limits).and_then(|mut composer| composer.document()).map_err(|fault| *fault)
}
