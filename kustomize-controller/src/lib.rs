//! weir-kustomize-controller.
