//! The grammar of `--set` and its relatives.
//!
//! ```text
//! a.b=1,c[0].d=x,e={1,2},f\.g=h     --set: numbers, booleans and null are recognised
//! a.b=1                             --set-string: everything is text
//! a=path                            --set-file: the value is read by the caller
//! a={"b":1},c=[1]                   --set-json
//! a.b=x,y={z}                       --set-literal: all that follows the = is the value
//! ```
//! An index may be at most 65,536 and a name at most 30 levels deep, as in Helm; lists are filled with nulls up to an index,
//! so the size of all lists together is bounded, too.

mod cursor;

use serde_json::{Number, Value};

use crate::values::Table;
use cursor::{Cursor, Until};

/// The largest index.
pub const MAX_INDEX: usize = 65_536;
/// The deepest name.
pub const MAX_DEPTH: usize = 30;
/// Places that one text may make in lists: a nested `a[9][9]` makes more than its length says.
const MAX_PLACES: usize = 1 << 20;

/// Why a text is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SetError(pub String);

fn fail<T>(text: impl Into<String>) -> Result<T, SetError> {
    Err(SetError(text.into()))
}

/// How a value is read.
#[derive(Clone, Copy)]
enum Mode<'a> {
    Typed,
    Text,
    Json,
    Literal,
    File(&'a dyn Fn(&str) -> Result<String, SetError>),
}

/// Sets values, as `--set` does.
///
/// # Errors
/// When the text does not follow the grammar, or passes a bound. What stands before the fault is set then.
pub fn set(text: &str, into: &mut Table) -> Result<(), SetError> {
    Parser::new(text, Mode::Typed).parse(into)
}

/// Sets text, as `--set-string` does.
///
/// # Errors
/// As [`set`].
pub fn set_string(text: &str, into: &mut Table) -> Result<(), SetError> {
    Parser::new(text, Mode::Text).parse(into)
}

/// Sets values given as JSON, as `--set-json` does: `a={"b":1}`, or one object for the top.
///
/// # Errors
/// As [`set`].
pub fn set_json(text: &str, into: &mut Table) -> Result<(), SetError> {
    let trimmed = text.trim();
    if trimmed.starts_with('{') {
        // Helm repeats the text, which may hold a secret.
        let refused = |error: serde_json::Error| SetError(format!("no JSON object: {error}"));
        let table: Table = serde_json::from_str(trimmed).map_err(refused)?;
        crate::values::merge_maps(into, table.into_iter().map(|(k, v)| (k, crate::values::float(v))).collect());
        return Ok(());
    }
    Parser::new(text, Mode::Json).parse(into)
}

/// Sets one text that may hold anything, as `--set-literal` does.
///
/// # Errors
/// As [`set`].
pub fn set_literal(text: &str, into: &mut Table) -> Result<(), SetError> {
    Parser::new(text, Mode::Literal).parse(into)
}

/// Sets the contents of files, as `--set-file` does; `read` is given the path.
///
/// # Errors
/// As [`set`], and what `read` answers.
pub fn set_file(text: &str, into: &mut Table, read: &dyn Fn(&str) -> Result<String, SetError>) -> Result<(), SetError> {
    Parser::new(text, Mode::File(read)).parse(into)
}

/// Whether there is more to parse.
#[derive(PartialEq, Eq)]
enum Next {
    More,
    End,
}

struct Parser<'a> {
    text: Cursor<'a>,
    mode: Mode<'a>,
    places: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str, mode: Mode<'a>) -> Self {
        Self { text: Cursor::new(text, !matches!(mode, Mode::Literal)), mode, places: 0 }
    }

    fn parse(&mut self, into: &mut Table) -> Result<(), SetError> {
        while self.key(into, 0)? == Next::More {}
        Ok(())
    }

    fn is_literal(&self) -> bool {
        matches!(self.mode, Mode::Literal)
    }

    fn key(&mut self, data: &mut Table, depth: usize) -> Result<Next, SetError> {
        let stops: &[char] = if self.is_literal() { &['=', '[', '.'] } else { &['=', '[', ',', '.'] };
        let (key, stop) = self.text.until(stops);
        match stop {
            Until::End if key.is_empty() => Ok(Next::End),
            Until::End => fail(format!("key {key:?} has no value")),
            Until::Stop('[') => self.list_key(data, key, depth),
            Until::Stop('=') => self.assign(data, key),
            Until::Stop('.') => self.nested(data, key, depth + 1),
            Until::Stop(_) => {
                put(data, key.clone(), Value::String(String::new()));
                fail(format!("key {key:?} has no value (cannot end with ,)"))
            }
        }
    }

    fn list_key(&mut self, data: &mut Table, key: String, depth: usize) -> Result<Next, SetError> {
        let index = self.index()?;
        // Taken, not copied: a long list may be named again and again.
        let list = match data.get_mut(&key) {
            None => Vec::new(),
            Some(Value::Array(items)) => std::mem::take(items),
            Some(_) => return fail(format!("unable to parse key: {key:?} is not a list")),
        };
        let (list, result) = self.item(list, index, depth);
        put(data, key, Value::Array(list));
        result
    }

    fn nested(&mut self, data: &mut Table, key: String, depth: usize) -> Result<Next, SetError> {
        if depth > MAX_DEPTH {
            return fail(format!(
                "value name nested level is greater than maximum supported nested level of {MAX_DEPTH}"
            ));
        }
        let mut inner = match data.get(&key) {
            None => Table::new(),
            Some(Value::Object(table)) => table.clone(),
            Some(_) => return fail(format!("unable to parse key: {key:?} is not a map")),
        };
        let result = self.key(&mut inner, depth);
        let is_empty = inner.is_empty();
        if !is_empty {
            put(data, key.clone(), Value::Object(inner));
        }
        match result {
            Ok(Next::More) if is_empty => fail(format!("key map {key:?} has no value")),
            other => other,
        }
    }

    /// The value after `key=`.
    fn assign(&mut self, data: &mut Table, key: String) -> Result<Next, SetError> {
        match self.mode {
            Mode::Literal => {
                let (value, _) = self.text.until(&[]);
                put(data, key, Value::String(value));
                Ok(Next::More)
            }
            Mode::Json => {
                let value = self.json()?;
                put(data, key, value);
                Ok(Next::More)
            }
            _ if self.text.is_at_end() => {
                put(data, key, Value::String(String::new()));
                Ok(Next::End)
            }
            _ => {
                let value = self.value()?;
                put(data, key, value);
                Ok(Next::More)
            }
        }
    }

    fn index(&mut self) -> Result<i64, SetError> {
        let (text, stop) = self.text.until(&[']']);
        if stop == Until::End {
            return fail("error parsing index: EOF");
        }
        let digits = text.strip_prefix(['+', '-']).unwrap_or(&text);
        let plain = !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_digit());
        match text.parse::<i64>() {
            Ok(index) if plain => Ok(index),
            _ if plain => fail(format!("error parsing index: strconv.Atoi: parsing {text:?}: value out of range")),
            _ => fail(format!("error parsing index: strconv.Atoi: parsing {text:?}: invalid syntax")),
        }
    }

    /// What follows `[index]`. The list comes back in any case: what was read into it stays.
    fn item(&mut self, mut list: Vec<Value>, index: i64, depth: usize) -> (Vec<Value>, Result<Next, SetError>) {
        let result = self.try_item(&mut list, index, depth);
        (list, result)
    }

    fn try_item(&mut self, list: &mut Vec<Value>, index: i64, depth: usize) -> Result<Next, SetError> {
        let Ok(index) = usize::try_from(index) else {
            return fail(format!("negative {index} index not allowed"));
        };
        let (rest, stop) = self.text.until(&['[', '.', '=']);
        if !rest.is_empty() {
            return fail(format!("unexpected data at end of array index: {rest:?}"));
        }
        match stop {
            Until::End => Ok(Next::End),
            Until::Stop('=') => self.item_value(list, index),
            Until::Stop('[') => {
                let next = self.index()?;
                let inner = match list.get_mut(index) {
                    None | Some(Value::Null) => Vec::new(),
                    Some(Value::Array(items)) => std::mem::take(items),
                    Some(_) => return fail("unable to parse key: a value that is no list has an index"),
                };
                // Deep brackets nest this function, so they count as names do.
                if depth >= MAX_DEPTH * 4 {
                    return fail("lists are nested too deeply");
                }
                let (inner, result) = self.item(inner, next, depth + 1);
                if result.is_ok() || list.len() > index {
                    self.put_at(list, index, Value::Array(inner))?;
                }
                result
            }
            Until::Stop(_) => {
                let mut inner = match list.get(index) {
                    Some(Value::Object(table)) => table.clone(),
                    _ => Table::new(),
                };
                if list.get(index).is_some_and(|it| !it.is_object()) {
                    self.put_at(list, index, Value::Object(Table::new()))?;
                }
                if depth >= MAX_DEPTH * 4 {
                    return fail("lists are nested too deeply");
                }
                let result = self.key(&mut inner, depth + 1)?;
                // Helm takes the end of the text for a failure here and leaves the list as it was.
                if result == Next::More || list.len() > index {
                    self.put_at(list, index, Value::Object(inner))?;
                }
                Ok(result)
            }
        }
    }

    fn item_value(&mut self, list: &mut Vec<Value>, index: usize) -> Result<Next, SetError> {
        let value = match self.mode {
            Mode::Literal => Value::String(self.text.until(&[]).0),
            Mode::Json => self.json()?,
            _ if self.text.is_at_end() => Value::String(String::new()),
            _ => self.value()?,
        };
        self.put_at(list, index, value)?;
        Ok(Next::More)
    }

    fn put_at(&mut self, list: &mut Vec<Value>, index: usize, value: Value) -> Result<(), SetError> {
        if index > MAX_INDEX {
            return fail(format!("index of {index} is greater than maximum supported index of {MAX_INDEX}"));
        }
        if list.len() <= index {
            self.places += index + 1 - list.len();
            if self.places > MAX_PLACES {
                return fail(format!("lists of more than {MAX_PLACES} places in all"));
            }
            list.resize(index + 1, Value::Null);
        }
        if let Some(place) = list.get_mut(index) {
            *place = value;
        }
        Ok(())
    }

    /// A list in braces, or one value.
    fn value(&mut self) -> Result<Value, SetError> {
        if !self.text.skip('{') {
            let (text, _) = self.text.until(&[',']);
            return self.read(&text);
        }
        let mut items = Vec::new();
        loop {
            let (text, stop) = self.text.until(&[',', '}']);
            if stop == Until::End {
                return fail("list must terminate with '}'");
            }
            items.push(self.read(&text)?);
            if stop == Until::Stop('}') {
                self.text.skip(',');
                return Ok(Value::Array(items));
            }
        }
    }

    fn read(&self, text: &str) -> Result<Value, SetError> {
        match self.mode {
            Mode::File(read) => read(text).map(Value::String),
            Mode::Typed => Ok(typed(text)),
            _ => Ok(Value::String(text.to_owned())),
        }
    }

    /// A JSON value up to a comma; nothing stands for null.
    fn json(&mut self) -> Result<Value, SetError> {
        if self.text.skip_blank() {
            return Ok(Value::Null);
        }
        let mut values = serde_json::Deserializer::from_str(self.text.rest()).into_iter::<Value>();
        let value = match values.next() {
            Some(Ok(value)) => value,
            Some(Err(error)) => return fail(error.to_string()),
            None => return fail("EOF"),
        };
        let taken = values.byte_offset();
        self.text.advance(taken);
        self.text.skip_blank();
        Ok(crate::values::float(value))
    }
}

fn put(data: &mut Table, key: String, value: Value) {
    if !key.is_empty() {
        data.insert(key, value);
    }
}

/// `true`, `false`, `null` in any case, integers without leading zero; all else is text.
fn typed(text: &str) -> Value {
    if text.eq_ignore_ascii_case("true") {
        return Value::Bool(true);
    }
    if text.eq_ignore_ascii_case("false") {
        return Value::Bool(false);
    }
    if text.eq_ignore_ascii_case("null") {
        return Value::Null;
    }
    let starts_well = text == "0" || !text.starts_with('0');
    match text.parse::<i64>() {
        Ok(number) if starts_well => Value::Number(Number::from(number)),
        _ => Value::String(text.to_owned()),
    }
}

#[cfg(test)]
mod tests;
