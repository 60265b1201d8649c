//! Links `weir` at fixed addresses.
//!
//! A command runs for some milliseconds. In a position-independent program the loader writes to every page of tables before
//! the first line runs, which took a third of the time of a small command (docs/performance.md). The services, which listen
//! and stay, are position-independent.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |name: &str| std::env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
