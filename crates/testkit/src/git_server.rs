//! A Git server over HTTP: git's own CGI behind a small HTTP server, with whatever authentication a test wants.

mod cgi;

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result};
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use http::StatusCode;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http_body_util::BodyExt as _;

use crate::http_server::{HttpServer, Tls};
use crate::packages;
use crate::pki::{Authority, Identity};
use crate::repository::Repository;
use crate::scratch::Scratch;

/// What a client must show.
#[derive(Clone, Debug, Default)]
pub struct GitOptions {
    /// User name and password.
    pub basic: Option<(String, String)>,
    /// A bearer token.
    pub bearer: Option<String>,
    /// Serve https with a certificate of an authority of our own.
    pub tls: bool,
    /// Ask for a client certificate of that authority, too.
    pub client_tls: bool,
}

/// A request the server saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitRequest {
    /// HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// False when it was turned away.
    pub authorized: bool,
    /// True when it lists references, as the first request of a clone and a no-op check do.
    pub lists: bool,
}

impl GitRequest {
    /// True for the request that transfers objects, as opposed to listing references.
    pub fn is_fetch(&self) -> bool {
        self.authorized && self.method == "POST" && self.path.ends_with("/git-upload-pack") && !self.lists
    }
}

/// A Git server with its repositories.
#[derive(Debug)]
pub struct GitServer {
    http: HttpServer,
    shared: Arc<Shared>,
    authority: Authority,
    root: Scratch,
}

#[derive(Debug)]
struct Shared {
    root: std::path::PathBuf,
    options: GitOptions,
    requests: Mutex<Vec<GitRequest>>,
    webhook: Mutex<Option<String>>,
}

impl GitServer {
    /// Open to everyone, over http.
    pub async fn start() -> Result<Self> {
        Self::with(GitOptions::default()).await
    }

    /// With what `options` ask of clients.
    pub async fn with(options: GitOptions) -> Result<Self> {
        packages::require(packages::GIT)?;
        let root = Scratch::new("git")?;
        let authority = Authority::new("weir-git")?;
        let tls = (options.tls || options.client_tls)
            .then(|| -> Result<Tls> {
                let client_ca = options.client_tls.then(|| authority.pem().to_owned());
                Ok(Tls { identity: authority.server(&[])?, client_ca })
            })
            .transpose()?;
        let shared = Arc::new(Shared {
            root: root.path().to_owned(),
            options,
            requests: Mutex::default(),
            webhook: Mutex::default(),
        });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let http = HttpServer::start(router, tls).await?;
        Ok(Self { http, shared, authority, root })
    }

    /// Where the repository `name` is cloned from.
    pub fn url(&self, name: &str) -> String {
        format!("{}/{name}.git", self.http.url())
    }

    /// The repository `name`, made when there is none, with a working copy of its own.
    pub fn repository(&self, name: &str) -> Result<Repository> {
        Repository::open(self.root.path(), name)
    }

    /// The directory of the bare repositories; an [`crate::SshServer`] can serve the same.
    pub fn root(&self) -> &Path {
        self.root.path()
    }

    /// The authority of its certificate, PEM.
    pub fn ca(&self) -> &str {
        self.authority.pem()
    }

    /// A client certificate it accepts.
    pub fn client(&self) -> Result<Identity> {
        self.authority.client("git-client")
    }

    /// After every push over http, POST to this URL, as a forge's webhook does.
    pub fn webhook(&self, url: Option<String>) {
        *self.shared.webhook.lock().unwrap_or_else(PoisonError::into_inner) = url;
    }

    /// The requests it saw so far.
    pub fn requests(&self) -> Vec<GitRequest> {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Forgets the requests it saw.
    pub fn forget(&self) {
        self.shared.requests.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}

impl Shared {
    fn admits(&self, request: &Request) -> bool {
        let expected = match (&self.options.basic, &self.options.bearer) {
            (Some((user, password)), _) => {
                format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
            }
            (None, Some(token)) => format!("Bearer {token}"),
            (None, None) => return true,
        };
        request.headers().get(AUTHORIZATION).is_some_and(|shown| shown.as_bytes() == expected.as_bytes())
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (request, lists) = match with_command(request).await {
        Ok(known) => known,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    let authorized = shared.admits(&request);
    let path = request.uri().path_and_query().map(ToString::to_string).unwrap_or_default();
    let push = request.method() == http::Method::POST && path.ends_with("/git-receive-pack");
    shared.requests.lock().unwrap_or_else(PoisonError::into_inner).push(GitRequest {
        method: request.method().to_string(),
        path,
        authorized,
        lists,
    });
    if !authorized {
        return (StatusCode::UNAUTHORIZED, [(WWW_AUTHENTICATE, "Basic realm=\"git\"")], "authentication required\n")
            .into_response();
    }
    let webhook = shared.webhook.lock().unwrap_or_else(PoisonError::into_inner).clone().filter(|_| push);
    match cgi::run(&shared.root, request, move || notify(webhook)).await.context("git http-backend") {
        Ok(response) => response,
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error:#}\n")).into_response(),
    }
}

/// In protocol version 2 listing references is a POST to the same path as a fetch; only the body tells them apart. It is small.
async fn with_command(request: Request) -> Result<(Request, bool)> {
    if request.method() != http::Method::POST || !request.uri().path().ends_with("/git-upload-pack") {
        let lists = request.uri().path().ends_with("/info/refs");
        return Ok((request, lists));
    }
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let lists = body.windows(15).any(|window| window == b"command=ls-refs");
    Ok((Request::from_parts(parts, body.into()), lists))
}

/// Calls the webhook; a push is done whether or not anybody listens.
fn notify(webhook: Option<String>) {
    if let Some(url) = webhook {
        tokio::spawn(async move {
            let call = reqwest::Client::new()
                .post(url)
                .header("content-type", "application/json")
                .body("{\"event\":\"push\"}");
            if let Err(error) = call.send().await {
                eprintln!("the Git server's webhook failed: {error}");
            }
        });
    }
}
