//! kustomize-controller: keeps clusters equal to what Kustomizations build from artifacts.

pub mod kustomization;
