//! The repository's habits as commands; `cargo xtask --help` lists them.

mod bench;
mod check;
mod cluster;
mod conformance;
mod crds;
mod demo;
mod docs;
mod files;
mod goldens;
mod shell;
mod test;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// What the developers of Weir run.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", version)]
struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the loop live: commit, fetch, apply, health, message, drift, revert, prune
    Demo(demo::Options),
    /// Run every test, on real servers
    Test(test::Options),
    /// Check format, lints, purity and order of the crates, generated files, and that every crate builds alone
    Check(check::Options),
    /// Start, stop and look at Kubernetes control planes on this machine
    #[command(subcommand)]
    Cluster(cluster::Command),
    /// Write deploy/crds from the types
    Crds(files::Mode),
    /// Write docs/flags from the services' own help
    Docs(files::Mode),
    /// Record the expected outputs of tests from the real tools
    Goldens(goldens::Options),
    /// Measure whole processes beside the real tools
    #[command(subcommand)]
    Bench(bench::Command),
    /// Compare whole corpora with the real tools
    #[command(subcommand)]
    Conformance(conformance::Command),
}

/// Runs the command line; errors go to stderr with their causes.
pub fn main() -> ExitCode {
    match run(Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: Args) -> Result<()> {
    match args.command {
        Command::Demo(options) => shell::block_on(demo::run(options)),
        Command::Test(options) => test::run(&options),
        Command::Check(options) => check::run(&options),
        Command::Cluster(command) => shell::block_on(cluster::run(command)),
        Command::Crds(mode) => crds::run(&mode),
        Command::Docs(mode) => docs::run(&mode),
        Command::Goldens(options) => goldens::run(&options),
        Command::Bench(command) => bench::run(&command),
        Command::Conformance(command) => conformance::run(&command),
    }
}
