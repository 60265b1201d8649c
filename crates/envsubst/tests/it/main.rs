//! Compared with what fluxcd/pkg/envsubst answered; see `golden/README.md`.

mod original;
