//! weir-notification-controller.
fn main() {}
