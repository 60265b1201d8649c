//! What stands inside actions.

use crate::{
    ast::Place,
    ast::{Command, FunctionName, Operand, Pipe, Term},
    error::ParseError,
    lex::{Kind, Token},
    parse::{Parser, find_function, number, place, unquote::unquote},
    text::Str,
};

/// The variables before the commands of a pipeline.
#[derive(Default)]
struct Declared {
    variables: Vec<u32>,
    assign: bool,
}

fn joined(first: Box<[Str]>, then: Vec<Str>) -> Box<[Str]> {
    if first.is_empty() { then.into() } else { first.into_iter().chain(then).collect() }
}

impl Parser<'_> {
    /// Declarations, then commands, up to the closing token.
    pub(super) fn pipeline(&mut self, context: &str, end: Kind) -> Result<Pipe, ParseError> {
        self.check_depth()?;
        let start = self.peek_solid().start;
        let mut declared = Declared::default();
        while self.declaration(context, &mut declared)? {}
        let first = self.commands.len();
        loop {
            let token = self.next_solid();
            if token.kind == end {
                let commands: Box<[Command]> = self.commands.drain(first..).collect();
                self.check_pipeline(&commands, context)?;
                let place = place(start, super::offset(token.start));
                let Declared { variables, assign } = declared;
                return Ok(Pipe { place, declared: variables.into(), assign, commands });
            }
            match token.kind {
                Kind::Bool
                | Kind::CharConstant
                | Kind::Complex
                | Kind::Dot
                | Kind::Field
                | Kind::Identifier
                | Kind::Number
                | Kind::Nil
                | Kind::RawString
                | Kind::String
                | Kind::Variable
                | Kind::LeftParen => {
                    self.give_back(token);
                    let command = self.command()?;
                    self.commands.push(command);
                }
                _ => return Err(self.unexpected(token, context)),
            }
        }
    }

    /// A variable with what declares or assigns it; true when another one must follow.
    fn declaration(&mut self, context: &str, declared: &mut Declared) -> Result<bool, ParseError> {
        let variable = self.peek_solid();
        if variable.kind != Kind::Variable {
            return Ok(false);
        }
        self.next();
        let adjacent = self.peek();
        let next = self.peek_solid();
        match next.kind {
            Kind::Assign | Kind::Declare => {
                declared.assign = next.kind == Kind::Assign;
                self.next_solid();
                self.declare(variable, declared);
                Ok(false)
            }
            Kind::Char if self.bytes(next) == b"," => {
                self.next_solid();
                self.declare(variable, declared);
                if context == "range" && declared.variables.len() < 2 {
                    return match self.peek_solid().kind {
                        Kind::Variable | Kind::RightDelim | Kind::RightParen => Ok(true),
                        _ => Err(self.error("range can only initialize variables")),
                    };
                }
                Err(self.error(format!("too many declarations in {context}")))
            }
            _ => {
                if adjacent.kind == Kind::Space {
                    self.give_back(adjacent);
                }
                self.give_back(variable);
                Ok(false)
            }
        }
    }

    fn declare(&mut self, variable: Token, declared: &mut Declared) {
        let number = self.variable_number(&self.word(variable));
        declared.variables.push(number);
        self.frame.variables.push(number);
    }

    fn variable_number(&mut self, name: &str) -> u32 {
        let place = self.variables.iter().position(|it| it == name).unwrap_or_else(|| {
            self.variables.push(name.to_owned());
            self.variables.len() - 1
        });
        super::offset(place)
    }

    fn check_pipeline(&self, commands: &[Command], context: &str) -> Result<(), ParseError> {
        if commands.is_empty() {
            return Err(self.error(format!("missing value for {context}")));
        }
        for (stage, command) in commands.iter().enumerate().skip(1) {
            let first = command.args.first().map(|it| &it.term);
            if matches!(first, Some(Term::Bool(_) | Term::Dot | Term::Nil | Term::Number(_) | Term::String(_))) {
                return Err(self.error(format!("non executable command in pipeline stage {}", stage + 1)));
            }
        }
        Ok(())
    }

    /// Operands with space between, up to a pipe sign or the end.
    fn command(&mut self) -> Result<Command, ParseError> {
        let start = self.peek_solid().start;
        let first = self.operands.len();
        loop {
            self.peek_solid();
            if let Some(operand) = self.operand()? {
                self.operands.push(operand);
            }
            let token = self.next();
            match token.kind {
                Kind::Space => continue,
                Kind::RightDelim | Kind::RightParen => self.give_back(token),
                Kind::Pipe => {}
                _ => return Err(self.unexpected(token, "operand")),
            }
            let args: Box<[Operand]> = self.operands.drain(first..).collect();
            if args.is_empty() {
                return Err(self.error("empty command"));
            }
            let place = place(start, args.last().map_or(0, |it| it.place.end));
            return Ok(Command { place, args });
        }
    }

    /// The source between the ends of a place.
    fn source(&self, place: Place) -> &[u8] {
        self.text.get(place.start as usize..place.end as usize).unwrap_or_default()
    }

    /// A term with the fields that follow it.
    fn operand(&mut self) -> Result<Option<Operand>, ParseError> {
        let Some(mut operand) = self.term()? else {
            return Ok(None);
        };
        let first = self.peek();
        if first.kind != Kind::Field {
            return Ok(Some(operand));
        }
        let inner = operand.place;
        let mut names = Vec::new();
        while self.peek().kind == Kind::Field {
            let token = self.next();
            names.push(self.field(token));
            operand.place.end = super::offset(token.end);
        }
        // Go reports a chain at its second link.
        operand.place.at = super::offset(first.start);
        operand.term = match operand.term {
            Term::Field(there) => Term::Field(joined(there, names)),
            Term::Variable(number, there) => Term::Variable(number, joined(there, names)),
            Term::Bool(_) | Term::String(_) | Term::Number(_) | Term::Nil | Term::Dot => {
                let shown = match &operand.term {
                    Term::Bool(it) => it.to_string(),
                    Term::String(_) => String::from_utf8_lossy(self.source(inner)).into_owned(),
                    Term::Number(number) => number.text.clone(),
                    Term::Nil => "nil".to_owned(),
                    _ => ".".to_owned(),
                };
                let shown = crate::format::quote(shown.as_bytes());
                return Err(self.error(format!("unexpected . after term {shown}")));
            }
            term => Term::Chain(Box::new(Operand { place: inner, term }), names.into()),
        };
        Ok(Some(operand))
    }

    fn term(&mut self) -> Result<Option<Operand>, ParseError> {
        let token = self.next_solid();
        let term = match token.kind {
            Kind::Identifier => self.function(token)?,
            Kind::Dot => Term::Dot,
            Kind::Nil => Term::Nil,
            Kind::Variable => self.variable(token)?,
            Kind::Field => Term::Field(Box::new([self.field(token)])),
            Kind::Bool => Term::Bool(self.bytes(token) == b"true"),
            Kind::CharConstant | Kind::Complex | Kind::Number => {
                let number =
                    number::parse(self.bytes(token), token.kind).map_err(|it| self.error_at(token.start, it))?;
                Term::Number(Box::new(number))
            }
            Kind::LeftParen => return self.parenthesized(token).map(Some),
            Kind::String | Kind::RawString => {
                let text = unquote(self.bytes(token)).ok_or_else(|| self.error_at(token.start, "invalid syntax"))?;
                Term::String(self.texts.get(&text))
            }
            _ => {
                self.give_back(token);
                return Ok(None);
            }
        };
        Ok(Some(Operand { place: place(token.start, super::offset(token.end)), term }))
    }

    fn function(&self, token: Token) -> Result<Term, ParseError> {
        let name = self.word(token);
        match find_function(self.functions, &name) {
            Some((name, found)) => Ok(Term::Function(FunctionName { name, found })),
            None => {
                let name = crate::format::quote(name.as_bytes());
                Err(self.error_at(token.start, format!("function {name} not defined")))
            }
        }
    }

    fn variable(&mut self, token: Token) -> Result<Term, ParseError> {
        let name = self.word(token);
        let number = self.variable_number(&name);
        if self.frame.variables.contains(&number) {
            return Ok(Term::Variable(number, Box::default()));
        }
        let name = crate::format::quote(name.as_bytes());
        Err(self.error_at(token.start, format!("undefined variable {name}")))
    }

    /// A pipeline in parentheses. Go reports it where the pipeline starts, inside.
    fn parenthesized(&mut self, open: Token) -> Result<Operand, ParseError> {
        let pipe = self.pipeline("parenthesized pipeline", Kind::RightParen)?;
        let mut place = pipe.place;
        place.start = super::offset(open.start);
        place.end += 1;
        Ok(Operand { place, term: Term::Pipe(Box::new(pipe)) })
    }
}
