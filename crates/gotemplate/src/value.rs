//! Values as templates see them, with Go's kinds.

mod from;
mod json;
mod list;
mod map;
pub(crate) mod named;
mod object;
mod teardown;

pub use json::{NoJson, Numbers};
pub use list::List;
pub use map::Map;
pub use named::duration_text;
pub use object::{ErrorValue, Object};
pub use teardown::Scope;

use std::{fmt, rc::Rc};

use crate::{
    function::Function,
    text::Str,
    types::{ANY_SLICE, BYTES, DURATION, JSON_NUMBER, Kind, Named, STRING_SLICE, Type},
};

/// A value with its Go type. Cloning is cheap and shares: a map changed through one clone is changed in all.
#[derive(Clone, Default)]
pub enum Value {
    /// No value at all (Go's zero `reflect.Value`): what a missing key is. Functions never see it, except through
    /// parameters of [`Type::Reflect`].
    #[default]
    Missing,
    /// A nil `interface{}`.
    Nil,
    /// A nil pointer, map, slice or function of a type.
    NilOf(Type),
    /// `bool`.
    Bool(bool),
    /// A signed integer; the kind says which.
    Int(Kind, i64),
    /// An unsigned integer; the kind says which.
    Uint(Kind, u64),
    /// A `float64` or `float32`.
    Float(Kind, f64),
    /// A `complex128`.
    Complex(f64, f64),
    /// `string`.
    String(Str),
    /// `[]byte`.
    Bytes(Str),
    /// Any other slice.
    List(List),
    /// A map with string keys.
    Map(Map),
    /// A number or string of a named type: `time.Duration`, `json.Number`.
    Named(&'static Named, Rc<Value>),
    /// A function.
    Func(Function),
    /// Anything else: structs, pointers to structs, errors.
    Object(Rc<dyn Object>),
}

impl Value {
    /// An `int`.
    #[must_use]
    pub fn int(number: i64) -> Self {
        Self::Int(Kind::Int, number)
    }

    /// An `int64`.
    #[must_use]
    pub fn int64(number: i64) -> Self {
        Self::Int(Kind::Int64, number)
    }

    /// A `float64`.
    #[must_use]
    pub fn float(number: f64) -> Self {
        Self::Float(Kind::Float64, number)
    }

    /// A `string`.
    #[must_use]
    pub fn string(text: impl Into<Str>) -> Self {
        Self::String(text.into())
    }

    /// A `[]interface {}`.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Self {
        Self::List(List::new(ANY_SLICE, items))
    }

    /// A `[]string`.
    #[must_use]
    pub fn strings<S: Into<Str>>(items: impl IntoIterator<Item = S>) -> Self {
        Self::List(List::new(STRING_SLICE, items.into_iter().map(|it| Self::String(it.into())).collect()))
    }

    /// A `map[string]interface {}`.
    #[must_use]
    pub fn map<S: Into<Str>>(entries: impl IntoIterator<Item = (S, Value)>) -> Self {
        let map = Map::new();
        for (key, value) in entries {
            map.set(key, value);
        }
        Self::Map(map)
    }

    /// A `time.Duration` of so many nanoseconds.
    #[must_use]
    pub fn duration(nanoseconds: i64) -> Self {
        Self::Named(&DURATION, Rc::new(Self::int64(nanoseconds)))
    }

    /// A `json.Number`.
    #[must_use]
    pub fn number(text: impl Into<Str>) -> Self {
        Self::Named(&JSON_NUMBER, Rc::new(Self::String(text.into())))
    }

    /// An `error` that prints as this text.
    #[must_use]
    pub fn error(text: impl Into<Str>) -> Self {
        Self::Object(Rc::new(ErrorValue(text.into())))
    }

    /// An opaque object.
    #[must_use]
    pub fn object(object: impl Object + 'static) -> Self {
        Self::Object(Rc::new(object))
    }

    /// Its dynamic type; `None` for nil and for no value.
    #[must_use]
    pub fn type_of(&self) -> Option<Type> {
        Some(match self {
            Self::Missing | Self::Nil => return None,
            Self::NilOf(of) => *of,
            Self::Bool(_) => Type::Bool,
            Self::Int(kind, _) | Self::Uint(kind, _) | Self::Float(kind, _) => number_type(*kind),
            Self::Complex(..) => Type::Complex128,
            Self::String(_) => Type::String,
            Self::Bytes(_) => BYTES,
            Self::List(list) => list.type_of(),
            Self::Map(map) => map.type_of(),
            Self::Named(named, _) => Type::Named(named),
            Self::Func(function) => function.type_of(),
            Self::Object(object) => object.type_of(),
        })
    }

    /// The name of its type as `%T` and `typeOf` print it; `<nil>` for nil.
    #[must_use]
    pub fn type_name(&self) -> String {
        self.type_of().map_or_else(|| "<nil>".to_owned(), |it| it.to_string())
    }

    /// Its kind; [`Kind::Invalid`] for nil and for no value.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.type_of().map_or(Kind::Invalid, Type::kind)
    }

    /// Whether it is nil: no value, a nil interface, or a nil pointer, map, slice or function.
    #[must_use]
    pub fn is_nil(&self) -> bool {
        matches!(self, Self::Missing | Self::Nil | Self::NilOf(_))
    }

    /// The value without its named type: a `time.Duration` becomes an `int64`, a `json.Number` a `string`.
    #[must_use]
    pub fn plain(&self) -> &Self {
        match self {
            Self::Named(_, inner) => inner.plain(),
            other => other,
        }
    }

    /// Truth as `if` sees it: not nil, not zero, not empty; structs are always true.
    #[must_use]
    pub fn truth(&self) -> bool {
        match self {
            Self::Missing | Self::Nil | Self::NilOf(_) => false,
            Self::Bool(it) => *it,
            Self::Int(_, it) => *it != 0,
            Self::Uint(_, it) => *it != 0,
            Self::Float(_, it) => *it != 0.0,
            Self::Complex(re, im) => *re != 0.0 || *im != 0.0,
            Self::String(it) | Self::Bytes(it) => !it.is_empty(),
            Self::List(it) => !it.is_empty(),
            Self::Map(it) => !it.is_empty(),
            Self::Named(_, inner) => inner.truth(),
            Self::Func(_) => true,
            Self::Object(object) => object.truth(),
        }
    }

    /// The text of a `string` (or of a named one).
    #[must_use]
    pub fn as_str(&self) -> Option<&Str> {
        match self.plain() {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// The number of a signed integer.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self.plain() {
            Self::Int(_, it) => Some(*it),
            _ => None,
        }
    }

    /// The bool.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(it) => Some(*it),
            _ => None,
        }
    }

    /// The map, when it is one that is not nil.
    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(map) => Some(map),
            _ => None,
        }
    }

    /// The list, when it is one that is not nil and not `[]byte`.
    #[must_use]
    pub fn as_list(&self) -> Option<&List> {
        match self {
            Self::List(list) => Some(list),
            _ => None,
        }
    }

    /// The elements of any slice, `[]byte` and nil slices included; `None` for what is no slice.
    #[must_use]
    pub fn elements(&self) -> Option<Vec<Value>> {
        match self {
            Self::List(list) => Some(list.to_vec()),
            Self::Bytes(bytes) => Some(bytes.iter().map(|byte| Self::Uint(Kind::Uint8, u64::from(*byte))).collect()),
            Self::NilOf(of) if of.kind() == Kind::Slice => Some(Vec::new()),
            _ => None,
        }
    }

    /// The zero value of a type; nil for interfaces.
    #[must_use]
    pub fn zero(of: Type) -> Self {
        let kind = of.kind();
        let plain = match kind {
            Kind::Interface | Kind::Invalid => return Self::Nil,
            Kind::Map | Kind::Slice | Kind::Pointer | Kind::Func => return Self::NilOf(of),
            Kind::Bool => Self::Bool(false),
            Kind::String => Self::string(""),
            Kind::Struct => return Self::Missing,
            Kind::Complex64 | Kind::Complex128 => Self::Complex(0.0, 0.0),
            kind if kind.is_int() => Self::Int(kind, 0),
            kind if kind.is_uint() => Self::Uint(kind, 0),
            kind => Self::Float(kind, 0.0),
        };
        match of {
            Type::Named(named) => Self::Named(named, Rc::new(plain)),
            _ => plain,
        }
    }
}

fn number_type(kind: Kind) -> Type {
    match kind {
        Kind::Int8 => Type::Int8,
        Kind::Int16 => Type::Int16,
        Kind::Int32 => Type::Int32,
        Kind::Int64 => Type::Int64,
        Kind::Uint => Type::Uint,
        Kind::Uint8 => Type::Uint8,
        Kind::Uint16 => Type::Uint16,
        Kind::Uint32 => Type::Uint32,
        Kind::Uint64 => Type::Uint64,
        Kind::Uintptr => Type::Uintptr,
        Kind::Float32 => Type::Float32,
        Kind::Float64 => Type::Float64,
        _ => Type::Int,
    }
}

impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.type_name(), self)
    }
}

impl fmt::Display for Value {
    /// As `%v` prints it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&crate::format::sprint_value(self)))
    }
}
