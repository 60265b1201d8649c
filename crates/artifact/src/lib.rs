//! weir-artifact.
