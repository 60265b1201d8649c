//! What the API server says of callers, asked as rarely as can be.
//!
//! # Guarantees
//! * A token, good or bad, and an access, allowed or not, is asked for once while its answer holds.
//! * Answers about good tokens are not pushed out by any number of bad ones.
//! * One address cannot make us review more than [`TOKENS`] unknown tokens, nor one user more than [`ACCESSES`] accesses.

use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use k8s_openapi::api::{
    authentication::v1::{TokenReview, TokenReviewSpec},
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
};
use kube::{Api, Client, api::PostParams};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tonic::Status;

use super::{Access, User, limit::Limits};
use crate::{clock, grpc::AUDIENCE};

/// How long answers are kept.
const ALLOWED: Duration = Duration::from_secs(60);
const REFUSED: Duration = Duration::from_secs(10);
/// Answers of one sort kept.
const KEPT: usize = 1024;
/// Unknown tokens from one address: a second, and at once. Every service has one token an hour.
const TOKENS: (f64, f64) = (5.0, 20.0);
/// Accesses of one user: a second, and at once.
const ACCESSES: (f64, f64) = (50.0, 500.0);

/// Answers, and until when they hold.
type Cache<K, V> = Mutex<HashMap<K, (Instant, V)>>;
type Key = [u8; 32];

pub(super) struct Reviews {
    client: Client,
    users: Cache<Key, Arc<User>>,
    strangers: Cache<Key, ()>,
    allowed: Cache<(String, Access), ()>,
    refused: Cache<(String, Access), ()>,
    tokens: Limits<Option<IpAddr>>,
    accesses: Limits<String>,
}

impl std::fmt::Debug for Reviews {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Reviews")
    }
}

impl Reviews {
    pub(super) fn new(client: Client) -> Self {
        Self {
            client,
            users: Mutex::default(),
            strangers: Mutex::default(),
            allowed: Mutex::default(),
            refused: Mutex::default(),
            tokens: Limits::new(TOKENS.0, TOKENS.1),
            accesses: Limits::new(ACCESSES.0, ACCESSES.1),
        }
    }

    /// Whose token it is; nobody's when it is not valid.
    pub(super) async fn user(self: &Arc<Self>, token: &str, from: Option<IpAddr>) -> Result<Option<Arc<User>>, Status> {
        let key: Key = Sha256::digest(token.as_bytes()).into();
        if let Some(user) = cached(&self.users, &key) {
            return Ok(Some(user));
        }
        if cached(&self.strangers, &key).is_some() {
            return Ok(None);
        }
        if !self.tokens.take(&from, clock::instant()) {
            return Err(Status::resource_exhausted("too many unknown tokens from this address, try again in a second"));
        }
        let spec = TokenReviewSpec { token: token.to_owned(), audiences: Some(vec![AUDIENCE.to_owned()]) };
        let review = TokenReview { spec, ..TokenReview::default() };
        let review =
            Api::all(self.client.clone()).create(&PostParams::default(), &review).await.map_err(unavailable)?;
        let status = review.status.unwrap_or_default();
        let audience = status.audiences.unwrap_or_default().iter().any(|audience| audience == AUDIENCE);
        let info = status.user.filter(|_| status.authenticated == Some(true) && audience);
        let Some(info) = info else {
            keep(&self.strangers, key, (), REFUSED);
            return Ok(None);
        };
        let user = Arc::new(User {
            name: info.username.unwrap_or_default(),
            uid: info.uid,
            groups: info.groups.unwrap_or_default(),
            reviews: Arc::clone(self),
        });
        keep(&self.users, key, Arc::clone(&user), ALLOWED);
        Ok(Some(user))
    }

    /// Whether a user may do it: what holds for all objects of the kind holds for one of them, and is asked first.
    pub(super) async fn allowed(&self, user: &User, access: &Access) -> Result<bool, Status> {
        let all = Access { namespace: String::new(), name: String::new(), ..access.clone() };
        if all != *access && self.ask(user, &all).await? {
            return Ok(true);
        }
        self.ask(user, access).await
    }

    async fn ask(&self, user: &User, access: &Access) -> Result<bool, Status> {
        let key = (user.name.clone(), access.clone());
        if cached(&self.allowed, &key).is_some() {
            return Ok(true);
        }
        if cached(&self.refused, &key).is_some() {
            return Ok(false);
        }
        if !self.accesses.take(&user.name, clock::instant()) {
            return Err(Status::resource_exhausted(format!(
                "too many questions of {}, try again in a second",
                user.name
            )));
        }
        let review = SubjectAccessReview { spec: question(user, access), ..SubjectAccessReview::default() };
        let review =
            Api::all(self.client.clone()).create(&PostParams::default(), &review).await.map_err(unavailable)?;
        let allowed = review.status.is_some_and(|status| status.allowed);
        match allowed {
            true => keep(&self.allowed, key, (), ALLOWED),
            false => keep(&self.refused, key, (), REFUSED),
        }
        Ok(allowed)
    }
}

fn question(user: &User, access: &Access) -> SubjectAccessReviewSpec {
    let some = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    let attributes = ResourceAttributes {
        verb: some(&access.verb),
        group: some(&access.group),
        resource: some(&access.resource),
        namespace: some(&access.namespace),
        name: some(&access.name),
        ..ResourceAttributes::default()
    };
    SubjectAccessReviewSpec {
        resource_attributes: Some(attributes),
        user: Some(user.name.clone()),
        uid: user.uid.clone(),
        groups: Some(user.groups.clone()),
        ..SubjectAccessReviewSpec::default()
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

fn keep<K: Eq + Hash, V>(map: &Cache<K, V>, key: K, value: V, life: Duration) {
    let now = clock::instant();
    let mut map = lock(map);
    if map.len() >= KEPT {
        map.retain(|_, (until, _)| *until > now);
        if map.len() >= KEPT {
            map.clear();
        }
    }
    map.insert(key, (now + life, value));
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
