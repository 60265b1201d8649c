//! Digests, passwords, random texts, encryption; keys and certificates are in the modules below.

mod certificate;
mod der;
mod derive;
mod dsa;
mod keys;
mod pem;

use std::rc::Rc;

use aes::Aes256;
use cbc::cipher::{BlockModeDecrypt, BlockModeEncrypt, KeyIvInit, block_padding::NoPadding, block_padding::Pkcs7};
use sha2::Digest;

use crate::{
    context::Ctx,
    error::FuncError,
    function::{Function, Functions, Plain, Signature},
    sprig::{
        args::{Answer, BAD_LENGTH, INT, TEXT, fail, int, text},
        encoding::{base64, base64_decode},
        unicode,
        world::World,
    },
    types::Type,
    value::Value,
};

pub use keys::generate_rsa;

const ONE: Signature = Signature::fixed(&[TEXT]).typed("func(string) string");
const TWO: Signature = Signature::fixed(&[TEXT, TEXT]);

/// Characters of random texts.
const DIGITS: &str = "0123456789";
const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// What functions with randomness are made of.
type Body = fn(&World, &mut Ctx<'_>, &[Value]) -> Answer;

/// Those that look at nothing but their arguments.
pub fn register(to: &mut Functions) {
    digests(to);
    to.add("derivePassword", Signature::fixed(&[Type::Uint32, TEXT, TEXT, TEXT, TEXT]), |_, args| {
        let counter = match args.first().map(Value::plain) {
            Some(Value::Uint(_, counter)) => u32::try_from(*counter).unwrap_or(u32::MAX),
            _ => 0,
        };
        let [kind, password, user, site] = [1, 2, 3, 4].map(|at| text(args, at));
        Ok(derive::password(counter, &kind, &password, &user, &site))
    });
    to.add("decryptAES", TWO, |_, args| decrypt(&text(args, 0), &text(args, 1)));
    certificate::register(to);
}

/// Those that take randomness.
pub fn register_world(to: &mut Functions, world: &Rc<World>) {
    let mut with = |name: &'static str, signature: Signature, body: Body| {
        let world = world.clone();
        to.insert(name, Function::new(signature, move |ctx, args| body(&world, ctx, args)));
    };
    with("bcrypt", ONE, |world, _, args| Ok(Value::from(bcrypt(world, &text(args, 0)))));
    with("htpasswd", TWO, |world, _, args| {
        let (user, password) = (text(args, 0), text(args, 1));
        if user.contains(&b':') {
            return Ok(Value::string([b"invalid username: ".as_slice(), &user].concat()));
        }
        Ok(Value::string([&user, b":".as_slice(), bcrypt(world, &password).as_bytes()].concat()))
    });
    with("encryptAES", TWO, |world, ctx, args| encrypt(world, ctx, &text(args, 0), &text(args, 1)));
    random(&mut with);
    certificate::register_world(to, world);
}

fn random(with: &mut impl FnMut(&'static str, Signature, Body)) {
    const COUNT: Signature = Signature::fixed(&[INT]).typed("func(int) string");
    with("randAlphaNum", COUNT, |world, ctx, args| letters(world, ctx, args, &[DIGITS, LETTERS].concat()));
    with("randAlpha", COUNT, |world, ctx, args| letters(world, ctx, args, LETTERS));
    with("randNumeric", COUNT, |world, ctx, args| letters(world, ctx, args, DIGITS));
    with("randAscii", COUNT, |world, ctx, args| {
        let printable: String = (' '..='~').collect();
        letters(world, ctx, args, &printable)
    });
    with("randBytes", COUNT, |world, ctx, args| {
        let Ok(count) = usize::try_from(int(args, 0)) else { return fail(BAD_LENGTH) };
        ctx.charge_output(count.saturating_mul(2))?;
        Ok(Value::from(base64(&world.bytes(count))))
    });
    with("randInt", Signature::fixed(&[INT, INT]).typed("func(int, int) int"), |world, _, args| {
        let (low, high) = (int(args, 0), int(args, 1));
        match u64::try_from(high.wrapping_sub(low)) {
            Ok(span) if span > 0 => Ok(Value::int(low.wrapping_add_unsigned(world.below(span)))),
            _ => fail("invalid argument to Intn"),
        }
    });
    with("shuffle", ONE, |world, ctx, args| {
        let whole = text(args, 0);
        let mut letters: Vec<char> = unicode::runes(&whole).map(|(_, letter, _)| letter).collect();
        ctx.charge(letters.len() as u64)?;
        for at in (1..letters.len()).rev() {
            let other = usize::try_from(world.below(at as u64 + 1)).unwrap_or(0);
            letters.swap(at, other);
        }
        Ok(Value::from(letters.into_iter().collect::<String>()))
    });
    with("uuidv4", Signature::NONE, |world, _, _| {
        let mut bytes = [0; 16];
        world.random.fill(&mut bytes);
        Ok(Value::from(uuid::Builder::from_random_bytes(bytes).into_uuid().to_string()))
    });
}

/// So many characters of a choice; none when the number is below zero.
fn letters(world: &World, ctx: &mut Ctx<'_>, args: &[Value], choice: &str) -> Answer {
    let count = usize::try_from(int(args, 0)).unwrap_or(0);
    ctx.charge_output(count)?;
    ctx.charge(count as u64)?;
    let choice = choice.as_bytes();
    let letter = |_| {
        let at = usize::try_from(world.below(choice.len() as u64)).unwrap_or(0);
        choice.get(at).copied().unwrap_or(b' ')
    };
    Ok(Value::string((0..count).map(letter).collect::<Vec<u8>>()))
}

fn digests(to: &mut Functions) {
    let mut digest = |name, body: Plain| to.add(name, ONE, body);
    digest("sha1sum", |_, args| Ok(Value::from(hex::encode(sha1::Sha1::digest(&*text(args, 0))))));
    digest("sha256sum", |_, args| Ok(Value::from(hex::encode(sha2::Sha256::digest(&*text(args, 0))))));
    digest("sha512sum", |_, args| Ok(Value::from(hex::encode(sha2::Sha512::digest(&*text(args, 0))))));
    digest("adler32sum", |_, args| {
        const MODULUS: u32 = 65_521;
        let (low, high) = text(args, 0).iter().fold((1_u32, 0_u32), |(low, high), byte| {
            let low = (low + u32::from(*byte)) % MODULUS;
            (low, (high + low) % MODULUS)
        });
        Ok(Value::from((high << 16 | low).to_string()))
    });
}

/// Cost 10, as Go's default.
fn bcrypt(world: &World, password: &[u8]) -> String {
    const COST: u32 = 10;
    if password.len() > 72 {
        return "failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".into();
    }
    let mut salt = [0; 16];
    world.random.fill(&mut salt);
    match ::bcrypt::hash_with_salt(password, COST, salt) {
        Ok(parts) => parts.format_for_version(::bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    }
}

/// The password cut or filled up with zeros to the length of a key.
fn key(password: &[u8]) -> [u8; 32] {
    let mut key = [0; 32];
    for (slot, byte) in key.iter_mut().zip(password) {
        *slot = *byte;
    }
    key
}

fn encrypt(world: &World, ctx: &mut Ctx<'_>, password: &[u8], plain: &[u8]) -> Answer {
    if plain.is_empty() {
        return Ok(Value::from(""));
    }
    ctx.charge_output(plain.len().saturating_mul(2))?;
    let mut vector = [0; 16];
    world.random.fill(&mut vector);
    let encrypted =
        cbc::Encryptor::<Aes256>::new(&key(password).into(), &vector.into()).encrypt_padded_vec::<Pkcs7>(plain);
    Ok(Value::from(base64(&[vector.as_slice(), &encrypted].concat())))
}

/// The original checks nothing; where it runs out of its slices, its panics are the errors.
fn decrypt(password: &[u8], encrypted: &[u8]) -> Answer {
    if encrypted.is_empty() {
        return Ok(Value::from(""));
    }
    let bytes = base64_decode(encrypted).map_err(FuncError::new)?;
    let Some((vector, blocks)) = bytes.split_at_checked(16) else {
        // Go's decoder makes room for what the text could hold at most.
        let capacity = encrypted.len() / 4 * 3;
        return fail(format!("runtime error: slice bounds out of range [:16] with capacity {capacity}"));
    };
    let vector: [u8; 16] = vector.try_into().unwrap_or_default();
    if blocks.len() % 16 != 0 {
        return fail("crypto/cipher: input not full blocks");
    }
    let decryptor = cbc::Decryptor::<Aes256>::new(&key(password).into(), &vector.into());
    let plain = decryptor.decrypt_padded_vec::<NoPadding>(blocks).unwrap_or_default();
    let Some(padding) = plain.last() else { return fail("runtime error: index out of range [-1]") };
    match plain.len().checked_sub(usize::from(*padding)).and_then(|length| plain.get(..length)) {
        Some(kept) => Ok(Value::string(kept)),
        None => {
            let end = plain.len() as i64 - i64::from(*padding);
            fail(format!("runtime error: slice bounds out of range [:{end}]"))
        }
    }
}
