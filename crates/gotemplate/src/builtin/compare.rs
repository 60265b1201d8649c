//! `eq` and its relatives.

use std::cmp::Ordering;

use crate::{builtin::NIL, context::Ctx, error::FuncError, format, types::Kind, value::Value};

/// The kinds that can be compared by value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    None,
    Bool,
    Complex,
    Int,
    Float,
    String,
    Uint,
}

fn basic(value: &Value) -> Basic {
    match value.plain() {
        Value::Bool(_) => Basic::Bool,
        Value::Int(..) => Basic::Int,
        Value::Uint(..) => Basic::Uint,
        Value::Float(..) => Basic::Float,
        Value::Complex(..) => Basic::Complex,
        Value::String(_) => Basic::String,
        _ => Basic::None,
    }
}

fn is_none(value: &Value) -> bool {
    matches!(value, Value::Missing | Value::Nil)
}

/// `eq a b c`: whether a equals any of the others.
pub(super) fn eq(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (first, others) = args.split_first().unwrap_or((NIL, &[]));
    if others.is_empty() {
        return Err(FuncError::new("missing argument for comparison"));
    }
    for other in others {
        if equal(first, other)? {
            return Ok(Value::Bool(true));
        }
    }
    Ok(Value::Bool(false))
}

/// `ne a b`
pub(super) fn ne(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (left, right) = two(args);
    equal(left, right).map(|it| Value::Bool(!it))
}

/// `lt a b`
pub(super) fn lt(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (left, right) = two(args);
    less(left, right).map(Value::Bool)
}

/// `le a b`
pub(super) fn le(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (left, right) = two(args);
    less_or_equal(left, right).map(Value::Bool)
}

/// `gt a b`
pub(super) fn gt(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (left, right) = two(args);
    less_or_equal(left, right).map(|it| Value::Bool(!it))
}

/// `ge a b`
pub(super) fn ge(_: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let (left, right) = two(args);
    less(left, right).map(|it| Value::Bool(!it))
}

fn two(args: &[Value]) -> (&Value, &Value) {
    (args.first().unwrap_or(NIL), args.get(1).unwrap_or(NIL))
}

fn incompatible(left: &Value, right: &Value) -> FuncError {
    FuncError::new(format!("incompatible types for comparison: {} and {}", left.type_name(), right.type_name()))
}

fn equal(left: &Value, right: &Value) -> Result<bool, FuncError> {
    Ok(match (left.plain(), right.plain()) {
        (Value::Bool(left), Value::Bool(right)) => left == right,
        (Value::Int(_, left), Value::Int(_, right)) => left == right,
        (Value::Uint(_, left), Value::Uint(_, right)) => left == right,
        (Value::Int(_, left), Value::Uint(_, right)) | (Value::Uint(_, right), Value::Int(_, left)) => {
            u64::try_from(*left).is_ok_and(|left| left == *right)
        }
        (Value::Float(_, left), Value::Float(_, right)) => left == right,
        (Value::Complex(a, b), Value::Complex(c, d)) => a == c && b == d,
        (Value::String(left), Value::String(right)) => left == right,
        _ if basic(left) != basic(right) => {
            if !is_none(left) && !is_none(right) {
                return Err(incompatible(left, right));
            }
            false
        }
        _ => return equal_composed(left, right),
    })
}

/// Lists, maps, structs, functions and nil.
fn equal_composed(left: &Value, right: &Value) -> Result<bool, FuncError> {
    let shown = |value: &Value| {
        String::from_utf8_lossy(&format::sprintf_within(b"%s", std::slice::from_ref(value), 1 << 20)).into_owned()
    };
    if left.kind() != right.kind() && !is_none(left) && !is_none(right) {
        return Err(FuncError::new(format!(
            "non-comparable types {}: {}, {}: {right}",
            shown(left),
            left.type_name(),
            right.type_name(),
        )));
    }
    if left.is_nil() || right.is_nil() {
        return Ok(left.is_nil() == right.is_nil());
    }
    let different = left.type_of() != right.type_of();
    let answer = match (left, right) {
        (Value::Object(_), Value::Object(_)) if different => Some(false),
        (Value::Object(left), Value::Object(right)) => left
            .equals(&**right)
            .or((right.type_of().kind() == Kind::Pointer).then(|| std::rc::Rc::ptr_eq(left, right))),
        _ => None,
    };
    answer.ok_or_else(|| FuncError::new(format!("non-comparable type {}: {}", shown(right), right.type_name())))
}

fn less(left: &Value, right: &Value) -> Result<bool, FuncError> {
    let bad = || FuncError::new("invalid type for comparison");
    let ordering = match (left.plain(), right.plain()) {
        (Value::Int(_, left), Value::Int(_, right)) => left.cmp(right),
        (Value::Uint(_, left), Value::Uint(_, right)) => left.cmp(right),
        (Value::Int(_, left), Value::Uint(_, right)) => i128::from(*left).cmp(&i128::from(*right)),
        (Value::Uint(_, left), Value::Int(_, right)) => i128::from(*left).cmp(&i128::from(*right)),
        (Value::Float(_, left), Value::Float(_, right)) => return Ok(left < right),
        (Value::String(left), Value::String(right)) => left.cmp(right),
        _ => {
            let (left_kind, right_kind) = (basic(left), basic(right));
            if left_kind == Basic::None || right_kind == Basic::None || left_kind == right_kind {
                return Err(bad());
            }
            return Err(incompatible(left, right));
        }
    };
    Ok(ordering == Ordering::Less)
}

fn less_or_equal(left: &Value, right: &Value) -> Result<bool, FuncError> {
    Ok(less(left, right)? || equal(left, right)?)
}
