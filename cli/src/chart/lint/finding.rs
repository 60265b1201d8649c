//! What a linter has to say, with the place in the source.

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr;

use crate::{
    terminal::{Style, Tone},
    text::clean,
};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Against a convention.
    Warning,
    /// It cannot be installed so.
    Error,
}

/// Something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// The file inside the chart.
    pub file: String,
    /// Line and column, counted from 1; the column in bytes.
    pub place: Option<(usize, usize)>,
    /// What is wrong; may take several lines.
    pub text: String,
    /// The source around it, ready to print.
    pub excerpt: Option<String>,
}

impl Finding {
    /// One about a file as a whole.
    pub fn new(severity: Severity, file: &str, text: impl Into<String>) -> Self {
        Self { severity, file: file.to_owned(), place: None, text: text.into(), excerpt: None }
    }

    /// One about a file as a whole that must be put right.
    pub fn error(file: &str, text: impl Into<String>) -> Self {
        Self::new(Severity::Error, file, text)
    }

    /// The same, at a place of its source. Without a line it stays one about the whole.
    pub fn at(mut self, source: &str, line: usize, column: usize, len: usize) -> Self {
        // What is missing at the end of a text is shown where its last line ends.
        let (line, column) = match source.lines().last() {
            Some(last) if line > source.lines().count() => (source.lines().count(), last.len() + 1),
            _ => (line, column.max(1)),
        };
        self.excerpt = caret(source, line, column, len);
        self.place = (line > 0).then_some((line, column));
        self
    }

    /// For people.
    pub fn print(&self, style: Style) -> String {
        let (word, tone) = match self.severity {
            Severity::Info => ("info", Tone::Dim),
            Severity::Warning => ("warning", Tone::Warn),
            Severity::Error => ("error", Tone::Bad),
        };
        let mut lines = self.text.lines();
        let first = clean(lines.next().unwrap_or_default());
        let place = self.place.map(|(line, column)| format!(":{line}:{column}")).unwrap_or_default();
        let mut out = format!("{} {}{place}: {first}\n", style.paint(&format!("{word}:"), tone), clean(&self.file));
        for line in lines {
            out.push_str(&format!("  {}\n", clean(line)));
        }
        out.push_str(self.excerpt.as_deref().unwrap_or_default());
        out
    }

    /// For programs.
    pub fn json(&self) -> Value {
        let severity = match self.severity {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
        };
        let mut it = json!({"severity": severity, "file": self.file, "message": self.text});
        if let (Some(map), Some((line, column))) = (it.as_object_mut(), self.place) {
            map.insert("line".to_owned(), json!(line));
            map.insert("column".to_owned(), json!(column));
        }
        it
    }
}

/// The line with what is wrong underlined, and a line on both sides.
pub fn caret(text: &str, line: usize, column: usize, len: usize) -> Option<String> {
    let lines: Vec<&str> = text.lines().collect();
    let wrong = lines.get(line.checked_sub(1)?)?;
    let start = floor(wrong, column.saturating_sub(1));
    let end = floor(wrong, start + len).max(start);
    let before = shown(wrong.get(..start)?);
    let under = shown(wrong.get(start..end)?);
    let width = under.width().max(1);
    let number = |at: usize| format!("{at:>5} | ");
    let mut out = String::new();
    if line > 1
        && let Some(above) = lines.get(line - 2)
    {
        out.push_str(&format!("{}{}\n", number(line - 1), shown(above)));
    }
    out.push_str(&format!("{}{}\n", number(line), shown(wrong)));
    out.push_str(&format!("      | {}{}\n", " ".repeat(before.width()), "^".repeat(width)));
    if let Some(below) = lines.get(line) {
        out.push_str(&format!("{}{}\n", number(line + 1), shown(below)));
    }
    Some(out)
}

/// A piece of a line, cleaned, with every blank in its place.
fn shown(text: &str) -> String {
    text.chars()
        .map(|it| if it == '\t' { ' ' } else { it })
        .filter(|it| *it == ' ' || !clean(&it.to_string()).is_empty())
        .collect()
}

/// The place at or before `at` where a letter starts.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|it| text.is_char_boundary(*it)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_at_the_end_is_shown_there() {
        let it = Finding::error("values.yaml", "no end").at("a: [1\n", 2, 1, 1);
        let expected = "error: values.yaml:1:6: no end\n    1 | a: [1\n      |      ^\n";
        assert_eq!(it.print(Style::plain()), expected);
        assert_eq!(
            it.json(),
            json!({"severity": "error", "file": "values.yaml", "message": "no end", "line": 1, "column": 6})
        );
        assert_eq!(Finding::error("a", "b").at("", 1, 1, 1).print(Style::plain()), "error: a:1:1: b\n");
    }

    #[test]
    fn the_caret_stands_under_what_is_wrong() {
        assert_eq!(
            caret("a: 1\nb: {{ .Values.x.y }}\nc: 2\n", 2, 7, 11).unwrap(),
            "    1 | a: 1\n    2 | b: {{ .Values.x.y }}\n      |       ^^^^^^^^^^^\n    3 | c: 2\n"
        );
        assert_eq!(caret("ü: {{ . }}", 1, 3, 1).unwrap(), "    1 | ü: {{ . }}\n      |  ^\n");
        assert_eq!(
            caret("\ta:\u{1b}[31m  {{ x }}", 1, 14, 1).unwrap(),
            "    1 |  a:[31m  {{ x }}\n      |             ^\n"
        );
        assert!(caret("a", 9, 1, 1).is_none());
        // A span past the line underlines what is there.
        assert_eq!(caret("abc", 1, 2, 99).unwrap(), "    1 | abc\n      |  ^^\n");
    }
}
