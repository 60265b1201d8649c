use std::time::Duration;

use serde_json::json;
use weir_testkit::{ControlPlane, kind};

#[tokio::test]
async fn a_deployment_becomes_available_and_its_requests_are_in_the_audit_log() {
    let plane = ControlPlane::start().await.unwrap();
    let api = plane.api();
    let mark = plane.audit().mark().unwrap();
    api.namespace("shop").await.unwrap();
    let labels = json!({"app": "web"});
    api.apply(&json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels}, "spec": {"containers": [{"name": "web", "image": "example.test/web:1"}]}}},
    }))
    .await
    .unwrap();
    api.wait(kind::DEPLOYMENT, "shop", "web", Duration::from_secs(30), "observed", |d| {
        d.pointer("/status/observedGeneration") == Some(&json!(1))
    })
    .await
    .unwrap();
    let requests = plane.audit().since(mark).unwrap();
    let ours: Vec<_> =
        requests.iter().filter(|r| r.user == "admin" && r.touches_objects() && r.resource == "deployments").collect();
    assert_eq!(ours.len(), 1, "{requests:#?}");
    assert!(ours[0].verb == "patch" && ours[0].namespace == "shop" && !ours[0].is_dry_run());

    let kubeconfig = plane.kubeconfig_of("default", "default").await.unwrap();
    let tenant = weir_testkit::Api::connect(&kubeconfig).await.unwrap();
    let refused = tenant.request("GET", &kind::SECRET.path("shop"), None).await.unwrap();
    assert_eq!(refused.code, 403);

    api.delete(kind::NAMESPACE, "", "shop").await.unwrap();
    api.wait_gone(kind::NAMESPACE, "", "shop", Duration::from_secs(60)).await.unwrap();
    let pids = plane.pids();
    drop(plane);
    for pid in pids {
        assert!(!std::path::Path::new(&format!("/proc/{pid}/exe")).exists(), "{pid} still runs");
    }
}
