//! Regular expressions.

use std::rc::Rc;

use crate::{
    context::Ctx,
    error::FuncError,
    function::{Functions, Signature},
    sprig::{
        args::{Answer, INT, TEXT, VALUE_SIZE, fail, int, text},
        regexp::{Regexp, SyntaxError, quote_meta},
    },
    text::Str,
    types::STRING_SLICE,
    value::Value,
};

const TWO: Signature = Signature::fixed(&[TEXT, TEXT]);
const THREE: Signature = Signature::fixed(&[TEXT, TEXT, TEXT]);
const LIMITED: Signature = Signature::fixed(&[TEXT, TEXT, INT]);

pub fn register(to: &mut Functions) {
    to.add("regexMatch", TWO, |_, args| {
        let pattern = Regexp::compile(&text(args, 0));
        Ok(Value::Bool(pattern.is_ok_and(|it| it.is_match(&text(args, 1)))))
    });
    to.add("mustRegexMatch", TWO, |_, args| Ok(Value::Bool(must(args)?.is_match(&text(args, 1)))));
    to.add("regexFind", TWO, |_, args| Ok(find(&*compiled(args)?, args)));
    to.add("mustRegexFind", TWO, |_, args| Ok(find(&*must(args)?, args)));
    to.add("regexFindAll", LIMITED, |ctx, args| find_all(ctx, &*compiled(args)?, args));
    to.add("mustRegexFindAll", LIMITED, |ctx, args| find_all(ctx, &*must(args)?, args));
    to.add("regexSplit", LIMITED, |ctx, args| split(ctx, &*compiled(args)?, args));
    to.add("mustRegexSplit", LIMITED, |ctx, args| split(ctx, &*must(args)?, args));
    to.add("regexReplaceAll", THREE, |ctx, args| replace_all(ctx, &*compiled(args)?, args));
    to.add("mustRegexReplaceAll", THREE, |ctx, args| replace_all(ctx, &*must(args)?, args));
    to.add("regexReplaceAllLiteral", THREE, |ctx, args| replace_literal(ctx, &*compiled(args)?, args));
    to.add("mustRegexReplaceAllLiteral", THREE, |ctx, args| replace_literal(ctx, &*must(args)?, args));
    to.add("regexQuoteMeta", Signature::fixed(&[TEXT]), |_, args| Ok(Value::string(quote_meta(&text(args, 0)))));
}

/// The pattern, refused with the error itself.
fn must(args: &[Value]) -> Result<Rc<Regexp>, FuncError> {
    Regexp::compile(&text(args, 0)).map_err(|error| FuncError::new(message(&error)))
}

/// The pattern, refused with the panic of `regexp.MustCompile`.
fn compiled(args: &[Value]) -> Result<Rc<Regexp>, FuncError> {
    let pattern = text(args, 0);
    match Regexp::compile(&pattern) {
        Ok(compiled) => Ok(compiled),
        Err(error) => fail(format!("regexp: Compile({}): {}", quoted(&pattern), message(&error))),
    }
}

fn message(error: &SyntaxError) -> String {
    String::from_utf8_lossy(&error.message()).into_owned()
}

/// In backquotes where Go can, else quoted.
fn quoted(pattern: &[u8]) -> String {
    let plain =
        |letter: char| letter != '`' && letter != '\u{FEFF}' && letter != '\u{7F}' && (letter >= ' ' || letter == '\t');
    match std::str::from_utf8(pattern) {
        Ok(text) if text.chars().all(plain) => format!("`{text}`"),
        _ => crate::format::quote(pattern),
    }
}

fn find(pattern: &Regexp, args: &[Value]) -> Value {
    Value::string(pattern.find(&text(args, 1)).unwrap_or_default())
}

fn part(whole: &[u8], start: usize, end: usize) -> Str {
    Str::from(whole.get(start..end).unwrap_or_default())
}

fn find_all(ctx: &mut Ctx<'_>, pattern: &Regexp, args: &[Value]) -> Answer {
    let whole = text(args, 1);
    let places = pattern.find_all(&whole, int(args, 2), || ctx.charge_output(2 * VALUE_SIZE))?;
    if places.is_empty() {
        return Ok(Value::NilOf(STRING_SLICE));
    }
    Ok(Value::strings(places.into_iter().map(|(start, end)| part(&whole, start, end))))
}

/// What stands between the matches, at most so many parts.
fn split(ctx: &mut Ctx<'_>, pattern: &Regexp, args: &[Value]) -> Answer {
    let (whole, limit) = (text(args, 1), int(args, 2));
    if limit == 0 {
        return Ok(Value::NilOf(STRING_SLICE));
    }
    if whole.is_empty() && !text(args, 0).is_empty() {
        return Ok(Value::strings([""]));
    }
    let (mut parts, mut from, mut end) = (Vec::new(), 0, 0);
    for (start, stop) in pattern.find_all(&whole, limit, || ctx.charge_output(2 * VALUE_SIZE))? {
        if limit > 0 && i64::try_from(parts.len()).unwrap_or(i64::MAX) == limit - 1 {
            break;
        }
        end = start;
        if stop != 0 {
            parts.push(part(&whole, from, end));
        }
        from = stop;
    }
    if end != whole.len() {
        parts.push(part(&whole, from, whole.len()));
    }
    Ok(Value::strings(parts))
}

fn replace_all(ctx: &mut Ctx<'_>, pattern: &Regexp, args: &[Value]) -> Answer {
    let (whole, replacement) = (text(args, 1), text(args, 2));
    let expand = |places: &_, out: &mut _| pattern.expand(&replacement, &whole, places, out);
    pattern.replace_all(&whole, expand, |grown| ctx.charge_output(grown)).map(Value::string).map_err(FuncError::from)
}

fn replace_literal(ctx: &mut Ctx<'_>, pattern: &Regexp, args: &[Value]) -> Answer {
    let (whole, replacement) = (text(args, 1), text(args, 2));
    let put = |_: &_, out: &mut Vec<u8>| out.extend_from_slice(&replacement);
    pattern.replace_all(&whole, put, |grown| ctx.charge_output(grown)).map(Value::string).map_err(FuncError::from)
}
