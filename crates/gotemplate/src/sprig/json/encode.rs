//! Writing.

use crate::{
    sprig::{dates::Time, encoding::base64, unicode},
    types::Kind,
    value::Value,
};

/// How JSON is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// `json.Marshal`: one line; `<`, `>` and `&` escaped.
    Plain,
    /// `json.MarshalIndent` with two spaces.
    Pretty,
    /// Without the escapes for HTML.
    Raw,
}

/// Whatever is deeper is taken for a structure without end. (Go looks for cycles from a depth of 1,000 on.)
const MAX_DEPTH: usize = 256;

/// A value as JSON: keys in order, `[]byte` in base64, nil lists and maps as null, what is not UTF-8 as U+FFFD. What is
/// longer than the limit, in bytes, is cut off somewhere behind it: values can contain one another many times.
///
/// # Errors
/// In Go's words: a function, NaN, an infinity, a structure without end.
pub fn encode(value: &Value, style: Style, limit: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    Encoder { style, limit, out: &mut out }.value(value, 0)?;
    Ok(out)
}

struct Encoder<'a> {
    style: Style,
    limit: usize,
    out: &'a mut Vec<u8>,
}

impl Encoder<'_> {
    fn value(&mut self, value: &Value, depth: usize) -> Result<(), String> {
        if depth > MAX_DEPTH {
            return Err(format!("json: unsupported value: encountered a cycle via {}", value.type_name()));
        }
        if self.out.len() > self.limit {
            return Ok(());
        }
        match value {
            Value::Missing | Value::Nil | Value::NilOf(_) => self.put("null"),
            Value::Bool(it) => self.put(if *it { "true" } else { "false" }),
            Value::Int(_, it) => self.put(&it.to_string()),
            Value::Uint(_, it) => self.put(&it.to_string()),
            Value::Float(kind, it) => self.put(&number(*kind, *it)?),
            Value::Complex(..) | Value::Func(_) => {
                return Err(format!("json: unsupported type: {}", value.type_name()));
            }
            Value::String(it) => self.string(it),
            Value::Bytes(it) => self.put(&format!("\"{}\"", base64(it))),
            Value::List(list) => {
                self.sequence(b'[', b']', depth, list.iter(), |encoder, it| encoder.value(it, depth + 1))?;
            }
            Value::Map(map) => {
                let entries = map.entries();
                self.sequence(b'{', b'}', depth, entries.iter(), |encoder, (key, value)| {
                    encoder.key(key);
                    encoder.value(value, depth + 1)
                })?;
            }
            Value::Named(named, inner) if named.name == "json.Number" => self.json_number(inner)?,
            Value::Named(_, inner) => self.value(inner, depth)?,
            Value::Object(object) => {
                if let Some(time) = object.as_any().downcast_ref::<Time>() {
                    let text = time.to_json()?;
                    self.put(&text);
                    return Ok(());
                }
                let tree = object.to_tree();
                if !matches!(tree, Value::Map(_)) {
                    return self.value(&tree, depth);
                }
                // Fields in the order of the struct.
                let fields = object.json_fields();
                self.sequence(b'{', b'}', depth, fields.iter(), |encoder, (key, value)| {
                    encoder.key(key.as_bytes());
                    encoder.value(value, depth + 1)
                })?;
            }
        }
        Ok(())
    }

    fn put(&mut self, text: &str) {
        self.out.extend_from_slice(text.as_bytes());
    }

    fn key(&mut self, key: &[u8]) {
        self.string(key);
        self.put(if self.style == Style::Pretty { ": " } else { ":" });
    }

    fn sequence<T>(
        &mut self,
        open: u8,
        close: u8,
        depth: usize,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T) -> Result<(), String>,
    ) -> Result<(), String> {
        self.out.push(open);
        let empty = items.len() == 0;
        for (at, item) in items.enumerate() {
            if self.out.len() > self.limit {
                return Ok(());
            }
            if at > 0 {
                self.out.push(b',');
            }
            self.line(depth + 1);
            write(self, item)?;
        }
        if !empty {
            self.line(depth);
        }
        self.out.push(close);
        Ok(())
    }

    fn line(&mut self, depth: usize) {
        if self.style == Style::Pretty {
            self.out.push(b'\n');
            self.out.resize(self.out.len() + 2 * depth, b' ');
        }
    }

    /// A `json.Number` is written as it stands; the empty one is 0.
    fn json_number(&mut self, inner: &Value) -> Result<(), String> {
        let text = inner.as_str().cloned().unwrap_or_default();
        if text.is_empty() {
            self.put("0");
            return Ok(());
        }
        if super::decode::number_length(&text) != Some(text.len()) {
            return Err(format!("json: invalid number literal {}", crate::format::quote(&text)));
        }
        self.out.extend_from_slice(&text);
        Ok(())
    }

    fn string(&mut self, text: &[u8]) {
        self.out.push(b'"');
        for (at, letter, width) in unicode::runes(text) {
            match letter {
                '"' => self.put("\\\""),
                '\\' => self.put("\\\\"),
                '\n' => self.put("\\n"),
                '\r' => self.put("\\r"),
                '\t' => self.put("\\t"),
                '\u{8}' => self.put("\\b"),
                '\u{C}' => self.put("\\f"),
                '<' | '>' | '&' if self.style == Style::Raw => self.put(letter.encode_utf8(&mut [0; 4])),
                '\0'..='\u{1F}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                    self.put(&format!("\\u{:04x}", u32::from(letter)));
                }
                '\u{FFFD}' if width == 1 => self.put("\\ufffd"),
                _ => self.out.extend_from_slice(text.get(at..at + width).unwrap_or_default()),
            }
        }
        self.out.push(b'"');
    }
}

/// The shortest number that reads the same; very small and very large ones with an exponent.
fn number(kind: Kind, number: f64) -> Result<String, String> {
    if !number.is_finite() {
        let shown = if number.is_nan() {
            "NaN"
        } else if number > 0.0 {
            "+Inf"
        } else {
            "-Inf"
        };
        return Err(format!("json: unsupported value: {shown}"));
    }
    let size = number.abs();
    let single = kind == Kind::Float32;
    let (small, large) = if single { (f64::from(1e-6_f32), f64::from(1e21_f32)) } else { (1e-6, 1e21) };
    let exponent = size != 0.0 && (size < small || size >= large);
    let text = match (single, exponent) {
        (true, true) => format!("{:e}", number as f32),
        (true, false) => format!("{}", number as f32),
        (false, true) => format!("{number:e}"),
        (false, false) => format!("{number}"),
    };
    // Go writes the sign of a positive exponent.
    Ok(match text.split_once('e') {
        Some((digits, power)) if !power.starts_with('-') => format!("{digits}e+{power}"),
        _ => text,
    })
}
