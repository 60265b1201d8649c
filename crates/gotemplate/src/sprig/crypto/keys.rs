//! Private keys: made, read from PEM, written as PEM, used to sign.

use aws_lc_rs::{
    agreement,
    encoding::{AsDer, Pkcs8V1Der},
    rand::SystemRandom,
    rsa, signature,
    signature::KeyPair as _,
};

use super::{der, dsa, pem};
use crate::sprig::world::World;

const RSA_ENCRYPTION: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01];
const SHA256_WITH_RSA: &[u8] = &[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0B];
const EC_PUBLIC_KEY: &[u8] = &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01];
const ED25519: &[u8] = &[0x2B, 0x65, 0x70];
const NULL: &[u8] = &[0x05, 0x00];

/// A curve of NIST.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    P256,
    P384,
    P521,
}

impl Curve {
    const ALL: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    fn oid(self) -> &'static [u8] {
        match self {
            Self::P256 => &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07],
            Self::P384 => &[0x2B, 0x81, 0x04, 0x00, 0x22],
            Self::P521 => &[0x2B, 0x81, 0x04, 0x00, 0x23],
        }
    }

    fn agreement(self) -> &'static agreement::Algorithm {
        match self {
            Self::P256 => &agreement::ECDH_P256,
            Self::P384 => &agreement::ECDH_P384,
            Self::P521 => &agreement::ECDH_P521,
        }
    }

    fn signing(self) -> (&'static signature::EcdsaSigningAlgorithm, &'static [u8]) {
        match self {
            Self::P256 => {
                (&signature::ECDSA_P256_SHA256_ASN1_SIGNING, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02])
            }
            Self::P384 => {
                (&signature::ECDSA_P384_SHA384_ASN1_SIGNING, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x03])
            }
            Self::P521 => {
                (&signature::ECDSA_P521_SHA512_ASN1_SIGNING, &[0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x04])
            }
        }
    }

    fn size(self) -> usize {
        match self {
            Self::P256 => 32,
            Self::P384 => 48,
            Self::P521 => 66,
        }
    }
}

/// A private key. Never printed but by the template that asked for it.
pub enum PrivateKey {
    /// PKCS#1.
    Rsa { pkcs1: Vec<u8>, modulus: Vec<u8>, exponent: Vec<u8> },
    /// The number, and the point as `04 x y`.
    Ec { curve: Curve, scalar: Vec<u8>, point: Vec<u8> },
    /// The seed.
    Ed25519 { seed: Vec<u8>, public: Vec<u8> },
    /// The sequence of its numbers.
    Dsa { der: Vec<u8> },
}

/// A new RSA key from the cryptographic library, as PKCS#8.
pub fn generate_rsa(bits: u32) -> Result<Vec<u8>, String> {
    let size = match bits {
        2048 => rsa::KeySize::Rsa2048,
        3072 => rsa::KeySize::Rsa3072,
        4096 => rsa::KeySize::Rsa4096,
        _ => return Err(format!("keys of {bits} bits are not made")),
    };
    let key = rsa::KeyPair::generate(size).map_err(|error| error.to_string())?;
    let document: Pkcs8V1Der<'_> = key.as_der().map_err(|error| error.to_string())?;
    Ok(document.as_ref().to_vec())
}

impl PrivateKey {
    /// A new RSA key.
    pub fn new_rsa(world: &World, bits: u32) -> Result<Self, String> {
        let pkcs8 = world.random.rsa_key(bits)?;
        Self::from_pkcs8(&pkcs8)
    }

    /// A new key of a kind by Sprig's name; `None` when there is no such kind.
    pub fn generate(world: &World, kind: &[u8]) -> Option<Result<Self, String>> {
        Some(match kind {
            b"" | b"rsa" => Self::new_rsa(world, 4096),
            b"dsa" => Ok(Self::Dsa { der: dsa::generate(world) }),
            b"ecdsa" => loop {
                // A number of 32 bytes is all but surely less than the order of the curve.
                if let Some(key) = Self::from_scalar(Curve::P256, &world.bytes(32)) {
                    break Ok(key);
                }
            },
            b"ed25519" => Self::from_seed(&world.bytes(32)).ok_or_else(|| "the seed was refused".into()),
            _ => return None,
        })
    }

    fn from_scalar(curve: Curve, scalar: &[u8]) -> Option<Self> {
        let padded = [vec![0; curve.size().checked_sub(scalar.len())?], scalar.to_vec()].concat();
        let key = agreement::PrivateKey::from_private_key(curve.agreement(), &padded).ok()?;
        let point = key.compute_public_key().ok()?.as_ref().to_vec();
        Some(Self::Ec { curve, scalar: padded, point })
    }

    fn from_seed(seed: &[u8]) -> Option<Self> {
        let pair = signature::Ed25519KeyPair::from_seed_unchecked(seed).ok()?;
        Some(Self::Ed25519 { seed: seed.to_vec(), public: pair.public_key().as_ref().to_vec() })
    }

    /// The key in the first block of a PEM text, or why there is none, as Sprig says it.
    pub fn from_pem(text: &[u8]) -> Result<Self, String> {
        let Some((kind, bytes)) = pem::decode(text) else { return Err("no PEM data in input".into()) };
        if kind == "PRIVATE KEY" {
            return Self::from_pkcs8(&bytes).map_err(|error| format!("decoding PEM as PKCS#8: {error}"));
        }
        let Some(name) = kind.strip_suffix(" PRIVATE KEY") else {
            return Err(format!("no private key data in PEM block of type {kind}"));
        };
        let malformed = || format!("parsing {name} private key from PEM: asn1: structure error: malformed key");
        match name {
            "RSA" => Self::from_pkcs1(&bytes).ok_or_else(malformed),
            "EC" => Self::from_sec1(&bytes, None).ok_or_else(malformed),
            "DSA" => Self::from_dsa(&bytes).ok_or_else(malformed),
            _ => Err(format!("invalid private key type {kind}")),
        }
    }

    fn from_pkcs8(bytes: &[u8]) -> Result<Self, String> {
        let read = || {
            let mut fields = der::Reader(der::Reader(bytes).expect(der::SEQUENCE)?);
            fields.unsigned()?;
            let mut algorithm = der::Reader(fields.expect(der::SEQUENCE)?);
            let (oid, key) = (algorithm.expect(der::OID)?, fields.expect(der::OCTET_STRING)?);
            match oid {
                RSA_ENCRYPTION => Self::from_pkcs1(key),
                EC_PUBLIC_KEY => Self::from_sec1(key, algorithm.expect(der::OID)),
                ED25519 => Self::from_seed(der::Reader(key).expect(der::OCTET_STRING)?),
                _ => None,
            }
        };
        read().ok_or_else(|| "asn1: structure error: malformed key".into())
    }

    fn from_pkcs1(bytes: &[u8]) -> Option<Self> {
        let mut fields = der::Reader(der::Reader(bytes).expect(der::SEQUENCE)?);
        fields.unsigned()?;
        let (modulus, exponent) = (fields.unsigned()?.to_vec(), fields.unsigned()?.to_vec());
        signature::RsaKeyPair::from_der(bytes).ok()?;
        Some(Self::Rsa { pkcs1: bytes.to_vec(), modulus, exponent })
    }

    /// SEC 1; the curve may stand outside.
    fn from_sec1(bytes: &[u8], curve: Option<&[u8]>) -> Option<Self> {
        let mut fields = der::Reader(der::Reader(bytes).expect(der::SEQUENCE)?);
        fields.unsigned()?;
        let scalar = fields.expect(der::OCTET_STRING)?;
        let inside = fields.expect(0xA0).and_then(|it| der::Reader(it).expect(der::OID));
        let oid = curve.or(inside)?;
        let curve = Curve::ALL.into_iter().find(|it| it.oid() == oid)?;
        let start = scalar.len().saturating_sub(curve.size());
        Self::from_scalar(curve, scalar.get(start..)?)
    }

    fn from_dsa(bytes: &[u8]) -> Option<Self> {
        let mut fields = der::Reader(der::Reader(bytes).expect(der::SEQUENCE)?);
        for _ in 0..6 {
            fields.unsigned()?;
        }
        Some(Self::Dsa { der: bytes.to_vec() })
    }

    /// As PEM: PKCS#1, SEC 1, or PKCS#8 for Ed25519, as Sprig writes them.
    pub fn to_pem(&self) -> String {
        match self {
            Self::Rsa { pkcs1, .. } => pem::encode("RSA PRIVATE KEY", pkcs1),
            Self::Dsa { der } => pem::encode("DSA PRIVATE KEY", der),
            Self::Ec { curve, scalar, point } => {
                let fields = [
                    der::integer(&[1]),
                    der::element(der::OCTET_STRING, scalar),
                    der::element(0xA0, &der::element(der::OID, curve.oid())),
                    der::element(0xA1, &der::bits(point)),
                ];
                pem::encode("EC PRIVATE KEY", &der::sequence(fields.iter().map(Vec::as_slice)))
            }
            Self::Ed25519 { seed, .. } => {
                let fields = [
                    der::integer(&[0]),
                    der::sequence([der::element(der::OID, ED25519).as_slice()]),
                    der::element(der::OCTET_STRING, &der::element(der::OCTET_STRING, seed)),
                ];
                pem::encode("PRIVATE KEY", &der::sequence(fields.iter().map(Vec::as_slice)))
            }
        }
    }

    /// What a certificate says of its public key: the algorithm and the key's bits. `None` for DSA, which no
    /// certificate is made of any more.
    pub fn public(&self) -> Option<(Vec<u8>, Vec<u8>)> {
        let oid = |it| der::element(der::OID, it);
        Some(match self {
            Self::Rsa { modulus, exponent, .. } => {
                let key = der::sequence([der::integer(modulus).as_slice(), der::integer(exponent).as_slice()]);
                (der::sequence([oid(RSA_ENCRYPTION).as_slice(), NULL]), key)
            }
            Self::Ec { curve, point, .. } => {
                (der::sequence([oid(EC_PUBLIC_KEY).as_slice(), oid(curve.oid()).as_slice()]), point.clone())
            }
            Self::Ed25519 { public, .. } => (der::sequence([oid(ED25519).as_slice()]), public.clone()),
            Self::Dsa { .. } => return None,
        })
    }

    /// The algorithm that this key signs certificates with; `None` for DSA.
    pub fn signature_algorithm(&self) -> Option<Vec<u8>> {
        let oid = |it| der::element(der::OID, it);
        Some(match self {
            Self::Rsa { .. } => der::sequence([oid(SHA256_WITH_RSA).as_slice(), NULL]),
            Self::Ec { curve, .. } => der::sequence([oid(curve.signing().1).as_slice()]),
            Self::Ed25519 { .. } => der::sequence([oid(ED25519).as_slice()]),
            Self::Dsa { .. } => return None,
        })
    }

    /// A signature by that algorithm.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, String> {
        let random = SystemRandom::new();
        let refused = |_| "the key cannot sign".to_owned();
        match self {
            Self::Rsa { pkcs1, .. } => {
                let pair = signature::RsaKeyPair::from_der(pkcs1).map_err(|error| error.to_string())?;
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&signature::RSA_PKCS1_SHA256, &random, message, &mut out).map_err(refused)?;
                Ok(out)
            }
            Self::Ec { curve, scalar, point } => {
                let pair = signature::EcdsaKeyPair::from_private_key_and_public_key(curve.signing().0, scalar, point)
                    .map_err(|error| error.to_string())?;
                Ok(pair.sign(&random, message).map_err(refused)?.as_ref().to_vec())
            }
            Self::Ed25519 { seed, .. } => {
                let pair = signature::Ed25519KeyPair::from_seed_unchecked(seed).map_err(|error| error.to_string())?;
                Ok(pair.sign(message).as_ref().to_vec())
            }
            Self::Dsa { .. } => Err("x509: certificate private key does not implement crypto.Signer".into()),
        }
    }
}
