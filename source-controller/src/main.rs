//! weir-source-controller.
fn main() {}
