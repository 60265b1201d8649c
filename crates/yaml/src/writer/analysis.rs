//! In which style a scalar can be written.

use super::{Dialect, Place};
use crate::Style;

/// What the characters of a scalar allow.
pub(crate) struct Analysis {
    pub(crate) multiline: bool,
    flow_plain: bool,
    block_plain: bool,
    pub(crate) single_quoted: bool,
    pub(crate) block: bool,
}

impl Analysis {
    /// The text may stand without quotes.
    pub(crate) fn allows_plain(&self, flow: bool) -> bool {
        if flow { self.flow_plain } else { self.block_plain }
    }
}

pub(crate) fn is_break(char: char) -> bool {
    matches!(char, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

pub(super) fn is_printable(char: char) -> bool {
    matches!(char, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fefe}' | '\u{ff00}'..='\u{fffd}')
}

pub(super) fn analyze(text: &str, dialect: Dialect) -> Analysis {
    if text.is_empty() {
        return Analysis { multiline: false, flow_plain: false, block_plain: true, single_quoted: true, block: false };
    }
    let marker = text.starts_with("---") || text.starts_with("...");
    let (mut block_indicators, mut flow_indicators) = (marker, marker);
    let (mut line_breaks, mut special, mut tabs) = (false, false, false);
    let (mut edge, mut trailing_space, mut break_space, mut space_break) = (false, false, false, false);
    let (mut after_blank, mut previous_space, mut previous_break) = (true, false, false);
    let mut chars = text.chars().peekable();
    let mut first = true;
    while let Some(char) = chars.next() {
        let next = chars.peek().copied();
        let before_blank = next.is_none_or(|c| c == ' ' || c == '\t');
        let (flow, block) = indicators(char, first, after_blank, before_blank);
        flow_indicators |= flow;
        block_indicators |= block;
        if char == '\t' {
            tabs = true;
        } else if !is_printable(char) {
            special = true;
        }
        if char == ' ' {
            edge |= first || next.is_none();
            trailing_space |= next.is_none();
            break_space |= previous_break;
            (previous_space, previous_break) = (true, false);
        } else if is_break(char) {
            line_breaks = true;
            edge |= first || next.is_none();
            space_break |= previous_space;
            (previous_space, previous_break) = (false, true);
        } else {
            (previous_space, previous_break) = (false, false);
        }
        after_blank = char == ' ' || char == '\t' || is_break(char);
        first = false;
    }
    let unquotable = break_space || space_break || special || tabs;
    Analysis {
        multiline: line_breaks,
        flow_plain: !(edge || unquotable || line_breaks || flow_indicators),
        block_plain: !(edge || unquotable || line_breaks || block_indicators),
        single_quoted: !unquotable,
        block: !(trailing_space || space_break || special || (tabs && !dialect.tabs_in_blocks)),
    }
}

/// Whether a character keeps a scalar from being plain, in flow and in block context.
fn indicators(char: char, first: bool, after_blank: bool, before_blank: bool) -> (bool, bool) {
    if first {
        return match char {
            '#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`' => {
                (true, true)
            }
            '?' | ':' => (true, before_blank),
            '-' => (before_blank, before_blank),
            _ => (false, false),
        };
    }
    match char {
        ',' | '?' | '[' | ']' | '{' | '}' => (true, false),
        ':' => (true, before_blank),
        '#' => (after_blank, after_blank),
        _ => (false, false),
    }
}

pub(super) fn select(text: &str, wish: Style, place: Place, analysis: &Analysis) -> Style {
    let mut style = wish;
    if place.simple_key && analysis.multiline {
        style = Style::DoubleQuoted;
    }
    if style == Style::Plain {
        let allowed = if place.flow { analysis.flow_plain } else { analysis.block_plain };
        if !allowed || (text.is_empty() && (place.flow || place.simple_key)) {
            style = Style::SingleQuoted;
        }
    }
    if style == Style::SingleQuoted && !analysis.single_quoted {
        style = Style::DoubleQuoted;
    }
    if matches!(style, Style::Literal | Style::Folded) && (!analysis.block || place.flow || place.simple_key) {
        style = Style::DoubleQuoted;
    }
    style
}

/// A scalar this long, or with line breaks, is written as an explicit key.
pub(crate) fn is_simple_key(text: &str) -> bool {
    text.len() <= 128 && !text.contains(is_break)
}
