//! Authentication and authorization between services.

use std::sync::{Arc, Mutex};

use serde_json::json;
use tonic::{Code, Request, Response, Status};
use weir_proto::event::v1::{
    Event, ObjectReference, PublishRequest, PublishResponse, WatchRequest, WatchResponse,
    events_client::EventsClient,
    events_server::{Events, EventsServer},
};
use weir_runtime::{
    Runtime, RuntimeError,
    flags::GrpcArgs,
    grpc::{Access, Caller, Peer},
};

use crate::world::{LIMIT, settings, start, widget, world};

/// Takes events from those who may patch the object.
#[derive(Clone, Default)]
struct Receiver {
    taken: Arc<Mutex<Vec<(String, Event)>>>,
}

#[tonic::async_trait]
impl Events for Receiver {
    type WatchStream = tokio_stream::Empty<Result<WatchResponse, Status>>;

    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        let caller = Caller::of(&request)?;
        let event = request.into_inner().event.ok_or_else(|| Status::invalid_argument("no event"))?;
        let object = event.involved_object.clone().unwrap_or_default();
        let access = Access {
            verb: "get".to_owned(),
            group: "test.weir.dev".to_owned(),
            resource: "widgets".to_owned(),
            namespace: object.namespace,
            name: object.name,
        };
        caller.may(&access).await?;
        self.taken.lock().unwrap().push((caller.name().to_owned(), event));
        Ok(Response::new(PublishResponse::default()))
    }

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not here"))
    }
}

async fn serve(ns: &str, addr: &str, auth: &str) -> (Receiver, tokio::task::JoinHandle<Result<(), RuntimeError>>) {
    let settings = settings(ns, &[&format!("--grpc-addr={addr}"), auth]).await;
    let mut runtime = Runtime::new(settings).await.unwrap();
    let receiver = Receiver::default();
    runtime.grpc(EventsServer::new(receiver.clone()));
    (receiver, tokio::spawn(runtime.serve()))
}

async fn peer(addr: &str, token: Option<&str>) -> Peer {
    let settings = settings("grpc", &[]).await;
    let context = Runtime::new(settings).await.unwrap().context();
    let file = token.map(|token| {
        let path = std::env::temp_dir().join(format!("weir-token-{}-{}", std::process::id(), uuid::Uuid::new_v4()));
        std::fs::write(&path, token).unwrap();
        path
    });
    let args = GrpcArgs { grpc_token_file: file, ..GrpcArgs::default() };
    Peer::new(addr, &args, &context.settings, &context.clients).unwrap()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn publish(peer: &Peer, ns: &str) -> Result<(), Code> {
    let object = ObjectReference { namespace: ns.to_owned(), name: "a".to_owned(), ..ObjectReference::default() };
    let request = PublishRequest { event: Some(Event { involved_object: Some(object), ..Event::default() }) };
    let end = tokio::time::Instant::now() + LIMIT;
    loop {
        let result = EventsClient::new(peer.channel().await.unwrap()).publish(request.clone()).await;
        match result {
            Ok(_) => return Ok(()),
            // The server may still be starting.
            Err(status) if status.code() == Code::Unavailable && tokio::time::Instant::now() < end => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Err(status) => return Err(status.code()),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_show_a_token_and_may_only_what_rbac_says() {
    let (ns, api) = ("grpc", world().await.api());
    let addr = format!("127.0.0.1:{}", free_port());
    let (receiver, _server) = serve(ns, &addr, "--grpc-auth=true").await;
    api.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "caller", "namespace": ns}}))
        .await
        .unwrap();
    let rules = json!([{"apiGroups": ["test.weir.dev"], "resources": ["widgets"], "verbs": ["get"]}]);
    api.apply(&json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r", "namespace": ns}, "rules": rules})).await.unwrap();
    api.apply(&json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": {"name": "r", "namespace": ns},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "caller", "namespace": ns}],
    }))
    .await
    .unwrap();
    let audience = |audiences: serde_json::Value| async move {
        let body =
            json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": audiences}});
        let path = format!("/api/v1/namespaces/{ns}/serviceaccounts/caller/token");
        let reply =
            api.request("POST", &path, Some(("application/json", body.to_string().into_bytes()))).await.unwrap();
        reply.ok().unwrap()["status"]["token"].as_str().unwrap().to_owned()
    };
    let good = peer(&addr, Some(&audience(json!(["weir"])).await)).await;
    assert_eq!(publish(&good, ns).await, Ok(()));
    assert_eq!(publish(&good, "elsewhere").await, Err(Code::PermissionDenied));
    let wrong = peer(&addr, Some(&audience(json!(["other"])).await)).await;
    assert_eq!(publish(&wrong, ns).await, Err(Code::Unauthenticated));
    assert_eq!(publish(&peer(&addr, None).await, ns).await, Err(Code::Unauthenticated));
    let taken = receiver.taken.lock().unwrap();
    assert_eq!(taken.len(), 1);
    assert_eq!(taken[0].0, format!("system:serviceaccount:{ns}:caller"));
}

#[tokio::test(flavor = "multi_thread")]
async fn without_authentication_only_on_loopback_and_a_taken_port_is_named() {
    let (_, open) = serve("grpc", "0.0.0.0:0", "--grpc-auth=false").await;
    assert!(matches!(open.await.unwrap(), Err(RuntimeError::OpenGrpc { .. })));
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap().to_string();
    let (_, refused) = serve("grpc", &addr, "--grpc-auth=true").await;
    let error = refused.await.unwrap().unwrap_err().to_string();
    assert!(error.contains(&addr) && error.contains("--grpc-addr"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_travel_by_grpc_too() {
    let (ns, api) = ("grpcevents", world().await.api());
    let addr = format!("127.0.0.1:{}", free_port());
    let (receiver, _server) = serve("grpc", &addr, "--grpc-auth=false").await;
    let service = start(ns, &[&format!("--events-addr=grpc://{addr}")]).await;
    api.apply(&widget(ns, "a", json!({"size": 1}))).await.unwrap();
    let end = tokio::time::Instant::now() + LIMIT;
    while receiver.taken.lock().unwrap().is_empty() && tokio::time::Instant::now() < end {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let event = receiver.taken.lock().unwrap().first().cloned().expect("an event").1;
    assert_eq!(event.reason, "Succeeded");
    assert_eq!(event.metadata.get("test.weir.dev/revision").map(String::as_str), Some("r1"));
    service.stop().await.unwrap();
}
