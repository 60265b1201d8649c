//! Leadership by a coordination.k8s.io/v1 Lease, as client-go does it, so that ours and Flux's instances exclude each
//! other.
//!
//! # Guarantees
//! * [`Elector::keep`] returns before anybody else may take over: it gives up at the renew deadline, which is shorter
//!   than the lease.
//! * A lease is taken over only after it was seen unchanged for its whole duration by our own clock; the other's clock
//!   does not matter.

mod record;

use std::{sync::Arc, time::Duration};

use k8s_openapi::api::coordination::v1::Lease;
use kube::{Api, api::PostParams};
use sha2::{Digest, Sha256};
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use self::record::{Decision, Observed};
use crate::{clock, runtime::Context};

/// Competes for one lease; clones are the same competitor.
#[derive(Clone)]
pub(crate) struct Elector {
    inner: Arc<Inner>,
}

struct Inner {
    api: Api<Lease>,
    context: Context,
    namespace: String,
    name: String,
    identity: String,
    duration: Duration,
    deadline: Duration,
    period: Duration,
    observed: Mutex<Observed>,
    /// The lease as we last wrote it: renewing it needs no read.
    ours: Mutex<Option<Lease>>,
}

/// `<controller>-leader-election`, with the shard's mark when there is one.
pub(crate) fn lease_name(controller: &str, selector: &str) -> String {
    if selector.is_empty() {
        return format!("{controller}-leader-election");
    }
    let mut mark = hex::encode(Sha256::digest(selector.as_bytes()));
    mark.truncate(8);
    format!("{controller}-leader-election-{mark}")
}

impl Elector {
    pub(crate) fn new(context: &Context) -> Self {
        let settings = &context.settings;
        let common = &settings.common;
        let namespace = settings.namespace();
        let inner = Inner {
            api: Api::namespaced(context.clients.own(), &namespace),
            context: context.clone(),
            name: lease_name(settings.name, &settings.selector),
            identity: format!("{}_{}", settings.environment.hostname, uuid::Uuid::new_v4()),
            duration: common.leader_election_lease_duration.0,
            deadline: common.leader_election_renew_deadline.0,
            period: common.leader_election_retry_period.0,
            namespace,
            observed: Mutex::default(),
            ours: Mutex::default(),
        };
        context.metrics.leader(&inner.name, false);
        Self { inner: Arc::new(inner) }
    }

    /// Namespace and name of the lease.
    pub(crate) fn lease(&self) -> String {
        format!("{}/{}", self.inner.namespace, self.inner.name)
    }

    /// Completes when this instance leads.
    pub(crate) async fn acquire(&self) {
        tracing::info!("attempting to acquire leader lease {}...", self.lease());
        loop {
            match self.attempt().await {
                Ok(true) => break,
                Ok(false) => {}
                Err(error) => tracing::error!(error = %error, "error retrieving resource lock {}", self.lease()),
            }
            tokio::time::sleep(self.inner.period.mul_f64(1.0 + 1.2 * rand::random::<f64>())).await;
        }
        tracing::info!("successfully acquired lease {}", self.lease());
        self.inner.context.metrics.leader(&self.inner.name, true);
    }

    /// Renews until it cannot (then somebody else may lead soon) or `shutdown` fires.
    pub(crate) async fn keep(self, shutdown: CancellationToken) {
        let mut renewed = clock::instant();
        let renewing = async {
            loop {
                tokio::time::sleep(self.inner.period).await;
                let until = renewed + self.inner.deadline;
                // The others count from the write, which may be long before its answer.
                let asked = clock::instant();
                match tokio::time::timeout_at(until, self.attempt()).await {
                    Ok(Ok(true)) => renewed = asked,
                    Ok(Ok(false)) => {
                        tracing::error!("another instance took over {}", self.lease());
                        return;
                    }
                    Ok(Err(error)) => tracing::error!(error = %error, "failed to renew lease {}", self.lease()),
                    Err(_) => {}
                }
                if clock::instant() >= until {
                    tracing::error!("failed to renew lease {} in time", self.lease());
                    return;
                }
            }
        };
        shutdown.run_until_cancelled(renewing).await;
        self.inner.context.metrics.leader(&self.inner.name, false);
    }

    /// Gives the lease up, so that the next instance need not wait.
    pub(crate) async fn release(&self) {
        let release = async {
            let lease = self.inner.api.get(&self.inner.name).await?;
            if record::holder(&lease) != self.inner.identity {
                return Ok(());
            }
            let released = record::released(lease, self.inner.context.clock.now());
            self.inner.api.replace(&self.inner.name, &PostParams::default(), &released).await.map(|_| ())
        };
        let result: Result<Result<(), kube::Error>, _> = tokio::time::timeout(Duration::from_secs(3), release).await;
        if let Ok(Err(error)) = result {
            tracing::error!(error = %error, "failed to release lease {}", self.lease());
        }
    }

    /// One try to take or renew the lease. False when somebody else holds it.
    async fn attempt(&self) -> Result<bool, kube::Error> {
        let inner = &self.inner;
        let now = inner.context.clock.now();
        let mut ours = inner.ours.lock().await;
        if let Some(lease) = ours.take() {
            let renewed = record::taken(lease, &inner.identity, inner.duration, now);
            match inner.api.replace(&inner.name, &PostParams::default(), &renewed).await {
                Ok(lease) => {
                    *ours = Some(lease);
                    return Ok(true);
                }
                // Somebody wrote it, or it is gone: look again.
                Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => {}
                Err(error) => {
                    *ours = Some(renewed);
                    return Err(error);
                }
            }
        }
        let current = inner.api.get_opt(&inner.name).await?;
        let Some(lease) = current else {
            let lease = record::first(&inner.name, &inner.namespace, &inner.identity, inner.duration, now);
            let created = inner.api.create(&PostParams::default(), &lease).await;
            return taken(created, &mut ours);
        };
        let at: Instant = clock::instant();
        match inner.observed.lock().await.decide(&lease, &inner.identity, inner.duration, at) {
            Decision::Wait => Ok(false),
            Decision::Take => {
                let taken = record::taken(lease, &inner.identity, inner.duration, now);
                self::taken(inner.api.replace(&inner.name, &PostParams::default(), &taken).await, &mut ours)
            }
        }
    }
}

/// Whether a write took the lease; a conflict says that somebody else was faster.
fn taken(result: Result<Lease, kube::Error>, ours: &mut Option<Lease>) -> Result<bool, kube::Error> {
    match result {
        Ok(lease) => {
            *ours = Some(lease);
            Ok(true)
        }
        Err(kube::Error::Api(status)) if status.code == 409 => Ok(false),
        Err(error) => Err(error),
    }
}
