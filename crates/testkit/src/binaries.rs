//! etcd, kube-apiserver and kube-controller-manager, built once from their Go modules and kept in the user's cache.
//!
//! Flow: a module without code of its own names the versions -> `go build` into a temporary name -> rename. An interrupted build leaves
//! nothing that looks finished, and Go's own cache makes the next try short. A lock file lets parallel runs wait for one builder.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use sha2::{Digest as _, Sha256};

/// Version of Kubernetes, as tagged.
pub const KUBERNETES: &str = "v1.36.3";
/// The same release under its staging modules' numbering.
const STAGING: &str = "v0.36.3";
/// Version of etcd, as tagged.
pub const ETCD: &str = "v3.6.16";
const GO: &str = "1.26.0";

/// Where the programs of a control plane are.
#[derive(Clone, Debug)]
pub struct Binaries {
    /// The store.
    pub etcd: PathBuf,
    /// The API server.
    pub apiserver: PathBuf,
    /// Garbage collection, Deployments, ServiceAccounts, namespaces.
    pub controller_manager: PathBuf,
}

struct Build {
    name: &'static str,
    module: &'static str,
    package: &'static str,
    ldflags: &'static str,
    version: &'static str,
}

const KUBERNETES_LDFLAGS: &str = "-s -w -X k8s.io/component-base/version.gitVersion=v1.36.3";
const BUILDS: [Build; 3] = [
    Build { name: "etcd", module: "etcd", package: "go.etcd.io/etcd/server/v3", ldflags: "-s -w", version: ETCD },
    Build {
        name: "kube-apiserver",
        module: "kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-apiserver",
        ldflags: KUBERNETES_LDFLAGS,
        version: KUBERNETES,
    },
    Build {
        name: "kube-controller-manager",
        module: "kubernetes",
        package: "k8s.io/kubernetes/cmd/kube-controller-manager",
        ldflags: KUBERNETES_LDFLAGS,
        version: KUBERNETES,
    },
];

/// Where the programs are; builds what is missing and says so line by line on stderr. `WEIR_CONTROL_PLANE` names a directory that already
/// holds all three and is used as it is.
pub fn ensure() -> Result<Binaries> {
    if let Some(dir) = std::env::var_os("WEIR_CONTROL_PLANE") {
        let found = at(Path::new(&dir));
        ensure!(
            complete(&found),
            "WEIR_CONTROL_PLANE={} lacks etcd, kube-apiserver or kube-controller-manager",
            dir.display()
        );
        return Ok(found);
    }
    let root = cache_root()?;
    let found = at(&root.join("bin"));
    if complete(&found) {
        return Ok(found);
    }
    std::fs::create_dir_all(root.join("bin")).with_context(|| format!("cannot create {}", root.display()))?;
    let lock = File::create(root.join("lock"))?;
    if lock.try_lock().is_err() {
        eprintln!("waiting for another run that builds the control plane in {}", root.display());
        lock.lock()?;
    }
    build_missing(&root)?;
    Ok(found)
}

/// `<cache>/weir/control-plane-<versions>`.
pub fn cache_root() -> Result<PathBuf> {
    let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => {
            PathBuf::from(std::env::var_os("HOME").context("HOME is not set; set it or XDG_CACHE_HOME")?).join(".cache")
        }
    };
    let digest = Sha256::digest(format!("{KUBERNETES} {STAGING} {ETCD} {GO} {KUBERNETES_LDFLAGS}"));
    let short: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    Ok(cache.join("weir").join(format!("control-plane-{KUBERNETES}-{short}")))
}

fn at(bin: &Path) -> Binaries {
    Binaries {
        etcd: bin.join("etcd"),
        apiserver: bin.join("kube-apiserver"),
        controller_manager: bin.join("kube-controller-manager"),
    }
}

fn complete(found: &Binaries) -> bool {
    [&found.etcd, &found.apiserver, &found.controller_manager].iter().all(|path| path.is_file())
}

fn build_missing(root: &Path) -> Result<()> {
    ensure!(
        crate::packages::find("go").is_some(),
        "go is not installed, and the control plane is built with it: install Go {GO} or newer from https://go.dev/dl"
    );
    let missing: Vec<&Build> = BUILDS.iter().filter(|build| !root.join("bin").join(build.name).is_file()).collect();
    eprintln!(
        "building a Kubernetes {KUBERNETES} control plane into {} (once; about 5 minutes on 2 cores)",
        root.display()
    );
    for (index, build) in missing.iter().enumerate() {
        let module = root.join(build.module);
        prepare_module(&module, build.module)?;
        let target = root.join("bin").join(build.name);
        let unfinished = root.join(format!(".{}-{}", build.name, std::process::id()));
        let label = format!("[{}/{}] {} {}", index + 1, missing.len(), build.name, build.version);
        let built = go(
            &module,
            &label,
            &["build", "-o", &unfinished.to_string_lossy(), "-ldflags", build.ldflags, build.package],
        );
        if let Err(error) = built {
            let _ = std::fs::remove_file(&unfinished);
            return Err(error);
        }
        std::fs::rename(&unfinished, &target).with_context(|| format!("cannot move {} into place", build.name))?;
    }
    Ok(())
}

/// Writes the module's go.mod and lets Go complete it. A module that is complete is left alone.
fn prepare_module(dir: &Path, name: &str) -> Result<()> {
    let done = dir.join(".tidy");
    if done.is_file() {
        return Ok(());
    }
    std::fs::create_dir_all(dir)?;
    let text = match name {
        "etcd" => format!(
            "module weir.dev/etcd\n\ngo {GO}\n\nrequire go.etcd.io/etcd/server/v3 {ETCD}\n\ntool go.etcd.io/etcd/server/v3\n"
        ),
        _ => kubernetes_module(dir)?,
    };
    std::fs::write(dir.join("go.mod"), text)?;
    go(dir, &format!("resolving the modules of {name}"), &["mod", "tidy"])?;
    std::fs::write(done, "")?;
    Ok(())
}

/// Kubernetes' own go.mod replaces its staging modules by folders; published, each of them is a module of the matching version.
fn kubernetes_module(dir: &Path) -> Result<String> {
    let query = Command::new("go")
        .args(["mod", "download", "-json", &format!("k8s.io/kubernetes@{KUBERNETES}")])
        .current_dir(dir.parent().unwrap_or(dir))
        .env("GOFLAGS", "-mod=mod")
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run go")?;
    let reply: serde_json::Value = serde_json::from_slice(&query.stdout).unwrap_or_default();
    let Some(file) = reply.get("GoMod").and_then(|path| path.as_str()) else {
        bail!(
            "go could not fetch k8s.io/kubernetes {KUBERNETES}: {}; is GOPROXY reachable?",
            reply.get("Error").unwrap_or(&query.status.to_string().into())
        );
    };
    let theirs = std::fs::read_to_string(file).with_context(|| format!("cannot read {file}"))?;
    let staging: Vec<&str> = theirs
        .lines()
        .filter_map(|line| line.trim().trim_start_matches("replace ").split_once(" => "))
        .filter(|(_, target)| target.starts_with("./staging/"))
        .map(|(name, _)| name.trim())
        .collect();
    ensure!(
        !staging.is_empty(),
        "k8s.io/kubernetes {KUBERNETES} replaces no staging module; this recipe no longer fits it"
    );
    let replace: String = staging.iter().map(|name| format!("\t{name} => {name} {STAGING}\n")).collect();
    Ok(format!(
        "module weir.dev/control-plane\n\ngo {GO}\n\nrequire k8s.io/kubernetes {KUBERNETES}\n\nreplace (\n{replace})\n\n\
         tool (\n\tk8s.io/kubernetes/cmd/kube-apiserver\n\tk8s.io/kubernetes/cmd/kube-controller-manager\n)\n"
    ))
}

/// Runs go in `dir`, with a line every fifteen seconds so that nobody takes a long build for a hang.
#[allow(clippy::disallowed_methods, reason = "progress of a build is told in wall time")]
fn go(dir: &Path, label: &str, args: &[&str]) -> Result<()> {
    eprintln!("{label} …");
    let log = dir.join("go.log");
    let output = File::create(&log)?;
    let mut child = Command::new("go")
        .args(args)
        .current_dir(dir)
        .env("CGO_ENABLED", "0")
        .env("GOFLAGS", "-mod=mod")
        .env("GOWORK", "off")
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .context("cannot run go")?;
    let begin = Instant::now();
    let mut next = Duration::from_secs(15);
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        std::thread::sleep(Duration::from_millis(100));
        if begin.elapsed() >= next {
            eprintln!("{label} … {} s", begin.elapsed().as_secs());
            next += Duration::from_secs(15);
        }
    };
    if !status.success() {
        bail!("{label}: go failed ({status}); the end of {}:\n{}", log.display(), crate::process::tail(&log, 20));
    }
    eprintln!("{label}: done in {} s", begin.elapsed().as_secs());
    Ok(())
}
