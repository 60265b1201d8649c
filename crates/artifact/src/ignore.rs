//! Which files of a source stay out of its artifact: the `.gitignore` dialect of Flux's sources.
//!
//! ```text
//! .git and friends, always
//!   + (.sourceignore of every directory, each scoped to it; then spec.ignore)   if there is any such pattern
//!   + defaults (images, archives, CI configuration)                             otherwise
//! ```
//!
//! The last pattern that matches decides. Unlike in git, a file below an excluded directory can be taken back in by a
//! later `!pattern`, since each path is judged on its own.

mod wildcard;

/// Name of the file that holds a directory's own rules.
pub const FILE: &str = ".sourceignore";

/// Files of version control, never part of an artifact.
const VCS: &[&str] = &[".git/", ".gitignore", ".gitmodules", ".gitattributes"];

/// What is left out when the user says nothing.
const DEFAULTS: &[&str] = &[
    ".github/",
    ".circleci/",
    ".travis.yml",
    ".gitlab-ci.yml",
    "appveyor.yml",
    ".drone.yml",
    "cloudbuild.yaml",
    "codeship-services.yml",
    "codeship-steps.yml",
    "*.jpg",
    "*.jpeg",
    "*.gif",
    "*.png",
    "*.wmv",
    "*.flv",
    "*.tar.gz",
    "*.zip",
    "**/.goreleaser.yml",
    "**/.sops.yaml",
    "**/.flux.yaml",
];

/// One line of an ignore file, bound to the directory it was found in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    domain: Vec<String>,
    segments: Vec<String>,
    inclusion: bool,
    directories_only: bool,
}

impl Pattern {
    /// Reads one line; `domain` is the directory of its file, segment by segment from the root.
    #[must_use]
    pub fn parse(line: &str, domain: &[String]) -> Self {
        let (inclusion, mut text) = match line.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, line),
        };
        if !text.ends_with("\\ ") {
            text = text.trim_end_matches(' ');
        }
        let directories_only = text.ends_with('/');
        let text = text.strip_suffix('/').unwrap_or(text);
        let segments = text.split('/').map(str::to_owned).collect();
        Self { domain: domain.to_vec(), segments, inclusion, directories_only }
    }

    /// Whether this pattern speaks of the path.
    fn matches(&self, path: &[&str], is_dir: bool) -> bool {
        let Some((head, rest)) = path.split_at_checked(self.domain.len()) else { return false };
        if rest.is_empty() || head != self.domain.as_slice() {
            return false;
        }
        match self.segments.as_slice() {
            [name] => self.matches_name(name, rest, is_dir),
            segments => self.matches_path(segments, rest, is_dir),
        }
    }

    /// A pattern without a slash: any segment of the path may match it.
    fn matches_name(&self, pattern: &str, path: &[&str], is_dir: bool) -> bool {
        let Some(at) = path.iter().position(|name| wildcard::matches(pattern, name)) else { return false };
        is_dir || !self.directories_only || at + 1 < path.len()
    }

    /// A pattern with slashes: matched from the domain's root, segment by segment; `**` skips any number of them.
    /// What matches a directory matches everything below it, but `a/**` does not match `a` itself.
    fn matches_path(&self, segments: &[String], path: &[&str], is_dir: bool) -> bool {
        let (mut rest, mut matched, mut skip) = (path.iter(), false, false);
        for (i, segment) in segments.iter().enumerate() {
            let last = i + 1 == segments.len();
            match segment.as_str() {
                "" => skip = false,
                "**" if last => break,
                "**" => skip = true,
                text if text.contains("**") => return false,
                text if skip => {
                    skip = false;
                    matched = rest.by_ref().any(|name| wildcard::matches(text, name));
                    if !matched {
                        return false;
                    }
                }
                text => {
                    if !rest.next().is_some_and(|name| wildcard::matches(text, name)) {
                        return false;
                    }
                    matched = last || rest.len() > 0;
                }
            }
        }
        matched && (is_dir || !self.directories_only || rest.len() > 0)
    }
}

/// The patterns of a file: empty lines and comments are skipped.
#[must_use]
pub fn parse(text: &str, domain: &[String]) -> Vec<Pattern> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| Pattern::parse(line, domain))
        .collect()
}

/// The complete rules for one tree.
#[derive(Clone, Debug)]
pub struct Rules {
    patterns: Vec<Pattern>,
}

impl Rules {
    /// `custom` in order of growing weight: the `.sourceignore` files from the root down, then `spec.ignore`.
    #[must_use]
    pub fn new(custom: Vec<Pattern>) -> Self {
        let own = |lines: &[&str]| lines.iter().map(|line| Pattern::parse(line, &[])).collect::<Vec<_>>();
        let mut patterns = own(VCS);
        patterns.extend(if custom.is_empty() { own(DEFAULTS) } else { custom });
        Self { patterns }
    }

    /// Whether a path, segment by segment from the root, stays out of the artifact.
    #[must_use]
    pub fn excludes(&self, path: &[&str], is_dir: bool) -> bool {
        self.patterns.iter().rev().find(|p| p.matches(path, is_dir)).is_some_and(|p| !p.inclusion)
    }

    /// Whether nothing below an excluded directory can be taken back in, so that it need not be walked.
    #[must_use]
    pub fn may_prune(&self) -> bool {
        !self.patterns.iter().any(|p| p.inclusion)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn excluded(rules: &Rules, path: &str) -> bool {
        let is_dir = path.ends_with('/');
        let segments: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        rules.excludes(&segments, is_dir)
    }

    fn check(rules: &Rules, cases: &[(&str, bool)]) {
        for (path, expected) in cases {
            assert_eq!(excluded(rules, path), *expected, "{path}");
        }
    }

    #[test]
    fn defaults_apply_when_nothing_is_said() {
        let cases = [
            (".git/config", true),
            (".gitignore", true),
            ("sub/.gitattributes", true),
            ("logo.png", true),
            ("docs/logo.jpeg", true),
            ("chart.tar.gz", true),
            (".github/workflows/ci.yaml", true),
            ("a/b/.sops.yaml", true),
            (".sops.yaml", true),
            ("deploy/app.yaml", false),
            (".github", false),
            ("appveyor.yml", true),
        ];
        check(&Rules::default(), &cases);
    }

    #[test]
    fn a_custom_pattern_replaces_the_defaults_but_not_vcs() {
        let rules = Rules::new(parse("# a comment\n\n*.txt\n", &[]));
        check(&rules, &[("a.txt", true), ("logo.png", false), (".git/HEAD", true), ("b.yaml", false)]);
    }

    #[test]
    fn the_last_match_decides_and_may_take_back_what_a_directory_lost() {
        let rules = Rules::new(parse("/*\n!/deploy/\n/deploy/secret.yaml\n", &[]));
        let cases = [
            ("README.md", true),
            ("src/main.rs", true),
            ("deploy/", false),
            ("deploy/app.yaml", false),
            ("deploy/a/b.yaml", false),
            ("deploy/secret.yaml", true),
            ("other/deploy/app.yaml", true),
        ];
        check(&rules, &cases);
        assert!(!rules.may_prune());
        assert!(Rules::default().may_prune());
    }

    #[test]
    fn patterns_are_scoped_to_their_directory() {
        let domain = ["apps".to_owned(), "one".to_owned()];
        let rules = Rules::new(parse("*.md\n/tmp\n", &domain));
        let cases = [
            ("apps/one/README.md", true),
            ("apps/one/deep/README.md", true),
            ("apps/two/README.md", false),
            ("README.md", false),
            ("apps/one/tmp", true),
            ("apps/one/deep/tmp", false),
            ("apps/one", false),
        ];
        check(&rules, &cases);
    }

    #[test]
    fn stars_and_slashes() {
        let cases: &[(&str, &str, bool)] = &[
            ("**/test", "a/b/test", true),
            ("**/test", "test", true),
            ("**/test", "a/tested", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "a/x", false),
            ("a/b", "a", false),
            ("a/b", "a/", false),
            ("a/**", "a/x/y", true),
            ("a/**", "a/", false),
            ("**/a/b", "x/a/c/a/b", false),
            ("[!ab].yaml", "c.yaml", true),
            ("[!ab].yaml", "a.yaml", false),
            ("/a", "b/a", false),
            ("a/*", "a/b/c", true),
            ("dir/", "dir", false),
            ("dir/", "dir/", true),
            ("dir/", "x/dir/file", true),
            ("foo*bar/", "fooXbar/x", true),
            ("a**b/c", "aXb/c", false),
            ("trailing   ", "trailing", true),
            ("[ab].yaml", "b.yaml", true),
            ("[", "[", false),
            ("\\!keep", "!keep", true),
        ];
        for (pattern, path, expected) in cases {
            let rules = Rules::new(parse(pattern, &[]));
            assert_eq!(excluded(&rules, path), *expected, "{pattern} against {path}");
        }
    }

    #[test]
    fn the_spec_has_the_last_word() {
        let mut patterns = parse("*.yaml\n", &[]);
        patterns.extend(parse("!keep.yaml\n", &[]));
        check(&Rules::new(patterns), &[("a.yaml", true), ("keep.yaml", false), ("x/keep.yaml", false)]);
    }
}
