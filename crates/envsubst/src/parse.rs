//! Text into pieces: literal text and expressions.

use crate::error::{Error, Problem};

/// Expressions may stand within expressions this often.
const MAX_DEPTH: usize = 32;

/// A part of a text or of an operand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// Text that had escapes.
    Unescaped(String),
    Expression(Expression<'a>),
}

/// `${name…}`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Expression<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    pub(crate) operation: Operation<'a>,
}

/// What an expression does with the value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Operation<'a> {
    Value,
    Length,
    Default(Vec<Piece<'a>>),
    Case {
        upper: bool,
        all: bool,
    },
    /// `,^` and `^,`, which the original takes and leaves the value as it is.
    Nothing,
    Substring {
        from: Box<Piece<'a>>,
        length: Option<Box<Piece<'a>>>,
    },
    Trim {
        end: End,
        longest: bool,
        pattern: Box<Piece<'a>>,
    },
    Replace {
        which: Which,
        from: Box<Piece<'a>>,
        to: Option<Box<Piece<'a>>>,
    },
}

/// An end of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Prefix,
    Suffix,
}

/// What a replacement replaces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Which {
    First,
    All,
    Prefix,
    Suffix,
}

/// Splits a text into pieces.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Error> {
    let mut parser = Parser { text, at: 0, line: 1, depth: 0, start: 1, name: None };
    let mut pieces = Vec::new();
    let mut from = 0;
    while let Some(found) = parser.rest().find('$') {
        parser.advance(found);
        let here = parser.at;
        if parser.looking_at("${") {
            push_text(&mut pieces, text.get(from..here));
            pieces.push(Piece::Expression(parser.expression()?));
            from = parser.at;
        } else if parser.looking_at("$$") {
            // The first of the two stays.
            parser.advance(2);
            push_text(&mut pieces, text.get(from..=here));
            from = parser.at;
        } else {
            parser.advance(1);
        }
    }
    push_text(&mut pieces, text.get(from..));
    Ok(pieces)
}

fn push_text<'a>(pieces: &mut Vec<Piece<'a>>, text: Option<&'a str>) {
    if let Some(text) = text.filter(|text| !text.is_empty()) {
        pieces.push(Piece::Text(text));
    }
}

/// A place in a text, and the expression being read there, for errors.
struct Parser<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    depth: usize,
    start: usize,
    name: Option<&'a str>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn looking_at(&self, token: &str) -> bool {
        self.rest().starts_with(token)
    }

    /// Moves on by `count` bytes, which end at a character's border, and counts lines.
    fn advance(&mut self, count: usize) -> &'a str {
        let taken = self.rest().get(..count).unwrap_or_default();
        self.line += taken.bytes().filter(|byte| *byte == b'\n').count();
        self.at += taken.len();
        taken
    }

    fn eat(&mut self, token: &str) -> bool {
        let found = self.looking_at(token);
        if found {
            self.advance(token.len());
        }
        found
    }

    fn fail<T>(&self, problem: Problem) -> Result<T, Error> {
        let variable = self.name.map(|name| name.chars().take(64).collect());
        Err(Error { problem, variable, line: self.start })
    }

    /// Reads `${…}`.
    fn expression(&mut self) -> Result<Expression<'a>, Error> {
        let outer = (self.start, self.name);
        (self.start, self.name) = (self.line, None);
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return self.fail(Problem::TooDeep);
        }
        self.advance(2);
        let length = self.eat("#");
        let end = self.rest().find(|c: char| c != '_' && !c.is_alphanumeric());
        let name = self.advance(end.unwrap_or(self.rest().len()));
        match (name.is_empty(), length) {
            (true, true) => return self.fail(Problem::Malformed),
            (true, false) => return self.fail(Problem::NoName),
            _ => self.name = Some(name),
        }
        let operation = if length { self.close_after(Operation::Length)? } else { self.operation()? };
        let expression = Expression { name, line: self.start, operation };
        self.depth -= 1;
        (self.start, self.name) = outer;
        Ok(expression)
    }

    fn close_after(&mut self, operation: Operation<'a>) -> Result<Operation<'a>, Error> {
        if self.eat("}") { Ok(operation) } else { self.fail(Problem::Malformed) }
    }

    /// Reads what follows the name, the closing brace included.
    fn operation(&mut self) -> Result<Operation<'a>, Error> {
        for default in [":-", ":=", ":+", ":?", "="] {
            if self.eat(default) {
                return Ok(Operation::Default(self.default_operand()?));
            }
        }
        match self.rest().chars().next() {
            Some('}') => self.close_after(Operation::Value),
            Some(':') => self.substring(),
            Some(',' | '^') => self.case(),
            Some('#' | '%') => self.trim(),
            Some('/') => self.replace(),
            _ => self.fail(Problem::NotClosed),
        }
    }

    /// Any number of texts and expressions up to the closing brace.
    fn default_operand(&mut self) -> Result<Vec<Piece<'a>>, Error> {
        let mut pieces = Vec::new();
        loop {
            let rest = self.rest();
            let Some(end) = rest.find('}') else { return self.fail(Problem::NoOperand) };
            let end = rest.find("${").map_or(end, |nested| nested.min(end));
            push_text(&mut pieces, Some(self.advance(end)));
            if self.eat("}") {
                return Ok(pieces);
            }
            pieces.push(Piece::Expression(self.expression()?));
        }
    }

    /// One expression, or text up to one of `ends`; `None` when there is neither.
    fn operand(&mut self, ends: &[char]) -> Result<Option<Piece<'a>>, Error> {
        if self.looking_at("${") {
            return Ok(Some(Piece::Expression(self.expression()?)));
        }
        let rest = self.rest();
        let end = rest.find(|c| ends.contains(&c)).unwrap_or(rest.len());
        let end = rest.find("${").map_or(end, |nested| nested.min(end));
        let text = self.advance(end);
        Ok((!text.is_empty()).then_some(Piece::Text(text)))
    }

    /// One expression, or text up to `end` with `\/` for a slash and `$$` for a dollar sign.
    fn escaped_operand(&mut self, end: char) -> Result<Option<Piece<'a>>, Error> {
        if self.looking_at("${") {
            return Ok(Some(Piece::Expression(self.expression()?)));
        }
        let mut text = String::new();
        loop {
            let rest = self.rest();
            let stop = rest.find(end).unwrap_or(rest.len());
            let stop = ["\\/", "$$", "${"].into_iter().filter_map(|token| rest.find(token)).fold(stop, usize::min);
            text.push_str(self.advance(stop));
            if self.eat("\\/") {
                text.push('/');
            } else if self.eat("$$") {
                text.push('$');
            } else {
                return Ok((!text.is_empty()).then_some(Piece::Unescaped(text)));
            }
        }
    }

    fn required(&self, operand: Option<Piece<'a>>) -> Result<Box<Piece<'a>>, Error> {
        operand.map_or_else(|| self.fail(Problem::NoOperand), |piece| Ok(Box::new(piece)))
    }

    fn substring(&mut self) -> Result<Operation<'a>, Error> {
        self.advance(1);
        let operand = self.operand(&[':', '}'])?;
        let foreign = matches!(&operand, Some(Piece::Text(text)) if !text.starts_with(|c: char| c.is_ascii()));
        if foreign || (operand.is_none() && self.rest().is_empty()) {
            return self.fail(Problem::Malformed);
        }
        let from = self.required(operand)?;
        let length = if self.eat(":") {
            if self.looking_at(":}") {
                return self.fail(Problem::NoOperand);
            }
            let operand = self.operand(&['}'])?;
            Some(self.required(operand)?)
        } else {
            None
        };
        self.close_after(Operation::Substring { from, length })
    }

    fn case(&mut self) -> Result<Operation<'a>, Error> {
        let mut marks = [None; 2];
        for mark in &mut marks {
            *mark = if self.eat("^") {
                Some(true)
            } else if self.eat(",") {
                Some(false)
            } else {
                None
            };
        }
        let operation = match marks {
            [Some(upper), None] => Operation::Case { upper, all: false },
            [Some(first), Some(second)] if first == second => Operation::Case { upper: first, all: true },
            _ => Operation::Nothing,
        };
        self.close_after(operation)
    }

    fn trim(&mut self) -> Result<Operation<'a>, Error> {
        let prefix = self.eat("#");
        if !prefix {
            self.advance(1);
        }
        let (end, same) = if prefix { (End::Prefix, "#") } else { (End::Suffix, "%") };
        let longest = self.eat(same);
        let operand = self.operand(&['}'])?;
        let pattern = self.required(operand)?;
        self.close_after(Operation::Trim { end, longest, pattern })
    }

    fn replace(&mut self) -> Result<Operation<'a>, Error> {
        self.advance(1);
        let which = if self.eat("/") {
            Which::All
        } else if self.eat("#") {
            Which::Prefix
        } else if self.eat("%") {
            Which::Suffix
        } else {
            Which::First
        };
        let operand = self.escaped_operand('/')?;
        let from = self.required(operand)?;
        if !self.eat("/") {
            return self.fail(Problem::Malformed);
        }
        while self.eat("/") {}
        let to = self.escaped_operand('}')?.map(Box::new);
        if to.is_none() && self.rest().is_empty() {
            return self.fail(Problem::NoOperand);
        }
        self.close_after(Operation::Replace { which, from, to })
    }
}
