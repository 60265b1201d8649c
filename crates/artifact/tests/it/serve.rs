//! What a client of Flux's artifact server relies on.

use reqwest::{StatusCode, header};

fn client() -> reqwest::Client {
    reqwest::Client::builder().tls_certs_only([]).redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

#[tokio::test]
async fn files_ranges_listings_and_links() {
    let temp = tempfile::tempdir().unwrap();
    let dir = temp.path().join("ocirepository/ns/app");
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("sha256:ab.tar.gz"), b"\x1f\x8b12345678").unwrap();
    std::os::unix::fs::symlink("sha256:ab.tar.gz", dir.join("latest.tar.gz")).unwrap();
    let base = format!("http://{}", super::serve(temp.path()).await);
    let client = client();
    let get = |path: &str| client.get(format!("{base}{path}"));

    for path in ["/ocirepository/ns/app/sha256:ab.tar.gz", "/ocirepository/ns/app/latest.tar.gz"] {
        let response = get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[header::CONTENT_LENGTH], "10");
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/x-gzip");
        assert!(response.headers()[header::LAST_MODIFIED].to_str().unwrap().ends_with("GMT"));
        assert_eq!(response.bytes().await.unwrap().as_ref(), b"\x1f\x8b12345678");
    }
    let file = "/ocirepository/ns/app/latest.tar.gz";
    let part = get(file).header(header::RANGE, "bytes=4-").send().await.unwrap();
    assert_eq!(part.status(), StatusCode::PARTIAL_CONTENT);
    assert_eq!(part.headers()[header::CONTENT_RANGE], "bytes 4-9/10");
    assert_eq!(part.bytes().await.unwrap().as_ref(), b"345678");
    let beyond = get(file).header(header::RANGE, "bytes=10-").send().await.unwrap();
    assert_eq!(beyond.status(), StatusCode::RANGE_NOT_SATISFIABLE);
    let head = client.head(format!("{base}{file}")).send().await.unwrap();
    assert_eq!((head.status(), head.headers()[header::CONTENT_LENGTH].to_str().unwrap()), (StatusCode::OK, "10"));
    let modified = head.headers()[header::LAST_MODIFIED].clone();
    let same = get(file).header(header::IF_MODIFIED_SINCE, modified).send().await.unwrap();
    assert_eq!(same.status(), StatusCode::NOT_MODIFIED);

    let root = get("/").send().await.unwrap();
    assert_eq!(root.status(), StatusCode::OK);
    assert!(root.text().await.unwrap().contains("<a href=\"ocirepository/\">ocirepository/</a>"));
    let listing = get("/ocirepository/ns/app/").send().await.unwrap().text().await.unwrap();
    assert!(listing.contains("<a href=\"./sha256:ab.tar.gz\">sha256:ab.tar.gz</a>"), "{listing}");
    let moved = get("/ocirepository").send().await.unwrap();
    assert_eq!(moved.status(), StatusCode::MOVED_PERMANENTLY);
    assert_eq!(moved.headers()[header::LOCATION], "ocirepository/");
    assert_eq!(get("/ocirepository/ns/none").send().await.unwrap().status(), StatusCode::NOT_FOUND);
    assert_eq!(client.post(&base).send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn nothing_above_the_root_is_reachable() {
    let temp = tempfile::tempdir().unwrap();
    let root = temp.path().join("data");
    std::fs::create_dir_all(root.join("kind")).unwrap();
    std::fs::write(temp.path().join("secret"), "canary").unwrap();
    std::os::unix::fs::symlink("../secret", root.join("relative")).unwrap();
    std::os::unix::fs::symlink(temp.path().join("secret"), root.join("absolute")).unwrap();
    std::os::unix::fs::symlink("loop", root.join("loop")).unwrap();
    let address = super::serve(&root).await;
    // Clients tidy paths before they send them; a raw request does not.
    for path in [
        "/../secret",
        "/%2e%2e/secret",
        "/kind/..%2f..%2fsecret",
        "/kind/../../secret",
        "//etc/passwd",
        "/relative",
        "/absolute",
        "/loop",
        "/%00",
        "/%ff",
    ] {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 40"), "{path}: {answer}");
        assert!(!answer.contains("canary") && !answer.contains("root:"), "{path}");
    }
}
