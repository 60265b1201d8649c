//! Every command that reads or writes a cluster, on a real API server. The one thing played is the controller: this
//! test answers requests in the status, as kustomize-controller would.

use std::{path::Path, time::Duration};

use serde_json::{Value, json};
use weir_testkit::{Api, ControlPlane, install_crds, kind};

use crate::program::{Outcome, read_until, start, weir};

const SHA: &str = "main@sha1:0123456789abcdef0123456789abcdef01234567";
const NS: &str = "flux-system";

fn condition(status: &str, reason: &str, message: &str, generation: &Value) -> Value {
    json!([{ "type": "Ready", "status": status, "reason": reason, "message": message,
             "lastTransitionTime": "2026-11-21T10:00:05Z", "observedGeneration": generation }])
}

async fn fill(api: &Api) {
    api.namespace(NS).await.unwrap();
    api.namespace("web").await.unwrap();
    let labels = json!({ "kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": NS });
    let container = json!({ "name": "c", "image": "x" });
    for object in [
        json!({ "apiVersion": "source.toolkit.fluxcd.io/v1", "kind": "GitRepository", "metadata": { "name": "app", "namespace": NS },
                "spec": { "interval": "1m", "url": "https://git.example.com/app", "ref": { "branch": "main" } } }),
        json!({ "apiVersion": "kustomize.toolkit.fluxcd.io/v1", "kind": "Kustomization", "metadata": { "name": "apps", "namespace": NS },
                "spec": { "interval": "10m", "prune": true, "path": "./deploy", "sourceRef": { "kind": "GitRepository", "name": "app" } } }),
        json!({ "apiVersion": "notification.toolkit.fluxcd.io/v1beta3", "kind": "Provider", "metadata": { "name": "chat", "namespace": NS },
                "spec": { "type": "slack" } }),
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "web", "namespace": "web", "labels": labels },
                "spec": { "replicas": 1, "selector": { "matchLabels": { "app": "web" } },
                          "template": { "metadata": { "labels": { "app": "web" } }, "spec": { "containers": [container] } } } }),
    ] {
        api.apply(&object).await.unwrap();
    }
    let artifact = json!({ "digest": format!("sha256:{}", "ab".repeat(32)), "lastUpdateTime": "2026-11-21T10:00:02Z", "path": "p", "revision": SHA, "url": "http://x/y",
        "metadata": { "weir.dev/commit-time": "2026-11-21T10:00:00Z", "weir.dev/commit-author": "Jo", "weir.dev/commit-message": "two replicas", "weir.dev/fetch-duration": "300ms" } });
    let status = json!({ "status": { "observedGeneration": 1, "artifact": artifact, "conditions": condition("True", "Succeeded", "stored", &json!(1)) } });
    api.merge_status(kind::GIT_REPOSITORY, NS, "app", &status).await.unwrap();
    let inventory = json!({ "entries": [{ "id": "web_web_apps_Deployment", "v": "v1" }, { "id": "web_gone__ConfigMap", "v": "v1" }] });
    let history = json!([{ "digest": "sha256:x", "firstReconciled": "2026-11-21T10:00:05Z", "lastReconciled": "2026-11-21T10:00:05Z",
        "lastReconciledDuration": "1s", "lastReconciledStatus": "ReconciliationSucceeded", "totalReconciliations": 1,
        "metadata": { "revision": SHA, "weir.dev/build-duration": "5ms" } }]);
    let status = json!({ "status": { "observedGeneration": 1, "lastAppliedRevision": SHA, "inventory": inventory, "history": history,
        "conditions": condition("True", "ReconciliationSucceeded", &format!("Applied revision: {SHA}"), &json!(1)) } });
    api.merge_status(kind::KUSTOMIZATION, NS, "apps", &status).await.unwrap();
}

/// Answers the next request of an object, as its controller would.
async fn answer(api: &Api, of: weir_testkit::Kind, name: &str, status: &str, message: &str) {
    let unanswered = |object: &Value| {
        let asked = object.pointer("/metadata/annotations/reconcile.fluxcd.io~1requestedAt");
        asked.is_some() && asked != object.pointer("/status/lastHandledReconcileAt")
    };
    let object = api.wait(of, NS, name, Duration::from_secs(30), "a request", unanswered).await.unwrap();
    let token = object.pointer("/metadata/annotations/reconcile.fluxcd.io~1requestedAt").unwrap();
    let conditions = condition(status, "Whatever", message, &object["metadata"]["generation"]);
    let patch = json!({ "status": { "lastHandledReconcileAt": token, "conditions": conditions } });
    api.merge_status(of, NS, name, &patch).await.unwrap();
}

#[track_caller]
fn good(outcome: &Outcome, wanted: &[&str]) {
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    for text in wanted {
        assert!(outcome.stdout.contains(text), "{text:?} is not in {}", outcome.stdout);
    }
}

#[tokio::test]
async fn commands_on_a_real_api_server() {
    let cluster = ControlPlane::start().await.unwrap();
    let (api, config) = (cluster.api(), cluster.kubeconfig());
    let outcome = weir(Some(config), &["get", "ks"]).await;
    assert_eq!(outcome.code, Some(1), "{outcome:?}");
    assert!(outcome.stderr.contains("does not know kustomizations"), "{outcome:?}");
    install_crds(api).await.unwrap();
    fill(api).await;
    shows(config).await;
    reconciles(api, config).await;
    suspends(api, config).await;
    walks(api, config).await;
    watches(api, config).await;
}

async fn shows(config: &Path) {
    let row = "apps   main@sha1:01234567   False       True    Applied revision: main@sha1:01234567\n";
    good(&weir(Some(config), &["get", "ks"]).await, &["NAME   REVISION", row]);
    good(
        &weir(Some(config), &["get", "all", "-A"]).await,
        &["NAMESPACE     NAME", "gitrepository/app", "provider/chat"],
    );
    assert_eq!(
        weir(Some(config), &["get", "ks/apps", "-o", "name"]).await.stdout,
        "kustomization.kustomize.toolkit.fluxcd.io/apps\n"
    );
    let json: Value =
        serde_json::from_str(&weir(Some(config), &["get", "source", "git", "app", "-o", "json"]).await.stdout).unwrap();
    assert_eq!(json["status"]["artifact"]["revision"], SHA);
    let list = weir_yaml::parse_value(&weir(Some(config), &["get", "ks,gitrepo", "-o", "yaml"]).await.stdout).unwrap();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let missing = weir(Some(config), &["get", "ks", "nope"]).await;
    assert_eq!(missing.code, Some(1));
    assert!(
        missing.stderr.contains("Kustomization/nope not found in namespace flux-system")
            && missing.stderr.contains("hint:"),
        "{missing:?}"
    );
    let empty = weir(Some(config), &["get", "ks", "-n", "web"]).await;
    assert_eq!((empty.code, empty.stdout.as_str()), (Some(0), ""));
    good(&weir(Some(config), &["version"]).await, &["weir: v"]);
}

async fn reconciles(api: &Api, config: &Path) {
    let (outcome, (), ()) = tokio::join!(
        weir(Some(config), &["reconcile", "ks", "apps", "--with-source"]),
        answer(api, kind::GIT_REPOSITORY, "app", "True", "nothing new"),
        answer(api, kind::KUSTOMIZATION, "apps", "True", "all applied"),
    );
    good(&outcome, &["✔ Kustomization: all applied\n"]);
    assert!(outcome.stderr.contains("✔ GitRepository: nothing new"), "{outcome:?}");
    let (outcome, ()) = tokio::join!(
        weir(Some(config), &["reconcile", "ks/apps"]),
        answer(api, kind::KUSTOMIZATION, "apps", "False", "no such file\u{1b}[2J"),
    );
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("Kustomization/flux-system/apps failed: no such file[2J\nhint: "), "{outcome:?}");
    let unanswered = weir(Some(config), &["reconcile", "ks/apps", "--timeout", "1s"]).await;
    assert_eq!(unanswered.code, Some(1));
    assert!(
        unanswered.stderr.contains("was not done after 1s") && unanswered.stderr.contains("controller runs"),
        "{unanswered:?}"
    );
    assert_eq!(weir(Some(config), &["reconcile", "provider", "chat"]).await.code, Some(1));
    answer(api, kind::KUSTOMIZATION, "apps", "True", "all applied").await;
}

async fn suspends(api: &Api, config: &Path) {
    good(&weir(Some(config), &["suspend", "ks", "apps"]).await, &["is suspended"]);
    good(&weir(Some(config), &["suspend", "ks", "--all"]).await, &["is suspended already"]);
    let refused = weir(Some(config), &["reconcile", "ks", "apps"]).await;
    assert_eq!(refused.code, Some(1));
    assert!(
        refused.stderr.contains("hint: resume it first: weir resume kustomization apps -n flux-system"),
        "{refused:?}"
    );
    let judged = async {
        let resumed = |object: &Value| object.pointer("/spec/suspend") == Some(&json!(false));
        let object =
            api.wait(kind::KUSTOMIZATION, NS, "apps", Duration::from_secs(30), "resumed", resumed).await.unwrap();
        let conditions = condition("True", "Succeeded", "back", &object["metadata"]["generation"]);
        api.merge_status(kind::KUSTOMIZATION, NS, "apps", &json!({ "status": { "conditions": conditions } }))
            .await
            .unwrap();
    };
    let (outcome, ()) = tokio::join!(weir(Some(config), &["resume", "ks", "apps"]), judged);
    good(&outcome, &["is resumed", "✔ Kustomization: back\n"]);
    good(&weir(Some(config), &["resume", "all", "--all"]).await, &["Kustomization/flux-system/apps is not suspended"]);
}

async fn walks(api: &Api, config: &Path) {
    let made = api.wait(kind::DEPLOYMENT, "web", "web", Duration::from_secs(30), "a ReplicaSet", |deployment| {
        deployment.pointer("/status/replicas") == Some(&json!(1))
    });
    made.await.unwrap();
    let tree = weir(Some(config), &["tree", "ks", "apps"]).await;
    good(
        &tree,
        &[
            "Kustomization/flux-system/apps",
            "── Deployment/web/web ◐ InProgress",
            "│   └── ReplicaSet/web/web-",
            "│       └── Pod/web/web-",
        ],
    );
    good(&tree, &["ConfigMap/web/gone ∅ NotFound"]);
    let json: Value =
        serde_json::from_str(&weir(Some(config), &["tree", "ks", "apps", "-o", "json"]).await.stdout).unwrap();
    assert_eq!(json["resource"]["GroupKind"]["Kind"], "Kustomization");
    let pods = api.list(kind::POD, "web").await.unwrap();
    let pod = pods[0]["metadata"]["name"].as_str().unwrap();
    let trace = weir(Some(config), &["trace", "pod", pod, "-n", "web"]).await;
    good(
        &trace,
        &[
            "Made by:       Deployment/web\n",
            "Kustomization: apps\n",
            "GitRepository: app\n",
            "two replicas (Jo)",
            "5s after the commit",
        ],
    );
    let stranger = weir(Some(config), &["trace", "cm/kube-root-ca.crt", "-n", "web"]).await;
    assert_eq!(stranger.code, Some(1));
    assert!(stranger.stderr.contains("no Kustomization or HelmRelease applied it"), "{stranger:?}");
}

async fn watches(api: &Api, config: &Path) {
    let mut child = start(config, &["get", "ks", "-w"]);
    let mut seen = String::new();
    read_until(&mut child, &mut seen, "back\n").await;
    let patch = json!({ "status": { "conditions": condition("False", "BuildFailed", "broken", &json!(1)) } });
    api.merge_status(kind::KUSTOMIZATION, NS, "apps", &patch).await.unwrap();
    read_until(&mut child, &mut seen, "broken\n").await;
    assert_eq!(seen.matches("NAME").count(), 1, "one header: {seen}");
    child.kill().await.unwrap();
    let event = |name: &str, about: Value| {
        json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": name, "namespace": NS }, "involvedObject": about, "type": "Normal",
                "reason": "Progressing", "message": format!("message of {name}"), "lastTimestamp": "2026-11-21T10:00:00Z", "firstTimestamp": "2026-11-21T10:00:00Z", "count": 1 })
    };
    let about = |api_version: &str, kind: &str, name: &str| json!({ "apiVersion": api_version, "kind": kind, "namespace": NS, "name": name });
    api.apply(&event("one", about("kustomize.toolkit.fluxcd.io/v1", "Kustomization", "apps"))).await.unwrap();
    api.apply(&event("two", about("notification.toolkit.fluxcd.io/v1beta3", "Provider", "chat"))).await.unwrap();
    api.apply(&event("three", about("v1", "Pod", "x"))).await.unwrap();
    let all = weir(Some(config), &["events"]).await;
    good(&all, &["message of one", "message of two"]);
    assert!(!all.stdout.contains("message of three"));
    let mut child = start(config, &["events", "--for", "ks/apps", "--watch"]);
    let mut seen = String::new();
    read_until(&mut child, &mut seen, "message of one").await;
    api.apply(&event("four", about("source.toolkit.fluxcd.io/v1", "GitRepository", "app"))).await.unwrap();
    read_until(&mut child, &mut seen, "message of four").await;
    assert!(!seen.contains("message of two"), "{seen}");
    child.kill().await.unwrap();
}
