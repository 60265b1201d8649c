//! Merging dictionaries as mergo v1.0 does with Sprig's settings.
//!
//! What stands in the destination stays unless it is empty (`merge`) or is replaced (`mergeOverwrite`); dictionaries in
//! both are merged in place. Lists are never merged. A nil in a source is not taken over by `merge`, but replaces in
//! `mergeOverwrite`. Nested dictionaries that are taken over are shared with the source, not copied.

use crate::{
    context::Ctx,
    error::{Bound, FuncError},
    function::{Functions, Signature},
    sprig::{
        args::{Answer, any, fail, rest},
        defaults::MAX_DEPTH,
    },
    types::{ANY_MAP, Kind, Type},
    value::{Map, Value},
};

pub fn register(to: &mut Functions) {
    const SOME: Signature = Signature::variadic(&[ANY_MAP, ANY_MAP]);
    to.add("merge", SOME, |ctx, args| swallowed(all(ctx, args, false)));
    to.add("mergeOverwrite", SOME, |ctx, args| swallowed(all(ctx, args, true)));
    to.add("mustMerge", SOME, |ctx, args| all(ctx, args, false));
    to.add("mustMergeOverwrite", SOME, |ctx, args| all(ctx, args, true));
}

/// The one error mergo returns where others panic; Sprig answers the empty string then.
const DIFFERENT_TYPES: &str = "src and dst must be of same type";

fn swallowed(answer: Answer) -> Answer {
    match answer {
        Err(error) if error.to_string() == DIFFERENT_TYPES => Ok(Value::from("")),
        other => other,
    }
}

fn all(ctx: &mut Ctx<'_>, args: &[Value], overwrite: bool) -> Answer {
    let mut into = any(args, 0).clone();
    for source in rest(args, 1) {
        let Value::Map(source) = source else { continue };
        let map = match &into {
            Value::Map(map) => map.clone(),
            _ => Map::new(),
        };
        merge(ctx, &map, source, overwrite, 0)?;
        into = Value::Map(map);
    }
    Ok(into)
}

fn merge(ctx: &mut Ctx<'_>, into: &Map, source: &Map, overwrite: bool, depth: usize) -> Result<(), FuncError> {
    if depth > MAX_DEPTH {
        return Err(Bound::Depth.into());
    }
    for (key, value) in source.entries() {
        ctx.charge(1)?;
        if matches!(value, Value::Nil | Value::Missing) {
            if overwrite {
                into.set(key, value);
            }
            continue;
        }
        let there = into.get(&key);
        if let Some(there) = &there {
            nested(ctx, there, &value, overwrite, depth)?;
            let both_maps = value.kind() == Kind::Map && there.kind() == Kind::Map;
            // A list is replaced here or not at all; maps have been merged in place.
            if !is_empty(there) && (both_maps || (value.kind() == Kind::Slice && !overwrite)) {
                continue;
            }
        }
        if overwrite || there.as_ref().is_none_or(is_empty) {
            put(into, key, value)?;
        }
    }
    Ok(())
}

/// Merges a source's value into one that is there, where that changes it in place.
fn nested(ctx: &mut Ctx<'_>, there: &Value, value: &Value, overwrite: bool, depth: usize) -> Result<(), FuncError> {
    match (there, value) {
        (Value::Map(there), Value::Map(value)) => merge(ctx, there, value, overwrite, depth + 1),
        (Value::Object(there), value) if matches!(value.kind(), Kind::Map | Kind::Struct | Kind::Pointer) => {
            let pointer = there.type_of().kind() == Kind::Pointer;
            if pointer && value.kind() != Kind::Pointer && !overwrite {
                return fail(DIFFERENT_TYPES);
            }
            if !pointer && value.kind() == Kind::Map && !there.fields().is_empty() {
                return fail("reflect: call of reflect.Value.Field on map Value");
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

fn put(into: &Map, key: crate::Str, value: Value) -> Result<(), FuncError> {
    if let Some(wanted) = into.type_of().elem().filter(|it| *it != Type::Interface)
        && value.type_of() != Some(wanted)
    {
        return fail(format!(
            "reflect.Value.SetMapIndex: value of type interface {{}} is not assignable to type {wanted}"
        ));
    }
    into.set(key, value);
    Ok(())
}

/// Pointers count as what they point to; structs are never empty.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(_) => false,
        other => !other.truth(),
    }
}
