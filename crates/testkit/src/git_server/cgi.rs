//! One request through `git http-backend` (RFC 3875).

use std::path::Path;
use std::process::Stdio;

use anyhow::{Context, Result};
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use futures::StreamExt as _;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{ChildStdin, Command};

/// Streams the request through the CGI; `done` is called when the program has ended.
pub(super) async fn run(root: &Path, request: Request, done: impl FnOnce() + Send + 'static) -> Result<Response> {
    let (parts, body) = request.into_parts();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let mut child = Command::new("git")
        .arg("http-backend")
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("HOME", root)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GATEWAY_INTERFACE", "CGI/1.1")
        .env("SERVER_PROTOCOL", "HTTP/1.1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or_default())
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", header("content-length"))
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .env("REMOTE_USER", "weir")
        .env("REMOTE_ADDR", "127.0.0.1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .context("cannot start git")?;
    let stdin = child.stdin.take().context("no stdin")?;
    let stdout = child.stdout.take().context("no stdout")?;
    tokio::spawn(feed(stdin, body));
    let mut reader = BufReader::new(stdout);
    let mut response = Response::builder().status(200);
    loop {
        let mut line = String::new();
        anyhow::ensure!(reader.read_line(&mut line).await? > 0, "it ended before its headers did");
        let line = line.trim_end();
        if line.is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').context("a header without a colon")?;
        response = match name.eq_ignore_ascii_case("status") {
            true => response.status(value.trim().split(' ').next().unwrap_or("500").parse::<u16>()?),
            false => response.header(name, value.trim()),
        };
    }
    let (sender, receiver) = tokio::sync::mpsc::channel::<std::io::Result<bytes::Bytes>>(8);
    tokio::spawn(async move {
        let mut buffer = vec![0_u8; 64 * 1024];
        while let Ok(count @ 1..) = reader.read(&mut buffer).await {
            let chunk = bytes::Bytes::copy_from_slice(buffer.get(..count).unwrap_or_default());
            if sender.send(Ok(chunk)).await.is_err() {
                return;
            }
        }
        let _ = child.wait().await;
        done();
    });
    let stream = tokio_stream::wrappers::ReceiverStream::new(receiver);
    Ok(response.body(Body::from_stream(stream))?)
}

async fn feed(mut stdin: ChildStdin, body: Body) {
    let mut chunks = body.into_data_stream();
    while let Some(Ok(chunk)) = chunks.next().await {
        if stdin.write_all(&chunk).await.is_err() {
            return;
        }
    }
}
