//! What a service tells the runtime about itself, from its command line.

use std::{collections::BTreeMap, time::Duration};

use crate::flags::{CommonArgs, EventsArgs, JitterArgs, SelectorArgs};

/// A service and its flags.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the controller, for example `source-controller`.
    pub name: &'static str,
    /// Field manager of writes to its own kinds.
    pub field_manager: &'static str,
    /// Flags of every controller.
    pub common: CommonArgs,
    /// `--watch-label-selector`.
    pub selector: String,
    /// `--interval-jitter-percentage`.
    pub jitter: u8,
    /// `--events-addr` of a sender.
    pub events_addr: String,
    /// Where gRPC is served unless `--grpc-addr` says otherwise; empty for a service without.
    pub grpc_addr: &'static str,
    /// What was read from the environment.
    pub environment: Environment,
}

/// What is read from the environment, once.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `KUBECONFIG`.
    pub kubeconfig: Option<String>,
    /// `HOSTNAME`, or the kernel's name of the machine.
    pub hostname: String,
    /// Namespace of the pod's ServiceAccount.
    pub pod_namespace: Option<String>,
    /// The `OTEL_…` variables.
    pub telemetry: BTreeMap<String, String>,
}

impl Environment {
    /// Reads the process's environment.
    #[must_use]
    pub fn read() -> Self {
        let file = |path: &str| std::fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
        let set = |text: &String| !text.is_empty();
        let hostname = file("/proc/sys/kernel/hostname").filter(set);
        Self {
            kubeconfig: std::env::var("KUBECONFIG").ok().filter(set),
            hostname: hostname.or_else(|| std::env::var("HOSTNAME").ok()).unwrap_or_else(|| "unknown".to_owned()),
            telemetry: std::env::vars().filter(|(key, _)| key.starts_with("OTEL_")).collect(),
            pod_namespace: file("/var/run/secrets/kubernetes.io/serviceaccount/namespace").filter(set),
        }
    }
}

impl Settings {
    /// A service by its name. Its field manager is the name, but for kustomize-controller, whose name stands for what
    /// it applies.
    #[must_use]
    pub fn new(name: &'static str, common: &CommonArgs) -> Self {
        Self {
            name,
            field_manager: if name == "kustomize-controller" { "gotk-kustomize-controller" } else { name },
            common: common.clone(),
            selector: String::new(),
            jitter: 0,
            events_addr: String::new(),
            grpc_addr: "",
            environment: Environment::read(),
        }
    }

    /// Shards by label.
    #[must_use]
    pub fn selector(mut self, args: &SelectorArgs) -> Self {
        self.selector.clone_from(&args.watch_label_selector);
        self
    }

    /// Moves intervals.
    #[must_use]
    pub fn jitter(mut self, args: &JitterArgs) -> Self {
        self.jitter = args.interval_jitter_percentage;
        self
    }

    /// Sends events.
    #[must_use]
    pub fn events(mut self, args: &EventsArgs) -> Self {
        self.events_addr.clone_from(&args.events_addr);
        self
    }

    /// Serves gRPC at this address unless `--grpc-addr` says otherwise.
    #[must_use]
    pub fn grpc(mut self, addr: &'static str) -> Self {
        self.grpc_addr = addr;
        self
    }

    /// The namespace the controller runs in: RUNTIME_NAMESPACE, else the pod's, else `flux-system`.
    #[must_use]
    pub fn namespace(&self) -> String {
        let set = Some(self.common.runtime_namespace.clone()).filter(|ns| !ns.is_empty());
        set.or_else(|| self.environment.pod_namespace.clone()).unwrap_or_else(|| "flux-system".to_owned())
    }

    /// The one namespace to watch, or `None` for all.
    #[must_use]
    pub fn watched_namespace(&self) -> Option<String> {
        (!self.common.watch_all_namespaces).then(|| self.namespace())
    }

    /// Delays of failing objects, first and longest.
    #[must_use]
    pub fn retry(&self) -> (Duration, Duration) {
        (self.common.min_retry_delay.0, self.common.max_retry_delay.0)
    }
}
