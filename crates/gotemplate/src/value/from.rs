//! Values from what they hold.

use crate::{
    text::Str,
    value::{List, Map, Value},
};

impl From<bool> for Value {
    fn from(it: bool) -> Self {
        Self::Bool(it)
    }
}

impl From<i64> for Value {
    /// An `int`.
    fn from(it: i64) -> Self {
        Self::int(it)
    }
}

impl From<f64> for Value {
    fn from(it: f64) -> Self {
        Self::float(it)
    }
}

impl From<&str> for Value {
    fn from(it: &str) -> Self {
        Self::string(it)
    }
}

impl From<String> for Value {
    fn from(it: String) -> Self {
        Self::string(it)
    }
}

impl From<Str> for Value {
    fn from(it: Str) -> Self {
        Self::String(it)
    }
}

impl From<Map> for Value {
    fn from(it: Map) -> Self {
        Self::Map(it)
    }
}

impl From<List> for Value {
    fn from(it: List) -> Self {
        Self::List(it)
    }
}
