//! JSON values to text as `sigs.k8s.io/yaml` prints them: keys in natural order, go-yaml v2's quoting and folding.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::Style;
use crate::resolve::{Resolved, Schema, is_base60, resolve};
use crate::writer::{Place, V2, Writer, is_simple_key};

/// The text of a value, ending in a line break.
#[must_use]
pub fn to_string(value: &Value) -> String {
    to_string_within(value, usize::MAX).unwrap_or_default()
}

/// The same, unless it is longer than so many bytes.
pub(crate) fn to_string_within(value: &Value, limit: usize) -> Option<String> {
    let mut printer = Printer { w: Writer::new(V2) };
    printer.w.limit = limit;
    printer.value(value, Context::Root);
    // A block scalar that is kept ends in its own line breaks.
    if !printer.w.at_indention() || printer.w.column() > 0 {
        printer.w.put_break();
    }
    (printer.w.out.len() <= limit).then_some(printer.w.out)
}

/// The texts of values, separated by `---` lines.
#[must_use]
pub fn values_to_string<'a>(values: impl IntoIterator<Item = &'a Value>) -> String {
    let texts: Vec<String> = values.into_iter().map(to_string).collect();
    texts.join("---\n")
}

#[derive(Clone, Copy, PartialEq)]
enum Context {
    Root,
    Sequence,
    Mapping,
}

struct Printer {
    w: Writer,
}

impl Printer {
    fn value(&mut self, value: &Value, context: Context) {
        if self.w.out.len() > self.w.limit {
            return;
        }
        match value {
            Value::Null => self.w.scalar("null", Style::Plain, Place::default(), &mut ""),
            Value::Bool(b) => self.w.scalar(if *b { "true" } else { "false" }, Style::Plain, Place::default(), &mut ""),
            Value::Number(n) => self.w.scalar(&crate::value::number_text(n), Style::Plain, Place::default(), &mut ""),
            Value::String(s) => self.w.scalar(s, string_style(s), Place::default(), &mut ""),
            Value::Array(items) if items.is_empty() => self.empty("[", "]"),
            Value::Array(items) => self.sequence(items, context),
            Value::Object(map) if map.is_empty() => self.empty("{", "}"),
            Value::Object(map) => self.mapping(map),
        }
    }

    fn empty(&mut self, open: &str, close: &str) {
        self.w.indicator(open, true, true, false);
        self.w.indicator(close, false, false, false);
    }

    fn sequence(&mut self, items: &[Value], context: Context) {
        let before = self.w.indent;
        let indentless = context == Context::Mapping && !self.w.at_indention();
        if before < 0 {
            self.w.indent = 0;
        } else if !indentless {
            self.w.indent = before + 2;
        }
        for item in items {
            self.w.write_indent();
            self.w.indicator("-", true, false, true);
            self.value(item, Context::Sequence);
        }
        self.w.indent = before;
    }

    fn mapping(&mut self, map: &Map<String, Value>) {
        let mut entries: Vec<(&String, &Value)> = map.iter().collect();
        sort_entries(&mut entries, key_order);
        self.w.indented(|w| {
            let mut printer = Printer { w: std::mem::replace(w, Writer::new(V2)) };
            for (key, value) in entries {
                printer.entry(key, value);
            }
            *w = printer.w;
        });
    }

    fn entry(&mut self, key: &str, value: &Value) {
        self.w.write_indent();
        if is_simple_key(key) {
            self.w.scalar(key, string_style(key), Place { flow: false, simple_key: true }, &mut "");
            self.w.indicator(":", false, false, false);
        } else {
            self.w.indicator("?", true, false, true);
            self.w.scalar(key, string_style(key), Place::default(), &mut "");
            self.w.write_indent();
            self.w.indicator(":", true, false, true);
        }
        self.value(value, Context::Mapping);
    }
}

/// The style go-yaml v2 wishes for a string.
fn string_style(text: &str) -> Style {
    if text.contains('\n') {
        Style::Literal
    } else if resolve(text, Schema::V2) == Resolved::Str && !is_base60(text) {
        Style::Plain
    } else {
        Style::DoubleQuoted
    }
}

/// A float as Go's `'g'` format with the shortest precision writes it; a whole one that fits 64 bits as an integer.
#[must_use]
pub fn float_text(float: f64) -> String {
    if float.fract() == 0.0 && float.abs() < 2e19 {
        let text = whole_text(float);
        if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
            return text;
        }
    }
    general_text(float)
}

/// The shortest digits that read back as the same float, and the place of its point behind the first of them.
struct Digits {
    negative: bool,
    digits: String,
    exponent: i32,
}

impl Digits {
    /// From a decimal or scientific notation without needless digits.
    fn parse(text: &str) -> Self {
        let (negative, text) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
        let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let significant = all.trim_start_matches('0');
        let zeros = i32::try_from(all.len() - significant.len()).unwrap_or(0);
        let places = i32::try_from(whole.len()).unwrap_or(0) - zeros - 1;
        let digits = significant.trim_end_matches('0').to_owned();
        if digits.is_empty() {
            return Self { negative, digits: "0".to_owned(), exponent: 0 };
        }
        Self { negative, digits, exponent: places + exponent.parse::<i32>().unwrap_or(0) }
    }

    /// Of two shortest texts as near, JSON's printer takes the even one, as Go does; the standard library does not.
    fn of(float: f64) -> Self {
        Self::parse(&Number::from_f64(float).map_or_else(|| "0".to_owned(), |number| number.to_string()))
    }

    /// Go's `'g'`.
    fn general(&self) -> String {
        let sign = if self.negative { "-" } else { "" };
        let (digits, exponent) = (self.digits.as_str(), self.exponent);
        if !(-4..6).contains(&exponent) {
            let (first, rest) = digits.split_at(1.min(digits.len()));
            let point = if rest.is_empty() { "" } else { "." };
            let mark = if exponent < 0 { '-' } else { '+' };
            return format!("{sign}{first}{point}{rest}e{mark}{:02}", exponent.abs());
        }
        if exponent < 0 {
            let zeros = "0".repeat(usize::try_from(-exponent - 1).unwrap_or(0));
            return format!("{sign}0.{zeros}{digits}");
        }
        let whole = usize::try_from(exponent).unwrap_or(0) + 1;
        if digits.len() <= whole {
            return format!("{sign}{digits}{}", "0".repeat(whole - digits.len()));
        }
        let (integer, fraction) = digits.split_at(whole);
        format!("{sign}{integer}.{fraction}")
    }
}

/// A whole float in digits: the shortest that read back the same, filled up with zeros. Minus zero has no sign here.
pub(crate) fn whole_text(float: f64) -> String {
    let Digits { negative, digits, exponent } = Digits::of(float);
    let sign = if negative && digits != "0" { "-" } else { "" };
    format!("{sign}{digits:0<width$}", width = usize::try_from(exponent + 1).unwrap_or(0))
}

/// A float as go-yaml v3 prints it, whole ones too.
pub(crate) fn general_text(float: f64) -> String {
    Digits::of(float).general()
}

/// The same with the digits of a 32-bit float: how keys are written.
pub(crate) fn float32_text(float: f64) -> String {
    match float as f32 {
        f32::INFINITY => ".inf".to_owned(),
        f32::NEG_INFINITY => "-.inf".to_owned(),
        short if short.is_nan() => ".nan".to_owned(),
        short => Digits::parse(&format!("{short:e}")).general(),
    }
}

/// The order of keys in go-yaml v2: letters after other characters, runs of digits by their value.
#[must_use]
pub fn key_order(a: &str, b: &str) -> Ordering {
    natural_order(a, b, false)
}

/// The order of keys in go-yaml v3, where behind a digit a letter comes first.
pub(crate) fn key_order_v3(a: &str, b: &str) -> Ordering {
    natural_order(a, b, true)
}

fn natural_order(a: &str, b: &str, digits_matter: bool) -> Ordering {
    let common: usize = a.chars().zip(b.chars()).take_while(|(x, y)| x == y).map(|(x, _)| x.len_utf8()).sum();
    let (before, rest_a) = a.split_at_checked(common).unwrap_or(("", a));
    let rest_b = b.get(common..).unwrap_or_default();
    let (Some(ca), Some(cb)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return rest_a.len().cmp(&rest_b.len());
    };
    match (ca.is_alphabetic(), cb.is_alphabetic()) {
        (true, true) => return ca.cmp(&cb),
        (false, false) => {}
        (letter_a, _) => {
            let letters_first = digits_matter && before.ends_with(|c: char| c.is_ascii_digit());
            return if letter_a == letters_first { Ordering::Less } else { Ordering::Greater };
        }
    }
    // A zero inside of a number counts as one of its digits.
    let number_before = before.chars().rev().take_while(char::is_ascii_digit).any(|c| c != '0');
    let start = i64::from((ca == '0' || cb == '0') && number_before);
    let (va, vb) = (number(rest_a, start), number(rest_b, start));
    va.cmp(&vb).then(ca.cmp(&cb))
}

/// The value of the digits at the start of a text, behind those of `start`, and how many they are.
fn number(text: &str, start: i64) -> (i64, usize) {
    let digits = text.bytes().take_while(u8::is_ascii_digit);
    digits.fold((start, 0), |(value, count), byte| {
        (value.saturating_mul(10).saturating_add(i64::from(byte - b'0')), count + 1)
    })
}

/// Sorts entries by key. The order go-yaml v2 defines has cycles (`2`, `10`, `1x`), which the standard sort may refuse.
pub(crate) fn sort_entries<'v>(entries: &mut Vec<(&'v String, &'v Value)>, order: fn(&str, &str) -> Ordering) {
    let ordered = entries.windows(2).all(|pair| match pair {
        [(a, _), (b, _)] => order(a, b) != Ordering::Greater,
        _ => true,
    });
    if ordered {
        return;
    }
    let mut right = entries.split_off(entries.len() / 2);
    sort_entries(entries, order);
    sort_entries(&mut right, order);
    let left = std::mem::take(entries);
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    while let (Some((a, _)), Some((b, _))) = (left.peek(), right.peek()) {
        entries.extend(if order(a, b) == Ordering::Greater { right.next() } else { left.next() });
    }
    entries.extend(left);
    entries.extend(right);
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn floats_are_written_as_go_does() {
        for (float, text) in
            [(1.5, "1.5"), (1e21, "1e+21"), (0.000_001, "1e-06"), (1_234_567.5, "1.2345675e+06"), (0.0001, "0.0001")]
        {
            assert_eq!(float_text(float), text);
        }
    }

    #[test]
    fn keys_stand_in_natural_order() {
        let mut keys = vec!["a10", "a2", "b", "A", "_x", "1", "10", "2", "a", "a-b", "ab"];
        keys.sort_by(|a, b| key_order(a, b));
        assert_eq!(keys, ["_x", "1", "2", "10", "A", "a", "a-b", "a2", "a10", "ab", "b"]);
        assert_eq!((key_order("a1-", "a1b"), key_order_v3("a1-", "a1b")), (Ordering::Less, Ordering::Greater));
        assert_eq!((key_order("x10", "x1b"), key_order_v3("x10", "x1b")), (Ordering::Less, Ordering::Greater));
    }

    #[test]
    fn keys_without_an_order_are_printed_all_the_same() {
        let keys: Vec<String> = (0..60).flat_map(|n| [format!("{n}"), format!("{n}x"), format!("0{n}")]).collect();
        let value: Value = keys.iter().map(|key| (key.clone(), Value::Null)).collect::<Map<_, _>>().into();
        assert_eq!(to_string(&value).lines().count(), 180);
    }

    #[test]
    fn strings_that_read_as_something_else_are_quoted() {
        let value = json!({"a": "yes", "b": "1", "c": "", "d": "x: y", "e": "1:20", "f": "two\nlines\n", "g": ["-", "- a"],
            "h": {}, "i": [], "j": "a #b", "k": "null", "y": "2001-01-01", "t": "tab\there", "u": "\u{1f600}"});
        let expected = "a: \"yes\"\nb: \"1\"\nc: \"\"\nd: 'x: y'\ne: \"1:20\"\nf: |\n  two\n  lines\ng:\n- '-'\n- '- a'\n\
                        h: {}\ni: []\nj: 'a #b'\nk: \"null\"\nt: \"tab\\there\"\nu: \"\\U0001F600\"\n\"y\": \"2001-01-01\"\n";
        assert_eq!(to_string(&value), expected);
    }

    #[test]
    fn long_lines_are_folded() {
        let long = ["word"; 30].join(" ");
        let text = to_string(&json!({ "a": long }));
        assert!(text.lines().count() == 2 && text.contains("\n  word"), "{text}");
        assert_eq!(crate::parse_value(&text).unwrap()["a"], long);
    }
}
