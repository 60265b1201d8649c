//! The command line, as Flux's source-controller takes it.

use std::path::PathBuf;

use clap::Parser;
use weir_api::meta::Duration;
use weir_artifact::Algorithm;
use weir_runtime::flags::{CommonArgs, EventsArgs, JitterArgs, SelectorArgs, TokenCacheArgs};

/// Flags that are accepted because Flux has them.
const IDLE: &str = "Without effect yet";

/// Fetches what should run and offers it as artifacts.
#[derive(Parser, Clone, Debug)]
#[command(name = "source-controller", version)]
pub struct Args {
    /// Flags of every controller.
    #[command(flatten)]
    pub common: CommonArgs,
    /// Sharding.
    #[command(flatten)]
    pub selector: SelectorArgs,
    /// Jitter.
    #[command(flatten)]
    pub jitter: JitterArgs,
    /// Events.
    #[command(flatten)]
    pub events: EventsArgs,
    /// Where artifacts are kept.
    #[command(flatten)]
    pub storage: StorageArgs,
    /// The number of concurrent reconciles per kind.
    #[arg(long, default_value_t = 2)]
    pub concurrent: usize,
    /// SSH key exchange algorithms to offer, most preferred first.
    #[arg(long, value_delimiter = ',')]
    pub ssh_kex_algos: Vec<String>,
    /// SSH host key algorithms to accept, most preferred first.
    #[arg(long, value_delimiter = ',')]
    pub ssh_hostkey_algos: Vec<String>,
    // The rest is last: a heading holds for all flags after it.
    /// Access tokens.
    #[command(flatten, next_help_heading = IDLE)]
    pub tokens: TokenCacheArgs,
    /// Helm charts and indexes.
    #[command(flatten, next_help_heading = IDLE)]
    pub helm: HelmArgs,
    /// How long to wait before looking again at an object whose dependency is not ready. No kind here depends on another yet.
    #[arg(long, default_value = "30s", help_heading = IDLE)]
    pub requeue_dependency: Duration,
    /// ServiceAccount to use for cloud identities where an object names none. There are no cloud identities yet.
    #[arg(long, default_value = "", help_heading = IDLE)]
    pub default_service_account: String,
}

/// Flags of the artifact storage.
#[derive(clap::Args, Clone, Debug)]
pub struct StorageArgs {
    /// The directory where artifacts are kept.
    #[arg(long, default_value = "/data", env = "STORAGE_PATH")]
    pub storage_path: PathBuf,
    /// The address the artifact server binds to.
    #[arg(long, default_value = ":9090", env = "STORAGE_ADDRESS")]
    pub storage_addr: String,
    /// The address by which others reach the artifact server.
    #[arg(long, default_value = "", env = "STORAGE_ADV_ADDR")]
    pub storage_adv_addr: String,
    /// How long an artifact is kept after a newer one replaced it.
    #[arg(long, default_value = "1m")]
    pub artifact_retention_ttl: Duration,
    /// How many artifacts of an object are kept at most.
    #[arg(long, default_value_t = 2)]
    pub artifact_retention_records: usize,
    /// The algorithm of artifacts' digests: sha256, sha384, sha512 or blake3.
    #[arg(long, default_value = "sha256", value_parser = algorithm)]
    pub artifact_digest_algo: Algorithm,
}

/// Flags of Helm repositories and charts.
#[derive(clap::Args, Clone, Debug)]
pub struct HelmArgs {
    /// The largest index of a Helm repository, in bytes.
    #[arg(long, default_value_t = 50 << 20)]
    pub helm_index_max_size: u64,
    /// The largest chart, in bytes.
    #[arg(long, default_value_t = 10 << 20)]
    pub helm_chart_max_size: u64,
    /// The largest file in a chart, in bytes.
    #[arg(long, default_value_t = 5 << 20)]
    pub helm_chart_file_max_size: u64,
    /// How many indexes are cached; 0 switches the cache off.
    #[arg(long, default_value_t = 0)]
    pub helm_cache_max_size: usize,
    /// How long an index is cached.
    #[arg(long, default_value = "15m")]
    pub helm_cache_ttl: Duration,
    /// How often the cache is swept.
    #[arg(long, default_value = "1m")]
    pub helm_cache_purge_interval: Duration,
}

fn algorithm(text: &str) -> Result<Algorithm, String> {
    text.parse().map_err(|_| "expected sha256, sha384, sha512 or blake3".to_owned())
}

impl StorageArgs {
    /// What artifact URLs begin with: the advertised address, else the one that is listened on, with the machine's name
    /// where it names none.
    #[must_use]
    pub fn advertised(&self, hostname: &str) -> String {
        if !self.storage_adv_addr.is_empty() {
            return self.storage_adv_addr.clone();
        }
        match self.storage_addr.rsplit_once(':') {
            Some(("", port)) => format!("localhost:{port}"),
            Some(("0.0.0.0", port)) => format!("{hostname}:{port}"),
            _ => self.storage_addr.clone(),
        }
    }
}

/// Where peers reach gRPC: the advertised host with the port of `--grpc-addr`, as `grpcs://` where it is served over TLS.
#[must_use]
pub fn advertised_grpc(advertised: &str, grpc_addr: &str, tls: bool) -> Option<String> {
    let port = grpc_addr.rsplit_once(':').map(|(_, port)| port).filter(|port| !port.is_empty() && *port != "0")?;
    let rest = advertised.strip_prefix("http://").or_else(|| advertised.strip_prefix("https://")).unwrap_or(advertised);
    let authority = rest.split('/').next().unwrap_or(rest);
    let host = match authority.rsplit_once(':') {
        Some((host, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => authority,
    };
    let scheme = if tls { "grpcs://" } else { "" };
    Some(format!("{scheme}{}:{port}", host.trim_end_matches('.')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Args {
        let args = std::iter::once("source-controller").chain(args.iter().copied());
        weir_runtime::flags::try_parse(args.map(Into::into)).unwrap()
    }

    #[test]
    fn defaults_are_those_of_flux() {
        let args = parse(&[]);
        assert_eq!((args.concurrent, args.requeue_dependency), (2, Duration::from_secs(30)));
        let storage = &args.storage;
        assert_eq!(storage.storage_addr, ":9090");
        assert_eq!((storage.artifact_retention_ttl, storage.artifact_retention_records), (Duration::from_secs(60), 2));
        assert_eq!(storage.artifact_digest_algo, Algorithm::Sha256);
        let helm = &args.helm;
        assert_eq!((helm.helm_index_max_size, helm.helm_chart_max_size), (52_428_800, 10_485_760));
        assert_eq!((helm.helm_chart_file_max_size, helm.helm_cache_max_size), (5_242_880, 0));
        assert_eq!((helm.helm_cache_ttl, helm.helm_cache_purge_interval.0.as_secs()), (Duration::from_secs(900), 60));
        let kex = parse(&["--ssh-kex-algos=a,b", "--artifact-digest-algo=blake3"]);
        assert_eq!((kex.ssh_kex_algos.len(), kex.storage.artifact_digest_algo), (2, Algorithm::Blake3));
    }

    #[test]
    fn addresses_are_advertised() {
        for (addr, adv, expected) in [
            (":9090", "", "localhost:9090"),
            ("0.0.0.0:9090", "", "pod-1:9090"),
            ("10.0.0.1:9090", "", "10.0.0.1:9090"),
            (":9090", "source-controller.flux-system.svc", "source-controller.flux-system.svc"),
        ] {
            let args = parse(&[&format!("--storage-addr={addr}"), &format!("--storage-adv-addr={adv}")]);
            assert_eq!(args.storage.advertised("pod-1"), expected);
        }
        for (adv, grpc, expected) in [
            (
                "source-controller.flux-system.svc.cluster.local.",
                ":9091",
                Some("source-controller.flux-system.svc.cluster.local:9091"),
            ),
            ("127.0.0.1:9090", "127.0.0.1:19091", Some("127.0.0.1:19091")),
            ("https://artifacts.example.com/x", ":9091", Some("artifacts.example.com:9091")),
            ("host", "", None),
        ] {
            assert_eq!(advertised_grpc(adv, grpc, false).as_deref(), expected);
        }
        assert_eq!(advertised_grpc("host.ns.svc.", ":9091", true).as_deref(), Some("grpcs://host.ns.svc:9091"));
    }
}
