//! `kustomize.toolkit.fluxcd.io/v1`: artifacts applied to a cluster.

mod kustomization;

pub use kustomization::*;
