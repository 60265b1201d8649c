//! Redirects: followed for the greeting, without taking credentials along.

use std::sync::{Arc, Mutex};

use anyhow::Result;
use axum::{Router, extract::Request, http::StatusCode, response::IntoResponse};
use weir_git::{Error, Kind};
use weir_testkit::{GitOptions, GitServer, HttpServer};

use super::{Source, branch};

/// A server that redirects every request to `target` plus the rest of its path, and notes who showed credentials.
async fn redirecting(target: String, seen: Arc<Mutex<Vec<bool>>>) -> Result<HttpServer> {
    let router = Router::new().fallback(move |request: Request| {
        let (target, seen) = (target.clone(), Arc::clone(&seen));
        async move {
            seen.lock().expect("nobody panicked").push(request.headers().contains_key("authorization"));
            let rest = request.uri().path_and_query().map(|p| p.as_str()).unwrap_or_default();
            let rest = rest.strip_prefix("/moved").unwrap_or(rest);
            (StatusCode::MOVED_PERMANENTLY, [("location", format!("{target}{rest}"))]).into_response()
        }
    });
    HttpServer::start(router, None).await
}

#[tokio::test]
async fn a_moved_repository_is_found_but_sees_no_credentials() -> Result<()> {
    let open = GitServer::start().await?;
    let locked = GitServer::with(GitOptions { basic: Some(("u".into(), "p".into())), ..GitOptions::default() }).await?;
    for server in [&open, &locked] {
        let repo = server.repository("app")?;
        repo.write("a", "a")?;
        repo.push("a")?;
    }
    let login = [("username", "u"), ("password", "p")];
    let base = |server: &GitServer| server.url("x").trim_end_matches("/x.git").to_owned();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let away = redirecting(base(&open), Arc::clone(&seen)).await?;
    let source = Source::new(format!("{}/moved/app.git", away.url()))?.secret(&login);
    source.fetch(&branch("main")).await?;
    assert!(seen.lock().unwrap().iter().all(|shown| *shown));
    // The other host would take the same credentials, but never gets them.
    let away = redirecting(base(&locked), Arc::default()).await?;
    let source = Source::new(format!("{}/moved/app.git", away.url()))?.secret(&login);
    let error = source.refused().await;
    assert_eq!(error.kind(), Kind::Auth, "{error:?}");
    Ok(())
}

#[tokio::test]
async fn circles_and_other_schemes_end() -> Result<()> {
    let hostile = weir_testkit::Hostile::start().await?;
    let router = Router::new().fallback(|request: Request| async move {
        let path = request.uri().path_and_query().map(|p| p.as_str().to_owned()).unwrap_or_default();
        (StatusCode::FOUND, [("location", path)]).into_response()
    });
    let circle = HttpServer::start(router, None).await?;
    let error = Source::new(format!("{}/a.git", circle.url()))?.refused().await;
    assert!(matches!(&error, Error::Redirect { reason, .. } if reason == "too many times"), "{error:?}");
    for target in ["file:///etc", "ssh://h", "ftp://h", &hostile.url("login?next=x")] {
        let away = redirecting(target.to_owned(), Arc::default()).await?;
        let error = Source::new(format!("{}/a.git", away.url()))?.refused().await;
        assert!(matches!(error, Error::Redirect { .. } | Error::Protocol { .. }), "{target}: {error:?}");
    }
    Ok(())
}
