//! What the words on the command line mean: kinds and names.

use crate::{
    error::Error,
    kind::{self, KINDS, Kind},
};

/// Kinds, and perhaps one object of one of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The kind.
    pub kind: &'static Kind,
    /// The object; all of the kind when unset.
    pub name: Option<String>,
}

/// Reads `KIND`, `KIND NAME…`, `KIND/NAME…`, `KIND,KIND`, `all`, and Flux's `source git NAME…`.
pub fn parse(words: &[String]) -> Result<Vec<Target>, Error> {
    let Some(first) = words.first() else {
        return Err(Error::usage("which kind?", kinds_hint()));
    };
    if first.contains('/') {
        return words.iter().map(|word| slashed(word)).collect();
    }
    if let Some(kind) = words.get(1).and_then(|second| kind::two_words(first, second)) {
        return Ok(of(kind, words.get(2..).unwrap_or_default()));
    }
    let names = match words.get(1..).unwrap_or_default() {
        // As Flux says `get sources all`.
        [all] if all == "all" && kind::named(first).len() > 1 => &[],
        names => names,
    };
    let mut kinds: Vec<&'static Kind> = Vec::new();
    for word in first.split(',') {
        let found = kind::named(word);
        if found.is_empty() {
            return Err(unknown(word));
        }
        kinds.extend(found.into_iter().filter(|kind| !kinds.contains(kind)).collect::<Vec<_>>());
    }
    match kinds.as_slice() {
        [kind] => Ok(of(kind, names)),
        kinds if names.is_empty() => Ok(kinds.iter().map(|kind| Target { kind, name: None }).collect()),
        _ => Err(Error::usage(
            format!("{first} is more than one kind, so the name {:?} is ambiguous", names.join(" ")),
            "name one kind, for example: weir get kustomization apps",
        )),
    }
}

/// Reads exactly one object.
pub fn parse_one(words: &[String], command: &str) -> Result<(&'static Kind, String), Error> {
    match parse(words)?.as_slice() {
        [Target { kind, name: Some(name) }] => Ok((kind, name.clone())),
        [Target { kind, name: None }] => Err(Error::usage(
            format!("which {}?", kind.singular()),
            format!("see what is there: weir get {} -A", kind.plural),
        )),
        _ => Err(Error::usage(
            format!("{command} takes one object"),
            format!("for example: weir {command} kustomization apps"),
        )),
    }
}

fn of(kind: &'static Kind, names: &[String]) -> Vec<Target> {
    if names.is_empty() {
        return vec![Target { kind, name: None }];
    }
    names.iter().map(|name| Target { kind, name: Some(name.clone()) }).collect()
}

fn slashed(word: &str) -> Result<Target, Error> {
    let Some((kind, name)) = word.split_once('/').filter(|(_, name)| !name.is_empty()) else {
        return Err(Error::usage(format!("{word:?} is not KIND/NAME"), "for example: weir get ks/apps gitrepo/apps"));
    };
    match kind::named(kind).as_slice() {
        [kind] => Ok(Target { kind, name: Some(name.to_owned()) }),
        [] => Err(unknown(kind)),
        _ => Err(Error::usage(format!("{kind} is more than one kind"), "name one kind, for example: ks/apps")),
    }
}

fn unknown(word: &str) -> Error {
    let word = word.to_ascii_lowercase();
    let near = KINDS
        .iter()
        .flat_map(|kind| [kind.singular(), kind.plural.to_owned()])
        .filter(|name| {
            !word.is_empty() && (name.contains(&word) || word.contains(name.as_str()) || distance(name, &word) <= 2)
        })
        .min_by_key(|name| distance(name, &word));
    match near {
        Some(name) => Error::usage(format!("no kind is called {word:?}"), format!("did you mean {name}?")),
        None => Error::usage(format!("no kind is called {word:?}"), kinds_hint()),
    }
}

fn kinds_hint() -> String {
    let names: Vec<String> =
        KINDS.iter().map(|kind| kind.short.first().map_or_else(|| kind.singular(), |s| (*s).to_owned())).collect();
    format!("kinds are all, sources, images, notifications, {}", names.join(", "))
}

/// How many letters to add, drop or change to get from one word to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        for (j, cb) in b.iter().enumerate() {
            let above = row.get(j + 1).copied().unwrap_or(usize::MAX);
            let left = next.get(j).copied().unwrap_or(usize::MAX);
            let corner = row.get(j).copied().unwrap_or(usize::MAX);
            next.push((above + 1).min(left + 1).min(corner + usize::from(ca != *cb)));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split_whitespace().map(str::to_owned).collect()
    }

    fn read(text: &str) -> Vec<String> {
        parse(&words(text))
            .unwrap()
            .iter()
            .map(|t| format!("{}/{}", t.kind.kind, t.name.as_deref().unwrap_or("*")))
            .collect()
    }

    #[test]
    fn reads_what_people_type() {
        for (text, expected) in [
            ("ks", vec!["Kustomization/*"]),
            ("ks apps infra", vec!["Kustomization/apps", "Kustomization/infra"]),
            ("ks/apps gitrepo/a", vec!["Kustomization/apps", "GitRepository/a"]),
            ("ks,hr", vec!["Kustomization/*", "HelmRelease/*"]),
            ("source git", vec!["GitRepository/*"]),
            ("sources git a", vec!["GitRepository/a"]),
            ("images all", vec!["ImageRepository/*", "ImagePolicy/*", "ImageUpdateAutomation/*"]),
            ("ks all", vec!["Kustomization/all"]),
            ("appliers,ks", vec!["Kustomization/*", "HelmRelease/*"]),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
        assert_eq!(read("all").len(), 15);
    }

    #[test]
    fn refuses_with_the_next_move() {
        for (text, hint) in [
            ("", "kinds are"),
            ("kustomisation", "did you mean kustomization?"),
            ("pods", "kinds are"),
            ("all apps", "name one kind"),
            ("ks/", "for example"),
            ("sources/x", "name one kind"),
        ] {
            let error = parse(&words(text)).unwrap_err();
            assert_eq!(error.exit_code(), 2);
            let text_out = crate::error::render(&error, crate::terminal::Style::plain());
            assert!(text_out.contains(hint), "{text}: {text_out}");
        }
    }

    #[test]
    fn one_object_means_one() {
        assert_eq!(parse_one(&words("ks apps"), "tree").unwrap().1, "apps");
        assert!(parse_one(&words("ks"), "tree").is_err());
        assert!(parse_one(&words("ks a b"), "tree").is_err());
    }
}
