//! Go's regular expressions: read with Go's rules, matched by the regex crate.

mod class;
mod groups;
mod syntax;

use std::{borrow::Cow, cell::RefCell, collections::HashMap, rc::Rc};

use regex_automata::{Input, meta, util::captures::Captures, util::syntax as dialect};

use crate::sprig::unicode;

pub use syntax::SyntaxError;

/// Patterns compiled at a time per thread; a chart uses a handful.
const CACHED: usize = 64;
/// Bytes a compiled pattern may have. Go allows 128 MiB.
const MAX_SIZE: usize = 32 << 20;

/// A compiled pattern.
pub struct Regexp {
    matcher: meta::Regex,
    names: Vec<String>,
}

thread_local! {
    static CACHE: RefCell<HashMap<Vec<u8>, Rc<Regexp>>> = RefCell::default();
}

/// The places of one match: of the whole, then of each group that took part.
type Places = Vec<Option<(usize, usize)>>;

/// A text to search. Where it is not UTF-8, each byte counts as one character U+FFFD, as in Go.
struct Haystack<'a> {
    bytes: Cow<'a, [u8]>,
    /// For a text that was mended: where each byte, and the end, was in the original.
    original: Option<Vec<usize>>,
}

impl<'a> Haystack<'a> {
    fn new(text: &'a [u8]) -> Self {
        if std::str::from_utf8(text).is_ok() {
            return Self { bytes: Cow::Borrowed(text), original: None };
        }
        let (mut bytes, mut original) = (Vec::new(), Vec::new());
        for (at, letter, width) in unicode::runes(text) {
            let mut buffer = [0; 4];
            let encoded = letter.encode_utf8(&mut buffer).as_bytes();
            bytes.extend_from_slice(encoded);
            original.extend((0..encoded.len()).map(|byte| if byte < width { at + byte } else { at }));
        }
        original.push(text.len());
        Self { bytes: Cow::Owned(bytes), original: Some(original) }
    }

    fn place(&self, at: usize) -> usize {
        self.original.as_ref().map_or(at, |places| places.get(at).copied().unwrap_or_default())
    }

    /// How many bytes the character at a place has; 0 at the end.
    fn width(&self, at: usize) -> usize {
        let tail = self.bytes.get(at..).unwrap_or_default();
        unicode::runes(tail).next().map_or(0, |(_, _, width)| width)
    }
}

impl Regexp {
    /// Compiles a pattern, or takes it from those compiled before.
    ///
    /// # Errors
    /// With Go's words when Go refuses it, or when it would become too large.
    pub fn compile(pattern: &[u8]) -> Result<Rc<Self>, SyntaxError> {
        if let Some(known) = CACHE.with_borrow(|cache| cache.get(pattern).cloned()) {
            return Ok(known);
        }
        let translated = syntax::translate(pattern)?;
        let matcher = meta::Regex::builder()
            .syntax(dialect::Config::new().utf8(false).nest_limit(2_000))
            .configure(meta::Config::new().utf8_empty(true).nfa_size_limit(Some(MAX_SIZE)))
            .build(&translated.pattern)
            .map_err(|_| SyntaxError::new("expression too large", pattern))?;
        let compiled = Rc::new(Self { matcher, names: translated.names });
        CACHE.with_borrow_mut(|cache| {
            if cache.len() >= CACHED {
                cache.clear();
            }
            cache.insert(pattern.to_vec(), compiled.clone());
        });
        Ok(compiled)
    }

    /// Whether it matches anywhere.
    pub fn is_match(&self, text: &[u8]) -> bool {
        self.matcher.is_match(&*Haystack::new(text).bytes)
    }

    /// The first match.
    pub fn find<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let haystack = Haystack::new(text);
        let found = self.matcher.find(&*haystack.bytes)?;
        text.get(haystack.place(found.start())..haystack.place(found.end()))
    }

    fn at(&self, haystack: &Haystack<'_>, from: usize, captures: &mut Captures) -> Option<(usize, usize)> {
        let bytes = &*haystack.bytes;
        self.matcher.search_captures(&Input::new(bytes).span(from..bytes.len()), captures);
        captures.get_match().map(|it| (it.start(), it.end()))
    }

    /// The places of up to `limit` matches that do not overlap (all when negative). An empty match right after another
    /// match does not count. `each` hears of every match before it is kept.
    pub fn find_all<E>(
        &self,
        text: &[u8],
        limit: i64,
        mut each: impl FnMut() -> Result<(), E>,
    ) -> Result<Vec<(usize, usize)>, E> {
        let haystack = Haystack::new(text);
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let end = haystack.bytes.len();
        let (mut places, mut from, mut last_end) = (Vec::new(), 0, None);
        while places.len() < limit && from <= end {
            let input = Input::new(&*haystack.bytes).span(from..end);
            let Some(found) = self.matcher.search(&input) else { break };
            let mut accepted = true;
            if found.end() == from {
                accepted = Some(found.start()) != last_end;
                from += haystack.width(from).max(1);
            } else {
                from = found.end();
            }
            last_end = Some(found.end());
            if accepted {
                each()?;
                places.push((haystack.place(found.start()), haystack.place(found.end())));
            }
        }
        Ok(places)
    }

    /// Replaces every match by what `replacement` makes of its places. `grow` hears how many bytes the result has.
    pub fn replace_all<E>(
        &self,
        text: &[u8],
        mut replacement: impl FnMut(&Places, &mut Vec<u8>),
        mut grow: impl FnMut(usize) -> Result<(), E>,
    ) -> Result<Vec<u8>, E> {
        let haystack = Haystack::new(text);
        let end = haystack.bytes.len();
        let mut captures = self.matcher.create_captures();
        let (mut out, mut from, mut copied) = (Vec::new(), 0, 0);
        while from <= end {
            let Some((start, stop)) = self.at(&haystack, from, &mut captures) else { break };
            let before = out.len();
            out.extend_from_slice(text.get(haystack.place(copied)..haystack.place(start)).unwrap_or_default());
            if stop > copied || start == 0 {
                let places = (0..self.names.len())
                    .map(|group| captures.get_group(group))
                    .map(|span| span.map(|it| (haystack.place(it.start), haystack.place(it.end))))
                    .collect();
                replacement(&places, &mut out);
            }
            grow(out.len() - before)?;
            copied = stop;
            let width = haystack.width(from);
            from = if from + width > stop { from + width } else { stop.max(from + usize::from(from + 1 > stop)) };
        }
        out.extend_from_slice(text.get(haystack.place(copied)..).unwrap_or_default());
        Ok(out)
    }

    /// Appends a template in which `$1`, `${1}`, `$name` and `${name}` stand for groups and `$$` for a dollar sign. The
    /// longest possible name counts: `$1x` is the group called `1x`. Unknown groups are empty.
    pub fn expand(&self, template: &[u8], text: &[u8], places: &Places, out: &mut Vec<u8>) {
        let mut rest = template;
        while let Some(at) = rest.iter().position(|it| *it == b'$') {
            out.extend_from_slice(rest.get(..at).unwrap_or_default());
            rest = syntax::skip(rest, at + 1);
            if rest.first() == Some(&b'$') {
                out.push(b'$');
                rest = syntax::skip(rest, 1);
                continue;
            }
            let Some((name, after)) = group_name(rest) else {
                out.push(b'$');
                continue;
            };
            rest = after;
            if let Some((start, end)) = self.group(name, places) {
                out.extend_from_slice(text.get(start..end).unwrap_or_default());
            }
        }
        out.extend_from_slice(rest);
    }

    fn group(&self, name: &[u8], places: &Places) -> Option<(usize, usize)> {
        let digits = name.iter().all(u8::is_ascii_digit) && (name.len() == 1 || name.first() != Some(&b'0'));
        let number = std::str::from_utf8(name).ok().filter(|_| digits).and_then(|it| it.parse::<usize>().ok());
        match number {
            Some(number) => places.get(number).copied().flatten(),
            None => self
                .names
                .iter()
                .zip(places)
                .filter(|(known, _)| known.as_bytes() == name)
                .find_map(|(_, place)| *place),
        }
    }
}

/// The name of a group after a dollar sign, in braces or not, and what follows.
fn group_name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let braced = text.first() == Some(&b'{');
    let text = if braced { syntax::skip(text, 1) } else { text };
    let length = unicode::runes(text)
        .take_while(|(_, letter, _)| *letter == '_' || unicode::is_letter(*letter) || unicode::is_digit(*letter))
        .map(|(_, _, width)| width)
        .sum();
    if length == 0 {
        return None;
    }
    let (name, rest) = text.split_at_checked(length)?;
    if !braced {
        return Some((name, rest));
    }
    rest.split_first().filter(|(brace, _)| **brace == b'}').map(|(_, rest)| (name, rest))
}

/// The text in which each character that means something in a pattern is escaped.
pub fn quote_meta(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if br"\.+*?()|[]{}^$".contains(byte) {
            out.push(b'\\');
        }
        out.push(*byte);
    }
    out
}
