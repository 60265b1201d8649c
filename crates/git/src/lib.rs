//! weir-git.
