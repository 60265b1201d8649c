//! Arithmetic. Integers wrap around, as in Go.

use crate::{
    context::Ctx,
    error::{Bound, FuncError},
    function::{Functions, Signature},
    sprig::{
        args::{ANY, Answer, INT, TEXT, VALUE_SIZE, any, fail, int, rest, text},
        cast::{NotANumber, parse_int, to_float64, to_int64},
    },
    types::{INT_SLICE, Type},
    value::{List, Value},
};

const FLOAT: Signature = Signature::fixed(&[ANY]).typed("func(interface {}) float64");
const LONG: Signature = Signature::fixed(&[ANY]).typed("func(interface {}) int64");
const LONG_TWO: Signature = Signature::fixed(&[ANY, ANY]).typed("func(interface {}, interface {}) int64");
const LONG_SOME: Signature = Signature::variadic(&[ANY, ANY]).typed("func(interface {}, ...interface {}) int64");
const FLOAT_SOME: Signature = Signature::variadic(&[ANY, ANY]).typed("func(interface {}, ...interface {}) float64");

pub fn register(to: &mut Functions) {
    integers(to);
    to.add("float64", FLOAT, |_, args| Ok(Value::float(to_float64(any(args, 0)))));
    to.add("floor", FLOAT, |_, args| Ok(Value::float(to_float64(any(args, 0)).floor())));
    to.add("ceil", FLOAT, |_, args| Ok(Value::float(to_float64(any(args, 0)).ceil())));
    to.add(
        "round",
        Signature::variadic(&[ANY, INT, Type::Float64]).typed("func(interface {}, int, ...float64) float64"),
        |_, args| {
            let on = args.get(2).map_or(0.5, to_float64);
            Ok(Value::float(round(to_float64(any(args, 0)), int(args, 1), on)))
        },
    );
    to.add("maxf", FLOAT_SOME, |_, args| Ok(Value::float(fold(args, largest))));
    to.add("minf", FLOAT_SOME, |_, args| Ok(Value::float(fold(args, smallest))));
    to.add("until", Signature::fixed(&[INT]).typed("func(int) []int"), |ctx, args| {
        let stop = int(args, 0);
        Ok(ints(range(ctx, 0, stop, if stop < 0 { -1 } else { 1 })?))
    });
    to.add("untilStep", Signature::fixed(&[INT, INT, INT]).typed("func(int, int, int) []int"), |ctx, args| {
        Ok(ints(range(ctx, int(args, 0), int(args, 1), int(args, 2))?))
    });
    to.add("seq", Signature::variadic(&[INT]).typed("func(...int) string"), seq);
}

fn integers(to: &mut Functions) {
    to.add("atoi", Signature::fixed(&[TEXT]).typed("func(string) int"), |_, args| {
        Ok(Value::int(match parse_int(&text(args, 0), 10) {
            Ok(number) | Err(NotANumber::Range(number)) => number,
            Err(NotANumber::Syntax) => 0,
        }))
    });
    to.add("int", Signature::fixed(&[ANY]).typed("func(interface {}) int"), |_, args| {
        Ok(Value::int(to_int64(any(args, 0))))
    });
    to.add("int64", LONG, |_, args| Ok(Value::int64(to_int64(any(args, 0)))));
    to.add("toDecimal", LONG, |_, args| {
        Ok(Value::int64(parse_int(&crate::format::sprint_value(any(args, 0)), 8).unwrap_or(0)))
    });
    to.add("add1", LONG, |_, args| Ok(Value::int64(to_int64(any(args, 0)).wrapping_add(1))));
    to.add("add", Signature::variadic(&[ANY]).typed("func(...interface {}) int64"), |_, args| {
        Ok(Value::int64(args.iter().map(to_int64).fold(0, i64::wrapping_add)))
    });
    to.add("sub", LONG_TWO, |_, args| Ok(Value::int64(to_int64(any(args, 0)).wrapping_sub(to_int64(any(args, 1))))));
    to.add("mul", LONG_SOME, |_, args| Ok(Value::int64(args.iter().map(to_int64).fold(1, i64::wrapping_mul))));
    to.add("div", LONG_TWO, |_, args| divide(args, i64::wrapping_div));
    to.add("mod", LONG_TWO, |_, args| divide(args, i64::wrapping_rem));
    for name in ["max", "biggest"] {
        to.add(name, LONG_SOME, |_, args| Ok(Value::int64(args.iter().map(to_int64).max().unwrap_or(0))));
    }
    to.add("min", LONG_SOME, |_, args| Ok(Value::int64(args.iter().map(to_int64).min().unwrap_or(0))));
}

fn divide(args: &[Value], operation: fn(i64, i64) -> i64) -> Answer {
    match to_int64(any(args, 1)) {
        0 => fail("runtime error: integer divide by zero"),
        divisor => Ok(Value::int64(operation(to_int64(any(args, 0)), divisor))),
    }
}

fn fold(args: &[Value], operation: fn(f64, f64) -> f64) -> f64 {
    rest(args, 1).iter().map(to_float64).fold(to_float64(any(args, 0)), operation)
}

/// As Go's `math.Max`: an infinity beats NaN, which beats numbers; 0 is larger than -0.
fn largest(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else if a == 0.0 && b == 0.0 {
        if a.is_sign_negative() { b } else { a }
    } else if a > b {
        a
    } else {
        b
    }
}

fn smallest(a: f64, b: f64) -> f64 {
    -largest(-a, -b)
}

/// To so many places; a fraction of at least `on` rounds up, everything else down.
fn round(number: f64, places: i64, on: f64) -> f64 {
    let power = power_of_ten(places);
    let digit = power * number;
    // Go's Modf gives an infinity the fraction NaN.
    let fraction = if digit.is_infinite() { f64::NAN } else { digit - digit.trunc() };
    (if fraction >= on { digit.ceil() } else { digit.floor() }) / power
}

/// Go's `math.Pow(10, n)`, which multiplies and so may miss the nearest number by a little.
fn power_of_ten(places: i64) -> f64 {
    if places == 0 {
        return 1.0;
    }
    let places = places as f64;
    if places.abs() >= 9.223_372_036_854_776e18 {
        return if places > 0.0 { f64::INFINITY } else { 0.0 };
    }
    // 10 is 0.625 · 2^4.
    let (mut factor, mut factor_exponent) = (0.625_f64, 4_i64);
    let (mut result, mut exponent) = (1.0_f64, 0_i64);
    let mut left = places.abs() as i64;
    while left != 0 {
        if !(-4096..=4096).contains(&factor_exponent) {
            exponent += factor_exponent;
            break;
        }
        if left & 1 == 1 {
            result *= factor;
            exponent += factor_exponent;
        }
        factor *= factor;
        factor_exponent <<= 1;
        if factor < 0.5 {
            factor += factor;
            factor_exponent -= 1;
        }
        left >>= 1;
    }
    if places < 0.0 {
        result = 1.0 / result;
        exponent = -exponent;
    }
    scale(result, exponent)
}

/// `number · 2^exponent`.
fn scale(mut number: f64, mut exponent: i64) -> f64 {
    exponent = exponent.clamp(-3000, 3000);
    // Into the subnormal range in one step, so as to round once.
    while exponent > 1000 {
        number *= 2_f64.powi(1000);
        exponent -= 1000;
    }
    while exponent < -900 && number.abs() > f64::MIN_POSITIVE * 2_f64.powi(60) {
        number *= 2_f64.powi(-60);
        exponent += 60;
    }
    number * 2_f64.powi(i32::try_from(exponent).unwrap_or(0))
}

/// The numbers from `start` until before `stop`. A step the wrong way gives none.
fn range(ctx: &mut Ctx<'_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, FuncError> {
    let distance = i128::from(stop) - i128::from(start);
    if step == 0 || (distance > 0) != (step > 0) || distance == 0 {
        return Ok(Vec::new());
    }
    let count = distance.unsigned_abs().div_ceil(i128::from(step).unsigned_abs());
    // Go's counter would wrap around and go on without end.
    let past = i128::from(start) + i128::try_from(count).unwrap_or(i128::MAX).saturating_mul(i128::from(step));
    let (Ok(count), Ok(_)) = (usize::try_from(count), i64::try_from(past)) else { return Err(Bound::Steps.into()) };
    ctx.charge_output(count.saturating_mul(VALUE_SIZE))?;
    Ok(std::iter::successors(Some(start), |it| it.checked_add(step)).take(count).collect())
}

fn ints(numbers: Vec<i64>) -> Value {
    Value::List(List::new(INT_SLICE, numbers.into_iter().map(Value::int).collect()))
}

/// As the shell's: `last`, `first last` or `first step last`, both ends included.
fn seq(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let (start, step, end) = match args.len() {
        1 => (1, None, int(args, 0)),
        2 => (int(args, 0), None, int(args, 1)),
        3 => (int(args, 0), Some(int(args, 1)), int(args, 2)),
        _ => return Ok(Value::from("")),
    };
    let direction = if end < start { -1 } else { 1 };
    let step = step.unwrap_or(direction);
    if direction < 0 && step > 0 {
        return Ok(Value::from(""));
    }
    let numbers = range(ctx, start, end.wrapping_add(direction), step)?;
    let texts: Vec<_> = numbers.iter().map(ToString::to_string).collect();
    Ok(Value::from(texts.join(" ")))
}
