//! Strings: cutting, padding, joining. Lengths and places count bytes, as in Go.

use crate::{
    context::Ctx,
    error::{Bound, FuncError},
    function::{Functions, Signature},
    sprig::{
        args::{ANY, Answer, INT, TEXT, VALUE_SIZE, any, fail, int, printed, rest, strings, strval, text},
        unicode, words, wrap,
    },
    text::Str,
    types::STRING_MAP,
    value::{Map, Value},
};

const ONE: Signature = Signature::fixed(&[TEXT]).typed("func(string) string");
const TWO: Signature = Signature::fixed(&[TEXT, TEXT]).typed("func(string, string) string");
const TEST: Signature = Signature::fixed(&[TEXT, TEXT]).typed("func(string, string) bool");
const NUMBERED: Signature = Signature::fixed(&[INT, TEXT]).typed("func(int, string) string");
const VALUES: Signature = Signature::variadic(&[ANY]).typed("func(...interface {}) string");

pub fn register(to: &mut Functions) {
    to.add("hello", Signature::NONE.typed("func() string"), |_, _| Ok(Value::from("Hello!")));
    cases(to);
    cutting(to);
    joining(to);
    to.add("contains", TEST, |_, args| Ok(Value::from(find(&text(args, 1), &text(args, 0)).is_some())));
    to.add("hasPrefix", TEST, |_, args| Ok(Value::from(text(args, 1).starts_with(&text(args, 0)))));
    to.add("hasSuffix", TEST, |_, args| Ok(Value::from(text(args, 1).ends_with(&text(args, 0)))));
    to.add("repeat", NUMBERED, |ctx, args| repeat(ctx, int(args, 0), &text(args, 1)).map(Value::string));
    to.add("indent", NUMBERED, |ctx, args| indent(ctx, "", int(args, 0), &text(args, 1)));
    to.add("nindent", NUMBERED, |ctx, args| indent(ctx, "\n", int(args, 0), &text(args, 1)));
    to.add("replace", Signature::fixed(&[TEXT, TEXT, TEXT]).typed("func(string, string, string) string"), replace);
    to.add("plural", Signature::fixed(&[TEXT, TEXT, INT]).typed("func(string, string, int) string"), |_, args| {
        Ok(Value::String(text(args, usize::from(int(args, 2) != 1))))
    });
    to.add("wrap", NUMBERED, |ctx, args| wrap::plain(ctx, int(args, 0), &text(args, 1)));
    to.add("wrapWith", Signature::fixed(&[INT, TEXT, TEXT]).typed("func(int, string, string) string"), |ctx, args| {
        wrap::custom(ctx, int(args, 0), &text(args, 1), &text(args, 2))
    });
}

fn cases(to: &mut Functions) {
    to.add("upper", ONE, |_, args| Ok(Value::String(unicode::map(&text(args, 0), unicode::upper))));
    to.add("lower", ONE, |_, args| Ok(Value::String(unicode::map(&text(args, 0), unicode::lower))));
    to.add("title", ONE, |_, args| Ok(Value::String(words::title(&text(args, 0)))));
    to.add("untitle", ONE, |_, args| Ok(Value::String(words::untitle(&text(args, 0)))));
    to.add("swapcase", ONE, |_, args| Ok(Value::String(words::swap_case(&text(args, 0)))));
    to.add("snakecase", ONE, |_, args| Ok(Value::string(words::lower_words(&text(args, 0), b'_'))));
    to.add("kebabcase", ONE, |_, args| Ok(Value::string(words::lower_words(&text(args, 0), b'-'))));
    to.add("camelcase", ONE, |_, args| Ok(Value::from(words::pascal(&text(args, 0)))));
    to.add("initials", ONE, |_, args| Ok(Value::from(words::initials(&text(args, 0)))));
    to.add("nospace", ONE, |_, args| Ok(Value::String(words::no_space(&text(args, 0)))));
}

fn cutting(to: &mut Functions) {
    to.add("trim", ONE, |_, args| Ok(trim(&text(args, 0), unicode::is_space)));
    for name in ["trimAll", "trimall"] {
        to.add(name, TWO, |_, args| {
            let set: Vec<char> = unicode::runes(&text(args, 0)).map(|(_, letter, _)| letter).collect();
            Ok(trim(&text(args, 1), |letter| set.contains(&letter)))
        });
    }
    to.add("trimPrefix", TWO, |_, args| {
        let (prefix, whole) = (text(args, 0), text(args, 1));
        Ok(whole.strip_prefix(&*prefix).map_or_else(|| Value::String(whole.clone()), Value::string))
    });
    to.add("trimSuffix", TWO, |_, args| {
        let (suffix, whole) = (text(args, 0), text(args, 1));
        Ok(whole.strip_suffix(&*suffix).map_or_else(|| Value::String(whole.clone()), Value::string))
    });
    to.add("trunc", NUMBERED, |_, args| Ok(trunc(int(args, 0), text(args, 1))));
    to.add("abbrev", NUMBERED, |_, args| {
        let (width, whole) = (int(args, 0), text(args, 1));
        Ok(if width < 4 { Value::String(whole) } else { Value::from(words::abbreviate(&whole, 0, width)) })
    });
    to.add("abbrevboth", Signature::fixed(&[INT, INT, TEXT]).typed("func(int, int, string) string"), |_, args| {
        let (left, right, whole) = (int(args, 0), int(args, 1), text(args, 2));
        let short = right < 4 || (left > 0 && right < 7);
        Ok(if short { Value::String(whole) } else { Value::from(words::abbreviate(&whole, left, right)) })
    });
    to.add("substr", Signature::fixed(&[INT, INT, TEXT]).typed("func(int, int, string) string"), |_, args| {
        substr(int(args, 0), int(args, 1), &text(args, 2))
    });
    to.add("split", Signature::fixed(&[TEXT, TEXT]).typed("func(string, string) map[string]string"), |ctx, args| {
        Ok(numbered(split(ctx, &text(args, 1), &text(args, 0), -1)?))
    });
    to.add(
        "splitn",
        Signature::fixed(&[TEXT, INT, TEXT]).typed("func(string, int, string) map[string]string"),
        |ctx, args| Ok(numbered(split(ctx, &text(args, 2), &text(args, 0), int(args, 1))?)),
    );
    to.add("splitList", Signature::fixed(&[TEXT, TEXT]).typed("func(string, string) []string"), |ctx, args| {
        Ok(Value::strings(split(ctx, &text(args, 1), &text(args, 0), -1)?))
    });
}

fn joining(to: &mut Functions) {
    to.add("quote", VALUES, |ctx, args| {
        let mut quoted = String::new();
        for it in present(args) {
            if !quoted.is_empty() {
                quoted.push(' ');
            }
            quoted.push_str(&crate::format::quote(&strval(ctx, it)?));
            if quoted.len() > ctx.room() {
                return Err(Bound::Output.into());
            }
        }
        Ok(Value::from(quoted))
    });
    to.add("squote", VALUES, |ctx, args| {
        let quoted: Result<Vec<_>, FuncError> =
            present(args).map(|it| Ok([b"'".as_slice(), &printed(ctx, it)?, b"'"].concat())).collect();
        Ok(Value::string(quoted?.join(b" ".as_slice())))
    });
    to.add("cat", VALUES, |ctx, args| {
        let texts: Result<Vec<_>, FuncError> = present(args).map(|it| printed(ctx, it)).collect();
        Ok(Value::string(texts?.join(b" ".as_slice())))
    });
    to.add("toString", Signature::fixed(&[ANY]).typed("func(interface {}) string"), |ctx, args| {
        strval(ctx, any(args, 0)).map(Value::String)
    });
    to.add("toStrings", Signature::fixed(&[ANY]).typed("func(interface {}) []string"), |ctx, args| {
        to_strings(ctx, any(args, 0))
    });
    to.add("join", Signature::fixed(&[TEXT, ANY]).typed("func(string, interface {}) string"), |ctx, args| {
        let (separator, texts) = (text(args, 0), strings(ctx, any(args, 1))?);
        let size = texts.iter().map(|it| it.len()).sum::<usize>() + separator.len() * texts.len();
        ctx.charge_output(size)?;
        let texts: Vec<&[u8]> = texts.iter().map(|it| &**it).collect();
        Ok(Value::string(texts.join(&*separator)))
    });
}

/// A `[]string`: the same one when it is one already.
fn to_strings(ctx: &mut Ctx<'_>, value: &Value) -> Answer {
    match value.type_of() {
        Some(of) if of == crate::STRING_SLICE => Ok(value.clone()),
        _ => Ok(Value::strings(strings(ctx, value)?)),
    }
}

fn present(args: &[Value]) -> impl Iterator<Item = &Value> {
    rest(args, 0).iter().filter(|it| !matches!(it, Value::Nil | Value::Missing))
}

/// Where `needle` first occurs.
pub fn find(whole: &[u8], needle: &[u8]) -> Option<usize> {
    if needle.is_empty() {
        return Some(0);
    }
    memchr::memmem::find(whole, needle)
}

/// Splits at a separator into at most `limit` parts, all when negative. Without separator, into characters.
fn split(ctx: &mut Ctx<'_>, whole: &[u8], separator: &[u8], limit: i64) -> Result<Vec<Str>, FuncError> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let count = if separator.is_empty() {
        unicode::runes(whole).count()
    } else {
        memchr::memmem::find_iter(whole, separator).count() + 1
    };
    let count = count.min(limit);
    ctx.charge_output(count.saturating_mul(2 * VALUE_SIZE))?;
    let mut parts = Vec::with_capacity(count);
    let mut rest = whole;
    while parts.len() < count {
        let last = parts.len() + 1 == count;
        let end = if last {
            rest.len()
        } else if separator.is_empty() {
            unicode::decode(rest).1
        } else {
            find(rest, separator).unwrap_or(rest.len())
        };
        parts.push(Str::from(rest.get(..end).unwrap_or_default()));
        rest = rest.get(end + separator.len()..).unwrap_or_default();
    }
    Ok(parts)
}

/// `_0`, `_1`, … as keys.
fn numbered(parts: Vec<Str>) -> Value {
    let map = Map::of(STRING_MAP);
    for (number, part) in parts.into_iter().enumerate() {
        map.set(format!("_{number}"), Value::String(part));
    }
    Value::Map(map)
}

fn trim(whole: &[u8], cut: impl Fn(char) -> bool) -> Value {
    let start = unicode::runes(whole).find(|(_, letter, _)| !cut(*letter)).map_or(whole.len(), |(at, ..)| at);
    let mut kept = whole.get(start..).unwrap_or_default();
    while let Some((letter, width)) = unicode::decode_last(kept) {
        if !cut(letter) {
            break;
        }
        kept = kept.get(..kept.len() - width).unwrap_or_default();
    }
    Value::string(kept)
}

fn trunc(count: i64, whole: Str) -> Value {
    let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let places = if count < 0 && length + count > 0 {
        length + count..length
    } else if count >= 0 && length > count {
        0..count
    } else {
        return Value::String(whole);
    };
    Value::string(range(&whole, places.start, places.end))
}

fn range(whole: &[u8], start: i64, end: i64) -> &[u8] {
    let place = |it: i64| usize::try_from(it).unwrap_or_default();
    whole.get(place(start)..place(end)).unwrap_or_default()
}

/// As sprig: a negative start means from the beginning, a negative end or one past the text means up to its end.
fn substr(start: i64, end: i64, whole: &[u8]) -> Answer {
    let length = i64::try_from(whole.len()).unwrap_or(i64::MAX);
    let bounds = |what: String| fail(format!("runtime error: slice bounds out of range {what}"));
    if start < 0 {
        return match end {
            end if end < 0 => bounds(format!("[:{end}]")),
            end if end > length => bounds(format!("[:{end}] with length {length}")),
            end => Ok(Value::string(range(whole, 0, end))),
        };
    }
    let end = if end < 0 || end > length { length } else { end };
    if start > end {
        return bounds(format!("[{start}:{end}]"));
    }
    Ok(Value::string(range(whole, start, end)))
}

/// The text so many times.
pub fn repeat(ctx: &mut Ctx<'_>, count: i64, whole: &[u8]) -> Result<Vec<u8>, FuncError> {
    let Ok(count) = usize::try_from(count) else { return fail("strings: negative Repeat count") };
    let Some(size) = count.checked_mul(whole.len()).filter(|it| *it <= isize::MAX as usize) else {
        return fail("strings: Repeat output length overflow");
    };
    ctx.charge_output(size)?;
    Ok(whole.repeat(count))
}

fn indent(ctx: &mut Ctx<'_>, before: &str, spaces: i64, whole: &[u8]) -> Answer {
    let pad = repeat(ctx, spaces, b" ")?;
    let lines = memchr::memchr_iter(b'\n', whole).count();
    ctx.charge_output(pad.len().saturating_mul(lines).saturating_add(whole.len()))?;
    let mut out = Vec::with_capacity(before.len() + pad.len() * (lines + 1) + whole.len());
    out.extend_from_slice(before.as_bytes());
    out.extend_from_slice(&pad);
    for line in whole.split_inclusive(|it| *it == b'\n') {
        out.extend_from_slice(line);
        if line.last() == Some(&b'\n') {
            out.extend_from_slice(&pad);
        }
    }
    Ok(Value::string(out))
}

/// Replaces every occurrence. An empty `old` occurs before each character and at the end.
fn replace(ctx: &mut Ctx<'_>, args: &[Value]) -> Answer {
    let (old, new, whole) = (text(args, 0), text(args, 1), text(args, 2));
    if old == new {
        return Ok(Value::String(whole));
    }
    let pieces: Vec<&[u8]> = if old.is_empty() {
        let letters = unicode::runes(&whole).map(|(at, _, width)| whole.get(at..at + width).unwrap_or_default());
        std::iter::once(&b""[..]).chain(letters).collect()
    } else {
        let (mut pieces, mut from) = (Vec::new(), 0);
        for at in memchr::memmem::find_iter(&whole, &*old) {
            pieces.push(whole.get(from..at).unwrap_or_default());
            from = at + old.len();
        }
        pieces.push(whole.get(from..).unwrap_or_default());
        pieces
    };
    ctx.charge_output(pieces.len().saturating_mul(new.len()).saturating_add(whole.len()))?;
    let mut out = pieces.join(&*new);
    if old.is_empty() {
        out.extend_from_slice(&new);
    }
    Ok(Value::string(out))
}
