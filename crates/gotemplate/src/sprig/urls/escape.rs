//! Percent signs.

/// Which part of a URL a text is, for what must be escaped there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Path,
    UserPassword,
    Host,
    Zone,
    Fragment,
}

/// Whether a byte must be escaped.
fn must_escape(byte: u8, mode: Mode) -> bool {
    if byte.is_ascii_alphanumeric() {
        return false;
    }
    if matches!(mode, Mode::Host | Mode::Zone) && br#"!$&'()*+,;=:[]<>""#.contains(&byte) {
        return false;
    }
    match byte {
        b'-' | b'_' | b'.' | b'~' => false,
        b'$' | b'&' | b'+' | b',' | b'/' | b':' | b';' | b'=' | b'?' | b'@' => match mode {
            Mode::Path => byte == b'?',
            Mode::UserPassword => matches!(byte, b'@' | b'/' | b'?' | b':'),
            Mode::Fragment => false,
            Mode::Host | Mode::Zone => true,
        },
        b'!' | b'(' | b')' | b'*' => mode != Mode::Fragment,
        _ => true,
    }
}

/// The text with what must be escaped escaped.
pub fn escaped(text: &[u8], mode: Mode) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    for byte in text {
        if must_escape(*byte, mode) {
            out.extend(format!("%{byte:02X}").bytes());
        } else {
            out.push(*byte);
        }
    }
    out
}

/// The text with its escapes resolved, or why not.
pub fn unescaped(text: &[u8], mode: Mode) -> Result<Vec<u8>, String> {
    let bad = |shown: &[u8]| Err(format!("invalid URL escape {}", crate::format::quote(shown)));
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'%' {
            if matches!(mode, Mode::Host | Mode::Zone) && byte.is_ascii() && must_escape(*byte, mode) {
                return Err(format!("invalid character {} in host name", crate::format::quote(&[*byte])));
            }
            out.push(*byte);
            rest = after;
            continue;
        }
        let shown = rest.get(..rest.len().min(3)).unwrap_or_default();
        let digits = after.get(..2).and_then(|it| std::str::from_utf8(it).ok());
        let digits = digits.filter(|it| it.bytes().all(|digit| digit.is_ascii_hexdigit()));
        let Some(value) = digits.and_then(|it| u8::from_str_radix(it, 16).ok()) else { return bad(shown) };
        let refused = match mode {
            // A host may escape what is not ASCII, and the percent sign before a zone.
            Mode::Host => value < 0x80,
            Mode::Zone => value != b' ' && must_escape(value, Mode::Host),
            _ => false,
        };
        if refused && shown != b"%25" {
            return bad(shown);
        }
        out.push(value);
        rest = rest.get(3..).unwrap_or_default();
    }
    Ok(out)
}
