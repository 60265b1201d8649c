//! The lexical forms that versions and constraints share.

/// Takes characters off the front of a text.
pub(crate) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(crate) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(crate) fn is_done(&self) -> bool {
        self.rest.is_empty()
    }

    /// Takes `token` if it comes next.
    pub(crate) fn eat(&mut self, token: &str) -> bool {
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes the longest run of characters that `wanted` accepts, possibly nothing.
    pub(crate) fn run(&mut self, wanted: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|c| !wanted(c)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Takes white space as Go's `\s` defines it and says whether there was any.
    pub(crate) fn space(&mut self) -> bool {
        !self.run(|c| matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')).is_empty()
    }

    /// Takes dot-separated identifiers of letters, digits and hyphens, none of them empty.
    pub(crate) fn identifiers(&mut self) -> Option<&'a str> {
        let text = self.run(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
        text.split('.').all(|part| !part.is_empty()).then_some(text)
    }

    /// Takes `-prerelease` and `+metadata` where they come next; `None` if one is started and malformed.
    pub(crate) fn suffixes(&mut self) -> Option<(&'a str, &'a str)> {
        let pre = if self.eat("-") { self.identifiers()? } else { "" };
        let metadata = if self.eat("+") { self.identifiers()? } else { "" };
        Some((pre, metadata))
    }
}

/// Whether a pre-release has no numeric identifier with a leading zero.
pub(crate) fn is_prerelease(text: &str) -> bool {
    text.split('.').all(|part| part.len() < 2 || !part.starts_with('0') || !part.bytes().all(|b| b.is_ascii_digit()))
}
