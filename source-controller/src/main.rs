//! source-controller.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    let args: weir_source_controller::Args = weir_runtime::flags::parse();
    match weir_source_controller::run(args).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("source-controller: {}", weir_reconcile::describe(&error));
            ExitCode::FAILURE
        }
    }
}
