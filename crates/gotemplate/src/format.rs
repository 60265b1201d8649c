//! Go's `fmt`.

use crate::value::Value;

/// A value as `%v` prints it.
#[must_use]
pub fn sprint_value(value: &Value) -> Vec<u8> {
    match value {
        Value::String(text) => text.to_vec(),
        Value::Int(_, it) => it.to_string().into_bytes(),
        _ => b"<nil>".to_vec(),
    }
}

/// A string in double quotes, as `strconv.Quote` writes it.
#[must_use]
pub fn quote(text: &[u8]) -> String {
    format!("{:?}", String::from_utf8_lossy(text))
}
