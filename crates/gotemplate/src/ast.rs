//! What a template is once it is parsed.

use std::rc::Rc;

use crate::{function::Function, text::Str};

/// A text that was parsed: a file, or what was given to `tpl`.
pub(crate) struct Source {
    pub(crate) name: String,
    pub(crate) text: Str,
    /// The names of variables, by their number.
    pub(crate) variables: Vec<String>,
}

/// Where something stands. `at` is the place Go reports, which for chained fields is not the start.
#[derive(Clone, Copy, Default)]
pub(crate) struct Place {
    pub(crate) at: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// One template.
pub(crate) struct Tree {
    pub(crate) name: String,
    pub(crate) root: Box<[Node]>,
}

pub(crate) enum Node {
    /// A piece of the source.
    Text(u32, u32),
    Action(Action),
    // What is large is behind a pointer, so that lists of texts and actions are small.
    If(Box<Branch>),
    With(Box<Branch>),
    Range(Box<Branch>),
    Template(Box<Call>),
    Break,
    Continue,
}

pub(crate) struct Action {
    pub(crate) place: Place,
    pub(crate) pipe: Pipe,
}

/// `if`, `with` or `range`, with the list after `else`.
pub(crate) struct Branch {
    pub(crate) place: Place,
    pub(crate) pipe: Pipe,
    pub(crate) list: Box<[Node]>,
    pub(crate) other: Option<Box<[Node]>>,
}

/// `{{template "name" pipe}}`
pub(crate) struct Call {
    pub(crate) place: Place,
    pub(crate) name: String,
    pub(crate) pipe: Option<Pipe>,
}

pub(crate) struct Pipe {
    pub(crate) place: Place,
    /// Numbers of the variables that are declared or assigned.
    pub(crate) declared: Box<[u32]>,
    pub(crate) assign: bool,
    pub(crate) commands: Box<[Command]>,
}

pub(crate) struct Command {
    pub(crate) place: Place,
    pub(crate) args: Box<[Operand]>,
}

pub(crate) struct Operand {
    pub(crate) place: Place,
    pub(crate) term: Term,
}

pub(crate) enum Term {
    Bool(bool),
    Number(Box<Number>),
    /// A string constant.
    String(Str),
    Dot,
    Nil,
    /// `.a.b`
    Field(Box<[Str]>),
    /// `$x.a.b`
    Variable(u32, Box<[Str]>),
    Function(FunctionName),
    /// `(pipe).a.b`
    Chain(Box<Operand>, Box<[Str]>),
    Pipe(Box<Pipe>),
}

pub(crate) struct FunctionName {
    pub(crate) name: &'static str,
    /// What the name meant when the text was parsed.
    pub(crate) found: Found,
}

/// A function as found by its name.
#[derive(Clone)]
pub(crate) enum Found {
    /// One of the caller's.
    Own(Function),
    /// One of Go's.
    Builtin(Function),
    /// `and`, `or`: arguments are evaluated only until the answer is known.
    And,
    Or,
    /// `slice`, which is told which arguments come out of an `interface {}`.
    Slice,
    /// `call`, which is told the text of its first argument.
    Call,
}

/// A number constant, under every type that can represent it.
#[derive(Default)]
pub(crate) struct Number {
    pub(crate) text: String,
    pub(crate) int: Option<i64>,
    pub(crate) uint: Option<u64>,
    pub(crate) float: Option<f64>,
    pub(crate) complex: Option<(f64, f64)>,
}

/// Anything the engine may be at when it fails.
#[derive(Clone, Copy)]
pub(crate) enum At<'t> {
    Action(&'t Action),
    If(&'t Branch),
    With(&'t Branch),
    Range(&'t Branch),
    Template(&'t Call),
    Pipe(&'t Pipe),
    Command(&'t Command),
    Operand(&'t Operand),
}

impl At<'_> {
    pub(crate) fn place(&self) -> Place {
        match self {
            Self::Action(it) => it.place,
            Self::If(it) | Self::With(it) | Self::Range(it) => it.place,
            Self::Template(it) => it.place,
            Self::Pipe(it) => it.place,
            Self::Command(it) => it.place,
            Self::Operand(it) => it.place,
        }
    }
}

/// A tree with the source it came from.
pub(crate) struct Parsed {
    pub(crate) source: Rc<Source>,
    pub(crate) tree: Tree,
}
