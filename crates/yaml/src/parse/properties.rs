//! Anchors, aliases, tags and directives.

use super::Fault;
use super::cursor::{is_blank, is_word};
use super::scan::Scanner;
use super::token::{Kind, Token};

fn is_uri(byte: u8) -> bool {
    is_word(byte)
        || matches!(
            byte,
            b';' | b'/'
                | b'?'
                | b':'
                | b'@'
                | b'&'
                | b'='
                | b'+'
                | b'$'
                | b','
                | b'.'
                | b'!'
                | b'~'
                | b'*'
                | b'\''
                | b'('
                | b')'
                | b'['
                | b']'
                | b'%'
        )
}

impl<'a> Scanner<'a> {
    fn word(&mut self) -> &'a str {
        let start = self.pos;
        let length = self.bytes.iter().skip(start).take_while(|byte| is_word(**byte)).count();
        if length > 0 {
            self.advance(length);
        }
        self.slice(start, self.pos)
    }

    pub(super) fn anchor(&mut self, alias: bool) -> Result<(), Fault> {
        let start = self.mark();
        self.advance(1);
        let name = self.word();
        let ends = self.is_space_at(0) || matches!(self.peek(), b'?' | b':' | b',' | b']' | b'}' | b'%' | b'@' | b'`');
        if name.is_empty() || !ends {
            return Err(self.syntax("did not find expected alphabetic or numeric character"));
        }
        let kind = if alias { Kind::Alias(name) } else { Kind::Anchor(name) };
        let end = self.mark();
        self.tokens.push_back(Token { kind, start, end });
        Ok(())
    }

    /// `!<uri>`, `!handle!rest`, `!rest` or `!`.
    pub(super) fn tag(&mut self) -> Result<(), Fault> {
        let start = self.mark();
        let (handle, rest) = if self.peek_at(1) == b'<' {
            self.advance(2);
            let uri = self.uri("", false)?;
            if self.peek() != b'>' {
                return Err(self.syntax("did not find the expected '>'"));
            }
            self.advance(1);
            ("", uri)
        } else {
            let handle = self.tag_handle();
            if handle.len() > 1 && handle.ends_with('!') {
                (handle, self.uri("", false)?)
            } else {
                let rest = self.uri(handle.get(1..).unwrap_or_default(), true)?;
                if rest.is_empty() { ("", "!".to_owned()) } else { ("!", rest) }
            }
        };
        if !self.is_space_at(0) {
            return Err(self.syntax("did not find expected whitespace or line break"));
        }
        let end = self.mark();
        self.tokens.push_back(Token { kind: Kind::Tag(handle, rest), start, end });
        Ok(())
    }

    /// `!`, `!word` or `!word!`, the cursor on the first `!`.
    fn tag_handle(&mut self) -> &'a str {
        let start = self.pos;
        self.advance(1);
        self.word();
        if self.peek() == b'!' {
            self.advance(1);
        }
        self.slice(start, self.pos)
    }

    /// The text of a URI behind `head`, escapes undone. Nothing at all is refused unless it `may_be_empty`.
    fn uri(&mut self, head: &str, may_be_empty: bool) -> Result<String, Fault> {
        let mut bytes = head.as_bytes().to_vec();
        let start = self.pos;
        while is_uri(self.peek()) {
            if self.peek() == b'%' {
                self.uri_character(&mut bytes)?;
            } else {
                bytes.push(self.peek());
                self.advance(1);
            }
        }
        if self.pos == start && !may_be_empty {
            return Err(self.syntax("did not find expected tag URI"));
        }
        String::from_utf8(bytes).map_err(|_| self.syntax("found an incorrect UTF-8 octet"))
    }

    /// One character written as `%XX` for each of its bytes.
    fn uri_character(&mut self, bytes: &mut Vec<u8>) -> Result<(), Fault> {
        let mut left = 1;
        let mut first = true;
        while left > 0 {
            let octet = match self.peek() {
                b'%' => {
                    self.text.get(self.pos + 1..self.pos + 3).filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()))
                }
                _ => None,
            };
            let Some(octet) = octet.and_then(|hex| u8::from_str_radix(hex, 16).ok()) else {
                return Err(self.syntax("did not find URI escaped octet"));
            };
            if first {
                left = match octet {
                    0..0x80 => 1,
                    0xC0..0xE0 => 2,
                    0xE0..0xF0 => 3,
                    0xF0..0xF8 => 4,
                    _ => return Err(self.syntax("found an incorrect leading UTF-8 octet")),
                };
                first = false;
            } else if octet & 0xC0 != 0x80 {
                return Err(self.syntax("found an incorrect trailing UTF-8 octet"));
            }
            bytes.push(octet);
            self.advance(3);
            left -= 1;
        }
        Ok(())
    }

    /// A line `%YAML 1.1` or `%TAG !handle! prefix`.
    pub(super) fn directive(&mut self) -> Result<(), Fault> {
        let start = self.mark();
        self.advance(1);
        let name = self.word();
        if name.is_empty() {
            return Err(self.syntax("could not find expected directive name"));
        }
        if !self.is_space_at(0) {
            return Err(self.syntax("found unexpected non-alphabetical character"));
        }
        self.skip_blanks();
        let kind = match name {
            "YAML" => {
                let major = self.version_number()?;
                if self.peek() != b'.' {
                    return Err(self.syntax("did not find expected digit or '.' character"));
                }
                self.advance(1);
                Kind::Version(major, self.version_number()?)
            }
            "TAG" => self.tag_directive()?,
            _ => return Err(self.syntax("found unknown directive name")),
        };
        let end = self.mark();
        self.skip_blanks();
        if self.peek() == b'#' {
            self.skip_line();
        }
        if !self.is_break_or_end_at(0) {
            return Err(self.syntax("did not find expected comment or line break"));
        }
        self.take_break();
        self.tokens.push_back(Token { kind, start, end });
        Ok(())
    }

    fn version_number(&mut self) -> Result<u8, Fault> {
        let digits = self.bytes.iter().skip(self.pos).take_while(|byte| byte.is_ascii_digit()).count();
        let number = self.slice(self.pos, self.pos + digits);
        match digits {
            0 => Err(self.syntax("did not find expected version number")),
            1 | 2 => {
                self.advance(digits);
                Ok(number.parse().unwrap_or(0))
            }
            _ => Err(self.syntax("found extremely long version number")),
        }
    }

    fn tag_directive(&mut self) -> Result<Kind<'a>, Fault> {
        if self.peek() != b'!' {
            return Err(self.syntax("did not find expected '!'"));
        }
        let handle = self.tag_handle();
        if handle != "!" && !handle.ends_with('!') {
            return Err(self.syntax("did not find expected '!'"));
        }
        if !is_blank(self.peek()) {
            return Err(self.syntax("did not find expected whitespace"));
        }
        self.skip_blanks();
        let prefix = self.uri("", false)?;
        if !self.is_space_at(0) {
            return Err(self.syntax("did not find expected whitespace or line break"));
        }
        Ok(Kind::TagDirective(handle, prefix))
    }
}
