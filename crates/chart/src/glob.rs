//! Patterns of `.Files.Glob`: `*` stops at `/`, `**` does not, `{a,b}` are alternatives.

/// A pattern.
#[derive(Debug, Clone)]
pub(crate) struct Glob(Vec<Token>);

#[derive(Debug, Clone)]
enum Token {
    /// Any letters but `/`.
    Star,
    /// Any letters.
    Super,
    /// One letter but `/`.
    Any,
    Letter(char),
    /// One letter out of a range or list.
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    /// One of several.
    Either(Vec<Vec<Token>>),
}

/// The pattern cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct InvalidGlob;

/// How many tokens a pattern may have, and how deeply braces may be nested.
const MAX_TOKENS: usize = 4_096;
const MAX_DEPTH: usize = 16;

impl Glob {
    pub(crate) fn parse(pattern: &str) -> Result<Self, InvalidGlob> {
        let letters: Vec<char> = pattern.chars().collect();
        if letters.len() > MAX_TOKENS {
            return Err(InvalidGlob);
        }
        let mut at = 0;
        let tokens = sequence(&letters, &mut at, 0)?;
        if at == letters.len() { Ok(Self(tokens)) } else { Err(InvalidGlob) }
    }

    pub(crate) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        // Places in the name where the tokens so far may end.
        ends(&self.0, &name, vec_of(name.len() + 1, 0)).last().copied().unwrap_or(false)
    }
}

fn vec_of(len: usize, on: usize) -> Vec<bool> {
    (0..len).map(|it| it == on).collect()
}

/// Which places can be reached from these by the tokens: linear in tokens times name.
fn ends(tokens: &[Token], name: &[char], mut from: Vec<bool>) -> Vec<bool> {
    for token in tokens {
        let mut next = vec![false; from.len()];
        let one = |next: &mut Vec<bool>, fits: &dyn Fn(char) -> bool| {
            for (at, letter) in name.iter().enumerate() {
                if from.get(at) == Some(&true)
                    && fits(*letter)
                    && let Some(place) = next.get_mut(at + 1)
                {
                    *place = true;
                }
            }
        };
        match token {
            Token::Star | Token::Super => {
                let mut open = false;
                for (at, place) in next.iter_mut().enumerate() {
                    let crosses = at > 0 && name.get(at - 1) == Some(&'/') && matches!(token, Token::Star);
                    open = (open && !crosses) || from.get(at) == Some(&true);
                    *place = open;
                }
            }
            Token::Any => one(&mut next, &|c| c != '/'),
            Token::Letter(letter) => one(&mut next, &|c| c == *letter),
            Token::Set { negated, ranges } => {
                one(&mut next, &|c| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated);
            }
            Token::Either(choices) => {
                for choice in choices {
                    for (place, reached) in next.iter_mut().zip(ends(choice, name, from.clone())) {
                        *place |= reached;
                    }
                }
            }
        }
        from = next;
    }
    from
}

fn sequence(letters: &[char], at: &mut usize, depth: usize) -> Result<Vec<Token>, InvalidGlob> {
    let mut out = Vec::new();
    while let Some(letter) = letters.get(*at) {
        *at += 1;
        out.push(match letter {
            '*' if letters.get(*at) == Some(&'*') => {
                while letters.get(*at) == Some(&'*') {
                    *at += 1;
                }
                Token::Super
            }
            '*' => Token::Star,
            '?' => Token::Any,
            '\\' => {
                let next = letters.get(*at).ok_or(InvalidGlob)?;
                *at += 1;
                Token::Letter(*next)
            }
            '[' => set(letters, at)?,
            '{' => {
                if depth >= MAX_DEPTH {
                    return Err(InvalidGlob);
                }
                let mut choices = Vec::new();
                loop {
                    choices.push(sequence(letters, at, depth + 1)?);
                    *at += 1;
                    match letters.get(*at - 1) {
                        Some(',') => {}
                        Some('}') => break,
                        _ => return Err(InvalidGlob),
                    }
                }
                Token::Either(choices)
            }
            ',' | '}' if depth > 0 => {
                *at -= 1;
                return Ok(out);
            }
            letter => Token::Letter(*letter),
        });
    }
    Ok(out)
}

/// `[a-z]`, `[!a-z]`, `[abc]`, `[!abc]`.
fn set(letters: &[char], at: &mut usize) -> Result<Token, InvalidGlob> {
    let negated = letters.get(*at) == Some(&'!');
    *at += usize::from(negated);
    let mut ranges = Vec::new();
    loop {
        let letter = *letters.get(*at).ok_or(InvalidGlob)?;
        *at += 1;
        match letter {
            ']' if !ranges.is_empty() => return Ok(Token::Set { negated, ranges }),
            ']' => return Err(InvalidGlob),
            letter => {
                let letter = if letter == '\\' {
                    *at += 1;
                    *letters.get(*at - 1).ok_or(InvalidGlob)?
                } else {
                    letter
                };
                let dash = letters.get(*at) == Some(&'-') && letters.get(*at + 1).is_some_and(|it| *it != ']');
                if dash {
                    let high = *letters.get(*at + 1).ok_or(InvalidGlob)?;
                    *at += 2;
                    if high < letter {
                        return Err(InvalidGlob);
                    }
                    ranges.push((letter, high));
                } else {
                    ranges.push((letter, letter));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_helm() {
        for (pattern, name, expected) in [
            ("*", "a", true),
            ("*", "a/b", false),
            ("**", "a/b", true),
            ("a/*", "a/b", true),
            ("a/*", "a/b/c", false),
            ("a/**", "a/b/c", true),
            ("**.yaml", "a/b.yaml", true),
            ("**/*.yaml", "b.yaml", false),
            ("{a,b}/*.txt", "b/x.txt", true),
            ("{a,b}/*.txt", "c/x.txt", false),
            ("[a-c]?", "bx", true),
            ("[!a-c]", "b", false),
            ("a\\*", "a*", true),
            ("{a,{b,c}}", "c", true),
            ("", "", true),
            ("config/**.{yaml,json}", "config/x/y.json", true),
        ] {
            assert_eq!(Glob::parse(pattern).unwrap().matches(name), expected, "{pattern} {name}");
        }
        for pattern in ["[a", "{a", "\\", "[]", &"{".repeat(50)] {
            assert!(Glob::parse(pattern).is_err(), "{pattern}");
        }
        // What would take for ever by trying: it does not.
        let glob = Glob::parse(&"*a".repeat(500)).unwrap();
        assert!(!glob.matches(&"a".repeat(499)));
    }
}
