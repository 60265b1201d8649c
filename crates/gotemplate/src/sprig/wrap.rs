//! Lines broken at a width, as Masterminds/goutils breaks them. The width counts bytes.

use crate::{context::Ctx, sprig::args::Answer, value::Value};

/// Breaks at spaces; words that are too long stay whole.
pub fn plain(ctx: &mut Ctx<'_>, width: i64, text: &[u8]) -> Answer {
    wrap(ctx, text, width, b"\n", false)
}

/// Breaks with a text of the caller's choice (a newline if empty), words that are too long too.
pub fn custom(ctx: &mut Ctx<'_>, width: i64, line_end: &[u8], text: &[u8]) -> Answer {
    wrap(ctx, text, width, if line_end.is_empty() { b"\n" } else { line_end }, true)
}

fn wrap(ctx: &mut Ctx<'_>, text: &[u8], width: i64, line_end: &[u8], break_words: bool) -> Answer {
    let width = usize::try_from(width).unwrap_or(0).max(1);
    let mut out = Vec::new();
    let mut rest = text;
    while rest.len() > width {
        if rest.first() == Some(&b' ') {
            rest = rest.get(1..).unwrap_or_default();
            continue;
        }
        let space = memchr::memrchr(b' ', rest.get(..=width).unwrap_or_default());
        let (line, skipped) = match space {
            Some(at) => (at, 1),
            None if break_words => (width, 0),
            None => match memchr::memchr(b' ', rest.get(width..).unwrap_or_default()) {
                Some(at) => (width + at, 1),
                None => break,
            },
        };
        ctx.charge_output(line + line_end.len())?;
        out.extend_from_slice(rest.get(..line).unwrap_or_default());
        out.extend_from_slice(line_end);
        rest = rest.get(line + skipped..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Ok(Value::string(out))
}
