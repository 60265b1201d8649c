//! `helm.toolkit.fluxcd.io/v2`: charts released to a cluster.
