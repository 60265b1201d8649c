//! What a running execution gives to functions: its budget, its templates, the caller's data.

use std::{any::Any, rc::Rc};

use crate::{
    error::{Bound, Failure, FuncError},
    function::{Function, Functions},
    set::Set,
    text::Str,
    value::Value,
};

/// What happens when a map has no such key.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissingKey {
    /// No value: prints `<no value>`, and so do fields of it.
    #[default]
    Invalid,
    /// The zero value of the map's elements. (For `interface {}` that is nil and prints `<no value>` still.)
    Zero,
    /// An error.
    Error,
}

/// Bounds of one execution, with everything executed from within.
#[derive(Clone)]
pub struct Limits {
    /// Steps: nodes walked, function calls, what functions charge.
    pub steps: u64,
    /// Bytes made in all: what templates print, those that are included too, and every string that functions return.
    pub output: u64,
    /// How deeply templates may be nested.
    pub depth: u32,
    /// Bytes of the thread's stack the execution may use; nesting beyond is refused as too deep.
    pub stack: usize,
    /// Asked now and then: true once the time is up.
    pub expired: Option<Rc<dyn Fn() -> bool>>,
}

impl Default for Limits {
    /// 100 million steps, 512 MiB of output, Go's depth of 100,000, 1 MiB of stack, no deadline.
    fn default() -> Self {
        Self { steps: 100_000_000, output: 512 << 20, depth: 100_000, stack: 1 << 20, expired: None }
    }
}

/// How to execute.
#[derive(Clone, Default)]
pub struct Options {
    /// What a missing key is.
    pub missing_key: MissingKey,
    /// The bounds.
    pub limits: Limits,
    /// Functions that hide those known when the templates were parsed.
    pub functions: Option<Rc<Functions>>,
    /// Data of the caller's own for its functions, see [`Ctx::data`].
    pub data: Option<Rc<dyn Any>>,
}

/// What is used up of [`Limits`], over all nested executions, and over several that share it: see
/// [`Set::execute_within`](crate::Set::execute_within).
#[derive(Debug)]
pub struct Usage {
    pub(crate) steps: u64,
    pub(crate) until_check: u32,
    pub(crate) output: u64,
    pub(crate) depth: u32,
    pub(crate) stack_base: usize,
}

impl Usage {
    /// Nothing yet. Stack is counted from here.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        Self { steps: limits.steps, until_check: 0, output: limits.output, depth: 0, stack_base: stack_place() }
    }
}

/// Roughly where the stack ends now.
pub(crate) fn stack_place() -> usize {
    let here = 0_u8;
    std::ptr::from_ref(std::hint::black_box(&here)) as usize
}

/// A running execution as functions see it.
pub struct Ctx<'a> {
    pub(crate) set: &'a Set,
    pub(crate) options: &'a Options,
    pub(crate) usage: &'a mut Usage,
}

/// How many steps pass between two looks at the deadline.
const CHECK_EVERY: u32 = 1024;

impl Ctx<'_> {
    /// Takes steps from the budget: call it from functions whose work grows with a number they are given.
    ///
    /// # Errors
    /// When the budget or the time is used up.
    pub fn charge(&mut self, steps: u64) -> Result<(), Bound> {
        let Some(left) = self.usage.steps.checked_sub(steps) else {
            self.usage.steps = 0;
            return Err(Bound::Steps);
        };
        self.usage.steps = left;
        let passed = u32::try_from(steps).unwrap_or(u32::MAX);
        match self.usage.until_check.checked_sub(passed) {
            Some(left) => self.usage.until_check = left,
            None => {
                self.usage.until_check = CHECK_EVERY;
                if self.options.limits.expired.as_ref().is_some_and(|expired| expired()) {
                    return Err(Bound::Deadline);
                }
            }
        }
        Ok(())
    }

    /// Takes bytes from the output budget: call it before making a large string.
    ///
    /// # Errors
    /// When the budget is used up.
    pub fn charge_output(&mut self, bytes: usize) -> Result<(), Bound> {
        let Some(left) = self.usage.output.checked_sub(bytes as u64) else {
            self.usage.output = 0;
            return Err(Bound::Output);
        };
        self.usage.output = left;
        Ok(())
    }

    /// How many bytes the output budget still has: what would become longer need not be made.
    #[must_use]
    pub fn room(&self) -> usize {
        usize::try_from(self.usage.output).unwrap_or(usize::MAX)
    }

    /// The templates being executed.
    #[must_use]
    pub fn set(&self) -> &Set {
        self.set
    }

    /// How the execution was asked for.
    #[must_use]
    pub fn options(&self) -> &Options {
        self.options
    }

    /// The caller's data, when it is of this type.
    #[must_use]
    pub fn data<T: 'static>(&self) -> Option<&T> {
        self.options.data.as_deref()?.downcast_ref()
    }

    /// Executes a template of the current set within this execution's budget; what `include` is made of. Errors are
    /// those of Go's `ExecuteTemplate`, `template: no template "x" associated with template "y"` included.
    ///
    /// # Errors
    /// When the template does not exist or fails.
    pub fn execute(&mut self, name: &str, data: &Value) -> Result<Str, FuncError> {
        let set = self.set;
        self.execute_in(set, name, data)
    }

    /// Executes a template of another set, most often a clone of the current one with more parsed into it; what `tpl`
    /// is made of: `let mut set = ctx.set().clone(); set.parse(name, text)?; ctx.execute_in(&set, name, data)`.
    ///
    /// # Errors
    /// When the template does not exist or fails.
    pub fn execute_in(&mut self, set: &Set, name: &str, data: &Value) -> Result<Str, FuncError> {
        let ctx = Ctx { set, options: self.options, usage: &mut *self.usage };
        crate::exec::run(ctx, name, data).map(Str::from).map_err(|error| Failure::Exec(error).into())
    }

    /// Calls a function with arguments that fit its signature.
    ///
    /// # Errors
    /// What the function returned as error.
    pub fn call(&mut self, function: &Function, args: &[Value]) -> Result<Value, FuncError> {
        self.charge(1)?;
        function.call(self, args)
    }
}
