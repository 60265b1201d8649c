//! `weir kustomize`: a directory, built.

use crate::error::Error;

/// What to build.
#[derive(Debug, clap::Args)]
pub struct Args {}

/// Builds.
pub fn run(_: &Args) -> Result<(), Error> {
    Err(Error::usage("not yet", "wait"))
}
