//! Servers that never end, lie, or lure credentials away.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::{Path, Request},
    response::{IntoResponse, Redirect},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use weir_oci::{Keychain, Kind, OciError, Selector};
use weir_testkit::{Hostile, HttpServer};

use super::{blob, digest, insecure, keychain, session, text};

#[tokio::test]
async fn endless_pages_and_bodies_are_cut_off() {
    let hostile = Hostile::start().await.unwrap();
    let url = format!("oci://{}/apps/app", hostile.address());
    let session = session(&url, insecure(), Keychain::anonymous());
    let range = Selector::Semver { range: "*".into(), filter: None, underscore_is_plus: false };
    let pages = session.pick(&range).await.unwrap_err();
    assert_eq!(pages.kind(), Kind::Limit, "{pages}");
    assert!(hostile.requests() < 1100, "{} requests", hostile.requests());
    let digest = digest(&session, "v1").await.unwrap();
    let manifest = session.manifest(&digest).await.unwrap();
    let layer = manifest.layer(None).unwrap();
    assert_eq!(blob(&session, layer).await.unwrap_err().kind(), Kind::Limit);
    let small = weir_oci::Layer { size: 1 << 16, ..layer.clone() };
    assert!(matches!(blob(&session, &small).await.unwrap_err(), OciError::Mismatch { .. }));
    assert!(hostile.sent() < 64 << 20, "{} bytes were taken", hostile.sent());
}

#[tokio::test]
async fn a_manifest_that_never_ends_or_lies_is_refused() {
    let huge = || async {
        let stream = futures::stream::repeat_with(|| Ok::<_, std::io::Error>(Bytes::from_static(&[b' '; 65_536])));
        axum::body::Body::from_stream(stream)
    };
    let router = Router::new()
        .route("/v2/", get(|| async { StatusCode::OK }))
        .route("/v2/apps/huge/manifests/{tag}", get(huge).head(|| async { StatusCode::METHOD_NOT_ALLOWED }))
        .route("/v2/apps/liar/manifests/{tag}", get(|| async { r#"{"schemaVersion":2}"# }))
        .route(
            "/v2/apps/loop/tags/list",
            get(|| async {
                ([(header::LINK, "</v2/apps/loop/tags/list?n=1000>; rel=\"next\"")], r#"{"tags":["1.0.0"]}"#)
            }),
        );
    let server = HttpServer::start(router, None).await.unwrap();
    let to =
        |name: &str| session(&format!("oci://{}/apps/{name}", server.address()), insecure(), Keychain::anonymous());
    assert_eq!(digest(&to("huge"), "v1").await.unwrap_err().kind(), Kind::Limit);
    let expected = format!("sha256:{}", "1".repeat(64));
    assert!(matches!(to("liar").manifest(&expected).await.unwrap_err(), OciError::Mismatch { .. }));
    let range = Selector::Semver { range: "*".into(), filter: None, underscore_is_plus: false };
    let circle = to("loop").pick(&range).await.unwrap_err();
    assert!(circle.to_string().contains("circles"), "{circle}");
}

#[tokio::test]
async fn credentials_do_not_follow_a_redirect_to_another_host() {
    let seen: Arc<Mutex<Vec<HeaderMap>>> = Arc::default();
    let thief = Arc::clone(&seen);
    let elsewhere = HttpServer::start(
        Router::new().fallback(move |request: Request| {
            thief.lock().unwrap().push(request.headers().clone());
            async { "blob" }
        }),
        None,
    )
    .await
    .unwrap();
    let target = elsewhere.url();
    let guarded = move |Path(digest): Path<String>, headers: HeaderMap| {
        let target = target.clone();
        async move {
            match headers.contains_key(header::AUTHORIZATION) {
                true => Redirect::temporary(&format!("{target}/{digest}?signature=canary")).into_response(),
                false => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic realm=\"x\"")]).into_response(),
            }
        }
    };
    let router = Router::new()
        .route("/v2/", get(|| async { (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Basic")]) }))
        .route("/v2/apps/app/blobs/{digest}", get(guarded));
    let server = HttpServer::start(router, None).await.unwrap();
    let host = server.address();
    let session = session(&format!("oci://{host}/apps/app"), insecure(), keychain(&host, "user", "canary"));
    // sha256 of "blob"
    let layer = weir_oci::Layer {
        media_type: "x".into(),
        digest: "sha256:fa2c8cc4f28176bbeed4b736df569a34c79cd3723e9ec42f9674b4d46ac6b8b8".into(),
        size: 4,
    };
    assert_eq!(blob(&session, &layer).await.unwrap(), b"blob");
    assert_eq!(seen.lock().unwrap().len(), 1);
    assert!(seen.lock().unwrap().iter().all(|headers| !headers.contains_key(header::AUTHORIZATION)));
    let wrong = weir_oci::Layer { size: 5, ..layer };
    let shown = text(&blob(&session, &wrong).await.unwrap_err());
    assert!(!shown.contains("canary"), "a signed URL is a credential: {shown}");
}
