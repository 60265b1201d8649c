//! Through proxies: HTTP CONNECT and SOCKS5, for https and ssh, with credentials.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{Context, Result};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use weir_git::{Kind, Proxy};
use weir_testkit::{GitOptions, GitServer, SshServer};

use super::{Source, branch, data, ssh_secret};

/// A proxy for user `u`, password `p`; counts the tunnels it opened.
struct Tunnels {
    port: u16,
    count: Arc<AtomicUsize>,
}

impl Tunnels {
    async fn start(socks: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let (port, count) = (listener.local_addr()?.port(), Arc::new(AtomicUsize::new(0)));
        let counter = Arc::clone(&count);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let counter = Arc::clone(&counter);
                tokio::spawn(async move {
                    if socks { socks5(stream, counter).await } else { connect(stream, counter).await }
                });
            }
        });
        Ok(Self { port, count })
    }
}

async fn tunnel(mut stream: TcpStream, target: String, count: Arc<AtomicUsize>) -> Result<()> {
    let mut peer = TcpStream::connect(target).await?;
    count.fetch_add(1, Ordering::SeqCst);
    tokio::io::copy_bidirectional(&mut stream, &mut peer).await?;
    Ok(())
}

async fn connect(mut stream: TcpStream, count: Arc<AtomicUsize>) -> Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    let head = String::from_utf8(head)?;
    // u:p
    if !head.to_ascii_lowercase().contains("proxy-authorization: basic dtpw") {
        stream.write_all(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n").await?;
        return Ok(());
    }
    let target = head.split(' ').nth(1).context("no target")?.to_owned();
    stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
    tunnel(stream, target, count).await
}

async fn socks5(mut stream: TcpStream, count: Arc<AtomicUsize>) -> Result<()> {
    let mut hello = [0; 2];
    stream.read_exact(&mut hello).await?;
    let [_, count_of_methods] = hello;
    let mut methods = vec![0; usize::from(count_of_methods)];
    stream.read_exact(&mut methods).await?;
    if !methods.contains(&2) {
        stream.write_all(&[5, 0xff]).await?;
        return Ok(());
    }
    stream.write_all(&[5, 2]).await?;
    let mut login = [0; 5];
    stream.read_exact(&mut login).await?;
    let fine = login == [1, 1, b'u', 1, b'p'];
    stream.write_all(&[1, u8::from(!fine)]).await?;
    if !fine {
        return Ok(());
    }
    let mut head = [0; 4];
    stream.read_exact(&mut head).await?;
    let [_, _, _, kind_of_address] = head;
    let host = match kind_of_address {
        1 => std::net::Ipv4Addr::from(stream.read_u32().await?).to_string(),
        _ => {
            let mut name = vec![0; usize::from(stream.read_u8().await?)];
            stream.read_exact(&mut name).await?;
            String::from_utf8(name)?
        }
    };
    let port = stream.read_u16().await?;
    stream.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    tunnel(stream, format!("{host}:{port}"), count).await
}

#[tokio::test]
async fn https_and_ssh_through_http_and_socks_proxies() -> Result<()> {
    let git = GitServer::with(GitOptions { tls: true, ..GitOptions::default() }).await?;
    let repo = git.repository("app")?;
    repo.write("a", "a")?;
    repo.push("a")?;
    let ssh = SshServer::start(git.root()).await?;
    let connect = Tunnels::start(false).await?;
    let socks = Tunnels::start(true).await?;
    for (scheme, tunnels) in [("http", &connect), ("socks5", &socks)] {
        let at = format!("{scheme}://127.0.0.1:{}", tunnels.port);
        let right = Proxy::from_secret(&data(&[("address", &at), ("username", "u"), ("password", "p")]))?;
        let wrong = Proxy::from_secret(&data(&[("address", &at), ("username", "u"), ("password", "x")]))?;
        let mut over_https = Source::new(git.url("app"))?.secret(&[("ca.crt", git.ca())]);
        let mut over_ssh = Source::new(ssh.url("app"))?;
        over_ssh.secret = ssh_secret(&ssh);
        for source in [&mut over_https, &mut over_ssh] {
            let before = tunnels.count.load(Ordering::SeqCst);
            source.proxy = Some(right.clone());
            source.fetch(&branch("main")).await?;
            assert!(tunnels.count.load(Ordering::SeqCst) > before, "{scheme} {}", source.url);
            source.proxy = Some(wrong.clone());
            let error = source.refused().await;
            // reqwest does not say why SOCKS refused.
            let expected =
                if scheme == "socks5" && source.url.starts_with("https") { Kind::Network } else { Kind::Auth };
            assert_eq!(error.kind(), expected, "{scheme} {}: {error:?}", source.url);
        }
    }
    Ok(())
}
