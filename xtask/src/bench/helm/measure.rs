//! One process: its time, its processor time, its peak of memory, and whether it prints what helm printed.
//!
//! The kernel tells the memory of children as one number, so each runs below a process of its own: this program as
//! `bench measured`.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use nix::sys::resource::{UsageWho, getrusage};

use super::Case;
use crate::shell::Watch;

/// Runs a program and prints what it took, for this program itself.
#[derive(clap::Args, Debug)]
pub struct Command {
    /// Where its output goes
    output: PathBuf,
    /// The program and its arguments
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, required = true)]
    command: Vec<String>,
}

pub fn run(it: &Command) -> Result<()> {
    let (program, args) = it.command.split_first().context("no program")?;
    let output = File::create(&it.output)?;
    let mut process = Process::new(program);
    process.args(args).env_clear().env("HOME", "/nonexistent").env("PATH", "/nonexistent");
    process.stdin(Stdio::null()).stdout(output).stderr(Stdio::null());
    let watch = Watch::start();
    let mut child = process.spawn().with_context(|| format!("cannot run {program}"))?;
    let status = child.wait()?;
    let time = watch.elapsed();
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = |time: nix::sys::time::TimeVal| time.tv_sec() * 1_000_000 + time.tv_usec();
    let cpu = micros(usage.user_time()) + micros(usage.system_time());
    println!("{} {} {cpu} {}", u8::from(status.success()), time.as_micros(), usage.max_rss());
    Ok(())
}

/// What a program took: the fastest of its runs, and the largest of their peaks.
#[derive(Debug, Clone)]
pub struct Run {
    pub time: Duration,
    /// User and system.
    pub cpu: Duration,
    /// KiB.
    pub peak: u64,
    pub succeeded: bool,
    /// What it printed.
    pub output: Vec<u8>,
}

/// Ours and theirs.
pub struct Sides {
    programs: [PathBuf; 2],
    runs: usize,
    /// Where outputs go.
    output: PathBuf,
    me: PathBuf,
}

impl Sides {
    pub fn new(weir: &Path, helm: &Path, dir: &Path, runs: usize) -> Result<Self> {
        let programs = [weir.canonicalize()?, helm.canonicalize()?];
        Ok(Self { programs, runs, output: dir.join("output"), me: std::env::current_exe()? })
    }

    /// KiB that the measuring takes itself, below which nothing is seen.
    pub fn floor(&self) -> Result<u64> {
        Ok(self.once(Path::new("/bin/true"), &[])?.peak)
    }

    /// A case by both, in turns.
    pub fn run(&self, case: &Case) -> Result<[Run; 2]> {
        let args = case.args();
        let [ours, theirs] = &self.programs;
        let mut best = [self.once(ours, &args)?, self.once(theirs, &args)?];
        for _ in 1..self.runs {
            for (best, program) in best.iter_mut().zip(&self.programs) {
                let run = self.once(program, &args)?;
                best.time = best.time.min(run.time);
                best.cpu = best.cpu.min(run.cpu);
                best.peak = best.peak.max(run.peak);
            }
        }
        let [ours, theirs] = &best;
        ensure!(
            ours.succeeded == theirs.succeeded,
            "{}: one of the two refuses it; cargo xtask conformance helm tells more",
            case.name
        );
        Ok(best)
    }

    fn once(&self, program: &Path, args: &[PathBuf]) -> Result<Run> {
        let mut command = Process::new(&self.me);
        command.args(["bench", "measured"]).arg(&self.output).arg("--").arg(program).args(args);
        let said = command.output().context("cannot run myself")?;
        ensure!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr).trim());
        let text = String::from_utf8_lossy(&said.stdout);
        let numbers: Vec<u64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
        let &[succeeded, time, cpu, peak] = numbers.as_slice() else { anyhow::bail!("measured: {text}") };
        Ok(Run {
            time: Duration::from_micros(time),
            cpu: Duration::from_micros(cpu),
            peak,
            succeeded: succeeded == 1,
            output: std::fs::read(&self.output)?,
        })
    }
}
