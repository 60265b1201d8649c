//! Pipelines and commands.

use crate::{
    ast::{At, Command, Number, Operand, Pipe, Term},
    exec::{Machine, Res, Slot},
    value::Value,
};

impl<'a> Machine<'a> {
    /// The value of a pipeline, out of its interface; declared variables are set.
    pub(super) fn pipeline(&mut self, dot: &Slot, pipe: &'a Pipe) -> Res<Value> {
        self.at = Some(At::Pipe(pipe));
        let mut value: Option<Value> = None;
        for command in pipe.commands.iter() {
            let result = self.command(dot, command, value)?;
            value = Some(match result {
                Value::Nil => Value::Missing,
                other => other,
            });
        }
        let value = value.unwrap_or_default();
        for number in pipe.declared.iter() {
            let slot = Slot { value: value.clone(), boxed: false };
            if pipe.assign {
                self.set_variable(*number, slot)?;
            } else {
                self.variables.push((*number, slot));
            }
        }
        Ok(value)
    }

    /// A command; `last` is what the command before it in the pipeline returned.
    fn command(&mut self, dot: &Slot, command: &'a Command, last: Option<Value>) -> Res<Value> {
        let Some((first, args)) = command.args.split_first() else {
            return Ok(Value::Missing);
        };
        match &first.term {
            Term::Field(names) => {
                self.at = Some(At::Operand(first));
                self.chain(dot, dot, names, At::Operand(first), args, last)
            }
            Term::Chain(..) => self.chain_operand(dot, first, args, last),
            Term::Function(name) => self.function(dot, first, name, At::Command(command), args, last),
            Term::Pipe(pipe) => {
                self.not_a_function(first, args, last.as_ref())?;
                self.check_depth()?;
                self.pipeline(dot, pipe)
            }
            Term::Variable(..) => self.variable_operand(dot, first, args, last),
            _ => {
                self.at = Some(At::Operand(first));
                self.not_a_function(first, args, last.as_ref())?;
                self.literal(dot, first)
            }
        }
    }

    fn literal(&mut self, dot: &Slot, operand: &'a Operand) -> Res<Value> {
        match &operand.term {
            Term::Bool(it) => Ok(Value::Bool(*it)),
            Term::Dot => Ok(dot.value.clone()),
            Term::Number(number) => self.ideal(operand, number),
            Term::String(text) => Ok(Value::String(text.clone())),
            Term::Nil => Err(self.fail("nil is not a command")),
            _ => Ok(Value::Missing),
        }
    }

    /// A number constant where no type is asked for: what it looks like decides.
    pub(super) fn ideal(&mut self, operand: &'a Operand, number: &Number) -> Res<Value> {
        self.at = Some(At::Operand(operand));
        if let Some((real, imaginary)) = number.complex {
            return Ok(Value::Complex(real, imaginary));
        }
        let text = number.text.as_bytes();
        let is_hex = matches!(text, [b'0', b'x' | b'X', _, ..]) && !number.text.contains(['p', 'P']);
        let is_char = text.first() == Some(&b'\'');
        let looks_like_a_float = !is_hex && !is_char && number.text.contains(['.', 'e', 'E', 'p', 'P']);
        if let Some(float) = number.float.filter(|_| looks_like_a_float) {
            return Ok(Value::float(float));
        }
        if let Some(int) = number.int {
            return Ok(Value::int(int));
        }
        if number.uint.is_some() {
            return Err(self.fail(format!("{} overflows int", number.text)));
        }
        Ok(Value::Missing)
    }

    pub(super) fn not_a_function(&self, first: &'a Operand, args: &[Operand], last: Option<&Value>) -> Res<()> {
        if args.is_empty() && last.is_none() {
            return Ok(());
        }
        let text = At::Operand(first).text(&self.parsed.source);
        Err(self.fail(format!("can't give argument to non-function {text}")))
    }
}
