//! Lists, maps, structs and pointers.

use crate::{
    format::printer::Printer,
    text::Str,
    types::{Kind, Type},
    value::Value,
};

impl Printer {
    pub(super) fn composed(&mut self, value: &Value, verb: char, depth: usize) {
        match value {
            Value::List(list) => self.slice(value, list, verb, depth),
            Value::Map(map) => self.map(value, &map.entries(), verb, depth),
            Value::NilOf(of) => self.nil(value, *of, verb, depth),
            Value::Object(object) => {
                let is_pointer = object.type_of().kind() == Kind::Pointer;
                if is_pointer && depth > 0 {
                    self.pointer(value, verb);
                    return;
                }
                if is_pointer {
                    self.buf.push(b'&');
                }
                self.fields(value, &object.fields(), verb, depth + usize::from(is_pointer));
            }
            _ => self.pointer(value, verb),
        }
    }

    pub(super) fn slice(&mut self, value: &Value, items: &[Value], verb: char, depth: usize) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.buf.extend_from_slice(value.type_name().as_bytes());
        }
        self.buf.push(if sharp { b'{' } else { b'[' });
        for (place, item) in items.iter().enumerate() {
            self.separator(place);
            self.value(item, verb, depth + 1);
        }
        self.buf.push(if sharp { b'}' } else { b']' });
    }

    fn separator(&mut self, place: usize) {
        if place > 0 {
            self.buf.extend_from_slice(if self.flags.sharp_v { b", " } else { b" " });
        }
    }

    fn map(&mut self, value: &Value, entries: &[(Str, Value)], verb: char, depth: usize) {
        let sharp = self.flags.sharp_v;
        if sharp {
            self.buf.extend_from_slice(value.type_name().as_bytes());
            self.buf.push(b'{');
        } else {
            self.buf.extend_from_slice(b"map[");
        }
        for (place, (key, item)) in entries.iter().enumerate() {
            self.separator(place);
            self.value(&Value::String(key.clone()), verb, depth + 1);
            self.buf.push(b':');
            self.value(item, verb, depth + 1);
        }
        self.buf.push(if sharp { b'}' } else { b']' });
    }

    pub(super) fn fields(&mut self, value: &Value, fields: &[(&'static str, Value)], verb: char, depth: usize) {
        if self.flags.sharp_v {
            let name = value.type_name();
            self.buf.extend_from_slice(name.trim_start_matches('*').as_bytes());
        }
        self.buf.push(b'{');
        for (place, (name, item)) in fields.iter().enumerate() {
            self.separator(place);
            if self.flags.plus_v || self.flags.sharp_v {
                self.buf.extend_from_slice(name.as_bytes());
                self.buf.push(b':');
            }
            self.value(item, verb, depth + 1);
        }
        self.buf.push(b'}');
    }

    fn nil(&mut self, value: &Value, of: Type, verb: char, depth: usize) {
        let composed = matches!(of.kind(), Kind::Slice | Kind::Map);
        if !composed {
            self.pointer(value, verb);
            return;
        }
        if of.elem() == Some(Type::Uint8) && matches!(verb, 's' | 'q' | 'x' | 'X') {
            self.bytes(value, b"", verb, "[]uint8", depth);
            return;
        }
        if self.flags.sharp_v {
            // By itself, `[]byte` is called so.
            let bytes = of == crate::BYTES && depth == 0 && matches!(verb, 'v' | 'd');
            let name = if bytes { "[]byte".to_owned() } else { of.to_string() };
            self.buf.extend_from_slice(name.as_bytes());
            self.buf.extend_from_slice(b"(nil)");
            return;
        }
        self.buf.extend_from_slice(if of.kind() == Kind::Map { b"map[]" } else { b"[]" });
    }

    /// An address, for what has one.
    pub(super) fn pointer(&mut self, value: &Value, verb: char) {
        let Some(address) = address(value) else {
            self.bad_verb(value, verb);
            return;
        };
        match verb {
            'v' if self.flags.sharp_v => {
                self.buf.extend_from_slice(format!("({})(", value.type_name()).as_bytes());
                if address == 0 {
                    self.buf.extend_from_slice(b"nil");
                } else {
                    self.hex_with_prefix(address, true);
                }
                self.buf.push(b')');
            }
            'v' if address == 0 => self.pad(b"<nil>"),
            'v' | 'p' => {
                let sharp = self.flags.sharp;
                self.hex_with_prefix(address, !sharp);
            }
            'b' | 'o' | 'd' | 'x' | 'X' => {
                self.integer(address, false, verb, false);
            }
            _ => self.bad_verb(value, verb),
        }
    }
}

/// Where a value stands in memory; 0 for nil, `None` for what is not a reference.
fn address(value: &Value) -> Option<u64> {
    Some(match value {
        Value::NilOf(_) => 0,
        Value::List(list) => list.address() as u64,
        Value::Map(map) => map.address() as u64,
        Value::Bytes(bytes) => bytes.as_ptr() as u64,
        Value::Func(function) => function.address() as u64,
        Value::Object(object) if object.type_of().kind() == Kind::Pointer => {
            std::rc::Rc::as_ptr(object).cast::<u8>() as u64
        }
        _ => return None,
    })
}
