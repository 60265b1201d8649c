//! Command lines as Flux's controllers take them: Go's spelling, Flux's names and defaults.
//!
//! A service composes the groups it has and parses with [`parse`]:
//! ```ignore
//! #[derive(clap::Parser)]
//! struct Args {
//!     #[command(flatten)] common: CommonArgs,
//!     #[command(flatten)] selector: SelectorArgs,
//!     #[arg(long, default_value_t = 4)] concurrent: usize,
//! }
//! let args: Args = weir_runtime::flags::parse();
//! ```
//! `--flag=value`, `--flag value`, `--flag` and `--flag=false` for booleans; the last of a repeated flag wins;
//! an unknown flag ends the process with code 2.

mod addr;
mod gates;
mod values;

use std::ffi::OsString;

use clap::{Args, CommandFactory, FromArgMatches, Parser, ValueEnum};
use weir_api::meta::Duration;

pub use addr::{InvalidAddr, is_loopback, listen_addr};
pub use gates::{FeatureGates, InvalidGates};
pub use values::{go_bool, percent};

/// Flags of every controller.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// Log verbosity.
    #[arg(long, value_enum, default_value = "info")]
    pub log_level: LogLevel,
    /// Log encoding.
    #[arg(long, value_enum, default_value = "json")]
    pub log_encoding: LogEncoding,
    /// The address the metric endpoint binds to.
    #[arg(long, default_value = ":8080", env = "METRICS_ADDR")]
    pub metrics_addr: String,
    /// The address the health endpoint binds to.
    #[arg(long, default_value = ":9440", env = "HEALTH_ADDR")]
    pub health_addr: String,
    /// The maximum queries-per-second of requests sent to the Kubernetes API, unless it has priority and fairness.
    #[arg(long, default_value_t = 50.0)]
    pub kube_api_qps: f32,
    /// The maximum burst of requests sent to the Kubernetes API, unless it has priority and fairness.
    #[arg(long, default_value_t = 300, allow_negative_numbers = true)]
    pub kube_api_burst: i32,
    /// Run one instance at a time.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = clap::ArgAction::Set)]
    pub enable_leader_election: bool,
    /// Give up leadership at shutdown, so that the next instance need not wait for the lease to expire.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "true", action = clap::ArgAction::Set)]
    pub leader_election_release_on_cancel: bool,
    /// How long others wait after the last renewal before they take over.
    #[arg(long, default_value = "35s")]
    pub leader_election_lease_duration: Duration,
    /// How long the leader tries to renew before it gives up.
    #[arg(long, default_value = "30s")]
    pub leader_election_renew_deadline: Duration,
    /// How long to wait between tries to get or renew the lease.
    #[arg(long, default_value = "5s")]
    pub leader_election_retry_period: Duration,
    /// Delay before the first retry of a failing object.
    #[arg(long, default_value = "750ms")]
    pub min_retry_delay: Duration,
    /// The longest delay between retries of a failing object.
    #[arg(long, default_value = "15m")]
    pub max_retry_delay: Duration,
    /// Watch objects in all namespaces; when false, only those in RUNTIME_NAMESPACE.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "true", action = clap::ArgAction::Set)]
    pub watch_all_namespaces: bool,
    /// Comma-separated `Gate=true|false` pairs.
    #[arg(long, value_delimiter = ',', action = clap::ArgAction::Append)]
    pub feature_gates: Vec<String>,
    /// The namespace the controller runs in.
    #[arg(long = "runtime-namespace", hide = true, env = "RUNTIME_NAMESPACE", default_value = "")]
    pub runtime_namespace: String,
    /// Flags of the gRPC side.
    #[command(flatten)]
    pub grpc: GrpcArgs,
}

/// Flags of the gRPC server and of calls to peers.
#[derive(Args, Clone, Debug, Default)]
pub struct GrpcArgs {
    /// The address the gRPC server binds to; empty switches it off. Each service has its own default.
    #[arg(long)]
    pub grpc_addr: Option<String>,
    /// Ask gRPC callers for a ServiceAccount token; false is allowed on loopback addresses only.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "true", action = clap::ArgAction::Set)]
    pub grpc_auth: bool,
    /// File with the token to show to gRPC peers; without it one is requested for the controller's own ServiceAccount.
    #[arg(long)]
    pub grpc_token_file: Option<std::path::PathBuf>,
    /// Directory of a mounted kubernetes.io/tls Secret: gRPC is served over TLS with its tls.crt and tls.key, and peers that
    /// ask for a certificate are shown it. Read again when it changes.
    #[arg(long)]
    pub grpc_tls_dir: Option<std::path::PathBuf>,
    /// File with the authorities that gRPC peers reached by grpcs:// are checked by; without it ca.crt of --grpc-tls-dir, else
    /// the machine's.
    #[arg(long)]
    pub grpc_ca: Option<std::path::PathBuf>,
    /// File with the authorities that gRPC callers must have a certificate of, beside their token. Needs --grpc-tls-dir.
    #[arg(long)]
    pub grpc_client_ca: Option<std::path::PathBuf>,
}

/// Sharding; not in notification-controller.
#[derive(Args, Clone, Debug, Default)]
pub struct SelectorArgs {
    /// Watch for objects with matching labels only.
    #[arg(long, default_value = "")]
    pub watch_label_selector: String,
}

/// Watches of ConfigMaps and Secrets; in kustomize-, helm- and notification-controller.
#[derive(Args, Clone, Debug)]
pub struct ConfigWatchArgs {
    /// Watch for ConfigMaps and Secrets with matching labels.
    #[arg(long, default_value = "reconcile.fluxcd.io/watch=Enabled")]
    pub watch_configs_label_selector: String,
}

/// Jitter; in source-, kustomize-, helm-controller and source-watcher.
#[derive(Args, Clone, Debug)]
pub struct JitterArgs {
    /// How far an interval may move either way, in percent; 0 switches jitter off.
    #[arg(long, default_value = "5", value_parser = percent)]
    pub interval_jitter_percentage: u8,
}

/// Where events go; notification-controller has a flag of the same name that says where they come in.
#[derive(Args, Clone, Debug, Default)]
pub struct EventsArgs {
    /// Address of the events receiver, `http://…`, `https://…`, `grpc://host:port` or, over TLS, `grpcs://host:port`; empty sends none.
    #[arg(long, default_value = "", env = "EVENTS_ADDR")]
    pub events_addr: String,
}

/// Cache of access tokens.
#[derive(Args, Clone, Debug)]
pub struct TokenCacheArgs {
    /// The maximum number of cached tokens; 0 switches the cache off.
    #[arg(long, default_value_t = 100)]
    pub token_cache_max_size: usize,
    /// The longest time a token is cached.
    #[arg(long, default_value = "1h")]
    pub token_cache_max_duration: Duration,
}

/// What tenants may do.
#[derive(Args, Clone, Debug)]
pub struct TenancyArgs {
    /// Refuse references to objects in other namespaces.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = clap::ArgAction::Set)]
    pub no_cross_namespace_refs: bool,
    /// ServiceAccount to use where an object names none.
    #[arg(long, default_value = "")]
    pub default_service_account: String,
}

/// What kubeconfigs of remote clusters may do.
#[derive(Args, Clone, Debug)]
pub struct KubeConfigArgs {
    /// Allow the exec section in kubeconfigs.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = clap::ArgAction::Set)]
    pub insecure_kubeconfig_exec: bool,
    /// Allow kubeconfigs that skip the check of the server's certificate.
    #[arg(long, value_parser = go_bool, num_args = 0..=1, require_equals = true, default_missing_value = "true", default_value = "false", action = clap::ArgAction::Set)]
    pub insecure_kubeconfig_tls: bool,
}

/// How much is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Everything.
    Trace,
    /// What helps to find errors.
    Debug,
    /// What was done.
    Info,
    /// What failed.
    Error,
}

/// How it is logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogEncoding {
    /// One JSON object a line.
    Json,
    /// For people.
    Console,
}

/// Parses the process's command line; help, version and mistakes end the process as clap does it.
#[must_use]
pub fn parse<A: Parser>() -> A {
    match try_parse(std::env::args_os()) {
        Ok(args) => args,
        Err(error) => error.exit(),
    }
}

/// Parses `args`, the program's name first.
///
/// # Errors
/// What clap says of an unknown flag or a bad value.
pub fn try_parse<A: Parser>(args: impl IntoIterator<Item = OsString>) -> Result<A, clap::Error> {
    let command = <A as CommandFactory>::command().args_override_self(true);
    let mut matches = command.try_get_matches_from(args)?;
    <A as FromArgMatches>::from_arg_matches_mut(&mut matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Parser, Debug)]
    struct All {
        #[command(flatten)]
        common: CommonArgs,
        #[command(flatten)]
        selector: SelectorArgs,
        #[command(flatten)]
        jitter: JitterArgs,
        #[command(flatten)]
        events: EventsArgs,
        #[command(flatten)]
        tenancy: TenancyArgs,
        #[command(flatten)]
        kubeconfig: KubeConfigArgs,
        #[command(flatten)]
        configs: ConfigWatchArgs,
        #[command(flatten)]
        tokens: TokenCacheArgs,
    }

    fn parse(args: &[&str]) -> Result<All, clap::Error> {
        try_parse(std::iter::once("x").chain(args.iter().copied()).map(OsString::from))
    }

    #[test]
    fn defaults_are_those_of_flux() {
        let all = parse(&[]).unwrap();
        let c = &all.common;
        assert_eq!((c.metrics_addr.as_str(), c.health_addr.as_str()), (":8080", ":9440"));
        assert_eq!((c.log_level, c.log_encoding), (LogLevel::Info, LogEncoding::Json));
        assert!((c.kube_api_qps - 50.0).abs() < f32::EPSILON && c.kube_api_burst == 300);
        assert!(!c.enable_leader_election && c.leader_election_release_on_cancel && c.watch_all_namespaces);
        assert_eq!(c.leader_election_lease_duration, Duration::from_secs(35));
        assert_eq!(c.leader_election_renew_deadline, Duration::from_secs(30));
        assert_eq!(c.leader_election_retry_period, Duration::from_secs(5));
        assert_eq!(c.min_retry_delay.0.as_millis(), 750);
        assert_eq!(c.max_retry_delay, Duration::from_secs(900));
        assert!(c.grpc.grpc_auth && c.grpc.grpc_addr.is_none());
        assert_eq!(all.selector.watch_label_selector, "");
        assert_eq!(all.jitter.interval_jitter_percentage, 5);
        assert_eq!(all.events.events_addr, "");
        assert!(!all.tenancy.no_cross_namespace_refs && all.tenancy.default_service_account.is_empty());
        assert!(!all.kubeconfig.insecure_kubeconfig_exec && !all.kubeconfig.insecure_kubeconfig_tls);
        assert_eq!(all.configs.watch_configs_label_selector, "reconcile.fluxcd.io/watch=Enabled");
        assert_eq!((all.tokens.token_cache_max_size, all.tokens.token_cache_max_duration.0.as_secs()), (100, 3600));
    }

    #[test]
    fn go_spelling_is_understood() {
        let all = parse(&[
            "--log-level=debug",
            "--metrics-addr",
            ":0",
            "--enable-leader-election",
            "--watch-all-namespaces=false",
            "--leader-election-release-on-cancel=F",
            "--min-retry-delay=1s500ms",
            "--min-retry-delay=2s",
            "--no-cross-namespace-refs=1",
        ])
        .unwrap();
        assert_eq!(all.common.log_level, LogLevel::Debug);
        assert_eq!(all.common.metrics_addr, ":0");
        assert!(all.common.enable_leader_election && !all.common.watch_all_namespaces);
        assert!(!all.common.leader_election_release_on_cancel && all.tenancy.no_cross_namespace_refs);
        assert_eq!(all.common.min_retry_delay, Duration::from_secs(2), "the last one wins");
    }

    #[test]
    fn mistakes_are_fatal() {
        for args in [
            &["--insecure-allow-http"][..],
            &["--log-level=warn"],
            &["--enable-leader-election=maybe"],
            &["--min-retry-delay=5"],
            &["--interval-jitter-percentage=101"],
            &["stray"],
        ] {
            assert!(parse(args).is_err(), "{args:?}");
        }
    }
}
