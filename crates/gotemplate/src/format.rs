//! Go's `fmt` and the parts of `strconv` it needs: the same text for every value, verb and flag.

mod composed;
mod float;
mod integer;
mod printer;
mod quoting;
mod tables;
mod verbs;

pub use float::{Style, float_text};
pub use quoting::{quote, quote_ascii, quote_bytes};

pub(crate) use quoting::{first_chars, is_letter_or_digit, is_printable};

use crate::value::Value;

use printer::Printer;

/// `fmt.Sprintf(format, args...)`.
#[must_use]
pub fn sprintf(format: &[u8], args: &[Value]) -> Vec<u8> {
    sprintf_within(format, args, printer::MOST)
}

/// The same, cut off somewhere behind so many bytes.
pub(crate) fn sprintf_within(format: &[u8], args: &[Value], limit: usize) -> Vec<u8> {
    let mut printer = Printer { limit, ..Printer::default() };
    verbs::printf(&mut printer, format, args);
    printer.buf
}

/// `fmt.Sprint(args...)`: a space between two arguments when neither is a string.
#[must_use]
pub fn sprint(args: &[Value]) -> Vec<u8> {
    sprint_within(args, printer::MOST)
}

/// The same, cut off somewhere behind so many bytes.
pub(crate) fn sprint_within(args: &[Value], limit: usize) -> Vec<u8> {
    let mut printer = Printer { limit, ..Printer::default() };
    let mut before_was_string = true;
    for arg in args {
        let is_string = arg.kind() == crate::Kind::String;
        if !is_string && !before_was_string {
            printer.buf.push(b' ');
        }
        printer.arg(arg, 'v');
        before_was_string = is_string;
    }
    printer.buf
}

/// `fmt.Sprintln(args...)`: always a space between, and a newline at the end.
#[must_use]
pub fn sprintln(args: &[Value]) -> Vec<u8> {
    sprintln_within(args, printer::MOST)
}

/// The same, cut off somewhere behind so many bytes.
pub(crate) fn sprintln_within(args: &[Value], limit: usize) -> Vec<u8> {
    let mut printer = Printer { limit, ..Printer::default() };
    for (place, arg) in args.iter().enumerate() {
        if place > 0 {
            printer.buf.push(b' ');
        }
        printer.arg(arg, 'v');
    }
    printer.buf.push(b'\n');
    printer.buf
}

/// A value as `%v` prints it.
#[must_use]
pub fn sprint_value(value: &Value) -> Vec<u8> {
    let mut out = Vec::new();
    print_value(&mut out, value);
    out
}

/// Adds a value as `%v` prints it.
pub fn print_value(out: &mut Vec<u8>, value: &Value) {
    let limit = out.len().saturating_add(printer::MOST);
    print_within(out, value, limit);
}

pub(crate) fn print_within(out: &mut Vec<u8>, value: &Value, limit: usize) {
    match value {
        Value::String(text) => out.extend_from_slice(text),
        Value::Int(_, number) => integer::push_decimal(out, number.unsigned_abs(), *number < 0),
        Value::Uint(_, number) => integer::push_decimal(out, *number, false),
        Value::Bool(it) => out.extend_from_slice(if *it { b"true" } else { b"false" }),
        _ => {
            let mut printer = Printer { buf: std::mem::take(out), limit, ..Printer::default() };
            printer.arg(value, 'v');
            *out = printer.buf;
        }
    }
}

/// A value as `%v` prints it, a pointer to a struct as the struct itself. With methods, `Error` and `String` are asked
/// first, as templates do; without, a pointer's are not, as in some messages. `out` is cut off somewhere behind the limit.
pub(crate) fn print_pointed(out: &mut Vec<u8>, value: &Value, methods: bool, limit: usize) {
    match value {
        Value::Object(object)
            if object.type_of().kind() == crate::Kind::Pointer && !(methods && object.text().is_some()) =>
        {
            let mut printer = Printer { buf: std::mem::take(out), limit, ..Printer::default() };
            printer.pointed(value);
            *out = printer.buf;
        }
        _ => print_within(out, value, limit),
    }
}
