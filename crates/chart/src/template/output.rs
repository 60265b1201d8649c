//! What `helm template` prints.

use std::{borrow::Cow, fmt::Write as _};

use super::{Rendered, joined, put};
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

    /// The text `helm template` prints, in pieces.
    ///
    /// # Errors
    /// When `show_only` names what is not there.
    pub fn printed(&self, output: &TemplateOutput) -> Result<Vec<Cow<'_, str>>, NoSuchTemplate> {
        let mut out = self.pieces(output.include_crds);
        while out.last().is_some_and(|it| it.trim_end().is_empty()) {
            out.pop();
        }
        if let Some(last) = out.last_mut() {
            let kept = last.trim_end().len();
            match last {
                Cow::Borrowed(text) => *text = text.get(..kept).unwrap_or_default(),
                Cow::Owned(text) => text.truncate(kept),
            }
        }
        out.push(Cow::Borrowed("\n"));
        for hook in self.shown_hooks(output) {
            put(&mut out, &hook.path, Cow::Borrowed(&hook.manifest));
        }
        if output.show_only.is_empty() {
            return Ok(out);
        }
        Ok(vec![Cow::Owned(self.only(&joined(&out), &output.show_only)?)])
    }

    /// As [`Self::printed`], in one piece.
    ///
    /// # Errors
    /// As [`Self::printed`].
    pub fn print(&self, output: &TemplateOutput) -> Result<String, NoSuchTemplate> {
        Ok(joined(&self.printed(output)?))
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
