//! weir-e2e.
