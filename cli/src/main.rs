//! `weir`: what people type.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    weir::run(weir::Args::parse_from(weir::switches(std::env::args_os())))
}
