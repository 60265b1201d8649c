//! One control plane, and a service in it.

use std::{collections::BTreeMap, ffi::OsString, time::Duration};

use clap::Parser;
use serde_json::{Value, json};
use tokio::{sync::OnceCell, task::JoinHandle};
use tokio_util::sync::CancellationToken;
use weir_runtime::{
    Handle, Metrics, Runtime, RuntimeError, Settings,
    flags::{CommonArgs, EventsArgs, JitterArgs, SelectorArgs, try_parse},
    settings::Environment,
};
use weir_testkit::{ControlPlane, Kind, kind};

use crate::widgets::{Log, Widget, Widgets};

pub const WIDGET: Kind = Kind { api_version: "test.weir.dev/v1", kind: "Widget", plural: "widgets", namespaced: true };

/// Long enough for a loaded machine; never waited for in full when things go well.
pub const LIMIT: Duration = Duration::from_secs(30);

pub async fn world() -> &'static ControlPlane {
    static WORLD: OnceCell<ControlPlane> = OnceCell::const_new();
    WORLD
        .get_or_init(|| async {
            let world = ControlPlane::start().await.unwrap();
            world.api().apply(&crd()).await.unwrap();
            let named = |crd: &Value| weir_testkit::api::condition_text(crd, "Established").0 == "True";
            world.api().wait(kind::CRD, "", "widgets.test.weir.dev", LIMIT, "established", named).await.unwrap();
            world
        })
        .await
}

/// Accepts everything, so that objects can be wrong in ways their type does not allow.
fn crd() -> Value {
    let open = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let schema = json!({"type": "object", "properties": {"spec": open, "status": open}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.test.weir.dev"},
        "spec": {
            "group": "test.weir.dev", "scope": "Namespaced",
            "names": {"kind": "Widget", "plural": "widgets", "singular": "widget", "listKind": "WidgetList"},
            "versions": [{
                "name": "v1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": schema}, "subresources": {"status": {}},
            }],
        },
    })
}

#[derive(Parser, Debug)]
pub struct Args {
    #[command(flatten)]
    pub common: CommonArgs,
    #[command(flatten)]
    pub selector: SelectorArgs,
    #[command(flatten)]
    pub jitter: JitterArgs,
    #[command(flatten)]
    pub events: EventsArgs,
}

/// A running service that reconciles widgets.
pub struct Service {
    pub shutdown: CancellationToken,
    pub handle: Handle<Widget>,
    pub log: Log,
    pub metrics: Metrics,
    pub task: JoinHandle<Result<(), RuntimeError>>,
}

impl Service {
    pub async fn stop(self) -> Result<(), RuntimeError> {
        self.shutdown.cancel();
        tokio::time::timeout(LIMIT, self.task).await.expect("it ends").unwrap()
    }
}

pub async fn settings(namespace: &str, args: &[&str]) -> Settings {
    let world = world().await;
    world.api().namespace(namespace).await.unwrap();
    let namespace = format!("--runtime-namespace={namespace}");
    let defaults = [
        "test",
        "--metrics-addr=127.0.0.1:0",
        "--health-addr=127.0.0.1:0",
        "--watch-all-namespaces=false",
        "--min-retry-delay=100ms",
        "--log-level=debug",
        &namespace,
    ];
    let args: Args = try_parse(defaults.iter().chain(args).map(OsString::from)).unwrap();
    let mut settings = Settings::new("widget-controller", &args.common)
        .selector(&args.selector)
        .jitter(&args.jitter)
        .events(&args.events);
    settings.environment = Environment {
        kubeconfig: Some(world.kubeconfig().display().to_string()),
        hostname: "test-host".to_owned(),
        pod_namespace: None,
        telemetry: BTreeMap::new(),
    };
    settings
}

pub async fn start(namespace: &str, args: &[&str]) -> Service {
    start_with(settings(namespace, args).await).await
}

pub async fn start_with(settings: Settings) -> Service {
    let service = launch(settings).await;
    tokio::time::timeout(LIMIT, service.handle.store.synced()).await.expect("the first list");
    service
}

/// The same without waiting for the first list: a second instance waits for leadership first.
pub async fn launch(settings: Settings) -> Service {
    let mut runtime = Runtime::new(settings).await.unwrap();
    let (handle, log) = (Handle::default(), Log::default());
    let context = runtime.context();
    runtime.controller(&handle, Widgets { log: log.clone() }, 2);
    let task = tokio::spawn(runtime.serve());
    Service { shutdown: context.shutdown, handle, log, metrics: context.metrics, task }
}

/// A widget with a size and what its reconciler should do.
pub fn widget(namespace: &str, name: &str, spec: Value) -> Value {
    json!({
        "apiVersion": "test.weir.dev/v1", "kind": "Widget",
        "metadata": {"namespace": namespace, "name": name}, "spec": spec,
    })
}
