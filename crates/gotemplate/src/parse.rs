//! From tokens to trees.

mod control;
mod number;
mod pipeline;
pub(crate) mod unquote;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
    rc::Rc,
};

use foldhash::fast::RandomState;

use crate::{
    ast::{Command, Found, Node, Operand, Parsed, Place, Source, Tree},
    builtin,
    context::stack_place,
    error::{ParseError, Span},
    function::Functions,
    lex::{Kind, Lexer, Token},
    text::Str,
};

/// Parses a text with all templates it defines. The text's own tree comes last.
pub(crate) fn parse(
    name: &str,
    text: &Str,
    functions: &Functions,
    texts: &mut Texts,
    stack: usize,
) -> Result<Vec<Parsed>, ParseError> {
    let known = |word: &str| find_function(functions, word).is_some();
    let mut parser = Parser {
        lexer: Lexer::new(text, (!known("break"), !known("continue"))),
        name,
        text,
        functions,
        variables: vec!["$".to_owned()],
        texts,
        nodes: Vec::new(),
        commands: Vec::new(),
        operands: Vec::new(),
        trees: HashMap::new(),
        order: Vec::new(),
        frame: Frame::new(),
        stack_base: stack_place(),
        stack,
    };
    let root = parser.top()?;
    parser.add(Tree { name: name.to_owned(), root })?;
    let source = Rc::new(Source { name: name.to_owned(), text: text.clone(), variables: parser.variables });
    let mut trees = parser.trees;
    Ok(parser
        .order
        .iter()
        .filter_map(|name| trees.remove(name))
        .map(|tree| Parsed { source: source.clone(), tree })
        .collect())
}

/// What a name means, given the caller's functions.
pub(crate) fn find_function(functions: &Functions, name: &str) -> Option<(&'static str, Found)> {
    match functions.find(name) {
        Some((name, function)) => Some((name, Found::Own(function.clone()))),
        None => builtin::find(name),
    }
}

/// Texts of templates, each of them once.
#[derive(Default)]
pub(crate) struct Texts(HashSet<Str, RandomState>);

impl Texts {
    fn get(&mut self, text: &[u8]) -> Str {
        if let Some(known) = self.0.get(text) {
            return known.clone();
        }
        let new = Str::from(text);
        self.0.insert(new.clone());
        new
    }
}

struct Parser<'a> {
    lexer: Lexer<'a>,
    name: &'a str,
    text: &'a Str,
    functions: &'a Functions,
    variables: Vec<String>,
    /// Names of fields and string constants, which come again and again.
    texts: &'a mut Texts,
    /// What is being read, the innermost list last: lists are made once their length is known.
    nodes: Vec<Node>,
    commands: Vec<Command>,
    operands: Vec<Operand>,
    trees: HashMap<String, Tree>,
    order: Vec<String>,
    frame: Frame,
    stack_base: usize,
    stack: usize,
}

/// What belongs to the template that is being parsed: a definition within starts anew.
struct Frame {
    /// Tokens that were read and given back, the next one last.
    given_back: Vec<Token>,
    /// Where the token read last from the source starts; messages name its line.
    last: usize,
    /// Variables that exist here.
    variables: Vec<u32>,
    /// Where the current action starts.
    action: Option<usize>,
    ranges: usize,
}

impl Frame {
    fn new() -> Self {
        Self { given_back: Vec::new(), last: 0, variables: vec![0], action: None, ranges: 0 }
    }
}

impl<'a> Parser<'a> {
    fn next(&mut self) -> Token {
        if let Some(token) = self.frame.given_back.pop() {
            return token;
        }
        let token = self.lexer.token();
        self.frame.last = token.start;
        token
    }

    fn give_back(&mut self, token: Token) {
        self.frame.given_back.push(token);
    }

    fn peek(&mut self) -> Token {
        let token = self.next();
        self.give_back(token);
        token
    }

    fn next_solid(&mut self) -> Token {
        loop {
            let token = self.next();
            if token.kind != Kind::Space {
                return token;
            }
        }
    }

    /// Steps over space and looks at what follows.
    fn peek_solid(&mut self) -> Token {
        let token = self.next_solid();
        self.give_back(token);
        token
    }

    fn bytes(&self, token: Token) -> &'a [u8] {
        self.text.get(token.start..token.end).unwrap_or_default()
    }

    fn word(&self, token: Token) -> Cow<'a, str> {
        String::from_utf8_lossy(self.bytes(token))
    }

    /// The name in a field, which begins with a dot.
    fn field(&mut self, token: Token) -> Str {
        let name = self.bytes(token).get(1..).unwrap_or_default();
        self.texts.get(name)
    }

    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or_default();
        1 + memchr::memchr_iter(b'\n', before).count()
    }

    /// An error at the token that was read last.
    fn error(&self, message: impl AsRef<str>) -> ParseError {
        self.error_at(self.frame.last, message)
    }

    /// An error about what starts at an offset. The line in the message is that of the token read last, as in Go.
    fn error_at(&self, offset: usize, message: impl AsRef<str>) -> ParseError {
        let before = self.text.get(..offset).unwrap_or_default();
        let column = offset - memchr::memrchr(b'\n', before).map_or(0, |it| it + 1) + 1;
        ParseError {
            message: format!("template: {}:{}: {}", self.name, self.line(self.frame.last), message.as_ref()),
            name: self.name.to_owned(),
            span: Span { offset, len: self.width(offset), line: self.line(offset), column },
        }
    }

    /// How much text a caret should cover there: up to the end of the word.
    fn width(&self, offset: usize) -> usize {
        let rest = self.text.get(offset..).unwrap_or_default();
        let end = rest.iter().position(|it| matches!(it, b' ' | b'\t' | b'\r' | b'\n' | b'}')).unwrap_or(rest.len());
        end.max(1)
    }

    fn unexpected(&self, token: Token, context: &str) -> ParseError {
        if token.kind != Kind::Error {
            return self.error_at(token.start, format!("unexpected {} in {context}", self.shown(token)));
        }
        let mut message = self.lexer.error.clone();
        if let Some(action) = self.frame.action {
            let line = self.line(action);
            if line != self.line(token.start) {
                let word = if message.ends_with(" action") { "" } else { " in action" };
                message.push_str(&format!("{word} started at {}:{line}", self.name));
            }
        }
        self.error_at(token.start, message)
    }

    /// A token as messages show it.
    fn shown(&self, token: Token) -> String {
        let bytes = self.bytes(token);
        match token.kind {
            Kind::Eof => "EOF".to_owned(),
            kind if kind.is_keyword() => format!("<{}>", String::from_utf8_lossy(bytes)),
            _ if bytes.len() > 10 => format!("{}...", crate::format::quote(crate::format::first_chars(bytes, 10))),
            _ => crate::format::quote(bytes),
        }
    }

    fn expect(&mut self, kind: Kind, context: &str) -> Result<Token, ParseError> {
        let token = self.next_solid();
        if token.kind == kind { Ok(token) } else { Err(self.unexpected(token, context)) }
    }

    /// Refuses what is nested so deeply that neither parsing nor executing it has room.
    fn check_depth(&self) -> Result<(), ParseError> {
        if self.stack_base.abs_diff(stack_place()) > self.stack {
            return Err(self.error("max expression depth exceeded"));
        }
        Ok(())
    }

    /// Adds a template, unless the text has defined one of the name that is not empty.
    fn add(&mut self, tree: Tree) -> Result<(), ParseError> {
        match self.trees.get(&tree.name) {
            Some(there) if !is_empty(&there.root, self.text) => {
                if is_empty(&tree.root, self.text) {
                    return Ok(());
                }
                let name = crate::format::quote(tree.name.as_bytes());
                Err(self.error(format!("template: multiple definition of template {name}")))
            }
            there => {
                if there.is_none() {
                    self.order.push(tree.name.clone());
                }
                self.trees.insert(tree.name.clone(), tree);
                Ok(())
            }
        }
    }
}

/// What starts at a token and is read up to an offset.
fn place(start: usize, end: u32) -> Place {
    let start = offset(start);
    Place { at: start, start, end: end.max(start) }
}

fn offset(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// Whether there is nothing but space.
pub(crate) fn is_empty(nodes: &[Node], text: &[u8]) -> bool {
    nodes.iter().all(|node| match node {
        Node::Text(start, end) => {
            let text = text.get(*start as usize..*end as usize).unwrap_or_default();
            String::from_utf8_lossy(text).trim().is_empty()
        }
        _ => false,
    })
}
