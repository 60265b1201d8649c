//! Base64 and base32, decoded with the strictness and the words of Go.

use crate::{
    function::{Functions, Signature},
    sprig::args::{TEXT, text},
    value::Value,
};

const ONE: Signature = Signature::fixed(&[TEXT]).typed("func(string) string");

pub fn register(to: &mut Functions) {
    to.add("b64enc", ONE, |ctx, args| {
        let plain = text(args, 0);
        ctx.charge_output(plain.len() / 3 * 4)?;
        Ok(Value::from(base64(&plain)))
    });
    to.add("b64dec", ONE, |_, args| Ok(decoded(base64_decode(&text(args, 0)))));
    to.add("b32enc", ONE, |ctx, args| {
        let plain = text(args, 0);
        ctx.charge_output(plain.len() / 5 * 8)?;
        Ok(Value::from(encode(&plain, BASE32, 5)))
    });
    to.add("b32dec", ONE, |_, args| Ok(decoded(base32_decode(&text(args, 0)))));
}

/// Sprig returns the error as if it were the text.
fn decoded(result: Result<Vec<u8>, String>) -> Value {
    result.map_or_else(Value::from, Value::string)
}

const BASE64: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE32: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// Standard base64 with padding.
pub fn base64(plain: &[u8]) -> String {
    encode(plain, BASE64, 6)
}

/// `bits` bits a digit, padded to whole groups.
fn encode(plain: &[u8], digits: &[u8], bits: usize) -> String {
    let group = if bits == 6 { 3 } else { 5 };
    let mut out = String::with_capacity(plain.len().div_ceil(group) * group * 8 / bits);
    for chunk in plain.chunks(group) {
        let word = (0..group).fold(0_u64, |word, at| word << 8 | u64::from(chunk.get(at).copied().unwrap_or(0)));
        let used = (chunk.len() * 8).div_ceil(bits);
        for place in 0..group * 8 / bits {
            let digit = word >> (group * 8 - bits * (place + 1)) & ((1 << bits) - 1);
            let digit = digits.get(usize::try_from(digit).unwrap_or(0)).copied().unwrap_or(b'=');
            out.push(if place < used { char::from(digit) } else { '=' });
        }
    }
    out
}

fn digit_of(digits: &[u8], byte: u8) -> Option<u32> {
    digits.iter().position(|it| *it == byte).and_then(|at| u32::try_from(at).ok())
}

/// Standard base64 with padding; line ends are skipped. Trailing bits need not be zero.
///
/// # Errors
/// `illegal base64 data at input byte N`.
pub fn base64_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let illegal = |at: usize| Err(format!("illegal base64 data at input byte {at}"));
    let table = base64_table();
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut bytes = text.iter().enumerate().filter(|(_, byte)| !matches!(byte, b'\r' | b'\n'));
    loop {
        let (mut word, mut count) = (0_u32, 0);
        while count < 4 {
            let Some((at, byte)) = bytes.next() else {
                return if count == 0 { Ok(out) } else { illegal(text.len() - count) };
            };
            let digit = table.get(usize::from(*byte)).copied().unwrap_or(NO_DIGIT);
            if digit != NO_DIGIT {
                word = word << 6 | u32::from(digit);
                count += 1;
                continue;
            }
            if *byte != b'=' || count < 2 {
                return illegal(at);
            }
            if count == 2 {
                match bytes.next() {
                    Some((_, b'=')) => {}
                    Some((at, _)) => return illegal(at - 1),
                    None => return illegal(text.len()),
                }
            }
            if let Some((at, _)) = bytes.next() {
                return illegal(at);
            }
            let word = word << (6 * (4 - count));
            out.extend(word.to_be_bytes().iter().skip(1).take(count - 1));
            return Ok(out);
        }
        out.extend(word.to_be_bytes().iter().skip(1));
    }
}

const NO_DIGIT: u8 = 0xFF;

fn base64_table() -> [u8; 256] {
    let mut table = [NO_DIGIT; 256];
    for (value, digit) in (0_u8..).zip(BASE64) {
        if let Some(place) = table.get_mut(usize::from(*digit)) {
            *place = value;
        }
    }
    table
}

/// Standard base32 with padding; line ends are skipped.
fn base32_decode(text: &[u8]) -> Result<Vec<u8>, String> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let illegal = |at: usize| Err(format!("illegal base32 data at input byte {at}"));
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut at = 0;
    while at < text.len() {
        let (mut word, mut count) = (0_u64, 0);
        while count < 8 {
            let Some(byte) = text.get(at) else { return illegal(text.len() - count) };
            at += 1;
            if let Some(digit) = digit_of(BASE32, *byte) {
                word = word << 5 | u64::from(digit);
                count += 1;
                continue;
            }
            let left = text.len() - at;
            if *byte != b'=' || count < 2 || left >= 8 {
                return illegal(at - 1);
            }
            if left + count < 7 {
                return illegal(text.len());
            }
            for offset in 0..7 - count {
                if text.get(at + offset).is_some_and(|it| *it != b'=') {
                    return illegal(at + offset - 1);
                }
            }
            if matches!(count, 1 | 3 | 6) {
                return illegal(at - 1);
            }
            let word = word << (5 * (8 - count));
            out.extend(word.to_be_bytes().iter().skip(3).take(count * 5 / 8));
            return Ok(out);
        }
        out.extend(word.to_be_bytes().iter().skip(3));
    }
    Ok(out)
}
