//! Tables: columns aligned by what the terminal shows, the last one wrapped.

use crate::{
    terminal::{Style, Tone},
    text::{clean, width, wrap},
};

/// One field of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// A field, cleaned.
    pub fn new(text: impl AsRef<str>) -> Self {
        Self::toned(text, Tone::Plain)
    }

    /// A field with a meaning.
    pub fn toned(text: impl AsRef<str>, tone: Tone) -> Self {
        Self { text: clean(text.as_ref()), tone }
    }
}

/// Rows under a header.
#[derive(Clone, Debug, Default)]
pub struct Table {
    header: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    least: Vec<usize>,
}

/// Space between columns.
const GAP: usize = 3;

impl Table {
    /// A table without rows.
    pub fn new(header: Vec<&'static str>) -> Self {
        Self { header, rows: Vec::new(), least: Vec::new() }
    }

    /// Adds a row.
    pub fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    /// Keeps columns at least as wide as they were, for rows that come later.
    pub fn keep_widths(&mut self, widths: &[usize]) {
        self.least = widths.to_vec();
    }

    /// How wide every column is.
    pub fn widths(&self) -> Vec<usize> {
        (0..self.header.len())
            .map(|column| {
                let head = self.header.get(column).map_or(0, |text| width(text));
                let body = self.rows.iter().filter_map(|row| row.get(column)).map(|cell| width(&cell.text)).max();
                head.max(body.unwrap_or(0)).max(self.least.get(column).copied().unwrap_or(0))
            })
            .collect()
    }

    /// The table as text; the header only if asked for.
    pub fn render(&self, style: Style, header: bool) -> String {
        let widths = self.widths();
        let mut out = String::new();
        if header {
            let cells: Vec<Cell> = self.header.iter().map(|text| Cell::toned(text, Tone::Strong)).collect();
            self.line(&mut out, &cells, &widths, style);
        }
        for row in &self.rows {
            self.line(&mut out, row, &widths, style);
        }
        out
    }

    fn line(&self, out: &mut String, row: &[Cell], widths: &[usize], style: Style) {
        let start: usize = widths.iter().take(widths.len().saturating_sub(1)).map(|width| width + GAP).sum();
        for (column, cell) in row.iter().enumerate() {
            let last = column + 1 == row.len();
            if !last {
                out.push_str(&style.paint(&cell.text, cell.tone));
                let pad = widths.get(column).copied().unwrap_or(0).saturating_sub(width(&cell.text)) + GAP;
                out.extend(std::iter::repeat_n(' ', pad));
                continue;
            }
            // Below two dozen columns wrapping helps nobody; the terminal breaks the line itself.
            let room = style.width.map(|width| width.saturating_sub(start)).filter(|&room| room >= 24);
            let lines = room.map_or_else(|| vec![cell.text.clone()], |room| wrap(&cell.text, room));
            for (number, line) in lines.iter().enumerate() {
                if number > 0 {
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', start));
                }
                out.push_str(&style.paint(line, cell.tone));
            }
        }
        while out.ends_with(' ') {
            out.pop();
        }
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(vec!["NAME", "READY", "MESSAGE"]);
        table.push(vec![Cell::new("a"), Cell::toned("True", Tone::Good), Cell::new("all\nis well and so on for long")]);
        table.push(vec![Cell::new("日本語"), Cell::new("False"), Cell::new("")]);
        table
    }

    #[test]
    fn columns_line_up() {
        let expected = "NAME     READY   MESSAGE\na        True    all is well and so on for long\n日本語   False\n";
        assert_eq!(table().render(Style::plain(), true), expected);
    }

    #[test]
    fn the_last_column_is_wrapped_on_a_terminal() {
        let style = Style { colour: false, width: Some(17 + 24) };
        let expected = "a        True    all is well and so on\n                 for long\n日本語   False\n";
        assert_eq!(table().render(style, false), expected);
        let narrow = Style { colour: false, width: Some(30) };
        assert_eq!(table().render(narrow, false), table().render(Style::plain(), false));
    }

    #[test]
    fn colours_do_not_move_columns() {
        let style = Style { colour: true, width: None };
        assert!(table().render(style, false).starts_with("a        \u{1b}[32mTrue\u{1b}[0m    all"));
    }

    #[test]
    fn later_rows_keep_the_widths() {
        let mut later = Table::new(vec!["NAME", "READY", "MESSAGE"]);
        later.keep_widths(&table().widths());
        later.push(vec![Cell::new("b"), Cell::new("True"), Cell::new("x")]);
        assert_eq!(later.render(Style::plain(), false), "b        True    x\n");
    }
}
