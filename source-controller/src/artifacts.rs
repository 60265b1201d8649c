//! `weir.artifact.v1.Artifacts`: artifacts as they change, and their bytes from any offset.

use std::{io::SeekFrom, pin::Pin};

use futures::{Stream, StreamExt, stream};
use tokio::{
    io::{AsyncReadExt, AsyncSeekExt},
    sync::{broadcast, mpsc},
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};
use weir_api::meta::Artifact;
use weir_artifact::{Store, store::belongs_to};
use weir_proto::artifact::v1::{
    self as proto, FetchRequest, FetchResponse, WatchRequest, WatchResponse,
    artifacts_server::{Artifacts, ArtifactsServer},
    watch_response::Type,
};
use weir_runtime::{
    ObjectKey,
    grpc::{Access, Caller},
};

use crate::announce::{Announced, Announcement, Announcements};

/// Bytes per message of a fetch.
const PIECE: usize = 256 << 10;

/// The service.
pub struct ArtifactsService {
    announcements: Announcements,
    store: Store,
}

impl ArtifactsService {
    /// Over the artifacts of all kinds.
    #[must_use]
    pub fn new(announcements: Announcements, store: Store) -> Self {
        Self { announcements, store }
    }

    /// As a gRPC service.
    #[must_use]
    pub fn server(self) -> ArtifactsServer<Self> {
        ArtifactsServer::new(self)
    }
}

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Artifacts for ArtifactsService {
    type WatchStream = Messages<WatchResponse>;
    type FetchStream = Messages<FetchResponse>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?;
        let wanted = self.permitted(&caller, request.into_inner()).await?;
        let Some((current, changes)) = self.announcements.watch() else {
            return Err(Status::unavailable("this instance does not know the sources yet: try again soon"));
        };
        let filter = wanted.clone();
        let first: Vec<_> = current.iter().filter(|a| filter.covers(a)).map(|a| Ok(message(a))).collect();
        let synced = WatchResponse { r#type: Type::Synced.into(), ..WatchResponse::default() };
        let later = stream::unfold(Some((changes, wanted)), follow);
        Ok(Response::new(stream::iter(first).chain(stream::iter([Ok(synced)])).chain(later).boxed()))
    }

    async fn fetch(&self, request: Request<FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        let caller = Caller::of(&request)?;
        let FetchRequest { source, digest, offset } = request.into_inner();
        let source = source.ok_or_else(|| Status::invalid_argument("source is missing"))?;
        let kinds = self.announcements.kinds();
        let kind = kinds.into_iter().find(|known| known.kind.eq_ignore_ascii_case(&source.kind));
        let kind = kind.ok_or_else(|| Status::not_found(format!("kind {:?} is no source here", source.kind)))?;
        caller.may(&access("get", &kind, &source.namespace, &source.name)).await?;
        let key = ObjectKey::new(source.namespace, source.name);
        let found = self.announcements.find(&source.kind, &key).and_then(|known| known.artifact);
        let artifact = found.ok_or_else(|| Status::not_found(format!("{} {key} has no artifact", source.kind)))?;
        if artifact.digest != digest {
            return Err(Status::failed_precondition(format!(
                "{} {key} has the artifact {} now, at revision {}",
                source.kind, artifact.digest, artifact.revision
            )));
        }
        // Who may write this object's status may not read other objects' files by it.
        if !belongs_to(&artifact.path, kind.kind, &key.namespace, &key.name) {
            return Err(Status::not_found(format!("the file of {} {key} is gone", source.kind)));
        }
        let file = self.store.open_file(&artifact.path).await;
        let file = file.map_err(|_| Status::not_found(format!("the file of {} {key} is gone", source.kind)))?;
        let total = file.metadata().map_err(|_| Status::internal("the file cannot be read"))?.len();
        if offset > total {
            return Err(Status::out_of_range(format!("the file has {total} bytes")));
        }
        let (sender, receiver) = mpsc::channel(2);
        // No thread is held by a reader that takes its time.
        tokio::spawn(send(tokio::fs::File::from_std(file), offset, total, sender));
        Ok(Response::new(ReceiverStream::new(receiver).boxed()))
    }
}

type Following = Option<(broadcast::Receiver<Announcement>, Permitted)>;

/// The next change that is wanted.
async fn follow(state: Following) -> Option<(Result<WatchResponse, Status>, Following)> {
    let (mut changes, wanted) = state?;
    loop {
        match changes.recv().await {
            Ok(change) if wanted.covers(&change) => return Some((Ok(message(&change)), Some((changes, wanted)))),
            Ok(_) => {}
            Err(broadcast::error::RecvError::Lagged(_)) => {
                return Some((Err(Status::aborted("too slow for the changes: watch again")), None));
            }
            Err(broadcast::error::RecvError::Closed) => return None,
        }
    }
}

/// What one caller asked for and may see.
#[derive(Clone)]
struct Permitted {
    /// Kind and namespace; the empty namespace means all.
    places: Vec<(&'static str, String)>,
    name: String,
}

impl Permitted {
    fn covers(&self, known: &Announcement) -> bool {
        let place = |(kind, namespace): &(&str, String)| {
            *kind == known.kind && (namespace.is_empty() || *namespace == known.key.namespace)
        };
        self.places.iter().any(place) && (self.name.is_empty() || self.name == known.key.name)
    }
}

impl ArtifactsService {
    /// Of what is asked for, that which the caller may watch; refused when that is nothing.
    async fn permitted(&self, caller: &Caller, wanted: WatchRequest) -> Result<Permitted, Status> {
        let WatchRequest { kinds, namespaces, name } = wanted;
        let namespaces = if namespaces.is_empty() { vec![String::new()] } else { namespaces };
        let mut places = Vec::new();
        let mut refused = None;
        for kind in self.announcements.kinds() {
            if !kinds.is_empty() && !kinds.iter().any(|wanted| wanted == kind.kind) {
                continue;
            }
            for namespace in &namespaces {
                match caller.may(&access("watch", &kind, namespace, &name)).await {
                    Ok(()) => places.push((kind.kind, namespace.clone())),
                    Err(status) => refused = Some(status),
                }
            }
        }
        match refused {
            Some(status) if places.is_empty() => Err(status),
            _ => Ok(Permitted { places, name }),
        }
    }
}

fn access(verb: &str, kind: &Announced, namespace: &str, name: &str) -> Access {
    Access {
        verb: verb.to_owned(),
        group: kind.group.clone(),
        resource: kind.resource.clone(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    }
}

fn message(known: &Announcement) -> WatchResponse {
    let kind = if known.artifact.is_some() { Type::Current } else { Type::Deleted };
    WatchResponse {
        r#type: kind.into(),
        source: Some(proto::SourceRef {
            api_version: known.api_version.to_string(),
            kind: known.kind.to_owned(),
            namespace: known.key.namespace.clone(),
            name: known.key.name.clone(),
        }),
        artifact: known.artifact.as_deref().map(wire),
        source_generation: known.generation,
    }
}

fn wire(artifact: &Artifact) -> proto::Artifact {
    let time = artifact.last_update_time;
    proto::Artifact {
        path: artifact.path.clone(),
        url: artifact.url.clone(),
        revision: artifact.revision.clone(),
        digest: artifact.digest.clone(),
        last_update_time: Some(prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }),
        size: artifact.size,
        metadata: artifact.metadata.clone().unwrap_or_default().into_iter().collect(),
    }
}

/// Reads the file piece by piece; stops when nobody listens any more.
async fn send(mut file: tokio::fs::File, offset: u64, total: u64, out: mpsc::Sender<Result<FetchResponse, Status>>) {
    let failed = || Status::data_loss("the file could not be read to its end");
    if file.seek(SeekFrom::Start(offset)).await.is_err() {
        let _ = out.send(Err(failed())).await;
        return;
    }
    let mut first = true;
    loop {
        let mut data = Vec::new();
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut data).await;
        let end = matches!(read, Ok(0));
        let message = match read {
            Ok(0) if !first => return,
            Ok(_) => Ok(FetchResponse { data: data.into(), total: if first { total } else { 0 } }),
            Err(_) => Err(failed()),
        };
        let broken = message.is_err();
        if out.send(message).await.is_err() || broken || end {
            return;
        }
        first = false;
    }
}
