//! A rendered file into its documents.

use crate::Compat;

/// The documents of a text, blank ones left out. A line that starts with `---` separates, whatever follows on it.
///
/// Helm 4 takes blanks away before a document. Helm 3 does so after it, too, and takes white space around a separator for
/// a part of it, so that of two separators with nothing between them the second one stays.
#[must_use]
pub fn split(text: &str, compat: Compat) -> Vec<&str> {
    let documents = match compat {
        Compat::Helm4 => at_lines(text.trim_start()),
        Compat::Helm3 => at_blocks(text.trim()),
    };
    let documents = documents.into_iter().filter(|it| !it.trim().is_empty());
    match compat {
        Compat::Helm4 => documents.map(str::trim_start).collect(),
        Compat::Helm3 => documents.map(str::trim).collect(),
    }
}

const DASHES: &str = "---";

fn at_lines(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let (mut start, mut at) = (0, 0);
    for line in text.split_inclusive('\n') {
        if let Some(rest) = line.strip_prefix(DASHES) {
            out.push(text.get(start..at).unwrap_or_default());
            start = at + DASHES.len() + rest.len() - rest.trim_start_matches([' ', '\t']).len();
        }
        at += line.len();
    }
    out.push(text.get(start..).unwrap_or_default());
    out
}

fn at_blocks(text: &str) -> Vec<&str> {
    let mut out = Vec::new();
    let mut rest = text;
    // At the very start a separator needs no line break before it; later ones do, and it must not be used up.
    if let Some(after) = rest.strip_prefix(DASHES) {
        rest = after.trim_ascii_start();
    }
    while let Some(at) = rest.find("\n---") {
        let (document, separator) = rest.split_at(at);
        out.push(document);
        rest = separator.get(1 + DASHES.len()..).unwrap_or_default().trim_ascii_start();
    }
    out.push(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_dashes() {
        let text = "\n\n---\n# Source\na: 1\n\n---   \nb: 2  \n\n\n--- c: 3\n---\n\n---d: 4";
        assert_eq!(split(text, Compat::Helm4), ["# Source\na: 1\n\n", "b: 2  \n\n\n", "c: 3\n", "d: 4"]);
        assert_eq!(split(text, Compat::Helm3), ["# Source\na: 1", "b: 2", "c: 3", "---d: 4"]);
        assert_eq!(split("a: |\n  x\n  ---\n  y\n", Compat::Helm4).len(), 1);
        assert_eq!(split("  \n ", Compat::Helm4).len(), 0);
    }
}
