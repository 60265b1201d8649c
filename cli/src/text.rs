//! Text for terminals: cleaned, shortened, measured.

use jiff::Timestamp;
use unicode_width::UnicodeWidthChar;

/// `text` in one line without anything that could move a cursor, colour a screen or turn the reading direction.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => {
                if !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c if harmful(c) => {}
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// As [`clean`], but lines stay lines.
pub fn clean_lines(text: &str) -> String {
    text.chars().filter(|&c| c == '\n' || c == '\t' || !harmful(c)).collect()
}

/// JSON with every harmful character escaped, so that it still means the same.
pub fn escape_json(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && harmful(c) { out.push_str(&format!("\\u{:04x}", u32::from(c))) } else { out.push(c) }
    }
    out
}

fn harmful(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// How many columns `text` takes.
pub fn width(text: &str) -> usize {
    text.chars().map(|c| c.width().unwrap_or(0)).sum()
}

/// Breaks `text` at spaces into lines of at most `limit` columns; a longer word is broken anywhere.
pub fn wrap(text: &str, limit: usize) -> Vec<String> {
    let limit = limit.max(1);
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let mut word = word.to_owned();
        loop {
            let line = lines.last_mut().expect("there is always a line");
            let used = if line.is_empty() { 0 } else { width(line) + 1 };
            if used + width(&word) <= limit {
                if used > 0 {
                    line.push(' ');
                }
                line.push_str(&word);
                break;
            }
            if used > 0 {
                lines.push(String::new());
                continue;
            }
            let rest = word.split_off(cut(&word, limit));
            line.push_str(&word);
            lines.push(String::new());
            word = rest;
        }
    }
    lines
}

/// The byte where `limit` columns end; at least one character.
fn cut(text: &str, limit: usize) -> usize {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > limit && at > 0 {
            return at;
        }
    }
    text.len()
}

/// Digests and commit hashes, `sha1:…` and the like, cut to eight digits as Flux's tools print revisions. Hex that stands
/// for something else, such as the path of a webhook, stays whole.
pub fn short_hex(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(':') {
        let (before, after) = rest.split_at(at + 1);
        out.push_str(before);
        let end = after.find(|c: char| !c.is_ascii_alphanumeric()).unwrap_or(after.len());
        let (word, tail) = after.split_at(end);
        let hex = matches!(word.len(), 40 | 64 | 96 | 128) && word.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'));
        out.push_str(if hex { word.get(..8).unwrap_or(word) } else { word });
        rest = tail;
    }
    out.push_str(rest);
    out
}

/// How long ago, in at most two units, as kubectl prints ages.
pub fn age(then: Timestamp, now: Timestamp) -> String {
    span(now.as_second().saturating_sub(then.as_second()))
}

/// Seconds in at most two units.
pub fn span(seconds: i64) -> String {
    let (s, m, h, d) = (seconds, seconds / 60, seconds / 3600, seconds / 86_400);
    let two = |a: i64, unit: char, b: i64, small: char| {
        if b == 0 { format!("{a}{unit}") } else { format!("{a}{unit}{b}{small}") }
    };
    match s {
        ..0 => "0s".into(),
        0..120 => format!("{s}s"),
        120..600 => two(m, 'm', s % 60, 's'),
        600..10_800 => format!("{m}m"),
        10_800..28_800 => two(h, 'h', m % 60, 'm'),
        28_800..172_800 => format!("{h}h"),
        172_800..691_200 => two(d, 'd', h % 24, 'h'),
        _ if d < 730 => format!("{d}d"),
        _ => two(d / 365, 'y', d % 365, 'd'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_harm_a_terminal_is_taken_out() {
        assert_eq!(clean("a\n\n b\t\u{1b}[2Jc\u{202e}d\u{9b}31me\r\n"), "a  b [2Jcd31me");
        assert_eq!(clean_lines("a\n\u{1b}]0;x\u{7}b\tc"), "a\n]0;xb\tc");
        assert_eq!(escape_json("{\"a\": \"\u{9b}x\u{202e}é\"}\n"), "{\"a\": \"\\u009bx\\u202eé\"}\n");
    }

    #[test]
    fn revisions_are_shortened() {
        let sha1 = "0123456789abcdef0123456789abcdef01234567";
        for (text, short) in [
            (format!("main@sha1:{sha1}"), "main@sha1:01234567".to_owned()),
            (format!("sha256:{}", "ab".repeat(32)), "sha256:abababab".to_owned()),
            ("6.5.4+0123456789ab".into(), "6.5.4+0123456789ab".into()),
            (format!("x:y{sha1}"), format!("x:y{sha1}")),
            (format!("path: /hook/{sha1}"), format!("path: /hook/{sha1}")),
            (
                format!("revision: main@sha1:{sha1}, and sha1:{sha1}"),
                "revision: main@sha1:01234567, and sha1:01234567".into(),
            ),
            ("refs/héads/main@sha1:abc".into(), "refs/héads/main@sha1:abc".into()),
        ] {
            assert_eq!(short_hex(&text), short);
        }
    }

    #[test]
    fn ages_have_two_units_at_most() {
        for (seconds, text) in [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (330, "5m30s"),
            (9000, "150m"),
            (10_800, "3h"),
            (20_000, "5h33m"),
            (100_000, "27h"),
            (200_000, "2d7h"),
            (90 * 86_400, "90d"),
            (800 * 86_400, "2y70d"),
        ] {
            assert_eq!(span(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn wraps_at_spaces_and_breaks_long_words() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij k", 4), ["abcd", "efgh", "ij k"]);
        assert_eq!(wrap("", 4), [""]);
        assert_eq!(wrap("日本語", 4), ["日本", "語"]);
        assert_eq!(width("日本"), 4);
    }
}
