//! Flags and feature gates, as Flux's kustomize-controller has them.

use std::{collections::BTreeSet, time::Duration};

use clap::Parser;
use weir_api::{meta, names::feature};
use weir_manifest::GroupKind;
use weir_runtime::flags::{
    CommonArgs, ConfigWatchArgs, EventsArgs, FeatureGates, InvalidGates, JitterArgs, KubeConfigArgs, SelectorArgs,
    TenancyArgs, TokenCacheArgs,
};

/// Keeps clusters equal to what Kustomizations build from artifacts.
#[derive(Clone, Debug, Parser)]
#[command(name = "kustomize-controller", version)]
#[command(
    mut_arg("watch_configs_label_selector", |arg| arg.help(
        "No effect here: every ConfigMap and Secret that a Kustomization refers to is watched, labelled or not, unless the gate \
         DisableConfigWatchers is on",
    )),
    mut_arg("insecure_kubeconfig_exec", |arg| arg.help("No effect yet: spec.kubeConfig is not supported")),
    mut_arg("insecure_kubeconfig_tls", |arg| arg.help("No effect yet: spec.kubeConfig is not supported")),
    mut_arg("token_cache_max_size", |arg| arg.help("No effect yet: no tokens of cloud providers are used")),
    mut_arg("token_cache_max_duration", |arg| arg.help("No effect yet: no tokens of cloud providers are used")),
)]
#[allow(missing_docs)] // each flag's help is its doc
pub struct Args {
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub selector: SelectorArgs,
    #[command(flatten)]
    pub configs: ConfigWatchArgs,
    #[command(flatten)]
    pub jitter: JitterArgs,
    #[command(flatten)]
    pub events: EventsArgs,
    #[command(flatten)]
    pub tenancy: TenancyArgs,
    #[command(flatten)]
    pub kubeconfig: KubeConfigArgs,
    #[command(flatten)]
    pub tokens: TokenCacheArgs,
    /// The number of concurrent kustomize reconciles.
    #[arg(long, default_value_t = 4)]
    pub concurrent: usize,
    /// The number of objects of one Kustomization that are dry-run at a time.
    #[arg(long, default_value_t = 4)]
    pub concurrent_ssa: usize,
    /// The interval at which failing dependencies, and sources without an artifact, are looked at again; both also wake who
    /// waits for them.
    #[arg(long, default_value = "30s")]
    pub requeue_dependency: meta::Duration,
    /// The maximum number of retries when failing to fetch artifacts over HTTP.
    #[arg(long, default_value_t = 9)]
    pub http_retry: u32,
    /// Refuse remote bases and files in kustomizations: a build reads nothing but its artifact.
    #[arg(long, value_parser = weir_runtime::flags::go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = clap::ArgAction::Set)]
    pub no_remote_bases: bool,
    /// No effect yet: spec.kubeConfig is not supported.
    #[arg(long, default_value = "")]
    pub default_kubeconfig_service_account: String,
    /// No effect yet: spec.decryption is not supported.
    #[arg(long, default_value = "")]
    pub default_decryption_service_account: String,
    /// No effect yet: spec.decryption is not supported.
    #[arg(long, default_value = "")]
    pub sops_age_secret: String,
    /// No effect yet: spec.decryption is not supported.
    #[arg(long, default_value = "")]
    pub sops_vault_configmap: String,
    /// Field manager whose fields are taken over, besides kubectl; may be repeated.
    #[arg(long, value_delimiter = ',', action = clap::ArgAction::Append)]
    pub override_manager: Vec<String>,
    /// Kinds that are applied in a stage of their own, `group1/kind1,group2/kind2`.
    #[arg(long, default_value = "")]
    pub custom_apply_stage_kinds: String,
}

/// Every gate and whether it is on by default. Those that change nothing here: CacheSecretsAndConfigMaps (data of Secrets is never
/// kept), DisableStatusPollerCache (nothing is polled), MigrateAPIVersion (managed fields of older API versions are not rewritten).
pub const GATES: &[(&str, bool)] = &[
    (feature::CACHE_SECRETS_AND_CONFIG_MAPS, false),
    (feature::DISABLE_STATUS_POLLER_CACHE, true),
    (feature::DISABLE_FAIL_FAST_BEHAVIOR, false),
    (feature::STRICT_POST_BUILD_SUBSTITUTIONS, true),
    (feature::GROUP_CHANGE_LOG, false),
    (feature::ADDITIVE_CEL_DEPENDENCY_CHECK, false),
    (feature::EXTERNAL_ARTIFACT, false),
    (feature::CANCEL_HEALTH_CHECK_ON_NEW_REVISION, false),
    (feature::DISABLE_CONFIG_WATCHERS, false),
    (feature::DIRECT_SOURCE_FETCH, false),
    (feature::MIGRATE_API_VERSION, false),
    (feature::OBJECT_LEVEL_WORKLOAD_IDENTITY, false),
];

/// What the flags mean to a reconcile.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools)] // each is a flag
pub struct Options {
    /// `--concurrent-ssa`.
    pub concurrent_ssa: usize,
    /// `--requeue-dependency`.
    pub requeue_dependency: Duration,
    /// `--no-cross-namespace-refs`.
    pub no_cross_namespace_refs: bool,
    /// Not `--no-remote-bases`.
    pub remote_bases: bool,
    /// `--default-service-account`; empty when there is none.
    pub default_service_account: String,
    /// `--override-manager`.
    pub override_managers: Vec<String>,
    /// `--custom-apply-stage-kinds`.
    pub stage_kinds: BTreeSet<GroupKind>,
    /// Gate ExternalArtifact.
    pub external_artifact: bool,
    /// Gate AdditiveCELDependencyCheck.
    pub additive_dependency_check: bool,
    /// Gate StrictPostBuildSubstitutions.
    pub strict_substitution: bool,
    /// Not gate DisableFailFastBehavior.
    pub fail_fast: bool,
    /// Gate CancelHealthCheckOnNewRevision.
    pub tell_cancelled_checks: bool,
    /// Gate DirectSourceFetch.
    pub direct_source_fetch: bool,
    /// Not gate DisableConfigWatchers.
    pub watch_configs: bool,
    /// Gate ObjectLevelWorkloadIdentity.
    pub object_level_identity: bool,
    /// Gate GroupChangeLog.
    pub group_change_log: bool,
}

/// A flag makes no sense.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidArgs {
    /// `--feature-gates`.
    #[error("bad --feature-gates")]
    Gates(#[from] InvalidGates),
    /// `--custom-apply-stage-kinds`.
    #[error("bad --custom-apply-stage-kinds: {text:?} is not of the form group/kind")]
    StageKind {
        /// What was written.
        text: String,
    },
}

impl Args {
    /// What the flags mean.
    ///
    /// # Errors
    /// When a gate does not exist or a kind is malformed.
    pub fn options(&self) -> Result<Options, InvalidArgs> {
        let gates: FeatureGates = self.common.gates(GATES)?;
        Ok(Options {
            concurrent_ssa: self.concurrent_ssa,
            requeue_dependency: self.requeue_dependency.into(),
            no_cross_namespace_refs: self.tenancy.no_cross_namespace_refs,
            remote_bases: !self.no_remote_bases,
            default_service_account: self.tenancy.default_service_account.clone(),
            override_managers: self.override_manager.clone(),
            stage_kinds: stage_kinds(&self.custom_apply_stage_kinds)?,
            external_artifact: gates.enabled(feature::EXTERNAL_ARTIFACT),
            additive_dependency_check: gates.enabled(feature::ADDITIVE_CEL_DEPENDENCY_CHECK),
            strict_substitution: gates.enabled(feature::STRICT_POST_BUILD_SUBSTITUTIONS),
            fail_fast: !gates.enabled(feature::DISABLE_FAIL_FAST_BEHAVIOR),
            tell_cancelled_checks: gates.enabled(feature::CANCEL_HEALTH_CHECK_ON_NEW_REVISION),
            direct_source_fetch: gates.enabled(feature::DIRECT_SOURCE_FETCH),
            watch_configs: !gates.enabled(feature::DISABLE_CONFIG_WATCHERS),
            object_level_identity: gates.enabled(feature::OBJECT_LEVEL_WORKLOAD_IDENTITY),
            group_change_log: gates.enabled(feature::GROUP_CHANGE_LOG),
        })
    }
}

fn stage_kinds(text: &str) -> Result<BTreeSet<GroupKind>, InvalidArgs> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let one = |part: &str| {
        let (group, kind) = part.split_once('/').unwrap_or(("", part));
        let bad = kind.is_empty() || kind.contains('/');
        if bad { Err(InvalidArgs::StageKind { text: part.to_owned() }) } else { Ok(GroupKind::new(group, kind)) }
    };
    parts.map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Args {
        let args = std::iter::once("x").chain(args.iter().copied()).map(Into::into);
        weir_runtime::flags::try_parse(args).unwrap()
    }

    #[test]
    fn defaults_are_those_of_flux() {
        let args = parse(&[]);
        let options = args.options().unwrap();
        assert_eq!((args.concurrent, args.concurrent_ssa, args.http_retry), (4, 4, 9));
        assert_eq!(options.requeue_dependency, Duration::from_secs(30));
        assert!(options.strict_substitution && options.fail_fast && options.watch_configs && options.remote_bases);
        assert!(!options.external_artifact && !options.no_cross_namespace_refs);
    }

    #[test]
    fn what_has_no_effect_says_so() {
        let command = <Args as clap::CommandFactory>::command();
        for flag in [
            "watch-configs-label-selector",
            "insecure-kubeconfig-exec",
            "insecure-kubeconfig-tls",
            "token-cache-max-size",
            "token-cache-max-duration",
            "default-kubeconfig-service-account",
            "default-decryption-service-account",
            "sops-age-secret",
            "sops-vault-configmap",
        ] {
            let arg = command.get_arguments().find(|arg| arg.get_long() == Some(flag)).unwrap();
            assert!(arg.get_help().unwrap().to_string().starts_with("No effect"), "{flag}");
        }
    }

    #[test]
    fn gates_and_kinds_are_checked() {
        let options = parse(&["--feature-gates=ExternalArtifact=true,DisableFailFastBehavior=true"]).options().unwrap();
        assert!(options.external_artifact && !options.fail_fast);
        assert!(parse(&["--feature-gates=Nope=true"]).options().is_err());
        let kinds = parse(&["--custom-apply-stage-kinds=x.io/A, B"]).options().unwrap().stage_kinds;
        assert_eq!(kinds, BTreeSet::from([GroupKind::new("x.io", "A"), GroupKind::new("", "B")]));
        assert!(parse(&["--custom-apply-stage-kinds=a/b/c"]).options().is_err());
        assert_eq!(parse(&["--override-manager=a", "--override-manager=b"]).override_manager, ["a", "b"]);
    }
}
