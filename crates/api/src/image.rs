//! `image.toolkit.fluxcd.io/v1`: images scanned, chosen and written back to Git.
