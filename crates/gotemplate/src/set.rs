//! Templates that can call one another.

use std::{collections::HashMap, rc::Rc};

use crate::{
    context::{Ctx, Options, Usage},
    error::{ExecError, ParseError},
    function::Functions,
    value::Value,
};

/// One parsed template.
pub struct Template {
    name: String,
}

impl Template {
    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// Templates by name, with the functions they may call. A clone costs nothing and does not see what is parsed into the
/// original afterwards, nor the other way round.
#[derive(Clone)]
pub struct Set(Rc<Inner>);

struct Inner {
    functions: Rc<Functions>,
    own: HashMap<String, Rc<Template>>,
    base: Option<Set>,
}

impl Set {
    /// No templates yet.
    #[must_use]
    pub fn new(functions: Rc<Functions>) -> Self {
        Self(Rc::new(Inner { functions, own: HashMap::new(), base: None }))
    }

    /// Parses a text under a name, with every template it defines. A template that is there already is replaced, unless
    /// the new one is empty (only space and definitions) and the old one is not.
    ///
    /// # Errors
    /// When the text is not a template, or defines one twice.
    pub fn parse(&mut self, name: &str, _text: &str) -> Result<(), ParseError> {
        let template = Rc::new(Template { name: name.to_owned() });
        if let Some(inner) = Rc::get_mut(&mut self.0) {
            inner.own.insert(name.to_owned(), template);
        } else {
            let own = HashMap::from([(name.to_owned(), template)]);
            self.0 = Rc::new(Inner { functions: self.0.functions.clone(), own, base: Some(self.clone()) });
        }
        Ok(())
    }

    /// The template of this name.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<&Rc<Template>> {
        self.0.own.get(name).or_else(|| self.0.base.as_ref()?.lookup(name))
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
        let mut usage = Usage::new(&options.limits);
        crate::exec::run(Ctx { set: self, options, usage: &mut usage }, name, data)
    }
}
