//! How a text is written on one line.

use crate::resolve::{Resolved, Schema, is_base60, resolve};
use crate::writer::analysis_of;
use crate::{Node, Style};

/// Any reader takes the node for a text.
pub(super) fn is_text(node: &Node) -> bool {
    let Some(text) = node.as_str() else { return false };
    match node.tag() {
        Some(_) => true,
        None => node.style.is_quoted() || !reads_as_other(text),
    }
}

/// Written plain, some reader takes the text for something else.
fn reads_as_other(text: &str) -> bool {
    let other = |schema| resolve(text, schema) != Resolved::Str;
    other(Schema::V2) || other(Schema::V3) || is_base60(text) || text == "<<"
}

/// The text in the style wished for, or in the nearest that can hold it on one line. `any_kind`: it may stand plain even
/// where it reads as a number or the like.
pub(super) fn inline(text: &str, wish: Style, flow: bool, any_kind: bool) -> String {
    let analysis = analysis_of(text);
    let single = analysis.single_quoted && !analysis.multiline;
    match wish {
        Style::DoubleQuoted => double_quoted(text),
        Style::SingleQuoted if single => single_quoted(text),
        Style::SingleQuoted => double_quoted(text),
        _ if reads_as_other(text) && !any_kind => double_quoted(text),
        _ if analysis.allows_plain(flow) && !text.is_empty() => text.to_owned(),
        _ if single => single_quoted(text),
        _ => double_quoted(text),
    }
}

fn single_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn double_quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            '\0'..' ' | '\x7f'..'\u{a0}' => out.push_str(&format!("\\x{:02X}", u32::from(char))),
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}' => {
                out.push_str(&format!("\\u{:04X}", u32::from(char)));
            }
            _ => out.push(char),
        }
    }
    out.push('"');
    out
}
