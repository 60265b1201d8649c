//! Files and arguments of the three programs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use serde_json::json;

use crate::audit;
use crate::binaries::Binaries;
use crate::pki::{self, Authority, write_private};
use crate::port::Port;
use crate::process::Program;

/// Name of the store's log and pid file.
pub const ETCD: &str = "etcd";
/// Name of the API server's log and pid file.
pub const API_SERVER: &str = "kube-apiserver";
/// Name of the controllers' log and pid file.
pub const CONTROLLER_MANAGER: &str = "kube-controller-manager";

/// Everything written, ready to start.
pub(super) struct Launch {
    pub etcd: Program,
    pub apiserver: Program,
    pub controller_manager: Program,
    pub kubeconfig: PathBuf,
    pub audit: PathBuf,
}

impl Launch {
    /// Writes keys, tokens, policy and kubeconfig into `dir` and decides the command lines.
    pub fn write(dir: &Path, bins: &Binaries, ports: &[Port]) -> Result<Self> {
        let [client, peer, secure, controllers] = ports else { anyhow::bail!("a control plane takes four ports") };
        let authority = Authority::new("weir-control-plane")?;
        let (certificate, key) =
            authority.server(&["kubernetes", "kubernetes.default.svc"])?.write(dir, "apiserver")?;
        let ca = dir.join("ca.crt");
        write_private(&ca, authority.pem())?;
        let (signing, verifying) = pki::signing_key()?;
        let (sa_key, sa_pub) = (dir.join("sa.key"), dir.join("sa.pub"));
        write_private(&sa_key, &signing)?;
        write_private(&sa_pub, &verifying)?;
        let token = pki::token()?;
        let tokens = dir.join("tokens.csv");
        write_private(&tokens, &format!("{token},admin,admin,\"system:masters\"\n"))?;
        let kubeconfig = dir.join("kubeconfig");
        write_private(&kubeconfig, &admin_kubeconfig(&secure.address(), authority.pem(), &token)?)?;
        let policy = dir.join("audit-policy.json");
        write_private(&policy, &audit::policy().to_string())?;
        let audit = dir.join("audit.log");

        let etcd = Program::new(ETCD, &bins.etcd).args([
            format!("--data-dir={}", dir.join("etcd").display()),
            format!("--listen-client-urls=http://{}", client.address()),
            format!("--advertise-client-urls=http://{}", client.address()),
            format!("--listen-peer-urls=http://{}", peer.address()),
            "--unsafe-no-fsync".to_owned(),
            "--log-level=warn".to_owned(),
        ]);
        let file = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
        let apiserver = Program::new(API_SERVER, &bins.apiserver).args([
            format!("--etcd-servers=http://{}", client.address()),
            format!("--secure-port={}", secure.number()),
            "--bind-address=127.0.0.1".to_owned(),
            file("cert-dir", dir),
            file("tls-cert-file", &certificate),
            file("tls-private-key-file", &key),
            "--service-account-issuer=https://kubernetes.default.svc".to_owned(),
            file("service-account-key-file", &sa_pub),
            file("service-account-signing-key-file", &sa_key),
            file("token-auth-file", &tokens),
            "--authorization-mode=RBAC".to_owned(),
            "--service-cluster-ip-range=10.96.0.0/16".to_owned(),
            "--profiling=false".to_owned(),
            file("audit-policy-file", &policy),
            file("audit-log-path", &audit),
            "--max-requests-inflight=3000".to_owned(),
            "--max-mutating-requests-inflight=1000".to_owned(),
        ]);
        let controller_manager = Program::new(CONTROLLER_MANAGER, &bins.controller_manager).args([
            file("kubeconfig", &kubeconfig),
            file("root-ca-file", &ca),
            file("service-account-private-key-file", &sa_key),
            "--use-service-account-credentials".to_owned(),
            "--leader-elect=false".to_owned(),
            format!("--secure-port={}", controllers.number()),
            "--bind-address=127.0.0.1".to_owned(),
            file("cert-dir", dir),
            "--kube-api-qps=500".to_owned(),
            "--kube-api-burst=1000".to_owned(),
        ]);
        ensure!(dir.is_absolute(), "{} is not an absolute path", dir.display());
        Ok(Self { etcd, apiserver, controller_manager, kubeconfig, audit })
    }
}

fn admin_kubeconfig(address: &str, ca: &str, token: &str) -> Result<String> {
    let ca = base64::engine::general_purpose::STANDARD.encode(ca);
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "weir",
        "clusters": [{"name": "weir", "cluster": {"server": format!("https://{address}"), "certificate-authority-data": ca}}],
        "users": [{"name": "admin", "user": {"token": token}}],
        "contexts": [{"name": "weir", "context": {"cluster": "weir", "user": "admin"}}],
    });
    serde_json::to_string_pretty(&config).context("a kubeconfig is plain JSON")
}
