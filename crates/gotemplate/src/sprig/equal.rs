//! Go's `reflect.DeepEqual`: same types all the way down, NaN unequal to itself, a nil slice unlike an empty one.

use std::rc::Rc;

use crate::{
    context::Ctx,
    error::{Bound, FuncError},
    sprig::dates::Time,
    value::Value,
};

/// Pairs of maps and lists being compared, by address: a structure that holds itself is equal where it comes back.
type Seen = Vec<(usize, usize)>;

/// Deeper are only values that loops have nested, too deeply for the stack.
const MAX_DEPTH: usize = 1_000;

/// Whether both are deeply equal. Values can contain one another many times: every comparison is paid for.
///
/// # Errors
/// When the budget is used up, or the values are nested more than 1,000 deep.
pub fn deep_equal(ctx: &mut Ctx<'_>, a: &Value, b: &Value) -> Result<bool, FuncError> {
    let mut run = Run { ctx, bound: None };
    let equal = run.compare(a, b, &mut Vec::new());
    run.bound.map_or(Ok(equal), |bound| Err(bound.into()))
}

struct Run<'a, 'b> {
    ctx: &'a mut Ctx<'b>,
    /// The bound that was met: then nothing is equal any more.
    bound: Option<Bound>,
}

impl Run<'_, '_> {
    /// False once a bound is met.
    fn goes_on(&mut self, depth: usize) -> bool {
        if self.bound.is_none() {
            self.bound = self.ctx.charge(1).err().or((depth > MAX_DEPTH).then_some(Bound::Depth));
        }
        self.bound.is_none()
    }

    fn compare(&mut self, a: &Value, b: &Value, seen: &mut Seen) -> bool {
        self.goes_on(seen.len()) && self.alike(a, b, seen)
    }

    fn alike(&mut self, a: &Value, b: &Value, seen: &mut Seen) -> bool {
        match (a, b) {
            (Value::Missing | Value::Nil, Value::Missing | Value::Nil) => true,
            (Value::NilOf(a), Value::NilOf(b)) => a == b,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(kind, a), Value::Int(other, b)) => kind == other && a == b,
            (Value::Uint(kind, a), Value::Uint(other, b)) => kind == other && a == b,
            (Value::Float(kind, a), Value::Float(other, b)) => kind == other && a == b,
            (Value::Complex(re, im), Value::Complex(other_re, other_im)) => re == other_re && im == other_im,
            (Value::String(a), Value::String(b)) | (Value::Bytes(a), Value::Bytes(b)) => a == b,
            (Value::Named(of, a), Value::Named(other, b)) => of == other && self.compare(a, b, seen),
            (Value::List(a), Value::List(b)) => {
                let pair = (a.address(), b.address());
                if a.type_of() != b.type_of() || a.len() != b.len() {
                    return false;
                }
                if a.same(b) || seen.contains(&pair) {
                    return true;
                }
                seen.push(pair);
                let equal = a.iter().zip(b.iter()).all(|(a, b)| self.compare(a, b, seen));
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
                let equal = a
                    .entries()
                    .iter()
                    .all(|(key, value)| b.get(key).is_some_and(|other| self.compare(value, &other, seen)));
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
                    && fields.iter().zip(&others).all(|((_, a), (_, b))| self.compare(a, b, seen))
            }
            _ => false,
        }
    }
}
