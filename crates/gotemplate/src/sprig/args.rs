//! Arguments, once the engine has checked them against the signature.

use crate::{context::Ctx, error::FuncError, text::Str, types::Type, value::Value};

/// What a function answers.
pub type Answer = Result<Value, FuncError>;

/// Short names for signatures.
pub const ANY: Type = Type::Interface;
pub const TEXT: Type = Type::String;
pub const INT: Type = Type::Int;

/// What Go's runtime says when a nil is looked at.
pub const NIL_DEREFERENCE: &str = "runtime error: invalid memory address or nil pointer dereference";
/// What Go's runtime says when a slice is made with a length below zero or far too large.
pub const BAD_LENGTH: &str = "runtime error: makeslice: len out of range";

/// Bytes a value takes, for budgets of memory.
pub const VALUE_SIZE: usize = 32;

/// The string at a place.
pub fn text(args: &[Value], at: usize) -> Str {
    args.get(at).and_then(Value::as_str).cloned().unwrap_or_default()
}

/// The `int` at a place.
pub fn int(args: &[Value], at: usize) -> i64 {
    args.get(at).and_then(Value::as_int).unwrap_or_default()
}

/// The value at a place.
pub fn any(args: &[Value], at: usize) -> &Value {
    args.get(at).unwrap_or(&Value::Nil)
}

/// The values from a place on.
pub fn rest(args: &[Value], from: usize) -> &[Value] {
    args.get(from..).unwrap_or_default()
}

/// Fails with a text.
pub fn fail<T>(message: impl Into<String>) -> Result<T, FuncError> {
    Err(FuncError::new(message))
}

/// The text of a value: strings as they are, bytes as text, everything else as `%v` prints it.
///
/// # Errors
/// When that is more than may still be made.
pub fn strval(ctx: &mut Ctx<'_>, value: &Value) -> Result<Str, FuncError> {
    match value {
        Value::String(text) | Value::Bytes(text) => Ok(text.clone()),
        other => printed(ctx, other).map(Str::from),
    }
}

/// A value as `%v` prints it. Values can contain one another many times: the text is paid for.
///
/// # Errors
/// As [`strval`].
pub fn printed(ctx: &mut Ctx<'_>, value: &Value) -> Result<Vec<u8>, FuncError> {
    let room = ctx.room();
    let mut text = Vec::new();
    crate::format::print_within(&mut text, value, room);
    ctx.charge_output(text.len())?;
    Ok(text)
}

/// The texts of a list's elements without nils; of anything else its own; none of nil.
///
/// # Errors
/// As [`strval`].
pub fn strings(ctx: &mut Ctx<'_>, value: &Value) -> Result<Vec<Str>, FuncError> {
    match value.elements() {
        Some(items) => {
            let present = items.iter().filter(|it| !matches!(it, Value::Nil | Value::Missing));
            present.map(|it| strval(ctx, it)).collect()
        }
        None if matches!(value, Value::Nil | Value::Missing) => Ok(Vec::new()),
        None => Ok(vec![strval(ctx, value)?]),
    }
}
