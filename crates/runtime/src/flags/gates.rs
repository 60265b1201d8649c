//! Feature gates: a table per controller, unknown names refused at startup.

use std::collections::BTreeMap;

use super::{CommonArgs, values::go_bool};

/// A mistake in `--feature-gates`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGates {
    /// The controller has no such gate.
    #[error("feature gate {name:?} does not exist here: known are {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// What there is.
        known: String,
    },
    /// Not `name=true|false`.
    #[error("feature gate {text:?} is not of the form Name=true or Name=false")]
    Malformed {
        /// What was written.
        text: String,
    },
}

/// Which features are on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeatureGates {
    gates: BTreeMap<&'static str, bool>,
}

impl FeatureGates {
    /// The table's defaults, changed by `settings` in order.
    ///
    /// # Errors
    /// On a name that is not in the table, or a setting that is not `Name=bool`.
    pub fn new<'a>(
        table: &[(&'static str, bool)],
        settings: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidGates> {
        let mut gates: BTreeMap<&'static str, bool> = table.iter().copied().collect();
        for text in settings.into_iter().map(str::trim).filter(|text| !text.is_empty()) {
            let malformed = || InvalidGates::Malformed { text: text.to_owned() };
            let (name, value) = text.split_once('=').ok_or_else(malformed)?;
            let value = go_bool(value.trim()).map_err(|_| malformed())?;
            let known = table.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
            match gates.get_mut(name.trim()) {
                Some(slot) => *slot = value,
                None => return Err(InvalidGates::Unknown { name: name.trim().to_owned(), known }),
            }
        }
        Ok(Self { gates })
    }

    /// Whether a feature is on; a gate that is not in the table is off.
    #[must_use]
    pub fn enabled(&self, name: &str) -> bool {
        self.gates.get(name).copied().unwrap_or(false)
    }
}

impl CommonArgs {
    /// The gates of `table` as the command line sets them.
    ///
    /// # Errors
    /// See [`FeatureGates::new`].
    pub fn gates(&self, table: &[(&'static str, bool)]) -> Result<FeatureGates, InvalidGates> {
        FeatureGates::new(table, self.feature_gates.iter().map(String::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &[(&str, bool)] = &[("DisableStatusPollerCache", true), ("ExternalArtifact", false)];

    #[test]
    fn defaults_settings_and_mistakes() {
        let gates = FeatureGates::new(TABLE, ["ExternalArtifact=true", "DisableStatusPollerCache=0"]).unwrap();
        assert!(gates.enabled("ExternalArtifact") && !gates.enabled("DisableStatusPollerCache"));
        assert!(FeatureGates::new(TABLE, []).unwrap().enabled("DisableStatusPollerCache"));
        let unknown = FeatureGates::new(TABLE, ["OptimizedGitClones=true"]).unwrap_err();
        assert!(unknown.to_string().contains("OptimizedGitClones"));
        assert!(matches!(FeatureGates::new(TABLE, ["ExternalArtifact"]), Err(InvalidGates::Malformed { .. })));
    }
}
