//! The one TLS provider of the process.

/// Makes aws-lc-rs the process's provider, if none is chosen yet.
pub fn install() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // Losing the race to another thread is fine: there is only one provider in the build.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    }
}
