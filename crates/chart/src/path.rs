//! Paths with `/`, as Go's `path` package treats them.

/// The shortest path that means the same: no `.`, no inner `..`, no doubled `/`.
pub(crate) fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|it| *it != "..") => {
                parts.pop();
            }
            ".." if rooted => {}
            other => parts.push(other),
        }
    }
    match (rooted, parts.join("/")) {
        (true, joined) => format!("/{joined}"),
        (false, joined) if joined.is_empty() => ".".to_owned(),
        (false, joined) => joined,
    }
}

/// The last segment.
pub(crate) fn base(path: &str) -> &str {
    let path = path.trim_end_matches('/');
    path.rsplit('/').next().unwrap_or(path)
}

/// As `filepath.Match`: `*` and `?` stop at `/`, `[a-z]` and `[^a]` are sets, `\` takes the next letter as it is.
/// False for a pattern that cannot be read.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    Pattern::parse(pattern).is_some_and(|it| it.matches(name))
}

/// A pattern that was read.
#[derive(Debug, Clone)]
pub(crate) enum Pattern {
    /// Nothing in it is special.
    Literal(String),
    /// `*` and then nothing special.
    Suffix(String),
    Tokens(Vec<Token>),
}

impl Pattern {
    /// None for a pattern that cannot be read: `[` without end, `\` at the end.
    pub(crate) fn parse(pattern: &str) -> Option<Self> {
        let special = |text: &str| text.contains(['*', '?', '\\', '[']);
        Some(match pattern.strip_prefix('*') {
            _ if !special(pattern) => Self::Literal(pattern.to_owned()),
            Some(rest) if !special(rest) => Self::Suffix(rest.to_owned()),
            _ => Self::Tokens(tokens(pattern)?),
        })
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        match self {
            Self::Literal(text) => text == name,
            Self::Suffix(text) => name.strip_suffix(text.as_str()).is_some_and(|before| !before.contains('/')),
            Self::Tokens(tokens) => run(tokens, &name.chars().collect::<Vec<_>>()),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) enum Token {
    Star,
    Any,
    Letter(char),
    Set(bool, Vec<(char, char)>),
}

fn tokens(pattern: &str) -> Option<Vec<Token>> {
    let mut chars = pattern.chars().peekable();
    let mut out = Vec::new();
    while let Some(c) = chars.next() {
        out.push(match c {
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => Token::Letter(chars.next()?),
            '[' => {
                let negated = chars.next_if_eq(&'^').is_some();
                let mut ranges = Vec::new();
                loop {
                    if !ranges.is_empty() && chars.next_if_eq(&']').is_some() {
                        break;
                    }
                    let mut letter = || match chars.next()? {
                        '\\' => chars.next(),
                        '-' | ']' => None,
                        c => Some(c),
                    };
                    let low = letter()?;
                    let high = if chars.next_if_eq(&'-').is_some() {
                        match chars.next()? {
                            '\\' => chars.next()?,
                            '-' | ']' => return None,
                            c => c,
                        }
                    } else {
                        low
                    };
                    ranges.push((low, high));
                }
                Token::Set(negated, ranges)
            }
            c => Token::Letter(c),
        });
    }
    Some(out)
}

/// With one place to come back to: linear in pattern times name.
fn run(tokens: &[Token], name: &[char]) -> bool {
    let (mut at, mut on, mut back) = (0, 0, None);
    loop {
        let fits = match (tokens.get(at), name.get(on)) {
            (None, None) => return true,
            (Some(Token::Star), _) => {
                back = Some((at + 1, on));
                at += 1;
                continue;
            }
            (Some(Token::Any), Some(c)) => *c != '/',
            (Some(Token::Letter(letter)), Some(c)) => letter == c,
            (Some(Token::Set(negated, ranges)), Some(c)) => {
                *c != '/' && ranges.iter().any(|(low, high)| low <= c && c <= high) != *negated
            }
            _ => false,
        };
        if fits {
            (at, on) = (at + 1, on + 1);
            continue;
        }
        // The last star takes one more letter, if it may.
        match back {
            Some((after, from)) if name.get(from).is_some_and(|c| *c != '/') => {
                back = Some((after, from + 1));
                (at, on) = (after, from + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleans_as_go_does() {
        for (path, clean_) in [
            ("", "."),
            ("a/b/../c", "a/c"),
            ("a/../..", ".."),
            ("../../x", "../../x"),
            ("/../x", "/x"),
            ("a//b/./c/", "a/b/c"),
        ] {
            assert_eq!(clean(path), clean_, "{path}");
        }
    }

    #[test]
    fn matches_as_go_does() {
        for (pattern, name, expected) in [
            ("*.yaml", "a.yaml", true),
            ("*.yaml", "x/a.yaml", false),
            ("*", "x", true),
            ("*", "", true),
            ("*b", "bb", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("templates/.?*", "templates/.git", true),
            ("templates/.?*", "templates/.", false),
            ("[a-c]x", "bx", true),
            ("[^a-c]x", "bx", false),
            ("a?c", "a/c", false),
            ("\\*", "*", true),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("", "", true),
            ("[]a]", "]", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
        let is_bad = |pattern| Pattern::parse(pattern).is_none();
        assert!(is_bad("[a") && is_bad("a\\") && is_bad("[]a]") && !is_bad("[a]"));
    }
}
