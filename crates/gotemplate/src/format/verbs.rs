//! Format strings.

use crate::{
    format::printer::{Flags, Printer},
    lex::decode,
    value::Value,
};

/// Widths and precisions beyond this are not believed.
const TOO_LARGE: i64 = 1_000_000;

/// `fmt.Fprintf`.
pub(super) fn printf(printer: &mut Printer, format: &[u8], args: &[Value]) {
    let mut verbs = Verbs { format, at: 0, args, next: 0, reordered: false, good: true, after_index: false };
    while let Some(text) = verbs.text() {
        printer.buf.extend_from_slice(text);
        if verbs.at >= format.len() {
            break;
        }
        verbs.at += 1;
        if !verbs.verb(printer) {
            break;
        }
    }
    verbs.extra(printer);
}

struct Verbs<'a> {
    format: &'a [u8],
    at: usize,
    args: &'a [Value],
    /// The argument for the next verb.
    next: usize,
    /// Whether arguments were taken by number anywhere: then extra ones are not noticed.
    reordered: bool,
    /// Whether the current verb's numbers make sense.
    good: bool,
    after_index: bool,
}

impl<'a> Verbs<'a> {
    fn byte(&self) -> Option<u8> {
        self.format.get(self.at).copied()
    }

    /// What stands before the next `%`; `None` at the end.
    fn text(&mut self) -> Option<&'a [u8]> {
        let rest = self.format.get(self.at..).filter(|it| !it.is_empty())?;
        let len = memchr::memchr(b'%', rest).unwrap_or(rest.len());
        self.at += len;
        rest.get(..len)
    }

    /// One verb; false when the format ended too early.
    fn verb(&mut self, printer: &mut Printer) -> bool {
        self.good = true;
        printer.flags = self.flags();
        let plain = self.byte().is_some_and(|it| it.is_ascii_lowercase()) && self.next < self.args.len();
        if !plain {
            self.index();
            self.width(printer);
            self.precision(printer);
            if !self.after_index {
                self.index();
            }
        }
        let Some((verb, len)) = decode(self.format.get(self.at..).unwrap_or_default()) else {
            printer.buf.extend_from_slice(b"%!(NOVERB)");
            return false;
        };
        self.at += len;
        if verb == '%' {
            printer.buf.push(b'%');
        } else if !self.good {
            printer.buf.extend_from_slice(format!("%!{verb}(BADINDEX)").as_bytes());
        } else if let Some(arg) = self.args.get(self.next) {
            if matches!(verb, 'v' | 'w') {
                let flags = &mut printer.flags;
                flags.sharp_v = std::mem::take(&mut flags.sharp);
                flags.plus_v = std::mem::take(&mut flags.plus);
            }
            printer.arg(arg, verb);
            self.next += 1;
        } else {
            printer.buf.extend_from_slice(format!("%!{verb}(MISSING)").as_bytes());
        }
        true
    }

    fn flags(&mut self) -> Flags {
        let mut flags = Flags::default();
        while let Some(byte) = self.byte() {
            match byte {
                b'#' => flags.sharp = true,
                b'0' => flags.zero = true,
                b'+' => flags.plus = true,
                b'-' => flags.minus = true,
                b' ' => flags.space = true,
                _ => break,
            }
            self.at += 1;
        }
        flags
    }

    fn width(&mut self, printer: &mut Printer) {
        if self.byte() != Some(b'*') {
            printer.flags.width = self.number();
            if self.after_index && printer.flags.width.is_some() {
                self.good = false;
            }
            return;
        }
        self.at += 1;
        match self.star() {
            None => printer.buf.extend_from_slice(b"%!(BADWIDTH)"),
            Some(width) => {
                if width < 0 {
                    printer.flags.minus = true;
                    printer.flags.zero = false;
                }
                printer.flags.width = usize::try_from(width.unsigned_abs()).ok();
            }
        }
        self.after_index = false;
    }

    fn precision(&mut self, printer: &mut Printer) {
        // A point at the very end is taken for a verb.
        if self.byte() != Some(b'.') || self.at + 1 >= self.format.len() {
            return;
        }
        self.at += 1;
        if self.after_index {
            self.good = false;
        }
        self.index();
        if self.byte() != Some(b'*') {
            printer.flags.precision = Some(self.number().unwrap_or(0));
            return;
        }
        self.at += 1;
        printer.flags.precision = self.star().and_then(|it| usize::try_from(it).ok());
        if printer.flags.precision.is_none() {
            printer.buf.extend_from_slice(b"%!(BADPREC)");
        }
        self.after_index = false;
    }

    /// The argument for a `*`.
    fn star(&mut self) -> Option<i64> {
        let arg = self.args.get(self.next)?;
        self.next += 1;
        let number = match arg.plain() {
            Value::Int(_, number) => *number,
            Value::Uint(_, number) => i64::try_from(*number).ok()?,
            _ => return None,
        };
        (-TOO_LARGE..=TOO_LARGE).contains(&number).then_some(number)
    }

    /// Digits; what is too large swallows the rest of the format.
    fn number(&mut self) -> Option<usize> {
        let mut number: Option<i64> = None;
        while let Some(byte) = self.byte().filter(u8::is_ascii_digit) {
            let before = number.unwrap_or(0);
            if before > TOO_LARGE {
                self.at = self.format.len();
                return None;
            }
            number = Some(before * 10 + i64::from(byte - b'0'));
            self.at += 1;
        }
        number.and_then(|it| usize::try_from(it).ok())
    }

    /// `[3]`: which argument comes next.
    fn index(&mut self) {
        self.after_index = false;
        if self.byte() != Some(b'[') {
            return;
        }
        self.reordered = true;
        let rest = self.format.get(self.at..).unwrap_or_default();
        let close = memchr::memchr(b']', rest).filter(|_| rest.len() >= 3);
        let Some(close) = close else {
            self.good = false;
            self.at += 1;
            return;
        };
        let digits = rest.get(1..close).unwrap_or_default();
        self.at += close + 1;
        let number = index_number(digits);
        match number {
            Some(number) if number >= 1 && number <= self.args.len() => {
                self.next = number - 1;
                self.after_index = true;
            }
            // A number that is one, but names no argument, is still an index.
            number => {
                self.good = false;
                self.after_index = number.is_some();
            }
        }
    }

    /// Arguments that no verb took.
    fn extra(&self, printer: &mut Printer) {
        let left = self.args.get(self.next..).unwrap_or_default();
        if self.reordered || left.is_empty() {
            return;
        }
        printer.flags = Flags::default();
        printer.buf.extend_from_slice(b"%!(EXTRA ");
        for (place, arg) in left.iter().enumerate() {
            if place > 0 {
                printer.buf.extend_from_slice(b", ");
            }
            if matches!(arg, Value::Missing | Value::Nil) {
                printer.buf.extend_from_slice(b"<nil>");
                continue;
            }
            printer.buf.extend_from_slice(arg.type_name().as_bytes());
            printer.buf.push(b'=');
            printer.arg(arg, 'v');
        }
        printer.buf.push(b')');
    }
}

fn index_number(digits: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(digits).ok().filter(|it| it.bytes().all(|byte| byte.is_ascii_digit()))?;
    text.parse().ok().filter(|it| *it <= 10 * TOO_LARGE as usize)
}
