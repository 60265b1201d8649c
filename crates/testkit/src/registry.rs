//! Debian's docker-registry with a directory of its own, and pushes to it.

mod push;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::background;
use crate::packages;
use crate::pki::Authority;
use crate::port::{self, Port};
use crate::process::{Process, Program};
use crate::scratch::Scratch;

pub use push::{Image, Layer, tar_gz};

/// The one user a registry with passwords knows.
pub const USER: &str = "weir";
/// That user's password.
pub const PASSWORD: &str = "weir-registry-password";
/// The password as htpasswd keeps it (bcrypt, cost 4: it guards nothing).
const HTPASSWD: &str = "weir:$2a$04$CRJivjreH8m3afVcda/eTOGOYtIwWnmqTVsrBVj1yq3133hMzlChq\n";

/// How a registry is guarded.
#[derive(Clone, Copy, Debug, Default)]
pub struct RegistryOptions {
    /// Ask for [`USER`] and [`PASSWORD`].
    pub auth: bool,
    /// Serve https with a certificate of an authority of our own.
    pub tls: bool,
    /// Ask for a client certificate of that authority, too.
    pub client_tls: bool,
}

/// A running registry.
#[derive(Debug)]
pub struct Registry {
    process: Process,
    port: Port,
    options: RegistryOptions,
    authority: Authority,
    http: reqwest::Client,
    dir: Scratch,
}

impl Registry {
    /// Open to everyone, over http.
    pub async fn start() -> Result<Self> {
        Self::with(RegistryOptions::default()).await
    }

    /// Guarded as `options` say.
    pub async fn with(options: RegistryOptions) -> Result<Self> {
        background::run(Self::launch(options)).await
    }

    async fn launch(options: RegistryOptions) -> Result<Self> {
        let program = packages::require(packages::REGISTRY)?;
        let dir = Scratch::new("registry")?;
        let port = Port::reserve()?;
        let authority = Authority::new("weir-registry")?;
        let mut http = json!({"addr": port.address(), "secret": "testkit"});
        let mut config = json!({
            "version": "0.1", "log": {"level": "info", "accesslog": {"disabled": false}},
            "storage": {"filesystem": {"rootdirectory": dir.path().join("data")}, "delete": {"enabled": true}},
        });
        if options.tls || options.client_tls {
            let (certificate, key) = authority.server(&[])?.write(dir.path(), "server")?;
            let ca = dir.path().join("ca.crt");
            std::fs::write(&ca, authority.pem())?;
            let mut tls = json!({"certificate": certificate, "key": key});
            if options.client_tls {
                tls["clientcas"] = json!([ca]);
            }
            http["tls"] = tls;
        }
        if options.auth {
            let file = dir.path().join("htpasswd");
            std::fs::write(&file, HTPASSWD)?;
            config["auth"] = json!({"htpasswd": {"realm": "testkit", "path": file}});
        }
        config["http"] = http;
        let file = dir.path().join("config.yml");
        std::fs::write(&file, serde_json::to_string_pretty(&config)?)?;
        let program = Program::new("docker-registry", program).args(["serve".as_ref(), file.as_os_str()]);
        let mut process = Process::start(&program, dir.path())?;
        let address = port.address();
        background::until("docker-registry", Duration::from_secs(20), || port::is_open(&address)).await.with_context(
            || {
                process
                    .expect_running()
                    .err()
                    .map(|error| error.to_string())
                    .unwrap_or_else(|| "it runs but does not listen".into())
            },
        )?;
        let http = push::client(&authority, options)?;
        Ok(Self { process, port, options, authority, http, dir })
    }

    /// `127.0.0.1:<port>`.
    pub fn address(&self) -> String {
        self.port.address()
    }

    /// `oci://127.0.0.1:<port>/<repository>`.
    pub fn url(&self, repository: &str) -> String {
        format!("oci://{}/{repository}", self.port.address())
    }

    /// The authority of its certificate, PEM.
    pub fn ca(&self) -> &str {
        self.authority.pem()
    }

    /// A client certificate it accepts.
    pub fn client(&self) -> Result<crate::pki::Identity> {
        self.authority.client("registry-client")
    }

    /// Its log so far, the requests among it.
    pub fn log(&self) -> String {
        crate::process::tail(self.process.log(), 1000)
    }

    /// Its directory.
    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }
}
