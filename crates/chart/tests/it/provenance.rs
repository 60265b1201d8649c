//! Charts signed by the real helm v4.3.1 with keys made by gpg; see `tests/provenance/README.md`.

use std::{fs, path::Path};

use jiff::Timestamp;
use weir_chart::provenance::{ProvenanceError, Verified, verify};

const NAME: &str = "signed-1.2.3.tgz";

fn read(name: &str) -> Vec<u8> {
    fs::read(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/provenance")).join(name)).unwrap()
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn check(archive: &[u8], name: &str, provenance: &[u8], keyring: &[u8]) -> Result<Verified, ProvenanceError> {
    verify(archive, name, provenance, keyring, at("2027-06-01T00:00:00Z"))
}

#[test]
fn what_helm_signed_is_trusted() {
    let it = check(&read(NAME), NAME, &read("signed-1.2.3.tgz.prov"), &read("signer.gpg")).unwrap();
    assert_eq!(it.signers, ["Chart Signer <signer@example.com>"]);
    assert_eq!(it.fingerprint, "C64822BD10375DB719C081146EAF8C6BE2B5C7F7");
    assert_eq!(it.digest, "sha256:29ab7b4c8a0316c494f2425f1a22170bff54f45bed0ce2392eed3d8b80e4acaa");
}

#[test]
fn everything_else_is_not() {
    let (archive, provenance, keyring) = (read(NAME), read("signed-1.2.3.tgz.prov"), read("signer.gpg"));
    assert_eq!(check(&archive, NAME, b"", &keyring), Err(ProvenanceError::NoSignature));
    assert_eq!(check(&archive, NAME, b"name: signed\n", &keyring), Err(ProvenanceError::NoSignature));
    assert_eq!(check(&archive, NAME, &provenance, b""), Err(ProvenanceError::NoKeys));
    assert_eq!(check(&archive, NAME, &provenance, b"no key"), Err(ProvenanceError::NoKeys));
    assert_eq!(check(&archive, NAME, &provenance, &read("other.asc")), Err(ProvenanceError::Untrusted));
    assert_eq!(
        check(&archive, "other-1.2.3.tgz", &provenance, &keyring),
        Err(ProvenanceError::OtherFile("other-1.2.3.tgz".into()))
    );
    let mut changed = archive.clone();
    changed.push(0);
    assert!(matches!(check(&changed, NAME, &provenance, &keyring), Err(ProvenanceError::OtherDigest { .. })));
    let text = String::from_utf8(provenance).unwrap();
    let other = text.replace("version: 1.2.3", "version: 1.2.4");
    assert_eq!(check(&archive, NAME, other.as_bytes(), &keyring), Err(ProvenanceError::Untrusted));
    // Before the signature was made.
    let early = verify(&archive, NAME, text.as_bytes(), &keyring, at("2026-01-01T00:00:00Z"));
    assert_eq!(early, Err(ProvenanceError::Untrusted));
    assert!(matches!(check(&archive, NAME, &vec![b'x'; 5 << 20], &keyring), Err(ProvenanceError::TooLarge(_))));
}

#[test]
fn a_key_whose_time_is_over_signs_no_more() {
    let (archive, provenance, keyring) = (read("short.tgz"), read("short.prov"), read("short.gpg"));
    let on = |time: &str| verify(&archive, NAME, &provenance, &keyring, at(time));
    assert!(on("2026-11-22T00:00:00Z").is_ok());
    assert_eq!(on("2026-11-24T00:00:00Z"), Err(ProvenanceError::Untrusted));
}
