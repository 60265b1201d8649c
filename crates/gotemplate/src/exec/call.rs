//! Calls of functions and methods.

use std::rc::Rc;

use crate::{
    ast::{At, Found, FunctionName, Operand},
    builtin,
    error::{Bound, FuncError},
    exec::{Machine, Res, Slot},
    function::{Function, Signature},
    types::{Methods, Type},
    value::{Object, Value},
};

/// What is called.
pub(super) enum Callee {
    Function(Function),
    Object(Rc<dyn Object>, &'static Signature),
    Method(Value, &'static (dyn Methods + Sync), &'static Signature),
    /// `call`
    Call,
    /// `slice`
    Slice,
}

impl Callee {
    fn signature(&self) -> Signature {
        match self {
            Self::Function(function) => *function.signature(),
            Self::Object(_, signature) | Self::Method(_, _, signature) => **signature,
            Self::Call | Self::Slice => builtin::SOME,
        }
    }
}

impl<'a> Machine<'a> {
    /// A function by its name.
    pub(super) fn function(
        &mut self,
        dot: &Slot,
        operand: &'a Operand,
        name: &'a FunctionName,
        at: At<'a>,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Res<Value> {
        self.at = Some(At::Operand(operand));
        let replaced = self.ctx.options.functions.as_ref().and_then(|it| it.get(name.name));
        if let Some(function) = replaced {
            let callee = Callee::Function(function.clone());
            return self.call(dot, callee, name.name, at, args, last);
        }
        let callee = match &name.found {
            Found::Own(function) | Found::Builtin(function) => Callee::Function(function.clone()),
            Found::Call => Callee::Call,
            Found::Slice => Callee::Slice,
            Found::And => return self.logic(dot, "and", args, last),
            Found::Or => return self.logic(dot, "or", args, last),
        };
        self.call(dot, callee, name.name, at, args, last)
    }

    /// `and` and `or`: the first argument that decides, or the last one.
    fn logic(&mut self, dot: &Slot, name: &str, args: &'a [Operand], last: Option<Value>) -> Res<Value> {
        self.step()?;
        if args.is_empty() && last.is_none() {
            return Err(self.fail(format!("wrong number of args for {name}: want at least 1 got 0")));
        }
        let mut value = Value::Missing;
        for arg in args {
            value = self.arg(dot, Type::Reflect, arg)?;
            if value.truth() == (name == "or") {
                return Ok(value);
            }
        }
        Ok(last.unwrap_or(value))
    }

    /// Calls with arguments that are evaluated and checked here.
    pub(super) fn call(
        &mut self,
        dot: &Slot,
        callee: Callee,
        name: &str,
        at: At<'a>,
        args: &'a [Operand],
        last: Option<Value>,
    ) -> Res<Value> {
        self.step()?;
        let signature = callee.signature();
        let given = args.len() + usize::from(last.is_some());
        let wanted = signature.params.len();
        if signature.variadic {
            if given + 1 < wanted {
                let least = wanted - 1;
                let got = args.len();
                return Err(self.fail(format!("wrong number of args for {name}: want at least {least} got {got}")));
            }
        } else if given != wanted {
            return Err(self.fail(format!("wrong number of args for {name}: want {wanted} got {given}")));
        }
        let further = signature.params.last().copied().unwrap_or(Type::Interface);
        let mut values = Vec::with_capacity(given);
        let mut boxed = 0_u64;
        for (place, arg) in args.iter().enumerate() {
            let param = signature.params.get(place).copied().unwrap_or(further);
            values.push(self.arg(dot, param, arg)?);
            boxed |= u64::from(self.boxed) << place.min(63);
        }
        if let Some(last) = last {
            let param = signature.params.get(args.len()).copied().unwrap_or(further);
            values.push(self.validated(last, param)?);
        }
        let made = self.invoke(callee, name, &values, boxed, args).and_then(|value| {
            self.charge_made(&value)?;
            Ok(value)
        });
        made.map_err(|error| {
            self.at = Some(at);
            self.failed(error.reworded(|text| format!("error calling {name}: {text}")))
        })
    }

    /// What a function made counts as output, and a list as steps, so that nothing grows without bound in variables.
    fn charge_made(&mut self, value: &Value) -> Result<(), Bound> {
        match value {
            Value::String(text) | Value::Bytes(text) => self.ctx.charge_output(text.len()),
            Value::List(list) => self.ctx.charge(list.len() as u64 / 8),
            _ => Ok(()),
        }
    }

    fn invoke(
        &mut self,
        callee: Callee,
        name: &str,
        values: &[Value],
        boxed: u64,
        args: &'a [Operand],
    ) -> Result<Value, FuncError> {
        match callee {
            Callee::Function(function) => function.call(&mut self.ctx, values),
            Callee::Object(object, _) => object.call(name, &mut self.ctx, values),
            Callee::Method(receiver, methods, _) => methods.call(&receiver, name, &mut self.ctx, values),
            Callee::Slice => builtin::slice(values, boxed),
            Callee::Call => {
                let (function, rest) = values.split_first().unwrap_or((builtin::NIL, &[]));
                let text = match args.first() {
                    Some(first) => At::Operand(first).text(&self.parsed.source),
                    None => match function.as_str() {
                        Some(text) => text.to_str().into_owned(),
                        None => format!("<{} Value>", function.type_name()),
                    },
                };
                builtin::call(&mut self.ctx, &text, function, rest)
            }
        }
    }
}
