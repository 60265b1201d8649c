//! Nodes as Go prints them in messages.

use crate::ast::{At, Branch, Call, Command, Node, Operand, Pipe, Source, Term};

impl At<'_> {
    /// The node's text, rebuilt from what was parsed.
    pub(crate) fn text(&self, source: &Source) -> String {
        let mut printer = Printer { source, out: String::new() };
        match self {
            Self::Action(it) => printer.action(&it.pipe),
            Self::If(it) => printer.branch("if", it),
            Self::With(it) => printer.branch("with", it),
            Self::Range(it) => printer.branch("range", it),
            Self::Template(it) => printer.call(it),
            Self::Pipe(it) => printer.pipe(it),
            Self::Command(it) => printer.command(it),
            Self::Operand(it) => printer.operand(it),
        }
        printer.out
    }
}

struct Printer<'a> {
    source: &'a Source,
    out: String,
}

impl Printer<'_> {
    fn list(&mut self, nodes: &[Node]) {
        for node in nodes {
            match node {
                Node::Text(start, end) => {
                    let text = self.source.text.get(*start as usize..*end as usize).unwrap_or_default();
                    self.out.push_str(&String::from_utf8_lossy(text));
                }
                Node::Action(it) => self.action(&it.pipe),
                Node::If(it) => self.branch("if", it),
                Node::With(it) => self.branch("with", it),
                Node::Range(it) => self.branch("range", it),
                Node::Template(it) => self.call(it),
                Node::Break => self.out.push_str("{{break}}"),
                Node::Continue => self.out.push_str("{{continue}}"),
            }
        }
    }

    fn action(&mut self, pipe: &Pipe) {
        self.out.push_str("{{");
        self.pipe(pipe);
        self.out.push_str("}}");
    }

    fn branch(&mut self, word: &str, branch: &Branch) {
        self.out.push_str("{{");
        self.out.push_str(word);
        self.out.push(' ');
        self.pipe(&branch.pipe);
        self.out.push_str("}}");
        self.list(&branch.list);
        if let Some(other) = &branch.other {
            self.out.push_str("{{else}}");
            self.list(other);
        }
        self.out.push_str("{{end}}");
    }

    fn call(&mut self, call: &Call) {
        self.out.push_str("{{template ");
        self.out.push_str(&crate::format::quote(call.name.as_bytes()));
        if let Some(pipe) = &call.pipe {
            self.out.push(' ');
            self.pipe(pipe);
        }
        self.out.push_str("}}");
    }

    fn variable(&mut self, number: u32) {
        let name = self.source.variables.get(number as usize);
        self.out.push_str(name.map_or("$", String::as_str));
    }

    fn pipe(&mut self, pipe: &Pipe) {
        for (place, number) in pipe.declared.iter().enumerate() {
            if place > 0 {
                self.out.push_str(", ");
            }
            self.variable(*number);
        }
        if !pipe.declared.is_empty() {
            self.out.push_str(if pipe.assign { " = " } else { " := " });
        }
        for (place, command) in pipe.commands.iter().enumerate() {
            if place > 0 {
                self.out.push_str(" | ");
            }
            self.command(command);
        }
    }

    fn command(&mut self, command: &Command) {
        for (place, arg) in command.args.iter().enumerate() {
            if place > 0 {
                self.out.push(' ');
            }
            self.parenthesized(arg);
        }
    }

    fn parenthesized(&mut self, operand: &Operand) {
        let is_pipe = matches!(operand.term, Term::Pipe(_));
        if is_pipe {
            self.out.push('(');
        }
        self.operand(operand);
        if is_pipe {
            self.out.push(')');
        }
    }

    fn fields(&mut self, names: &[crate::Str]) {
        for name in names {
            self.out.push('.');
            self.out.push_str(&name.to_str());
        }
    }

    fn operand(&mut self, operand: &Operand) {
        match &operand.term {
            Term::Bool(it) => self.out.push_str(if *it { "true" } else { "false" }),
            Term::Number(it) => self.out.push_str(&it.text),
            Term::String(_) => {
                let place = operand.place;
                let quoted = self.source.text.get(place.start as usize..place.end as usize).unwrap_or_default();
                self.out.push_str(&String::from_utf8_lossy(quoted));
            }
            Term::Dot => self.out.push('.'),
            Term::Nil => self.out.push_str("nil"),
            Term::Field(names) => self.fields(names),
            Term::Variable(number, names) => {
                self.variable(*number);
                self.fields(names);
            }
            Term::Function(it) => self.out.push_str(it.name),
            Term::Chain(inner, names) => {
                self.parenthesized(inner);
                self.fields(names);
            }
            Term::Pipe(pipe) => self.pipe(pipe),
        }
    }
}
