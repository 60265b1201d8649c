//! gRPC first, HTTP where that does not work.

use std::{
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use axum::{Router, routing::get};
use futures::{Stream, StreamExt, stream};
use tonic::{Request, Response, Status, Streaming, transport::Server};
use weir_api::names::weir;
use weir_artifact::cap_std::{ambient_authority, fs::Dir};
use weir_artifact::{
    Algorithm, Digest, Fetcher, Rules,
    fetch::{Options, Remote},
    pack::pack,
};
use weir_proto::artifact::v1::{
    FetchRequest, FetchResponse, WatchRequest, WatchResponse,
    artifacts_client::ArtifactsClient,
    artifacts_server::{Artifacts, ArtifactsServer},
};

/// Serves one archive and breaks the stream in the middle as often as it is told to.
#[derive(Clone)]
struct Flaky {
    bytes: Arc<Vec<u8>>,
    breaks: Arc<AtomicUsize>,
    offsets: Arc<Mutex<Vec<u64>>>,
    corrupt: bool,
}

type Messages<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl Artifacts for Flaky {
    type WatchStream = Messages<WatchResponse>;
    type FetchStream = Messages<FetchResponse>;

    async fn watch(&self, _: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        Err(Status::unimplemented("not here"))
    }

    async fn fetch(&self, request: Request<FetchRequest>) -> Result<Response<Self::FetchStream>, Status> {
        let request = request.into_inner();
        let source = request.source.unwrap();
        assert_eq!((source.kind.as_str(), source.name.as_str()), ("gitrepository", "app"));
        self.offsets.lock().unwrap().push(request.offset);
        let start = usize::try_from(request.offset).unwrap();
        let total = self.bytes.len() as u64;
        let mut pieces: Vec<Result<FetchResponse, Status>> = self.bytes[start..]
            .chunks(1000)
            .map(|data| Ok(FetchResponse { data: data.to_vec().into(), total }))
            .collect();
        if self.corrupt {
            pieces.reverse();
        }
        if self.breaks.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1)).is_ok() {
            pieces.truncate(3);
            pieces.push(Err(Status::unavailable("broken")));
        }
        Ok(Response::new(stream::iter(pieces).boxed()))
    }
}

struct Dial;

#[async_trait]
impl Remote for Dial {
    async fn fetch(&self, address: &str, request: FetchRequest) -> Result<Streaming<FetchResponse>, Status> {
        let client = ArtifactsClient::connect(format!("http://{address}")).await;
        let mut client = client.map_err(|error| Status::unavailable(error.to_string()))?;
        Ok(client.fetch(request).await?.into_inner())
    }
}

fn archive() -> (Vec<u8>, Digest) {
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).unwrap();
    // Bytes that do not compress, so that the archive has many pieces.
    let noise: Vec<u8> = (0..625u32).flat_map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes()).collect();
    dir.write("noise", noise).unwrap();
    let (bytes, packed) = pack(&dir, &Rules::default(), Vec::new(), Algorithm::Sha256).unwrap();
    (bytes, packed.digest)
}

struct Run {
    offsets: Vec<u64>,
    over_http: usize,
    good: bool,
}

async fn run(breaks: usize, corrupt: bool, reachable: bool) -> Run {
    let (bytes, digest) = archive();
    let offsets: Arc<Mutex<Vec<u64>>> = Arc::default();
    let flaky = Flaky {
        bytes: Arc::new(bytes.clone()),
        breaks: Arc::new(AtomicUsize::new(breaks)),
        offsets: Arc::clone(&offsets),
        corrupt,
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let incoming =
        stream::unfold(listener, |listener| async { Some((listener.accept().await.map(|(s, _)| s), listener)) });
    tokio::spawn(Server::builder().add_service(ArtifactsServer::new(flaky)).serve_with_incoming(Box::pin(incoming)));
    let over_http = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&over_http);
    let http = super::run(Router::new().fallback(get(move || {
        count.fetch_add(1, Ordering::SeqCst);
        let bytes = bytes.clone();
        async move { bytes }
    })))
    .await;
    let temp = tempfile::tempdir().unwrap();
    let options =
        Options { dir: Some(temp.path().to_owned()), retries: 0, remote: Some(Arc::new(Dial)), ..Options::default() };
    let mut artifact = super::fetch::artifact(format!("http://{http}/x"), &digest);
    let peer = if reachable { address.to_string() } else { "127.0.0.1:1".to_owned() };
    artifact.metadata = Some([(weir::GRPC.to_owned(), peer)].into());
    let tree = Fetcher::new(options).unwrap().fetch(&artifact).await;
    let good = tree.is_ok_and(|tree| tree.dir().metadata("noise").unwrap().len() == 20_000);
    let offsets = offsets.lock().unwrap().clone();
    Run { offsets, over_http: over_http.load(Ordering::SeqCst), good }
}

#[tokio::test]
async fn a_broken_stream_is_taken_up_where_it_broke() {
    let done = run(2, false, true).await;
    assert!(done.good);
    assert_eq!((done.offsets, done.over_http), (vec![0, 3000, 6000], 0));
}

#[tokio::test]
async fn http_is_the_way_out() {
    for (breaks, corrupt, reachable, why) in
        [(100, false, true, "it breaks too often"), (0, true, true, "wrong bytes"), (0, false, false, "nobody there")]
    {
        let done = run(breaks, corrupt, reachable).await;
        assert!(done.good, "{why}");
        assert_eq!(done.over_http, 1, "{why}");
    }
}
