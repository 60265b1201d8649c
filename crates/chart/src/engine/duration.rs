//! Helm's functions on durations.

use weir_gotemplate::{Ctx, FuncError, Functions, Kind, Signature, Type, Value, sprig::parse_duration};

const SECOND: i64 = 1_000_000_000;

pub(super) fn register(functions: &mut Functions) {
    const ANY: Signature = Signature::fixed(&[Type::Interface]);
    const TWO: Signature = Signature::fixed(&[Type::Interface, Type::Interface]);
    functions
        .add("mustToDuration", ANY, |_, args| nanoseconds(at(args, 0)).map(Value::duration).map_err(FuncError::new));
    functions.add("durationSeconds", ANY, |_, args| Ok(float(args, SECOND)));
    functions.add("durationMinutes", ANY, |_, args| Ok(float(args, 60 * SECOND)));
    functions.add("durationHours", ANY, |_, args| Ok(float(args, 3_600 * SECOND)));
    functions.add("durationDays", ANY, |_, args| Ok(hours(args, 24.0)));
    functions.add("durationWeeks", ANY, |_, args| Ok(hours(args, 168.0)));
    functions.add("durationMilliseconds", ANY, |_, args| Ok(whole(args, 1_000_000)));
    functions.add("durationMicroseconds", ANY, |_, args| Ok(whole(args, 1_000)));
    functions.add("durationNanoseconds", ANY, |_, args| Ok(whole(args, 1)));
    functions.add("durationRoundTo", TWO, |ctx, args| to_multiple(ctx, args, "Round"));
    functions.add("durationTruncateTo", TWO, |ctx, args| to_multiple(ctx, args, "Truncate"));
}

fn at(args: &[Value], place: usize) -> &Value {
    args.get(place).unwrap_or(&Value::Nil)
}

fn units(nanos: i64, unit: i64) -> f64 {
    (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64
}

/// Zero for what is no duration.
fn float(args: &[Value], unit: i64) -> Value {
    Value::float(nanoseconds(at(args, 0)).map_or(0.0, |it| units(it, unit)))
}

fn hours(args: &[Value], per: f64) -> Value {
    let hours = nanoseconds(at(args, 0)).map_or(0.0, |it| units(it, 3_600 * SECOND));
    Value::float(if per > 24.0 { hours / 24.0 / 7.0 } else { hours / per })
}

fn whole(args: &[Value], unit: i64) -> Value {
    Value::int64(nanoseconds(at(args, 0)).map_or(0, |it| it / unit))
}

fn to_multiple(ctx: &mut Ctx<'_>, args: &[Value], method: &str) -> Result<Value, FuncError> {
    let Ok(nanos) = nanoseconds(at(args, 0)) else { return Ok(Value::duration(0)) };
    let value = Value::duration(nanos);
    let Ok(multiple) = nanoseconds(at(args, 1)) else { return Ok(value) };
    match weir_gotemplate::DURATION.methods {
        Some(methods) => methods.call(&value, method, ctx, &[Value::duration(multiple)]),
        None => Ok(value),
    }
}

/// A duration from a text (`1h30m`, or seconds), a number of seconds, or a duration.
fn nanoseconds(value: &Value) -> Result<i64, String> {
    match value {
        Value::Named(named, _) if named.name == "time.Duration" => Ok(value.as_int().unwrap_or(0)),
        Value::Missing | Value::Nil => Err("invalid duration".to_owned()),
        Value::String(text) => from_text(&text.to_str()),
        other => match other.plain() {
            Value::Int(_, seconds) => {
                seconds.checked_mul(SECOND).ok_or_else(|| format!("duration seconds overflow: {seconds}"))
            }
            Value::Uint(_, seconds) => i64::try_from(*seconds)
                .ok()
                .and_then(|it| it.checked_mul(SECOND))
                .ok_or_else(|| format!("duration seconds overflow: {seconds}")),
            Value::Float(Kind::Float32 | Kind::Float64, seconds) => from_float(*seconds),
            _ => Err(format!("unsupported duration type {}", other.type_name())),
        },
    }
}

fn from_float(seconds: f64) -> Result<i64, String> {
    if !seconds.is_finite() {
        return Err(format!("invalid duration seconds: {}", Value::float(seconds)));
    }
    let nanos = seconds * SECOND as f64;
    // 2^63 as a float is past the largest i64.
    if nanos.abs() >= 9_223_372_036_854_775_808.0 {
        return Err(format!("duration seconds overflow: {}", Value::float(seconds)));
    }
    Ok(nanos as i64)
}

fn from_text(text: &str) -> Result<i64, String> {
    let trimmed = text.trim();
    if trimmed.is_empty() {
        return Err("empty duration".to_owned());
    }
    if let Ok(nanos) = parse_duration(trimmed.as_bytes()) {
        return Ok(nanos);
    }
    match trimmed.parse::<f64>() {
        Ok(seconds) => from_float(seconds),
        Err(_) => Err(format!("could not parse duration {}", weir_gotemplate::format::quote(text.as_bytes()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_helm_reads_them() {
        for (text, nanos) in [
            ("1h30m", Some(5_400 * SECOND)),
            ("-1.5s", Some(-3 * SECOND / 2)),
            ("90", Some(90 * SECOND)),
            ("0", Some(0)),
            (" 2m ", Some(120 * SECOND)),
            ("1.5", Some(3 * SECOND / 2)),
            ("x", None),
            ("", None),
            ("1d", None),
            ("9223372036855", None),
        ] {
            assert_eq!(from_text(text).ok(), nanos, "{text}");
        }
        assert_eq!(nanoseconds(&Value::int(3)).unwrap(), 3 * SECOND);
        assert!(nanoseconds(&Value::Bool(true)).unwrap_err().contains("unsupported duration type bool"));
    }
}
