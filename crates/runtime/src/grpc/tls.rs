//! TLS between services, from mounted files that are read again when they change.
//!
//! ```text
//! --grpc-tls-dir/{tls.crt,tls.key} ─► what we show, as server and as client
//! --grpc-client-ca                 ─► whom a server lets in: callers with a certificate of it; without the flag all
//! --grpc-ca, else ca.crt           ─► what a client believes; without both the machine's authorities
//! ```
//! A directory is what mounting a `kubernetes.io/tls` Secret gives. A rotation is seen within [`REREAD`], for new
//! connections; files that make no sense then are logged and the old ones go on being used.

use std::{
    io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore, ServerConfig,
    crypto::CryptoProvider,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::WebPkiClientVerifier,
};
use tokio::time::Instant;

use crate::{clock, flags::GrpcArgs};

/// How old what was read may be.
const REREAD: Duration = Duration::from_secs(10);

/// Certificates that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {path}: is the Secret mounted there?")]
    Read {
        /// Which.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A file holds no PEM of the sort it should.
    #[error("{path} holds no {what} in PEM")]
    Pem {
        /// Which.
        path: String,
        /// `certificate` or `private key`.
        what: &'static str,
    },
    /// Certificate and key do not fit, or are of a sort nobody understands.
    #[error("the certificates in {path} cannot be used")]
    Rustls {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: rustls::Error,
    },
    /// The authority of callers makes no verifier.
    #[error("{path} holds no authority callers can be checked by")]
    Verifier {
        /// Where.
        path: String,
        /// Why.
        #[source]
        source: rustls::server::VerifierBuilderError,
    },
    /// A client authority without a certificate to serve with.
    #[error("--grpc-client-ca needs --grpc-tls-dir: callers are only asked for certificates over TLS")]
    NoCertificate,
}

/// The files, and what they held.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Files {
    dir: Option<PathBuf>,
    ca: Option<PathBuf>,
    client_ca: Option<PathBuf>,
}

/// Bytes of the files; of one that need not be there perhaps none.
#[derive(Clone, PartialEq, Eq)]
struct Read {
    pair: Option<(Vec<u8>, Vec<u8>)>,
    ca: Option<Vec<u8>>,
    client_ca: Option<Vec<u8>>,
}

impl Files {
    fn of(args: &GrpcArgs) -> Self {
        Self { dir: args.grpc_tls_dir.clone(), ca: args.grpc_ca.clone(), client_ca: args.grpc_client_ca.clone() }
    }

    /// Small files on a memory file system: not worth a thread.
    fn read(&self) -> Result<Read, TlsError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| TlsError::Read { path: path.display().to_string(), source })
        };
        let pair = match &self.dir {
            Some(dir) => Some((read(&dir.join("tls.crt"))?, read(&dir.join("tls.key"))?)),
            None => None,
        };
        let ca = match (&self.ca, &self.dir) {
            (Some(path), _) => Some(read(path)?),
            (None, Some(dir)) => std::fs::read(dir.join("ca.crt")).ok().filter(|bytes| !bytes.is_empty()),
            (None, None) => None,
        };
        Ok(Read { pair, ca, client_ca: self.client_ca.as_deref().map(read).transpose()? })
    }

    fn place(&self, name: &str) -> String {
        self.dir.as_deref().unwrap_or(Path::new("")).join(name).display().to_string()
    }

    fn place_of_ca(&self) -> String {
        self.ca.as_ref().map_or_else(|| self.place("ca.crt"), |path| path.display().to_string())
    }

    fn pair(&self, read: &Read) -> Result<Option<Pair>, TlsError> {
        let Some((certificates, key)) = &read.pair else { return Ok(None) };
        let chain = certificates_of(certificates, || self.place("tls.crt"))?;
        let key = PrivateKeyDer::from_pem_slice(key)
            .map_err(|_| TlsError::Pem { path: self.place("tls.key"), what: "private key" })?;
        Ok(Some((chain, key)))
    }

    fn unusable(&self) -> impl Fn(rustls::Error) -> TlsError {
        let path = self.place("");
        move |source| TlsError::Rustls { path: path.clone(), source }
    }

    fn server(&self, read: &Read) -> Result<Arc<ServerConfig>, TlsError> {
        let (chain, key) = self.pair(read)?.ok_or(TlsError::NoCertificate)?;
        let provider = provider();
        let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(self.unusable())?;
        let builder = match &read.client_ca {
            None => builder.with_no_client_auth(),
            Some(ca) => {
                let path = || self.client_ca.as_deref().unwrap_or(Path::new("")).display().to_string();
                let roots = Arc::new(roots_of(ca, path)?);
                let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider);
                let verifier = verifier.build().map_err(|source| TlsError::Verifier { path: path(), source })?;
                builder.with_client_cert_verifier(verifier)
            }
        };
        let mut config = builder.with_single_cert(chain, key).map_err(self.unusable())?;
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }

    fn client(&self, read: &Read) -> Result<Arc<ClientConfig>, TlsError> {
        let roots = match &read.ca {
            Some(ca) => roots_of(ca, || self.place_of_ca())?,
            None => {
                let mut roots = RootCertStore::empty();
                // What cannot be read is not believed; without any authority every handshake fails and says why.
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                roots
            }
        };
        let builder = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .map_err(self.unusable())?
            .with_root_certificates(roots);
        let mut config = match self.pair(read)? {
            Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(self.unusable())?,
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Arc::new(config))
    }
}

type Pair = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

fn certificates_of(pem: &[u8], path: impl Fn() -> String) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| TlsError::Pem { path: path(), what: "certificate" })
}

fn roots_of(pem: &[u8], path: impl Fn() -> String) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates_of(pem, &path)? {
        roots.add(certificate).map_err(|source| TlsError::Rustls { path: path(), source })?;
    }
    Ok(roots)
}

/// A configuration made from files, made again when they changed.
struct Kept<T> {
    files: Files,
    make: fn(&Files, &Read) -> Result<Arc<T>, TlsError>,
    state: Mutex<State<T>>,
}

struct State<T> {
    looked: Instant,
    read: Read,
    made: Arc<T>,
}

impl<T> Kept<T> {
    fn new(files: Files, make: fn(&Files, &Read) -> Result<Arc<T>, TlsError>) -> Result<Self, TlsError> {
        let read = files.read()?;
        let made = make(&files, &read)?;
        let state = Mutex::new(State { looked: clock::instant(), read, made });
        Ok(Self { files, make, state })
    }

    fn current(&self, now: Instant) -> Arc<T> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if now.saturating_duration_since(state.looked) < REREAD {
            return Arc::clone(&state.made);
        }
        state.looked = now;
        let renewed = self.files.read().and_then(|read| match read == state.read {
            true => Ok(None),
            false => (self.make)(&self.files, &read).map(|made| Some((read, made))),
        });
        match renewed {
            Ok(None) => {}
            Ok(Some((read, made))) => {
                tracing::info!("certificates of gRPC read again");
                (state.read, state.made) = (read, made);
            }
            Err(error) => {
                let error = weir_reconcile::describe(&error);
                tracing::error!(error, "certificates of gRPC cannot be renewed, the old ones are used");
            }
        }
        Arc::clone(&state.made)
    }
}

/// What a server shows, and whom it lets in.
pub(crate) struct ServerTls(Kept<ServerConfig>);

impl std::fmt::Debug for ServerTls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ServerTls")
    }
}

impl ServerTls {
    /// Nothing without `--grpc-tls-dir`.
    pub(crate) fn new(args: &GrpcArgs) -> Result<Option<Self>, TlsError> {
        match (&args.grpc_tls_dir, &args.grpc_client_ca) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(TlsError::NoCertificate),
            (Some(_), _) => Kept::new(Files::of(args), Files::server).map(|kept| Some(Self(kept))),
        }
    }

    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.0.current(clock::instant())
    }
}

/// What a client believes, and shows when it is asked.
pub(super) struct ClientTls(Kept<ClientConfig>);

impl ClientTls {
    pub(super) fn new(args: &GrpcArgs) -> Result<Self, TlsError> {
        // The authority of our callers is no affair of those we call.
        let files = Files { client_ca: None, ..Files::of(args) };
        Kept::new(files, Files::client).map(Self)
    }

    pub(super) fn config(&self) -> Arc<ClientConfig> {
        self.0.current(clock::instant())
    }
}

#[cfg(test)]
mod tests {
    use weir_testkit::{pki::Authority, scratch::Scratch};

    use super::*;

    fn write(dir: &Path) {
        Authority::new("test").unwrap().server(&[]).unwrap().write(dir, "tls").unwrap();
    }

    fn args(dir: &Path) -> GrpcArgs {
        GrpcArgs { grpc_tls_dir: Some(dir.to_owned()), ..GrpcArgs::default() }
    }

    #[test]
    fn a_rotation_is_seen_and_nonsense_changes_nothing() {
        let dir = Scratch::new("tls").unwrap();
        write(dir.path());
        let tls = ServerTls::new(&args(dir.path())).unwrap().unwrap();
        let now = clock::instant();
        let first = tls.0.current(now);
        write(dir.path());
        assert!(Arc::ptr_eq(&first, &tls.0.current(now)), "not read at every handshake");
        let second = tls.0.current(now + REREAD);
        assert!(!Arc::ptr_eq(&first, &second));
        assert!(Arc::ptr_eq(&second, &tls.0.current(now + 2 * REREAD)), "unchanged");
        std::fs::write(dir.path().join("tls.key"), "nonsense").unwrap();
        assert!(Arc::ptr_eq(&second, &tls.0.current(now + 3 * REREAD)));
        std::fs::remove_file(dir.path().join("tls.key")).unwrap();
        assert!(Arc::ptr_eq(&second, &tls.0.current(now + 4 * REREAD)));
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let dir = Scratch::new("tls").unwrap();
        let said = |args: &GrpcArgs| ServerTls::new(args).unwrap_err().to_string();
        assert!(said(&args(dir.path())).contains("tls.crt: is the Secret mounted there?"));
        write(dir.path());
        std::fs::write(dir.path().join("tls.crt"), "").unwrap();
        assert!(said(&args(dir.path())).ends_with("tls.crt holds no certificate in PEM"));
        write(dir.path());
        let mut strict = args(dir.path());
        strict.grpc_client_ca = Some(dir.path().join("tls.key"));
        assert!(said(&strict).contains("tls.key holds no certificate"));
        strict.grpc_tls_dir = None;
        assert!(matches!(ServerTls::new(&strict), Err(TlsError::NoCertificate)));
        assert!(ServerTls::new(&GrpcArgs::default()).unwrap().is_none());
    }
}
