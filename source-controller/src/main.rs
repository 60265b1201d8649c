//! source-controller: fetches what should run from Git and OCI, and offers it as artifacts.

use std::process::ExitCode;

fn main() -> ExitCode {
    weir_runtime::main(weir_source_controller::run)
}
