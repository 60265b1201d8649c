//! Connections of callers, over TLS when there are certificates.
//!
//! # Guarantees
//! At most [`CONNECTIONS`] at a time, handshakes included; more wait to be accepted. A caller that does not finish its
//! handshake in time is dropped, and holds back nobody else.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
};
use tokio_rustls::{TlsAcceptor, server::TlsStream};
use tokio_stream::wrappers::ReceiverStream;
use tonic::transport::server::Connected;

use super::tls::ServerTls;

/// Connections at a time.
const CONNECTIONS: usize = 1024;
/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// How long to wait after an accept failed, usually for want of file descriptors.
const PAUSE: Duration = Duration::from_millis(100);

/// Where a request comes from. In every request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Remote(pub(super) Option<IpAddr>);

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: Stream,
    remote: Remote,
    _place: OwnedSemaphorePermit,
}

#[derive(Debug)]
enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// Connections as they come, until nobody takes them any more.
pub(super) fn connections(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
) -> ReceiverStream<Result<Connection, io::Error>> {
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(accept(listener, tls, sender));
    ReceiverStream::new(receiver)
}

async fn accept(
    listener: TcpListener,
    tls: Option<Arc<ServerTls>>,
    sender: mpsc::Sender<Result<Connection, io::Error>>,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = sender.closed() => return,
        };
        let (stream, remote) = match accepted {
            Ok((stream, remote)) => (stream, Remote(Some(remote.ip()))),
            Err(error) => {
                tracing::error!(error = %error, "cannot accept a gRPC connection");
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        // Small messages are not held back for larger ones; a socket without the option works all the same.
        let _ = stream.set_nodelay(true);
        let (sender, tls) = (sender.clone(), tls.clone());
        tokio::spawn(async move {
            let stream = match tls {
                None => Stream::Plain(stream),
                Some(tls) => match tokio::time::timeout(HANDSHAKE, handshake(&tls, stream)).await {
                    Ok(Ok(stream)) => stream,
                    Ok(Err(error)) => return tracing::debug!(error = %error, "TLS handshake of a gRPC caller failed"),
                    Err(_) => return tracing::debug!("TLS handshake of a gRPC caller took too long"),
                },
            };
            // Nobody takes it only at shutdown.
            let _ = sender.send(Ok(Connection { stream, remote, _place: place })).await;
        });
    }
}

async fn handshake(tls: &ServerTls, stream: TcpStream) -> io::Result<Stream> {
    let acceptor = TlsAcceptor::from(tls.config());
    Ok(Stream::Tls(Box::new(acceptor.accept(stream).await?)))
}

impl Connected for Connection {
    type ConnectInfo = Remote;

    fn connect_info(&self) -> Remote {
        self.remote
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
