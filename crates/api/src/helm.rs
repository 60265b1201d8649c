//! `helm.toolkit.fluxcd.io/v2`: charts released to a cluster.

mod actions;
mod chart;
mod helmrelease;
mod history;

pub use actions::*;
pub use chart::*;
pub use helmrelease::*;
pub use history::*;
