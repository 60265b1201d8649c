//! `cargo xtask`: every habit of this repository, with nothing but Rust.

fn main() -> std::process::ExitCode {
    xtask::main()
}
