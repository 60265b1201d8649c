//! Writing TOML: plain entries before tables, both in key order, two blanks of indention a level.

use weir_gotemplate::{Map, Str, Value, format};

/// The TOML text, or what cannot be written; none when it is longer than the limit, in bytes: values can contain one
/// another many times.
pub(in super::super) fn to_toml(value: &Value, limit: usize) -> Result<Option<String>, String> {
    let mut printer = Printer { out: String::new(), limit, looked_at: 0, depth: 0 };
    match printer.entry(&[], value) {
        _ if printer.is_full() => Ok(None),
        Err(error) => Err(error),
        Ok(()) => Ok(Some(printer.out)),
    }
}

struct Printer {
    out: String,
    limit: usize,
    /// Values whose shape was asked for.
    looked_at: usize,
    depth: usize,
}

/// What a value is in TOML.
#[derive(PartialEq, Eq)]
enum Shape {
    Nil,
    Plain,
    Table,
    Tables,
}

/// Deeper are only values that contain themselves, where Go's printer never ends; a level takes some kilobytes of stack.
const MAX_DEPTH: usize = 256;

fn too_deep() -> String {
    "toml: values are nested too deeply".to_owned()
}

fn table(value: &Value) -> Option<Map> {
    match value {
        Value::Map(map) => Some(map.clone()),
        Value::Object(object) => object.to_tree().as_map().cloned(),
        _ => None,
    }
}

impl Printer {
    fn is_full(&self) -> bool {
        self.out.len() > self.limit || self.looked_at > self.limit
    }

    fn shape(&mut self, value: &Value, depth: usize) -> Result<Shape, String> {
        self.looked_at += 1;
        if depth > MAX_DEPTH || self.is_full() {
            return Err(too_deep());
        }
        Ok(match value {
            Value::Missing | Value::Nil | Value::NilOf(_) => Shape::Nil,
            Value::Map(_) => Shape::Table,
            Value::List(items) if items.is_empty() => Shape::Plain,
            Value::List(items) => {
                let mut all = true;
                for item in items.iter() {
                    match self.shape(item, depth + 1)? {
                        Shape::Nil => return Err("toml: cannot encode array with nil element".to_owned()),
                        it => all &= it == Shape::Table,
                    }
                }
                if all { Shape::Tables } else { Shape::Plain }
            }
            Value::Object(it) if it.text().is_none() => Shape::Table,
            Value::Func(_) | Value::Complex(..) => return Err(format!("unsupported type: {}", value.kind())),
            _ => Shape::Plain,
        })
    }

    fn line_break(&mut self) {
        if !self.out.is_empty() {
            self.out.push('\n');
        }
    }

    fn indent(&mut self, key: &[Str]) {
        for _ in 1..key.len() {
            self.out.push_str("  ");
        }
    }

    fn entry(&mut self, key: &[Str], value: &Value) -> Result<(), String> {
        if key.len() > MAX_DEPTH {
            return Err(too_deep());
        }
        match self.shape(value, 0)? {
            Shape::Nil if key.is_empty() => Err("toml: cannot encode a nil value".to_owned()),
            Shape::Nil => Ok(()),
            Shape::Plain => self.key_value(key, value, false),
            Shape::Table => {
                if key.len() == 1 {
                    self.line_break();
                }
                if !key.is_empty() {
                    self.indent(key);
                    self.out.push_str(&format!("[{}]", path(key)));
                    self.line_break();
                }
                self.table(key, value, false)
            }
            Shape::Tables if key.is_empty() => Err("toml: top-level values must be Go maps or structs".to_owned()),
            Shape::Tables => {
                for item in value.as_list().into_iter().flat_map(|it| it.iter()) {
                    self.line_break();
                    self.indent(key);
                    self.out.push_str(&format!("[[{}]]", path(key)));
                    self.line_break();
                    self.table(key, item, false)?;
                }
                Ok(())
            }
        }
    }

    fn key_value(&mut self, key: &[Str], value: &Value, inline: bool) -> Result<(), String> {
        let Some(last) = key.last() else { return self.element(value) };
        self.indent(key);
        self.out.push_str(&bare_or_quoted(last));
        self.out.push_str(" = ");
        self.element(value)?;
        if !inline {
            self.line_break();
        }
        Ok(())
    }

    fn table(&mut self, key: &[Str], value: &Value, inline: bool) -> Result<(), String> {
        let Some(map) = table(value) else { return Ok(()) };
        let (mut plain, mut below) = (Vec::new(), Vec::new());
        for (name, value) in map.entries() {
            match self.shape(&value, 0)? {
                Shape::Table | Shape::Tables => below.push((name, value)),
                _ => plain.push((name, value)),
            }
        }
        if inline {
            self.out.push('{');
        }
        self.entries(key, &plain, inline, !below.is_empty())?;
        self.entries(key, &below, inline, false)?;
        if inline {
            self.out.push('}');
        }
        Ok(())
    }

    fn entries(&mut self, key: &[Str], entries: &[(Str, Value)], inline: bool, more: bool) -> Result<(), String> {
        for (at, (name, value)) in entries.iter().enumerate() {
            if value.is_nil() {
                continue;
            }
            if inline {
                self.key_value(std::slice::from_ref(name), value, true)?;
                if more || at + 1 != entries.len() {
                    self.out.push_str(", ");
                }
            } else {
                let key: Vec<Str> = key.iter().chain([name]).cloned().collect();
                self.entry(&key, value)?;
            }
        }
        Ok(())
    }

    fn element(&mut self, value: &Value) -> Result<(), String> {
        if self.depth > MAX_DEPTH || self.is_full() {
            return Err(too_deep());
        }
        self.depth += 1;
        let written = self.plain_element(value);
        self.depth -= 1;
        written
    }

    fn plain_element(&mut self, value: &Value) -> Result<(), String> {
        match value.plain() {
            Value::Float(_, it) if it.is_nan() => self.out.push_str("nan"),
            Value::Float(_, it) if it.is_infinite() => self.out.push_str(if *it < 0.0 { "-inf" } else { "inf" }),
            float @ Value::Float(..) => {
                let text = String::from_utf8_lossy(&format::sprint_value(float)).into_owned();
                let is_whole = !text.contains(['e', '.']);
                self.out.push_str(&text);
                if is_whole {
                    self.out.push_str(".0");
                }
            }
            plain @ (Value::Bool(_) | Value::Int(..) | Value::Uint(..)) => {
                if matches!(value, Value::Named(named, _) if named.name == "time.Duration") {
                    self.quoted(&format::sprint_value(value));
                } else {
                    self.out.push_str(&String::from_utf8_lossy(&format::sprint_value(plain)));
                }
            }
            Value::String(text) => match value {
                Value::Named(named, _) if named.name == "json.Number" => self.out.push_str(&text.to_str()),
                _ => self.quoted(text),
            },
            Value::Map(_) => self.table(&[], value, true)?,
            Value::Object(object) => match object.text() {
                Some(text) => self.quoted(&text),
                None => self.table(&[], value, true)?,
            },
            other => {
                let items = other.elements().ok_or_else(|| format!("unexpected type: {}", other.type_name()))?;
                self.out.push('[');
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        self.out.push_str(", ");
                    }
                    self.element(item)?;
                }
                self.out.push(']');
            }
        }
        Ok(())
    }

    fn quoted(&mut self, text: &[u8]) {
        self.out.push_str(&quoted(&String::from_utf8_lossy(text)));
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for letter in text.chars() {
        match letter {
            '\\' => out.push_str("\\\\"),
            '"' => out.push_str("\\\""),
            '\u{8}' => out.push_str("\\b"),
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\u{c}' => out.push_str("\\f"),
            '\r' => out.push_str("\\r"),
            '\0'..='\u{1f}' | '\u{7f}' => out.push_str(&format!("\\u{:04x}", u32::from(letter))),
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

fn bare_or_quoted(key: &Str) -> String {
    let text = key.to_str();
    let is_bare = !text.is_empty() && text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_' || it == b'-');
    if is_bare { text.into_owned() } else { quoted(&text) }
}

fn path(key: &[Str]) -> String {
    key.iter().map(bare_or_quoted).collect::<Vec<_>>().join(".")
}
