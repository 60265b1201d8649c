//! weir-semver.
