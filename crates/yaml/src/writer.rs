//! The last step of writing: indentation, line folding and the style a scalar can be written in.
//!
//! Both printers stand on it. go-yaml v2 folds long lines at 80 columns and quotes tabs; v3 never folds.

mod analysis;

pub(crate) use analysis::{Analysis, is_break, is_simple_key};

use self::analysis::{analyze, is_printable, select};
use crate::Style;

/// What differs between the two printers.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Dialect {
    /// Lines are folded at the first blank past this column.
    pub(crate) width: usize,
    /// Tabs may stand in block scalars.
    pub(crate) tabs_in_blocks: bool,
}

pub(crate) const V2: Dialect = Dialect { width: 80, tabs_in_blocks: false };
pub(crate) const V3: Dialect = Dialect { width: usize::MAX, tabs_in_blocks: true };

/// Where a scalar stands.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) flow: bool,
    pub(crate) simple_key: bool,
}

/// Text being written, and what the next token needs to know of it.
pub(crate) struct Writer {
    pub(crate) out: String,
    pub(crate) indent: i32,
    dialect: Dialect,
    column: usize,
    /// The last character was a blank or a line break.
    whitespace: bool,
    /// Nothing but indentation and indicators stands on the line.
    indention: bool,
    /// Below a comment at this indentation a blank line follows, so that it stays a foot.
    pub(crate) foot_indent: Option<i32>,
    /// Past so many bytes no line is indented any more; whoever set it stops then.
    pub(crate) limit: usize,
}

/// What a scalar's characters allow in go-yaml v3.
pub(crate) fn analysis_of(text: &str) -> Analysis {
    analyze(text, V3)
}

impl Writer {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self {
            out: String::new(),
            indent: -1,
            dialect,
            column: 0,
            whitespace: true,
            indention: true,
            foot_indent: None,
            limit: usize::MAX,
        }
    }

    pub(crate) fn column(&self) -> usize {
        self.column
    }

    /// Only indentation and indicators stand on the line so far.
    pub(crate) fn at_indention(&self) -> bool {
        self.indention
    }

    fn put(&mut self, char: char) {
        self.out.push(char);
        self.column += 1;
    }

    pub(crate) fn put_break(&mut self) {
        self.out.push('\n');
        self.column = 0;
        self.indention = true;
    }

    /// To the current indentation, on a new line unless nothing was written on this one.
    pub(crate) fn write_indent(&mut self) {
        let indent = usize::try_from(self.indent).unwrap_or(0);
        if !self.indention || self.column > indent || (self.column == indent && !self.whitespace) {
            self.put_break();
        }
        if self.foot_indent.take().is_some_and(|foot| foot == self.indent.max(0)) {
            self.put_break();
        }
        if self.column < indent && self.out.len() <= self.limit {
            self.out.extend(std::iter::repeat_n(' ', indent - self.column));
            self.column = indent;
        }
        self.whitespace = true;
    }

    pub(crate) fn indicator(&mut self, text: &str, need_blank: bool, is_blank: bool, is_indention: bool) {
        if need_blank && !self.whitespace {
            self.put(' ');
        }
        self.out.push_str(text);
        self.column += text.chars().count();
        self.whitespace = is_blank;
        self.indention = self.indention && is_indention;
    }

    /// Comment lines at the indentation; what was no comment becomes one. Ends the line.
    pub(crate) fn comment(&mut self, text: &str) {
        let (mut breaks, mut marked) = (false, false);
        for char in text.chars() {
            if is_break(char) {
                self.write_break(char);
                (breaks, marked) = (true, false);
                continue;
            }
            if breaks {
                self.write_indent();
            }
            if !marked && char != '#' {
                self.put('#');
                self.put(' ');
            }
            marked = true;
            self.put(char);
            self.indention = false;
            breaks = false;
        }
        if !breaks {
            self.put_break();
        }
        self.whitespace = true;
    }

    /// A comment behind what was written. Ends the line.
    pub(crate) fn line_comment(&mut self, text: &str) {
        if !self.whitespace {
            self.put(' ');
        }
        self.comment(text);
    }

    /// One level deeper for the time of `body`; inside a sequence the dash is skipped.
    pub(crate) fn indented(&mut self, body: impl FnOnce(&mut Self)) {
        let before = self.indent;
        self.indent = if before < 0 { 0 } else { before + 2 };
        body(self);
        self.indent = before;
    }

    /// A scalar in the wished style, or the nearest one that can hold it.
    /// `comment` is written behind the header of a block and is empty then.
    pub(crate) fn scalar(&mut self, text: &str, wish: Style, place: Place, comment: &mut &str) {
        let analysis = analyze(text, self.dialect);
        let style = select(text, wish, place, &analysis);
        let before = self.indent;
        // Continuation lines go one level in, and two columns in at the root.
        self.indent = if before < 0 { 2 } else { before + 2 };
        let may_break = !place.simple_key;
        match style {
            Style::SingleQuoted => self.single_quoted(text, may_break),
            Style::DoubleQuoted => self.double_quoted(text, may_break),
            Style::Literal => self.literal(text, std::mem::take(comment)),
            Style::Folded => self.folded(text, std::mem::take(comment)),
            Style::Plain | Style::Flow => self.plain(text, may_break),
        }
        self.indent = before;
    }

    fn plain(&mut self, text: &str, may_break: bool) {
        // v3 writes nothing at all for an empty text, v2 a blank.
        let written = !text.is_empty() || self.dialect.width != usize::MAX;
        if written && !self.whitespace {
            self.put(' ');
        }
        self.words(text, may_break, false);
        self.whitespace &= !written;
        self.indention = false;
    }

    /// Text without line breaks, or with them doubled, folded at blanks. `quoted`: in single quotes.
    fn words(&mut self, text: &str, may_break: bool, quoted: bool) {
        // Most texts are short and need no care.
        let fits = !may_break || self.column + text.len() <= self.dialect.width;
        if fits && text.bytes().all(|byte| byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | b'\'')) {
            self.out.push_str(text);
            self.column += text.len();
            self.indention &= text.bytes().all(|byte| byte == b' ');
            return;
        }
        let (mut spaces, mut breaks) = (false, false);
        let mut chars = text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            let next = chars.peek().map(|(_, c)| *c);
            if char == ' ' {
                let inner = !quoted || (at > 0 && at + 1 < text.len());
                if may_break && !spaces && self.column > self.dialect.width && inner && next != Some(' ') {
                    self.write_indent();
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else if is_break(char) {
                if !breaks && char == '\n' {
                    self.put_break();
                }
                self.write_break(char);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                if quoted && char == '\'' {
                    self.put('\'');
                }
                self.put(char);
                self.indention = false;
                (spaces, breaks) = (false, false);
            }
        }
    }

    fn write_break(&mut self, char: char) {
        if char == '\n' {
            self.put_break();
        } else {
            self.out.push(char);
            self.column = 0;
            self.indention = true;
        }
    }

    fn single_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("'", true, false, false);
        self.words(text, may_break, true);
        self.indicator("'", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn double_quoted(&mut self, text: &str, may_break: bool) {
        self.indicator("\"", true, false, false);
        let mut spaces = false;
        // go-yaml looks for a byte order mark at the start of the text for every character.
        let marked = text.starts_with('\u{feff}');
        let mut chars = text.char_indices().peekable();
        while let Some((at, char)) = chars.next() {
            if marked || !is_printable(char) || is_break(char) || matches!(char, '"' | '\\' | '\u{feff}') {
                self.escape(char);
                spaces = false;
            } else if char == ' ' {
                let inner = at > 0 && at + 1 < text.len();
                if may_break && !spaces && self.column > self.dialect.width && inner {
                    self.write_indent();
                    if chars.peek().is_some_and(|(_, c)| *c == ' ') {
                        self.put('\\');
                    }
                } else {
                    self.put(' ');
                }
                spaces = true;
            } else {
                self.put(char);
                spaces = false;
            }
        }
        self.indicator("\"", false, false, false);
        self.whitespace = false;
        self.indention = false;
    }

    fn escape(&mut self, char: char) {
        let short = match char {
            '\0' => '0',
            '\x07' => 'a',
            '\x08' => 'b',
            '\t' => 't',
            '\n' => 'n',
            '\x0b' => 'v',
            '\x0c' => 'f',
            '\r' => 'r',
            '\x1b' => 'e',
            '"' => '"',
            '\\' => '\\',
            '\u{85}' => 'N',
            '\u{a0}' => '_',
            '\u{2028}' => 'L',
            '\u{2029}' => 'P',
            _ => '\0',
        };
        let code = u32::from(char);
        let text = match (short, code) {
            ('\0', 0..=0xff) => format!("\\x{code:02X}"),
            ('\0', 0x100..=0xffff) => format!("\\u{code:04X}"),
            ('\0', _) => format!("\\U{code:08X}"),
            _ => format!("\\{short}"),
        };
        self.column += text.len();
        self.out.push_str(&text);
    }

    fn block_hints(&mut self, text: &str) {
        if text.starts_with(|c| c == ' ' || is_break(c)) {
            self.indicator("2", false, false, false);
        }
        let mut back = text.chars().rev();
        let (last, before) = (back.next(), back.next());
        let hint = match (last, before) {
            (Some(last), Some(before)) if is_break(last) && is_break(before) => "+",
            (Some(last), None) if is_break(last) => "+",
            (Some(last), _) if is_break(last) => return,
            _ => "-",
        };
        self.indicator(hint, false, false, false);
    }

    fn block_comment(&mut self, comment: &str) {
        if comment.is_empty() {
            self.put_break();
        } else {
            self.line_comment(comment);
        }
        self.whitespace = true;
    }

    fn literal(&mut self, text: &str, comment: &str) {
        self.indicator("|", true, false, false);
        self.block_hints(text);
        self.block_comment(comment);
        if text.is_ascii() && !text.contains('\r') {
            return self.literal_lines(text);
        }
        let mut breaks = true;
        for char in text.chars() {
            if is_break(char) {
                self.write_break(char);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                }
                self.put(char);
                self.indention = false;
                breaks = false;
            }
        }
    }

    /// The lines of a text that has no other breaks.
    fn literal_lines(&mut self, text: &str) {
        for line in text.split_inclusive('\n') {
            let content = line.strip_suffix('\n').unwrap_or(line);
            if !content.is_empty() {
                self.write_indent();
                self.out.push_str(content);
                self.column += content.len();
                self.indention = false;
            }
            if line.len() != content.len() {
                self.put_break();
            }
        }
    }

    fn folded(&mut self, text: &str, comment: &str) {
        self.indicator(">", true, false, false);
        self.block_hints(text);
        self.block_comment(comment);
        let (mut breaks, mut leading_spaces) = (true, true);
        // A single break reads as a blank, so it is doubled. go-yaml decides this by the first character of the whole text
        // where it should look at the next line: what it writes does not always read back the same.
        let first = text.trim_start_matches(is_break).chars().next();
        let doubled = first.is_some_and(|c| c != ' ' && c != '\t');
        for (at, char) in text.char_indices() {
            let after = text.get(at + char.len_utf8()..).unwrap_or_default();
            if is_break(char) {
                if !breaks && !leading_spaces && char == '\n' && doubled {
                    self.put_break();
                }
                self.write_break(char);
                breaks = true;
            } else {
                if breaks {
                    self.write_indent();
                    leading_spaces = char == ' ' || char == '\t';
                }
                if !breaks && char == ' ' && !after.starts_with(' ') && self.column > self.dialect.width {
                    self.write_indent();
                } else {
                    self.put(char);
                }
                self.indention = false;
                breaks = false;
            }
        }
    }
}
