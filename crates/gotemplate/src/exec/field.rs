//! Fields, methods and map entries.

use crate::{
    ast::{At, Operand, Term},
    context::MissingKey,
    exec::{Machine, Res, Slot, call::Callee},
    format,
    text::Str,
    types::{Kind, Type},
    value::Value,
};

impl<'a> Machine<'a> {
    /// `(pipe).a.b`
    pub(super) fn chain_operand(
        &mut self,
        dot: &Slot,
        operand: &'a Operand,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Res<Value> {
        self.at = Some(At::Operand(operand));
        let Term::Chain(inner, names) = &operand.term else {
            return Ok(Value::Missing);
        };
        if matches!(inner.term, Term::Nil) {
            let text = At::Operand(operand).text(&self.parsed.source);
            return Err(self.fail(format!("indirection through explicit nil in {text}")));
        }
        let value = match &inner.term {
            Term::Pipe(pipe) => {
                self.at = Some(At::Operand(inner));
                self.check_depth()?;
                self.pipeline(dot, pipe)?
            }
            Term::Function(name) => {
                self.at = Some(At::Operand(inner));
                self.function(dot, inner, name, At::Operand(inner), &[], None)?
            }
            _ => Value::Missing,
        };
        self.chain(dot, &Slot { value, boxed: false }, names, At::Operand(operand), args, last)
    }

    /// `$x` and `$x.a.b`
    pub(super) fn variable_operand(
        &mut self,
        dot: &Slot,
        operand: &'a Operand,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Res<Value> {
        self.at = Some(At::Operand(operand));
        let Term::Variable(number, names) = &operand.term else {
            return Ok(Value::Missing);
        };
        if names.is_empty() {
            let Slot { value, boxed } = self.variable(*number)?.clone();
            self.boxed = boxed;
            self.not_a_function(operand, args, last.as_ref())?;
            return Ok(value);
        }
        let slot = self.variable(*number)?.clone();
        self.chain(dot, &slot, names, At::Operand(operand), args, last)
    }

    /// Follows names from a receiver; only the last may be a method with arguments.
    pub(super) fn chain(
        &mut self,
        dot: &Slot,
        receiver: &Slot,
        names: &'a [Str],
        at: At<'a>,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Res<Value> {
        let Some((final_name, names)) = names.split_last() else {
            return Ok(receiver.value.clone());
        };
        let mut slot: Option<Slot> = None;
        for name in names {
            let next = self.field(dot, slot.as_ref().unwrap_or(receiver), name, at, &[], None)?;
            slot = Some(next);
        }
        let slot = self.field(dot, slot.as_ref().unwrap_or(receiver), final_name, at, args, last)?;
        self.boxed = slot.boxed;
        Ok(slot.value)
    }

    fn field(
        &mut self,
        dot: &Slot,
        receiver: &Slot,
        name: &Str,
        at: At<'a>,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Res<Slot> {
        let has_args = !args.is_empty() || last.is_some();
        let value = &receiver.value;
        if let Some(callee) = method(value, name) {
            let name = name.to_str().into_owned();
            let value = self.call(dot, callee, &name, at, args, last)?;
            return Ok(Slot { value, boxed: false });
        }
        match value {
            Value::Missing => {
                if self.ctx.options.missing_key == MissingKey::Error {
                    return Err(self.fail(format!("nil data; no entry for key {}", format::quote(name))));
                }
                Ok(Slot { value: Value::Missing, boxed: false })
            }
            Value::Nil => Err(self.fail(format!("nil pointer evaluating interface {{}}.{name}"))),
            Value::Map(map) => {
                if has_args {
                    return Err(self.fail(format!("{name} is not a method but has arguments")));
                }
                let elem = map.type_of().elem().unwrap_or(Type::Interface);
                match map.get(name) {
                    Some(value) => Ok(Slot { value, boxed: elem.kind() == Kind::Interface }),
                    None => self.missing(name, elem),
                }
            }
            Value::NilOf(of) if of.kind() == Kind::Map => {
                if has_args {
                    return Err(self.fail(format!("{name} is not a method but has arguments")));
                }
                self.missing(name, of.elem().unwrap_or(Type::Interface))
            }
            Value::NilOf(of) if of.kind() == Kind::Pointer => {
                let of = if receiver.boxed { "interface {}".to_owned() } else { of.to_string() };
                Err(self.fail(format!("nil pointer evaluating {of}.{name}")))
            }
            Value::Object(object) => match name.as_str().and_then(|name| object.field(name)) {
                Some(_) if has_args => {
                    Err(self.fail(format!("{name} has arguments but cannot be invoked as function")))
                }
                Some(value) => Ok(Slot { value, boxed: false }),
                None => Err(self.no_field(receiver, name)),
            },
            _ => Err(self.no_field(receiver, name)),
        }
    }

    #[cold]
    fn no_field(&self, receiver: &Slot, name: &Str) -> Box<crate::ExecError> {
        let of = if receiver.boxed { "interface {}".to_owned() } else { receiver.value.type_name() };
        self.fail(format!("can't evaluate field {name} in type {of}"))
    }

    fn missing(&self, name: &Str, elem: Type) -> Res<Slot> {
        match self.ctx.options.missing_key {
            MissingKey::Invalid => Ok(Slot { value: Value::Missing, boxed: false }),
            MissingKey::Zero => Ok(Slot { value: Value::zero(elem), boxed: elem.kind() == Kind::Interface }),
            MissingKey::Error => Err(self.fail(format!("map has no entry for key {}", format::quote(name)))),
        }
    }
}

/// The method of this name, if the value has one.
fn method(value: &Value, name: &Str) -> Option<Callee> {
    let named = match value {
        Value::Object(object) => {
            let text = name.as_str()?;
            let signature = object.method(text)?;
            return Some(Callee::Object(object.clone(), signature));
        }
        Value::Named(named, _) => named,
        Value::Map(map) => match map.type_of() {
            Type::Named(named) => named,
            _ => return None,
        },
        Value::List(list) => match list.type_of() {
            Type::Named(named) => named,
            _ => return None,
        },
        Value::NilOf(Type::Named(named)) => named,
        _ => return None,
    };
    let methods = named.methods?;
    let signature = methods.method(name.as_str()?)?;
    Some(Callee::Method(value.clone(), methods, signature))
}
