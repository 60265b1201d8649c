//! `Artifacts`, as a consumer uses it.

use std::time::Duration;

use serde_json::json;
use tonic::{Code, Streaming, transport::Channel};
use weir_proto::artifact::v1::{
    FetchRequest, SourceRef, WatchRequest, WatchResponse, artifacts_client::ArtifactsClient, watch_response::Type,
};
use weir_testkit::kind;

use super::{SOON, World};

async fn connect(world: &World) -> ArtifactsClient<Channel> {
    for _ in 0..300 {
        if let Ok(client) = ArtifactsClient::connect(format!("http://{}", world.grpc.address())).await {
            return client;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no gRPC server at {}", world.grpc.address());
}

async fn next(stream: &mut Streaming<WatchResponse>) -> WatchResponse {
    tokio::time::timeout(SOON, stream.message()).await.unwrap().unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn watched_and_fetched_from_any_offset() {
    let world = World::start(&["--grpc-auth=false"]).await;
    let content = "x: 1\n".repeat(1000);
    world.registry.push_files("apps/app", "latest", &[("a.yaml", &content)]).await.unwrap();
    world.apply("app", json!({})).await;
    let ready = world.ready("app").await;
    let status = &ready["status"]["artifact"];
    let mut client = connect(&world).await;

    let mut watch = client.watch(WatchRequest::default()).await.unwrap().into_inner();
    let first = next(&mut watch).await;
    assert_eq!(first.r#type(), Type::Current);
    let (source, artifact) = (first.source.unwrap(), first.artifact.unwrap());
    assert_eq!(
        (source.kind.as_str(), source.namespace.as_str(), source.name.as_str()),
        ("OCIRepository", "apps", "app")
    );
    assert_eq!(source.api_version, "source.toolkit.fluxcd.io/v1");
    assert_eq!(artifact.digest, status["digest"].as_str().unwrap());
    assert_eq!(first.source_generation, 1);
    assert_eq!(next(&mut watch).await.r#type(), Type::Synced);
    let other = WatchRequest { namespaces: vec!["elsewhere".into()], ..WatchRequest::default() };
    let mut empty = client.watch(other).await.unwrap().into_inner();
    assert_eq!(next(&mut empty).await.r#type(), Type::Synced);

    let whole = fetch(&mut client, &source, &artifact.digest, 0).await.unwrap();
    let url = format!("http://{}/{}", world.http.address(), artifact.path);
    let over_http = reqwest::get(url).await.unwrap().bytes().await.unwrap();
    assert_eq!(whole, over_http);
    let rest = fetch(&mut client, &source, &artifact.digest, 10).await.unwrap();
    assert_eq!(rest, over_http[10..]);
    assert!(fetch(&mut client, &source, &artifact.digest, whole.len() as u64).await.unwrap().is_empty());
    let beyond = fetch(&mut client, &source, &artifact.digest, whole.len() as u64 + 1).await;
    assert_eq!(beyond.unwrap_err(), Code::OutOfRange);
    let other = fetch(&mut client, &source, "sha256:other", 0).await;
    assert_eq!(other.unwrap_err(), Code::FailedPrecondition);
    let nobody = SourceRef { name: "nobody".into(), ..source.clone() };
    assert_eq!(fetch(&mut client, &nobody, &artifact.digest, 0).await.unwrap_err(), Code::NotFound);

    world.registry.push_files("apps/app", "latest", &[("a.yaml", "x: 2\n")]).await.unwrap();
    world.api().request_reconcile(kind::OCI_REPOSITORY, "apps", "app").await.unwrap();
    let changed = next(&mut watch).await;
    assert_eq!(changed.r#type(), Type::Current);
    assert_ne!(changed.artifact.unwrap().digest, artifact.digest);
    world.api().delete(kind::OCI_REPOSITORY, "apps", "app").await.unwrap();
    assert_eq!(next(&mut watch).await.r#type(), Type::Deleted);
}

async fn fetch(
    client: &mut ArtifactsClient<Channel>,
    source: &SourceRef,
    digest: &str,
    offset: u64,
) -> Result<Vec<u8>, Code> {
    let request = FetchRequest { source: Some(source.clone()), digest: digest.to_owned(), offset };
    let mut stream = client.fetch(request).await.map_err(|status| status.code())?.into_inner();
    let mut bytes = Vec::new();
    while let Some(piece) = stream.message().await.map_err(|status| status.code())? {
        bytes.extend_from_slice(&piece.data);
    }
    Ok(bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_without_a_token() {
    let world = World::start(&[]).await;
    let mut client = connect(&world).await;
    let refused = client.watch(WatchRequest::default()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
}
