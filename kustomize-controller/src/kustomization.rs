//! `Kustomization`: artifact -> objects -> plan -> cluster -> conclusion.

pub mod depends;
pub mod history;
pub mod substitute;
pub mod timing;
