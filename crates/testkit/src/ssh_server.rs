//! A real sshd for clones over ssh, with host keys and one user key of its own.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::background;
use crate::packages;
use crate::port::{self, Port};
use crate::process::{Process, Program};
use crate::scratch::Scratch;

/// Kind of a key, as ssh-keygen names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    /// Ed25519.
    Ed25519,
    /// ECDSA on P-256.
    Ecdsa,
    /// RSA, 3072 bits.
    Rsa,
}

impl KeyType {
    fn args(self) -> &'static [&'static str] {
        match self {
            Self::Ed25519 => &["-t", "ed25519"],
            Self::Ecdsa => &["-t", "ecdsa", "-b", "256"],
            Self::Rsa => &["-t", "rsa", "-b", "3072"],
        }
    }
}

/// An SSH key pair.
#[derive(Clone)]
pub struct SshKey {
    /// Private half, OpenSSH format.
    pub private: String,
    /// Public half, one line.
    pub public: String,
}

impl std::fmt::Debug for SshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SshKey")
    }
}

impl SshKey {
    /// A new pair, encrypted when there is a password.
    pub fn generate(key_type: KeyType, password: &str) -> Result<Self> {
        let dir = Scratch::new("ssh-key")?;
        let file = dir.path().join("id");
        let program = packages::require(packages::SSH_KEYGEN)?;
        let output = Command::new(program)
            .args(["-q", "-C", "", "-N", password])
            .args(key_type.args())
            .arg("-f")
            .arg(&file)
            .output()?;
        anyhow::ensure!(output.status.success(), "ssh-keygen: {}", String::from_utf8_lossy(&output.stderr));
        let public = std::fs::read_to_string(file.with_extension("pub"))?.trim().to_owned();
        Ok(Self { private: std::fs::read_to_string(&file)?, public })
    }
}

/// An SSH server for the repositories below a directory.
#[derive(Debug)]
pub struct SshServer {
    process: Process,
    port: Port,
    root: PathBuf,
    user: String,
    host_keys: Vec<SshKey>,
    client: SshKey,
    dir: Scratch,
}

impl SshServer {
    /// Serves the bare repositories in `root`, with host keys of all three types.
    pub async fn start(root: &Path) -> Result<Self> {
        let root = root.to_owned();
        background::run(Self::launch(root)).await
    }

    async fn launch(root: PathBuf) -> Result<Self> {
        let sshd = packages::require(packages::SSHD)?;
        let dir = Scratch::new("sshd")?;
        let port = Port::reserve()?;
        let client = SshKey::generate(KeyType::Ed25519, "")?;
        let authorized = dir.path().join("authorized_keys");
        crate::pki::write_private(&authorized, &format!("{}\n", client.public))?;
        let mut host_keys = Vec::new();
        let mut config = format!(
            "ListenAddress {}\nAuthorizedKeysFile {}\nPidFile none\nStrictModes no\nUsePAM no\nPasswordAuthentication no\n\
             KbdInteractiveAuthentication no\nPermitRootLogin prohibit-password\nPermitUserRC no\nX11Forwarding no\nUseDNS no\n\
             MaxStartups 100\nLogLevel VERBOSE\n",
            port.address(),
            authorized.display()
        );
        for (index, key_type) in [KeyType::Ed25519, KeyType::Ecdsa, KeyType::Rsa].into_iter().enumerate() {
            let key = SshKey::generate(key_type, "")?;
            let file = dir.path().join(format!("host-{index}"));
            crate::pki::write_private(&file, &key.private)?;
            config.push_str(&format!("HostKey {}\n", file.display()));
            host_keys.push(key);
        }
        let file = dir.path().join("sshd_config");
        std::fs::write(&file, config)?;
        if nix::unistd::getuid().is_root() {
            // sshd separates privileges into this directory; Debian's service makes it, and we do not start the service.
            std::fs::create_dir_all("/run/sshd").context("cannot create /run/sshd")?;
        }
        let program = Program::new("sshd", sshd).args(["-D".as_ref(), "-e".as_ref(), "-f".as_ref(), file.as_os_str()]);
        let mut process = Process::start(&program, dir.path())?;
        let address = port.address();
        background::until("sshd", Duration::from_secs(20), || port::is_open(&address)).await.with_context(|| {
            process
                .expect_running()
                .err()
                .map(|error| error.to_string())
                .unwrap_or_else(|| "it runs but does not listen".into())
        })?;
        let user = nix::unistd::User::from_uid(nix::unistd::getuid())?.context("we have no user name")?.name;
        Ok(Self { process, port, root, user, host_keys, client, dir })
    }

    /// Where the repository `name` is cloned from.
    pub fn url(&self, name: &str) -> String {
        format!("ssh://{}@{}{}/{name}.git", self.user, self.port.address(), self.root.display())
    }

    /// The key it lets in.
    pub fn client_key(&self) -> &SshKey {
        &self.client
    }

    /// Lets another key in as well.
    pub fn authorize(&self, key: &SshKey) -> Result<()> {
        let file = self.dir.path().join("authorized_keys");
        let text = std::fs::read_to_string(&file)?;
        crate::pki::write_private(&file, &format!("{text}{}\n", key.public))
    }

    /// Its host keys as lines of a known_hosts file.
    pub fn known_hosts(&self) -> String {
        self.known_hosts_of(&self.host_keys)
    }

    /// A known_hosts file that names this server with a key it does not have.
    pub fn wrong_known_hosts(&self) -> Result<String> {
        Ok(self.known_hosts_of(&[SshKey::generate(KeyType::Ed25519, "")?]))
    }

    fn known_hosts_of(&self, keys: &[SshKey]) -> String {
        keys.iter().map(|key| format!("[127.0.0.1]:{} {}\n", self.port.number(), key.public)).collect()
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        crate::process::tail(self.process.log(), 200)
    }
}
