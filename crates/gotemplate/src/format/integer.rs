//! Integers in every base, padded.

use crate::format::printer::Printer;

/// Adds a number in decimal.
pub(super) fn push_decimal(out: &mut Vec<u8>, number: u64, negative: bool) {
    if negative {
        out.push(b'-');
    }
    push_digits(out, number, 10, false);
}

fn push_digits(out: &mut Vec<u8>, number: u64, base: u64, upper: bool) {
    let mut digits = [0_u8; 64];
    let (mut left, mut from) = (number, digits.len());
    loop {
        let digit = (left % base) as u8;
        from -= 1;
        if let Some(place) = digits.get_mut(from) {
            *place = match digit {
                0..=9 => b'0' + digit,
                _ if upper => b'A' + digit - 10,
                _ => b'a' + digit - 10,
            };
        }
        left /= base;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(from..).unwrap_or_default());
}

impl Printer {
    /// An integer with any of the verbs; false when the verb is not for integers.
    pub(super) fn integer(&mut self, number: u64, negative: bool, verb: char, signed: bool) -> bool {
        match verb {
            'v' if self.flags.sharp_v && !signed => self.hex_with_prefix(number, true),
            'v' | 'd' => self.based(number, negative, 10, verb),
            'b' => self.based(number, negative, 2, verb),
            'o' | 'O' => self.based(number, negative, 8, verb),
            'x' | 'X' => self.based(number, negative, 16, verb),
            'c' => {
                let char = char_of(number, negative);
                self.pad(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            'q' => {
                let char = char_of(number, negative);
                let quoted = super::quote_bytes(char.encode_utf8(&mut [0; 4]).as_bytes(), b'\'', self.flags.plus);
                self.pad(&quoted);
            }
            'U' => self.unicode(if negative { number.wrapping_neg() } else { number }),
            _ => return false,
        }
        true
    }

    /// In hexadecimal, with `0x` or without, whatever the flags say.
    pub(super) fn hex_with_prefix(&mut self, number: u64, prefix: bool) {
        let sharp = std::mem::replace(&mut self.flags.sharp, prefix);
        self.based(number, false, 16, 'v');
        self.flags.sharp = sharp;
    }

    fn based(&mut self, number: u64, negative: bool, base: u64, verb: char) {
        let flags = self.flags;
        let signed = negative || flags.plus || flags.space;
        let mut least = 0;
        if let Some(precision) = flags.precision {
            least = precision;
            if precision == 0 && number == 0 {
                self.fill(flags.width.unwrap_or(0), b' ');
                return;
            }
        } else if let Some(width) = flags.width.filter(|_| flags.zero && !flags.minus) {
            least = width.saturating_sub(usize::from(signed));
        }
        let mut digits = Vec::new();
        push_digits(&mut digits, number, base, verb == 'X');
        let mut out = Vec::with_capacity(least.max(digits.len()) + 3);
        if negative {
            out.push(b'-');
        } else if flags.plus {
            out.push(b'+');
        } else if flags.space {
            out.push(b' ');
        }
        let zeros = least.saturating_sub(digits.len());
        if verb == 'O' {
            out.extend_from_slice(b"0o");
        }
        if flags.sharp {
            match base {
                2 => out.extend_from_slice(b"0b"),
                8 if zeros == 0 && digits.first() != Some(&b'0') => out.push(b'0'),
                16 => out.extend_from_slice(if verb == 'X' { b"0X" } else { b"0x" }),
                _ => {}
            }
        }
        out.resize(out.len() + zeros, b'0');
        out.append(&mut digits);
        self.pad_with_spaces(&out);
    }

    /// `U+0041`, with the character itself where `#` asks for it.
    fn unicode(&mut self, number: u64) {
        let mut out = b"U+".to_vec();
        let mut digits = Vec::new();
        push_digits(&mut digits, number, 16, true);
        let least = self.flags.precision.unwrap_or(4).max(4);
        out.resize(out.len() + least.saturating_sub(digits.len()), b'0');
        out.append(&mut digits);
        let char = u32::try_from(number).ok().and_then(char::from_u32);
        if let Some(char) = char.filter(|it| self.flags.sharp && super::is_printable(*it)) {
            out.extend_from_slice(format!(" '{char}'").as_bytes());
        }
        self.pad_with_spaces(&out);
    }
}

/// The character of a number; U+FFFD when there is none.
fn char_of(number: u64, negative: bool) -> char {
    if negative {
        return char::REPLACEMENT_CHARACTER;
    }
    u32::try_from(number).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}
