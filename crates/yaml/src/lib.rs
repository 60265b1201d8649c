//! YAML as Kubernetes' Go tools read and write it.
//!
//! ```text
//! text --parse--> Vec<Node> --to_value--> serde_json::Value --to_string--> text (sigs.k8s.io/yaml)
//!                    |
//!                    +--emit--> text (go-yaml v3, as kyaml uses it: comments, styles and order kept)
//! simple text --quick--> serde_json::Value (what sigs makes of block YAML with plain scalars, in one pass; else by nodes)
//! ```
//! [`parse`] keeps comments, styles, tags, anchors and positions; it bounds size, depth and alias expansion by [`Limits`].
//! [`sigs`] reads and prints plain values as `sigs.k8s.io/yaml` does: `sigs::from_str(text)`, `sigs::from_str_strict(text)`,
//! `sigs::to_string(&value)`, and Helm's `toYamlPretty` as `sigs::to_string_pretty(&value)`.
//! [`Edit`] changes single scalars of a text and leaves every other byte of it as it is.
//! [`Schema`] says which plain scalars are booleans, numbers and nulls: go-yaml v2 (what sigs.k8s.io/yaml reads) and v3 differ.

mod aliases;
mod edit;
mod emit;
mod error;
mod expand;
mod node;
mod parse;
mod print;
mod quick;
mod resolve;
pub mod sigs;
mod value;
mod writer;

pub use edit::{Edit, EditError, Scalar, Step};
pub use emit::{EmitOptions, SequenceIndent, emit, emit_all, emit_with, sequence_indent_of};
pub use error::{Error, ErrorKind, Limits};
pub use node::{Comments, Data, Document, Node, Position, Style};
pub use parse::{parse, parse_first, parse_one};
pub use print::{float_text, key_order, to_string, values_to_string};
pub use resolve::{Resolved, Schema, resolve};
pub use value::{from_value, parse_value, parse_values, to_value, to_value_with};
