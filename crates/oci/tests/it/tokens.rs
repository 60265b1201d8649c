//! Registries with a token service.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use axum::{
    Router,
    extract::{Query, Request},
    response::{IntoResponse, Response},
    routing::get,
};
use http::{HeaderMap, StatusCode, header};
use weir_oci::{Keychain, Kind};
use weir_testkit::HttpServer;

use super::{digest, insecure, keychain, session, text};

const DIGEST: &str = "sha256:4444444444444444444444444444444444444444444444444444444444444444";

/// What the token service was asked.
type Asked = Arc<Mutex<Vec<(Vec<(String, String)>, Option<String>)>>>;

struct Servers {
    registry: HttpServer,
    _tokens: HttpServer,
    asked: Asked,
    served: Arc<AtomicUsize>,
}

/// A token service that gives `t0k3n` to user `u` with password `p`, and a registry that wants that token.
async fn servers() -> Servers {
    let asked: Asked = Arc::default();
    let (log, served) = (Arc::clone(&asked), Arc::new(AtomicUsize::new(0)));
    let issue = move |Query(query): Query<Vec<(String, String)>>, headers: HeaderMap| {
        let shown = headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        log.lock().unwrap().push((query, shown.clone()));
        async move {
            // base64 of u:p
            match shown.as_deref() {
                Some("Basic dTpw") => r#"{"token":"t0k3n","expires_in":300}"#.into_response(),
                _ => (StatusCode::UNAUTHORIZED, r#"{"errors":[{"code":"UNAUTHORIZED","message":"who is p4ss?"}]}"#)
                    .into_response(),
            }
        }
    };
    let refresh = |body: String| async move {
        match body.contains("refresh_token=r3fresh") && body.contains("grant_type=refresh_token") {
            true => r#"{"access_token":"t0k3n"}"#.into_response(),
            false => StatusCode::UNAUTHORIZED.into_response(),
        }
    };
    let tokens = HttpServer::start(Router::new().route("/token", get(issue).post(refresh)), None).await.unwrap();
    let challenge = format!(r#"Bearer realm="{}/token",service="registry.test""#, tokens.url());
    let count = Arc::clone(&served);
    let manifest = move |request: Request| {
        count.fetch_add(1, Ordering::SeqCst);
        let good = request.headers().get(header::AUTHORIZATION).is_some_and(|value| value == "Bearer t0k3n");
        let response: Response = match good {
            true => ([("docker-content-digest", DIGEST)], "").into_response(),
            false => (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge.clone())]).into_response(),
        };
        async { response }
    };
    let registry = HttpServer::start(Router::new().fallback(manifest), None).await.unwrap();
    Servers { registry, _tokens: tokens, asked, served }
}

#[tokio::test]
async fn a_token_is_fetched_once_and_used_again() {
    let servers = servers().await;
    let host = servers.registry.address();
    let session = session(&format!("oci://{host}/apps/app"), insecure(), keychain(&host, "u", "p"));
    for _ in 0..3 {
        assert_eq!(digest(&session, "v1").await.unwrap(), DIGEST);
    }
    let asked = servers.asked.lock().unwrap();
    assert_eq!(asked.len(), 1);
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    assert!(asked[0].0.contains(&pair("scope", "repository:apps/app:pull")));
    assert!(asked[0].0.contains(&pair("service", "registry.test")));
    assert_eq!(servers.served.load(Ordering::SeqCst), 4, "one to find out, then the token goes with every request");
}

#[tokio::test]
async fn a_refused_token_names_the_secret_and_not_its_content() {
    let servers = servers().await;
    let host = servers.registry.address();
    let url = format!("oci://{host}/apps/app");
    let error = digest(&session(&url, insecure(), keychain(&host, "u", "p4ss")), "v1").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Authentication);
    let shown = text(&error);
    assert!(shown.contains("/token: UNAUTHORIZED (401): who is *****?"), "{shown}");
    assert!(shown.contains("secret 'ns/pull' were refused"), "{shown}");
    let nobody = text(&digest(&session(&url, insecure(), Keychain::anonymous()), "v1").await.unwrap_err());
    assert!(nobody.contains("no credentials were given"), "{nobody}");
}

#[tokio::test]
async fn refresh_and_registry_tokens_are_used() {
    let servers = servers().await;
    let host = servers.registry.address();
    let url = format!("oci://{host}/apps/app");
    for auth in [r#"{"identitytoken":"r3fresh"}"#, r#"{"registrytoken":"t0k3n"}"#] {
        let config = format!(r#"{{"auths":{{"{host}":{auth}}}}}"#);
        let mut keychain = Keychain::anonymous();
        keychain.add("secret 'ns/pull'", Some(config.as_bytes()), None).unwrap();
        assert_eq!(digest(&session(&url, insecure(), keychain), "v1").await.unwrap(), DIGEST, "{auth}");
    }
    assert!(servers.asked.lock().unwrap().is_empty(), "no password was shown");
}

#[tokio::test]
async fn a_token_service_without_tls_gets_no_password_of_a_public_registry() {
    let challenge = r#"Bearer realm="ftp://127.0.0.1/token""#;
    let router = Router::new()
        .fallback(move || async move { (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)]) });
    let server = HttpServer::start(router, None).await.unwrap();
    let host = server.address();
    let error = digest(&session(&format!("oci://{host}/a/b"), insecure(), keychain(&host, "u", "p")), "v1").await;
    assert!(error.unwrap_err().to_string().contains("no https:// address"));
}
