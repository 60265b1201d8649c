//! Dictionaries. `set`, `unset` and the merges change the one they are given, for all who hold it.

use std::collections::BTreeSet;

use crate::{
    error::FuncError,
    function::{Functions, Signature},
    sprig::{
        args::{ANY, Answer, TEXT, any, fail, rest, strval, text},
        merge,
    },
    types::{ANY_MAP, Type},
    value::{Map, Value},
};

const DICT: Type = ANY_MAP;

pub fn register(to: &mut Functions) {
    to.add("dict", Signature::variadic(&[ANY]).typed("func(...interface {}) map[string]interface {}"), |ctx, args| {
        let map = Map::new();
        for pair in args.chunks(2) {
            map.set(strval(ctx, any(pair, 0))?, pair.get(1).cloned().unwrap_or_else(|| Value::from("")));
        }
        Ok(Value::Map(map))
    });
    to.add("get", Signature::fixed(&[DICT, TEXT]), |_, args| {
        Ok(entry(any(args, 0), &text(args, 1)).unwrap_or_else(|| Value::from("")))
    });
    to.add("set", Signature::fixed(&[DICT, TEXT, ANY]), |_, args| match any(args, 0) {
        Value::Map(map) => {
            map.set(text(args, 1), any(args, 2).clone());
            Ok(any(args, 0).clone())
        }
        _ => fail("assignment to entry in nil map"),
    });
    to.add("unset", Signature::fixed(&[DICT, TEXT]), |_, args| {
        if let Value::Map(map) = any(args, 0) {
            map.remove(text(args, 1));
        }
        Ok(any(args, 0).clone())
    });
    to.add("hasKey", Signature::fixed(&[DICT, TEXT]), |_, args| {
        Ok(Value::Bool(entry(any(args, 0), &text(args, 1)).is_some()))
    });
    to.add("pluck", Signature::variadic(&[TEXT, DICT]), |_, args| {
        let key = text(args, 0);
        Ok(Value::list(rest(args, 1).iter().filter_map(|dict| entry(dict, &key)).collect()))
    });
    to.add("keys", Signature::variadic(&[DICT]), |ctx, args| {
        let keys: Vec<_> = args.iter().filter_map(Value::as_map).flat_map(Map::keys).collect();
        ctx.charge(keys.len() as u64)?;
        Ok(Value::strings(keys))
    });
    to.add("values", Signature::fixed(&[DICT]), |ctx, args| {
        let values: Vec<_> = entries(any(args, 0)).into_iter().map(|(_, value)| value).collect();
        ctx.charge(values.len() as u64)?;
        Ok(Value::list(values))
    });
    to.add("pick", Signature::variadic(&[DICT, TEXT]), |_, args| {
        let picked = Map::new();
        for key in rest(args, 1).iter().filter_map(Value::as_str) {
            if let Some(value) = entry(any(args, 0), key) {
                picked.set(key.clone(), value);
            }
        }
        Ok(Value::Map(picked))
    });
    to.add("omit", Signature::variadic(&[DICT, TEXT]), |ctx, args| {
        let omitted: BTreeSet<_> = rest(args, 1).iter().filter_map(Value::as_str).cloned().collect();
        let kept = Map::new();
        for (key, value) in entries(any(args, 0)).into_iter().filter(|(key, _)| !omitted.contains(key)) {
            ctx.charge(1)?;
            kept.set(key, value);
        }
        Ok(Value::Map(kept))
    });
    to.add("dig", Signature::variadic(&[ANY]), |_, args| dig(args));
    merge::register(to);
}

fn entry(dict: &Value, key: &[u8]) -> Option<Value> {
    dict.as_map()?.get(key)
}

fn entries(dict: &Value) -> Vec<(crate::Str, Value)> {
    dict.as_map().map(Map::entries).unwrap_or_default()
}

/// What a failed type assertion says.
pub fn wrong_type<T>(value: &Value, wanted: &str) -> Result<T, FuncError> {
    let is = value.type_of().map_or_else(|| "nil".to_owned(), |it| it.to_string());
    fail(format!("interface conversion: interface {{}} is {is}, not {wanted}"))
}

/// A dictionary of exactly that type; named ones do not do.
fn plain_dict(value: &Value) -> Result<Option<&Map>, FuncError> {
    match value {
        Value::Map(map) if map.type_of() == DICT => Ok(Some(map)),
        Value::NilOf(of) if *of == DICT => Ok(None),
        other => wrong_type(other, "map[string]interface {}"),
    }
}

/// `dig "a" "b" DEFAULT DICT`.
fn dig(args: &[Value]) -> Answer {
    let [keys @ .., default, dict] = args else { return fail("dig needs at least three arguments") };
    if keys.is_empty() {
        return fail("dig needs at least three arguments");
    }
    let mut at = plain_dict(dict)?.cloned();
    let mut names = Vec::with_capacity(keys.len());
    for key in keys {
        match key {
            Value::String(name) => names.push(name.clone()),
            other => return wrong_type(other, "string"),
        }
    }
    let last = names.len() - 1;
    for (place, name) in names.iter().enumerate() {
        let Some(step) = at.as_ref().and_then(|map| map.get(name)) else { return Ok(default.clone()) };
        if place == last {
            return Ok(step);
        }
        at = plain_dict(&step)?.cloned();
    }
    Ok(default.clone())
}
