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
    Merger { schema, meter, of_values: false }.merge(Some(object), Some(patch), At::Unknown).map(whole)
}

/// The same of a chart's values, which are read next and not printed: what takes another's place keeps its own style, and so
/// its type; what is added to a list goes last; an alias is nothing that could be merged and goes.
pub(crate) fn merge_values(below: Node, above: Node, schema: &Schema, meter: &Meter) -> Result<Option<Node>, Error> {
    Merger { schema, meter, of_values: true }.merge(Some(below), Some(above), At::Unknown).map(whole)
}

fn whole(outcome: Outcome) -> Option<Node> {
    match outcome {
        Outcome::Gone => None,
        Outcome::Kept(node) | Outcome::Taken(node) => Some(node),
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
    /// See [`merge_values`].
    of_values: bool,
}

impl<'a> Merger<'a> {
    fn merge(&self, dest: Option<Node>, patch: Option<Node>, at: At<'a>) -> Result<Outcome, Error> {
        self.meter.go_on()?;
        let (have, want) = (shape(dest.as_ref()), shape(patch.as_ref()));
        if self.of_values
            && let Some(outcome) = aliased(dest.as_ref(), patch.as_ref(), have)
        {
            return outcome;
        }
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
        // A part that is new is merged with itself; of a chart's values another's directive is a value.
        let is_itself = !self.of_values || dest.as_ref().is_none_or(|dest| dest.same_data(&patch));
        match (take_map_directive(&mut patch)?, dest) {
            (Directive::Delete, _) => Ok(Outcome::Gone),
            (Directive::Merge, Some(mut dest)) => {
                // What directed there has done so.
                if is_itself {
                    dest.remove("$patch");
                }
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
                    if !self.of_values {
                        restyle(&mut value, style);
                    }
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

/// What becomes of a place where one of both is an alias; none where neither is.
fn aliased(dest: Option<&Node>, patch: Option<&Node>, have: Shape) -> Option<Result<Outcome, Error>> {
    let is_alias = |node: Option<&Node>| node.is_some_and(|node| matches!(node.data, Data::Alias(_)));
    if is_alias(dest) {
        return Some(Ok(Outcome::Gone));
    }
    is_alias(patch).then(|| match have {
        Shape::Nothing => Ok(Outcome::Gone),
        have => Err(Error::object(format!("wrong node kind: expected {}, found an alias", name(have)))),
    })
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
