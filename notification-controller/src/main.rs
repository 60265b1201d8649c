//! The notification-controller service.

use std::process::ExitCode;

fn main() -> ExitCode {
    weir_runtime::main(weir_notification_controller::run)
}
