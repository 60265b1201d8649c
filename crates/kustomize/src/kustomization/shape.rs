//! From values to typed fields, as the original's decoders do it: names in any case, null for what is not given, and what is
//! unknown refused or passed over.

use serde_json::{Map, Value};

use crate::Error;

/// What may stand at a place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shape {
    Text,
    /// A text even where numbers are taken for texts.
    Exact,
    Bool,
    Integer,
    /// A mapping with free keys to texts.
    Texts,
    /// A mapping with free keys to anything.
    Values,
    List(&'static Shape),
    Fields(&'static [(&'static str, Shape)]),
}

/// Typed fields that know their shape.
pub(crate) trait Shaped: serde::de::DeserializeOwned {
    const SHAPE: Shape;
}

/// How much is overlooked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reading {
    /// The kustomization file: unknown fields and other types are refused.
    Strict,
    /// `configurations`: unknown fields are refused, numbers and booleans are taken for texts.
    Known,
    /// Plugins and files of replacements: unknown fields are passed over too.
    Lenient,
}

/// Typed fields from a value.
pub(crate) fn from_value<T: Shaped>(value: Value, file: &str, reading: Reading) -> Result<T, Error> {
    let shaped = shape(value, T::SHAPE, file, reading)?;
    typed(shaped, file)
}

/// The value in the spelling of the fields, without what is null.
pub(crate) fn shape(value: Value, shape: Shape, file: &str, reading: Reading) -> Result<Value, Error> {
    let mut path = Vec::new();
    let shaped = Shaper { file, reading }.value(value, &shape, &mut path)?;
    Ok(shaped.unwrap_or_else(|| Value::Object(Map::new())))
}

/// Typed fields from a value in shape.
pub(crate) fn typed<T: serde::de::DeserializeOwned>(value: Value, file: &str) -> Result<T, Error> {
    serde_json::from_value(value).map_err(|error| Error::field(file, "fields", error))
}

struct Shaper<'a> {
    file: &'a str,
    reading: Reading,
}

type Path = Vec<String>;

impl Shaper<'_> {
    fn refused(&self, path: &Path, reason: impl std::fmt::Display) -> Error {
        let mut field = String::new();
        for part in path {
            if !field.is_empty() && !part.starts_with('[') {
                field.push('.');
            }
            field.push_str(part);
        }
        if field.is_empty() {
            "document".clone_into(&mut field);
        }
        Error::field(self.file, field, reason)
    }

    /// The value in shape; none when it is null.
    fn value(&self, value: Value, shape: &Shape, path: &mut Path) -> Result<Option<Value>, Error> {
        if value.is_null() {
            return Ok(None);
        }
        let shaped = match (shape, value) {
            (Shape::Values, Value::Object(map)) => Value::Object(map),
            (Shape::Exact, Value::String(text)) => Value::String(text),
            (Shape::Exact, ref value) => {
                return Err(self.refused(path, format!("must be a text, not {}", kind_of(value))));
            }
            (Shape::Text, value) => match self.text(value) {
                Ok(text) => Value::String(text),
                Err(value) => return Err(self.refused(path, format!("must be a text, not {}", kind_of(&value)))),
            },
            (Shape::Bool, Value::Bool(value)) => Value::Bool(value),
            (Shape::Integer, Value::Number(number)) => match integer(&number) {
                Some(number) => Value::from(number),
                None => return Err(self.refused(path, "must be a whole number")),
            },
            (Shape::Texts, Value::Object(map)) => self.texts(map, path)?,
            (Shape::List(item), Value::Array(items)) => self.list(items, item, path)?,
            (Shape::Fields(fields), Value::Object(map)) => self.fields(map, fields, path)?,
            (Shape::Bool, ref value) => {
                return Err(self.refused(path, format!("must be true or false, not {}", kind_of(value))));
            }
            (Shape::Integer, ref value) => {
                return Err(self.refused(path, format!("must be a number, not {}", kind_of(value))));
            }
            (Shape::List(_), ref value) => {
                return Err(self.refused(path, format!("must be a list, not {}", kind_of(value))));
            }
            (Shape::Texts | Shape::Values | Shape::Fields(_), ref value) => {
                return Err(self.refused(path, format!("must be a mapping, not {}", kind_of(value))));
            }
        };
        Ok(Some(shaped))
    }

    fn text(&self, value: Value) -> Result<String, Value> {
        match value {
            Value::String(text) => Ok(text),
            Value::Bool(value) if self.reading != Reading::Strict => Ok(value.to_string()),
            Value::Number(number) if self.reading != Reading::Strict => Ok(number.to_string()),
            other => Err(other),
        }
    }

    /// In a map of texts null is the empty one.
    fn texts(&self, map: Map<String, Value>, path: &mut Path) -> Result<Value, Error> {
        let mut out = Map::new();
        for (key, value) in map {
            path.push(key.clone());
            let text = self.value(value, &Shape::Text, path)?.unwrap_or_else(|| Value::String(String::new()));
            path.pop();
            out.insert(key, text);
        }
        Ok(Value::Object(out))
    }

    fn list(&self, items: Vec<Value>, shape: &Shape, path: &mut Path) -> Result<Value, Error> {
        let mut out = Vec::with_capacity(items.len());
        for (number, item) in items.into_iter().enumerate() {
            path.push(format!("[{number}]"));
            out.push(self.value(item, shape, path)?.unwrap_or_else(|| nothing(shape)));
            path.pop();
        }
        Ok(Value::Array(out))
    }

    fn fields(
        &self,
        map: Map<String, Value>,
        fields: &'static [(&'static str, Shape)],
        path: &mut Path,
    ) -> Result<Value, Error> {
        // Of spellings that differ in case only the last in the order of bytes counts.
        let mut entries: Vec<(String, Value)> = map.into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        let mut out = Map::new();
        for (key, value) in entries {
            let same = |(name, _): &&(&str, Shape)| *name == key;
            let alike = |(name, _): &&(&str, Shape)| name.eq_ignore_ascii_case(&key);
            let Some((name, shape)) = fields.iter().find(same).or_else(|| fields.iter().find(alike)) else {
                if self.reading == Reading::Lenient {
                    continue;
                }
                path.push(key.clone());
                return Err(self.refused(path, unknown(&key, fields)));
            };
            path.push((*name).to_owned());
            if let Some(value) = self.value(value, shape, path)? {
                out.insert((*name).to_owned(), value);
            }
            path.pop();
        }
        Ok(Value::Object(out))
    }
}

fn nothing(shape: &Shape) -> Value {
    match shape {
        Shape::Text | Shape::Exact => Value::String(String::new()),
        Shape::Bool => Value::Bool(false),
        Shape::Integer => Value::from(0),
        Shape::List(_) => Value::Array(Vec::new()),
        Shape::Texts | Shape::Values | Shape::Fields(_) => Value::Object(Map::new()),
    }
}

fn integer(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| number.to_string().strip_suffix(".0").and_then(|whole| whole.parse().ok()))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "a boolean; quote it",
        Value::Number(_) => "a number; quote it",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn unknown(key: &str, fields: &[(&str, Shape)]) -> String {
    let near = fields
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| distance(key, name) <= 2)
        .min_by_key(|name| distance(key, name));
    match near {
        Some(name) => format!("unknown field; perhaps {name} is meant"),
        None => "unknown field".to_owned(),
    }
}

/// How many letters differ, cases aside.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.to_lowercase().chars().collect(), b.to_lowercase().chars().collect());
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(&b) {
            let above = *slot;
            let here = (diagonal + usize::from(x != y)).min(above + 1).min(left + 1);
            (diagonal, left) = (above, here);
            *slot = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}
