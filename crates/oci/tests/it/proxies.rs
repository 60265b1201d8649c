//! Through a proxy, with credentials.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use weir_oci::{Keychain, Proxy, TransportOptions};
use weir_testkit::Registry;

use super::{digest, session, text};

fn options(address: String, password: &str) -> TransportOptions {
    let proxy = Proxy { address, username: "user".to_owned(), password: password.to_owned() };
    TransportOptions { insecure: true, proxy: Some(proxy), ..TransportOptions::default() }
}

/// A proxy for plain HTTP that wants `user:secret` and hands each request on to its host.
async fn http_proxy(heads: Arc<Mutex<Vec<String>>>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            let heads = Arc::clone(&heads);
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(client.read_u8().await?);
                }
                let head = String::from_utf8(head).unwrap();
                heads.lock().unwrap().push(head.clone());
                // base64 of user:secret
                if !head.to_lowercase().contains("proxy-authorization: basic dxnlcjpzzwnyzxq=") {
                    return client
                        .write_all(b"HTTP/1.1 407 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                        .await;
                }
                if head.starts_with("CONNECT") {
                    return client
                        .write_all(b"HTTP/1.1 502 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                        .await;
                }
                let (method, rest) = head.split_once(" http://").unwrap();
                let (host, rest) = rest.split_once('/').unwrap();
                let mut server = TcpStream::connect(host).await?;
                let request = format!("{method} /{rest}").replacen("\r\n", "\r\nconnection: close\r\n", 1);
                server.write_all(request.as_bytes()).await?;
                tokio::io::copy(&mut server, &mut client).await.map(|_| ())
            });
        }
    });
    format!("http://{address}")
}

/// A SOCKS5 proxy that wants `user:secret`.
async fn socks_proxy() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut client, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut hello = [0u8; 2];
                client.read_exact(&mut hello).await?;
                let mut methods = vec![0u8; usize::from(hello[1])];
                client.read_exact(&mut methods).await?;
                assert!(methods.contains(&2), "the client offers a password");
                client.write_all(&[5, 2]).await?;
                assert_eq!(client.read_u8().await?, 1);
                let mut parts = Vec::new();
                for _ in 0..2 {
                    let mut part = vec![0u8; usize::from(client.read_u8().await?)];
                    client.read_exact(&mut part).await?;
                    parts.push(part);
                }
                let good = parts == [b"user".to_vec(), b"secret".to_vec()];
                client.write_all(&[1, u8::from(!good)]).await?;
                if !good {
                    return Ok(());
                }
                let mut request = [0u8; 10];
                client.read_exact(&mut request).await?;
                assert_eq!(request[3], 1, "an IPv4 address");
                let port = u16::from_be_bytes([request[8], request[9]]);
                let ip = std::net::Ipv4Addr::new(request[4], request[5], request[6], request[7]);
                let mut server = TcpStream::connect((ip, port)).await?;
                client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
                tokio::io::copy_bidirectional(&mut client, &mut server).await.map(|_| ())
            });
        }
    });
    format!("socks5://{address}")
}

#[tokio::test]
async fn http_and_socks_proxies_are_used_with_their_credentials() {
    let registry = Registry::start().await.unwrap();
    let pushed = registry.push_files("apps/app", "v1", &[("a", "b")]).await.unwrap();
    let url = registry.url("apps/app");
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let http = http_proxy(Arc::clone(&heads)).await;
    let socks = socks_proxy().await;
    for address in [http, socks] {
        let found = digest(&session(&url, options(address.clone(), "secret"), Keychain::anonymous()), "v1").await;
        assert_eq!(found.unwrap_or_else(|error| panic!("{address}: {}", text(&error))), pushed);
        let wrong = digest(&session(&url, options(address, "canary"), Keychain::anonymous()), "v1").await.unwrap_err();
        assert!(!text(&wrong).contains("canary"), "{}", text(&wrong));
    }
    let heads = heads.lock().unwrap();
    assert!(heads.iter().any(|head| head.starts_with("HEAD http://")), "the request went through the proxy");
}
