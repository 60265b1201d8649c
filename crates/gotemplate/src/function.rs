//! Functions that templates call, and their signatures.

use std::{collections::HashMap, fmt, rc::Rc};

use foldhash::fast::RandomState;

use crate::{context::Ctx, error::FuncError, types::Type, value::Value};

/// What a function takes. The engine checks number and types of arguments by it, with Go's words, before the function runs.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The types of the parameters. Of a variadic function the last one is the type of each further argument.
    pub params: &'static [Type],
    /// Whether the last parameter takes any number of arguments.
    pub variadic: bool,
    /// Its type as `%T` prints it; `func()` when nobody cares.
    pub text: &'static str,
}

impl Signature {
    /// No parameters.
    pub const NONE: Self = Self::fixed(&[]);

    /// Takes exactly these.
    #[must_use]
    pub const fn fixed(params: &'static [Type]) -> Self {
        Self { params, variadic: false, text: "func()" }
    }

    /// Takes these, the last one any number of times (also none).
    #[must_use]
    pub const fn variadic(params: &'static [Type]) -> Self {
        Self { params, variadic: true, text: "func()" }
    }

    /// The same with the text of its type, as Go prints it: `func(string, ...interface {}) string`.
    #[must_use]
    pub const fn typed(mut self, text: &'static str) -> Self {
        self.text = text;
        self
    }
}

/// A plain Rust function behind a template function.
pub type Plain = fn(&mut Ctx<'_>, &[Value]) -> Result<Value, FuncError>;

type Closure = dyn Fn(&mut Ctx<'_>, &[Value]) -> Result<Value, FuncError>;

#[derive(Clone)]
enum Body {
    Plain(Plain),
    Closure(Rc<Closure>),
}

/// A function with its signature. Arguments fit the signature when it is called:
/// for a parameter of type `string` the argument is a [`Value::String`], for `int` a [`Value::Int`] of kind int, for
/// `interface {}` anything or [`Value::Nil`], for a slice or map a list or map of that underlying type or a
/// [`Value::NilOf`], for [`Type::Reflect`] anything at all.
#[derive(Clone)]
pub struct Function {
    signature: Signature,
    body: Body,
}

impl Function {
    /// From a plain function; costs nothing.
    #[must_use]
    pub fn plain(signature: Signature, body: Plain) -> Self {
        Self { signature, body: Body::Plain(body) }
    }

    /// From a closure.
    #[must_use]
    pub fn new(
        signature: Signature,
        body: impl Fn(&mut Ctx<'_>, &[Value]) -> Result<Value, FuncError> + 'static,
    ) -> Self {
        Self { signature, body: Body::Closure(Rc::new(body)) }
    }

    /// What it takes.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        &self.signature
    }

    /// Its type.
    #[must_use]
    pub fn type_of(&self) -> Type {
        Type::Func(self.signature.text)
    }

    /// A number that stands for where it is in memory.
    #[must_use]
    pub fn address(&self) -> usize {
        match &self.body {
            Body::Plain(body) => *body as usize,
            Body::Closure(body) => Rc::as_ptr(body).cast::<u8>() as usize,
        }
    }

    /// Calls it with arguments that fit the signature.
    ///
    /// # Errors
    /// What the function returned as error.
    pub fn call(&self, ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        match &self.body {
            Body::Plain(body) => body(ctx, args),
            Body::Closure(body) => body(ctx, args),
        }
    }
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.signature.text)
    }
}

/// Functions by name, in layers: those of a layer hide those of its base. Go's own (`printf`, `eq`, …) are always there,
/// below all.
#[derive(Clone, Default)]
pub struct Functions {
    own: HashMap<&'static str, Function, RandomState>,
    base: Option<Rc<Functions>>,
}

impl Functions {
    /// None but Go's own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A layer over others.
    #[must_use]
    pub fn over(base: Rc<Functions>) -> Self {
        Self { own: HashMap::default(), base: Some(base) }
    }

    /// Adds one, or replaces it in this layer.
    pub fn insert(&mut self, name: &'static str, function: Function) {
        self.own.insert(name, function);
    }

    /// Adds a plain function.
    pub fn add(&mut self, name: &'static str, signature: Signature, body: Plain) {
        self.insert(name, Function::plain(signature, body));
    }

    /// Looks one up through the layers, without Go's own.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Function> {
        self.find(name).map(|(_, function)| function)
    }

    /// A function with its name.
    pub(crate) fn find(&self, name: &str) -> Option<(&'static str, &Function)> {
        match self.own.get_key_value(name) {
            Some((name, function)) => Some((name, function)),
            None => self.base.as_ref()?.find(name),
        }
    }

    /// All names in this layer and those below, in no order, possibly repeated.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.own.keys().copied().collect();
        if let Some(base) = &self.base {
            names.extend(base.names());
        }
        names
    }
}
