//! `html`, `js` and `urlquery`.

use crate::{context::Ctx, error::FuncError, format, lex::decode, types::Kind, value::Value};

/// The arguments as one text, each printed as templates print values: a space between two when neither is a string.
fn text_of(ctx: &Ctx<'_>, args: &[Value]) -> Vec<u8> {
    let limit = ctx.room();
    let mut out = Vec::new();
    let mut before_was_string = true;
    for arg in args {
        let is_string = matches!(arg.kind(), Kind::String | Kind::Invalid);
        if !is_string && !before_was_string {
            out.push(b' ');
        }
        match arg {
            Value::Nil | Value::Missing => out.extend_from_slice(b"<no value>"),
            other => format::print_pointed(&mut out, other, true, limit),
        }
        before_was_string = is_string;
    }
    out
}

/// For HTML text and attributes.
pub(super) fn html(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let text = text_of(ctx, args);
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            0 => out.extend_from_slice("\u{FFFD}".as_bytes()),
            b'"' => out.extend_from_slice(b"&#34;"),
            b'\'' => out.extend_from_slice(b"&#39;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            other => out.push(other),
        }
    }
    Ok(Value::string(out))
}

/// For strings in JavaScript.
pub(super) fn js(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let text = text_of(ctx, args);
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_slice();
    while let Some((char, len)) = decode(rest) {
        let (taken, left) = rest.split_at(len);
        match char {
            '\\' | '\'' | '"' => out.extend_from_slice(&[b'\\', char as u8]),
            '<' | '>' | '&' | '=' | '\0'..'\u{20}' => {
                out.extend_from_slice(format!("\\u{:04X}", u32::from(char)).as_bytes());
            }
            _ if char.is_ascii() || format::is_printable(char) => out.extend_from_slice(taken),
            _ => out.extend_from_slice(format!("\\u{:04X}", u32::from(char)).as_bytes()),
        }
        rest = left;
    }
    Ok(Value::string(out))
}

/// For values in the query of a URL.
pub(super) fn urlquery(ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
    let text = text_of(ctx, args);
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => out.push(byte),
            b' ' => out.push(b'+'),
            other => out.extend_from_slice(format!("%{other:02X}").as_bytes()),
        }
    }
    Ok(Value::string(out))
}
