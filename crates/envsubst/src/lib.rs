//! weir-envsubst.
