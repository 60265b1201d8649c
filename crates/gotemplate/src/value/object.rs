//! Values whose inside only their owner knows: structs, pointers to structs, errors.

use std::{any::Any, rc::Rc};

use crate::{
    context::Ctx,
    error::FuncError,
    function::Signature,
    text::Str,
    types::{Kind, Named, Type},
    value::Value,
};

/// A struct, or a pointer to one, with the fields and methods templates may use.
pub trait Object {
    /// Its type: [`Type::Named`] for a struct, [`Type::Pointer`] to one for a pointer.
    fn type_of(&self) -> Type;

    /// A field, by its name in Go. Through a pointer, the field of what it points to.
    fn field(&self, name: &str) -> Option<Value> {
        let _ = name;
        None
    }

    /// The exported fields in order, for printing and for JSON. Unexported ones that `%v` prints belong here too.
    fn fields(&self) -> Vec<(&'static str, Value)> {
        Vec::new()
    }

    /// What a method takes; `None` when there is none of this name.
    fn method(&self, name: &str) -> Option<&'static Signature> {
        let _ = name;
        None
    }

    /// Calls a method that [`Object::method`] knows, with arguments that fit its signature.
    ///
    /// # Errors
    /// What the method returned as error.
    fn call(&self, name: &str, ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError> {
        let _ = (ctx, args);
        Err(FuncError::new(format!("no method {name}")))
    }

    /// What `Error() string` or `String() string` returns, when there is one: that is how it prints.
    fn text(&self) -> Option<Str> {
        None
    }

    /// What `String()` of a pointer to it returns, when only pointers have that method: a template that prints the value
    /// itself, out of a pointer's field, takes its address; a function that is given the value sees a struct.
    fn pointer_text(&self) -> Option<Str> {
        None
    }

    /// Whether it implements `error`.
    fn is_error(&self) -> bool {
        false
    }

    /// The fields as JSON has them, in order; by default the exported ones under their names in Go.
    fn json_fields(&self) -> Vec<(&'static str, Value)> {
        let is_exported = |name: &str| name.starts_with(char::is_uppercase);
        self.fields().into_iter().filter(|(name, _)| is_exported(name)).collect()
    }

    /// What it becomes in JSON and YAML; by default a map of [`Object::json_fields`].
    fn to_tree(&self) -> Value {
        Value::map(self.json_fields())
    }

    /// Truth; structs and pointers that are not nil are always true.
    fn truth(&self) -> bool {
        true
    }

    /// Whether `eq` holds; `None` when Go cannot compare the two.
    fn equals(&self, other: &dyn Object) -> Option<bool> {
        let _ = other;
        None
    }

    /// For downcasts: `self`.
    fn as_any(&self) -> &dyn Any;
}

/// An `error` made of a text, as `errors.New` returns it.
pub struct ErrorValue(pub Str);

static ERROR_STRING: Named = Named { name: "errors.errorString", under: None, methods: None };

impl Object for ErrorValue {
    fn type_of(&self) -> Type {
        Type::Pointer(&const { Type::Named(&ERROR_STRING) })
    }

    fn method(&self, name: &str) -> Option<&'static Signature> {
        (name == "Error").then_some(&Signature::NONE)
    }

    fn call(&self, _: &str, _: &mut Ctx<'_>, _: &[Value]) -> Result<Value, FuncError> {
        Ok(Value::String(self.0.clone()))
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("s", Value::String(self.0.clone()))]
    }

    fn text(&self) -> Option<Str> {
        Some(self.0.clone())
    }

    fn to_tree(&self) -> Value {
        // The field is not exported.
        Value::map::<Str>([])
    }

    fn is_error(&self) -> bool {
        true
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Value {
    /// The object, when it is one.
    #[must_use]
    pub fn as_object(&self) -> Option<&Rc<dyn Object>> {
        match self {
            Self::Object(object) => Some(object),
            _ => None,
        }
    }

    /// The object, when it is of this Rust type.
    #[must_use]
    pub fn downcast<T: 'static>(&self) -> Option<&T> {
        self.as_object()?.as_any().downcast_ref()
    }

    /// Whether it is a struct or a pointer to one.
    #[must_use]
    pub fn is_object(&self) -> bool {
        matches!(self.kind(), Kind::Struct | Kind::Pointer)
    }
}
