//! Reading TOML.

use toml::{Table, Value as Toml};
use weir_gotemplate::{
    List, Type, Value,
    sprig::{Time, Zone},
};

/// `fromToml`: a map, with the key `Error` when the text is none. A date with an offset is a
/// `time.Time`; one without comes as its text.
pub(in super::super) fn from_toml(text: &str) -> Value {
    match text.parse::<Table>() {
        Ok(table) => map(&table),
        Err(error) => {
            let line = error.span().map_or(1, |span| text.get(..span.start).unwrap_or(text).matches('\n').count() + 1);
            let message = error.message().lines().next().unwrap_or_default().to_owned();
            Value::map([("Error", Value::string(format!("toml: line {line}: {message}")))])
        }
    }
}

fn map(table: &Table) -> Value {
    Value::map(table.iter().map(|(key, it)| (key.as_str(), value(it))))
}

fn value(it: &Toml) -> Value {
    match it {
        Toml::String(text) => Value::string(text.as_str()),
        Toml::Integer(number) => Value::int64(*number),
        Toml::Float(number) => Value::float(*number),
        Toml::Boolean(it) => Value::Bool(*it),
        Toml::Datetime(it) => moment(&it.to_string()),
        Toml::Array(items) if !items.is_empty() && items.iter().all(Toml::is_table) => {
            const TABLES: Type = Type::Slice(&weir_gotemplate::ANY_MAP);
            Value::List(List::new(TABLES, items.iter().map(value).collect()))
        }
        Toml::Array(items) => Value::list(items.iter().map(value).collect()),
        Toml::Table(table) => map(table),
    }
}

fn moment(text: &str) -> Value {
    match text.parse::<jiff::Timestamp>() {
        Ok(at) => {
            let zone = jiff::fmt::temporal::DateTimeParser::new().parse_pieces(text).ok();
            let offset = zone.and_then(|it| it.to_numeric_offset()).unwrap_or(jiff::tz::Offset::UTC);
            Value::object(Time::from_nanos(at.as_nanosecond(), Zone::local(jiff::tz::TimeZone::fixed(offset))))
        }
        Err(_) => Value::string(text),
    }
}
