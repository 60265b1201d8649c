//! `cargo xtask cluster`: control planes that stand until they are taken down.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use clap::{Args, Subcommand};
use weir_testkit::{Api, Standing, install_crds, install_roles};

use crate::shell::{Watch, human};

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start one: etcd, kube-apiserver, kube-controller-manager on loopback; no nodes
    Up(Up),
    /// Stop one and delete what it kept
    Down(Name),
    /// List them
    Status,
}

/// Which one.
#[derive(Args, Debug)]
pub struct Name {
    /// Several stand side by side under different names
    #[arg(long, default_value = "weir")]
    name: String,
}

/// How to start.
#[derive(Args, Debug)]
pub struct Up {
    #[command(flatten)]
    name: Name,
    /// Install Weir's CRDs, accounts and roles, too
    #[arg(long)]
    install: bool,
}

pub async fn run(command: Command) -> Result<()> {
    match command {
        Command::Up(options) => up(&options).await,
        Command::Down(name) => down(&name.name),
        Command::Status => status(),
    }
}

async fn up(options: &Up) -> Result<()> {
    let name = &options.name.name;
    let cluster = at(name)?;
    if cluster.is_up() {
        println!("{name} is up already");
    } else {
        let watch = Watch::start();
        cluster.up().await.with_context(|| format!("{name} did not start"))?;
        println!("{name} is up, in {}", human(watch.elapsed()));
    }
    if options.install {
        let api = Api::connect(&cluster.kubeconfig()).await?;
        install_crds(&api).await?;
        install_roles(&api).await?;
        println!("Weir's CRDs, accounts and roles are installed");
    }
    println!(
        "\n  export KUBECONFIG={}\n\nstop it with `cargo xtask cluster down --name {name}`",
        cluster.kubeconfig().display()
    );
    Ok(())
}

fn down(name: &str) -> Result<()> {
    if at(name)?.down()? {
        println!("{name} is down, nothing of it is left");
    } else {
        println!("{name} was not up; `cargo xtask cluster status` lists what is");
    }
    Ok(())
}

fn status() -> Result<()> {
    let home = home()?;
    let mut names: Vec<String> = match std::fs::read_dir(&home) {
        Ok(entries) => entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect(),
        Err(_) => Vec::new(),
    };
    names.sort();
    if names.is_empty() {
        println!("no cluster; start one with `cargo xtask cluster up`");
    }
    for name in names {
        let cluster = at(&name)?;
        let programs = cluster.pids().map(|(program, pid)| match pid {
            Some(pid) => format!("{program} {pid}"),
            None => format!("{program} does not run"),
        });
        let state = if cluster.is_up() { "up" } else { "broken, `up` starts it afresh" };
        println!("{name}: {state} ({})\n  {}", programs.join(", "), cluster.kubeconfig().display());
    }
    Ok(())
}

fn at(name: &str) -> Result<Standing> {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
    ensure!(plain, "a cluster's name is made of letters, digits, - and _, not `{name}`");
    Ok(Standing::at(home()?.join(name)))
}

fn home() -> Result<PathBuf> {
    let state = match std::env::var_os("XDG_STATE_HOME").filter(|dir| !dir.is_empty()) {
        Some(dir) => PathBuf::from(dir),
        None => PathBuf::from(std::env::var_os("HOME").context("HOME is not set; set it or XDG_STATE_HOME")?)
            .join(".local/state"),
    };
    Ok(state.join("weir/clusters"))
}
