//! Who calls, and what they may do.

use std::{
    collections::HashMap,
    convert::Infallible,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
    time::Duration,
};

use futures::future::BoxFuture;
use http::{Request, Response, header::AUTHORIZATION};
use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::AUDIENCE;
use crate::clock;

/// How long answers are kept.
const ALLOWED: Duration = Duration::from_secs(60);
const REFUSED: Duration = Duration::from_secs(10);
/// Answers kept.
const KEPT: usize = 1024;

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

/// Answers, and until when they hold.
type Cache<K, V> = Mutex<HashMap<K, (Instant, V)>>;

struct Reviews {
    client: Client,
    tokens: Cache<[u8; 32], Option<Arc<User>>>,
    accesses: Cache<(String, Access), bool>,
}

impl std::fmt::Debug for Reviews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reviews")
    }
}

impl Reviews {
    async fn user(self: &Arc<Self>, token: &str) -> Result<Option<Arc<User>>, Status> {
        let key: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(user) = cached(&self.tokens, &key) {
            return Ok(user);
        }
        let spec = TokenReviewSpec { token: token.to_owned(), audiences: Some(vec![AUDIENCE.to_owned()]) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let review =
            Api::all(self.client.clone()).create(&PostParams::default(), &review).await.map_err(unavailable)?;
        let status = review.status.unwrap_or_default();
        let audience = status.audiences.unwrap_or_default().iter().any(|audience| audience == AUDIENCE);
        let user = status.user.filter(|_| status.authenticated == Some(true) && audience).map(|info| {
            Arc::new(User {
                name: info.username.unwrap_or_default(),
                uid: info.uid,
                groups: info.groups.unwrap_or_default(),
                reviews: Arc::clone(self),
            })
        });
        keep(&self.tokens, key, user.clone(), user.is_some());
        Ok(user)
    }

    async fn allowed(&self, user: &User, access: &Access) -> Result<bool, Status> {
        let key = (user.name.clone(), access.clone());
        if let Some(allowed) = cached(&self.accesses, &key) {
            return Ok(allowed);
        }
        let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
        let attributes = ResourceAttributes {
            verb: some(&access.verb),
            group: some(&access.group),
            resource: some(&access.resource),
            namespace: some(&access.namespace),
            name: some(&access.name),
            ..ResourceAttributes::default()
        };
        let spec = SubjectAccessReviewSpec {
            resource_attributes: Some(attributes),
            user: Some(user.name.clone()),
            uid: user.uid.clone(),
            groups: Some(user.groups.clone()),
            ..SubjectAccessReviewSpec::default()
        };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        let review =
            Api::all(self.client.clone()).create(&PostParams::default(), &review).await.map_err(unavailable)?;
        let allowed = review.status.is_some_and(|status| status.allowed);
        keep(&self.accesses, key, allowed, allowed);
        Ok(allowed)
    }
}

fn unavailable(error: kube::Error) -> Status {
    tracing::error!(error = %error, "the API server does not review a caller");
    Status::unavailable("the API server does not review callers now, try again")
}

fn cached<K: Eq + Hash, V: Clone>(map: &Cache<K, V>, key: &K) -> Option<V> {
    let map = lock(map);
    map.get(key).filter(|(until, _)| *until > clock::instant()).map(|(_, value)| value.clone())
}

fn keep<K: Eq + Hash, V>(map: &Cache<K, V>, key: K, value: V, good: bool) {
    let now = clock::instant();
    let mut map = lock(map);
    if map.len() >= KEPT {
        map.retain(|_, (until, _)| *until > now);
        if map.len() >= KEPT {
            map.clear();
        }
    }
    map.insert(key, (now + if good { ALLOWED } else { REFUSED }, value));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Puts a [`Caller`] into every request, or refuses it.
#[derive(Clone, Debug)]
pub(super) struct AuthLayer {
    reviews: Option<Arc<Reviews>>,
}

impl AuthLayer {
    /// `None` lets everybody in.
    pub(super) fn new(client: Option<Client>) -> Self {
        let reviews =
            client.map(|client| Arc::new(Reviews { client, tokens: Mutex::default(), accesses: Mutex::default() }));
        Self { reviews }
    }

    async fn caller(&self, token: Option<&str>) -> Result<Caller, Status> {
        let Some(reviews) = &self.reviews else { return Ok(Caller::anyone()) };
        let token = token.ok_or_else(|| Status::unauthenticated("send a ServiceAccount token with audience weir"))?;
        let user = reviews.user(token).await?;
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
            match layer.caller(token.as_deref()).await {
                Ok(caller) => {
                    request.extensions_mut().insert(caller);
                    inner.call(request).await
                }
                Err(status) => Ok(status.into_http()),
            }
        })
    }
}
