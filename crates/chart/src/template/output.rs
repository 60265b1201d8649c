//! What `helm template` prints.

use std::fmt::Write as _;

use super::Rendered;
use crate::{
    hook::{Hook, HookEvent},
    manifest::split,
    path,
};

/// What of a rendering is printed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TemplateOutput {
    /// Files from `crds/`, first.
    pub include_crds: bool,
    /// No hooks.
    pub no_hooks: bool,
    /// No hooks that are tests.
    pub skip_tests: bool,
    /// Only documents of these templates, patterns of paths inside the chart.
    pub show_only: Vec<String>,
}

/// A pattern that no template matches.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("could not find template {0} in chart")]
pub struct NoSuchTemplate(pub String);

impl Rendered {
    /// The hooks that are printed.
    pub fn shown_hooks(&self, output: &TemplateOutput) -> impl Iterator<Item = &Hook> {
        let (none, tests) = (output.no_hooks, !output.skip_tests);
        self.hooks.iter().filter(move |it| !none && (tests || !it.runs_at(HookEvent::Test)))
    }

    /// The text `helm template` prints.
    ///
    /// # Errors
    /// When `show_only` names what is not there.
    pub fn print(&self, output: &TemplateOutput) -> Result<String, NoSuchTemplate> {
        // Charts of many megabytes go through here: the text is cut where it is, not copied.
        let mut text = self.manifest(output.include_crds);
        text.truncate(text.trim_end().len());
        text.drain(..text.len() - text.trim_start().len());
        text.push('\n');
        for hook in self.shown_hooks(output) {
            let _ = write!(text, "---\n# Source: {}\n{}\n", hook.path, hook.manifest);
        }
        if output.show_only.is_empty() { Ok(text) } else { self.only(&text, &output.show_only) }
    }

    fn only(&self, text: &str, patterns: &[String]) -> Result<String, NoSuchTemplate> {
        let documents = split(text, self.compat);
        let mut out = String::new();
        for pattern in patterns {
            let mut found = false;
            for document in &documents {
                if source(document).is_some_and(|it| path::matches(pattern, it)) {
                    found = true;
                    let _ = write!(out, "---\n{document}\n");
                }
            }
            if !found {
                return Err(NoSuchTemplate(pattern.clone()));
            }
        }
        Ok(out)
    }
}

/// The path inside the chart that the first `# Source:` of a document names.
fn source(document: &str) -> Option<&str> {
    let (_, after) = document.split_once("# Source: ")?;
    let line = after.lines().next()?;
    let (chart, path) = line.split_once('/')?;
    (!chart.is_empty() && !path.is_empty()).then_some(path)
}
