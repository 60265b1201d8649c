//! Decimal arithmetic on floats (`addf`, `subf`, …), as shopspring/decimal does it: each float counts as the shortest
//! decimal number that reads as it, the operations are exact, and quotients have 16 places.

use num_bigint::BigInt;

use crate::{
    context::Ctx,
    error::FuncError,
    function::{Functions, Signature},
    sprig::{
        args::{ANY, any, fail, rest},
        cast::to_float64,
    },
    value::Value,
};

/// `value · 10^exponent`.
struct Decimal {
    value: BigInt,
    exponent: i32,
}

type Operation = fn(&Decimal, &Decimal) -> Result<Decimal, FuncError>;

const SOME: Signature = Signature::variadic(&[ANY, ANY]).typed("func(interface {}, ...interface {}) float64");

/// Places of a quotient.
const PRECISION: i32 = 16;
/// Exponents beyond make numbers whose digits take too much memory to write down; products of many factors reach them.
const MAX_EXPONENT: u32 = 1_000_000;

pub fn register(to: &mut Functions) {
    to.add("add1f", Signature::fixed(&[ANY]).typed("func(interface {}) float64"), |ctx, args| {
        fold(ctx, any(args, 0), &[Value::int(1)], add)
    });
    to.add("addf", Signature::variadic(&[ANY]).typed("func(...interface {}) float64"), |ctx, args| {
        fold(ctx, &Value::float(0.0), args, add)
    });
    to.add("subf", SOME, |ctx, args| fold(ctx, any(args, 0), rest(args, 1), subtract));
    to.add("mulf", SOME, |ctx, args| fold(ctx, any(args, 0), rest(args, 1), multiply));
    to.add("divf", SOME, |ctx, args| fold(ctx, any(args, 0), rest(args, 1), divide));
}

fn fold(ctx: &mut Ctx<'_>, first: &Value, others: &[Value], operation: Operation) -> Result<Value, FuncError> {
    let mut total = Decimal::from_float(to_float64(first))?;
    for other in others {
        total = operation(&total, &Decimal::from_float(to_float64(other))?)?;
        ctx.charge(total.value.bits() / 64 + u64::from(total.exponent.unsigned_abs()) / 64)?;
    }
    Ok(Value::float(total.to_float()))
}

impl Decimal {
    fn from_float(number: f64) -> Result<Self, FuncError> {
        if number.is_nan() {
            return fail("Cannot create a Decimal from NaN");
        }
        if number.is_infinite() {
            return fail(format!("Cannot create a Decimal from {}", if number > 0.0 { "+Inf" } else { "-Inf" }));
        }
        // The shortest digits, `d.ddde±x`.
        let text = format!("{number:e}");
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = digits.split_once('.').map_or(0, |(_, it)| it.len());
        let value = digits.replace('.', "").parse().unwrap_or_default();
        let exponent = exponent.parse::<i32>().unwrap_or(0) - i32::try_from(fraction).unwrap_or(0);
        Ok(Self { value, exponent })
    }

    /// The value at a smaller exponent.
    fn at(&self, exponent: i32) -> BigInt {
        let shift = u32::try_from(self.exponent - exponent).unwrap_or(0);
        &self.value * BigInt::from(10).pow(shift)
    }

    fn to_float(&self) -> f64 {
        let number: f64 = format!("{}e{}", self.value, self.exponent).parse().unwrap_or(0.0);
        // There is no negative zero.
        number + 0.0
    }
}

fn add(a: &Decimal, b: &Decimal) -> Result<Decimal, FuncError> {
    let exponent = a.exponent.min(b.exponent);
    bounded(a, b)?;
    Ok(Decimal { value: a.at(exponent) + b.at(exponent), exponent })
}

fn subtract(a: &Decimal, b: &Decimal) -> Result<Decimal, FuncError> {
    let exponent = a.exponent.min(b.exponent);
    bounded(a, b)?;
    Ok(Decimal { value: a.at(exponent) - b.at(exponent), exponent })
}

fn multiply(a: &Decimal, b: &Decimal) -> Result<Decimal, FuncError> {
    bounded(a, b)?;
    Ok(Decimal { value: &a.value * &b.value, exponent: a.exponent + b.exponent })
}

/// Rounded half away from zero at the last place.
fn divide(a: &Decimal, b: &Decimal) -> Result<Decimal, FuncError> {
    if b.value == BigInt::ZERO {
        return fail("decimal division by 0");
    }
    bounded(a, b)?;
    let shift = a.exponent - b.exponent + PRECISION;
    let ten = BigInt::from(10).pow(shift.unsigned_abs());
    let (numerator, denominator) =
        if shift < 0 { (a.value.clone(), &b.value * ten) } else { (&a.value * ten, b.value.clone()) };
    let quotient = &numerator / &denominator;
    let rest = &numerator - &quotient * &denominator;
    let up = rest.magnitude() * 2_u8 >= *denominator.magnitude();
    let negative = (numerator.sign() == num_bigint::Sign::Minus) != (denominator.sign() == num_bigint::Sign::Minus);
    let value = match (up, negative) {
        (false, _) => quotient,
        (true, false) => quotient + 1,
        (true, true) => quotient - 1,
    };
    Ok(Decimal { value, exponent: -PRECISION })
}

fn bounded(a: &Decimal, b: &Decimal) -> Result<(), FuncError> {
    if a.exponent.unsigned_abs().max(b.exponent.unsigned_abs()) > MAX_EXPONENT {
        return Err(crate::error::Bound::Steps.into());
    }
    Ok(())
}
