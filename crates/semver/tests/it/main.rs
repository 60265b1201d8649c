//! Compared with what Masterminds/semver v3.5.0 and Flux's version package answered; see `golden/README.md`.

mod masterminds;
