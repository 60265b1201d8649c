//! JSON values to text as `sigs.k8s.io/yaml` prints them: keys in natural order, go-yaml v2's quoting and folding.

use std::cmp::Ordering;

use serde_json::{Map, Number, Value};

use crate::Style;
use crate::resolve::{Resolved, Schema, is_base60, resolve};
use crate::writer::{Place, V2, Writer, is_simple_key};

/// The text of a value, ending in a line break.
#[must_use]
pub fn to_string(value: &Value) -> String {
    let mut printer = Printer { w: Writer::new(V2) };
    printer.value(value, Context::Root);
    // A block scalar that is kept ends in its own line breaks.
    if !printer.w.at_indention() || printer.w.column() > 0 {
        printer.w.put_break();
    }
    printer.w.out
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
        match value {
            Value::Null => self.w.scalar("null", Style::Plain, Place::default(), &mut ""),
            Value::Bool(b) => self.w.scalar(if *b { "true" } else { "false" }, Style::Plain, Place::default(), &mut ""),
            Value::Number(n) => self.w.scalar(&number(n), Style::Plain, Place::default(), &mut ""),
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
        entries.sort_by(|(a, _), (b, _)| key_order(a, b));
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

fn number(number: &Number) -> String {
    match number.as_f64() {
        Some(float) if number.is_f64() => float_text(float),
        _ => number.to_string(),
    }
}

/// A float as Go's `'g'` format with the shortest precision writes it; a whole one that fits 64 bits as an integer.
#[must_use]
pub fn float_text(float: f64) -> String {
    if float.fract() == 0.0 && float.abs() < 1e19 {
        let text = format!("{float:.0}");
        if text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok() {
            return text;
        }
    }
    general(&format!("{float:e}"))
}

/// The same with the digits of a 32-bit float: how keys are written.
pub(crate) fn float32_text(float: f64) -> String {
    general(&format!("{:e}", float as f32))
}

/// From Rust's shortest scientific notation to Go's `'g'`.
fn general(scientific: &str) -> String {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |m| ("-", m));
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
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

/// The order of keys: letters after other characters, runs of digits by their value.
#[must_use]
pub fn key_order(a: &str, b: &str) -> Ordering {
    let common = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    if common == a.len() || common == b.len() {
        return a.len().cmp(&b.len());
    }
    let (ra, rb): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let Some(at) = ra.iter().zip(&rb).position(|(x, y)| x != y) else { return ra.len().cmp(&rb.len()) };
    let (Some(&ca), Some(&cb)) = (ra.get(at), rb.get(at)) else { return ra.len().cmp(&rb.len()) };
    let after_digit = at > 0 && ra.get(at - 1).is_some_and(|c| c.is_numeric());
    match (ca.is_alphabetic(), cb.is_alphabetic()) {
        (true, true) => return ca.cmp(&cb),
        // Behind a number a letter comes first, elsewhere last.
        (true, false) => return if after_digit { Ordering::Less } else { Ordering::Greater },
        (false, true) => return if after_digit { Ordering::Greater } else { Ordering::Less },
        (false, false) => {}
    }
    let zero = ca == '0' || cb == '0';
    let inside = ra.get(..at).unwrap_or_default().iter().rev().take_while(|c| c.is_numeric()).any(|c| *c != '0');
    let start = u64::from(zero && inside);
    let (va, la) = digits_value(&ra, at, start);
    let (vb, lb) = digits_value(&rb, at, start);
    va.cmp(&vb).then(la.cmp(&lb)).then(ca.cmp(&cb))
}

fn digits_value(chars: &[char], at: usize, start: u64) -> (u64, usize) {
    let mut value = start;
    let mut end = at;
    for char in chars.iter().skip(at) {
        let Some(digit) = char.to_digit(10) else { break };
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        end += 1;
    }
    (value, end)
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
        let mut keys = vec!["a10", "a2", "b", "A", "_x", "1", "10", "2", "a", "a-b", "ab", "a1b"];
        keys.sort_by(|a, b| key_order(a, b));
        assert_eq!(keys, ["_x", "1", "2", "10", "A", "a", "a-b", "a1b", "a2", "a10", "ab", "b"]);
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
