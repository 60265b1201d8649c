//! A TCP connection through a proxy, for SSH: HTTP CONNECT and SOCKS5 (RFC 1928, RFC 1929).

use base64::{Engine, engine::general_purpose::STANDARD};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};

use crate::{Error, auth::Proxy, error::clean};

const CHECK: &str = "check address, username and password of the proxy secret";

/// Connects to `host:port`, directly or through a proxy.
pub(crate) async fn connect(proxy: Option<&Proxy>, host: &str, port: u16) -> Result<TcpStream, Error> {
    let (peer, at) = match proxy {
        None => (format!("{host}:{port}"), TcpStream::connect((host, port)).await),
        Some(proxy) => {
            let address = proxy.url.host_str().unwrap_or_default().trim_matches(['[', ']']);
            (proxy.authority(), TcpStream::connect((address, proxy.port())).await)
        }
    };
    let mut stream = at.map_err(|e| Error::Network { host: peer.clone(), reason: e.to_string() })?;
    stream.set_nodelay(true).ok();
    if let Some(proxy) = proxy {
        match proxy.url.scheme() {
            "http" => http_connect(&mut stream, proxy, host, port).await?,
            "socks5" | "socks5h" => socks5(&mut stream, proxy, host, port).await?,
            other => {
                let reason = format!("a proxy of scheme {other} cannot carry ssh: use http or socks5");
                return Err(Error::Credentials { reason });
            }
        }
    }
    Ok(stream)
}

fn broken(proxy: &Proxy) -> impl Fn(std::io::Error) -> Error {
    let host = proxy.authority();
    move |e| Error::Network { host: host.clone(), reason: e.to_string() }
}

async fn http_connect<S>(stream: &mut S, proxy: &Proxy, host: &str, port: u16) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let target = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
    let mut request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n");
    if let Some((user, password)) = &proxy.credentials {
        let pair = STANDARD.encode(format!("{}:{}", user.reveal(), password.reveal()));
        request.push_str(&format!("Proxy-Authorization: Basic {pair}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.map_err(broken(proxy))?;
    let mut head = Vec::new();
    // Byte by byte: what follows the head belongs to the other end.
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 16 * 1024 {
            return Err(Error::Limit { host: proxy.authority(), what: "the answer to CONNECT", limit: 16 * 1024 });
        }
        head.push(stream.read_u8().await.map_err(broken(proxy))?);
    }
    let first = head.split(|b| *b == b'\r').next().unwrap_or_default();
    let status = String::from_utf8_lossy(first).split(' ').nth(1).and_then(|code| code.parse::<u16>().ok());
    match status {
        Some(200..=299) => Ok(()),
        Some(407) => {
            Err(Error::Unauthorized { host: proxy.authority(), detail: "HTTP status 407".into(), next: CHECK })
        }
        _ => Err(Error::Network { host: proxy.authority(), reason: format!("CONNECT refused: {}", clean(first)) }),
    }
}

async fn socks5<S>(stream: &mut S, proxy: &Proxy, host: &str, port: u16) -> Result<(), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let refused = |reason: &str| Error::Network { host: proxy.authority(), reason: reason.to_owned() };
    let method = if proxy.credentials.is_some() { 2 } else { 0 };
    stream.write_all(&[5, 1, method]).await.map_err(broken(proxy))?;
    let mut answer = [0u8; 2];
    stream.read_exact(&mut answer).await.map_err(broken(proxy))?;
    if answer != [5, method] {
        return Err(Error::Unauthorized { host: proxy.authority(), detail: "SOCKS5".into(), next: CHECK });
    }
    if let Some((user, password)) = &proxy.credentials {
        let (user, password) = (user.reveal().as_bytes(), password.reveal().as_bytes());
        let (Ok(n), Ok(m)) = (u8::try_from(user.len()), u8::try_from(password.len())) else {
            return Err(Error::Credentials { reason: "SOCKS5 credentials are limited to 255 bytes each".into() });
        };
        let request = [&[1, n], user, &[m], password].concat();
        stream.write_all(&request).await.map_err(broken(proxy))?;
        stream.read_exact(&mut answer).await.map_err(broken(proxy))?;
        if answer.get(1) != Some(&0) {
            return Err(Error::Unauthorized { host: proxy.authority(), detail: "SOCKS5".into(), next: CHECK });
        }
    }
    let address = match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(ip)) => [&[1][..], &ip.octets()].concat(),
        Ok(std::net::IpAddr::V6(ip)) => [&[4][..], &ip.octets()].concat(),
        Err(_) => {
            let n = u8::try_from(host.len()).map_err(|_| refused("the host's name is too long"))?;
            [&[3, n], host.as_bytes()].concat()
        }
    };
    let request = [&[5, 1, 0][..], &address, &port.to_be_bytes()].concat();
    stream.write_all(&request).await.map_err(broken(proxy))?;
    let mut head = [0u8; 4];
    stream.read_exact(&mut head).await.map_err(broken(proxy))?;
    let [5, 0, _, kind] = head else { return Err(refused("the SOCKS5 proxy cannot reach the server")) };
    let rest = match kind {
        1 => 4,
        4 => 16,
        3 => usize::from(stream.read_u8().await.map_err(broken(proxy))?),
        _ => return Err(refused("the SOCKS5 proxy answers nonsense")),
    };
    stream.read_exact(&mut vec![0; rest + 2]).await.map_err(broken(proxy))?;
    Ok(())
}
