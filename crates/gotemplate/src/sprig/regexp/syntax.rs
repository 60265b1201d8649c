//! Go's regular expressions, read as Go reads them and written again for the regex crate.
//!
//! ```text
//! pattern --parse--> frames of nodes, each with its text in the other dialect --> one pattern and the groups' names
//! ```
//!
//! The dialects differ where it is easy to overlook: `\b`, `\d`, `\s` and `\w` know ASCII only in Go, `$` is the very end
//! of the text, `\Q…\E` quotes, names of groups may be used twice, and each refuses what the other accepts.
//! Reference: <https://pkg.go.dev/regexp/syntax>.

use super::{class, groups};

/// Go refuses counted repetitions beyond this, also when they are nested.
const MAX_REPEAT: i32 = 1000;
/// How deep groups may nest; Go stops at 1,000, the stack of a thread in a debug build earlier.
const MAX_DEPTH: usize = 250;

/// Why a pattern was refused, in Go's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    pub what: &'static str,
    pub expr: Vec<u8>,
}

impl SyntaxError {
    pub fn new(what: &'static str, expr: &[u8]) -> Self {
        Self { what, expr: expr.to_vec() }
    }

    /// `error parsing regexp: …`, as Go prints it.
    pub fn message(&self) -> Vec<u8> {
        let mut out = format!("error parsing regexp: {}: `", self.what).into_bytes();
        out.extend_from_slice(&self.expr);
        out.push(b'`');
        out
    }
}

/// The pattern in the other dialect, and the names of its groups (empty for those without), the whole match first.
pub struct Translated {
    pub pattern: String,
    pub names: Vec<String>,
}

#[derive(Clone, Copy)]
pub struct Flags {
    pub fold: bool,
    multi_line: bool,
    dot_newline: bool,
    lazy: bool,
}

/// Counted repetitions inside a node: how often, and those within.
#[derive(Clone)]
struct Repeats(i32, Vec<Repeats>);

impl Repeats {
    /// Whether no innermost thing is copied more than `limit` times.
    fn fit(&self, limit: i32) -> bool {
        let Self(times, inner) = self;
        match *times {
            0 => true,
            times if times > limit => false,
            times => inner.iter().all(|it| it.fit(if times > 0 { limit / times } else { limit })),
        }
    }
}

struct Node {
    text: String,
    /// Whether a repetition may follow without a group around.
    atom: bool,
    repeats: Vec<Repeats>,
}

/// What stands between two parentheses so far.
struct Frame {
    before: Flags,
    opening: &'static str,
    done: Vec<Node>,
    current: Vec<Node>,
}

struct Parser<'a> {
    whole: &'a [u8],
    flags: Flags,
    names: Vec<String>,
    frames: Vec<Frame>,
    frame: Frame,
}

/// Reads a pattern.
pub fn translate(pattern: &[u8]) -> Result<Translated, SyntaxError> {
    let flags = Flags { fold: false, multi_line: false, dot_newline: false, lazy: false };
    let mut parser = Parser {
        whole: pattern,
        flags,
        names: vec![String::new()],
        frames: Vec::new(),
        frame: Frame { before: flags, opening: "", done: Vec::new(), current: Vec::new() },
    };
    parser.run()?;
    if !parser.frames.is_empty() {
        return Err(SyntaxError::new("missing closing )", pattern));
    }
    let node = parser.frame.close();
    Ok(Translated { pattern: node.text, names: parser.names })
}

impl Frame {
    fn concat(&mut self) {
        let nodes = std::mem::take(&mut self.current);
        let mut whole = Node { text: String::new(), atom: false, repeats: Vec::new() };
        for node in nodes {
            whole.text.push_str(&node.text);
            whole.repeats.extend(node.repeats);
        }
        self.done.push(whole);
    }

    fn close(mut self) -> Node {
        self.concat();
        let mut whole = Node { text: String::new(), atom: false, repeats: Vec::new() };
        for (at, node) in self.done.into_iter().enumerate() {
            if at > 0 {
                whole.text.push('|');
            }
            whole.text.push_str(&node.text);
            whole.repeats.extend(node.repeats);
        }
        whole
    }
}

impl<'a> Parser<'a> {
    fn run(&mut self) -> Result<(), SyntaxError> {
        let mut rest = self.whole;
        let mut last_repeat: Option<&'a [u8]> = None;
        while let Some(first) = rest.first() {
            let start = rest;
            let mut repeated = None;
            rest = match first {
                b'(' => self.open(rest)?,
                b'|' => {
                    self.frame.concat();
                    skip(rest, 1)
                }
                b')' => {
                    self.close()?;
                    skip(rest, 1)
                }
                b'^' => self.atom(if self.flags.multi_line { "(?m:^)" } else { r"\A" }, skip(rest, 1)),
                b'$' => self.atom(if self.flags.multi_line { "(?m:$)" } else { r"\z" }, skip(rest, 1)),
                b'.' => self.atom(if self.flags.dot_newline { "(?s:.)" } else { r"[^\n]" }, skip(rest, 1)),
                b'[' => {
                    let (text, after) = class::bracketed(rest, self.flags)?;
                    self.atom(&text, after)
                }
                b'*' | b'+' | b'?' => {
                    repeated = Some(start);
                    let times = if *first == b'?' { (0, 1) } else { (i32::from(*first == b'+'), -1) };
                    self.repeat(times, false, start, skip(rest, 1), last_repeat)?
                }
                b'{' => match counts(rest) {
                    None => self.literal('{', skip(rest, 1)),
                    Some((min, max, after)) => {
                        if !(0..=MAX_REPEAT).contains(&min) || max > MAX_REPEAT || (max >= 0 && min > max) {
                            return Err(SyntaxError::new("invalid repeat count", until(start, after)));
                        }
                        repeated = Some(start);
                        self.repeat((min, max), true, start, after, last_repeat)?
                    }
                },
                b'\\' => self.escape(rest)?,
                _ => {
                    let (letter, after) = next(rest)?;
                    self.literal(letter, after)
                }
            };
            last_repeat = repeated;
        }
        Ok(())
    }

    fn push(&mut self, text: String, atom: bool) {
        self.frame.current.push(Node { text, atom, repeats: Vec::new() });
    }

    fn atom(&mut self, text: &str, rest: &'a [u8]) -> &'a [u8] {
        self.push(text.to_owned(), true);
        rest
    }

    fn literal(&mut self, letter: char, rest: &'a [u8]) -> &'a [u8] {
        self.push(class::literal(letter, self.flags.fold), true);
        rest
    }

    /// A repetition of the last node. `start` begins with the operator, `after` follows it.
    fn repeat(
        &mut self,
        (min, max): (i32, i32),
        counted: bool,
        start: &'a [u8],
        after: &'a [u8],
        last_repeat: Option<&'a [u8]>,
    ) -> Result<&'a [u8], SyntaxError> {
        let (lazy, after) = match after.split_first() {
            Some((b'?', rest)) => (!self.flags.lazy, rest),
            _ => (self.flags.lazy, after),
        };
        if let Some(last) = last_repeat {
            return Err(SyntaxError::new("invalid nested repetition operator", until(last, after)));
        }
        let Some(node) = self.frame.current.pop() else {
            return Err(SyntaxError::new("missing argument to repetition operator", until(start, after)));
        };
        let mut text = if node.atom { node.text } else { format!("(?:{})", node.text) };
        match (min, max) {
            (0, -1) if !counted => text.push('*'),
            (1, -1) if !counted => text.push('+'),
            (0, 1) if !counted => text.push('?'),
            (min, -1) => text.push_str(&format!("{{{min},}}")),
            (min, max) => text.push_str(&format!("{{{min},{max}}}")),
        }
        if lazy {
            text.push('?');
        }
        let mut repeats = node.repeats;
        if counted {
            let whole = Repeats(if max < 0 { min } else { max }, repeats);
            if (min >= 2 || max >= 2) && !whole.fit(MAX_REPEAT) {
                return Err(SyntaxError::new("invalid repeat count", until(start, after)));
            }
            repeats = vec![whole];
        }
        self.frame.current.push(Node { text, atom: false, repeats });
        Ok(after)
    }

    fn escape(&mut self, rest: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        let after = skip(rest, 2);
        match rest.get(1) {
            Some(b'A') => return Ok(self.atom(r"\A", after)),
            Some(b'b') => return Ok(self.atom(r"(?-u:\b)", after)),
            Some(b'B') => return Ok(self.atom(r"(?-u:\B)", after)),
            Some(b'z') => return Ok(self.atom(r"\z", after)),
            Some(b'C') => return Err(SyntaxError::new("invalid escape sequence", until(rest, after))),
            Some(b'Q') => return self.quoted(after),
            Some(b'p' | b'P') => {
                let (text, after) = class::unicode(rest)?;
                return Ok(self.atom(&class::folded(text, self.flags.fold), after));
            }
            Some(letter) => {
                if let Some(text) = groups::perl(*letter) {
                    return Ok(self.atom(&class::folded(text, self.flags.fold), after));
                }
            }
            None => {}
        }
        let (code, after) = class::escaped(rest)?;
        self.push(class::code_point(code, self.flags.fold), true);
        Ok(after)
    }

    /// `\Q…\E`: what stands between is meant literally; without `\E` the rest of the pattern.
    fn quoted(&mut self, rest: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        let end = rest.windows(2).position(|pair| pair == br"\E");
        let (mut text, after) = match end {
            Some(at) => (until(rest, skip(rest, at)), skip(rest, at + 2)),
            None => (rest, skip(rest, rest.len())),
        };
        while !text.is_empty() {
            let (letter, left) = next(text)?;
            text = self.literal(letter, left);
        }
        Ok(after)
    }

    fn open(&mut self, rest: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        if rest.get(1) != Some(&b'?') {
            self.names.push(String::new());
            return self.enter("(", self.flags, skip(rest, 1));
        }
        let named = match (rest.get(2), rest.get(3)) {
            (Some(b'P'), Some(b'<')) if rest.len() > 4 => Some(4),
            (Some(b'<'), Some(_)) => Some(3),
            _ => None,
        };
        let Some(start) = named else { return self.flags_group(rest) };
        let Some(end) = rest.iter().position(|it| *it == b'>') else {
            check(rest)?;
            return Err(SyntaxError::new("invalid named capture", rest));
        };
        let name = rest.get(start..end).unwrap_or_default();
        check(name)?;
        if name.is_empty() || !name.iter().all(|it| it.is_ascii_alphanumeric() || *it == b'_') {
            return Err(SyntaxError::new("invalid named capture", until(rest, skip(rest, end + 1))));
        }
        self.names.push(String::from_utf8_lossy(name).into_owned());
        self.enter("(", self.flags, skip(rest, end + 1))
    }

    fn enter(&mut self, opening: &'static str, inner: Flags, rest: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        if self.frames.len() >= MAX_DEPTH {
            return Err(SyntaxError::new("expression nests too deeply", self.whole));
        }
        let frame = Frame { before: self.flags, opening, done: Vec::new(), current: Vec::new() };
        self.frames.push(std::mem::replace(&mut self.frame, frame));
        self.flags = inner;
        Ok(rest)
    }

    fn close(&mut self) -> Result<(), SyntaxError> {
        let Some(outer) = self.frames.pop() else {
            return Err(SyntaxError::new("unexpected )", self.whole));
        };
        let frame = std::mem::replace(&mut self.frame, outer);
        self.flags = frame.before;
        let opening = frame.opening;
        let node = frame.close();
        let text = format!("{opening}{})", node.text);
        self.frame.current.push(Node { text, atom: true, repeats: node.repeats });
        Ok(())
    }

    /// `(?flags)`, which counts to the end of the group around, or `(?flags:` which opens one.
    fn flags_group(&mut self, rest: &'a [u8]) -> Result<&'a [u8], SyntaxError> {
        let mut left = skip(rest, 2);
        let mut flags = self.flags;
        let (mut on, mut seen) = (true, false);
        while !left.is_empty() {
            let (letter, after) = next(left)?;
            left = after;
            match letter {
                'i' => flags.fold = on,
                'm' => flags.multi_line = on,
                's' => flags.dot_newline = on,
                'U' => flags.lazy = on,
                '-' if on => {
                    on = false;
                    seen = false;
                    continue;
                }
                ':' | ')' if on || seen => {
                    if letter == ':' {
                        return self.enter("(?:", flags, left);
                    }
                    self.flags = flags;
                    return Ok(left);
                }
                _ => break,
            }
            seen = true;
        }
        Err(SyntaxError::new("invalid or unsupported Perl syntax", until(rest, left)))
    }
}

/// `{min}`, `{min,}` (max is -1) or `{min,max}` and what follows; numbers that are far too large are -1.
fn counts(text: &[u8]) -> Option<(i32, i32, &[u8])> {
    let (min, rest) = number(skip(text, 1))?;
    let (max, rest) = match rest.split_first()? {
        (b',', rest) if rest.first() == Some(&b'}') => (-1, rest),
        (b',', rest) => {
            let (max, rest) = number(rest)?;
            if max < 0 {
                return (rest.first() == Some(&b'}')).then(|| (-1, max, skip(rest, 1)));
            }
            (max, rest)
        }
        _ => (min, rest),
    };
    (rest.first() == Some(&b'}')).then(|| (min, max, skip(rest, 1)))
}

fn number(text: &[u8]) -> Option<(i32, &[u8])> {
    let digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    if digits == 0 || (digits > 1 && text.first() == Some(&b'0')) {
        return None;
    }
    let value = std::str::from_utf8(text.get(..digits)?).ok()?.parse().ok().filter(|it| *it <= 1_000_000);
    Some((value.unwrap_or(-1), skip(text, digits)))
}

/// The next character and what follows it; U+FFFD at the end.
pub fn next(text: &[u8]) -> Result<(char, &[u8]), SyntaxError> {
    if text.is_empty() {
        return Ok(('\u{FFFD}', text));
    }
    let head = text.get(..text.len().min(4)).unwrap_or_default();
    let valid = match std::str::from_utf8(head) {
        Ok(valid) => valid,
        Err(error) => std::str::from_utf8(head.get(..error.valid_up_to()).unwrap_or_default()).unwrap_or_default(),
    };
    match valid.chars().next() {
        Some(letter) => Ok((letter, skip(text, letter.len_utf8()))),
        None => Err(SyntaxError::new("invalid UTF-8", text)),
    }
}

fn check(text: &[u8]) -> Result<(), SyntaxError> {
    match std::str::from_utf8(text) {
        Ok(_) => Ok(()),
        Err(error) => Err(SyntaxError::new("invalid UTF-8", skip(text, error.valid_up_to()))),
    }
}

/// Without the first `count` bytes.
pub fn skip(text: &[u8], count: usize) -> &[u8] {
    text.get(count..).unwrap_or_default()
}

/// What of `text` stands before its tail `after`.
pub fn until<'a>(text: &'a [u8], after: &[u8]) -> &'a [u8] {
    text.get(..text.len().saturating_sub(after.len())).unwrap_or_default()
}
