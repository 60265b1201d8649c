//! Our answers in the form the oracle writes its own: `=` and the output, or `!` and the error, with escapes.

use std::rc::Rc;

use serde_json::Value as Json;
use weir_gotemplate::{
    Functions, INT_SLICE, Kind, List, Map, MissingKey, Options, STRING_MAP, Set, Str, Value,
    sprig::{self, Random, World, Zone},
};

/// 2009-11-10T23:00:00Z, where the oracle's clock stands.
pub const NOW: i128 = 1_257_894_000_000_000_000;

/// Randomness that is the same every time.
pub struct Counter(std::cell::Cell<u64>);

impl Counter {
    pub fn new() -> Self {
        Self(std::cell::Cell::new(0x9E37_79B9_7F4A_7C15))
    }
}

impl Random for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            // xorshift64*
            let mut state = self.0.get();
            state ^= state >> 12;
            state ^= state << 25;
            state ^= state >> 27;
            self.0.set(state);
            *byte = (state.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 56) as u8;
        }
    }
}

/// Randomness that is always the same byte, as the oracle's for certificates.
pub struct Fixed;

impl Random for Fixed {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0x5A);
    }
}

pub fn functions(local: Zone, random: impl Random + 'static) -> Rc<Functions> {
    let mut functions = Functions::new();
    sprig::register(&mut functions);
    sprig::register_world(&mut functions, &Rc::new(World::new(|| NOW, local, random)));
    Rc::new(functions)
}

/// A value of the pool: an object of one entry, whose key is the type.
pub fn typed(json: &Json) -> Value {
    let (tag, body) = json.as_object().and_then(|it| it.iter().next()).expect("one entry");
    let text = body.as_str().unwrap_or_default();
    let int = |kind| Value::Int(kind, text.parse().expect("an integer"));
    let uint = |kind| Value::Uint(kind, text.parse().expect("an integer"));
    match tag.as_str() {
        "nil" => Value::Nil,
        "bool" => Value::Bool(text == "true"),
        "int" => int(Kind::Int),
        "int8" => int(Kind::Int8),
        "int32" => int(Kind::Int32),
        "int64" => int(Kind::Int64),
        "uint8" => uint(Kind::Uint8),
        "uint" => uint(Kind::Uint),
        "uint64" => uint(Kind::Uint64),
        "float64" => Value::float(match text {
            "NaN" => f64::NAN,
            "Inf" => f64::INFINITY,
            "-Inf" => f64::NEG_INFINITY,
            text => text.parse().expect("a float"),
        }),
        "number" => Value::number(text),
        "string" => Value::from(text),
        "escaped" => Value::string(unescape(text)),
        "bytes" => Value::Bytes(Str::from(text)),
        "list" => Value::list(body.as_array().expect("a list").iter().map(typed).collect()),
        "strings" => Value::strings(body.as_array().expect("a list").iter().map(|it| it.as_str().expect("a string"))),
        "ints" => Value::List(List::new(
            INT_SLICE,
            body.as_array().expect("a list").iter().map(|it| Value::int(it.as_i64().expect("an integer"))).collect(),
        )),
        "map" => Value::map(body.as_object().expect("a map").iter().map(|(key, value)| (key.as_str(), typed(value)))),
        "stringmap" => {
            let map = Map::of(STRING_MAP);
            for (key, value) in body.as_object().expect("a map") {
                map.set(key.as_str(), Value::from(value.as_str().expect("a string")));
            }
            Value::Map(map)
        }
        other => panic!("unknown tag {other}"),
    }
}

pub fn pool(json: &str) -> Value {
    let values: Json = serde_json::from_str(json).expect("the pool is JSON");
    Value::map(values.as_object().expect("an object").iter().map(|(name, value)| (name.as_str(), typed(value))))
}

pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'\\' {
            out.push(byte);
            continue;
        }
        match bytes.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b't') => out.push(b'\t'),
            Some(b'r') => out.push(b'\r'),
            Some(b'x') => {
                let digits: String = bytes.by_ref().take(2).map(char::from).collect();
                out.push(u8::from_str_radix(&digits, 16).expect("two digits"));
            }
            Some(other) => out.push(other),
            None => out.push(b'\\'),
        }
    }
    out
}

pub fn escape(text: &[u8]) -> String {
    let mut out = String::new();
    for chunk in text.utf8_chunks() {
        for letter in chunk.valid().chars() {
            match letter {
                '\n' => out.push_str("\\n"),
                '\t' => out.push_str("\\t"),
                '\r' => out.push_str("\\r"),
                '\\' => out.push_str("\\\\"),
                '\0'..='\u{1F}' | '\u{7F}' => out.push_str(&format!("\\x{:02x}", u32::from(letter))),
                other => out.push(other),
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// The answer to one template, itself escaped, with the pool as data.
pub fn answer(functions: &Rc<Functions>, pool_json: &str, template: &str) -> String {
    match execute(functions, &unescape(template), &pool(pool_json), Options::default()) {
        Ok(output) => format!("={}", escape(&output)),
        Err(error) => format!("!{}", escape(error.as_bytes())),
    }
}

/// Executes one template, missing keys being zero.
pub fn execute(functions: &Rc<Functions>, text: &[u8], data: &Value, options: Options) -> Result<Vec<u8>, String> {
    let mut set = Set::new(functions.clone());
    set.parse("t", text).map_err(|error| error.to_string())?;
    let options = Options { missing_key: MissingKey::Zero, ..options };
    set.execute("t", data, &options).map_err(|error| error.to_string())
}
