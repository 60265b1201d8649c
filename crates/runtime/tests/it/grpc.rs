//! Authentication and authorization between services.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

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

use weir_testkit::{
    pki::{Authority, Identity},
    scratch::Scratch,
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

type Serving = tokio::task::JoinHandle<Result<(), RuntimeError>>;

async fn serve(ns: &str, addr: &str, auth: &str) -> (Receiver, Serving) {
    serve_with(ns, &[&format!("--grpc-addr={addr}"), auth]).await
}

async fn serve_with(ns: &str, args: &[&str]) -> (Receiver, Serving) {
    let settings = settings(ns, args).await;
    let mut runtime = Runtime::new(settings).await.unwrap();
    let receiver = Receiver::default();
    runtime.grpc(EventsServer::new(receiver.clone()));
    (receiver, tokio::spawn(runtime.serve()))
}

async fn peer(addr: &str, token: Option<&str>) -> Peer {
    peer_with(addr, token, GrpcArgs::default()).await
}

async fn peer_with(addr: &str, token: Option<&str>, args: GrpcArgs) -> Peer {
    let settings = settings("grpc", &[]).await;
    let context = Runtime::new(settings).await.unwrap().context();
    let file = token.map(|token| {
        let path = std::env::temp_dir().join(format!("weir-token-{}-{}", std::process::id(), uuid::Uuid::new_v4()));
        std::fs::write(&path, token).unwrap();
        path
    });
    let args = GrpcArgs { grpc_token_file: file, ..args };
    Peer::new(addr, &args, &context.settings, &context.clients).unwrap()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

async fn publish(peer: &Peer, ns: &str) -> Result<(), Code> {
    let end = tokio::time::Instant::now() + LIMIT;
    loop {
        match once(peer, ns).await {
            // The server may still be starting.
            Err(Code::Unavailable) if tokio::time::Instant::now() < end => {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            result => return result,
        }
    }
}

async fn once(peer: &Peer, ns: &str) -> Result<(), Code> {
    let object = ObjectReference { namespace: ns.to_owned(), name: "a".to_owned(), ..ObjectReference::default() };
    let request = PublishRequest { event: Some(Event { involved_object: Some(object), ..Event::default() }) };
    let result = EventsClient::new(peer.channel().await.unwrap()).publish(request).await;
    result.map(drop).map_err(|status| status.code())
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

/// `tls.crt`, `tls.key` and `ca.crt` in a directory, as a mounted Secret has them.
fn mount(dir: &Path, identity: &Identity, authority: &Authority) {
    std::fs::create_dir_all(dir).unwrap();
    identity.write(dir, "tls").unwrap();
    std::fs::write(dir.join("ca.crt"), authority.pem()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_certificates_mounted_nothing_is_said_in_the_clear() {
    let scratch = Scratch::new("grpc-tls").unwrap();
    let (ours, others) = (Authority::new("ours").unwrap(), Authority::new("others").unwrap());
    let (server, foreign) = (scratch.path().join("server"), scratch.path().join("foreign"));
    mount(&server, &ours.server(&[]).unwrap(), &ours);
    mount(&foreign, &others.client("someone").unwrap(), &others);
    let addr = format!("127.0.0.1:{}", free_port());
    let tls = format!("--grpc-tls-dir={}", server.display());
    let (receiver, _server) = serve_with("grpc", &[&format!("--grpc-addr={addr}"), "--grpc-auth=false", &tls]).await;

    let ca = |path: &Path| GrpcArgs { grpc_ca: Some(path.join("ca.crt")), ..GrpcArgs::default() };
    let secure = format!("grpcs://{addr}");
    assert_eq!(publish(&peer_with(&secure, None, ca(&server)).await, "apps").await, Ok(()));
    let from_dir = GrpcArgs { grpc_tls_dir: Some(server.clone()), ..GrpcArgs::default() };
    assert_eq!(publish(&peer_with(&secure, None, from_dir).await, "apps").await, Ok(()), "ca.crt of the directory");
    for (what, peer) in [
        ("an authority nobody told it of", peer_with(&secure, None, ca(&foreign)).await),
        ("the machine's authorities", peer_with(&secure, None, GrpcArgs::default()).await),
        ("no TLS", peer(&addr, None).await),
    ] {
        assert!(once(&peer, "apps").await.is_err(), "{what}");
    }
    assert_eq!(receiver.taken.lock().unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_show_a_certificate_where_it_is_asked_for() {
    let scratch = Scratch::new("grpc-mtls").unwrap();
    let (ours, others) = (Authority::new("ours").unwrap(), Authority::new("others").unwrap());
    let [server, caller, foreign] = ["server", "caller", "foreign"].map(|name| scratch.path().join(name));
    mount(&server, &ours.server(&[]).unwrap(), &ours);
    mount(&caller, &ours.client("kustomize-controller").unwrap(), &ours);
    mount(&foreign, &others.client("someone").unwrap(), &ours);
    let addr = format!("127.0.0.1:{}", free_port());
    let args = [
        format!("--grpc-addr={addr}"),
        "--grpc-auth=false".to_owned(),
        format!("--grpc-tls-dir={}", server.display()),
        format!("--grpc-client-ca={}", server.join("ca.crt").display()),
    ];
    let (_receiver, _server) = serve_with("grpc", &args.each_ref().map(String::as_str)).await;
    let secure = format!("grpcs://{addr}");
    let shows = |dir: &Path| GrpcArgs { grpc_tls_dir: Some(dir.to_owned()), ..GrpcArgs::default() };
    assert_eq!(publish(&peer_with(&secure, None, shows(&caller)).await, "apps").await, Ok(()));
    assert!(once(&peer_with(&secure, None, shows(&foreign)).await, "apps").await.is_err());
    let nothing = GrpcArgs { grpc_ca: Some(server.join("ca.crt")), ..GrpcArgs::default() };
    assert!(once(&peer_with(&secure, None, nothing).await, "apps").await.is_err());

    let missing = scratch.path().join("nowhere");
    let flag = format!("--grpc-tls-dir={}", missing.display());
    let (_, refused) = serve_with("grpc", &["--grpc-addr=127.0.0.1:0", &flag]).await;
    let error = weir_reconcile::describe(&refused.await.unwrap().unwrap_err());
    assert!(error.contains("nowhere/tls.crt"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn events_travel_by_grpc_over_tls() {
    let (ns, api) = ("grpcsevents", world().await.api());
    let scratch = Scratch::new("grpcs-events").unwrap();
    let authority = Authority::new("ours").unwrap();
    mount(scratch.path(), &authority.server(&[]).unwrap(), &authority);
    let addr = format!("127.0.0.1:{}", free_port());
    let tls = format!("--grpc-tls-dir={}", scratch.path().display());
    let (receiver, _server) = serve_with("grpc", &[&format!("--grpc-addr={addr}"), "--grpc-auth=false", &tls]).await;
    let ca = format!("--grpc-ca={}", scratch.path().join("ca.crt").display());
    let service = start(ns, &[&format!("--events-addr=grpcs://{addr}"), &ca]).await;
    api.apply(&widget(ns, "a", json!({"size": 1}))).await.unwrap();
    let taken = || async { !receiver.taken.lock().unwrap().is_empty() };
    weir_testkit::background::until("an event", LIMIT, taken).await.unwrap();
    service.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_cannot_make_us_ask_the_api_server_often() {
    let (ns, api) = ("grpcflood", world().await.api());
    let addr = format!("127.0.0.1:{}", free_port());
    let (_receiver, _server) = serve(ns, &addr, "--grpc-auth=true").await;
    api.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "known", "namespace": ns}}))
        .await
        .unwrap();
    let body =
        json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"audiences": ["weir"]}});
    let path = format!("/api/v1/namespaces/{ns}/serviceaccounts/known/token");
    let reply = api.request("POST", &path, Some(("application/json", body.to_string().into_bytes()))).await.unwrap();
    let token = reply.ok().unwrap()["status"]["token"].as_str().unwrap().to_owned();
    let known = peer(&addr, Some(&token)).await;
    assert_eq!(publish(&known, ns).await, Err(Code::PermissionDenied), "known, and may nothing");

    let mut codes = Vec::new();
    for n in 0..200 {
        codes.push(once(&peer(&addr, Some(&format!("junk-{n}"))).await, ns).await.unwrap_err());
        if codes.last() == Some(&Code::ResourceExhausted) {
            break;
        }
    }
    assert_eq!(codes[0], Code::Unauthenticated);
    assert_eq!(codes.last(), Some(&Code::ResourceExhausted), "{} tokens were reviewed", codes.len());
    assert_eq!(once(&known, ns).await, Err(Code::PermissionDenied), "who is known goes on being known");
}
