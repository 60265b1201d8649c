//! A time as templates see it: a `time.Time` with its methods.

use std::any::Any;

use super::{SECOND, Time, civil, format, zone::Zone};
use crate::{
    context::Ctx,
    error::FuncError,
    function::Signature,
    sprig::args::{int, text},
    text::Str,
    types::{DURATION, Methods, Named, Type},
    value::{Object, Value},
};

/// `time.Time`.
pub static TIME: Named = Named { name: "time.Time", under: None, methods: None };
/// `time.Month`.
pub static MONTH: Named =
    Named { name: "time.Month", under: Some(Type::Int), methods: Some(&Names(&format::MONTHS, 1)) };
/// `time.Weekday`.
pub static WEEKDAY: Named =
    Named { name: "time.Weekday", under: Some(Type::Int), methods: Some(&Names(&format::DAYS, 0)) };
static LOCATION: Named = Named { name: "time.Location", under: None, methods: None };
const LOCATION_TYPE: Type = Type::Named(&LOCATION);
const TIME_TYPE: Type = Type::Named(&TIME);
const STEP_TYPE: Type = Type::Named(&DURATION);

/// Months and days of the week print as their names, which begin at a number.
struct Names(&'static [&'static str], i64);

impl Methods for Names {
    fn method(&self, name: &str) -> Option<&'static Signature> {
        (name == "String").then_some(&Signature::NONE)
    }

    fn call(&self, receiver: &Value, _: &str, _: &mut Ctx<'_>, _: &[Value]) -> Result<Value, FuncError> {
        Ok(Value::String(self.text(receiver).unwrap_or_default()))
    }

    fn text(&self, receiver: &Value) -> Option<Str> {
        let at = receiver.as_int()? - self.1;
        let name = usize::try_from(at).ok().and_then(|at| self.0.get(at)).copied().unwrap_or("%!Month()");
        Some(Str::from(name))
    }
}

fn named(of: &'static Named, number: u32) -> Value {
    Value::Named(of, std::rc::Rc::new(Value::int(i64::from(number))))
}

/// A `*time.Location`.
struct Location(Zone);

impl Object for Location {
    fn type_of(&self) -> Type {
        Type::Pointer(&LOCATION_TYPE)
    }

    fn method(&self, name: &str) -> Option<&'static Signature> {
        (name == "String").then_some(&Signature::NONE)
    }

    fn call(&self, _: &str, _: &mut Ctx<'_>, _: &[Value]) -> Result<Value, FuncError> {
        Ok(Value::from(self.0.name()))
    }

    fn text(&self) -> Option<Str> {
        Some(Str::from(self.0.name()))
    }

    fn to_tree(&self) -> Value {
        Value::map(Vec::<(&str, Value)>::new())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Object for Time {
    fn type_of(&self) -> Type {
        Type::Named(&TIME)
    }

    fn method(&self, name: &str) -> Option<&'static Signature> {
        const LAYOUT: Signature = Signature::fixed(&[Type::String]);
        const STEP: Signature = Signature::fixed(&[STEP_TYPE]);
        const DATE: Signature = Signature::fixed(&[Type::Int, Type::Int, Type::Int]);
        const OTHER: Signature = Signature::fixed(&[TIME_TYPE]);
        const PLACE: Signature = Signature::fixed(&[Type::Pointer(&LOCATION_TYPE)]);
        Some(match name {
            "Year" | "Month" | "Day" | "Hour" | "Minute" | "Second" | "Nanosecond" | "YearDay" | "Weekday" | "Unix"
            | "UnixMilli" | "UnixMicro" | "UnixNano" | "String" | "IsZero" | "IsDST" | "UTC" | "Local" | "Location"
            | "MarshalJSON" | "MarshalText" => &Signature::NONE,
            "Format" => &LAYOUT,
            "Add" | "Round" | "Truncate" => &STEP,
            "AddDate" => &DATE,
            "Sub" | "After" | "Before" | "Equal" | "Compare" => &OTHER,
            "In" => &PLACE,
            _ => return None,
        })
    }

    fn call(&self, name: &str, ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let civil = self.civil();
        let number = |it: u32| Value::int(i64::from(it));
        Ok(match name {
            "Year" => Value::int(civil.year),
            "Month" => named(&MONTH, civil.month),
            "Day" => number(civil.day),
            "Hour" => number(civil.hour),
            "Minute" => number(civil.minute),
            "Second" => number(civil.second),
            "Nanosecond" => number(self.nanos),
            "YearDay" => number(civil.year_day),
            "Weekday" => named(&WEEKDAY, civil.weekday),
            "Unix" => Value::int64(self.seconds),
            "UnixMilli" => Value::int64(self.unix(1_000)),
            "UnixMicro" => Value::int64(self.unix(1_000_000)),
            "UnixNano" => Value::int64(self.unix(SECOND)),
            "IsZero" => Value::Bool(self.total_nanos() == 0),
            "IsDST" => Value::Bool(self.zone.at(self.seconds).summer),
            "UTC" => Value::object(self.in_zone(Zone::Utc)),
            "Local" => Value::object(self.in_zone(super::functions::local(ctx))),
            "Location" => Value::object(Location(self.zone.clone())),
            "In" => match args.first().and_then(Value::downcast::<Location>) {
                Some(place) => Value::object(self.in_zone(place.0.clone())),
                None => return Err(FuncError::new("time: missing Location in call to Time.In")),
            },
            "MarshalJSON" => Value::Bytes(Str::from(self.to_json().map_err(FuncError::new)?)),
            "MarshalText" => Value::Bytes(Str::from(self.format(b"2006-01-02T15:04:05.999999999Z07:00"))),
            "Format" => Value::string(self.format(&text(args, 0))),
            "AddDate" => Value::object(self.add_date(int(args, 0), int(args, 1), int(args, 2))),
            "Add" => Value::object(self.plus(int(args, 0))),
            "Round" | "Truncate" => Value::object(self.to_multiple(int(args, 0), name == "Round")),
            "Sub" | "After" | "Before" | "Equal" | "Compare" => self.compared(name, args),
            _ => Value::from(self.display()),
        })
    }

    fn text(&self) -> Option<Str> {
        Some(Str::from(self.display()))
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        Some(other.as_any().downcast_ref::<Self>().is_some_and(|it| self.identical(it)))
    }

    fn to_tree(&self) -> Value {
        let json = self.to_json().unwrap_or_default();
        Value::from(json.trim_matches('"'))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Time {
    fn unix(&self, per_second: i64) -> i64 {
        self.seconds.wrapping_mul(per_second).wrapping_add(i64::from(self.nanos) / (SECOND / per_second))
    }

    fn compared(&self, name: &str, args: &[Value]) -> Value {
        let Some(other) = args.first().and_then(Value::downcast::<Self>) else { return Value::Nil };
        let order = self.total_nanos().cmp(&other.total_nanos());
        match name {
            "Sub" => Value::duration(self.since(other)),
            "After" => Value::Bool(order.is_gt()),
            "Before" => Value::Bool(order.is_lt()),
            "Equal" => Value::Bool(order.is_eq()),
            _ => Value::int(order as i64),
        }
    }

    /// Years, months and days later on the calendar, at the same time of day.
    fn add_date(&self, years: i64, months: i64, days: i64) -> Self {
        let now = self.civil();
        let month = i64::from(now.month).wrapping_add(months);
        let days = civil::days_from_civil(now.year.wrapping_add(years), month, i64::from(now.day).wrapping_add(days));
        let of_day = i128::from((now.hour * 60 + now.minute) * 60 + now.second);
        let local = i64::try_from(days * 86_400 + of_day).unwrap_or(i64::MAX);
        let offset = self.zone.at(local).seconds;
        let offset = if offset == 0 { 0 } else { self.zone.at(local.wrapping_sub(offset)).seconds };
        Self { seconds: local.wrapping_sub(offset), nanos: self.nanos, zone: self.zone.clone(), monotonic: None }
    }

    /// Down to a multiple of a step since the year 1, or to the nearest, halves up.
    fn to_multiple(&self, step: i64, nearest: bool) -> Self {
        let plain = Self { monotonic: None, ..self.clone() };
        if step <= 0 {
            return plain;
        }
        let over = self.total_nanos().rem_euclid(i128::from(step));
        let over = i64::try_from(over).unwrap_or(0);
        if nearest && over >= step - over { plain.plus(step - over) } else { plain.plus(-over) }
    }
}
