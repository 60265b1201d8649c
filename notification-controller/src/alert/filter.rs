//! Regular expressions over messages.

use regex::{Regex, RegexBuilder};
use weir_api::notification::AlertSpec;

/// What one compiled expression may take, in bytes.
const REGEX_SIZE: usize = 1 << 20;

/// An alert's expressions, compiled; those that do not compile are left out and told.
#[derive(Debug)]
pub struct Patterns {
    include: Option<Vec<Regex>>,
    exclude: Vec<Regex>,
    /// What is wrong with the alert, in Flux's words.
    pub problems: Vec<String>,
}

impl Patterns {
    /// Compiles an alert's expressions.
    #[must_use]
    pub fn compile(spec: &AlertSpec) -> Self {
        let mut problems = Vec::new();
        let mut compile = |list: &[String], which: &str| -> Vec<Regex> {
            let mut compiled = Vec::new();
            for expression in list {
                match RegexBuilder::new(expression).size_limit(REGEX_SIZE).build() {
                    Ok(regex) => compiled.push(regex),
                    Err(_) => problems.push(format!("failed to compile {which} regex: {expression}")),
                }
            }
            compiled
        };
        let include = compile(&spec.inclusion_list, "inclusion");
        let exclude = compile(&spec.exclusion_list, "exclusion");
        let include = (!spec.inclusion_list.is_empty()).then_some(include);
        Self { include, exclude, problems }
    }

    /// Whether a message may be sent: included when there is an inclusion list, and not excluded.
    #[must_use]
    pub fn allow(&self, message: &str) -> bool {
        let included = self.include.as_ref().is_none_or(|list| list.iter().any(|regex| regex.is_match(message)));
        included && !self.exclude.iter().any(|regex| regex.is_match(message))
    }
}
