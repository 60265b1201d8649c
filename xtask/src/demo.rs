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

use anyhow::{Context, Result};
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

/// Sets the stage, plays the acts and, without `--check`, stays until Ctrl-C.
pub async fn run(options: Options) -> Result<()> {
    let watch = Watch::start();
    let told = tokio::select! {
        told = play(&options) => told,
        () = interrupted() => {
            println!("\nstopped");
            return Ok(());
        }
    };
    if told.is_err() {
        scratch::keep();
    }
    told?;
    if options.check {
        println!("\nevery step worked, in {}; nothing is left running", human(watch.elapsed()));
    }
    Ok(())
}

async fn play(options: &Options) -> Result<()> {
    let stage = stage::Stage::set(options.kubeconfig.as_deref()).await?;
    let played = acts::play(&stage).await;
    if played.is_err() || options.check {
        stage.clear().await?;
        return played;
    }
    shell::run_cargo(["build", "--quiet", "--bin", "weir"]).context("the demo runs, but `weir` does not compile")?;
    stage.explain();
    interrupted().await;
    println!("\nstopping");
    stage.clear().await
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
