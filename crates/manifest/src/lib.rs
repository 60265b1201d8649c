//! weir-manifest.
