//! `weir`: what people type.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let args = weir::Args::parse_from(weir::switches(std::env::args_os()));
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(weir::run(args))
}
