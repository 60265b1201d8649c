//! Prints one value with one verb.

use crate::{
    format::quoting::{can_backquote, char_count, first_chars, quote_bytes},
    types::Type,
    value::Value,
};

/// What stands between `%` and the verb.
#[derive(Clone, Copy, Default)]
pub(super) struct Flags {
    pub(super) width: Option<usize>,
    pub(super) precision: Option<usize>,
    pub(super) minus: bool,
    pub(super) plus: bool,
    pub(super) sharp: bool,
    pub(super) space: bool,
    pub(super) zero: bool,
    /// `%+v`
    pub(super) plus_v: bool,
    /// `%#v`
    pub(super) sharp_v: bool,
}

/// Where text is collected.
pub(super) struct Printer {
    pub(super) buf: Vec<u8>,
    pub(super) flags: Flags,
    /// Within `%!verb(…)`, where methods are not asked.
    pub(super) erroring: bool,
    /// How long the text may become. What is longer is cut off anywhere: values that contain others many times, or
    /// themselves, have texts without end.
    pub(super) limit: usize,
}

/// As much as anybody may print who does not say how much.
pub(super) const MOST: usize = 512 << 20;

impl Default for Printer {
    fn default() -> Self {
        Self { buf: Vec::new(), flags: Flags::default(), erroring: false, limit: MOST }
    }
}

/// How deeply values are printed; only values that contain themselves are deeper, and Go never ends there.
const MAX_DEPTH: usize = 200;

impl Printer {
    pub(super) fn fill(&mut self, count: usize, with: u8) {
        self.buf.resize(self.buf.len() + count, with);
    }

    /// Pads to the width, on the left with zeros if the flags say so.
    pub(super) fn pad(&mut self, text: &[u8]) {
        let with = if self.flags.zero && !self.flags.minus { b'0' } else { b' ' };
        self.pad_by(text, with);
    }

    pub(super) fn pad_with_spaces(&mut self, text: &[u8]) {
        self.pad_by(text, b' ');
    }

    fn pad_by(&mut self, text: &[u8], with: u8) {
        let missing = self.flags.width.map_or(0, |width| width.saturating_sub(char_count(text)));
        if !self.flags.minus {
            self.fill(missing, with);
        }
        self.buf.extend_from_slice(text);
        if self.flags.minus {
            self.fill(missing, b' ');
        }
    }

    fn truncated<'t>(&self, text: &'t [u8]) -> &'t [u8] {
        self.flags.precision.map_or(text, |count| first_chars(text, count))
    }

    /// An argument, by itself.
    pub(super) fn arg(&mut self, value: &Value, verb: char) {
        match (value, verb) {
            (Value::Missing | Value::Nil, 'T' | 'v') => self.pad(b"<nil>"),
            (Value::Missing | Value::Nil, _) => self.bad_verb(value, verb),
            (_, 'T') => {
                let name = value.type_name();
                let name = self.truncated(name.as_bytes()).to_vec();
                self.pad(&name);
            }
            (_, 'p') => self.pointer(value, 'p'),
            (Value::Bytes(bytes), _) => self.bytes(value, bytes, verb, "[]byte", 0),
            _ => self.value(value, verb, 0),
        }
    }

    /// `%!verb(type=value)`
    pub(super) fn bad_verb(&mut self, value: &Value, verb: char) {
        self.buf.extend_from_slice(format!("%!{verb}(").as_bytes());
        if matches!(value, Value::Missing | Value::Nil) {
            self.buf.extend_from_slice(b"<nil>");
        } else {
            self.buf.extend_from_slice(value.type_name().as_bytes());
            self.buf.push(b'=');
            let before = std::mem::replace(&mut self.erroring, true);
            self.arg(value, 'v');
            self.erroring = before;
        }
        self.buf.push(b')');
    }

    /// Prints by `Error` or `String`, if the value has one of them and the verb takes strings.
    fn by_method(&mut self, value: &Value, verb: char) -> bool {
        if self.erroring || self.flags.sharp_v || !matches!(verb, 'v' | 's' | 'x' | 'X' | 'q' | 'w') {
            return false;
        }
        let text = match value {
            Value::Object(object) => object.text(),
            Value::Named(named, _) => named.methods.and_then(|it| it.text(value)),
            Value::List(_) | Value::Map(_) => match value.type_of() {
                Some(Type::Named(named)) => named.methods.and_then(|it| it.text(value)),
                _ => None,
            },
            _ => None,
        };
        text.is_some_and(|text| {
            self.string(&text, verb);
            true
        })
    }

    /// A value at some depth within the argument.
    pub(super) fn value(&mut self, value: &Value, verb: char, depth: usize) {
        if self.buf.len() > self.limit {
            return;
        }
        if depth > MAX_DEPTH {
            self.buf.extend_from_slice(b"...");
            return;
        }
        let bytes_alone = depth == 0 && value.type_of() == Some(crate::BYTES);
        if verb == 'w' && !self.erroring && !bytes_alone && !matches!(value, Value::Missing | Value::Nil) {
            self.bad_verb(value, verb);
            return;
        }
        if self.by_method(value, verb) {
            return;
        }
        let printed = match value.plain() {
            Value::Missing | Value::Nil => {
                self.buf.extend_from_slice(if self.flags.sharp_v { b"interface {}(nil)" } else { b"<nil>" });
                true
            }
            Value::Bool(it) => {
                matches!(verb, 't' | 'v') && {
                    self.pad(if *it { b"true" } else { b"false" });
                    true
                }
            }
            Value::Int(_, number) => self.integer(number.unsigned_abs(), *number < 0, verb, true),
            Value::Uint(_, number) => self.integer(*number, false, verb, false),
            Value::Float(kind, number) => self.float(*number, kind.bits(), verb),
            Value::Complex(real, imaginary) => self.complex(*real, *imaginary, verb),
            Value::String(text) => self.string(text, verb),
            Value::Bytes(bytes) => {
                self.bytes(value, bytes, verb, "[]uint8", depth);
                true
            }
            _ => {
                self.composed(value, verb, depth);
                true
            }
        };
        if !printed {
            self.bad_verb(value, verb);
        }
    }

    /// A pointer to a struct as the struct it points to, without the methods of the pointer.
    pub(super) fn pointed(&mut self, value: &Value) {
        match value {
            Value::Object(object) => self.fields(value, &object.fields(), 'v', 0),
            other => self.arg(other, 'v'),
        }
    }

    fn complex(&mut self, real: f64, imaginary: f64, verb: char) -> bool {
        if !matches!(verb, 'v' | 'b' | 'g' | 'G' | 'x' | 'X' | 'f' | 'F' | 'e' | 'E') {
            return false;
        }
        let plus = self.flags.plus;
        self.buf.push(b'(');
        self.float(real, 64, verb);
        self.flags.plus = true;
        self.float(imaginary, 64, verb);
        self.flags.plus = plus;
        self.buf.extend_from_slice(b"i)");
        true
    }

    /// A string with any of the verbs; false when the verb is not for strings.
    fn string(&mut self, text: &[u8], verb: char) -> bool {
        match verb {
            'v' if self.flags.sharp_v => self.quoted(text),
            'v' | 's' => {
                let text = self.truncated(text);
                self.pad(text);
            }
            'x' | 'X' => self.hex_text(text, verb == 'X'),
            'q' => self.quoted(text),
            _ => return false,
        }
        true
    }

    fn quoted(&mut self, text: &[u8]) {
        let text = self.truncated(text);
        if self.flags.sharp && can_backquote(text) {
            let raw = [b"`", text, b"`"].concat();
            self.pad(&raw);
            return;
        }
        let quoted = quote_bytes(text, b'"', self.flags.plus);
        self.pad(&quoted);
    }

    /// Every byte in hexadecimal; the precision counts bytes.
    fn hex_text(&mut self, text: &[u8], upper: bool) {
        let flags = self.flags;
        let count = flags.precision.unwrap_or(usize::MAX).min(text.len());
        let mut out = String::new();
        for (place, byte) in text.iter().take(count).enumerate() {
            if flags.space && place > 0 {
                out.push(' ');
            }
            if flags.sharp && (flags.space || place == 0) {
                out.push_str(if upper { "0X" } else { "0x" });
            }
            out.push_str(&if upper { format!("{byte:02X}") } else { format!("{byte:02x}") });
        }
        self.pad(out.as_bytes());
    }

    pub(super) fn bytes(&mut self, value: &Value, bytes: &[u8], verb: char, name: &str, depth: usize) {
        match verb {
            's' => {
                let text = self.truncated(bytes).to_vec();
                self.pad(&text);
            }
            'x' | 'X' => self.hex_text(bytes, verb == 'X'),
            'q' => self.quoted(bytes),
            'v' | 'd' if self.flags.sharp_v => {
                self.buf.extend_from_slice(name.as_bytes());
                self.buf.push(b'{');
                for (place, byte) in bytes.iter().enumerate() {
                    if place > 0 {
                        self.buf.extend_from_slice(b", ");
                    }
                    self.hex_with_prefix(u64::from(*byte), true);
                }
                self.buf.push(b'}');
            }
            _ => {
                let items = value.elements().unwrap_or_default();
                self.slice(value, &items, verb, depth);
            }
        }
    }
}
