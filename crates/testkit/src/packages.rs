//! Debian packages that tests need and a bare machine may lack.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Mutex;

use anyhow::{Context, Result};

/// A program and the Debian package that brings it.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// Name of the program.
    pub program: &'static str,
    /// Name of the package.
    pub package: &'static str,
}

/// Git and its CGI.
pub const GIT: Tool = Tool { program: "git", package: "git" };
/// The registry.
pub const REGISTRY: Tool = Tool { program: "docker-registry", package: "docker-registry" };
/// The SSH server.
pub const SSHD: Tool = Tool { program: "sshd", package: "openssh-server" };
/// Keys for it.
pub const SSH_KEYGEN: Tool = Tool { program: "ssh-keygen", package: "openssh-client" };

/// Where `tool` is. Installs its package with apt-get when we are root, else says which command does.
pub fn require(tool: Tool) -> Result<PathBuf> {
    if let Some(path) = find(tool.program) {
        return Ok(path);
    }
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if let Some(path) = find(tool.program) {
        return Ok(path);
    }
    let by_hand = format!("apt-get install -y --no-install-recommends {}", tool.package);
    anyhow::ensure!(nix::unistd::getuid().is_root(), "{} is not installed; run: sudo {by_hand}", tool.program);
    eprintln!("installing the Debian package {}", tool.package);
    let install = || apt(&["install", "-y", "--no-install-recommends", tool.package]);
    if !install()? {
        apt(&["update"])?;
        anyhow::ensure!(install()?, "{} could not be installed; run: {by_hand}", tool.package);
    }
    find(tool.program).with_context(|| format!("{} brought no {}", tool.package, tool.program))
}

/// Looks on `PATH` and where Debian keeps servers.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .map(|dir| dir.join(program))
        .find(|file| file.is_file())
}

fn apt(args: &[&str]) -> Result<bool> {
    let status = Command::new("apt-get")
        .args(["-o", "DPkg::Lock::Timeout=120", "-qq"])
        .args(args)
        // Debian starts a service when its package is installed; tests want the program, not a server on port 5000.
        .env("RUNLEVEL", "1")
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .context("cannot run apt-get; install the packages of the README by hand")?;
    Ok(status.success())
}
