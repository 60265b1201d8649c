//! Git over SSH: one connection, one `git-upload-pack`, host keys checked before anything of ours is said.

use std::{
    borrow::Cow,
    sync::{Arc, Mutex},
    time::Duration,
};

use russh::{
    ChannelMsg, ChannelReadHalf, ChannelWriteHalf,
    client::{self, Handle, Msg},
    keys::{Algorithm, HashAlg, PrivateKeyWithHashAlg, PublicKeyOrCertificate},
};
use tokio::io::{AsyncWrite, AsyncWriteExt, DuplexStream};

use super::proxy;
use crate::{
    Error,
    auth::{Proxy, SshCredentials},
    error::clean,
    known_hosts::{KnownHosts, Verdict},
    options::Options,
    remote::Remote,
    wire::{PacketReader, remote_error},
};

/// A way to one repository over SSH.
pub(crate) struct SshLink {
    host: String,
    handle: Handle<Judge>,
    writer: std::pin::Pin<Box<dyn AsyncWrite + Send>>,
    output: Option<DuplexStream>,
    /// What `git-upload-pack` wrote to its standard error, cut, and how it ended.
    notes: Arc<Mutex<Notes>>,
    pump: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Notes {
    stderr: Vec<u8>,
    status: Option<u32>,
}

/// Judges host keys, and remembers why it refused.
struct Judge {
    host: String,
    port: u16,
    known: KnownHosts,
    refusal: Arc<Mutex<Option<Error>>>,
}

impl client::Handler for Judge {
    type Error = russh::Error;

    async fn check_server_key(&mut self, shown: &PublicKeyOrCertificate) -> Result<bool, Self::Error> {
        // Certificates are not asked for, so one is not answered with trust.
        let PublicKeyOrCertificate::PublicKey { key, .. } = shown else { return Ok(false) };
        let host = if self.port == 22 { self.host.clone() } else { format!("[{}]:{}", self.host, self.port) };
        let (algorithm, fingerprint) = (key.algorithm().to_string(), key.fingerprint(HashAlg::Sha256).to_string());
        let refusal = match self.known.check(&self.host, self.port, key) {
            Verdict::Known => return Ok(true),
            Verdict::UnknownHost => Error::UnknownHost { host, algorithm, fingerprint },
            Verdict::Mismatch => Error::HostKeyChanged { host, algorithm, fingerprint },
        };
        if let Ok(mut slot) = self.refusal.lock() {
            *slot = Some(refusal);
        }
        Ok(false)
    }
}

impl SshLink {
    /// Connects, checks the host, authenticates and starts `git-upload-pack`.
    pub(crate) async fn open(
        remote: &Remote,
        who: &SshCredentials,
        via: Option<&Proxy>,
        options: &Options,
    ) -> Result<Self, Error> {
        let host = remote.authority();
        let refusal = Arc::new(Mutex::new(None));
        let judge = Judge {
            host: remote.host().to_owned(),
            port: remote.port(),
            known: who.known_hosts.clone(),
            refusal: Arc::clone(&refusal),
        };
        let failed = |error: &russh::Error| {
            let refused = refusal.lock().ok().and_then(|mut slot| slot.take());
            refused.unwrap_or_else(|| Error::Network { host: host.clone(), reason: error.to_string() })
        };
        let stream = proxy::connect(via, remote.host(), remote.port()).await?;
        let config = Arc::new(config(remote, who, options)?);
        let mut handle = client::connect_stream(config, stream, judge).await.map_err(|e| failed(&e))?;
        authenticate(&mut handle, who, &host).await?;
        let channel = handle.channel_open_session().await.map_err(|e| failed(&e))?;
        // Most servers do not let this through; then they speak version 0.
        channel.set_env(false, "GIT_PROTOCOL", "version=2").await.map_err(|e| failed(&e))?;
        let command = format!("git-upload-pack {}", quoted(&remote.path()?));
        channel.exec(true, command).await.map_err(|e| failed(&e))?;
        let writer: std::pin::Pin<Box<dyn AsyncWrite + Send>> = Box::pin(channel.make_writer());
        let (reading, writing) = channel.split();
        let (output, inner) = tokio::io::duplex(64 * 1024);
        let notes = Arc::new(Mutex::new(Notes::default()));
        let pump = tokio::spawn(pump(reading, writing, inner, Arc::clone(&notes)));
        Ok(Self { host, handle, writer, output: Some(output), notes, pump })
    }

    pub(crate) async fn greeting(&mut self) -> Result<PacketReader, Error> {
        let output = self
            .output
            .take()
            .ok_or_else(|| Error::Protocol { host: self.host.clone(), reason: "it was greeted twice".to_owned() })?;
        Ok(PacketReader::new(Box::new(output), self.host.clone()))
    }

    pub(crate) async fn write(&mut self, bytes: &[u8]) -> Result<(), Error> {
        let broken = |e: std::io::Error| Error::Network { host: self.host.clone(), reason: e.to_string() };
        self.writer.write_all(bytes).await.map_err(broken)?;
        self.writer.flush().await.map_err(broken)
    }

    /// Where the stream just ended, the server's standard error says why.
    pub(crate) async fn explain(&mut self, error: Error) -> Error {
        if !matches!(error, Error::Protocol { .. } | Error::Network { .. }) {
            return error;
        }
        let _ = tokio::time::timeout(Duration::from_secs(2), &mut self.pump).await;
        let Ok(notes) = self.notes.lock() else { return error };
        match (notes.stderr.trim_ascii(), notes.status) {
            (b"", None | Some(0)) => error,
            (b"", Some(status)) => Error::Remote {
                host: self.host.clone(),
                message: format!("git-upload-pack ended with status {status}"),
            },
            (text, _) => remote_error(&self.host, text.strip_prefix(b"fatal: ").unwrap_or(text)),
        }
    }

    pub(crate) async fn close(&mut self) {
        // A flush packet ends upload-pack; the disconnect need not be answered.
        let _ = self.writer.write_all(b"0000").await;
        let _ = self.handle.disconnect(russh::Disconnect::ByApplication, "", "").await;
    }
}

impl Drop for SshLink {
    fn drop(&mut self) {
        self.pump.abort();
    }
}

/// Moves what the server sends into the reader's stream, with the reader's pace, and keeps its notes.
async fn pump(
    mut reading: ChannelReadHalf,
    _writing: ChannelWriteHalf<Msg>,
    mut out: DuplexStream,
    notes: Arc<Mutex<Notes>>,
) {
    while let Some(message) = reading.wait().await {
        match message {
            // Nobody reads any more.
            ChannelMsg::Data { data } if out.write_all(&data).await.is_err() => return,
            ChannelMsg::ExtendedData { data, .. } => {
                if let Ok(mut notes) = notes.lock() {
                    let room = 4096usize.saturating_sub(notes.stderr.len());
                    notes.stderr.extend(data.iter().take(room));
                }
            }
            ChannelMsg::ExitStatus { exit_status } => {
                if let Ok(mut notes) = notes.lock() {
                    notes.status = Some(exit_status);
                }
            }
            ChannelMsg::Failure => {
                if let Ok(mut notes) = notes.lock()
                    && notes.stderr.is_empty()
                {
                    notes.stderr.extend(b"the server does not run git-upload-pack");
                }
                return;
            }
            _ => {}
        }
    }
}

async fn authenticate(handle: &mut Handle<Judge>, who: &SshCredentials, host: &str) -> Result<(), Error> {
    let broken = |e: russh::Error| Error::Network { host: host.to_owned(), reason: e.to_string() };
    let hash = if who.key.algorithm().is_rsa() {
        // No word from the server: servers without SHA-2 are older than the extension that says so.
        handle.best_supported_rsa_hash().await.map_err(broken)?.unwrap_or(Some(HashAlg::Sha512))
    } else {
        None
    };
    let key = PrivateKeyWithHashAlg::new(Arc::clone(&who.key), hash);
    let result = handle.authenticate_publickey(who.user.clone(), key).await.map_err(broken)?;
    if result.success() {
        return Ok(());
    }
    Err(Error::Unauthorized {
        host: host.to_owned(),
        detail: format!("{} key refused for user {}", who.key.algorithm(), clean(who.user.as_bytes())),
        next: "check that the identity in the secret is registered there, for example as a deploy key",
    })
}

fn config(remote: &Remote, who: &SshCredentials, options: &Options) -> Result<client::Config, Error> {
    let mut preferred = russh::Preferred::DEFAULT;
    if !options.ssh_kex_algorithms.is_empty() {
        let named = kex_algorithms(&options.ssh_kex_algorithms)?;
        // The markers in the list switch extensions on: they are no algorithms and stay.
        let markers = preferred
            .kex
            .iter()
            .filter(|name| name.as_ref().starts_with("ext-info") || name.as_ref().starts_with("kex-strict"));
        preferred.kex = Cow::Owned(named.into_iter().chain(markers.copied()).collect());
    }
    if !options.ssh_host_key_algorithms.is_empty() {
        preferred.key = Cow::Owned(host_key_algorithms(&options.ssh_host_key_algorithms)?);
    }
    // Ask only for keys that can be checked: a host may have several, and we know perhaps one.
    let known = who.known_hosts.algorithms(remote.host(), remote.port());
    let checkable: Vec<Algorithm> = preferred
        .key
        .iter()
        .filter(|algorithm| {
            known.iter().any(|k| k == *algorithm || (k.clone().is_rsa() && (*algorithm).clone().is_rsa()))
        })
        .cloned()
        .collect();
    if !checkable.is_empty() {
        preferred.key = Cow::Owned(checkable);
    }
    Ok(client::Config {
        preferred,
        keepalive_interval: Some(Duration::from_secs(15)),
        keepalive_max: 4,
        // Two packets in flight are enough to keep a line busy, and cost little when it idles.
        window_size: 1024 * 1024,
        channel_buffer_size: 16,
        nodelay: true,
        ..client::Config::default()
    })
}

/// `--ssh-kex-algos` by name.
pub(crate) fn kex_algorithms(names: &[String]) -> Result<Vec<russh::kex::Name>, Error> {
    names
        .iter()
        .map(|name| {
            russh::kex::Name::try_from(name.trim()).ok().filter(|_| name.trim() != "none").ok_or_else(|| {
                Error::Option { name: "--ssh-kex-algos", reason: format!("key exchange {name:?} is not known") }
            })
        })
        .collect()
}

/// `--ssh-hostkey-algos` by name.
pub(crate) fn host_key_algorithms(names: &[String]) -> Result<Vec<Algorithm>, Error> {
    names
        .iter()
        .map(|name| match Algorithm::new(name.trim()) {
            Ok(algorithm) if !matches!(algorithm, Algorithm::Other(_)) => Ok(algorithm),
            _ => Err(Error::Option {
                name: "--ssh-hostkey-algos",
                reason: format!("host key algorithm {name:?} is not known"),
            }),
        })
        .collect()
}

/// A path that a shell takes as one word, as Git quotes it.
fn quoted(path: &str) -> String {
    let mut out = String::from("'");
    for c in path.chars() {
        match c {
            '\'' | '!' => {
                out.push_str("'\\");
                out.push(c);
                out.push('\'');
            }
            other => out.push(other),
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_one_word() {
        assert_eq!(quoted("/a b.git"), "'/a b.git'");
        assert_eq!(quoted("/a'; rm -rf / #"), r"'/a'\''; rm -rf / #'");
        assert_eq!(quoted("/$(id)!"), r"'/$(id)'\!''");
        // A real shell agrees.
        for path in ["/a'b", "/`id`", "/$HOME", "/a\"b", "/!x", "--upload-pack=x", "/\\'"] {
            let out =
                std::process::Command::new("sh").arg("-c").arg(format!("printf %s {}", quoted(path))).output().unwrap();
            assert_eq!(String::from_utf8(out.stdout).unwrap(), path);
        }
    }

    #[test]
    fn algorithm_names() {
        let list = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert_eq!(kex_algorithms(&list(&["curve25519-sha256", "ecdh-sha2-nistp256"])).unwrap().len(), 2);
        assert!(kex_algorithms(&list(&["none"])).is_err());
        assert!(kex_algorithms(&list(&["nonsense"])).is_err());
        assert_eq!(host_key_algorithms(&list(&["ssh-ed25519", "rsa-sha2-512", "ssh-rsa"])).unwrap().len(), 3);
        assert!(host_key_algorithms(&list(&["nonsense"])).is_err());
    }
}
