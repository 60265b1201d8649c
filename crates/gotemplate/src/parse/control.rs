//! Texts, control structures and definitions.

use std::mem;

use crate::{
    ast::{Action, Branch, Call, Node, Tree},
    error::ParseError,
    lex::{Kind, Token},
    parse::{Frame, Parser, offset, place, unquote::unquote},
};

/// One step through a list.
pub(super) enum Item {
    Node(Node),
    End,
    /// `{{else}}`, or the `else` of `{{else if …}}`.
    Else,
}

/// How a list ended.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Closing {
    End,
    Else,
}

impl Closing {
    fn text(self) -> &'static str {
        match self {
            Self::End => "{{end}}",
            Self::Else => "{{else}}",
        }
    }
}

impl Parser<'_> {
    /// The whole text.
    pub(super) fn top(&mut self) -> Result<Box<[Node]>, ParseError> {
        let first = self.nodes.len();
        loop {
            let token = self.peek();
            match token.kind {
                Kind::Eof => return Ok(self.nodes.drain(first..).collect()),
                Kind::LeftDelim => {
                    let delimiter = self.next();
                    if self.peek_solid().kind == Kind::Define {
                        self.next();
                        self.definition()?;
                        continue;
                    }
                    self.give_back(delimiter);
                }
                _ => {}
            }
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                Item::End => return Err(self.error("unexpected {{end}}")),
                Item::Else => return Err(self.error("unexpected {{else}}")),
            }
        }
    }

    /// `{{define "name"}} … {{end}}`, the keyword being read.
    fn definition(&mut self) -> Result<(), ParseError> {
        const CONTEXT: &str = "define clause";
        let outer = mem::replace(&mut self.frame, Frame::new());
        let token = self.next_solid();
        if !matches!(token.kind, Kind::String | Kind::RawString) {
            return Err(self.unexpected(token, CONTEXT));
        }
        let name = self.name_of(token)?;
        self.expect(Kind::RightDelim, CONTEXT)?;
        let (root, closing) = self.list()?;
        if closing != Closing::End {
            return Err(self.error(format!("unexpected {} in {CONTEXT}", closing.text())));
        }
        self.add(Tree { name, root })?;
        self.frame = outer;
        Ok(())
    }

    /// Up to `{{end}}` or `{{else}}`.
    pub(super) fn list(&mut self) -> Result<(Box<[Node]>, Closing), ParseError> {
        self.check_depth()?;
        let first = self.nodes.len();
        while self.peek_solid().kind != Kind::Eof {
            match self.text_or_action()? {
                Item::Node(node) => self.nodes.push(node),
                Item::End => return Ok((self.nodes.drain(first..).collect(), Closing::End)),
                Item::Else => return Ok((self.nodes.drain(first..).collect(), Closing::Else)),
            }
        }
        Err(self.error("unexpected EOF"))
    }

    fn text_or_action(&mut self) -> Result<Item, ParseError> {
        let token = self.next_solid();
        match token.kind {
            Kind::Text => Ok(Item::Node(Node::Text(offset(token.start), offset(token.end)))),
            Kind::LeftDelim => {
                self.frame.action = Some(token.start);
                let item = self.action();
                if item.is_ok() {
                    self.frame.action = None;
                }
                item
            }
            _ => Err(self.unexpected(token, "input")),
        }
    }

    fn action(&mut self) -> Result<Item, ParseError> {
        let token = self.next_solid();
        let node = match token.kind {
            Kind::Block => self.block()?,
            Kind::Break => self.jump("break", Node::Break)?,
            Kind::Continue => self.jump("continue", Node::Continue)?,
            Kind::Else => return self.else_clause(),
            Kind::End => {
                self.expect(Kind::RightDelim, "end")?;
                return Ok(Item::End);
            }
            Kind::If => Node::If(Box::new(self.branch("if")?)),
            Kind::Range => Node::Range(Box::new(self.branch("range")?)),
            Kind::With => Node::With(Box::new(self.branch("with")?)),
            Kind::Template => self.template()?,
            _ => {
                self.give_back(token);
                let pipe = self.pipeline("command", Kind::RightDelim)?;
                Node::Action(Action { place: place(token.start, pipe.place.end), pipe })
            }
        };
        Ok(Item::Node(node))
    }

    fn jump(&mut self, word: &str, node: Node) -> Result<Node, ParseError> {
        let token = self.next_solid();
        if token.kind != Kind::RightDelim {
            return Err(self.unexpected(token, &format!("{{{{{word}}}}}")));
        }
        if self.frame.ranges == 0 {
            return Err(self.error(format!("{{{{{word}}}}} outside {{{{range}}}}")));
        }
        Ok(node)
    }

    /// After `else`: `if` and `with` stay to be read, as if they stood in an action of their own.
    fn else_clause(&mut self) -> Result<Item, ParseError> {
        if !matches!(self.peek_solid().kind, Kind::If | Kind::With) {
            self.expect(Kind::RightDelim, "else")?;
        }
        Ok(Item::Else)
    }

    fn branch(&mut self, word: &str) -> Result<Branch, ParseError> {
        self.check_depth()?;
        let known = self.frame.variables.len();
        let start = self.peek_solid().start;
        let pipe = self.pipeline(word, Kind::RightDelim)?;
        let place = place(start, pipe.place.end);
        let is_range = usize::from(word == "range");
        self.frame.ranges += is_range;
        let (list, closing) = self.list()?;
        self.frame.ranges -= is_range;
        let mut other = None;
        if closing == Closing::Else {
            other = Some(self.other(word)?);
        }
        self.frame.variables.truncate(known);
        Ok(Branch { place, pipe, list, other })
    }

    /// The list after `else`. In `{{else if …}}` the one `{{end}}` closes both.
    fn other(&mut self, word: &str) -> Result<Box<[Node]>, ParseError> {
        let next = self.peek().kind;
        if word == "if" && next == Kind::If {
            self.next();
            return Ok(Box::new([Node::If(Box::new(self.branch("if")?))]));
        }
        if word == "with" && next == Kind::With {
            self.next();
            return Ok(Box::new([Node::With(Box::new(self.branch("with")?))]));
        }
        let (list, closing) = self.list()?;
        if closing == Closing::Else {
            return Err(self.error("expected end; found {{else}}"));
        }
        Ok(list)
    }

    /// `{{block "name" pipe}} … {{end}}`: a definition and its use in one.
    fn block(&mut self) -> Result<Node, ParseError> {
        const CONTEXT: &str = "block clause";
        let token = self.next_solid();
        let name = self.template_name(token, CONTEXT)?;
        let pipe = self.pipeline(CONTEXT, Kind::RightDelim)?;
        let place = place(token.start, offset(token.end));
        let outer = mem::replace(&mut self.frame, Frame::new());
        let (root, closing) = self.list()?;
        if closing != Closing::End {
            self.frame = outer;
            return Err(self.error(format!("unexpected {} in {CONTEXT}", closing.text())));
        }
        self.add(Tree { name: name.clone(), root })?;
        self.frame = outer;
        Ok(Node::Template(Box::new(Call { place, name, pipe: Some(pipe) })))
    }

    fn template(&mut self) -> Result<Node, ParseError> {
        const CONTEXT: &str = "template clause";
        let token = self.next_solid();
        let name = self.template_name(token, CONTEXT)?;
        let next = self.next_solid();
        let mut pipe = None;
        if next.kind != Kind::RightDelim {
            self.give_back(next);
            pipe = Some(self.pipeline(CONTEXT, Kind::RightDelim)?);
        }
        Ok(Node::Template(Box::new(Call { place: place(token.start, offset(token.end)), name, pipe })))
    }

    fn template_name(&mut self, token: Token, context: &str) -> Result<String, ParseError> {
        match token.kind {
            Kind::String | Kind::RawString => self.name_of(token),
            _ => Err(self.unexpected(token, context)),
        }
    }

    fn name_of(&self, token: Token) -> Result<String, ParseError> {
        let text = unquote(self.bytes(token)).ok_or_else(|| self.error("invalid syntax"))?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
