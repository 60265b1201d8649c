//! YAML and JSON in templates.

use serde_json::Value as Json;
use weir_gotemplate::{Ctx, FuncError, Numbers, Value};

/// The text of `yaml.Marshal`, ending in a line break.
pub(super) fn marshal(value: &Value) -> Option<String> {
    weir_yaml::sigs::to_string(&value.to_json()?).ok()
}

/// `toYaml`: nothing when the value has no form in YAML.
pub(super) fn to_yaml(value: &Value) -> String {
    without_break(marshal(value).unwrap_or_default())
}

/// `mustToYaml`.
pub(super) fn must_to_yaml(value: &Value) -> Result<String, FuncError> {
    marshal(value).map(without_break).ok_or_else(|| FuncError::new("error marshaling into JSON: unsupported value"))
}

/// `toYamlPretty`.
pub(super) fn to_yaml_pretty(value: &Value) -> String {
    value.to_json().map(|json| without_break(weir_yaml::sigs::to_string_pretty(&json))).unwrap_or_default()
}

fn without_break(mut text: String) -> String {
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

const MAP: &str = "map[string]interface {}";
const LIST: &str = "[]interface {}";

fn mismatch(found: &Json, wanted: &str) -> String {
    format!("json: cannot unmarshal {} into Go value of type {wanted}", crate::decode::type_word(found))
}

fn parsed_yaml(text: &str, fits: impl Fn(&Json) -> bool, wanted: &str) -> Result<Json, String> {
    let json = weir_yaml::sigs::from_str(text)
        .map_err(|error| format!("error converting YAML to JSON: {}", crate::decode::yaml_text(&error)))?;
    if fits(&json) {
        return Ok(json);
    }
    Err(format!("error unmarshaling JSON: while decoding JSON: {}", mismatch(&json, wanted)))
}

fn error_map(text: String) -> Value {
    Value::map([("Error", Value::string(text))])
}

/// `fromYaml`: a map, with the key `Error` when the text is none.
pub(super) fn from_yaml(text: &str) -> Value {
    match parsed_yaml(text, |it| it.is_object() || it.is_null(), MAP) {
        Ok(Json::Null) => Value::map::<&str>([]),
        Ok(json) => Value::from_json(&json, Numbers::Float),
        Err(error) => error_map(error),
    }
}

/// `fromYamlArray`: a list, of one error text when the text is none.
pub(super) fn from_yaml_array(text: &str) -> Value {
    match parsed_yaml(text, |it| it.is_array() || it.is_null(), LIST) {
        Ok(Json::Null) => Value::list(Vec::new()),
        Ok(json) => Value::from_json(&json, Numbers::Float),
        Err(error) => Value::list(vec![Value::string(error)]),
    }
}

/// JSON as Sprig reads it, into a map or list.
fn parsed_json(ctx: &mut Ctx<'_>, text: &Value, fits: impl Fn(&Value) -> bool, wanted: &str) -> Result<Value, String> {
    let read = ctx.set().functions().get("mustFromJson").cloned();
    let read = read.ok_or_else(|| "JSON is not known".to_owned())?;
    let value = ctx.call(&read, std::slice::from_ref(text)).map_err(|error| error.to_string())?;
    if fits(&value) {
        return Ok(value);
    }
    let found = match value {
        Value::Bool(_) => "bool",
        Value::String(_) => "string",
        Value::List(_) => "array",
        Value::Map(_) => "object",
        _ => "number",
    };
    Err(format!("json: cannot unmarshal {found} into Go value of type {wanted}"))
}

/// `fromJson`.
pub(super) fn from_json(ctx: &mut Ctx<'_>, text: &Value) -> Value {
    match parsed_json(ctx, text, |it| it.is_nil() || it.as_map().is_some(), MAP) {
        Ok(value) if value.is_nil() => Value::map::<&str>([]),
        Ok(value) => value,
        Err(error) => error_map(error),
    }
}

/// `fromJsonArray`.
pub(super) fn from_json_array(ctx: &mut Ctx<'_>, text: &Value) -> Value {
    match parsed_json(ctx, text, |it| it.is_nil() || it.as_list().is_some(), LIST) {
        Ok(value) if value.is_nil() => Value::list(Vec::new()),
        Ok(value) => value,
        Err(error) => Value::list(vec![Value::string(error)]),
    }
}
