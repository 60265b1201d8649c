//! Block YAML for plain data: sorted keys, two spaces, lists not indented, strings quoted only where they must be.

use serde_json::Value;

/// `value` as a YAML document that ends in a newline.
pub(crate) fn emit(value: &Value) -> String {
    let mut out = String::new();
    node(&mut out, value, 0, false);
    out
}

/// Writes `value`. After a dash the first line is already indented.
fn node(out: &mut String, value: &Value, indent: usize, after_dash: bool) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            for (position, key) in keys.into_iter().enumerate() {
                if position > 0 || !after_dash {
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                out.push_str(&scalar(key));
                out.push(':');
                child(out, map.get(key).unwrap_or(&Value::Null), indent);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (position, item) in items.iter().enumerate() {
                if position > 0 || !after_dash {
                    out.extend(std::iter::repeat_n(' ', indent));
                }
                out.push('-');
                if nested(item) {
                    out.push(' ');
                    node(out, item, indent + 2, true);
                } else {
                    child(out, item, indent);
                }
            }
        }
        other => {
            out.push_str(&leaf(other));
            out.push('\n');
        }
    }
}

fn child(out: &mut String, value: &Value, indent: usize) {
    if nested(value) {
        out.push('\n');
        node(out, value, indent + if value.is_array() { 0 } else { 2 }, false);
    } else {
        out.push(' ');
        out.push_str(&leaf(value));
        out.push('\n');
    }
}

fn nested(value: &Value) -> bool {
    match value {
        Value::Object(map) => !map.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    }
}

fn leaf(value: &Value) -> String {
    match value {
        Value::String(text) => scalar(text),
        other => other.to_string(),
    }
}

/// A string that every YAML reader takes for this very string.
fn scalar(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || " -_./()$@,;<>=^+'`".contains(c))
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '.' || c == '$' || c == '^')
        && !text.ends_with(' ')
        && !matches!(
            text.to_ascii_lowercase().as_str(),
            "true" | "false" | "yes" | "no" | "on" | "off" | "null" | "y" | "n" | ".inf" | ".nan"
        );
    if plain {
        text.to_owned()
    } else if text.chars().all(|c| !c.is_control()) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        // JSON strings are YAML strings.
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::emit;

    #[test]
    fn lays_out_blocks_and_quotes_what_would_be_misread() {
        let value = json!({
            "list": [{ "b": 1, "a": "x" }, "why", ["z"], [], {}],
            "map": { "on": true, "text": "a: b", "number": "12", "tag": "!has(self.x)", "tab": "a\tb", "it": "it's" },
            "empty": "",
            "date": "2026-01-01",
        });
        let expected = "\
date: '2026-01-01'
empty: ''
list:
- a: x
  b: 1
- why
- - z
- []
- {}
map:
  it: it's
  number: '12'
  'on': true
  tab: \"a\\tb\"
  tag: '!has(self.x)'
  text: 'a: b'
";
        assert_eq!(emit(&value), expected);
    }
}
