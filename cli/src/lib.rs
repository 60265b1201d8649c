//! The command line: what is there, what it does, and how to nudge it.
//!
//! ```text
//! Args -> Command -> Cluster (get, list, watch, patch) -> values -> Table | Tree | Trace | JSON | YAML -> stdout
//! ```
//!
//! What is shown goes to stdout, what goes on and what went wrong to stderr. Exit codes: 0 it worked, 1 it did not, 2 it
//! was asked wrongly. Rendering is pure: data, width, colour and time are arguments.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod chart;
mod clock;
mod cluster;
mod completion;
mod error;
mod events;
mod follow;
mod get;
mod kind;
mod kustomize;
mod object;
mod output;
mod reconcile;
mod spelling;
mod stack;
mod suspend;
mod table;
mod target;
mod template;
mod terminal;
mod text;
mod trace;
mod tree;
mod version;

use cluster::ConnectArgs;
use error::Error;

pub use spelling::switches;

/// Keep clusters equal to what Git and OCI registries say.
#[derive(Debug, Parser)]
#[command(name = "weir", version, propagate_version = true, disable_help_subcommand = true)]
pub struct Args {
    #[command(flatten)]
    connect: ConnectArgs,
    #[command(subcommand)]
    command: Command,
}

// What a command takes is put together when it is called: all of them together take longer than a small command does. What is
// said of a command is said here: a doc comment on its arguments would take the place of this one in its help.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Command {
    /// Show objects of the suite and how they are doing
    Get(get::Args),
    /// Have an object reconciled now and wait for the result
    Reconcile(reconcile::Args),
    /// Stop objects from being reconciled
    Suspend(suspend::SuspendArgs),
    /// Let objects be reconciled again and wait for the result
    Resume(suspend::ResumeArgs),
    /// Show what happened to objects of the suite
    Events(events::Args),
    /// Show what an object applied, with the health of everything below it
    Tree(tree::Args),
    /// Follow any object of the cluster back to the commit it comes from
    Trace(trace::Args),
    /// Build a directory with kustomize and print the objects
    Kustomize(kustomize::Args),
    /// Render a Helm chart and print the objects
    ///
    /// Prints what `helm template` v4.3.1 prints. The release's namespace is that of -n, $HELM_NAMESPACE or the context that
    /// --kube-context names, else `default`: no other kubeconfig is asked. In docs/guide/charts.md: what differs from helm.
    Template(Box<template::Args>),
    /// Look at a Helm chart
    Chart(Box<chart::Args>),
    /// Print a script that completes commands in a shell
    Completion(completion::Args),
    /// Print the version of weir and of the services in the cluster
    Version(version::Args),
}

/// Runs a command; what went wrong is printed with the next move.
pub fn run(args: Args) -> ExitCode {
    let style = terminal::stderr_style();
    match execute(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", error::render(&error, style));
            ExitCode::from(error.exit_code())
        }
    }
}

fn execute(args: Args) -> Result<(), Error> {
    let Args { connect, command } = args;
    match command {
        Command::Kustomize(args) => kustomize::run(&args),
        Command::Template(args) => template::run(&args, &connect),
        Command::Chart(args) => chart::run(*args, connect.namespace.as_deref()),
        Command::Completion(args) => completion::run(&args),
        command => {
            // Only who talks to a cluster needs it.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.map_err(|source| Error::Io { action: "start".into(), source })?.block_on(ask(command, &connect))
        }
    }
}

/// The commands that ask a cluster.
async fn ask(command: Command, connect: &ConnectArgs) -> Result<(), Error> {
    match command {
        Command::Get(args) => get::run(&args, connect).await,
        Command::Reconcile(args) => reconcile::run(&args, connect).await,
        Command::Suspend(args) => suspend::suspend(&args, connect).await,
        Command::Resume(args) => suspend::resume(&args, connect).await,
        Command::Events(args) => events::run(&args, connect).await,
        Command::Tree(args) => tree::run(&args, connect).await,
        Command::Trace(args) => trace::run(&args, connect).await,
        Command::Version(args) => version::run(&args, connect).await,
        Command::Kustomize(_) | Command::Template(_) | Command::Chart(_) | Command::Completion(_) => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        super::Args::command().debug_assert();
    }

    #[test]
    fn the_help_of_a_command_says_what_the_list_of_commands_says() {
        let listed = super::Args::command();
        let mut called = super::Args::command();
        called.build();
        for command in listed.get_subcommands() {
            let built = called.find_subcommand(command.get_name()).unwrap();
            let said = |it: Option<&clap::builder::StyledStr>| it.map(ToString::to_string).unwrap();
            assert_eq!(said(built.get_about()), said(command.get_about()), "{}", command.get_name());
        }
    }
}
