//! The functions.

use std::rc::Rc;

use super::{SECOND, TIME, Time, duration, parse, zone::Zone};
use crate::{
    context::Ctx,
    error::FuncError,
    function::{Function, Functions, Signature},
    sprig::{
        args::{ANY, TEXT, any, text},
        cast::{NotANumber, parse_int},
        world::World,
    },
    types::{Kind, Type},
    value::{Value, duration_text},
};

const MOMENT: Type = Type::Named(&TIME);
const MODIFY: Signature = Signature::fixed(&[TEXT, MOMENT]);

/// Those that look at the clock or the local zone.
pub fn register_world(to: &mut Functions, world: &Rc<World>) {
    let mut with = |names: &[&'static str], signature, body: fn(&World, &[Value]) -> Result<Value, FuncError>| {
        for name in names {
            let world = world.clone();
            to.insert(name, Function::new(signature, move |_, args| body(&world, args)));
        }
    };
    with(&["now"], Signature::NONE, |world, _| Ok(Value::object(world.now())));
    with(&["date"], Signature::fixed(&[TEXT, ANY]), |world, args| {
        Ok(Value::string(moment(world, any(args, 1)).in_zone(world.local().clone()).format(&text(args, 0))))
    });
    with(&["dateInZone", "date_in_zone"], Signature::fixed(&[TEXT, ANY, TEXT]), |world, args| {
        let zone = zone(world, &text(args, 2));
        Ok(Value::string(moment(world, any(args, 1)).in_zone(zone).format(&text(args, 0))))
    });
    with(&["htmlDate"], Signature::fixed(&[ANY]), |world, args| {
        Ok(Value::string(moment(world, any(args, 0)).in_zone(world.local().clone()).format(HTML)))
    });
    with(&["htmlDateInZone"], Signature::fixed(&[ANY, TEXT]), |world, args| {
        Ok(Value::string(moment(world, any(args, 0)).in_zone(zone(world, &text(args, 1))).format(HTML)))
    });
    with(&["ago"], Signature::fixed(&[ANY]), |world, args| Ok(ago(world, any(args, 0))));
    with(&["durationRound"], Signature::fixed(&[ANY]), |world, args| Ok(rounded(world, any(args, 0))));
    with(&["toDate"], Signature::fixed(&[TEXT, TEXT]), |world, args| {
        let read = parse::parse(&text(args, 0), &text(args, 1), world.local());
        Ok(Value::object(read.unwrap_or_else(|_| Time::zero())))
    });
    with(&["mustToDate"], Signature::fixed(&[TEXT, TEXT]), |world, args| {
        let read = parse::parse(&text(args, 0), &text(args, 1), world.local());
        read.map(Value::object).map_err(|error| FuncError::new(error.0))
    });
}

/// Those that do not.
pub fn register(to: &mut Functions) {
    for name in ["dateModify", "date_modify"] {
        to.add(name, MODIFY, |_, args| {
            let step = duration::parse(&text(args, 0)).unwrap_or(0);
            let time = time(any(args, 1));
            Ok(Value::object(if step == 0 { time } else { time.plus(step) }))
        });
    }
    for name in ["mustDateModify", "must_date_modify"] {
        to.add(name, MODIFY, |_, args| {
            let step = duration::parse(&text(args, 0)).map_err(|error| FuncError::new(error.0))?;
            Ok(Value::object(time(any(args, 1)).plus(step)))
        });
    }
    to.add("unixEpoch", Signature::fixed(&[MOMENT]), |_, args| Ok(Value::from(time(any(args, 0)).seconds.to_string())));
    to.add("duration", Signature::fixed(&[ANY]), |_, args| {
        let seconds = match any(args, 0) {
            Value::Int(Kind::Int64, seconds) => *seconds,
            Value::String(text) => match parse_int(text, 10) {
                Ok(seconds) | Err(NotANumber::Range(seconds)) => seconds,
                Err(NotANumber::Syntax) => 0,
            },
            _ => 0,
        };
        Ok(Value::from(duration_text(seconds.wrapping_mul(SECOND))))
    });
}

const HTML: &[u8] = b"2006-01-02";

/// The local zone, for methods of times: that of `now`.
pub fn local(ctx: &mut Ctx<'_>) -> Zone {
    let now = ctx.set().functions().get("now").cloned();
    let now = now.and_then(|it| it.call(ctx, &[]).ok());
    now.as_ref().and_then(Value::downcast::<Time>).map_or(Zone::Utc, |it| it.zone.clone())
}

fn time(value: &Value) -> Time {
    value.downcast::<Time>().cloned().unwrap_or_else(Time::zero)
}

/// A time, or seconds since 1970 in some integers; now for everything else.
fn moment(world: &World, value: &Value) -> Time {
    match value {
        Value::Int(Kind::Int | Kind::Int64 | Kind::Int32, seconds) => at(world, *seconds),
        other => other.downcast::<Time>().cloned().unwrap_or_else(|| world.now()),
    }
}

fn at(world: &World, seconds: i64) -> Time {
    Time { seconds, nanos: 0, zone: world.local().clone(), monotonic: None }
}

/// A zone by name; UTC when there is none of that name.
fn zone(world: &World, name: &[u8]) -> Zone {
    match std::str::from_utf8(name) {
        Ok("Local") => world.local().clone(),
        Ok(name) => Zone::named(name).unwrap_or(Zone::Utc),
        Err(_) => Zone::Utc,
    }
}

/// How long ago, in whole seconds.
fn ago(world: &World, value: &Value) -> Value {
    let then = match value {
        Value::Int(Kind::Int | Kind::Int64, seconds) => at(world, *seconds),
        other => other.downcast::<Time>().cloned().unwrap_or_else(|| world.now()),
    };
    let passed = world.now().since(&then);
    let rest = passed % SECOND;
    let whole = passed - rest;
    // Halves away from zero; the longest durations stay what they are.
    let rounded =
        if rest.abs() * 2 < SECOND { whole } else { whole.checked_add(SECOND * rest.signum()).unwrap_or(passed) };
    let rounded = if passed == i64::MAX || passed == i64::MIN { passed } else { rounded };
    Value::from(duration_text(rounded))
}

/// The largest unit that fits more than once into a duration, without sign.
fn rounded(world: &World, value: &Value) -> Value {
    const HOUR: u64 = 3_600_000_000_000;
    const UNITS: [(u64, &str); 6] = [
        (HOUR * 24 * 365, "y"),
        (HOUR * 24 * 30, "mo"),
        (HOUR * 24, "d"),
        (HOUR, "h"),
        (60_000_000_000, "m"),
        (1_000_000_000, "s"),
    ];
    let nanos = match value {
        Value::String(text) => duration::parse(text).unwrap_or(0),
        Value::Int(Kind::Int64, nanos) => *nanos,
        other => other.downcast::<Time>().map_or(0, |then| world.now().since(then)),
    };
    let nanos = nanos.unsigned_abs();
    let unit = UNITS.iter().find(|(unit, _)| nanos > *unit);
    Value::from(unit.map_or_else(|| "0s".to_owned(), |(unit, name)| format!("{}{name}", nanos / unit)))
}
