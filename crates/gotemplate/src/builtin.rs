//! The functions every template has.

mod call;
mod compare;
mod escape;
mod index;

pub(crate) use call::call;
pub(crate) use index::slice;

use crate::{
    ast::Found,
    context::Ctx,
    error::FuncError,
    format,
    function::{Function, Signature},
    types::Type,
    value::Value,
};

const ANY: Signature = Signature::variadic(&[Type::Interface]);
const ONE: Signature = Signature::fixed(&[Type::Reflect]);
const TWO: Signature = Signature::fixed(&[Type::Reflect, Type::Reflect]);
/// One or more values.
pub(crate) const SOME: Signature = Signature::variadic(&[Type::Reflect, Type::Reflect]);
const PRINTF: Signature = Signature::variadic(&[Type::String, Type::Interface]);

/// Finds one of Go's functions by its name.
pub(crate) fn find(name: &str) -> Option<(&'static str, Found)> {
    let name = NAMES.iter().find(|it| **it == name)?;
    Some((name, found(name)?))
}

fn found(name: &str) -> Option<Found> {
    let (signature, body): (Signature, crate::function::Plain) = match name {
        "and" => return Some(Found::And),
        "or" => return Some(Found::Or),
        "call" => return Some(Found::Call),
        "html" => (ANY.typed("func(...interface {}) string"), escape::html),
        "js" => (ANY.typed("func(...interface {}) string"), escape::js),
        "urlquery" => (ANY.typed("func(...interface {}) string"), escape::urlquery),
        "index" => (SOME, index::index),
        "slice" => return Some(Found::Slice),
        "len" => (ONE, index::len),
        "not" => (ONE, not),
        "print" => (ANY.typed("func(...interface {}) string"), print),
        "printf" => (PRINTF.typed("func(string, ...interface {}) string"), printf),
        "println" => (ANY.typed("func(...interface {}) string"), println),
        "eq" => (SOME, compare::eq),
        "ne" => (TWO, compare::ne),
        "lt" => (TWO, compare::lt),
        "le" => (TWO, compare::le),
        "gt" => (TWO, compare::gt),
        "ge" => (TWO, compare::ge),
        _ => return None,
    };
    Some(Found::Builtin(Function::plain(signature, body)))
}

const NAMES: &[&str] = &[
    "and", "or", "call", "html", "js", "urlquery", "index", "slice", "len", "not", "print", "printf", "println", "eq",
    "ne", "lt", "le", "gt", "ge",
];

/// What is missing is said to be nil here.
pub(crate) const NIL: &Value = &Value::Missing;

fn not(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::Bool(!args.first().unwrap_or(NIL).truth()))
}

fn print(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::string(format::sprint_within(args, ctx.room())))
}

fn println(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    Ok(Value::string(format::sprintln_within(args, ctx.room())))
}

fn printf(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (format, args) = match args {
        [Value::String(format), args @ ..] => (format.clone(), args),
        _ => return Ok(Value::string("")),
    };
    Ok(Value::string(format::sprintf_within(&format, args, ctx.room())))
}
