//! Certificates, laid out as Go's crypto/x509 lays them out.

use std::{any::Any, net::IpAddr, rc::Rc};

use sha2::{Digest, Sha256};

use super::{der, keys::PrivateKey, pem};
use crate::{
    error::FuncError,
    format::quote,
    function::{Function, Functions, Signature},
    sprig::{
        args::{Answer, INT, TEXT, any, fail, int, text},
        dates::{Time, zone::Zone},
        encoding::base64_decode,
        world::World,
    },
    types::{ANY_SLICE, Named, Type},
    value::{Object, Value},
};

static CERTIFICATE: Named = Named { name: "sprig.certificate", under: None, methods: None };
const PAIR: Type = Type::Named(&CERTIFICATE);

/// What the generating functions answer: a certificate and its key, both PEM.
struct Pair {
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Object for Pair {
    fn type_of(&self) -> Type {
        PAIR
    }

    fn field(&self, name: &str) -> Option<Value> {
        match name {
            "Cert" => Some(Value::string(self.cert.as_slice())),
            "Key" => Some(Value::string(self.key.as_slice())),
            _ => None,
        }
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        vec![("Cert", Value::string(self.cert.as_slice())), ("Key", Value::string(self.key.as_slice()))]
    }

    fn equals(&self, other: &dyn Object) -> Option<bool> {
        Some(other.as_any().downcast_ref::<Self>().is_some_and(|it| it.cert == self.cert && it.key == self.key))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

/// Who signs: the name in the certificate, its key identifier, and the key.
struct Signer<'a> {
    name: Option<Vec<u8>>,
    public: Option<Vec<u8>>,
    identifier: Option<Vec<u8>>,
    key: &'a PrivateKey,
}

/// What a certificate is to say.
struct Request {
    name: Vec<u8>,
    addresses: Vec<IpAddr>,
    hosts: Vec<Vec<u8>>,
    days: i64,
    authority: bool,
}

/// `buildCustomCert`.
pub fn register(to: &mut Functions) {
    const TWO: Signature = Signature::fixed(&[TEXT, TEXT]);
    to.add("buildCustomCert", TWO, |_, args| custom(&text(args, 0), &text(args, 1)));
}

/// Those that make keys or look at the clock.
pub fn register_world(to: &mut Functions, world: &Rc<World>) {
    let mut with = |name: &'static str, signature: Signature, body: fn(&World, &[Value]) -> Answer| {
        let world = world.clone();
        to.insert(name, Function::new(signature, move |_, args| body(&world, args)));
    };
    with("genPrivateKey", Signature::fixed(&[TEXT]), |world, args| {
        let kind = text(args, 0);
        Ok(match PrivateKey::generate(world, &kind) {
            Some(Ok(key)) => Value::from(key.to_pem()),
            Some(Err(error)) => Value::from(format!("failed to generate private key: {error}")),
            None => Value::string([b"Unknown type ".as_slice(), &kind].concat()),
        })
    });
    with("genCA", Signature::fixed(&[TEXT, INT]), |world, args| {
        let key = rsa(world)?;
        authority(world, args, &key)
    });
    with("genCAWithKey", Signature::fixed(&[TEXT, INT, TEXT]), |world, args| {
        let key = given_key(args, 2)?;
        authority(world, args, &key)
    });
    const SELF_SIGNED: Signature = Signature::fixed(&[TEXT, ANY_SLICE, ANY_SLICE, INT]);
    const SELF_SIGNED_KEY: Signature = Signature::fixed(&[TEXT, ANY_SLICE, ANY_SLICE, INT, TEXT]);
    with("genSelfSignedCert", SELF_SIGNED, |world, args| self_signed(world, args, &rsa(world)?));
    with("genSelfSignedCertWithKey", SELF_SIGNED_KEY, |world, args| self_signed(world, args, &given_key(args, 4)?));
    const SIGNED: Signature = Signature::fixed(&[TEXT, ANY_SLICE, ANY_SLICE, INT, PAIR]);
    const SIGNED_KEY: Signature = Signature::fixed(&[TEXT, ANY_SLICE, ANY_SLICE, INT, PAIR, TEXT]);
    with("genSignedCert", SIGNED, |world, args| signed(world, args, &rsa(world)?));
    with("genSignedCertWithKey", SIGNED_KEY, |world, args| signed(world, args, &given_key(args, 5)?));
}

fn rsa(world: &World) -> Result<PrivateKey, FuncError> {
    PrivateKey::new_rsa(world, 2048).map_err(|error| FuncError::new(format!("error generating rsa key: {error}")))
}

fn given_key(args: &[Value], at: usize) -> Result<PrivateKey, FuncError> {
    PrivateKey::from_pem(&text(args, at)).map_err(|error| FuncError::new(format!("parsing private key: {error}")))
}

fn custom(cert: &[u8], key: &[u8]) -> Answer {
    let Ok(cert) = base64_decode(cert) else { return fail("unable to decode base64 certificate") };
    let Ok(key) = base64_decode(key) else { return fail("unable to decode base64 private key") };
    let Some((_, bytes)) = pem::decode(&cert) else { return fail("unable to decode certificate") };
    if Parsed::read(&bytes).is_none() {
        return fail("error parsing certificate: decodedCert.Bytes: x509: malformed certificate");
    }
    if let Err(error) = PrivateKey::from_pem(&key) {
        return fail(format!("error parsing private key: {error}"));
    }
    Ok(Value::object(Pair { cert, key }))
}

fn authority(world: &World, args: &[Value], key: &PrivateKey) -> Answer {
    let request = Request {
        name: text(args, 0).to_vec(),
        addresses: Vec::new(),
        hosts: Vec::new(),
        days: int(args, 1),
        authority: true,
    };
    issue(world, &request, key, &Signer { name: None, public: None, identifier: None, key })
}

fn request(args: &[Value]) -> Result<Request, FuncError> {
    Ok(Request {
        name: text(args, 0).to_vec(),
        addresses: addresses(any(args, 1))?,
        hosts: hosts(any(args, 2))?,
        days: int(args, 3),
        authority: false,
    })
}

fn addresses(list: &Value) -> Result<Vec<IpAddr>, FuncError> {
    let address = |item: Value| match &item {
        Value::String(text) => text
            .as_str()
            .and_then(|it| it.parse().ok())
            .ok_or_else(|| FuncError::new(format!("error parsing ip: {text}"))),
        other => fail(format!("error parsing ip: {other} is not a string")),
    };
    list.elements().unwrap_or_default().into_iter().map(address).collect()
}

fn hosts(list: &Value) -> Result<Vec<Vec<u8>>, FuncError> {
    let host = |item: Value| match &item {
        Value::String(text) => Ok(text.to_vec()),
        other => fail(format!("error processing alternate dns name: {other} is not a string")),
    };
    list.elements().unwrap_or_default().into_iter().map(host).collect()
}

fn self_signed(world: &World, args: &[Value], key: &PrivateKey) -> Answer {
    issue(world, &request(args)?, key, &Signer { name: None, public: None, identifier: None, key })
}

fn signed(world: &World, args: &[Value], key: &PrivateKey) -> Answer {
    let Some(pair) = any(args, 4).downcast::<Pair>() else { return fail("unable to decode certificate") };
    let Some((_, bytes)) = pem::decode(&pair.cert) else { return fail("unable to decode certificate") };
    let Some(parsed) = Parsed::read(&bytes) else {
        return fail("error parsing certificate: decodedSignerCert.Bytes: x509: malformed certificate");
    };
    let signing = PrivateKey::from_pem(&pair.key)
        .map_err(|error| FuncError::new(format!("error parsing private key: {error}")))?;
    let signer = Signer {
        name: Some(parsed.subject),
        public: Some(parsed.public),
        identifier: parsed.identifier,
        key: &signing,
    };
    issue(world, &request(args)?, key, &signer)
}

fn issue(world: &World, request: &Request, key: &PrivateKey, signer: &Signer<'_>) -> Answer {
    let failed = |error: String| FuncError::new(format!("error creating certificate: {error}"));
    let der = certificate(world, request, key, signer).map_err(failed)?;
    let cert = pem::encode("CERTIFICATE", &der).into_bytes();
    Ok(Value::object(Pair { cert, key: key.to_pem().into_bytes() }))
}

fn certificate(world: &World, request: &Request, key: &PrivateKey, signer: &Signer<'_>) -> Result<Vec<u8>, String> {
    let serial = der::integer(&world.bytes(16));
    let Some(algorithm) = signer.key.signature_algorithm() else {
        return Err("x509: certificate private key does not implement crypto.Signer".into());
    };
    let Some((key_algorithm, key_bits)) = key.public() else {
        return Err("x509: unsupported public key type: *dsa.PublicKey".into());
    };
    let public = der::sequence([key_algorithm.as_slice(), der::bits(&key_bits).as_slice()]);
    let subject = name(&request.name)?;
    let issuer = signer.name.clone().unwrap_or_else(|| subject.clone());
    if let (Some(wanted), Some((algorithm, bits))) = (&signer.public, signer.key.public()) {
        let have = der::sequence([algorithm.as_slice(), der::bits(&bits).as_slice()]);
        if *wanted != have {
            return Err("x509: provided PrivateKey doesn't match parent's PublicKey".into());
        }
    }
    let extensions = extensions(request, &subject, &issuer, &key_bits, signer)?;
    let body = der::sequence([
        der::element(0xA0, &der::integer(&[2])).as_slice(),
        &serial,
        &algorithm,
        &issuer,
        &validity(world, request.days)?,
        &subject,
        &public,
        &der::element(0xA3, &extensions),
    ]);
    let signature = der::bits(&signer.key.sign(&body)?);
    Ok(der::sequence([body.as_slice(), &algorithm, &signature]))
}

/// A name that is a common name or nothing.
fn name(common_name: &[u8]) -> Result<Vec<u8>, String> {
    if common_name.is_empty() {
        return Ok(der::sequence([]));
    }
    let Ok(text) = std::str::from_utf8(common_name) else { return Err("asn1: string not valid UTF-8".into()) };
    let printable = |it: char| it.is_ascii_alphanumeric() || "'()+,-./:=? ".contains(it);
    let tag = if text.chars().all(printable) { der::PRINTABLE_STRING } else { der::UTF8_STRING };
    let oid = der::element(der::OID, &[0x55, 0x04, 0x03]);
    let pair = der::sequence([oid.as_slice(), der::element(tag, common_name).as_slice()]);
    Ok(der::sequence([der::element(der::SET, &pair).as_slice()]))
}

fn validity(world: &World, days: i64) -> Result<Vec<u8>, String> {
    let now = world.now();
    let end = now.plus(days.wrapping_mul(86_400_000_000_000));
    Ok(der::sequence([moment(&now)?.as_slice(), moment(&end)?.as_slice()]))
}

fn moment(time: &Time) -> Result<Vec<u8>, String> {
    let time = time.in_zone(Zone::Utc);
    match time.civil().year {
        1950..2050 => Ok(der::element(der::UTC_TIME, &time.format(b"060102150405Z"))),
        0..10_000 => Ok(der::element(der::GENERALIZED_TIME, &time.format(b"20060102150405Z"))),
        _ => Err("asn1: structure error: cannot represent time as GeneralizedTime".into()),
    }
}

fn extension(oid: &[u8], critical: bool, content: &[u8]) -> Vec<u8> {
    let oid = der::element(der::OID, oid);
    let content = der::element(der::OCTET_STRING, content);
    if critical {
        der::sequence([oid.as_slice(), &der::element(der::BOOLEAN, &[0xFF]), &content])
    } else {
        der::sequence([oid.as_slice(), &content])
    }
}

fn extensions(
    request: &Request,
    subject: &[u8],
    issuer: &[u8],
    key_bits: &[u8],
    signer: &Signer<'_>,
) -> Result<Vec<u8>, String> {
    // Digital signature and key encipherment, for an authority also the signing of certificates.
    let usage: &[u8] = if request.authority { &[0x03, 0x02, 0x02, 0xA4] } else { &[0x03, 0x02, 0x05, 0xA0] };
    let purpose = |last| der::element(der::OID, &[0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, last]);
    let purposes = der::sequence([purpose(1).as_slice(), purpose(2).as_slice()]);
    let constraints = if request.authority { der::sequence([&[0x01, 0x01, 0xFF][..]]) } else { der::sequence([]) };
    let mut all = vec![
        extension(&[0x55, 0x1D, 0x0F], true, usage),
        extension(&[0x55, 0x1D, 0x25], false, &purposes),
        extension(&[0x55, 0x1D, 0x13], true, &constraints),
    ];
    if request.authority {
        let digest = Sha256::digest(key_bits);
        let identifier = der::element(der::OCTET_STRING, digest.get(..20).unwrap_or_default());
        all.push(extension(&[0x55, 0x1D, 0x0E], false, &identifier));
    }
    if let Some(identifier) = signer.identifier.as_ref().filter(|it| !it.is_empty() && subject != issuer) {
        let identifier = der::sequence([der::element(0x80, identifier).as_slice()]);
        all.push(extension(&[0x55, 0x1D, 0x23], false, &identifier));
    }
    if !request.hosts.is_empty() || !request.addresses.is_empty() {
        let names = alternative_names(request)?;
        all.push(extension(&[0x55, 0x1D, 0x11], request.name.is_empty(), &names));
    }
    Ok(der::sequence(all.iter().map(Vec::as_slice)))
}

fn alternative_names(request: &Request) -> Result<Vec<u8>, String> {
    let mut names = Vec::new();
    for host in &request.hosts {
        if !host.is_ascii() {
            return Err(format!("x509: {} cannot be encoded as an IA5String", quote(host)));
        }
        names.push(der::element(0x82, host));
    }
    for address in &request.addresses {
        names.push(match address.to_canonical() {
            IpAddr::V4(address) => der::element(0x87, &address.octets()),
            IpAddr::V6(address) => der::element(0x87, &address.octets()),
        });
    }
    Ok(der::sequence(names.iter().map(Vec::as_slice)))
}

/// What of a certificate its signing of others needs.
struct Parsed {
    subject: Vec<u8>,
    public: Vec<u8>,
    identifier: Option<Vec<u8>>,
}

impl Parsed {
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut whole = der::Reader(der::Reader(bytes).expect(der::SEQUENCE)?);
        let mut fields = der::Reader(whole.expect(der::SEQUENCE)?);
        whole.expect(der::SEQUENCE)?;
        whole.expect(der::BIT_STRING)?;
        if fields.peek() == Some(0xA0) {
            fields.any()?;
        }
        fields.expect(der::INTEGER)?;
        fields.expect(der::SEQUENCE)?;
        fields.expect(der::SEQUENCE)?;
        fields.expect(der::SEQUENCE)?;
        let (_, _, subject) = fields.any().filter(|(tag, ..)| *tag == der::SEQUENCE)?;
        let (_, _, public) = fields.any().filter(|(tag, ..)| *tag == der::SEQUENCE)?;
        let mut identifier = None;
        while !fields.is_empty() {
            let (tag, content, _) = fields.any()?;
            if tag == 0xA3 {
                identifier = key_identifier(content)?;
            }
        }
        Some(Self { subject: subject.to_vec(), public: public.to_vec(), identifier })
    }
}

/// The subject's key identifier among the extensions; the outer `None` when they are malformed.
fn key_identifier(extensions: &[u8]) -> Option<Option<Vec<u8>>> {
    let mut extensions = der::Reader(der::Reader(extensions).expect(der::SEQUENCE)?);
    let mut identifier = None;
    while !extensions.is_empty() {
        let mut extension = der::Reader(extensions.expect(der::SEQUENCE)?);
        let oid = extension.expect(der::OID)?;
        extension.expect(der::BOOLEAN);
        let content = extension.expect(der::OCTET_STRING)?;
        if oid == [0x55, 0x1D, 0x0E] {
            identifier = Some(der::Reader(content).expect(der::OCTET_STRING)?.to_vec());
        }
    }
    Some(identifier)
}
