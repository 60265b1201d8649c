//! weir-kustomize-controller.
fn main() {}
