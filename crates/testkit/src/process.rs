//! Server processes that never outlive whoever started them, unless asked to.

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// What to start.
#[derive(Clone, Debug)]
pub struct Program {
    name: String,
    path: PathBuf,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    unset: Vec<OsString>,
}

impl Program {
    /// `name` names its log.
    pub fn new(name: &str, path: impl Into<PathBuf>) -> Self {
        Self { name: name.into(), path: path.into(), args: Vec::new(), env: Vec::new(), unset: Vec::new() }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<S: Into<OsString>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.env.push((name.into(), value.into()));
        self
    }

    /// Hides an environment variable of ours from it.
    #[must_use]
    pub fn env_remove(mut self, name: impl Into<OsString>) -> Self {
        self.unset.push(name.into());
        self
    }

    fn command(&self, log: &Path, dir: &Path, dies_with_us: bool) -> Result<Command> {
        let out = File::options()
            .create(true)
            .append(true)
            .open(log)
            .with_context(|| format!("cannot write the log of {}", self.name))?;
        let mut command = if dies_with_us {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "--"]).arg(&self.path);
            command
        } else {
            Command::new(&self.path)
        };
        // What is hidden is ours; what was set for the server stays.
        for name in &self.unset {
            command.env_remove(name);
        }
        command.args(&self.args).envs(self.env.iter().map(|(k, v)| (k, v))).current_dir(dir);
        // A group of its own: Ctrl-C in the terminal reaches us alone, and we stop the servers in order.
        command.process_group(0).stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out);
        Ok(command)
    }
}

/// A running server. Dropping it kills it; so does the end of this process, however it comes.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `program` in `dir`, its output in `dir/<name>.log`.
    pub fn start(program: &Program, dir: &Path) -> Result<Self> {
        let log = dir.join(format!("{}.log", program.name));
        let mut command = program.command(&log, dir, true)?;
        // The kernel's parent-death signal is sent when the *thread* that forked ends; tests' threads do, this one never.
        let child = on_spawner(move || command.spawn()).with_context(|| {
            format!("cannot start {}: {} (by setpriv of util-linux)", program.name, program.path.display())
        })?;
        Ok(Self { name: program.name.clone(), child, log })
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where its output goes.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// True while it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Fails with the end of its log when it has ended.
    pub fn expect_running(&mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            anyhow::bail!("{} ended with {status}; the end of its log:\n{}", self.name, tail(&self.log, 25));
        }
        Ok(())
    }

    /// SIGKILL, as the kernel's out-of-memory killer would send it.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it from scheduling (SIGSTOP), as a starved node would.
    pub fn pause(&self) {
        self.signal(Signal::SIGSTOP);
    }

    /// Lets it run again after [`Process::pause`].
    pub fn unpause(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// SIGTERM, then SIGKILL after `grace`. Returns how it ended, `None` when it had to be killed.
    pub async fn stop(&mut self, grace: Duration) -> Option<ExitStatus> {
        self.signal(Signal::SIGTERM);
        let end = tokio::time::Instant::now() + grace;
        while tokio::time::Instant::now() < end {
            if let Ok(Some(status)) = self.child.try_wait() {
                return Some(status);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        self.kill();
        None
    }

    fn signal(&self, signal: Signal) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(pid), signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A server that outlives us, known by what stands in its pid file.
#[derive(Debug)]
pub struct Detached;

impl Detached {
    /// Starts `program` in `dir` and writes `dir/<name>.pid`.
    pub fn start(program: &Program, dir: &Path) -> Result<()> {
        let mut command = program.command(&dir.join(format!("{}.log", program.name)), dir, false)?;
        let child = command.spawn().with_context(|| format!("cannot start {}", program.path.display()))?;
        let started = started(child.id()).with_context(|| format!("{} ended at once", program.name))?;
        std::fs::write(dir.join(format!("{}.pid", program.name)), format!("{} {started}\n", child.id()))?;
        Ok(())
    }

    /// The pid in `dir/<name>.pid`, if that very process (not a later one of the same number) still runs.
    pub fn pid(dir: &Path, name: &str) -> Option<u32> {
        let text = std::fs::read_to_string(dir.join(format!("{name}.pid"))).ok()?;
        let (pid, start) = text.trim().split_once(' ')?;
        let pid = pid.parse().ok()?;
        (started(pid)? == start.parse::<u64>().ok()?).then_some(pid)
    }

    /// Ends it: SIGTERM, and SIGKILL after ten seconds. True when there was something to end.
    pub fn stop(dir: &Path, name: &str) -> bool {
        let Some(pid) = Self::pid(dir, name) else { return false };
        let target = Pid::from_raw(i32::try_from(pid).unwrap_or(i32::MAX));
        let _ = kill(target, Signal::SIGTERM);
        for _ in 0..500 {
            if Self::pid(dir, name).is_none() {
                return true;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = kill(target, Signal::SIGKILL);
        true
    }
}

/// When process `pid` started, in clock ticks since boot; `None` when it is gone or a zombie.
fn started(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace();
    if fields.next()? == "Z" {
        return None;
    }
    fields.nth(18)?.parse().ok()
}

/// The last `lines` lines of a log.
pub fn tail(log: &Path, lines: usize) -> String {
    let text = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all.get(all.len().saturating_sub(lines)..).unwrap_or_default().join("\n")
}

/// Runs `work` on a thread that lives as long as the process.
fn on_spawner<T: Send + 'static>(work: impl FnOnce() -> std::io::Result<T> + Send + 'static) -> std::io::Result<T> {
    type Job = Box<dyn FnOnce() + Send>;
    static SPAWNER: OnceLock<Sender<Job>> = OnceLock::new();
    let spawner = SPAWNER.get_or_init(|| {
        let (jobs, queue) = channel::<Job>();
        std::thread::Builder::new()
            .name("testkit-spawner".into())
            .spawn(move || queue.into_iter().for_each(|job| job()))
            .expect("a thread can be started");
        jobs
    });
    let (reply, result) = channel();
    let gone = || std::io::Error::other("the spawner thread is gone");
    spawner.send(Box::new(move || drop(reply.send(work())))).map_err(|_| gone())?;
    result.recv().map_err(|_| gone())?
}
