//! weir-yaml.
