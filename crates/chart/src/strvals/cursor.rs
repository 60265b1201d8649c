//! A place in the text of a `--set`.

/// Where reading stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// At the end of the text.
    End,
    /// After this letter.
    Stop(char),
}

pub(super) struct Cursor<'a> {
    rest: &'a str,
    escapes: bool,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(text: &'a str, escapes: bool) -> Self {
        Self { rest: text, escapes }
    }

    pub(super) fn rest(&self) -> &'a str {
        self.rest
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn advance(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    /// Takes a letter if it is next.
    pub(super) fn skip(&mut self, letter: char) -> bool {
        match self.rest.strip_prefix(letter) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Takes blanks, and a comma after them. True when nothing else came: the comma or the end.
    pub(super) fn skip_blank(&mut self) -> bool {
        self.rest = self.rest.trim_start();
        self.skip(',') || self.is_at_end()
    }

    /// The text up to one of these letters, which is taken, too. A backslash keeps the letter after it from stopping.
    pub(super) fn until(&mut self, stops: &[char]) -> (String, Until) {
        let mut out = String::new();
        let mut letters = self.rest.chars();
        let mut stop = Until::End;
        while let Some(letter) = letters.next() {
            if stops.contains(&letter) {
                stop = Until::Stop(letter);
                break;
            }
            if letter == '\\' && self.escapes {
                match letters.next() {
                    Some(next) => out.push(next),
                    None => break,
                }
            } else {
                out.push(letter);
            }
        }
        self.rest = letters.as_str();
        (out, stop)
    }
}
