//! Go's `reflect.DeepEqual`: same types all the way down, NaN unequal to itself, a nil slice unlike an empty one.

use std::rc::Rc;

use crate::{sprig::dates::Time, value::Value};

/// Pairs of maps and lists being compared, by address: a structure that holds itself is equal where it comes back.
type Seen = Vec<(usize, usize)>;

/// Whether both are deeply equal.
pub fn deep_equal(a: &Value, b: &Value) -> bool {
    compare(a, b, &mut Vec::new())
}

fn compare(a: &Value, b: &Value, seen: &mut Seen) -> bool {
    match (a, b) {
        (Value::Missing | Value::Nil, Value::Missing | Value::Nil) => true,
        (Value::NilOf(a), Value::NilOf(b)) => a == b,
        (Value::Bool(a), Value::Bool(b)) => a == b,
        (Value::Int(kind, a), Value::Int(other, b)) => kind == other && a == b,
        (Value::Uint(kind, a), Value::Uint(other, b)) => kind == other && a == b,
        (Value::Float(kind, a), Value::Float(other, b)) => kind == other && a == b,
        (Value::Complex(re, im), Value::Complex(other_re, other_im)) => re == other_re && im == other_im,
        (Value::String(a), Value::String(b)) | (Value::Bytes(a), Value::Bytes(b)) => a == b,
        (Value::Named(of, a), Value::Named(other, b)) => of == other && compare(a, b, seen),
        (Value::List(a), Value::List(b)) => {
            let pair = (a.address(), b.address());
            if a.type_of() != b.type_of() || a.len() != b.len() {
                return false;
            }
            if a.same(b) || seen.contains(&pair) {
                return true;
            }
            seen.push(pair);
            let equal = a.iter().zip(b.iter()).all(|(a, b)| compare(a, b, seen));
            seen.pop();
            equal
        }
        (Value::Map(a), Value::Map(b)) => {
            let pair = (a.address(), b.address());
            if a.type_of() != b.type_of() || a.len() != b.len() {
                return false;
            }
            if a.same(b) || seen.contains(&pair) {
                return true;
            }
            seen.push(pair);
            let equal =
                a.entries().iter().all(|(key, value)| b.get(key).is_some_and(|other| compare(value, &other, seen)));
            seen.pop();
            equal
        }
        (Value::Object(a), Value::Object(b)) => {
            if a.type_of() != b.type_of() {
                return false;
            }
            if Rc::ptr_eq(a, b) {
                return true;
            }
            if let (Some(a), Some(b)) = (a.as_any().downcast_ref::<Time>(), b.as_any().downcast_ref::<Time>()) {
                return a.identical(b);
            }
            let (fields, others) = (a.fields(), b.fields());
            fields.len() == others.len()
                && a.text() == b.text()
                && fields.iter().zip(&others).all(|((_, a), (_, b))| compare(a, b, seen))
        }
        _ => false,
    }
}
