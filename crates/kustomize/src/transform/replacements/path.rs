//! Field paths of replacements: keys, indexes, `[key=value]`, `*`.

use regex::Regex;
use weir_yaml::{Data, Node};

use crate::Error;

enum Part<'a> {
    Index(usize),
    /// Items whose field (or, without one, whose value) matches.
    Items(&'a str, &'a str),
    Every,
    Field(&'a str),
}

fn part(text: &str) -> Part<'_> {
    if let Some(inner) = text.strip_prefix('[').and_then(|t| t.strip_suffix(']'))
        && let Some((key, value)) = inner.split_once('=')
    {
        return Part::Items(key, value);
    }
    if text == "*" {
        return Part::Every;
    }
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) {
        return text.parse().map_or(Part::Field(text), Part::Index);
    }
    Part::Field(text)
}

/// The node at a path of keys, indexes and `[key=value]`.
pub(super) fn lookup<'a>(node: &'a Node, parts: &[String]) -> Option<&'a Node> {
    parts.iter().try_fold(node, |here, text| match (&here.data, part(text)) {
        (Data::Mapping(_), _) => here.get(text).filter(|n| !n.is_null()),
        (Data::Sequence(items), Part::Index(at)) => items.get(at),
        (Data::Sequence(items), Part::Items(key, value)) => items.iter().find(|item| text_at(item, key) == Some(value)),
        (Data::Sequence(items), Part::Field("-")) => items.last(),
        _ => None,
    })
}

fn text_at<'a>(item: &'a Node, key: &str) -> Option<&'a str> {
    if key.is_empty() { item.as_str() } else { item.get_str(key) }
}

type Visit<'v> = &'v mut dyn FnMut(&mut Node) -> Result<(), Error>;

/// Calls `visit` on every node at a path. With `create`, what is missing is made in the shape of that value.
pub(super) fn visit(node: &mut Node, parts: &[String], create: Option<&Node>, visit: Visit<'_>) -> Result<(), Error> {
    walk(node, parts, create, visit)
}

fn made(next: Option<&String>, create: &Node) -> Node {
    match next.map(|text| part(text)) {
        None => match create.data {
            Data::Mapping(_) => Node::mapping(),
            Data::Sequence(_) => Node::sequence(),
            _ => Node::scalar(""),
        },
        Some(Part::Field("-") | Part::Index(_) | Part::Items(..) | Part::Every) => Node::sequence(),
        Some(Part::Field(_)) => Node::mapping(),
    }
}

fn walk(node: &mut Node, parts: &[String], create: Option<&Node>, visit: Visit<'_>) -> Result<(), Error> {
    let Some((head, rest)) = parts.split_first() else { return visit(node) };
    match part(head) {
        Part::Index(at) if matches!(node.data, Data::Sequence(_)) => index(node, at, rest, create, visit),
        Part::Items(key, value) => items(node, key, value, rest, create, visit),
        Part::Every => {
            let Some(list) = node.as_sequence_mut() else {
                return Err(Error::object("'*' is used on what is no list"));
            };
            list.iter_mut().try_for_each(|item| walk(item, rest, create, visit))
        }
        Part::Index(_) | Part::Field(_) => field(node, head, rest, create, visit),
    }
}

fn index(node: &mut Node, at: usize, rest: &[String], create: Option<&Node>, visit: Visit<'_>) -> Result<(), Error> {
    let Some(list) = node.as_sequence_mut() else { return Ok(()) };
    if let Some(create) = create.filter(|_| at == list.len()) {
        list.push(made(rest.first(), create));
    }
    let count = list.len();
    match list.get_mut(at) {
        Some(item) => walk(item, rest, create, visit),
        None => Err(Error::object(format!("index {at} specified but only {count} elements found"))),
    }
}

fn items(
    node: &mut Node,
    key: &str,
    value: &str,
    rest: &[String],
    create: Option<&Node>,
    visit: Visit<'_>,
) -> Result<(), Error> {
    let pattern = Regex::new(value).map_err(|_| Error::object(format!("{value:?} is no regular expression")))?;
    let Some(list) = node.as_sequence_mut() else {
        return Err(Error::object(format!("[{key}={value}] is used on what is no list")));
    };
    let fits = |item: &Node| text_at(item, key).is_some_and(|text| pattern.is_match(text.trim()));
    if let Some(_create) = create.filter(|_| !list.iter().any(fits)) {
        let item = if key.is_empty() {
            Node::scalar(value)
        } else {
            let mut item = Node::mapping();
            item.set(key, Node::scalar(value));
            item
        };
        list.push(item);
    }
    for item in list.iter_mut().filter(|item| fits(item)) {
        // The value of a list of scalars is the place itself.
        let rest = if key.is_empty() { &[] } else { rest };
        walk(item, rest, create, visit)?;
    }
    Ok(())
}

fn field(node: &mut Node, key: &str, rest: &[String], create: Option<&Node>, visit: Visit<'_>) -> Result<(), Error> {
    if !matches!(node.data, Data::Mapping(_)) && !node.is_null() {
        return Err(Error::object(format!("{key} is looked for in what is no mapping")));
    }
    if node.get(key).is_none() {
        let Some(create) = create else { return Ok(()) };
        node.set(key, made(rest.first(), create));
    }
    match node.get_mut(key) {
        Some(field) => walk(field, rest, create, visit),
        None => Ok(()),
    }
}
