//! Typed reading of small YAML files, as sigs.k8s.io/yaml reads them into Go structs.
//!
//! Field names count without regard to case, a number or boolean where text is wanted becomes its text, null leaves the
//! zero value, and anything else of the wrong type is refused with the words of `encoding/json`.

use serde_json::{Map, Value};

/// Why a file does not fit its type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The text is not YAML.
    #[error("error converting YAML to JSON: {}", yaml_text(_0))]
    Yaml(weir_yaml::Error),
    /// A value of another type than the field's.
    #[error(
        "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go {place} of type {wanted}"
    )]
    Type {
        /// What is there: `array`, `object`, `string`, `number`, `bool`.
        found: &'static str,
        /// `value`, or `struct field Metadata.name`.
        place: String,
        /// Go's name of the type.
        wanted: &'static str,
    },
}

/// An error of the YAML reader as Go's reader words it: `yaml: line 2: …`.
pub(crate) fn yaml_text(error: &weir_yaml::Error) -> String {
    let bare = weir_yaml::Error { kind: error.kind.clone(), line: 0, column: 0 };
    // Go counts from zero and takes that for no line at all.
    if error.line > 1 { format!("yaml: line {}: {bare}", error.line) } else { format!("yaml: {bare}") }
}

/// What JSON calls the type of a value.
pub(crate) fn type_word(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// The mapping that a text holds; an empty one when it holds nothing.
pub(crate) fn mapping(text: &str, wanted: &'static str) -> Result<Map<String, Value>, DecodeError> {
    object(weir_yaml::sigs::from_str(text), wanted)
}

/// As [`mapping_of_texts`], with no entries but those of these fields.
pub(crate) fn fields_of(
    text: &str,
    is_field: fn(&str) -> bool,
    wanted: &'static str,
) -> Result<Map<String, Value>, DecodeError> {
    object(weir_yaml::sigs::from_str_keeping(text, is_field), wanted)
}

fn object(read: Result<Value, weir_yaml::Error>, wanted: &'static str) -> Result<Map<String, Value>, DecodeError> {
    match read.map_err(DecodeError::Yaml)? {
        Value::Object(map) => Ok(map),
        Value::Null => Ok(Map::new()),
        other => Err(DecodeError::Type { found: type_word(&other), place: "value".to_owned(), wanted }),
    }
}

/// As [`mapping`], for structs whose texts may stand as numbers: a float keeps the text it has there, `1e6` that of `1e+06`.
pub(crate) fn mapping_of_texts(text: &str, wanted: &'static str) -> Result<Map<String, Value>, DecodeError> {
    object(weir_yaml::sigs::from_str_floats(text), wanted)
}

/// Reads fields of one object.
pub(crate) struct Fields<'a> {
    of: &'static str,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(of: &'static str, map: &'a Map<String, Value>) -> Self {
        Self { of, map }
    }

    /// The value of a field; an exact name wins over one that differs in case.
    pub(crate) fn get(&self, name: &str) -> Option<&'a Value> {
        self.map
            .get(name)
            .or_else(|| self.map.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value))
            .filter(|it| !it.is_null())
    }

    fn refuse<T>(&self, name: &str, value: &Value, wanted: &'static str) -> Result<T, DecodeError> {
        let place = format!("struct field {}.{name}", self.of);
        Err(DecodeError::Type { found: type_word(value), place, wanted })
    }

    pub(crate) fn text(&self, name: &str) -> Result<String, DecodeError> {
        match self.get(name) {
            None => Ok(String::new()),
            Some(value) => match scalar_text(value) {
                Some(text) => Ok(text),
                None => self.refuse(name, value, "string"),
            },
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<bool, DecodeError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(it)) => Ok(*it),
            Some(other) => self.refuse(name, other, "bool"),
        }
    }

    pub(crate) fn list(&self, name: &str, wanted: &'static str) -> Result<Option<&'a [Value]>, DecodeError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(other) => self.refuse(name, other, wanted),
        }
    }

    pub(crate) fn texts(&self, name: &str) -> Result<Vec<String>, DecodeError> {
        self.list(name, "[]string")?
            .unwrap_or_default()
            .iter()
            .map(|item| match item {
                Value::Null => Ok(String::new()),
                other => scalar_text(other).map_or_else(|| self.refuse(name, other, "string"), Ok),
            })
            .collect()
    }

    pub(crate) fn object(
        &self,
        name: &str,
        wanted: &'static str,
    ) -> Result<Option<&'a Map<String, Value>>, DecodeError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(other) => self.refuse(name, other, wanted),
        }
    }

    /// The entries of a `map[string]string`.
    pub(crate) fn text_map(&self, name: &str) -> Result<Option<Vec<(String, String)>>, DecodeError> {
        let Some(map) = self.object(name, "map[string]string")? else { return Ok(None) };
        map.iter()
            .map(|(key, value)| match value {
                Value::Null => Ok((key.clone(), String::new())),
                other => match scalar_text(other) {
                    Some(text) => Ok((key.clone(), text)),
                    None => self.refuse(name, other, "string"),
                },
            })
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// An object in a list.
    pub(crate) fn item<'b>(
        &self,
        name: &str,
        value: &'b Value,
        wanted: &'static str,
    ) -> Result<Option<&'b Map<String, Value>>, DecodeError> {
        match value {
            Value::Null => Ok(None),
            Value::Object(map) => Ok(Some(map)),
            other => self.refuse(name, other, wanted),
        }
    }
}

/// The text of a scalar where Go wants a string.
pub(crate) fn scalar_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(it) => Some(it.to_string()),
        Value::Number(number) => Some(number_text(number)),
        _ => None,
    }
}

/// An integer as its digits, a float as sigs yaml writes it for a Go string.
fn number_text(number: &serde_json::Number) -> String {
    if !number.is_f64() {
        return number.to_string();
    }
    weir_yaml::sigs::float_as_text(number.as_f64().unwrap_or(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scalars_become_text_and_names_ignore_case() {
        let map = mapping("Name: x\nversion: 1\nflag: true\nempty:\n", "m").unwrap();
        let fields = Fields::new("Metadata", &map);
        assert_eq!(fields.text("name").unwrap(), "x");
        assert_eq!(fields.text("version").unwrap(), "1");
        assert_eq!(fields.text("flag").unwrap(), "true");
        assert_eq!(fields.text("empty").unwrap(), "");
        assert_eq!(fields.text("missing").unwrap(), "");
    }

    #[test]
    fn other_types_are_refused_in_gos_words() {
        let map = mapping("name: [a]\ndeprecated: yeah\n", "m").unwrap();
        let fields = Fields::new("Metadata", &map);
        assert_eq!(
            fields.text("name").unwrap_err().to_string(),
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go struct field Metadata.name of type string"
        );
        assert!(
            fields
                .flag("deprecated")
                .unwrap_err()
                .to_string()
                .contains("string into Go struct field Metadata.deprecated of type bool")
        );
        let error = mapping("- a\n", "v2.Metadata").unwrap_err().to_string();
        assert!(error.ends_with("cannot unmarshal array into Go value of type v2.Metadata"), "{error}");
    }
}
