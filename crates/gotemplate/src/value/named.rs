//! The named types every template may meet: `time.Duration` and `json.Number`.

use crate::{context::Ctx, error::FuncError, function::Signature, text::Str, types::Methods, value::Value};

/// Methods of `json.Number`.
pub(crate) struct NumberMethods;

impl Methods for NumberMethods {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        matches!(name, "String" | "Int64" | "Float64").then_some(&Signature::NONE)
    }

    fn call(&self, receiver: &Value, name: &str, _: &mut Ctx<'_>, _: &[Value]) -> Result<Value, FuncError> {
        let text = receiver.as_str().cloned().unwrap_or_default();
        let failed = |function: &str, what: &str| {
            FuncError::new(format!("strconv.{function}: parsing {}: {what}", crate::format::quote(&text)))
        };
        match name {
            "Int64" => text.to_str().parse::<i64>().map(Value::int64).map_err(|error| {
                let range =
                    matches!(error.kind(), std::num::IntErrorKind::PosOverflow | std::num::IntErrorKind::NegOverflow);
                failed("ParseInt", if range { "value out of range" } else { "invalid syntax" })
            }),
            "Float64" => match text.to_str().parse::<f64>() {
                Ok(it) if it.is_infinite() => Err(failed("ParseFloat", "value out of range")),
                Ok(it) => Ok(Value::float(it)),
                Err(_) => Err(failed("ParseFloat", "invalid syntax")),
            },
            _ => Ok(Value::String(text)),
        }
    }

    fn text(&self, receiver: &Value) -> Option<Str> {
        receiver.as_str().cloned()
    }
}

/// Methods of `time.Duration`.
pub(crate) struct DurationMethods;

impl Methods for DurationMethods {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        static TAKEN: [crate::Type; 1] = [crate::Type::Named(&crate::types::DURATION)];
        static OTHER: Signature = Signature::fixed(&TAKEN);
        match name {
            "String" | "Hours" | "Minutes" | "Seconds" | "Milliseconds" | "Microseconds" | "Nanoseconds" | "Abs" => {
                Some(&Signature::NONE)
            }
            "Round" | "Truncate" => Some(&OTHER),
            _ => None,
        }
    }

    fn call(&self, receiver: &Value, name: &str, _: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let nanos = receiver.as_int().unwrap_or(0);
        let unit = args.first().and_then(Value::as_int).unwrap_or(0);
        let split = |unit: i64| (nanos / unit) as f64 + (nanos % unit) as f64 / unit as f64;
        Ok(match name {
            "Hours" => Value::float(split(3_600_000_000_000)),
            "Minutes" => Value::float(split(60_000_000_000)),
            "Seconds" => Value::float(split(1_000_000_000)),
            "Milliseconds" => Value::int64(nanos / 1_000_000),
            "Microseconds" => Value::int64(nanos / 1_000),
            "Nanoseconds" => Value::int64(nanos),
            "Abs" => Value::duration(nanos.checked_abs().unwrap_or(i64::MAX)),
            "Truncate" => Value::duration(if unit <= 0 { nanos } else { nanos - nanos % unit }),
            "Round" => Value::duration(round(nanos, unit)),
            _ => Value::string(duration_text(nanos)),
        })
    }

    fn text(&self, receiver: &Value) -> Option<Str> {
        receiver.as_int().map(|nanos| Str::from(duration_text(nanos)))
    }
}

/// To the nearest multiple of the unit, halves away from zero, saturating.
fn round(nanos: i64, unit: i64) -> i64 {
    if unit <= 0 {
        return nanos;
    }
    let rest = i128::from(nanos % unit);
    let (nanos, unit) = (i128::from(nanos), i128::from(unit));
    let rounded = if rest.abs() * 2 < unit { nanos - rest } else { nanos - rest + unit * nanos.signum() };
    i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX })
}

/// A duration as Go prints it: `1h2m3.5s`, `1.5ms`, `0s`.
#[must_use]
pub fn duration_text(nanos: i64) -> String {
    let whole = nanos.unsigned_abs();
    let sign = if nanos < 0 { "-" } else { "" };
    if whole == 0 {
        return "0s".to_owned();
    }
    let decimal = |units: u64, per: u64, digits: usize| {
        let (whole, rest) = (units / per, units % per);
        let rest = format!("{rest:0digits$}");
        let rest = rest.trim_end_matches('0');
        if rest.is_empty() || per == 1 { whole.to_string() } else { format!("{whole}.{rest}") }
    };
    if whole < 1_000 {
        return format!("{sign}{whole}ns");
    }
    if whole < 1_000_000 {
        return format!("{sign}{}µs", decimal(whole, 1_000, 3));
    }
    if whole < 1_000_000_000 {
        return format!("{sign}{}ms", decimal(whole, 1_000_000, 6));
    }
    let (minutes, rest) = (whole / 60_000_000_000, whole % 60_000_000_000);
    let seconds = decimal(rest, 1_000_000_000, 9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{sign}{seconds}s"),
        (0, minutes) => format!("{sign}{minutes}m{seconds}s"),
        (hours, minutes) => format!("{sign}{hours}h{minutes}m{seconds}s"),
    }
}
