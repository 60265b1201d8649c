//! The Kubernetes client: found like controller-runtime finds it, counted, small.

mod count;
mod limit;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{HeaderValue, header::USER_AGENT};
use hyper_util::{
    client::legacy::{Builder, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use kube::{
    Client, Config,
    client::{ConfigExt, retry::RetryPolicy},
    config::{KubeConfigOptions, Kubeconfig},
};
use tower::{BoxError, ServiceBuilder, retry::RetryLayer};

pub use limit::Limit;

use crate::metrics::Metrics;

/// Idle connections kept; each holds some 60 KiB. Watches have their own while they last.
const IDLE: usize = 4;
/// How long an unused connection is kept.
const IDLE_FOR: Duration = Duration::from_secs(30);
/// Clients for impersonated users that are kept.
const USERS: usize = 256;

/// The API server cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// KUBECONFIG names a file that makes no sense.
    #[error("cannot use the kubeconfig that KUBECONFIG names: check the file and its current context")]
    Kubeconfig(#[source] Box<kube::config::KubeconfigError>),
    /// Neither KUBECONFIG nor a ServiceAccount.
    #[error("no cluster: set KUBECONFIG, or run in a pod with a ServiceAccount")]
    InCluster(#[source] kube::config::InClusterError),
    /// TLS material or credentials of the configuration make no sense.
    #[error("cannot connect as the cluster's configuration says")]
    Build(#[source] Box<kube::Error>),
}

/// Makes clients for one API server, as the controller itself or as somebody else.
#[derive(Clone)]
pub struct Clients {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    metrics: Metrics,
    limit: Limit,
    own: Client,
    users: Mutex<HashMap<String, Client>>,
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").field("server", &self.inner.config.cluster_url).finish_non_exhaustive()
    }
}

/// The configuration of the cluster: KUBECONFIG if it is set, else the pod's ServiceAccount, else `~/.kube/config`.
///
/// # Errors
/// When the chosen one cannot be used.
pub async fn config(kubeconfig: Option<&str>) -> Result<Config, ClientError> {
    let options = KubeConfigOptions::default();
    let wrap = |error| ClientError::Kubeconfig(Box::new(error));
    if let Some(paths) = kubeconfig.filter(|paths| !paths.is_empty()) {
        let mut merged = Kubeconfig::default();
        // Several files, earlier ones first, as kubectl merges them; those that are not there are skipped.
        let files: Vec<&str> = paths.split(':').filter(|path| !path.is_empty()).collect();
        for path in files.iter().filter(|path| files.len() == 1 || std::path::Path::new(path).exists()) {
            merged = merged.merge(Kubeconfig::read_from(path).map_err(wrap)?).map_err(wrap)?;
        }
        return Config::from_custom_kubeconfig(merged, &options).await.map_err(wrap);
    }
    match Config::incluster() {
        Ok(config) => Ok(config),
        Err(error) => Config::from_kubeconfig(&options).await.map_err(|_| ClientError::InCluster(error)),
    }
}

impl Clients {
    /// Connects lazily; asks the server once whether it limits requests itself, and if not, limits them here.
    ///
    /// # Errors
    /// When TLS material or credentials cannot be used.
    pub async fn new(
        mut config: Config,
        agent: &str,
        qps: f32,
        burst: i32,
        metrics: &Metrics,
    ) -> Result<Self, ClientError> {
        if let Ok(value) = HeaderValue::from_str(agent) {
            config.headers.push((USER_AGENT, value));
        }
        let unlimited = build(&config, metrics, &Limit::off())?;
        let limit = if limit::server_limits(&unlimited).await { Limit::off() } else { Limit::new(qps, burst) };
        let own = if limit.is_off() { unlimited } else { build(&config, metrics, &limit)? };
        let inner = Inner { config, metrics: metrics.clone(), limit, own, users: Mutex::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The client of the controller itself.
    #[must_use]
    pub fn own(&self) -> Client {
        self.inner.own.clone()
    }

    /// The configuration it was made from.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.inner.config
    }

    /// A client that acts as a ServiceAccount.
    ///
    /// # Errors
    /// When the name cannot stand in a header.
    pub fn impersonate(&self, namespace: &str, service_account: &str) -> Result<Client, ClientError> {
        self.impersonate_user(&format!("system:serviceaccount:{namespace}:{service_account}"))
    }

    /// A client that acts as a user; kept, so that asking again is cheap.
    ///
    /// # Errors
    /// When the name cannot stand in a header.
    pub fn impersonate_user(&self, user: &str) -> Result<Client, ClientError> {
        let mut users = self.inner.users.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(client) = users.get(user) {
            return Ok(client.clone());
        }
        let mut config = self.inner.config.clone();
        config.auth_info.impersonate = Some(user.to_owned());
        let client = build(&config, &self.inner.metrics, &self.inner.limit)?;
        if users.len() >= USERS {
            users.clear();
        }
        users.insert(user.to_owned(), client.clone());
        Ok(client)
    }

    /// A client for another configuration (a remote cluster), counted like the own one.
    ///
    /// # Errors
    /// When TLS material or credentials cannot be used.
    pub fn for_config(&self, config: &Config) -> Result<Client, ClientError> {
        build(config, &self.inner.metrics, &Limit::off())
    }
}

fn build(config: &Config, metrics: &Metrics, limit: &Limit) -> Result<Client, ClientError> {
    let wrap = |error| ClientError::Build(Box::new(error));
    if config.proxy_url.is_some() {
        // kube knows proxies; its own stack serves the rare case, without our counting.
        return Client::try_from(config.clone()).map_err(wrap);
    }
    crate::tls::install();
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_keepalive(Some(Duration::from_secs(30)));
    connector.set_connect_timeout(config.connect_timeout);
    let connector = config.rustls_https_connector_with_connector(connector).map_err(wrap)?;
    let http = Builder::new(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_max_idle_per_host(IDLE)
        .pool_idle_timeout(IDLE_FOR)
        .http1_max_buf_size(64 << 10)
        .build(connector);
    let host = config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
    let retry = RetryPolicy::new(Duration::from_millis(50), Duration::from_secs(5), 6, true)
        .map_err(|error| wrap(kube::Error::Service(error.into())))?;
    let service = ServiceBuilder::new()
        .layer(limit::LimitLayer::new(limit.clone()))
        .layer(config.base_uri_layer())
        .layer(RetryLayer::new(retry))
        .option_layer(config.auth_layer().map_err(wrap)?)
        .layer(config.extra_headers_layer().map_err(wrap)?)
        .layer(count::CountLayer::new(metrics.clone(), host))
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace.clone()))
}
