//! Walks a template and prints.

mod arg;
mod call;
mod field;
mod pipeline;
mod range;

use crate::{
    ast::{At, Branch, Call, Node, Parsed},
    context::{Ctx, stack_place},
    error::{Bound, ExecError, FuncError, Span},
    format,
    text::Str,
    value::Value,
};

/// What fails, boxed because it is large and rare.
pub(crate) type Res<T> = Result<T, Box<ExecError>>;

/// Executes a template of the context's set.
pub(crate) fn run(mut ctx: Ctx<'_>, name: &str, data: &Value) -> Result<Vec<u8>, ExecError> {
    let set = ctx.set;
    let Some(parsed) = set.lookup(name) else {
        let message = format!(
            "template: no template {} associated with template {}",
            format::quote(name.as_bytes()),
            format::quote(set.name().as_bytes())
        );
        return Err(plain_error(message, name, None));
    };
    if let Err(bound) = ctx.charge(1) {
        return Err(plain_error(bound.to_string(), name, Some(bound)));
    }
    ctx.usage.depth += 1;
    let dot = Slot { value: data.clone(), boxed: false };
    let mut machine =
        Machine { ctx, parsed, out: Vec::new(), variables: vec![(0, dot.clone())], at: None, boxed: false };
    let walked = machine.walk(&dot, &parsed.tree.root);
    machine.ctx.usage.depth -= 1;
    match walked {
        Ok(_) => Ok(machine.out),
        Err(error) => Err(*error),
    }
}

fn plain_error(message: String, name: &str, bound: Option<Bound>) -> ExecError {
    ExecError {
        message,
        source_name: name.to_owned(),
        template: name.to_owned(),
        span: Span::default(),
        bound,
        cause: None,
    }
}

/// A value in a place whose static type may be `interface {}`: messages then name that type.
#[derive(Clone)]
struct Slot {
    value: Value,
    boxed: bool,
}

/// How a list was left.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    End,
    Break,
    Continue,
}

/// One execution of one template, and of those it calls with `template`.
struct Machine<'a> {
    ctx: Ctx<'a>,
    parsed: &'a Parsed,
    out: Vec<u8>,
    /// Variables by number, the innermost last.
    variables: Vec<(u32, Slot)>,
    /// Where the execution is, for messages.
    at: Option<At<'a>>,
    /// Whether the operand evaluated last came from a place of the type `interface {}`.
    boxed: bool,
}

impl<'a> Machine<'a> {
    /// An error here.
    #[cold]
    fn fail(&self, message: impl Into<String>) -> Box<ExecError> {
        self.failed(FuncError::new(message))
    }

    #[cold]
    fn failed(&self, error: FuncError) -> Box<ExecError> {
        let source = &self.parsed.source;
        let template = self.parsed.tree.name.clone();
        let (place, context) = match self.at {
            Some(at) => (at.place(), at.text(source)),
            None => Default::default(),
        };
        let (line, column) = position(&source.text, place.at as usize);
        let message = format!(
            "template: {}:{line}:{column}: executing {} at <{context}>: {}",
            source.name,
            format::quote(template.as_bytes()),
            error.message
        );
        let (line, column) = position(&source.text, place.start as usize);
        let span = Span {
            offset: place.start as usize,
            len: (place.end.saturating_sub(place.start) as usize).max(1),
            line,
            column: column + 1,
        };
        Box::new(ExecError {
            message,
            source_name: source.name.clone(),
            template,
            span,
            bound: error.bound,
            cause: error.cause,
        })
    }

    fn step(&mut self) -> Res<()> {
        self.ctx.charge(1).map_err(|bound| self.failed(bound.into()))
    }

    /// Refuses what is nested so deeply that the stack would not hold it.
    fn check_depth(&self) -> Res<()> {
        let limits = &self.ctx.options.limits;
        let used = self.ctx.usage.stack_base.abs_diff(stack_place());
        if used > limits.stack || self.ctx.usage.depth > limits.depth {
            let mut error = FuncError::new("exceeded maximum template depth (100000)");
            error.bound = Some(Bound::Depth);
            return Err(self.failed(error));
        }
        Ok(())
    }

    fn wrote(&mut self, before: usize) -> Res<()> {
        let written = self.out.len() - before;
        self.ctx.charge_output(written).map_err(|bound| self.failed(bound.into()))
    }

    fn walk(&mut self, dot: &Slot, nodes: &'a [Node]) -> Res<Flow> {
        self.check_depth()?;
        for node in nodes {
            self.step()?;
            match node {
                Node::Text(start, end) => {
                    let before = self.out.len();
                    let text = self.parsed.source.text.get(*start as usize..*end as usize);
                    self.out.extend_from_slice(text.unwrap_or_default());
                    self.wrote(before)?;
                }
                Node::Action(action) => {
                    self.at = Some(At::Action(action));
                    let value = self.pipeline(dot, &action.pipe)?;
                    if action.pipe.declared.is_empty() {
                        self.at = Some(At::Action(action));
                        self.print(&value)?;
                    }
                }
                Node::If(branch) => {
                    self.at = Some(At::If(branch));
                    match self.choose(dot, branch, false)? {
                        Flow::End => {}
                        flow => return Ok(flow),
                    }
                }
                Node::With(branch) => {
                    self.at = Some(At::With(branch));
                    match self.choose(dot, branch, true)? {
                        Flow::End => {}
                        flow => return Ok(flow),
                    }
                }
                Node::Range(branch) => {
                    self.at = Some(At::Range(branch));
                    match self.range(dot, branch)? {
                        Flow::End => {}
                        flow => return Ok(flow),
                    }
                }
                Node::Template(call) => self.template(dot, call)?,
                Node::Break => return Ok(Flow::Break),
                Node::Continue => return Ok(Flow::Continue),
            }
        }
        Ok(Flow::End)
    }

    /// `if` and `with`.
    fn choose(&mut self, dot: &Slot, branch: &'a Branch, with: bool) -> Res<Flow> {
        let mark = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let flow = if value.truth() {
            if with { self.walk(&Slot { value, boxed: false }, &branch.list)? } else { self.walk(dot, &branch.list)? }
        } else if let Some(other) = &branch.other {
            self.walk(dot, other)?
        } else {
            Flow::End
        };
        self.variables.truncate(mark);
        Ok(flow)
    }

    fn template(&mut self, dot: &Slot, call: &'a Call) -> Res<()> {
        self.at = Some(At::Template(call));
        let set = self.ctx.set;
        let Some(parsed) = set.lookup(&call.name) else {
            return Err(self.fail(format!("template {} not defined", format::quote(call.name.as_bytes()))));
        };
        self.check_depth()?;
        let value = match &call.pipe {
            Some(pipe) => self.pipeline(dot, pipe)?,
            None => Value::Missing,
        };
        let dot = Slot { value, boxed: false };
        let outer = std::mem::replace(&mut self.variables, vec![(0, dot.clone())]);
        let caller = std::mem::replace(&mut self.parsed, parsed);
        self.ctx.usage.depth += 1;
        self.walk(&dot, &parsed.tree.root)?;
        self.ctx.usage.depth -= 1;
        self.parsed = caller;
        self.variables = outer;
        Ok(())
    }

    fn print(&mut self, value: &Value) -> Res<()> {
        let before = self.out.len();
        match value {
            Value::String(text) => self.out.extend_from_slice(text),
            Value::Missing | Value::Nil => self.out.extend_from_slice(b"<no value>"),
            Value::Func(_) => {
                let context = self.at.map(|at| at.text(&self.parsed.source)).unwrap_or_default();
                return Err(self.fail(format!("can't print {context} of type {}", value.type_name())));
            }
            Value::Object(object) if let Some(text) = object.pointer_text() => self.out.extend_from_slice(&text),
            other => {
                let limit = before.saturating_add(self.ctx.room());
                format::print_pointed(&mut self.out, other, true, limit);
            }
        }
        self.wrote(before)
    }

    fn variable(&self, number: u32) -> Res<&Slot> {
        match self.variables.iter().rev().find(|it| it.0 == number) {
            Some((_, slot)) => Ok(slot),
            None => Err(self.undefined(number)),
        }
    }

    fn set_variable(&mut self, number: u32, slot: Slot) -> Res<()> {
        match self.variables.iter_mut().rev().find(|it| it.0 == number) {
            Some(place) => {
                place.1 = slot;
                Ok(())
            }
            None => Err(self.undefined(number)),
        }
    }

    #[cold]
    fn undefined(&self, number: u32) -> Box<ExecError> {
        let name = self.parsed.source.variables.get(number as usize).map_or("$", String::as_str);
        self.fail(format!("undefined variable: {name}"))
    }
}

/// Line from 1 and byte column from 0.
fn position(text: &Str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or_default();
    let line = 1 + memchr::memchr_iter(b'\n', before).count();
    let column = offset - memchr::memrchr(b'\n', before).map_or(0, |it| it + 1);
    (line, column)
}
