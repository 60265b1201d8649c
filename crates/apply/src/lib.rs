//! weir-apply.
