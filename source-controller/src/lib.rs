//! weir-source-controller.
