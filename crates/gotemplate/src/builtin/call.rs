//! `call`, which calls a function that is a value.

use crate::{
    context::Ctx,
    error::FuncError,
    types::{Kind, Type},
    value::Value,
};

/// Calls a function value. `name` is the text of the expression it came from.
pub(crate) fn call(ctx: &mut Ctx<'_>, name: &str, function: &Value, args: &[Value]) -> Result<Value, FuncError> {
    let function = match function {
        Value::Missing | Value::Nil => return Err(FuncError::new("call of nil")),
        Value::Func(function) => function,
        other => return Err(FuncError::new(format!("non-function {name} of type {}", other.type_name()))),
    };
    let args = fit(function.signature(), name, args)?;
    ctx.call(function, &args)
}

fn fit(signature: &crate::Signature, name: &str, args: &[Value]) -> Result<Vec<Value>, FuncError> {
    let count = signature.params.len();
    if signature.variadic {
        if args.len() + 1 < count {
            let least = count - 1;
            return Err(FuncError::new(format!(
                "wrong number of args for {name}: got {} want at least {least}",
                args.len()
            )));
        }
    } else if args.len() != count {
        return Err(FuncError::new(format!("wrong number of args for {name}: got {} want {count}", args.len())));
    }
    let last = signature.params.last().copied().unwrap_or(Type::Interface);
    args.iter()
        .enumerate()
        .map(|(place, arg)| {
            let wanted = signature.params.get(place).copied().unwrap_or(last);
            prepared(arg, wanted).map_err(|it| FuncError::new(format!("arg {place}: {it}")))
        })
        .collect()
}

/// An argument of the wanted type; integers of other kinds are converted.
fn prepared(arg: &Value, wanted: Type) -> Result<Value, String> {
    if wanted == Type::Reflect {
        return Ok(arg.clone());
    }
    let Some(of) = arg.type_of() else {
        return match wanted.kind() {
            Kind::Interface | Kind::Map | Kind::Slice | Kind::Pointer | Kind::Func => Ok(Value::zero(wanted)),
            _ => Err(format!("value is nil; should be of type {wanted}")),
        };
    };
    if of.assignable_to(wanted) {
        return Ok(arg.clone());
    }
    let kind = wanted.kind();
    let number = match arg.plain() {
        Value::Int(_, number) => i128::from(*number),
        Value::Uint(_, number) => i128::from(*number),
        _ => return Err(format!("value has type {of}; should be {wanted}")),
    };
    // Conversions wrap around, as in Go.
    let bits = kind.bits();
    let converted = if kind.is_int() {
        let shift = 128 - bits;
        Value::Int(kind, (number << shift >> shift) as i64)
    } else if kind.is_uint() {
        Value::Uint(kind, (number as u128 & ((1_u128 << bits) - 1)) as u64)
    } else {
        return Err(format!("value has type {of}; should be {wanted}"));
    };
    Ok(match wanted {
        Type::Named(named) => Value::Named(named, std::rc::Rc::new(converted)),
        _ => converted,
    })
}
