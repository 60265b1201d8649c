//! weir-kustomize.
