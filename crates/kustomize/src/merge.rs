//! Strategic merge as kyaml does it: maps are merged, lists replaced unless the schema says by which keys their items are
//! merged, null removes, `$patch` directs. What a patch adds to a merged list goes first.

mod list;

use weir_yaml::{Data, Node};

use crate::Error;
use crate::meter::Meter;
use crate::schema::{At, Schema};

/// What became of a place.
pub(crate) enum Outcome {
    /// Nothing is there any more.
    Gone,
    /// What was there, changed.
    Kept(Node),
    /// The patch's node took the place.
    Taken(Node),
}

/// What a patch says about the place it stands at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Directive {
    Merge,
    Replace,
    Delete,
}

/// Merges a patch into an object; none when the patch deletes it.
pub(crate) fn merge(object: Node, patch: Node, schema: &Schema, meter: &Meter) -> Result<Option<Node>, Error> {
    match (Merger { schema, meter }).merge(Some(object), Some(patch), At::Unknown)? {
        Outcome::Gone => Ok(None),
        Outcome::Kept(node) | Outcome::Taken(node) => Ok(Some(node)),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Nothing,
    Scalar,
    Mapping,
    Sequence,
}

fn shape(node: Option<&Node>) -> Shape {
    match node {
        Some(node) if !node.is_null() => match node.data {
            Data::Mapping(_) => Shape::Mapping,
            Data::Sequence(_) => Shape::Sequence,
            Data::Scalar(_) | Data::Alias(_) => Shape::Scalar,
        },
        _ => Shape::Nothing,
    }
}

pub(super) struct Merger<'a> {
    schema: &'a Schema,
    meter: &'a Meter,
}

impl<'a> Merger<'a> {
    fn merge(&self, dest: Option<Node>, patch: Option<Node>, at: At<'a>) -> Result<Outcome, Error> {
        self.meter.go_on()?;
        let (have, want) = (shape(dest.as_ref()), shape(patch.as_ref()));
        if have != want && have != Shape::Nothing && want != Shape::Nothing {
            return Err(Error::object(format!("wrong node kind: expected {}, found {}", name(have), name(want))));
        }
        let either = if have == Shape::Nothing { want } else { have };
        match either {
            Shape::Nothing => Ok(both_empty(dest, patch.is_some())),
            Shape::Scalar => Ok(match (dest, patch) {
                (_, Some(patch)) if want == Shape::Scalar => Outcome::Taken(patch),
                (Some(dest), None) => Outcome::Kept(dest),
                _ => Outcome::Gone,
            }),
            Shape::Mapping => self.mapping(dest.filter(|d| !d.is_null()), patch, at),
            Shape::Sequence => self.sequence(dest.filter(|d| !d.is_null()), patch, at),
        }
    }

    fn mapping(&self, dest: Option<Node>, patch: Option<Node>, at: At<'a>) -> Result<Outcome, Error> {
        let at = self.schema_here(at, dest.as_ref(), patch.as_ref());
        let Some(mut patch) = patch else {
            return Ok(match dest {
                Some(dest) => Outcome::Kept(self.fields(dest, None, at)?),
                None => Outcome::Gone,
            });
        };
        if patch.is_null() {
            return Ok(Outcome::Gone);
        }
        match (take_map_directive(&mut patch)?, dest) {
            (Directive::Delete, _) => Ok(Outcome::Gone),
            (Directive::Merge, Some(mut dest)) => {
                // New parts of a patch are merged with themselves: what directed there has done so.
                dest.remove("$patch");
                Ok(Outcome::Kept(self.fields(dest, Some(patch), at)?))
            }
            // Merged with itself, what directs inside of it is followed and what is null removed.
            (_, _) => Ok(Outcome::Taken(self.fields(patch.clone(), Some(patch), at)?)),
        }
    }

    /// An object inside an object brings its own schema where nothing is known of the place.
    fn schema_here(&self, at: At<'a>, dest: Option<&Node>, patch: Option<&Node>) -> At<'a> {
        if !at.is_unknown() {
            return at;
        }
        for node in [dest, patch].into_iter().flatten() {
            if let (Some(api_version), Some(kind)) = (node.get_str("apiVersion"), node.get_str("kind")) {
                let found = self.schema.of_kind(api_version, kind);
                if !found.is_unknown() {
                    return found;
                }
            }
        }
        at
    }

    fn fields(&self, mut dest: Node, patch: Option<Node>, at: At<'a>) -> Result<Node, Error> {
        let mut wanted = match patch.map(|p| p.data) {
            Some(Data::Mapping(entries)) => entries,
            _ => Vec::new(),
        };
        let Data::Mapping(entries) = &mut dest.data else { return Ok(dest) };
        let old = std::mem::take(entries);
        entries.reserve(old.len() + wanted.len());
        for (key, value) in old {
            let field = key.as_str().unwrap_or_default().to_owned();
            let patch = wanted.iter().position(|(k, _)| k.as_str() == Some(&field)).map(|at| wanted.remove(at).1);
            let style = value.style;
            match self.merge(Some(value), patch, at.field(&field)).map_err(|e| under(&field, e))? {
                Outcome::Gone => {}
                Outcome::Kept(value) => entries.push((key, value)),
                Outcome::Taken(mut value) => {
                    restyle(&mut value, style);
                    entries.push((key, value));
                }
            }
        }
        for (key, patch) in wanted {
            let field = key.as_str().unwrap_or_default().to_owned();
            match self.merge(None, Some(patch), at.field(&field)).map_err(|e| under(&field, e))? {
                Outcome::Gone => {}
                Outcome::Kept(value) | Outcome::Taken(value) => entries.push((key, value)),
            }
        }
        Ok(dest)
    }

    fn sequence(&self, dest: Option<Node>, patch: Option<Node>, at: At<'a>) -> Result<Outcome, Error> {
        if patch.as_ref().is_some_and(Node::is_null) {
            return Ok(Outcome::Gone);
        }
        let Some(keys) = at.merge_keys() else {
            return Ok(match (dest, patch) {
                (_, Some(patch)) => Outcome::Taken(patch),
                (Some(dest), None) => Outcome::Kept(dest),
                (None, None) => Outcome::Gone,
            });
        };
        match (dest, patch) {
            (None, None) => Ok(Outcome::Gone),
            (Some(dest), None) => Ok(Outcome::Kept(self.items(dest, None, at, keys)?)),
            (None, Some(patch)) => Ok(Outcome::Taken(self.items(patch.clone(), Some(patch), at, keys)?)),
            (Some(mut dest), Some(mut patch)) => match take_list_directive(&mut patch)? {
                Directive::Delete => Ok(Outcome::Gone),
                Directive::Replace => Ok(Outcome::Taken(self.items(patch.clone(), Some(patch), at, keys)?)),
                Directive::Merge => {
                    if let Some(items) = dest.as_sequence_mut() {
                        items.retain(|item| {
                            item.get("$patch").is_none() || item.as_mapping().is_none_or(|m| m.len() > 1)
                        });
                    }
                    Ok(Outcome::Kept(self.items(dest, Some(patch), at, keys)?))
                }
            },
        }
    }
}

fn name(shape: Shape) -> &'static str {
    match shape {
        Shape::Nothing => "nothing",
        Shape::Scalar => "a scalar",
        Shape::Mapping => "a mapping",
        Shape::Sequence => "a sequence",
    }
}

fn under(field: &str, error: Error) -> Error {
    match error {
        Error::Object(text) if text.starts_with("wrong node kind") => Error::Object(format!("{field}: {text}")),
        Error::Object(text) => Error::Object(format!("{field}.{text}")),
        other => other,
    }
}

/// A null somebody wrote out stays; an empty value and what the patch nulls go.
fn both_empty(dest: Option<Node>, patched: bool) -> Outcome {
    match dest {
        Some(dest) if !patched && dest.as_str().is_some_and(|t| !t.is_empty()) => Outcome::Kept(dest),
        _ => Outcome::Gone,
    }
}

/// A value that takes another's place takes its style, as long as it stays what it was.
pub(crate) fn restyle(value: &mut Node, style: weir_yaml::Style) {
    if !matches!(value.data, Data::Scalar(_)) || value.style == style || style == weir_yaml::Style::Flow {
        return;
    }
    if value.style.is_quoted() && value.tag().is_none() {
        value.set_tag(Some("!!str"));
    }
    value.style = style;
}

fn directive(text: Option<&str>) -> Result<Directive, Error> {
    match text {
        Some("merge") => Ok(Directive::Merge),
        Some("replace") => Ok(Directive::Replace),
        Some("delete") => Ok(Directive::Delete),
        other => Err(Error::object(format!("unknown patch strategy '{}'", other.unwrap_or_default()))),
    }
}

fn take_map_directive(patch: &mut Node) -> Result<Directive, Error> {
    let Some(value) = patch.get("$patch").filter(|v| !v.is_null()) else { return Ok(Directive::Merge) };
    let directive = directive(value.as_str())?;
    patch.remove("$patch");
    Ok(directive)
}

/// The directive of a list is an item that holds nothing else.
fn take_list_directive(patch: &mut Node) -> Result<Directive, Error> {
    let Some(items) = patch.as_sequence_mut() else { return Ok(Directive::Merge) };
    let Some(first) = items.iter().position(|item| item.get("$patch").is_some()) else { return Ok(Directive::Merge) };
    let item = items.get(first);
    if item.and_then(Node::as_mapping).is_none_or(|entries| entries.len() > 1) {
        return Ok(Directive::Merge);
    }
    let text = item.and_then(|i| i.get_str("$patch")).map(str::to_owned);
    let directive = directive(text.as_deref())?;
    // Empty items go with it, as in the original.
    items.retain(|i| i.get_str("$patch") != text.as_deref() && !list::is_nothing(i));
    Ok(directive)
}
