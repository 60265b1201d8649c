//! Shell patterns: `*`, `?`, `[a-z]`, `[^a-z]` and `\c`; a `*` also matches slashes.

/// A pattern that has been read.
pub(crate) struct Pattern {
    items: Vec<Item>,
}

enum Item {
    Literal(char),
    AnyOne,
    AnyRun,
    Class { negated: bool, ranges: Vec<(char, char)> },
}

impl Item {
    /// Whether it matches one character; [`Item::AnyRun`] is no question of one.
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == c,
            Self::AnyOne => true,
            Self::AnyRun => false,
            Self::Class { negated, ranges } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

impl Pattern {
    /// Reads a pattern; `None` if it is malformed, and then it matches nothing.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut items = Vec::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            items.push(match c {
                '*' => Item::AnyRun,
                '?' => Item::AnyOne,
                '\\' => Item::Literal(chars.next()?),
                '[' => {
                    let negated = chars.next_if_eq(&'^').is_some();
                    let mut ranges = Vec::new();
                    while ranges.is_empty() || chars.next_if_eq(&']').is_none() {
                        let low = class_member(&mut chars)?;
                        let high = if chars.next_if_eq(&'-').is_some() { class_member(&mut chars)? } else { low };
                        ranges.push((low, high));
                    }
                    Item::Class { negated, ranges }
                }
                literal => Item::Literal(literal),
            });
        }
        Some(Self { items })
    }

    /// Length in bytes of the shortest prefix, of at least one character, that matches.
    pub(crate) fn shortest_prefix(&self, value: &str) -> Option<usize> {
        self.prefixes(value, true)
    }

    /// Length in bytes of the longest prefix, of at least one character, that matches.
    pub(crate) fn longest_prefix(&self, value: &str) -> Option<usize> {
        self.prefixes(value, false)
    }

    /// Walks the value once with the set of items that may come next, so the time is bounded by their product.
    fn prefixes(&self, value: &str, first: bool) -> Option<usize> {
        let mut states = vec![false; self.items.len() + 1];
        self.enter(&mut states, 0);
        let mut found = None;
        for (at, c) in value.char_indices() {
            let mut next = vec![false; states.len()];
            for (index, item) in self.items.iter().enumerate() {
                if !states.get(index).copied().unwrap_or_default() {
                    continue;
                }
                if matches!(item, Item::AnyRun) {
                    self.enter(&mut next, index);
                } else if item.matches(c) {
                    self.enter(&mut next, index + 1);
                }
            }
            if next.last().copied().unwrap_or_default() {
                found = Some(at + c.len_utf8());
                if first {
                    return found;
                }
            }
            states = next;
        }
        found
    }

    /// Marks an item, and those after it as long as runs may be empty.
    fn enter(&self, states: &mut [bool], index: usize) {
        for at in index..=self.items.len() {
            match states.get_mut(at) {
                Some(state) if !*state => *state = true,
                _ => return,
            }
            if !matches!(self.items.get(at), Some(Item::AnyRun)) {
                return;
            }
        }
    }
}

/// One end of a range in a class.
fn class_member(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<char> {
    match chars.next()? {
        '-' | ']' => None,
        '\\' => chars.next(),
        other => Some(other),
    }
}
