//! How a HelmRelease installs, upgrades, tests, rolls back and uninstalls.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{is_false, meta::Duration, schema::Int};

/// How to install.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Install {
    /// What to do with CRDs in the chart; Create when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Creates the target namespace.
    #[serde(default, skip_serializing_if = "is_false")]
    pub create_namespace: bool,
    /// Leaves hooks out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not check manifests against the API server.
    #[serde(rename = "disableOpenAPIValidation", default, skip_serializing_if = "is_false")]
    pub disable_open_api_validation: bool,
    /// Does not check values against the chart's schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Refuses objects that belong to nobody or to another release.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for health.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for Jobs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// What to do when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<InstallRemediation>,
    /// Takes over the name of a release that was uninstalled with its history kept.
    #[serde(default, skip_serializing_if = "is_false")]
    pub replace: bool,
    /// Whether to apply on the server; true when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<bool>,
    /// No longer used: leaves CRDs out.
    #[serde(rename = "skipCRDs", default, skip_serializing_if = "is_false")]
    pub skip_crds: bool,
    /// Whether to undo or to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<InstallStrategy>,
    /// How long it may take; the HelmRelease's when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// What to do when an install fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct InstallRemediation {
    /// Whether failed tests do not count; the test's setting when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether to undo also the last attempt; only if there are retries when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again, negative for ever; not at all when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub retries: Option<i64>,
}

/// Whether to undo or to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{ "message": ".retryInterval cannot be set when .name is 'RemediateOnFailure'", "rule": "!has(self.retryInterval) || self.name != 'RemediateOnFailure'" }]))]
pub struct InstallStrategy {
    /// Which of the two.
    pub name: ActionStrategy,
    /// How long to wait before trying again; 5m when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<Duration>,
}

/// What follows a failure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ActionStrategy {
    /// It is undone.
    #[default]
    RemediateOnFailure,
    /// It is tried again in place.
    RetryOnFailure,
}

/// What to do with CRDs in a chart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum CrdsPolicy {
    /// Nothing.
    Skip,
    /// Create those that are missing.
    #[default]
    Create,
    /// Create those that are missing and replace the others.
    CreateReplace,
}

/// How to upgrade.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Upgrade {
    /// What to do when the chart has another name; Reinstall when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chart_name_change_strategy: Option<ChartNameChangeStrategy>,
    /// Deletes new objects when it fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// What to do with CRDs in the chart; Create when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub crds: Option<CrdsPolicy>,
    /// Leaves hooks out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not check manifests against the API server.
    #[serde(rename = "disableOpenAPIValidation", default, skip_serializing_if = "is_false")]
    pub disable_open_api_validation: bool,
    /// Does not check values against the chart's schema.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_schema_validation: bool,
    /// Refuses objects that belong to nobody or to another release.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_take_ownership: bool,
    /// Does not wait for health.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for Jobs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Replaces objects instead of changing them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Keeps the values of the last release where there are no new ones.
    #[serde(default, skip_serializing_if = "is_false")]
    pub preserve_values: bool,
    /// What to do when it fails.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediation: Option<UpgradeRemediation>,
    /// Whether to apply on the server; auto when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// Whether to undo or to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<UpgradeStrategy>,
    /// How long it may take; the HelmRelease's when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// What to do when the chart has another name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ChartNameChangeStrategy {
    /// Upgrade all the same.
    InPlaceUpdate,
    /// Uninstall and install.
    Reinstall,
}

/// What to do when an upgrade fails.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct UpgradeRemediation {
    /// Whether failed tests do not count; the test's setting when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ignore_test_failures: Option<bool>,
    /// Whether to undo also the last attempt; only if there are retries when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remediate_last_failure: Option<bool>,
    /// How often to try again, negative for ever; not at all when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<Int>")]
    pub retries: Option<i64>,
    /// How to undo; rollback when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub strategy: Option<RemediationStrategy>,
}

/// How to undo an upgrade.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RemediationStrategy {
    /// Roll back to the last good release.
    #[default]
    Rollback,
    /// Uninstall.
    Uninstall,
}

/// Whether to undo or to try again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("x-kubernetes-validations" = [{ "message": ".retryInterval can only be set when .name is 'RetryOnFailure'", "rule": "!has(self.retryInterval) || self.name == 'RetryOnFailure'" }]))]
pub struct UpgradeStrategy {
    /// Which of the two.
    pub name: ActionStrategy,
    /// How long to wait before trying again; 5m when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_interval: Option<Duration>,
}

/// Whether to apply on the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ServerSideApplyMode {
    /// Yes.
    Enabled,
    /// No.
    Disabled,
    /// As the last release did.
    #[default]
    Auto,
}

/// How to roll back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rollback {
    /// Deletes new objects when it fails.
    #[serde(default, skip_serializing_if = "is_false")]
    pub cleanup_on_fail: bool,
    /// Leaves hooks out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not wait for health.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Does not wait for Jobs.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait_for_jobs: bool,
    /// Replaces objects instead of changing them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub force: bool,
    /// Restarts pods.
    #[serde(default, skip_serializing_if = "is_false")]
    pub recreate: bool,
    /// Whether to apply on the server; auto when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_side_apply: Option<ServerSideApplyMode>,
    /// How long it may take; the HelmRelease's when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// How to run tests.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    /// Runs the tests of the chart after install and upgrade.
    #[serde(default, skip_serializing_if = "is_false")]
    pub enable: bool,
    /// Tests to run or not to run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub filters: Vec<TestFilter>,
    /// Failed tests do not count.
    #[serde(default, skip_serializing_if = "is_false")]
    pub ignore_failures: bool,
    /// How long it may take; the HelmRelease's when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// A test to run or not to run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TestFilter {
    /// Whether it is not to run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub exclude: bool,
    /// Name of the test.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// How to uninstall.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uninstall {
    /// What becomes of what the objects own.
    #[serde(default)]
    pub deletion_propagation: DeletionPropagation,
    /// Leaves hooks out.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_hooks: bool,
    /// Does not wait for health.
    #[serde(default, skip_serializing_if = "is_false")]
    pub disable_wait: bool,
    /// Keeps the release records.
    #[serde(default, skip_serializing_if = "is_false")]
    pub keep_history: bool,
    /// How long it may take; the HelmRelease's when unset.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Duration>,
}

/// What becomes of what a deleted object owns.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeletionPropagation {
    /// Deleted afterwards.
    #[default]
    Background,
    /// Deleted first.
    Foreground,
    /// Left.
    Orphan,
}
