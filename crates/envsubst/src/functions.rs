//! What the operators do to a value.

use crate::{
    MAX_OUTPUT,
    parse::{End, Which},
    pattern::Pattern,
};

/// The first character or all of them in the other case; like Go, character by character (`ß` stays `ß`).
pub(crate) fn case(value: &str, upper: bool, all: bool) -> String {
    let change = |c: char| {
        let mut changed = [c; 2];
        let mut count = 0;
        if upper {
            c.to_uppercase().take(2).zip(&mut changed).for_each(|(new, slot)| (*slot, count) = (new, count + 1));
        } else {
            c.to_lowercase().take(2).zip(&mut changed).for_each(|(new, slot)| (*slot, count) = (new, count + 1));
        }
        if count == 1 { changed[0] } else { c }
    };
    value.chars().enumerate().map(|(index, c)| if all || index == 0 { change(c) } else { c }).collect()
}

/// Bytes of a value; `None` when that would cut a character. A number that is none leaves the value as it is.
pub(crate) fn substring(value: &str, from: &str, length: Option<&str>) -> Option<String> {
    let size = i64::try_from(value.len()).ok()?;
    let Ok(from) = from.parse::<i64>() else { return Some(value.to_owned()) };
    let start = if from < 0 { from.saturating_add(size).max(0) } else { from };
    let end = match length.map(str::parse::<i64>) {
        None => size,
        Some(Err(_)) => return Some(value.to_owned()),
        Some(Ok(length)) if length < 0 && start < size => size.saturating_add(length),
        Some(Ok(length)) => start.saturating_add(length).min(size),
    };
    if start >= end.min(size) {
        return Some(String::new());
    }
    value.get(usize::try_from(start).ok()?..usize::try_from(end).ok()?).map(str::to_owned)
}

/// The value without the shortest or longest prefix or suffix (of at least one character) that matches.
pub(crate) fn trim(value: &str, end: End, longest: bool, pattern: &str) -> String {
    match end {
        End::Prefix => trim_prefix(value, longest, pattern),
        // The original turns both around, the pattern character by character: a class in a suffix pattern is malformed
        // then, and matches nothing.
        End::Suffix => reversed(&trim_prefix(&reversed(value), longest, &reversed(pattern))),
    }
}

fn trim_prefix(value: &str, longest: bool, pattern: &str) -> String {
    let Some(pattern) = Pattern::parse(pattern) else { return value.to_owned() };
    let found = if longest { pattern.longest_prefix(value) } else { pattern.shortest_prefix(value) };
    value.get(found.unwrap_or(0)..).unwrap_or_default().to_owned()
}

fn reversed(text: &str) -> String {
    text.chars().rev().collect()
}

/// The value with `from` replaced by `to`; `None` when that is longer than any result may be.
pub(crate) fn replace(value: &str, which: Which, from: &str, to: &str) -> Option<String> {
    let times = match which {
        Which::All if from.is_empty() => value.chars().count() + 1,
        Which::All => value.matches(from).count(),
        Which::First | Which::Prefix | Which::Suffix => 1,
    };
    if to.len().checked_mul(times)?.checked_add(value.len())? > MAX_OUTPUT {
        return None;
    }
    Some(match which {
        Which::All => value.replace(from, to),
        Which::First => value.replacen(from, to, 1),
        Which::Prefix => value.strip_prefix(from).map_or_else(|| value.to_owned(), |rest| format!("{to}{rest}")),
        Which::Suffix => value.strip_suffix(from).map_or_else(|| value.to_owned(), |rest| format!("{rest}{to}")),
    })
}
