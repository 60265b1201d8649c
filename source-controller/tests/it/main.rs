//! The controller as a process, on a real API server and a real registry.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // helpers of tests, too

mod artifacts;
mod gitrepository;
mod lifecycle;

use std::time::Duration;

use serde_json::{Value, json};
use weir_testkit::{
    Api, ControlPlane, Registry, install_crds, kind,
    port::Port,
    process::{Process, Program},
    scratch::Scratch,
};

/// How long anything here may take; it takes a fraction of it.
const SOON: Duration = Duration::from_secs(30);

/// One controller in its world.
struct World {
    plane: ControlPlane,
    registry: Registry,
    process: Process,
    http: Port,
    grpc: Port,
    dir: Scratch,
}

impl World {
    async fn start(extra: &[&str]) -> Self {
        let plane = ControlPlane::start().await.unwrap();
        install_crds(plane.api()).await.unwrap();
        plane.api().namespace("flux-system").await.unwrap();
        plane.api().namespace("apps").await.unwrap();
        let registry = Registry::start().await.unwrap();
        let dir = Scratch::new("source-controller").unwrap();
        let ports: Vec<Port> = (0..4).map(|_| Port::reserve().unwrap()).collect();
        let [http, grpc, metrics, health] = <[Port; 4]>::try_from(ports).unwrap();
        let program = Program::new("source-controller", env!("CARGO_BIN_EXE_source-controller"))
            .args([
                format!("--storage-path={}", dir.path().join("data").display()),
                format!("--storage-addr={}", http.address()),
                format!("--storage-adv-addr={}", http.address()),
                format!("--grpc-addr={}", grpc.address()),
                format!("--metrics-addr={}", metrics.address()),
                format!("--health-addr={}", health.address()),
                "--log-level=debug".to_owned(),
            ])
            .args(extra.iter().copied())
            .env("KUBECONFIG", plane.kubeconfig())
            .env("RUNTIME_NAMESPACE", "flux-system");
        let process = Process::start(&program, dir.path()).unwrap();
        Self { plane, registry, process, http, grpc, dir }
    }

    fn api(&self) -> &Api {
        self.plane.api()
    }

    /// Applies an OCIRepository of repository `apps/<name>` with `spec` over the defaults.
    async fn apply(&self, name: &str, spec: Value) {
        let mut whole = json!({"interval": "1h", "url": self.registry.url(&format!("apps/{name}")), "insecure": true});
        for (key, value) in spec.as_object().unwrap() {
            whole[key] = value.clone();
        }
        let object = json!({"apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "OCIRepository",
            "metadata": {"namespace": "apps", "name": name}, "spec": whole});
        self.api().apply(&object).await.unwrap();
    }

    async fn ready(&self, name: &str) -> Value {
        self.api().wait_ready(kind::OCI_REPOSITORY, "apps", name, SOON).await.unwrap()
    }

    /// Waits until the object satisfies `good`.
    async fn until(&self, name: &str, what: &str, good: impl Fn(&Value) -> bool + Send) -> Value {
        self.api().wait(kind::OCI_REPOSITORY, "apps", name, SOON, what, good).await.unwrap()
    }
}

/// Status, reason and message of a condition; empty when it is not there.
fn condition(object: &Value, type_: &str) -> (String, String, String) {
    let list = object.pointer("/status/conditions").and_then(Value::as_array).cloned().unwrap_or_default();
    let found = list.into_iter().find(|c| c["type"] == type_).unwrap_or_default();
    let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
    (text("status"), text("reason"), text("message"))
}
