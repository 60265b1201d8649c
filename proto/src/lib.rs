//! weir-proto.
