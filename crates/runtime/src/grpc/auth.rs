//! Who calls, and what they may do.

mod limit;
mod reviews;

use std::{
    convert::Infallible,
    net::IpAddr,
    sync::Arc,
    task::{Context, Poll},
};

use futures::future::BoxFuture;
use http::{Request, Response, header::AUTHORIZATION};
use kube::Client;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::accept::Remote;
use reviews::Reviews;

/// What a caller wants to do, in the words of RBAC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// `get`, `watch`, `create`, ….
    pub verb: String,
    /// API group of the kind.
    pub group: String,
    /// Plural of the kind.
    pub resource: String,
    /// Namespace; empty means all.
    pub namespace: String,
    /// Name; empty means all.
    pub name: String,
}

/// Who calls. In every request of an authenticated server.
#[derive(Clone, Debug)]
pub struct Caller {
    user: Option<Arc<User>>,
}

#[derive(Debug)]
struct User {
    name: String,
    uid: Option<String>,
    groups: Vec<String>,
    reviews: Arc<Reviews>,
}

impl Caller {
    /// Somebody who may do everything: a server without authentication on a loopback address, or a test.
    #[must_use]
    pub fn anyone() -> Self {
        Self { user: None }
    }

    /// Who sent the request.
    ///
    /// # Errors
    /// `UNAUTHENTICATED` when the server did not put anybody there.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, Status> {
        let caller = request.extensions().get::<Self>().cloned();
        caller.ok_or_else(|| Status::unauthenticated("send a ServiceAccount token with audience weir"))
    }

    /// The user's name; `anonymous` without authentication.
    #[must_use]
    pub fn name(&self) -> &str {
        self.user.as_ref().map_or("anonymous", |user| &user.name)
    }

    /// Whether the caller may do it.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` when not, `UNAVAILABLE` when the API server does not say.
    pub async fn may(&self, access: &Access) -> Result<(), Status> {
        let Some(user) = &self.user else { return Ok(()) };
        if user.reviews.allowed(user, access).await? {
            return Ok(());
        }
        let Access { verb, group, resource, namespace, name } = access;
        Err(Status::permission_denied(format!(
            "{} may not {verb} {resource}.{group} {namespace}/{name}: grant it by a Role",
            user.name
        )))
    }
}

/// Puts a [`Caller`] into every request, or refuses it.
#[derive(Clone, Debug)]
pub(super) struct AuthLayer {
    reviews: Option<Arc<Reviews>>,
}

impl AuthLayer {
    /// `None` lets everybody in.
    pub(super) fn new(client: Option<Client>) -> Self {
        Self { reviews: client.map(|client| Arc::new(Reviews::new(client))) }
    }

    async fn caller(&self, token: Option<&str>, from: Option<IpAddr>) -> Result<Caller, Status> {
        let Some(reviews) = &self.reviews else { return Ok(Caller::anyone()) };
        let token = token.ok_or_else(|| Status::unauthenticated("send a ServiceAccount token with audience weir"))?;
        let user = reviews.user(token, from).await?;
        let user = user.ok_or_else(|| Status::unauthenticated("the token is not valid for audience weir"))?;
        Ok(Caller { user: Some(user) })
    }
}

impl<S> Layer<S> for AuthLayer {
    type Service = Auth<S>;

    fn layer(&self, inner: S) -> Auth<S> {
        Auth { inner, layer: self.clone() }
    }
}

#[derive(Clone, Debug)]
pub(super) struct Auth<S> {
    inner: S,
    layer: AuthLayer,
}

impl<S> Service<Request<Body>> for Auth<S>
where
    S: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The clone stays; the one that was polled ready is called.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            let path = request.uri().path();
            // Probes and schema are for everybody; they say nothing of any object.
            if path.starts_with("/grpc.health.") || path.starts_with("/grpc.reflection.") {
                return inner.call(request).await;
            }
            let header = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            let token = header.and_then(|text| text.strip_prefix("Bearer ")).map(str::to_owned);
            let from = request.extensions().get::<Remote>().and_then(|remote| remote.0);
            match layer.caller(token.as_deref(), from).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}
