//! Lists. Every function makes a new one; none but `sortAlpha` changes the one it is given.

use crate::{
    context::Ctx,
    error::FuncError,
    function::{Functions, Plain, Signature},
    sprig::{
        args::{ANY, Answer, BAD_LENGTH, INT, NIL_DEREFERENCE, VALUE_SIZE, any, fail, int, rest, strings, strval},
        cast::to_int64,
        defaults::empty,
        equal::deep_equal,
    },
    types::{ANY_SLICE, STRING_SLICE, Type},
    value::{List, Value},
};

const ONE: Signature = Signature::fixed(&[ANY]);
const TWO: Signature = Signature::fixed(&[ANY, ANY]);
const SOME: Signature = Signature::variadic(&[ANY, ANY]);
/// `[][]interface {}`.
const CHUNKS: Type = Type::Slice(&ANY_SLICE);

pub fn register(to: &mut Functions) {
    for name in ["list", "tuple"] {
        to.add(name, Signature::variadic(&[ANY]).typed("func(...interface {}) []interface {}"), |_, args| {
            Ok(Value::list(args.to_vec()))
        });
    }
    let mut both = |names: &[&'static str], signature: Signature, body: Plain| {
        for name in names {
            to.add(name, signature, body);
        }
    };
    both(&["append", "push", "mustAppend", "mustPush"], TWO, |ctx, args| {
        let mut items = copied(ctx, any(args, 0), "Cannot push on type")?;
        items.push(any(args, 1).clone());
        Ok(Value::list(items))
    });
    both(&["prepend", "mustPrepend"], TWO, |ctx, args| {
        let mut items = copied(ctx, any(args, 0), "Cannot prepend on type")?;
        items.insert(0, any(args, 1).clone());
        Ok(Value::list(items))
    });
    both(&["first", "mustFirst"], ONE, |_, args| {
        let items = elements(any(args, 0), "Cannot find first on type")?;
        Ok(items.first().cloned().unwrap_or(Value::Nil))
    });
    both(&["last", "mustLast"], ONE, |_, args| {
        let items = elements(any(args, 0), "Cannot find last on type")?;
        Ok(items.last().cloned().unwrap_or(Value::Nil))
    });
    both(&["rest", "mustRest"], ONE, |ctx, args| {
        let items = copied(ctx, any(args, 0), "Cannot find rest on type")?;
        Ok(items.get(1..).map_or(Value::NilOf(ANY_SLICE), |it| Value::list(it.to_vec())))
    });
    both(&["initial", "mustInitial"], ONE, |ctx, args| {
        let mut items = copied(ctx, any(args, 0), "Cannot find initial on type")?;
        Ok(items.pop().map_or(Value::NilOf(ANY_SLICE), |_| Value::list(items)))
    });
    both(&["reverse", "mustReverse"], ONE, |ctx, args| {
        let mut items = copied(ctx, any(args, 0), "Cannot find reverse on type")?;
        items.reverse();
        Ok(Value::list(items))
    });
    both(&["compact", "mustCompact"], ONE, |ctx, args| {
        let mut items = copied(ctx, any(args, 0), "Cannot compact on type")?;
        items.retain(|it| !empty(it));
        Ok(Value::list(items))
    });
    both(&["uniq", "mustUniq"], ONE, uniq);
    both(&["without", "mustWithout"], SOME, without);
    both(&["has", "mustHas"], TWO, has);
    both(&["slice", "mustSlice"], SOME, slice);
    both(&["chunk", "mustChunk"], Signature::fixed(&[INT, ANY]), chunk);
    both(&["concat"], Signature::variadic(&[ANY]), concat);
    both(&["sortAlpha"], ONE.typed("func(interface {}) []string"), sort_alpha);
}

/// The elements of a slice; fails with `what` and the kind otherwise.
fn elements(value: &Value, what: &str) -> Result<Vec<Value>, FuncError> {
    match value.elements() {
        Some(items) => Ok(items),
        None if matches!(value, Value::Nil | Value::Missing) => fail(NIL_DEREFERENCE),
        None => fail(format!("{what} {}", value.kind())),
    }
}

/// The same, paid for: lists that are copied again and again must not fill the memory.
fn copied(ctx: &mut Ctx<'_>, value: &Value, what: &str) -> Result<Vec<Value>, FuncError> {
    let items = elements(value, what)?;
    ctx.charge(2 * items.len() as u64)?;
    Ok(items)
}

fn is_among(ctx: &mut Ctx<'_>, item: &Value, items: &[Value]) -> Result<bool, FuncError> {
    for it in items {
        if deep_equal(ctx, item, it)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn uniq(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let mut kept: Vec<Value> = Vec::new();
    for item in copied(ctx, any(args, 0), "Cannot find uniq on type")? {
        if !is_among(ctx, &item, &kept)? {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn without(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let items = copied(ctx, any(args, 0), "Cannot find without on type")?;
    let omitted = rest(args, 1);
    let mut kept = Vec::new();
    for item in items {
        if !is_among(ctx, &item, omitted)? {
            kept.push(item);
        }
    }
    Ok(Value::list(kept))
}

fn has(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    if matches!(any(args, 1), Value::Nil | Value::Missing) {
        return Ok(Value::Bool(false));
    }
    let items = copied(ctx, any(args, 1), "Cannot find has on type")?;
    Ok(Value::Bool(is_among(ctx, any(args, 0), &items)?))
}

/// From one place until before another; the type stays.
fn slice(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let value = any(args, 0);
    let items = copied(ctx, value, "list should be type of slice or array but")?;
    if items.is_empty() {
        return Ok(Value::Nil);
    }
    let start = args.get(1).map_or(0, to_int64);
    let end = args.get(2).map_or(i64::try_from(items.len()).unwrap_or(i64::MAX), to_int64);
    let places = usize::try_from(start).ok().zip(usize::try_from(end).ok());
    let Some(kept) = places.and_then(|(start, end)| items.get(start..end)) else {
        return fail("reflect.Value.Slice: slice index out of bounds");
    };
    Ok(match value {
        Value::Bytes(bytes) => {
            let (start, end) = places.unwrap_or_default();
            Value::Bytes(bytes.get(start..end).unwrap_or_default().into())
        }
        other => Value::List(List::new(other.type_of().unwrap_or(ANY_SLICE), kept.to_vec())),
    })
}

/// In pieces of a size. What sizes below 1 do follows from the original's arithmetic on floats.
fn chunk(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let items = copied(ctx, any(args, 1), "Cannot chunk type")?;
    let size = int(args, 0);
    let pieces = ((items.len() as f64 - 1.0) / size as f64).floor() + 1.0;
    if !pieces.is_finite() || pieces < 0.0 {
        return fail(BAD_LENGTH);
    }
    if pieces < 1.0 {
        return Ok(Value::List(List::new(CHUNKS, Vec::new())));
    }
    let Some(size) = usize::try_from(size).ok().filter(|it| *it > 0) else {
        // One piece, as large as what is left over.
        let left = (items.len() as f64) % size as f64;
        if left < 1.0 {
            return fail(BAD_LENGTH);
        }
        return Ok(Value::List(List::new(CHUNKS, vec![Value::list(items)])));
    };
    if items.is_empty() {
        return Ok(Value::List(List::new(CHUNKS, Vec::new())));
    }
    Ok(Value::List(List::new(CHUNKS, items.chunks(size).map(|it| Value::list(it.to_vec())).collect())))
}

fn concat(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let mut all = Vec::new();
    for list in args {
        match list.elements() {
            Some(items) => {
                ctx.charge_output(items.len() * VALUE_SIZE)?;
                all.extend(items);
            }
            None if matches!(list, Value::Nil | Value::Missing) => return fail(NIL_DEREFERENCE),
            None => return fail(format!("Cannot concat type {} as list", list.kind())),
        }
    }
    Ok(if all.is_empty() { Value::NilOf(ANY_SLICE) } else { Value::list(all) })
}

/// Texts in the order of their bytes. A `[]string` (of `splitList`, `keys`, `toStrings`, …) is sorted in place, as the
/// original does: a variable that holds it is sorted, too.
fn sort_alpha(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let value = any(args, 0);
    if let Value::List(list) = value
        && list.type_of() == STRING_SLICE
    {
        ctx.charge(list.len() as u64)?;
        list.sort_with(|items| items.sort_by(|a, b| a.as_str().cmp(&b.as_str())));
        return Ok(value.clone());
    }
    if value.elements().is_none() {
        return Ok(Value::strings([strval(ctx, value)?]));
    }
    let mut texts = strings(ctx, value)?;
    ctx.charge(texts.len() as u64)?;
    texts.sort();
    Ok(Value::strings(texts))
}
