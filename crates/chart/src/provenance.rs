//! Provenance files: who packed a chart, and whether it is still that chart.
//!
//! A `.prov` is a text signed with PGP: the chart's metadata, `...`, and the SHA-256 of the archive under its file name.
//! Nothing passes unless a key of the keyring signed exactly this archive under exactly this name: no signature, a foreign
//! key, one that is revoked or expired, a weak digest, or another file are errors.

use jiff::Timestamp;
use pgp::{
    composed::{CleartextSignedMessage, Deserializable, SignedPublicKey, SignedPublicSubKey},
    crypto::hash::HashAlgorithm,
    packet::{Signature, SignatureType},
    types::KeyDetails,
};
use sha2::{Digest, Sha256};

use crate::decode::{Fields, mapping};

/// A chart that is what its signer packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// The signer's names and addresses, as the key says them.
    pub signers: Vec<String>,
    /// The fingerprint of the signer's primary key, in capital hex digits.
    pub fingerprint: String,
    /// `sha256:` and hex digits.
    pub digest: String,
}

/// Why a chart is not trusted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProvenanceError {
    /// The provenance is larger than any could be.
    #[error("the provenance file is larger than {0} bytes")]
    TooLarge(usize),
    /// It holds no signed text.
    #[error("signature block not found")]
    NoSignature,
    /// The keyring holds no key.
    #[error("the keyring holds no public key")]
    NoKeys,
    /// No key of the keyring made the signature.
    #[error("openpgp: signature made by unknown entity, or not valid")]
    Untrusted,
    /// What is signed has no list of digests.
    #[error("the signed text holds no digests")]
    NoDigests,
    /// The archive is not among those that were signed.
    #[error("provenance does not contain a SHA for a file named {0:?}")]
    OtherFile(String),
    /// The archive is another one.
    #[error("sha256 sum does not match for {file}: {signed:?} != {found:?}")]
    OtherDigest {
        /// The archive's name.
        file: String,
        /// What was signed.
        signed: String,
        /// What is there.
        found: String,
    },
}

/// No provenance file is larger.
const LIMIT: usize = 4 << 20;

/// Checks an archive against its provenance file. `file` is the archive's name without folders; `keyring` holds public
/// keys, armored or not; `now` decides what has expired.
///
/// # Errors
/// When anything at all is missing or wrong.
pub fn verify(
    archive: &[u8],
    file: &str,
    provenance: &[u8],
    keyring: &[u8],
    now: Timestamp,
) -> Result<Verified, ProvenanceError> {
    if provenance.len() > LIMIT {
        return Err(ProvenanceError::TooLarge(LIMIT));
    }
    let text = std::str::from_utf8(provenance).map_err(|_| ProvenanceError::NoSignature)?;
    let (message, _) = CleartextSignedMessage::from_string(text).map_err(|_| ProvenanceError::NoSignature)?;
    let keys = keys(keyring);
    if keys.is_empty() {
        return Err(ProvenanceError::NoKeys);
    }
    let now = now.as_second();
    let key = keys.iter().find(|key| signed(&message, key, now)).ok_or(ProvenanceError::Untrusted)?;
    let digest = check(&message.signed_text(), archive, file)?;
    let signers = key.details.users.iter().map(|it| String::from_utf8_lossy(it.id.id()).into_owned()).collect();
    let fingerprint = key.primary_key.fingerprint().to_string().to_uppercase();
    Ok(Verified { signers, fingerprint, digest })
}

/// The keys that can be read and whose bindings hold.
fn keys(keyring: &[u8]) -> Vec<SignedPublicKey> {
    let Ok((keys, _)) = SignedPublicKey::from_reader_many(keyring) else { return Vec::new() };
    keys.filter_map(Result::ok).filter(|it| it.verify_bindings().is_ok()).collect()
}

/// Whether the key, or a subkey of it that may sign, made a signature that still holds.
fn signed(message: &CleartextSignedMessage, key: &SignedPublicKey, now: i64) -> bool {
    let primary = u64::from(key.primary_key.created_at().as_secs());
    let own: Vec<&Signature> =
        key.details.users.iter().flat_map(|it| &it.signatures).chain(&key.details.direct_signatures).collect();
    if !key.details.revocation_signatures.is_empty() || is_over(primary, &own, now) {
        return false;
    }
    let by_primary = message.verify(&key.primary_key).is_ok_and(|it| holds(it, now));
    by_primary || key.public_subkeys.iter().any(|it| signed_below(message, it, now))
}

fn signed_below(message: &CleartextSignedMessage, key: &SignedPublicSubKey, now: i64) -> bool {
    let bindings: Vec<&Signature> = key.signatures.iter().collect();
    let revoked = bindings.iter().any(|it| it.typ() == Some(SignatureType::SubkeyRevocation));
    let may_sign = bindings.iter().any(|it| it.key_flags().sign());
    let created = u64::from(key.key.created_at().as_secs());
    if revoked || !may_sign || is_over(created, &bindings, now) {
        return false;
    }
    message.verify(&key.key).is_ok_and(|it| holds(it, now))
}

/// Whether a key's time is over: the newest of its own signatures says how long it lasts.
fn is_over(created: u64, own: &[&Signature], now: i64) -> bool {
    let newest = own.iter().max_by_key(|it| it.created().map_or(0, |at| at.as_secs()));
    let lasts = newest.and_then(|it| it.key_expiration_time()).map_or(0, |it| u64::from(it.as_secs()));
    let end = i64::try_from(created.saturating_add(lasts)).unwrap_or(i64::MAX);
    lasts > 0 && end <= now
}

/// Whether a signature that verifies is one to trust: a strong digest, made in the past, not over.
fn holds(signature: &Signature, now: i64) -> bool {
    let strong = !matches!(
        signature.hash_alg(),
        None | Some(HashAlgorithm::Md5 | HashAlgorithm::Sha1 | HashAlgorithm::Ripemd160 | HashAlgorithm::None)
    );
    let Some(created) = signature.created().map(|it| i64::from(it.as_secs())) else { return false };
    let lasts = signature.signature_expiration_time().map_or(0, |it| i64::from(it.as_secs()));
    strong && created <= now && (lasts == 0 || created + lasts > now)
}

/// Holds the archive against the digests of the signed text.
fn check(signed: &str, archive: &[u8], file: &str) -> Result<String, ProvenanceError> {
    let text = signed.replace("\r\n", "\n");
    let (_, digests) = text.split_once("\n...\n").ok_or(ProvenanceError::NoDigests)?;
    let map = mapping(digests, "provenance.SumCollection").map_err(|_| ProvenanceError::NoDigests)?;
    let files = Fields::new("SumCollection", &map).text_map("files").map_err(|_| ProvenanceError::NoDigests)?;
    let files = files.ok_or(ProvenanceError::NoDigests)?;
    let signed = files.iter().find(|(name, _)| name == file).map(|(_, digest)| digest.clone());
    let signed = signed.ok_or_else(|| ProvenanceError::OtherFile(file.to_owned()))?;
    let found: String = Sha256::digest(archive).iter().map(|byte| format!("{byte:02x}")).collect();
    let found = format!("sha256:{found}");
    if signed == found { Ok(found) } else { Err(ProvenanceError::OtherDigest { file: file.to_owned(), signed, found }) }
}
