//! `cargo xtask check`

mod crates;

use anyhow::{Result, bail};
use clap::Args;

use crate::files::Mode;
use crate::shell::{self, Watch, human};
use crate::{crds, docs};

/// What to leave out.
#[derive(Args, Debug)]
pub struct Options {
    /// Leave out building every crate alone, which takes longest
    #[arg(long)]
    quick: bool,
}

/// One habit and how it is checked.
type Step = (&'static str, fn() -> Result<()>);

const STEPS: &[Step] = &[
    ("format", format),
    ("crates use only crates above them", crates::order),
    ("pure crates know no runtime, client or socket", crates::purity),
    ("files stay short", crates::file_sizes),
    ("generated CRDs", generated_crds),
    ("lints", lints),
    ("unit tests of the pure crates", pure_tests),
    ("generated flag pages", generated_docs),
];

/// Runs every step, also after one failed, and says at the end which did.
pub fn run(options: &Options) -> Result<()> {
    let mut failed = Vec::new();
    let alone: Step = ("every crate builds alone", crates::alone);
    for (name, step) in STEPS.iter().chain((!options.quick).then_some(&alone)) {
        println!("== {name}");
        let watch = Watch::start();
        match step() {
            Ok(()) => println!("   ok, {}", human(watch.elapsed())),
            Err(error) => {
                println!("   FAILED: {error:#}");
                failed.push(*name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join("; "));
    }
    Ok(())
}

fn format() -> Result<()> {
    shell::run_cargo(["fmt", "--all", "--check"]).map_err(|error| error.context("run `cargo fmt --all`"))
}

fn lints() -> Result<()> {
    shell::run_cargo(["clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"])
}

fn pure_tests() -> Result<()> {
    let mut args = vec!["test".to_owned(), "--quiet".to_owned()];
    args.extend(crates::PURE.iter().flat_map(|name| ["--package".to_owned(), format!("weir-{name}")]));
    shell::run_cargo(args)
}

fn generated_crds() -> Result<()> {
    crds::run(&Mode { check: true })
}

fn generated_docs() -> Result<()> {
    docs::run(&Mode { check: true })
}
