//! Templates that can call one another.

use std::{cell::RefCell, collections::HashMap, rc::Rc};

use foldhash::fast::RandomState;

use crate::{
    ast::Parsed,
    context::{Ctx, Options, Usage},
    error::{ExecError, ParseError},
    function::Functions,
    parse::{self, Texts},
    text::Str,
    value::Value,
};

/// Templates by name, with the functions they may call. A clone costs nothing and does not see what is parsed into the
/// original afterwards, nor the other way round.
#[derive(Clone)]
pub struct Set(Rc<Inner>);

struct Inner {
    functions: Rc<Functions>,
    own: HashMap<String, Rc<Parsed>, RandomState>,
    base: Option<Set>,
    name: String,
    stack: usize,
    /// Texts of the templates, for those that are added.
    texts: Rc<RefCell<Texts>>,
}

/// How many bytes of stack parsing may take unless told otherwise.
const STACK: usize = 1 << 20;

impl Set {
    /// No templates yet.
    #[must_use]
    pub fn new(functions: Rc<Functions>) -> Self {
        Self::named("", functions)
    }

    /// No templates yet, with the name that messages about templates that do not exist give the set.
    #[must_use]
    pub fn named(name: &str, functions: Rc<Functions>) -> Self {
        let (name, stack) = (name.to_owned(), STACK);
        Self(Rc::new(Inner { functions, own: HashMap::default(), base: None, name, stack, texts: Rc::default() }))
    }

    /// The same templates in a set of another name, with so many bytes of the thread's stack for parsing: texts nested
    /// beyond that are refused. (1 MiB unless told otherwise.)
    #[must_use]
    pub fn renamed(&self, name: &str, stack: usize) -> Self {
        let functions = self.0.functions.clone();
        Self(Rc::new(Inner {
            functions,
            own: HashMap::default(),
            base: Some(self.clone()),
            name: name.to_owned(),
            stack,
            texts: self.0.texts.clone(),
        }))
    }

    /// The set's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Parses a text under a name, with every template it defines. A template that is there already is replaced, unless
    /// the new one is empty (only space and definitions).
    ///
    /// # Errors
    /// When the text is not a template, or defines one twice.
    pub fn parse(&mut self, name: &str, text: impl Into<Str>) -> Result<(), ParseError> {
        self.parse_as(name, text.into(), false)
    }

    /// As [`Set::parse`], and the text itself replaces a template of its name also when it is empty: what Go executes
    /// after `t.New(name).Parse(text)`.
    ///
    /// # Errors
    /// As [`Set::parse`].
    pub fn parse_anew(&mut self, name: &str, text: impl Into<Str>) -> Result<(), ParseError> {
        self.parse_as(name, text.into(), true)
    }

    fn parse_as(&mut self, name: &str, text: Str, anew: bool) -> Result<(), ParseError> {
        let parsed = parse::parse(name, &text, &self.0.functions, &mut self.0.texts.borrow_mut(), self.0.stack)?;
        let kept = |it: &Parsed| {
            let is_empty = parse::is_empty(&it.tree.root, &text) && self.contains(&it.tree.name);
            is_empty && !(anew && it.tree.name == name)
        };
        let new: Vec<_> =
            parsed.into_iter().filter(|it| !kept(it)).map(|it| (it.tree.name.clone(), Rc::new(it))).collect();
        if let Some(inner) = Rc::get_mut(&mut self.0) {
            inner.own.extend(new);
            return Ok(());
        }
        let inner = &self.0;
        self.0 = Rc::new(Inner {
            functions: inner.functions.clone(),
            own: new.into_iter().collect(),
            base: Some(self.clone()),
            name: inner.name.clone(),
            stack: inner.stack,
            texts: inner.texts.clone(),
        });
        Ok(())
    }

    /// Whether there is a template of this name.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.lookup(name).is_some()
    }

    /// The names of all templates, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names = self.0.base.as_ref().map(Self::names).unwrap_or_default();
        names.extend(self.0.own.keys().cloned());
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn lookup(&self, name: &str) -> Option<&Parsed> {
        let mut set = self;
        loop {
            if let Some(found) = set.0.own.get(name) {
                return Some(found);
            }
            set = set.0.base.as_ref()?;
        }
    }

    /// The functions.
    #[must_use]
    pub fn functions(&self) -> &Rc<Functions> {
        &self.0.functions
    }

    /// Executes a template and returns what it printed. Deep nesting needs stack: run in a thread with a large one and
    /// say so in `options.limits.stack`.
    ///
    /// # Errors
    /// When there is no such template or it fails; what it printed until then is lost.
    pub fn execute(&self, name: &str, data: &Value, options: &Options) -> Result<Vec<u8>, ExecError> {
        self.execute_within(name, data, options, &mut Usage::new(&options.limits))
    }

    /// As [`Set::execute`], within what is left of a budget: what many executions take together stays bounded.
    ///
    /// # Errors
    /// As [`Set::execute`].
    pub fn execute_within(
        &self,
        name: &str,
        data: &Value,
        options: &Options,
        usage: &mut Usage,
    ) -> Result<Vec<u8>, ExecError> {
        crate::exec::run(Ctx { set: self, options, usage }, name, data)
    }
}
