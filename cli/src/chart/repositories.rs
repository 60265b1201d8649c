//! helm's `repositories.yaml`: the repositories that somebody added by name.

use std::path::{Path, PathBuf};

use serde_json::Value;

use super::download::small;
use crate::error::{Cause, Error};

/// A repository. Prints nothing secret.
#[derive(Clone, Default)]
pub struct Repository {
    /// What people call it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Who asks; empty for nobody.
    pub username: String,
    /// Their password.
    pub password: String,
    /// Whether other hosts get them too.
    pub pass_credentials: bool,
    /// Authorities to trust.
    pub ca_file: Option<PathBuf>,
    /// Client certificate.
    pub cert_file: Option<PathBuf>,
    /// Its key.
    pub key_file: Option<PathBuf>,
}

impl std::fmt::Debug for Repository {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Repository").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Repository {
    /// Whether it says who asks.
    pub fn has_credentials(&self) -> bool {
        !self.username.is_empty() && !self.password.is_empty()
    }

    /// Whether it says what to trust or to show.
    pub fn has_certificates(&self) -> bool {
        self.ca_file.is_some() || self.cert_file.is_some() || self.key_file.is_some()
    }

    fn from_value(value: &Value) -> Self {
        let text = |field: &str| value.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
        let path = |field: &str| Some(text(field)).filter(|it| !it.is_empty()).map(PathBuf::from);
        Self {
            name: text("name"),
            url: text("url"),
            username: text("username"),
            password: text("password"),
            pass_credentials: value.get("pass_credentials_all").and_then(Value::as_bool).unwrap_or_default(),
            ca_file: path("caFile"),
            cert_file: path("certFile"),
            key_file: path("keyFile"),
        }
    }
}

/// The repositories of a file; none when there is no file.
pub fn read(path: &Path) -> Result<Vec<Repository>, Error> {
    if !path.exists() {
        return Ok(Vec::new());
    }
    // What the parser says may quote a password: only the place of the mistake is told.
    let malformed = |what: String| Error::Chart {
        action: format!("read the repositories in {}", path.display()),
        source: Cause::new(what),
        hint: Some("name another file with --repository-config, or a repository's address with --repo URL".to_owned()),
    };
    let bytes = small(path)?;
    let text = std::str::from_utf8(&bytes).map_err(|_| malformed("it is not UTF-8 text".to_owned()))?;
    let file = weir_yaml::sigs::from_str(text)
        .map_err(|error| malformed(format!("it is not valid YAML at line {} column {}", error.line, error.column)))?;
    let all = file.get("repositories").and_then(Value::as_array);
    Ok(all.into_iter().flatten().map(Repository::from_value).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_and_mistakes_hold_no_password() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("repositories.yaml");
        assert!(read(&path).unwrap().is_empty());
        let entry = "{name: my, url: 'https://h.example', username: u, password: canary, pass_credentials_all: true, caFile: '', certFile: /c}";
        std::fs::write(&path, format!("apiVersion: ''\nrepositories: [{entry}, {{name: x}}]\n")).unwrap();
        let all = read(&path).unwrap();
        assert_eq!(all.iter().map(|it| it.name.as_str()).collect::<Vec<_>>(), ["my", "x"]);
        let my = &all[0];
        assert!(my.has_credentials() && my.pass_credentials && my.has_certificates() && my.ca_file.is_none());
        assert!(!all[1].has_credentials() && !all[1].has_certificates());
        assert!(!format!("{my:?}").contains("canary"));
        std::fs::write(&path, "repositories:\n- password: canary\n  a: b: c\n").unwrap();
        let error = crate::error::render(&read(&path).unwrap_err(), crate::terminal::Style::plain());
        assert!(error.contains("line") && !error.contains("canary"), "{error}");
    }
}
