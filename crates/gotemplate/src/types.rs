//! Go's types, as far as a template can tell them apart.

use std::fmt;

use crate::{context::Ctx, error::FuncError, function::Signature, value::Value};

/// What Go's `reflect.Kind` tells of a type; its text is what `kindOf` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each is the Go kind of that name")]
pub enum Kind {
    Invalid,
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex64,
    Complex128,
    Func,
    Interface,
    Map,
    Pointer,
    Slice,
    String,
    Struct,
}

impl Kind {
    /// The kind's name in Go (`slice`, `ptr`, `float64`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Invalid => "invalid",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Int8 => "int8",
            Self::Int16 => "int16",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Uint => "uint",
            Self::Uint8 => "uint8",
            Self::Uint16 => "uint16",
            Self::Uint32 => "uint32",
            Self::Uint64 => "uint64",
            Self::Uintptr => "uintptr",
            Self::Float32 => "float32",
            Self::Float64 => "float64",
            Self::Complex64 => "complex64",
            Self::Complex128 => "complex128",
            Self::Func => "func",
            Self::Interface => "interface",
            Self::Map => "map",
            Self::Pointer => "ptr",
            Self::Slice => "slice",
            Self::String => "string",
            Self::Struct => "struct",
        }
    }

    /// Whether it is one of the signed integers.
    #[must_use]
    pub fn is_int(self) -> bool {
        matches!(self, Self::Int | Self::Int8 | Self::Int16 | Self::Int32 | Self::Int64)
    }

    /// Whether it is one of the unsigned integers.
    #[must_use]
    pub fn is_uint(self) -> bool {
        matches!(self, Self::Uint | Self::Uint8 | Self::Uint16 | Self::Uint32 | Self::Uint64 | Self::Uintptr)
    }

    /// Whether it is one of the floating point numbers.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, Self::Float32 | Self::Float64)
    }

    /// How many bits a number of this kind has; 0 for what is no number.
    #[must_use]
    pub fn bits(self) -> u32 {
        match self {
            Self::Int8 | Self::Uint8 => 8,
            Self::Int16 | Self::Uint16 => 16,
            Self::Int32 | Self::Uint32 | Self::Float32 => 32,
            Self::Int | Self::Int64 | Self::Uint | Self::Uint64 | Self::Uintptr | Self::Float64 | Self::Complex64 => 64,
            Self::Complex128 => 128,
            _ => 0,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A Go type. Cheap to copy; composed types are constants, for example `Type::Slice(&Type::Interface)`.
///
/// Maps have string keys: nothing that reaches a chart's templates has others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the Go type of that name")]
pub enum Type {
    Bool,
    Int,
    Int8,
    Int16,
    Int32,
    Int64,
    Uint,
    Uint8,
    Uint16,
    Uint32,
    Uint64,
    Uintptr,
    Float32,
    Float64,
    Complex128,
    String,
    /// `interface{}`: takes anything.
    Interface,
    /// `error`.
    Error,
    /// A function, of which only the text of its type is known.
    Func(&'static str),
    /// `reflect.Value`, as the parameter of functions that look at values themselves: takes anything, and nothing at all.
    Reflect,
    /// A slice with elements of one type.
    Slice(&'static Type),
    /// A map from string to one type.
    Map(&'static Type),
    /// A pointer.
    Pointer(&'static Type),
    /// A type with a name of its own.
    Named(&'static Named),
}

/// A named type: `time.Duration`, `chart.Metadata`, `common.Values`.
pub struct Named {
    /// The name as `%T` prints it, package included.
    pub name: &'static str,
    /// What it is made of; `None` for a struct.
    pub under: Option<Type>,
    /// The methods of values that are not objects (an [`crate::Object`] has its own).
    pub methods: Option<&'static (dyn Methods + Sync)>,
}

impl fmt::Debug for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

impl PartialEq for Named {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for Named {}

/// The methods of a named type.
pub trait Methods {
    /// What the method of this name takes; `None` when there is none.
    fn method(&self, name: &str) -> Option<&'static Signature>;

    /// Calls a method that [`Methods::method`] knows, with arguments that fit its signature.
    ///
    /// # Errors
    /// What the method returned as error.
    fn call(&self, receiver: &Value, name: &str, ctx: &mut Ctx<'_>, args: &[Value]) -> Result<Value, FuncError>;

    /// What `String() string` or `Error() string` returns, when the type has one: that is how it prints.
    fn text(&self, receiver: &Value) -> Option<crate::Str> {
        let _ = receiver;
        None
    }
}

/// `json.Number`.
pub static JSON_NUMBER: Named =
    Named { name: "json.Number", under: Some(Type::String), methods: Some(&crate::value::named::NumberMethods) };

/// `time.Duration`, an int64 of nanoseconds.
pub static DURATION: Named =
    Named { name: "time.Duration", under: Some(Type::Int64), methods: Some(&crate::value::named::DurationMethods) };

/// `[]interface {}`.
pub const ANY_SLICE: Type = Type::Slice(&Type::Interface);
/// `[]string`.
pub const STRING_SLICE: Type = Type::Slice(&Type::String);
/// `[]int`.
pub const INT_SLICE: Type = Type::Slice(&Type::Int);
/// `[]uint8`.
pub const BYTES: Type = Type::Slice(&Type::Uint8);
/// `map[string]interface {}`.
pub const ANY_MAP: Type = Type::Map(&Type::Interface);
/// `map[string]string`.
pub const STRING_MAP: Type = Type::Map(&Type::String);

impl Type {
    /// Its kind.
    #[must_use]
    pub fn kind(self) -> Kind {
        match self {
            Self::Bool => Kind::Bool,
            Self::Int => Kind::Int,
            Self::Int8 => Kind::Int8,
            Self::Int16 => Kind::Int16,
            Self::Int32 => Kind::Int32,
            Self::Int64 => Kind::Int64,
            Self::Uint => Kind::Uint,
            Self::Uint8 => Kind::Uint8,
            Self::Uint16 => Kind::Uint16,
            Self::Uint32 => Kind::Uint32,
            Self::Uint64 => Kind::Uint64,
            Self::Uintptr => Kind::Uintptr,
            Self::Float32 => Kind::Float32,
            Self::Float64 => Kind::Float64,
            Self::Complex128 => Kind::Complex128,
            Self::String => Kind::String,
            Self::Interface | Self::Error => Kind::Interface,
            Self::Func(_) => Kind::Func,
            Self::Reflect => Kind::Struct,
            Self::Slice(_) => Kind::Slice,
            Self::Map(_) => Kind::Map,
            Self::Pointer(_) => Kind::Pointer,
            Self::Named(named) => named.under.map_or(Kind::Struct, Self::kind),
        }
    }

    /// The type without its name: `common.Values` is a `map[string]interface {}`. A named struct stays itself.
    #[must_use]
    pub fn underlying(self) -> Self {
        match self {
            Self::Named(Named { under: Some(under), .. }) => under.underlying(),
            other => other,
        }
    }

    /// The type of the elements of a slice, map or pointer.
    #[must_use]
    pub fn elem(self) -> Option<Self> {
        match self.underlying() {
            Self::Slice(elem) | Self::Map(elem) | Self::Pointer(elem) => Some(*elem),
            _ => None,
        }
    }

    /// Whether a value of this type may be given where the other is wanted, as Go's `AssignableTo`.
    #[must_use]
    pub fn assignable_to(self, wanted: Self) -> bool {
        if self == wanted || wanted == Self::Interface {
            return true;
        }
        if matches!(wanted, Self::Error | Self::Reflect) {
            return false;
        }
        let named = |it: Self| {
            // Every type but the composed ones has a name.
            !matches!(it, Self::Slice(_) | Self::Map(_) | Self::Pointer(_) | Self::Func(_))
        };
        (!named(self) || !named(wanted)) && self.underlying() == wanted.underlying()
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interface => f.write_str("interface {}"),
            Self::Error => f.write_str("error"),
            Self::Func(text) => f.write_str(text),
            Self::Reflect => f.write_str("reflect.Value"),
            Self::Slice(elem) => write!(f, "[]{elem}"),
            Self::Map(elem) => write!(f, "map[string]{elem}"),
            Self::Pointer(elem) => write!(f, "*{elem}"),
            Self::Named(named) => f.write_str(named.name),
            plain => f.write_str(plain.kind().name()),
        }
    }
}
