//! weir-oci.
