//! Which objects a rule means: label selectors and targets by regular expression.

use regex::Regex;

use crate::object::Object;

/// The text is no selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no {what}")]
pub struct InvalidSelector {
    /// What it should be.
    pub what: &'static str,
    /// What was written.
    pub text: String,
}

/// A Kubernetes label selector: `a=b,c!=d,e in (f,g),h notin (i),j,!k`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector(Vec<Requirement>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Requirement {
    key: String,
    /// None: only whether the key is there.
    values: Option<Vec<String>>,
    negated: bool,
}

impl Selector {
    /// Reads a selector; an empty one matches everything.
    ///
    /// # Errors
    /// When a part is no requirement.
    pub fn parse(text: &str) -> Result<Self, InvalidSelector> {
        let invalid = || InvalidSelector { what: "label selector", text: text.to_owned() };
        split(text)
            .into_iter()
            .filter(|part| !part.is_empty())
            .map(|part| requirement(part).ok_or_else(invalid))
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether labels (or annotations) satisfy it.
    pub fn matches<'a>(&self, value_of: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.0.iter().all(|Requirement { key, values, negated }| {
            let value = value_of(key);
            let holds = match values {
                None => value.is_some(),
                Some(values) => value.is_some_and(|value| values.iter().any(|v| v == value)),
            };
            holds != *negated
        })
    }
}

/// The parts between commas that stand outside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_i32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default().trim());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default().trim());
    parts
}

fn requirement(part: &str) -> Option<Requirement> {
    let key_ok = |key: &str| {
        !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/'))
    };
    let make = |key: &str, values: Option<Vec<String>>, negated| {
        let key = key.trim();
        key_ok(key).then(|| Requirement { key: key.to_owned(), values, negated })
    };
    if let Some(key) = part.strip_prefix('!') {
        return make(key, None, true);
    }
    for (operator, negated) in [("!=", true), ("==", false), ("=", false)] {
        if let Some((key, value)) = part.split_once(operator) {
            return make(key, Some(vec![value.trim().to_owned()]), negated);
        }
    }
    let Some((head, list)) = part.split_once('(') else { return make(part, None, false) };
    let list = list.strip_suffix(')')?;
    let mut words = head.split_whitespace();
    let (key, operator) = (words.next()?, words.next()?);
    let values = list.split(',').map(|v| v.trim().to_owned()).collect();
    match operator {
        "in" => make(key, Some(values), false),
        "notin" => make(key, Some(values), true),
        _ => None,
    }
}

/// Which objects a rule means, as it is written in a spec: every part is optional, and all have to match. Group,
/// version, kind, namespace and name are regular expressions for the whole text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TargetSpec {
    /// Group.
    pub group: String,
    /// Version.
    pub version: String,
    /// Kind.
    pub kind: String,
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Label selector.
    pub label_selector: String,
    /// The same for annotations.
    pub annotation_selector: String,
}

/// A [`TargetSpec`], compiled.
#[derive(Clone, Debug)]
pub struct Target {
    group: Option<Regex>,
    version: Option<Regex>,
    kind: Option<Regex>,
    namespace: Option<Regex>,
    name: Option<Regex>,
    labels: Selector,
    annotations: Selector,
}

impl Target {
    /// Compiles it.
    ///
    /// # Errors
    /// When a part is no regular expression or no selector.
    pub fn new(spec: &TargetSpec) -> Result<Self, InvalidSelector> {
        Ok(Self {
            group: whole(&spec.group)?,
            version: whole(&spec.version)?,
            kind: whole(&spec.kind)?,
            namespace: whole(&spec.namespace)?,
            name: whole(&spec.name)?,
            labels: Selector::parse(&spec.label_selector)?,
            annotations: Selector::parse(&spec.annotation_selector)?,
        })
    }

    /// Whether it means this object.
    #[must_use]
    pub fn matches(&self, object: &Object) -> bool {
        let parts = [
            (&self.group, object.group()),
            (&self.version, object.version()),
            (&self.kind, object.kind()),
            (&self.namespace, object.namespace()),
            (&self.name, object.name()),
        ];
        parts.into_iter().all(|(regex, text)| regex.as_ref().is_none_or(|r| r.is_match(text)))
            && self.labels.matches(|key| object.label(key))
            && self.annotations.matches(|key| object.annotation(key))
    }
}

fn whole(pattern: &str) -> Result<Option<Regex>, InvalidSelector> {
    if pattern.is_empty() {
        return Ok(None);
    }
    let invalid = |_| InvalidSelector { what: "regular expression", text: pattern.to_owned() };
    Regex::new(&format!("^(?:{pattern})$")).map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn label_selectors() {
        let labels = |key: &str| match key {
            "app" => Some("web"),
            "tier" => Some("front"),
            _ => None,
        };
        for (text, expected) in [
            ("", true),
            ("app=web", true),
            ("app==web,tier!=back", true),
            ("app in (web, api), tier notin (back)", true),
            ("tier,!gone", true),
            ("gone", false),
            ("app!=web", false),
            ("gone!=x", true),
            ("app in (api)", false),
        ] {
            assert_eq!(Selector::parse(text).unwrap().matches(labels), expected, "{text}");
        }
        for text in ["app in web", "a b", "app of (x)", "=x"] {
            assert!(Selector::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn targets_match_the_whole_text() {
        let object = Object::from_value(json!({"apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web-1", "namespace": "prod", "labels": {"a": "b"}}}))
        .unwrap();
        let matches = |spec: TargetSpec| Target::new(&spec).unwrap().matches(&object);
        assert!(matches(TargetSpec::default()));
        assert!(matches(TargetSpec {
            kind: "Deployment|StatefulSet".into(),
            name: "web.*".into(),
            ..Default::default()
        }));
        assert!(!matches(TargetSpec { name: "web".into(), ..Default::default() }));
        assert!(!matches(TargetSpec { label_selector: "a=c".into(), ..Default::default() }));
        assert!(Target::new(&TargetSpec { name: "(".into(), ..Default::default() }).is_err());
    }
}
