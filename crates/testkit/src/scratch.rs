//! Temporary directories that go away with the process, however it ends, and stay when a test failed.
//!
//! All directories of a process lie in one base. A small shell, the janitor, holds the read end of a pipe from this process: the pipe
//! closes when the process ends, also by SIGKILL, and the janitor deletes the base unless it was marked to be kept.

use std::path::{Path, PathBuf};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::{Context, Result};
use std::os::unix::process::CommandExt as _;

/// Marks the base as one to keep.
const KEEP: &str = ".keep";

struct Base {
    path: PathBuf,
    _janitor: ChildStdin,
}

/// A directory of its own, removed when dropped unless something failed.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
}

impl Scratch {
    /// A new empty directory whose name starts with `name`.
    pub fn new(name: &str) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let path = base()?.path.join(format!("{name}-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        std::fs::create_dir_all(&path).with_context(|| format!("cannot create {}", path.display()))?;
        Ok(Self { path })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if !KEPT.load(Ordering::Relaxed) && !std::thread::panicking() {
            let _ = std::fs::remove_dir_all(&self.path);
        }
    }
}

static KEPT: AtomicBool = AtomicBool::new(false);

/// Keeps every directory of this process, logs included, and says where.
pub fn keep() {
    if let Ok(base) = base()
        && !KEPT.swap(true, Ordering::Relaxed)
    {
        let _ = std::fs::write(base.path.join(KEEP), "");
        eprintln!("logs of the servers are kept in {}", base.path.display());
    }
}

fn base() -> Result<&'static Base> {
    static BASE: OnceLock<std::result::Result<Base, String>> = OnceLock::new();
    BASE.get_or_init(|| create_base().map_err(|error| format!("{error:#}")))
        .as_ref()
        .map_err(|text| anyhow::anyhow!("{text}"))
}

fn create_base() -> Result<Base> {
    let path = tempfile::Builder::new()
        .prefix("weir-")
        .tempdir()
        .context("cannot create a temporary directory; is TMPDIR writable?")?
        .keep();
    if std::env::var_os("WEIR_KEEP").is_some() {
        std::fs::write(path.join(KEEP), "")?;
        KEPT.store(true, Ordering::Relaxed);
        eprintln!("WEIR_KEEP is set; the servers work in {}", path.display());
    }
    let script = "cat >/dev/null; sleep 0.5; [ -e \"$1/.keep\" ] || rm -rf -- \"$1\"";
    let mut janitor = Command::new("sh")
        .args(["-c", script, "weir-testkit-janitor"])
        .arg(&path)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .current_dir("/")
        .process_group(0)
        .spawn()
        .context("cannot start sh")?;
    let pipe = janitor.stdin.take().context("the janitor has no stdin")?;
    let previous = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        keep();
        previous(info);
    }));
    Ok(Base { path, _janitor: pipe })
}
