//! What went wrong in a template, in Helm's words and with the place in the source.

use weir_gotemplate::{Bound, ExecError, Failure, InnerFailure, ParseError, Span};

use super::functions::{MARK_END, MARK_START};

/// Why a chart cannot be rendered.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct RenderError {
    /// What Helm would print.
    pub message: String,
    /// The shortest telling: without the chain of templates that led there.
    pub reason: String,
    /// Where it is in the source of a template; not for texts given to `tpl`.
    pub place: Option<SourcePlace>,
    /// It was nested more deeply than the stack allows: with more of it, it may be fine.
    pub needs_stack: bool,
}

/// What a parser says that has no more stack.
const TOO_DEEP: &str = "max expression depth exceeded";

/// A place in a template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourcePlace {
    /// The path of the template: `app/templates/x.yaml`.
    pub path: String,
    /// The place.
    pub span: Span,
}

/// A template that cannot be parsed.
pub(super) fn parse(error: ParseError, _source: &[u8]) -> RenderError {
    let parts: Vec<&str> = error.message.split(": ").collect();
    let message = match parts.as_slice() {
        [_, location, .., last] => format!("parse error at ({location}): {last}"),
        _ => format!("parse error in ({}): {}", error.name, error.message),
    };
    let reason = (*parts.last().unwrap_or(&"")).to_owned();
    let needs_stack = reason == TOO_DEEP;
    RenderError { message, reason, place: Some(SourcePlace { path: error.name, span: error.span }), needs_stack }
}

/// An execution that failed.
pub(super) fn execute(error: ExecError, source: &dyn Fn(&str) -> Option<Vec<u8>>) -> RenderError {
    let place = place(&error, source);
    let reason = reason(&error);
    let needs_stack = error.bound == Some(Bound::Depth) || reason.contains(TOO_DEEP);
    RenderError { message: reworded(&error), reason, place, needs_stack }
}

/// Whether a bound was exceeded.
pub(super) fn is_bound(error: &ExecError) -> bool {
    let inner = match error.cause.as_deref() {
        Some(Failure::Exec(inner)) => is_bound(inner),
        _ => false,
    };
    error.bound.is_some() || inner
}

/// The innermost place that lies in a file.
fn place(error: &ExecError, source: &dyn Fn(&str) -> Option<Vec<u8>>) -> Option<SourcePlace> {
    let mut found = None;
    let mut at = Some(error);
    while let Some(error) = at {
        if source(&error.source_name).is_some() {
            found = Some(SourcePlace { path: error.source_name.clone(), span: error.span });
        }
        at = match error.cause.as_deref() {
            Some(Failure::Exec(inner)) => Some(inner),
            _ => None,
        };
    }
    found
}

fn reason(error: &ExecError) -> String {
    let text = match error.innermost() {
        InnerFailure::Exec(inner) => inner.message.as_str(),
        InnerFailure::Parse(inner) => inner.message.as_str(),
    };
    if let Some(message) = marked(text) {
        return message.to_owned();
    }
    text.split_once(">: ").map_or(text, |(_, after)| after).to_owned()
}

/// The message of `fail` or `required`.
fn marked(text: &str) -> Option<&str> {
    let (_, after) = text.split_once(MARK_START)?;
    after.rsplit_once(MARK_END).map(|(message, _)| message)
}

/// One frame of a chain of templates.
#[derive(PartialEq, Eq, Clone)]
struct Frame {
    location: String,
    function: String,
    message: String,
}

fn reworded(error: &ExecError) -> String {
    let text = &error.message;
    let mut parts = text.splitn(3, ": ");
    let (Some(_), Some(location), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return format!("execution error in ({}): {text}", error.source_name);
    };
    if let Some(message) = marked(rest) {
        return format!("execution error at ({location}): {message}");
    }
    frames(error).unwrap_or_else(|| text.clone())
}

/// The chain, a frame below the other; `None` when its end is no template's error, which Helm shows as it is.
fn frames(error: &ExecError) -> Option<String> {
    let mut frames: Vec<Frame> = Vec::new();
    let mut at = error;
    loop {
        let frame = frame(&at.message)?;
        if frames.last() != Some(&frame) {
            frames.push(frame);
        }
        let inner = called(&at.message);
        match (at.cause.as_deref(), inner) {
            // A function's own error text ends the chain in something that is no template's error.
            (None, Some(_)) => return None,
            (None, None) => break,
            (Some(_), Some(text)) if !text.starts_with("template: ") => return None,
            (Some(Failure::Exec(next)), _) => at = next,
            (Some(Failure::Parse(next)), _) => {
                frames.push(frame_of(&next.message)?);
                break;
            }
        }
    }
    let text: String = frames.iter().map(Frame::text).collect();
    Some(text.trim().to_owned())
}

fn frame_of(text: &str) -> Option<Frame> {
    frame(text)
}

/// What stands after `error calling NAME: `.
fn called(text: &str) -> Option<&str> {
    let (_, message) = text.split_once(">: ")?;
    let (_, after) = message.strip_prefix("error calling ")?.split_once(": ")?;
    Some(after)
}

fn frame(text: &str) -> Option<Frame> {
    let rest = text.strip_prefix("template: ")?;
    if rest.starts_with("no template ") {
        return Some(Frame { location: String::new(), function: String::new(), message: text.to_owned() });
    }
    executing(rest).or_else(|| {
        let (location, message) = rest.rsplit_once(": ")?;
        Some(Frame { location: location.to_owned(), function: String::new(), message: cut(message) })
    })
}

fn executing(rest: &str) -> Option<Frame> {
    let (location, after) = rest.split_once(": executing ")?;
    let (name, after) = after.strip_prefix('"')?.split_once('"')?;
    let (context, message) = after.strip_prefix(" at <")?.split_once(">: ")?;
    let function = format!("executing \"{name}\" at <{context}>:");
    Some(Frame { location: location.to_owned(), function, message: cut(message) })
}

fn cut(message: &str) -> String {
    message.split_once(" template:").map_or(message, |(before, _)| before).to_owned()
}

impl Frame {
    fn text(&self) -> String {
        let mut out = String::new();
        for (text, after) in [(&self.location, "\n  "), (&self.function, "\n    "), (&self.message, "\n")] {
            if !text.is_empty() {
                out.push_str(text);
                out.push_str(after);
            }
        }
        out
    }
}
