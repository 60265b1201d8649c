//! `index`, `slice` and `len`.

use crate::{
    builtin::NIL,
    context::Ctx,
    error::FuncError,
    types::Kind,
    value::{List, Value},
};

fn none(value: &Value) -> bool {
    matches!(value, Value::Missing | Value::Nil)
}

/// Whether it is a nil pointer or a nil interface, which nothing can be taken from.
fn dangling(value: &Value) -> bool {
    none(value) || matches!(value, Value::NilOf(of) if of.kind() == Kind::Pointer)
}

/// How many elements a string or slice has; `None` for anything else.
fn length(value: &Value) -> Option<usize> {
    match value.plain() {
        Value::String(text) | Value::Bytes(text) => Some(text.len()),
        Value::List(list) => Some(list.len()),
        Value::NilOf(of) if of.kind() == Kind::Slice => Some(0),
        _ => None,
    }
}

/// An index that is in range or just behind the end.
fn place(index: &Value, length: usize) -> Result<usize, FuncError> {
    let number = match index.plain() {
        Value::Int(_, number) => *number,
        Value::Uint(_, number) => *number as i64,
        Value::Missing | Value::Nil => return Err(FuncError::new("cannot index slice/array with nil")),
        other => {
            let _ = other;
            return Err(FuncError::new(format!("cannot index slice/array with type {}", index.type_name())));
        }
    };
    usize::try_from(number)
        .ok()
        .filter(|place| *place <= length)
        .ok_or_else(|| FuncError::new(format!("index out of range: {number}")))
}

/// `index x 1 2 3` is `x[1][2][3]`.
pub(super) fn index(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (first, indexes) = args.split_first().unwrap_or((NIL, &[]));
    if none(first) {
        return Err(FuncError::new("index of untyped nil"));
    }
    let mut item = first.clone();
    for index in indexes {
        if dangling(&item) {
            return Err(FuncError::new("index of nil pointer"));
        }
        item = match length(&item) {
            Some(length) => element(&item, place(index, length)?)?,
            None => entry(&item, index)?,
        };
    }
    Ok(item)
}

fn element(item: &Value, place: usize) -> Result<Value, FuncError> {
    let (found, kind) = match item.plain() {
        Value::String(text) => (text.get(place).map(byte), "string"),
        Value::Bytes(bytes) => (bytes.get(place).map(byte), "slice"),
        Value::List(list) => (list.get(place).cloned(), "slice"),
        _ => (None, "slice"),
    };
    found.ok_or_else(|| FuncError::new(format!("reflect: {kind} index out of range")))
}

fn byte(byte: &u8) -> Value {
    Value::Uint(Kind::Uint8, u64::from(*byte))
}

fn entry(item: &Value, index: &Value) -> Result<Value, FuncError> {
    let of = item.type_of().filter(|it| it.kind() == Kind::Map);
    let Some(elem) = of.and_then(crate::types::Type::elem) else {
        return Err(FuncError::new(format!("can't index item of type {}", pointed_to(item))));
    };
    let key = match index {
        Value::String(key) => key,
        Value::Missing | Value::Nil => return Err(FuncError::new("value is nil; should be of type string")),
        other => return Err(FuncError::new(format!("value has type {}; should be string", other.type_name()))),
    };
    let found = item.as_map().and_then(|map| map.get(key));
    Ok(found.unwrap_or_else(|| Value::zero(elem)))
}

/// The name of a type, seen through pointers.
fn pointed_to(item: &Value) -> String {
    item.type_name().trim_start_matches('*').to_owned()
}

/// `slice x 1 2` is `x[1:2]`. An index whose place has the static type `interface {}` (a bit is set for it) is refused,
/// whatever it holds.
pub(crate) fn slice(args: &[Value], boxed: u64) -> Result<Value, FuncError> {
    let (item, indexes) = args.split_first().unwrap_or((NIL, &[]));
    if none(item) {
        return Err(FuncError::new("slice of untyped nil"));
    }
    if dangling(item) {
        return Err(FuncError::new("slice of nil pointer"));
    }
    if indexes.len() > 3 {
        return Err(FuncError::new(format!("too many slice indexes: {}", indexes.len())));
    }
    let is_string = matches!(item.plain(), Value::String(_));
    if is_string && indexes.len() == 3 {
        return Err(FuncError::new("cannot 3-index slice a string"));
    }
    let Some(length) = length(item) else {
        return Err(FuncError::new(format!("can't slice item of type {}", pointed_to(item))));
    };
    let mut places = Vec::with_capacity(3);
    for (number, index) in indexes.iter().enumerate() {
        if boxed >> (number + 1) & 1 == 1 {
            return Err(FuncError::new("cannot index slice/array with type interface {}"));
        }
        places.push(place(index, length)?);
    }
    let from = places.first().copied().unwrap_or(0);
    let to = places.get(1).copied().unwrap_or(length);
    let capacity = places.get(2).copied().unwrap_or(usize::MAX);
    if from > to {
        return Err(FuncError::new(format!("invalid slice index: {from} > {to}")));
    }
    if to > capacity {
        return Err(FuncError::new(format!("invalid slice index: {to} > {capacity}")));
    }
    Ok(part(item, from, to))
}

fn part(item: &Value, from: usize, to: usize) -> Value {
    let bytes = |text: &[u8]| crate::Str::from(text.get(from..to).unwrap_or_default());
    match item {
        Value::String(text) => Value::String(bytes(text)),
        Value::Bytes(text) => Value::Bytes(bytes(text)),
        Value::Named(named, inner) => Value::Named(named, std::rc::Rc::new(part(inner, from, to))),
        Value::List(list) => Value::List(List::new(list.type_of(), list.get(from..to).unwrap_or_default().to_vec())),
        other => other.clone(),
    }
}

/// How many bytes, elements or entries.
pub(super) fn len(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let item = args.first().unwrap_or(NIL);
    if matches!(item, Value::Missing) {
        return Err(FuncError::new("reflect: call of reflect.Value.Type on zero Value"));
    }
    if dangling(item) {
        return Err(FuncError::new("len of nil pointer"));
    }
    let count = match item {
        Value::Map(map) => Some(map.len()),
        Value::NilOf(of) if of.kind() == Kind::Map => Some(0),
        _ => length(item),
    };
    match count {
        Some(count) => Ok(Value::int(count as i64)),
        None => Err(FuncError::new(format!("len of type {}", pointed_to(item)))),
    }
}
