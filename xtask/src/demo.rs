//! `cargo xtask demo`: the loop, live, on real servers.
//!
//! ```text
//! stage   control plane, Git server, webhook sink, the three services
//! acts    push -> change -> edit by hand -> revert -> delete
//! tell    what changed and how long it took
//! ```

mod acts;
mod app;
mod stage;
mod tell;

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use clap::Args;
use weir_testkit::scratch;

use crate::shell::{self, Watch, human};

/// How to run it.
#[derive(Args, Debug)]
pub struct Options {
    /// Unattended: fail when a step fails, leave nothing running
    #[arg(long)]
    check: bool,
    /// Use this cluster instead of starting one; the services run here, as processes
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
}

/// Sets the stage, plays the acts and, without `--check`, stays until Ctrl-C. Whatever happens, the stage is cleared.
pub async fn run(options: Options) -> Result<()> {
    let watch = Watch::start();
    let stage = tokio::select! {
        stage = stage::Stage::set(options.kubeconfig.as_deref()) => stage?,
        () = interrupted() => bail!("interrupted before the stage was set"),
    };
    let played = tokio::select! {
        played = play(&stage, options.check) => played,
        () = interrupted() => Err(anyhow::anyhow!("interrupted")),
    };
    if played.is_err() {
        scratch::keep();
    } else if !options.check {
        stage.explain()?;
        interrupted().await;
        println!("\nstopping");
    }
    let cleared = stage.clear().await;
    played?;
    cleared?;
    if options.check {
        println!("\nevery step worked, in {}; nothing is left running", human(watch.elapsed()));
    }
    Ok(())
}

async fn play(stage: &stage::Stage, check: bool) -> Result<()> {
    acts::play(stage).await?;
    if !check {
        shell::run_cargo(["build", "--quiet", "--bin", "weir"])
            .context("the demo runs, but `weir` does not compile")?;
    }
    Ok(())
}

/// Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else { return std::future::pending().await };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
