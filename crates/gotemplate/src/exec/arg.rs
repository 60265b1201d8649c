//! Arguments, checked against the types of parameters.

use std::rc::Rc;

use crate::{
    ast::{At, Number, Operand, Term},
    exec::{Machine, Res, Slot},
    types::{Kind, Type},
    value::Value,
};

fn can_be_nil(of: Type) -> bool {
    of == Type::Reflect || matches!(of.kind(), Kind::Func | Kind::Interface | Kind::Map | Kind::Pointer | Kind::Slice)
}

impl<'a> Machine<'a> {
    /// Evaluates an argument for a parameter of a type.
    pub(super) fn arg(&mut self, dot: &Slot, wanted: Type, operand: &'a Operand) -> Res<Value> {
        self.at = Some(At::Operand(operand));
        self.boxed = false;
        let value = match &operand.term {
            Term::Dot => {
                self.boxed = dot.boxed;
                dot.value.clone()
            }
            Term::Field(names) => self.chain(dot, dot, names, At::Operand(operand), &[], None)?,
            Term::Variable(..) => self.variable_operand(dot, operand, &[], None)?,
            Term::Pipe(pipe) => {
                self.check_depth()?;
                let value = self.pipeline(dot, pipe)?;
                self.boxed = false;
                value
            }
            Term::Function(name) => {
                let value = self.function(dot, operand, name, At::Operand(operand), &[], None)?;
                self.boxed = false;
                value
            }
            Term::Chain(..) => self.chain_operand(dot, operand, &[], None)?,
            Term::Nil if wanted == Type::Reflect => return Ok(Value::Missing),
            Term::Nil if can_be_nil(wanted) => return Ok(Value::zero(wanted)),
            Term::Nil => return Err(self.fail(format!("cannot assign nil to {wanted}"))),
            _ => return self.constant(wanted, operand),
        };
        self.validated(value, wanted)
    }

    /// A value for a parameter of a type, or the error that says why it is none.
    pub(super) fn validated(&mut self, value: Value, wanted: Type) -> Res<Value> {
        match (&value, wanted) {
            (_, Type::Reflect) | (Value::String(_), Type::String) => return Ok(value),
            (Value::Missing, _) => {
                if can_be_nil(wanted) {
                    return Ok(Value::zero(wanted));
                }
                return Err(self.fail(format!("invalid value; expected {wanted}")));
            }
            (_, Type::Interface) => return Ok(value),
            (Value::Object(object), Type::Error) if object.is_error() => return Ok(value),
            _ => {}
        }
        let Some(of) = value.type_of() else {
            return Err(self.fail(format!("wrong type for value; expected {wanted}; got interface {{}}")));
        };
        let fits = of.assignable_to(wanted)
            || matches!(of, Type::Pointer(inner) if inner.assignable_to(wanted) && !matches!(value, Value::NilOf(_)));
        if fits {
            return Ok(value);
        }
        Err(self.fail(format!("wrong type for value; expected {wanted}; got {of}")))
    }

    /// A constant, which takes the type that is wanted.
    fn constant(&mut self, wanted: Type, operand: &'a Operand) -> Res<Value> {
        self.boxed = false;
        let number: Option<&Number> = match &operand.term {
            Term::Number(number) => Some(number),
            _ => None,
        };
        let kind = wanted.kind();
        let (found, expected) = match kind {
            _ if wanted == Type::Reflect || wanted == Type::Interface => {
                return match &operand.term {
                    Term::Bool(it) => Ok(Value::Bool(*it)),
                    Term::String(text) => Ok(Value::String(text.clone())),
                    Term::Number(number) => self.ideal(operand, number),
                    _ => Ok(Value::Missing),
                };
            }
            Kind::Bool => {
                let found = if let Term::Bool(it) = operand.term { Some(Value::Bool(it)) } else { None };
                (found, "bool")
            }
            Kind::String => {
                let found =
                    if let Term::String(text) = &operand.term { Some(Value::String(text.clone())) } else { None };
                (found, "string")
            }
            Kind::Float32 | Kind::Float64 => (number.and_then(|it| it.float).map(|it| Value::Float(kind, it)), "float"),
            Kind::Complex64 | Kind::Complex128 => {
                (number.and_then(|it| it.complex).map(|it| Value::Complex(it.0, it.1)), "complex")
            }
            kind if kind.is_int() => {
                let cut = |it: i64| it << (64 - kind.bits()) >> (64 - kind.bits());
                (number.and_then(|it| it.int).map(|it| Value::Int(kind, cut(it))), "integer")
            }
            kind if kind.is_uint() => {
                let cut = |it: u64| it << (64 - kind.bits()) >> (64 - kind.bits());
                (number.and_then(|it| it.uint).map(|it| Value::Uint(kind, cut(it))), "unsigned integer")
            }
            _ => {
                let text = At::Operand(operand).text(&self.parsed.source);
                return Err(self.fail(format!("can't handle {text} for arg of type {wanted}")));
            }
        };
        match (found, wanted) {
            (Some(value), Type::Named(named)) => Ok(Value::Named(named, Rc::new(value))),
            (Some(value), _) => Ok(value),
            (None, _) => {
                let text = At::Operand(operand).text(&self.parsed.source);
                Err(self.fail(format!("expected {expected}; found {text}")))
            }
        }
    }
}
