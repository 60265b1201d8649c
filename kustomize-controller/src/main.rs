//! The kustomize-controller binary.

fn main() -> std::process::ExitCode {
    weir_runtime::main(weir_kustomize_controller::run)
}
