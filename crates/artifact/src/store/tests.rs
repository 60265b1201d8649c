use super::*;
use crate::unpack::{Limits, unpack};

fn store(advertised: &str) -> (tempfile::TempDir, Store) {
    let temp = tempfile::tempdir().unwrap();
    let options = Options {
        path: temp.path().to_owned(),
        advertised: advertised.to_owned(),
        ttl: Duration::from_secs(60),
        records: 2,
        algorithm: Algorithm::Sha256,
    };
    (temp, Store::open(options).unwrap())
}

fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Dir) {
    let temp = tempfile::tempdir().unwrap();
    let dir = Dir::open_ambient_dir(temp.path(), ambient_authority()).unwrap();
    for (name, text) in files {
        dir.write(name, text).unwrap();
    }
    (temp, dir)
}

fn artifact(written: &Written) -> Artifact {
    Artifact {
        digest: written.digest.to_string(),
        last_update_time: Timestamp::UNIX_EPOCH,
        metadata: None,
        path: written.path.clone(),
        revision: "r".to_owned(),
        size: None,
        url: written.url.clone(),
    }
}

#[tokio::test]
async fn an_artifact_is_written_checked_linked_and_removed() {
    let (temp, store) = store("source-controller.flux-system.svc");
    let (_files, dir) = tree(&[("a.yaml", "a: 1\n"), ("b.md", "no")]);
    let at = Location::new("OCIRepository", "ns", "app", "sha256:ab.tar.gz").unwrap();
    let written = store.archive(&at, dir, Some("*.md".to_owned())).await.unwrap();
    assert_eq!(written.path, "ocirepository/ns/app/sha256:ab.tar.gz");
    assert_eq!(written.url, "http://source-controller.flux-system.svc/ocirepository/ns/app/sha256:ab.tar.gz");
    let bytes = std::fs::read(temp.path().join(&written.path)).unwrap();
    assert_eq!((Digest::of(Algorithm::Sha256, &bytes), bytes.len() as u64), (written.digest.clone(), written.size));
    let (_out, target) = tree(&[]);
    assert_eq!(unpack(bytes.as_slice(), &target, &Limits::default()).unwrap().files, 1);

    let artifact = artifact(&written);
    assert_eq!(store.check(&artifact).await.unwrap(), Check::Intact);
    let url = store.link(&at, "latest.tar.gz").await.unwrap();
    assert_eq!(url, "http://source-controller.flux-system.svc/ocirepository/ns/app/latest.tar.gz");
    store.link(&at, "latest.tar.gz").await.unwrap();
    assert_eq!(std::fs::read(temp.path().join("ocirepository/ns/app/latest.tar.gz")).unwrap(), bytes);

    std::fs::write(temp.path().join(&written.path), "tampered").unwrap();
    assert!(matches!(store.check(&artifact).await.unwrap(), Check::Damaged { .. }));
    store.remove(&written.path).await.unwrap();
    store.remove(&written.path).await.unwrap();
    assert_eq!(store.check(&artifact).await.unwrap(), Check::Missing);
    assert!(store.remove_object("OCIRepository", "ns", "app").await.unwrap());
    assert!(!store.remove_object("OCIRepository", "ns", "app").await.unwrap());
    assert!(!temp.path().join("ocirepository/ns/app").exists());
}

#[tokio::test]
async fn a_copy_is_byte_for_byte() {
    let (temp, store) = store("127.0.0.1:9090");
    let mut source = tempfile::tempfile().unwrap();
    source.write_all(b"any bytes").unwrap();
    let at = Location::new("OCIRepository", "ns", "app", "x.tar.gz").unwrap();
    let written = store.copy(&at, source).await.unwrap();
    assert_eq!(std::fs::read(temp.path().join(&written.path)).unwrap(), b"any bytes");
    assert_eq!(written.digest, Digest::of(Algorithm::Sha256, b"any bytes"));
}

#[tokio::test]
async fn garbage_goes_with_its_lock_and_the_current_file_stays() {
    let (temp, store) = store("h");
    let mut last = None;
    for name in ["one", "two", "three", "four"] {
        let (_files, dir) = tree(&[("f", name)]);
        let at = Location::new("GitRepository", "ns", "app", &format!("{name}.tar.gz")).unwrap();
        last = Some(store.archive(&at, dir, None).await.unwrap());
        store.link(&at, "latest.tar.gz").await.unwrap();
    }
    let current = artifact(&last.unwrap());
    let written = std::fs::metadata(temp.path().join(&current.path)).unwrap().modified().unwrap();
    let now = Timestamp::try_from(written).unwrap();
    assert_eq!(store.collect_garbage(&current, now).await.unwrap().len(), 2, "two of four are kept");
    let later = now + Duration::from_secs(120);
    assert_eq!(store.collect_garbage(&current, later).await.unwrap().len(), 1, "the rest expires");
    let mut left: Vec<_> = std::fs::read_dir(temp.path().join("gitrepository/ns/app"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["four.tar.gz", "four.tar.gz.lock", "latest.tar.gz"]);
}

#[tokio::test]
async fn a_path_never_leaves_the_root() {
    let (_temp, store) = store("h");
    for bad in ["..", ".", "", "a/b", "a\\b"] {
        assert!(Location::new("GitRepository", "ns", bad, "f").is_err(), "{bad}");
        assert!(Location::new("GitRepository", "ns", "n", bad).is_err(), "{bad}");
    }
    let outside = tempfile::NamedTempFile::new().unwrap();
    let climbing = format!("../{}", outside.path().file_name().unwrap().to_str().unwrap());
    assert!(store.open_file(&climbing).await.is_err());
    assert!(store.remove(&climbing).await.is_err());
    assert!(outside.path().exists());
}

#[test]
fn urls_follow_the_advertised_address() {
    let (_a, plain) = store("new:80");
    assert_eq!(plain.rehost("http://old:9090/gitrepository/a/b/c.tar.gz"), "http://new:80/gitrepository/a/b/c.tar.gz");
    assert_eq!(plain.rehost(""), "");
    let (_b, full) = store("https://artifacts.example.com");
    assert_eq!(full.url("/a/b"), "https://artifacts.example.com/a/b");
}

#[test]
fn a_path_belongs_to_the_object_whose_directory_it_is_in() {
    let own = |path: &str| belongs_to(path, "GitRepository", "team", "app");
    assert!(own("gitrepository/team/app/0123.tar.gz"));
    for path in [
        "",
        "gitrepository/team/app",
        "gitrepository/team/app/",
        "gitrepository/team/app/..",
        "gitrepository/team/app/../other/0123.tar.gz",
        "gitrepository/team/app/sub/0123.tar.gz",
        "gitrepository/team/app2/0123.tar.gz",
        "gitrepository/other/app/0123.tar.gz",
        "ocirepository/team/app/0123.tar.gz",
        "/gitrepository/team/app/0123.tar.gz",
        "./gitrepository/team/app/0123.tar.gz",
    ] {
        assert!(!own(path), "{path}");
    }
}
