//! The YAML that programs print, read in one pass and without nodes.
//!
//! What a cluster is told is nearly always block mappings and sequences of simple scalars. [`read`] reads those and gives up at
//! whatever else it meets: anchors, tags, merge keys, flow collections but the simplest, tabs, unusual characters, and whatever
//! is wrong. The reader of nodes does the rest and has the last word: what is accepted here it accepts, too, and with the same
//! value. Tests hold one against the other.

mod scalar;

use serde_json::{Map, Value};

use crate::{Limits, Resolved, Schema, resolve};

/// Collections in each other; the limits of the reader of nodes count more things and are wider.
const DEPTH: usize = 150;
/// Bytes of a key. A longer one may be too long for a key.
const KEY_LENGTH: usize = 512;

/// The value of a text by go-yaml v2's rules, with `floats` its whole floats as floats, of its outermost mapping only the `wanted` entries; none when it is not as simple
/// as that.
pub(crate) fn read(text: &str, limits: &Limits, floats: bool, wanted: Option<fn(&str) -> bool>) -> Option<Value> {
    let tame = limits.depth > DEPTH + 2 && text.len() <= limits.size.min(limits.nodes) && is_tame(text.as_bytes());
    if !tame {
        return None;
    }
    let mut reader = Reader {
        text,
        bytes: text.as_bytes(),
        pos: 0,
        line: 0,
        column: END,
        comment: false,
        breaks: 0,
        depth: 0,
        floats,
    };
    reader.line_start();
    if reader.column == 0 && reader.text.get(reader.pos..).is_some_and(|rest| rest.starts_with("---\n")) {
        reader.pos += 3;
        reader.next_line();
    }
    if reader.column == END {
        return None;
    }
    let (column, build) = (reader.column, true);
    let value = if reader.at_dash() {
        reader.sequence(column, build)?
    } else {
        let key = reader.key()?;
        reader.mapping(column, key, build, wanted)?
    };
    (reader.column == END).then_some(value)
}

/// The column of what does not exist.
const END: i32 = -1;

/// Whether a text has no characters that YAML treats in a way of its own: controls and breaks but the line feed, and marks.
fn is_tame(bytes: &[u8]) -> bool {
    let mut high = false;
    for chunk in bytes.chunks(64) {
        let wild = chunk.iter().fold(false, |found, byte| found | (*byte < 0x20 && *byte != b'\n') | (*byte == 0x7F));
        high |= !chunk.is_ascii();
        if wild {
            return false;
        }
    }
    !high
        || memchr::memchr3_iter(0xC2, 0xE2, 0xEF, bytes).all(|at| match bytes.get(at..) {
            Some([0xC2, next, ..]) => *next >= 0xA0,
            Some([0xE2, next, last, ..]) => *next != 0x80 || !matches!(last, 0xA8 | 0xA9),
            _ => false,
        })
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    pos: usize,
    /// Where the line begins.
    line: usize,
    /// The column of the first character of a line that was just reached; [`END`] at the end.
    column: i32,
    /// A comment was passed on the way to it, and how many line breaks.
    comment: bool,
    breaks: usize,
    depth: usize,
    /// Whole floats stay floats.
    floats: bool,
}

impl<'a> Reader<'a> {
    fn byte(&self) -> Option<u8> {
        self.bytes.get(self.pos).copied()
    }

    /// A blank, a line break or the end so many bytes ahead.
    fn is_space_at(&self, offset: usize) -> bool {
        self.bytes.get(self.pos + offset).is_none_or(|byte| matches!(byte, b' ' | b'\n'))
    }

    fn at_dash(&self) -> bool {
        self.byte() == Some(b'-') && self.is_space_at(1)
    }

    /// `---` or `...`, which begin and end documents at the start of a line.
    fn at_marker(&self) -> bool {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        rest.starts_with(b"---") || rest.starts_with(b"...")
    }

    fn skip_blanks(&mut self) {
        while self.byte() == Some(b' ') {
            self.pos += 1;
        }
    }

    /// The end of the line.
    fn line_end(&self) -> usize {
        let rest = self.bytes.get(self.pos..).unwrap_or_default();
        memchr::memchr(b'\n', rest).map_or(self.bytes.len(), |at| self.pos + at)
    }

    fn slice(&self, start: usize, end: usize) -> &'a str {
        self.text.get(start..end).unwrap_or_default()
    }

    /// From the end of a line to the next one that holds more than a comment.
    fn next_line(&mut self) {
        (self.comment, self.breaks) = (false, 0);
        if self.byte().is_none() {
            self.column = END;
            return;
        }
        self.pos += 1;
        self.breaks = 1;
        self.line_start();
    }

    /// As [`Self::next_line`], from the start of a line.
    fn line_start(&mut self) {
        loop {
            self.line = self.pos;
            self.skip_blanks();
            match self.byte() {
                None => self.column = END,
                Some(b'\n') => {
                    self.pos += 1;
                    self.breaks += 1;
                    continue;
                }
                Some(b'#') => {
                    self.comment = true;
                    self.pos = self.line_end();
                    if self.byte().is_some() {
                        self.pos += 1;
                        self.breaks += 1;
                        continue;
                    }
                    self.column = END;
                }
                Some(_) => self.column = self.here(),
            }
            return;
        }
    }

    /// The column of the position. Only blanks and dashes stand before it.
    fn here(&self) -> i32 {
        i32::try_from(self.pos - self.line).unwrap_or(i32::MAX)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.depth += 1;
        if self.depth > DEPTH {
            return None;
        }
        let value = read(self);
        self.depth -= 1;
        value
    }

    /// What begins at the position, inside of the collection at column `parent`.
    fn node(&mut self, parent: i32, build: bool) -> Option<Value> {
        let column = self.here();
        if column == 0 && self.at_marker() {
            return None;
        }
        if self.at_dash() {
            return self.deeper(|it| it.sequence(column, build));
        }
        if let Some(key) = self.key() {
            return self.deeper(|it| it.mapping(column, key, build, None));
        }
        self.scalar(parent, build)
    }

    /// A mapping, the position behind the `:` of its first key.
    fn mapping(
        &mut self,
        column: i32,
        mut key: &'a str,
        build: bool,
        wanted: Option<fn(&str) -> bool>,
    ) -> Option<Value> {
        let mut map = Map::new();
        loop {
            let build = build && wanted.is_none_or(|wanted| wanted(key));
            let value = self.entry(column, build)?;
            if build {
                map.insert(key.to_owned(), value);
            }
            if self.column != column {
                break;
            }
            if self.at_dash() {
                return None;
            }
            key = self.key()?;
        }
        (self.column < column).then_some(Value::Object(map))
    }

    /// The value of a key.
    fn entry(&mut self, column: i32, build: bool) -> Option<Value> {
        self.skip_blanks();
        match self.byte() {
            None | Some(b'\n') => {}
            Some(b'#') => self.pos = self.line_end(),
            Some(_) => return self.scalar(column, build),
        }
        self.next_line();
        if self.column > column {
            return self.node(column, build);
        }
        // A sequence may stand right below its key.
        if self.column == column && self.at_dash() {
            return self.deeper(|it| it.sequence(column, build));
        }
        Some(Value::Null)
    }

    /// A sequence, the position at its first `-`.
    fn sequence(&mut self, column: i32, build: bool) -> Option<Value> {
        let mut items = Vec::new();
        loop {
            self.pos += 1;
            self.skip_blanks();
            let item = match self.byte() {
                Some(b'#') => return None,
                Some(b'\n') | None => {
                    self.next_line();
                    if self.column > column { self.node(column, build)? } else { Value::Null }
                }
                Some(_) => self.node(column, build)?,
            };
            if build {
                items.push(item);
            }
            if self.column != column || !self.at_dash() {
                break;
            }
        }
        (self.column <= column).then_some(Value::Array(items))
    }

    /// A key and its `:`; nothing is read when there is none, or none as simple as that.
    fn key(&mut self) -> Option<&'a str> {
        let first = self.byte()?;
        let (text, end) = match first {
            b'"' | b'\'' => {
                let from = self.pos + 1;
                let rest = self.bytes.get(from..)?;
                let len = memchr::memchr3(first, b'\\', b'\n', rest)?;
                (rest.get(len) == Some(&first)).then_some(())?;
                (self.slice(from, from + len), from + len + 1)
            }
            _ if first.is_ascii_alphanumeric() || matches!(first, b'_' | b'/' | b'$' | b'.') && !self.at_marker() => {
                let end = self.pos + self.plain_key()?;
                let text = self.slice(self.pos, end);
                (resolve(text, Schema::V2) == Resolved::Str).then_some(())?;
                (text, end)
            }
            _ => return None,
        };
        let ends = self.bytes.get(end) == Some(&b':')
            && self.bytes.get(end + 1).is_none_or(|byte| matches!(byte, b' ' | b'\n'));
        if !ends || text.len() > KEY_LENGTH {
            return None;
        }
        self.pos = end + 1;
        Some(text)
    }

    /// How long the plain text before a `:` is.
    fn plain_key(&self) -> Option<usize> {
        let rest = self.bytes.get(self.pos..)?;
        let mut at = 0;
        loop {
            at += memchr::memchr3(b':', b'#', b'\n', rest.get(at..)?)?;
            let before = rest.get(at.checked_sub(1)?)?;
            match rest.get(at)? {
                b':' if rest.get(at + 1).is_none_or(|byte| matches!(byte, b' ' | b'\n')) => {
                    return (*before != b' ').then_some(at);
                }
                b'\n' => return None,
                b'#' if *before == b' ' => return None,
                _ => at += 1,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::sigs::from_nodes;

    fn quick(text: &str) -> Option<Value> {
        read(text, &Limits::default(), false, None)
    }

    #[test]
    fn what_programs_print_is_read() {
        for text in [
            "a: 1\n",
            "# above\n---\na: 1\n",
            "---\n# above\n\na:\n  b: x y\n  c:\n  - 1\n  - d: e\n    f:\n      - g\n\n  # foot\nh: null\n",
            "a:\nb: ~\nc:\n",
            "- - 1\n  - 2\n-\n  a: b\n-\n- 'it''s'\n",
            "a: |\n  x\n   y\n\n  z\n\n\nb: |-\n  x\n\nc: |+\n  x\n\n\nd: 1\n",
            "a: |\n    x\n  # inside? no\nb: 1\n",
            "a: |+\n\n\n  # text\nb: |\n\n  x\n",
            "- |\n  x\n- a: |\n    y\n",
            "a: one\n  two\n\n  three\nb: 'one\n  two\n\n\n  three  '\nc: \"x\n\n  y\\\"\\n\"\n",
            "a: []\nb: { }\nc: [1, \"x, y\", z, 'q']\nd: [] # empty\n",
            "\"a b\": yes\n'c': off\n/x/y: 0777\n$ref: 1.50\nx.y/z: -1\nt: 2001-01-01\n",
            "a: \"\"\nb: ''\nc: b # comment\nd: a#b\ne: http://x:80/\nf: --x\n",
            "a:\n    text below\nb:\n  \"quoted below\"\n",
            "a: x\n\n\n# end",
            "- jsonPath: .status.x\n- -.5\n- .5\n",
            "a: \"x \\\n  \\ y\\x41\\u00e4 \\\n\n\n  z\\ \n  w\"\n",
            "a: über — “x”\n",
            "a: 1\na: 2\n",
        ] {
            let value = quick(text).unwrap_or_else(|| panic!("given up: {text}"));
            assert_eq!(Ok(value), from_nodes(text, false, &Limits::default()), "{text}");
        }
    }

    #[test]
    fn what_is_not_simple_is_left_to_the_other() {
        for text in [
            "",
            "# nothing\n",
            "text\n",
            "a: &x 1\nb: *x\n",
            "<<: {a: 1}\n",
            "a: !!str 1\n",
            "? a\n: b\n",
            "a: {b: c}\n",
            "a: [b, [c]]\n",
            "a:\tb\n",
            "a: 1\n---\nb: 2\n",
            "a: 1\n...\n",
            "a: 1\n... b: 2\n",
            "--- a: 1\n",
            "a: .inf\n",
            "yes: 1\n",
            "1: 1\n",
            "a: b: c\n",
            "a: b\n c: d\n",
            "a:\n  b: 1\n c: 2\n",
            "a: x\n# comment\n  y\n",
            "a: 'x\n--- y'\n",
            "a: \"\\x4\"\n",
            "a: \"\\ud800\"\n",
            "a: \"\\e\"\n",
            "a: |2\n   x\n",
            "a: |\n     \n  x\n",
            "a: |\nb: 1\n",
            "- a\nb: 1\n",
            "a:\n  - 1\n  b: 2\n",
            "a: - 1\n",
            "a: @x\n",
            "a: 'x' y\n",
            "\u{feff}a: 1\n",
            "a: x\u{2028}y\n",
            "a: x\ry\n",
            "a: \u{80}\n",
        ] {
            assert_eq!(quick(text), None, "{text}");
        }
    }

    /// Lines of which documents are made, right and wrong ones.
    const LINES: &[&str] = &[
        "a: 1",
        "b:",
        "c: x y",
        "- 1",
        "-",
        "- a: b",
        "- - x",
        "  d: 'q'",
        "  e:",
        "    - f",
        "  - g: |",
        "      text",
        "   odd",
        "# comment",
        "  # comment",
        "",
        "  ",
        "h: |",
        "i: >-",
        "j: |+",
        "k: 'open",
        "close'",
        "l: \"open",
        "  close\" # end",
        "m: [a, 'b']",
        "n: {}",
        "---",
        "...",
        "  o: p # q",
        "  r: s:t",
        "u: v: w",
        "\"x y\": z",
        "null: 1",
        "on: 1",
        "A: ~",
        "B: 1e3",
        "C: .5",
        "- |",
        "D: &E f",
        "G: *E",
        "H: x#y",
        "  I: -1",
        "J: '''a'''",
        "K: \"a\\n\\\"\"",
        "L : 1",
        "M:1",
        "N: [",
        "]",
        "- [1, 2]",
        "... O: P",
        "Q: |-",
        "\t",
        "'R': 0777",
        "S: 2001-01-01",
        "T: 9223372036854775808",
        "- ? U",
        "V: -",
        "W: - x",
        "X: @",
        "Y: \u{e4}",
        ".Z: 1",
        "a b: c",
        "  a: 2",
        "    a: 3",
        "/x: {}",
        "Z: \"a \\",
        "  b\\ c\\",
        "  \\ d\\u0041 \"",
        "  \\x4 ",
        "{ }",
    ];

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(20_000))]
        #[test]
        fn what_is_accepted_the_other_reader_accepts(
            lines in proptest::collection::vec(proptest::sample::select(LINES), 1..9),
            cut in proptest::bool::weighted(0.2),
        ) {
            let mut text = lines.join("\n");
            if !cut {
                text.push('\n');
            }
            let limits = Limits::default();
            if let Some(value) = quick(&text) {
                assert_eq!(Ok(value), from_nodes(&text, false, &limits), "{text:?}");
            }
            let wanted: fn(&str) -> bool = |key| key.len() == 1;
            if let Some(value) = read(&text, &limits, false, Some(wanted)) {
                let mut all = from_nodes(&text, false, &limits).unwrap_or_else(|error| panic!("{error}: {text:?}"));
                if let Value::Object(map) = &mut all {
                    map.retain(|key, _| wanted(key));
                }
                assert_eq!(value, all, "{text:?}");
            }
        }
    }

    #[test]
    fn only_what_is_wanted_is_kept() {
        let text = "a: 1\nb:\n  c: [x]\n  d: .inf\n";
        assert_eq!(read(text, &Limits::default(), false, Some(|key| key == "a")), None);
        let text = "a: 1\nb:\n  c: [x]\n  d: |\n    y\ne: {}\n";
        assert_eq!(
            read(text, &Limits::default(), false, Some(|key| key == "a" || key == "e")),
            Some(json!({"a": 1, "e": {}}))
        );
    }
}
