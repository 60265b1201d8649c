//! Downloads: checked, shared, bounded.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{Router, body::Body, routing::get};
use futures::StreamExt;
use http::StatusCode;
use weir_api::meta::Artifact;
use weir_artifact::{
    Algorithm, Digest, FetchError, Fetcher, Limits, Rules, UnpackError,
    cap_std::{ambient_authority, fs::Dir},
    fetch::Options,
    pack::pack,
};

fn archive(text: &str) -> (Vec<u8>, Digest) {
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).unwrap();
    dir.write("file.yaml", text).unwrap();
    let (bytes, packed) = pack(&dir, &Rules::default(), Vec::new(), Algorithm::Sha256).unwrap();
    (bytes, packed.digest)
}

pub(crate) fn artifact(url: String, digest: &Digest) -> Artifact {
    Artifact {
        digest: digest.to_string(),
        last_update_time: jiff::Timestamp::UNIX_EPOCH,
        metadata: None,
        path: "gitrepository/ns/app/x.tar.gz".to_owned(),
        revision: "main@sha1:x".to_owned(),
        size: None,
        url,
    }
}

fn fetcher(change: impl FnOnce(&mut Options)) -> (tempfile::TempDir, Fetcher) {
    let temp = tempfile::tempdir().unwrap();
    let mut options = Options { dir: Some(temp.path().to_owned()), retries: 0, ..Options::default() };
    change(&mut options);
    (temp, Fetcher::new(options).unwrap())
}

#[tokio::test]
async fn many_who_want_the_same_share_one_download() {
    let (bytes, digest) = archive("shared");
    let served = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&served);
    let handler = move || {
        count.fetch_add(1, Ordering::SeqCst);
        let bytes = bytes.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(50)).await;
            bytes
        }
    };
    let address = super::run(Router::new().fallback(get(handler))).await;
    let (_temp, fetcher) = fetcher(|_| {});
    let all = (0..1000).map(|i| {
        let artifact = artifact(format!("http://{address}/{i}"), &digest);
        let fetcher = fetcher.clone();
        async move { fetcher.fetch(&artifact).await.unwrap() }
    });
    let trees = futures::future::join_all(all).await;
    assert_eq!(served.load(Ordering::SeqCst), 1);
    assert!(trees.iter().all(|tree| Arc::ptr_eq(tree, &trees[0])));
    assert_eq!(trees[0].dir().read_to_string("file.yaml").unwrap(), "shared");
}

#[tokio::test]
async fn what_is_missing_or_changed_is_refused() {
    let (bytes, _) = archive("real");
    let (_, other) = archive("expected");
    let served = bytes.clone();
    let router = Router::new().route("/there", get(move || async move { served }));
    let address = super::run(router).await;
    let (temp, fetcher) = fetcher(|_| {});
    let missing = fetcher.fetch(&artifact(format!("http://{address}/gone"), &other)).await.err().unwrap();
    assert!(missing.is_not_found(), "{missing}");
    let changed = fetcher.fetch(&artifact(format!("http://{address}/there"), &other)).await.err().unwrap();
    assert!(matches!(&*changed, FetchError::Mismatch { .. }), "{changed}");
    let mut bad = artifact(format!("http://{address}/there"), &other);
    bad.digest = "sha256:short".to_owned();
    assert!(matches!(&*fetcher.fetch(&bad).await.err().unwrap(), FetchError::InvalidDigest { .. }));
    let file = fetcher.fetch(&artifact("file:///etc/passwd".to_owned(), &other)).await.err().unwrap();
    assert!(matches!(&*file, FetchError::Url { .. }));
    let own: Vec<_> = std::fs::read_dir(temp.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let left = std::fs::read_dir(&own[0]).unwrap().count();
    assert_eq!(left, 1, "only the lock: nothing that failed stays on disk");
}

#[tokio::test]
async fn a_server_that_recovers_is_asked_again_and_another_source_of_the_same_bytes_is_tried() {
    let (bytes, digest) = archive("flaky");
    let tries = Arc::new(AtomicUsize::new(0));
    let (count, served) = (Arc::clone(&tries), bytes.clone());
    let flaky = move || {
        let first = count.fetch_add(1, Ordering::SeqCst) == 0;
        let bytes = served.clone();
        async move { if first { Err(StatusCode::SERVICE_UNAVAILABLE) } else { Ok(bytes) } }
    };
    let slow_missing = || async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        StatusCode::NOT_FOUND
    };
    let router = Router::new()
        .route("/flaky", get(flaky))
        .route("/gone", get(slow_missing))
        .route("/good", get(move || async move { bytes }));
    let address = super::run(router).await;
    let (_temp, patient) = fetcher(|options| options.retries = 1);
    assert!(patient.fetch(&artifact(format!("http://{address}/flaky"), &digest)).await.is_ok());
    assert_eq!(tries.load(Ordering::SeqCst), 2);
    let (_temp, shared) = fetcher(|_| {});
    let (gone, good) =
        (artifact(format!("http://{address}/gone"), &digest), artifact(format!("http://{address}/good"), &digest));
    let (first, second) = tokio::join!(shared.fetch(&gone), shared.fetch(&good));
    assert!(first.err().unwrap().is_not_found());
    assert!(second.is_ok(), "the other URL was not blamed");
}

#[tokio::test]
async fn an_endless_download_is_cut_off() {
    let endless = || async {
        Body::from_stream(futures::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![0u8; 64 << 10])).take(10 << 14))
    };
    let address = super::run(Router::new().fallback(get(endless))).await;
    let limits = Limits { compressed_bytes: 1 << 20, ..Limits::default() };
    let (_temp, fetcher) = fetcher(|options| options.limits = limits);
    let (_, digest) = archive("x");
    let error = fetcher.fetch(&artifact(format!("http://{address}/"), &digest)).await.err().unwrap();
    assert!(matches!(&*error, FetchError::TooLarge { limit, .. } if *limit == 1 << 20), "{error}");
}

#[tokio::test]
async fn what_does_not_unpack_says_so() {
    let bytes = b"not an archive".to_vec();
    let digest = Digest::of(Algorithm::Sha256, &bytes);
    let address = super::run(Router::new().fallback(get(move || async move { bytes }))).await;
    let (_temp, fetcher) = fetcher(|_| {});
    let error = fetcher.fetch(&artifact(format!("http://{address}/"), &digest)).await.err().unwrap();
    assert!(matches!(&*error, FetchError::Unpack { source: UnpackError::Corrupt { .. }, .. }), "{error}");
}

#[tokio::test]
async fn the_cache_is_bounded_and_a_tree_in_use_survives() {
    let archives: Vec<_> = (0..4).map(|i| archive(&format!("tree {i}"))).collect();
    let by_path: Vec<Vec<u8>> = archives.iter().map(|(bytes, _)| bytes.clone()).collect();
    let handler = move |uri: http::Uri| {
        let index: usize = uri.path().trim_start_matches('/').parse().unwrap();
        let bytes = by_path[index].clone();
        async move { bytes }
    };
    let address = super::run(Router::new().fallback(get(handler))).await;
    // The override replaces a host that does not exist.
    let (temp, fetcher) = fetcher(|options| {
        options.cached_trees = 2;
        options.host_override = Some(address.to_string());
    });
    let fetch = async |i: usize| {
        let url = format!("http://source-controller.invalid./{i}");
        fetcher.fetch(&artifact(url, &archives[i].1)).await.unwrap()
    };
    let first = fetch(0).await;
    for i in 1..4 {
        drop(fetch(i).await);
    }
    assert_eq!(first.dir().read_to_string("file.yaml").unwrap(), "tree 0", "evicted, yet readable by its holder");
    drop(first);
    let own = std::fs::read_dir(temp.path()).unwrap().next().unwrap().unwrap().path();
    let trees =
        || std::fs::read_dir(&own).unwrap().filter(|e| e.as_ref().unwrap().file_type().unwrap().is_dir()).count();
    for _ in 0..200 {
        if trees() == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_eq!(trees(), 2);
}

#[tokio::test]
async fn a_server_that_sends_a_byte_now_and_then_holds_nobody() {
    let handler = || async {
        let drops = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(20)).await;
            Some((Ok::<_, std::io::Error>("x"), ()))
        });
        Body::from_stream(drops)
    };
    let address = super::run(Router::new().route("/slow", get(handler))).await;
    let (_temp, fetcher) = fetcher(|options| options.timeout = Duration::from_millis(300));
    let (_, digest) = archive("never");
    let slow = artifact(format!("http://{address}/slow"), &digest);
    let fetching = tokio::time::timeout(Duration::from_secs(20), fetcher.fetch(&slow));
    let error = fetching.await.unwrap().err().unwrap();
    assert!(matches!(*error, FetchError::TooSlow { .. }), "{error}");
}
