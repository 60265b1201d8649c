//! HTTP servers inside this process, plain or with TLS.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use axum::Router;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::task::{AbortHandle, JoinSet};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::WebPkiClientVerifier;
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use crate::background;
use crate::pki::Identity;

/// How a server speaks TLS.
#[derive(Clone, Debug)]
pub struct Tls {
    /// What it shows.
    pub identity: Identity,
    /// The authority (PEM) whose certificate a client must show, if it must.
    pub client_ca: Option<String>,
}

/// A running server; dropping it ends it and its connections.
#[derive(Debug)]
pub struct HttpServer {
    address: SocketAddr,
    tls: bool,
    task: AbortHandle,
}

impl HttpServer {
    /// Serves `router` on a free port of loopback.
    pub async fn start(router: Router, tls: Option<Tls>) -> Result<Self> {
        let acceptor = tls.map(acceptor).transpose()?;
        background::run(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.context("cannot listen on loopback")?;
            let address = listener.local_addr()?;
            let encrypted = acceptor.is_some();
            let task = tokio::spawn(serve(listener, router, acceptor)).abort_handle();
            Ok(Self { address, tls: encrypted, task })
        })
        .await
    }

    /// `http://127.0.0.1:<port>`, or https.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.tls { "https" } else { "http" }, self.address)
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, router: Router, acceptor: Option<TlsAcceptor>) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        while connections.try_join_next().is_some() {}
        let _ = stream.set_nodelay(true);
        let service = TowerToHyperService::new(router.clone());
        let acceptor = acceptor.clone();
        connections.spawn(async move {
            let builder = Builder::new(TokioExecutor::new());
            // A client that goes away in the middle is what some tests are about; there is nobody to tell.
            let _ = match acceptor {
                Some(acceptor) => match acceptor.accept(stream).await {
                    Ok(stream) => builder.serve_connection(TokioIo::new(stream), service).await,
                    Err(_) => return,
                },
                None => builder.serve_connection(TokioIo::new(stream), service).await,
            };
        });
    }
}

fn acceptor(tls: Tls) -> Result<TlsAcceptor> {
    let certificate =
        CertificateDer::from_pem_slice(tls.identity.certificate.as_bytes()).context("no certificate in the PEM")?;
    let key = PrivateKeyDer::from_pem_slice(tls.identity.key.as_bytes()).context("no key in the PEM")?;
    let provider = Arc::new(tokio_rustls::rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions()?;
    let builder = match tls.client_ca {
        Some(ca) => {
            let mut roots = RootCertStore::empty();
            roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).context("no authority in the PEM")?)?;
            builder.with_client_cert_verifier(
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build()?,
            )
        }
        None => builder.with_no_client_auth(),
    };
    let mut config = builder.with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
