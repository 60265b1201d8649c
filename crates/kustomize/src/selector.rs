//! Which objects are meant: regular expressions over names, label and annotation selectors.

use regex::Regex;
use serde::Deserialize;

use crate::Error;
use crate::resid::{Gvk, Id, effective_namespace};
use crate::resource::Resource;

/// A selector as it is written.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Selector {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) namespace: String,
    pub(crate) annotation_selector: String,
    pub(crate) label_selector: String,
}

/// A selector ready to use.
pub(crate) struct Matcher {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    name: Option<Regex>,
    namespace: Option<Regex>,
    labels: Vec<Requirement>,
    annotations: Vec<Requirement>,
}

fn anchored(pattern: &str) -> Result<Option<Regex>, Error> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let regex = Regex::new(&format!("^(?:{pattern})$"));
    regex.map(Some).map_err(|_| Error::object(format!("{pattern:?} is no regular expression")))
}

fn fits(regex: &Option<Regex>, text: &str) -> bool {
    regex.as_ref().is_none_or(|r| r.is_match(text))
}

impl Selector {
    pub(crate) fn matcher(&self) -> Result<Matcher, Error> {
        Ok(Matcher {
            group: anchored(&self.group)?,
            version: anchored(&self.version)?,
            kind: anchored(&self.kind)?,
            name: anchored(&self.name)?,
            namespace: anchored(&self.namespace)?,
            labels: requirements(&self.label_selector)?,
            annotations: requirements(&self.annotation_selector)?,
        })
    }

    /// It names nothing but labels and annotations.
    pub(crate) fn has_no_id(&self) -> bool {
        [&self.group, &self.version, &self.kind, &self.name, &self.namespace].iter().all(|s| s.is_empty())
    }
}

impl Matcher {
    /// Patches select by what an object was called at first or is called now.
    pub(crate) fn selects(&self, resource: &Resource) -> bool {
        let (first, now) = (resource.original_id(), resource.id());
        (fits(&self.namespace, &first.namespace) || fits(&self.namespace, &now.namespace))
            && (fits(&self.name, &first.name) || fits(&self.name, &now.name))
            && self.fits_gvk(&now.gvk)
            && self.fits_marks(resource)
    }

    /// Replacements select by every name an object had; its namespace counts as written.
    pub(crate) fn fits_id(&self, gvk: &Gvk, name: &str, namespace: &str) -> bool {
        self.fits_gvk(gvk) && fits(&self.name, name) && fits(&self.namespace, namespace)
    }

    fn fits_gvk(&self, gvk: &Gvk) -> bool {
        fits(&self.group, &gvk.group) && fits(&self.version, &gvk.version) && fits(&self.kind, &gvk.kind)
    }

    pub(crate) fn fits_marks(&self, resource: &Resource) -> bool {
        satisfied(&self.labels, resource, "labels") && satisfied(&self.annotations, resource, "annotations")
    }
}

fn satisfied(requirements: &[Requirement], resource: &Resource, field: &str) -> bool {
    if requirements.is_empty() {
        return true;
    }
    let map = resource.string_map(field);
    requirements.iter().all(|r| {
        let value = map.iter().find(|(k, _)| *k == r.key).map(|(_, v)| v.as_str());
        r.is_met(value)
    })
}

/// An object by the exact parts of its name; empty parts are any.
pub(crate) fn selects_exactly(id: &Id, gvk: &Gvk, name: &str, namespace: &str) -> bool {
    (name.is_empty() || name == id.name)
        && (namespace.is_empty() || effective_namespace(gvk, namespace) == id.namespace)
        && id.gvk.is_selected(gvk)
}

/// One requirement of a label selector.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Requirement {
    key: String,
    operator: Operator,
    values: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    In,
    NotIn,
    Exists,
    Missing,
    Greater,
    Less,
}

impl Requirement {
    fn is_met(&self, value: Option<&str>) -> bool {
        let listed = |text: &str| self.values.iter().any(|v| v == text);
        let number = |text: &str| text.parse::<i64>().ok();
        let compared = |want: std::cmp::Ordering| {
            let bound = self.values.first().and_then(|v| number(v));
            matches!((value.and_then(number), bound), (Some(a), Some(b)) if a.cmp(&b) == want)
        };
        match self.operator {
            Operator::In => value.is_some_and(listed),
            Operator::NotIn => value.is_none_or(|text| !listed(text)),
            Operator::Exists => value.is_some(),
            Operator::Missing => value.is_none(),
            Operator::Greater => compared(std::cmp::Ordering::Greater),
            Operator::Less => compared(std::cmp::Ordering::Less),
        }
    }
}

/// `a=b,c!=d,e in (f,g),!h,i`.
fn requirements(text: &str) -> Result<Vec<Requirement>, Error> {
    split_outside_parentheses(text).into_iter().map(str::trim).filter(|t| !t.is_empty()).map(requirement).collect()
}

fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let (mut parts, mut start, mut depth) = (Vec::new(), 0, 0usize);
    for (at, char) in text.char_indices() {
        match char {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

/// `[domain/]name`, as the API server takes it.
fn is_label_key(key: &str) -> bool {
    let (domain, name) = key.split_once('/').map_or((None, key), |(domain, name)| (Some(domain), name));
    let is_part = |part: &str| {
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        part.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
            && edge(part.chars().next())
            && edge(part.chars().next_back())
    };
    let is_domain = |domain: &str| domain.len() <= 253 && domain.split('.').all(is_part);
    !name.is_empty() && is_label_value(name) && domain.is_none_or(is_domain)
}

fn is_label_value(value: &str) -> bool {
    let edge = |c: Option<char>| c.is_none_or(|c| c.is_ascii_alphanumeric());
    value.len() <= 63
        && value.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && edge(value.chars().next())
        && edge(value.chars().next_back())
}

fn requirement(text: &str) -> Result<Requirement, Error> {
    let refused = || Error::object(format!("{text:?} is no selector"));
    let of = |key: &str, operator, values: Vec<String>| {
        let key = key.trim().to_owned();
        let sound = is_label_key(&key) && values.iter().all(|value| is_label_value(value));
        if sound { Ok(Requirement { key, operator, values }) } else { Err(refused()) }
    };
    let one = |value: &str| vec![value.trim().to_owned()];
    if let Some(key) = text.strip_prefix('!') {
        return of(key, Operator::Missing, Vec::new());
    }
    if text.ends_with(')') {
        let (head, list) = text.split_once('(').ok_or_else(refused)?;
        let values = list.trim_end_matches(')').split(',').map(|v| v.trim().to_owned()).collect();
        let mut words = head.split_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some(key), Some("in"), None) => of(key, Operator::In, values),
            (Some(key), Some("notin"), None) => of(key, Operator::NotIn, values),
            _ => Err(refused()),
        };
    }
    for (sign, operator) in [("!=", Operator::NotIn), ("==", Operator::In), ("=", Operator::In)] {
        if let Some((key, value)) = text.split_once(sign) {
            return of(key, operator, one(value));
        }
    }
    for (sign, operator) in [('>', Operator::Greater), ('<', Operator::Less)] {
        if let Some((key, value)) = text.split_once(sign) {
            return of(key, operator, one(value));
        }
    }
    of(text, Operator::Exists, Vec::new())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_selectors_are_read() {
        let met = |selector: &str, value: Option<&str>| requirements(selector).unwrap().iter().all(|r| r.is_met(value));
        assert!(met("a=b", Some("b")) && !met("a=b", None));
        assert!(met("a!=b", None) && !met("a!=b", Some("b")));
        assert!(met("a in (b, c)", Some("c")) && !met("a in (b,c)", Some("d")));
        assert!(met("a notin (b)", None) && met("!a", None) && met("a", Some("")));
        assert!(met("a>1", Some("2")) && !met("a<1", Some("x")));
        assert!(requirements("a b c").is_err());
    }
}
