//! From JSON-like trees and back.

use serde_json::Value as Json;

use crate::{
    text::Str,
    value::{List, Map, Value},
};

/// What a number of a JSON tree becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// `float64`, always: `json.Unmarshal` into an `interface{}`.
    Float,
    /// `json.Number`, as a decoder with `UseNumber`.
    Number,
    /// `int64` where it fits, else `uint64`, else `float64`, as YAML decoders do.
    Typed,
}

/// Why a value has no JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoJson {
    /// JSON cannot hold it.
    Unsupported,
    /// It takes too much memory.
    TooLarge,
}

/// Bytes that a part of a tree takes besides its text.
const PART: usize = 48;

impl Value {
    /// From a JSON tree: `map[string]interface {}`, `[]interface {}`, `string`, `bool`, nil, and numbers as told.
    #[must_use]
    pub fn from_json(json: &Json, numbers: Numbers) -> Self {
        match json {
            Json::Null => Self::Nil,
            Json::Bool(it) => Self::Bool(*it),
            Json::String(it) => Self::string(it.as_str()),
            Json::Array(items) => Self::list(items.iter().map(|it| Self::from_json(it, numbers)).collect()),
            Json::Object(entries) => {
                Self::map(entries.iter().map(|(key, value)| (key.as_str(), Self::from_json(value, numbers))))
            }
            Json::Number(number) => match numbers {
                Numbers::Number => Self::number(number.to_string()),
                Numbers::Float => Self::float(number.as_f64().unwrap_or(f64::NAN)),
                Numbers::Typed => match (number.as_i64(), number.as_u64()) {
                    (Some(it), _) => Self::int64(it),
                    (None, Some(it)) => Self::Uint(crate::Kind::Uint64, it),
                    _ => Self::float(number.as_f64().unwrap_or(f64::NAN)),
                },
            },
        }
    }

    /// To a JSON tree, as `encoding/json` encodes: `[]byte` in base64, nil maps and slices as null. `None` for what JSON
    /// cannot hold (functions, complex numbers, NaN and infinities), for what is nested more than 1,000 deep, and
    /// for what takes more than 512 MiB (values can contain one another many times, and themselves).
    #[must_use]
    pub fn to_json(&self) -> Option<Json> {
        self.to_json_within(512 << 20).ok()
    }

    /// As [`Value::to_json`], of a tree that takes about so many bytes of memory at the most.
    ///
    /// # Errors
    /// Which of the two it is.
    pub fn to_json_within(&self, bytes: usize) -> Result<Json, NoJson> {
        let mut left = bytes;
        let json = self.json(1000, &mut left);
        json.ok_or(if left == 0 { NoJson::TooLarge } else { NoJson::Unsupported })
    }

    /// `left` is 0 once it is used up.
    fn json(&self, depth: usize, left: &mut usize) -> Option<Json> {
        let inner = depth.checked_sub(1)?;
        let text = match self {
            Self::String(it) | Self::Bytes(it) => it.len(),
            _ => 0,
        };
        *left = left.saturating_sub(PART + text);
        if *left == 0 {
            return None;
        }
        Some(match self {
            Self::Missing | Self::Nil | Self::NilOf(_) => Json::Null,
            Self::Bool(it) => Json::Bool(*it),
            Self::Int(_, it) => Json::from(*it),
            Self::Uint(_, it) => Json::from(*it),
            Self::Float(_, it) => Json::Number(serde_json::Number::from_f64(*it)?),
            Self::Complex(..) | Self::Func(_) => return None,
            Self::String(it) => Json::String(it.to_str().into_owned()),
            Self::Bytes(it) => Json::String(base64(it)),
            Self::List(list) => return list_json(list, inner, left),
            Self::Map(map) => return map_json(map, inner, left),
            Self::Named(named, text) if named.name == "json.Number" => {
                let text = text.as_str().map(Str::to_str)?;
                serde_json::from_str(&text).ok()?
            }
            Self::Named(_, value) => return value.json(inner, left),
            Self::Object(object) => return object.to_tree().json(inner, left),
        })
    }
}

// Loops of their own instead of iterators that collect: what nests takes little of the stack.

fn list_json(list: &List, depth: usize, left: &mut usize) -> Option<Json> {
    let mut items = Vec::with_capacity(list.len());
    for item in list.iter() {
        items.push(item.json(depth, left)?);
    }
    Some(Json::Array(items))
}

fn map_json(map: &Map, depth: usize, left: &mut usize) -> Option<Json> {
    let mut out = serde_json::Map::new();
    for (key, value) in map.borrow().iter() {
        *left = left.saturating_sub(key.len());
        let json = value.json(depth, left)?;
        out.insert(key.to_str().into_owned(), json);
    }
    Some(Json::Object(out))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let digit = (word >> (18 - 6 * place) & 63) as usize;
            out.push(if place > chunk.len() { '=' } else { DIGITS.get(digit).map_or('=', |it| char::from(*it)) });
        }
    }
    out
}
