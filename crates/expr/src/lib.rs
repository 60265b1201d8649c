//! weir-expr.
