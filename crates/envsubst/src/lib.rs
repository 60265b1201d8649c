//! Post-build variable substitution: `${var}` and its operators in text, as Flux's fork of drone/envsubst does it.
//!
//! ```text
//! text --parse--> pieces --evaluate(lookup)--> text
//! ```
//!
//! | form | gives |
//! |---|---|
//! | `${v}` | the value |
//! | `${v:-d}` `${v:=d}` `${v=d}` `${v:+d}` `${v:?d}` | the value, or `d` when it is empty or not set |
//! | `${#v}` | its length in bytes |
//! | `${v^}` `${v^^}` `${v,}` `${v,,}` | first letter or all of it in upper or lower case |
//! | `${v:n}` `${v:n:l}` | from byte `n`, `l` bytes; negative numbers count from the end |
//! | `${v#p}` `${v##p}` `${v%p}` `${v%%p}` | without the shortest or longest prefix or suffix that matches the pattern |
//! | `${v/a/b}` `${v//a/b}` `${v/#a/b}` `${v/%a/b}` | `a` replaced by `b`: first, all, at the start, at the end |
//!
//! `$$` becomes `$`; `$v` and every other `$` stay. The operand of a default may hold text and further expressions; any
//! other operand is either text or one expression. Values are never substituted again. What the original answers to more
//! than two thousand cases is in `tests/golden`.

mod error;
mod evaluate;
mod functions;
mod parse;
mod pattern;

pub use error::{Error, Problem};

use std::{borrow::Cow, collections::BTreeMap};

/// The text that a substitution makes may not be longer than this; one more byte is an error.
pub const MAX_OUTPUT: usize = 32 * 1024 * 1024;

/// How missing variables are treated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mode {
    /// A variable that is not set is an error unless its expression gives a default; else it is empty.
    pub strict: bool,
}

/// Substitutes every expression in `text`; `lookup` gives the value of a name, or `None` when it is not set.
///
/// # Errors
/// When an expression is malformed, a variable is not set in strict mode, or the result is not text or too long. The error
/// names the variable and the line of its expression, never a value.
pub fn substitute(text: &str, lookup: &dyn Fn(&str) -> Option<String>, mode: Mode) -> Result<String, Error> {
    if !text.contains('$') {
        return Ok(text.to_owned());
    }
    let pieces = parse::pieces(text)?;
    evaluate::evaluate(&pieces, lookup, mode)
}

/// Whether `text` has anything that a substitution would change: an expression, or `$$`.
#[must_use]
pub fn has_variables(text: &str) -> bool {
    text.contains("${") || text.contains("$$")
}

/// Whether `name` may name a variable: letters, digits and underscores, not a digit first.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && chars.all(|c| c == '_' || c.is_ascii_alphanumeric())
}

/// A value as it is substituted: without its newlines.
#[must_use]
pub fn single_line(value: &str) -> Cow<'_, str> {
    if value.contains('\n') { Cow::Owned(value.replace('\n', "")) } else { Cow::Borrowed(value) }
}

/// Merges sources of variables, later ones over earlier ones, with the newlines of their values removed.
///
/// # Errors
/// When a name cannot name a variable.
pub fn merge<'a>(
    sources: impl IntoIterator<Item = &'a BTreeMap<String, String>>,
) -> Result<BTreeMap<String, String>, Error> {
    let mut merged = BTreeMap::new();
    for (name, value) in sources.into_iter().flatten() {
        if !is_name(name) {
            return Err(Error::in_name(name));
        }
        merged.insert(name.clone(), single_line(value).into_owned());
    }
    Ok(merged)
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: Mode = Mode { strict: true };

    fn one(name: &str, value: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), value.to_owned())])
    }

    #[test]
    fn later_sources_win_and_lose_their_newlines() {
        let merged = merge([&one("a", "1\n"), &one("b", "x\ny\n"), &one("a", "2")]).unwrap();
        assert_eq!(merged, BTreeMap::from([("a".to_owned(), "2".to_owned()), ("b".to_owned(), "xy".to_owned())]));
    }

    #[test]
    fn names_are_checked() {
        for good in ["_", "a", "A1", "cluster_env"] {
            assert!(is_name(good), "{good}");
        }
        for bad in ["", "1a", "a-b", "a.b", "ä", "a b"] {
            assert!(!is_name(bad), "{bad}");
        }
        let error = merge([&one("a-b", "hidden")]).unwrap_err();
        assert_eq!(error.to_string(), "'a-b' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'");
    }

    #[test]
    fn errors_name_variable_and_line_but_no_value() {
        let lookup = |name: &str| (name == "set").then(|| "hidden".to_owned());
        let missing = substitute("a: ${set}\nb: ${gone}\n", &lookup, STRICT).unwrap_err();
        assert_eq!(missing.to_string(), "variable not set (strict mode): \"gone\" on line 2");
        assert_eq!((missing.line, missing.variable.as_deref()), (2, Some("gone")));
        let open = substitute("\n\n${set:-${gone}\n", &lookup, STRICT).unwrap_err();
        assert_eq!(open.line, 3);
        let dash = substitute("${set-x}", &lookup, STRICT).unwrap_err();
        assert_eq!(dash.to_string(), "missing closing brace: \"set\" on line 1");
        assert!(dash.hint().unwrap().contains("${set:-default}"));
    }

    #[test]
    fn output_and_depth_are_bounded() {
        let long = "a".repeat(1 << 20);
        let lookup = move |_: &str| Some(long.clone());
        let grow = substitute("${v//a/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa}", &lookup, STRICT).unwrap_err();
        assert!(matches!(grow.problem, Problem::TooLong), "{grow}");
        let many = "${v}".repeat(64);
        assert!(matches!(substitute(&many, &lookup, STRICT).unwrap_err().problem, Problem::TooLong));
        let deep = format!("{}x{}", "${v:-".repeat(10_000), "}".repeat(10_000));
        assert!(matches!(substitute(&deep, &lookup, STRICT).unwrap_err().problem, Problem::TooDeep));
    }
}
