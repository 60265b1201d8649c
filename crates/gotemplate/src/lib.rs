//! Go's `text/template`, whole, with values that keep Go's kinds.
//!
//! ```text
//! text --Set::parse--> Set --execute(name, Value, Options)--> bytes, or an error worded as Go words it
//! ```
//!
//! Functions are registered with their signatures ([`Functions`]), so that arguments are checked and refused as Go does.
//! Execution is bounded ([`Limits`]); the crate reads no clock and does no I/O.

mod ast;
mod ast_print;
mod builtin;
mod context;
mod error;
mod exec;
pub mod format;
mod function;
mod lex;
mod parse;
mod set;
pub mod sprig;
mod text;
mod types;
mod value;

pub use context::{Ctx, Limits, MissingKey, Options, Usage};
pub use error::{Bound, ExecError, Failure, FuncError, InnerFailure, ParseError, Span};
pub use function::{Function, Functions, Plain, Signature};
pub use set::Set;
pub use text::Str;
pub use types::{
    ANY_MAP, ANY_SLICE, BYTES, DURATION, INT_SLICE, JSON_NUMBER, Kind, Methods, Named, STRING_MAP, STRING_SLICE, Type,
};
pub use value::{ErrorValue, List, Map, NoJson, Numbers, Object, Scope, Value, duration_text};
