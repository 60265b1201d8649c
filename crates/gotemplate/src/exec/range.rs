//! `range`.

use std::rc::Rc;

use crate::{
    ast::Branch,
    exec::{Flow, Machine, Res, Slot},
    types::{Kind, Type},
    value::Value,
};

impl<'a> Machine<'a> {
    pub(super) fn range(&mut self, dot: &Slot, branch: &'a Branch) -> Res<Flow> {
        let outer = self.variables.len();
        let value = self.pipeline(dot, &branch.pipe)?;
        let ran = self.iterate(&value, branch)?;
        let flow = match (&branch.other, ran) {
            (Some(other), false) => self.walk(dot, other)?,
            _ => Flow::End,
        };
        self.variables.truncate(outer);
        // A `break` in the list after `else` belongs to this range, and a `continue` there to the one around it.
        Ok(if flow == Flow::Break { Flow::End } else { flow })
    }

    /// Runs the list for every element; false when there was none.
    fn iterate(&mut self, value: &Value, branch: &'a Branch) -> Res<bool> {
        let boxed = value.type_of().and_then(Type::elem) == Some(Type::Interface);
        match value {
            Value::List(list) => {
                for (place, item) in list.iter().enumerate() {
                    let elem = Slot { value: item.clone(), boxed };
                    if !self.iteration(branch, || Value::int(place as i64), elem)? {
                        break;
                    }
                }
                Ok(!list.is_empty())
            }
            Value::Map(map) => {
                let entries = map.entries();
                let any = !entries.is_empty();
                for (key, item) in entries {
                    if !self.iteration(branch, || Value::String(key), Slot { value: item, boxed })? {
                        break;
                    }
                }
                Ok(any)
            }
            Value::Bytes(bytes) => {
                for (place, byte) in bytes.iter().enumerate() {
                    let elem = Slot { value: Value::Uint(Kind::Uint8, u64::from(*byte)), boxed: false };
                    if !self.iteration(branch, || Value::int(place as i64), elem)? {
                        break;
                    }
                }
                Ok(!bytes.is_empty())
            }
            Value::Missing => Ok(false),
            Value::NilOf(of) if matches!(of.kind(), Kind::Slice | Kind::Map) => Ok(false),
            _ => self.count(value, branch),
        }
    }

    /// Over an integer: 0, 1, 2, … below it.
    fn count(&mut self, value: &Value, branch: &'a Branch) -> Res<bool> {
        let end = match value.plain() {
            Value::Int(_, end) => u64::try_from(*end).unwrap_or(0),
            Value::Uint(_, end) => *end,
            _ => {
                let shown = shown(value);
                return Err(self.fail(format!("range can't iterate over {shown}")));
            }
        };
        if branch.pipe.declared.len() > 1 {
            let shown = shown(value);
            return Err(self.fail(format!("can't use {shown} to iterate over more than one variable")));
        }
        for number in 0..end {
            let elem = like(value, number);
            if !self.iteration(branch, Value::default, Slot { value: elem, boxed: false })? {
                break;
            }
        }
        Ok(end > 0)
    }

    /// One run of the list; false after `break`.
    fn iteration(&mut self, branch: &'a Branch, index: impl FnOnce() -> Value, elem: Slot) -> Res<bool> {
        self.step()?;
        let mark = self.variables.len();
        let declared = &branch.pipe.declared;
        let unboxed = |value| Slot { value, boxed: false };
        match (&**declared, branch.pipe.assign) {
            ([], _) => {}
            ([one], true) => self.set_variable(*one, elem.clone())?,
            ([first, second, ..], true) => {
                self.set_variable(*first, unboxed(index()))?;
                self.set_variable(*second, elem.clone())?;
            }
            (declared, false) => {
                self.set_top(1, elem.clone());
                if declared.len() > 1 {
                    self.set_top(2, unboxed(index()));
                }
            }
        }
        let flow = self.walk(&elem, &branch.list)?;
        self.variables.truncate(mark);
        Ok(flow != Flow::Break)
    }

    fn set_top(&mut self, from_top: usize, slot: Slot) {
        let place = self.variables.len().checked_sub(from_top);
        if let Some(variable) = place.and_then(|place| self.variables.get_mut(place)) {
            variable.1 = slot;
        }
    }
}

/// A number of the same type.
fn like(value: &Value, number: u64) -> Value {
    match value {
        Value::Int(kind, _) => Value::Int(*kind, number as i64),
        Value::Uint(kind, _) => Value::Uint(*kind, number),
        Value::Named(named, inner) => Value::Named(named, Rc::new(like(inner, number))),
        other => other.clone(),
    }
}

fn shown(value: &Value) -> String {
    let mut out = Vec::new();
    crate::format::print_pointed(&mut out, value, false, 1 << 20);
    String::from_utf8_lossy(&out).into_owned()
}
