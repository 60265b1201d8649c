//! Defaults, truth and copies.

use crate::{
    context::Ctx,
    error::{Bound, FuncError},
    function::{Functions, Signature},
    sprig::{
        args::{ANY, Answer, any, fail},
        versions,
    },
    text::Str,
    types::Type,
    value::{List, Map, Value},
};

const ONE: Signature = Signature::fixed(&[ANY]);
const SOME: Signature = Signature::variadic(&[ANY]);
/// How deep a structure may be that is copied or compared.
pub const MAX_DEPTH: usize = 256;

pub fn register(to: &mut Functions) {
    to.add("default", Signature::variadic(&[ANY, ANY]), |_, args| {
        Ok(args.get(1).filter(|it| !empty(it)).unwrap_or(any(args, 0)).clone())
    });
    to.add("empty", ONE.typed("func(interface {}) bool"), |_, args| Ok(Value::Bool(empty(any(args, 0)))));
    to.add("coalesce", SOME, |_, args| Ok(args.iter().find(|it| !empty(it)).cloned().unwrap_or(Value::Nil)));
    to.add("all", SOME, |_, args| Ok(Value::Bool(!args.iter().any(empty))));
    to.add("any", SOME, |_, args| Ok(Value::Bool(args.iter().any(|it| !empty(it)))));
    to.add("ternary", Signature::fixed(&[ANY, ANY, Type::Bool]), |_, args| {
        let chosen = usize::from(!any(args, 2).as_bool().unwrap_or(false));
        Ok(any(args, chosen).clone())
    });
    to.add("fail", Signature::fixed(&[Type::String]).typed("func(string) (string, error)"), |_, args| {
        fail(any(args, 0).as_str().map(Str::to_str).unwrap_or_default())
    });
    for name in ["deepCopy", "mustDeepCopy"] {
        to.add(name, ONE, deep_copy);
    }
}

/// Whether a value is nil, zero, false or has no elements. Structs never are.
pub fn empty(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        other => !other.truth(),
    }
}

fn deep_copy(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    match any(args, 0) {
        Value::Nil | Value::Missing => fail("reflect: call of reflect.Value.Type on zero Value"),
        value => copy(ctx, value, 0),
    }
}

fn copy(ctx: &mut Ctx<'_>, value: &Value, depth: usize) -> Result<Value, FuncError> {
    if depth > MAX_DEPTH {
        return Err(Bound::Depth.into());
    }
    ctx.charge(1)?;
    Ok(match value {
        Value::List(list) => {
            let items: Result<Vec<_>, _> = list.iter().map(|it| copy(ctx, it, depth + 1)).collect();
            Value::List(List::new(list.type_of(), items?))
        }
        Value::Map(map) => {
            let copied = Map::of(map.type_of());
            for (key, value) in map.entries() {
                copied.set(key, copy(ctx, &value, depth + 1)?);
            }
            Value::Map(copied)
        }
        // The original copies exported fields only, and versions have none.
        other => versions::zeroed(other).unwrap_or_else(|| other.clone()),
    })
}
