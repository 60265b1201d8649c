//! A rendered file into its documents.

use crate::Compat;

/// The documents of a text, blank ones left out. A line that starts with `---` separates, whatever follows on it.
///
/// Helm 4 takes blanks away before a document, Helm 3 also after it.
#[must_use]
pub fn split(text: &str, compat: Compat) -> Vec<&str> {
    let text = text.trim_start();
    let mut out = Vec::new();
    let mut start = 0;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.starts_with("---") {
            out.push(text.get(start..at).unwrap_or_default());
            let rest = line.get(3..).unwrap_or_default();
            let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            start = at + 3 + blanks;
        }
        at += line.len();
    }
    out.push(text.get(start..).unwrap_or_default());
    let clean = |it: &'_ str| -> bool { !it.trim().is_empty() };
    let out = out.into_iter().filter(|it| clean(it));
    match compat {
        Compat::Helm4 => out.map(str::trim_start).collect(),
        Compat::Helm3 => out.map(str::trim).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_cut_at_dashes() {
        let text = "\n\n---\n# Source\na: 1\n\n---   \nb: 2  \n\n\n--- c: 3\n---\n\n---d: 4";
        assert_eq!(split(text, Compat::Helm4), ["# Source\na: 1\n\n", "b: 2  \n\n\n", "c: 3\n", "d: 4"]);
        assert_eq!(split(text, Compat::Helm3), ["# Source\na: 1", "b: 2", "c: 3", "d: 4"]);
        assert_eq!(split("a: |\n  x\n  ---\n  y\n", Compat::Helm4).len(), 1);
        assert_eq!(split("  \n ", Compat::Helm4).len(), 0);
    }
}
