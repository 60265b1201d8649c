//! DSA keys of 2048 and 256 bits, which only `genPrivateKey "dsa"` still makes (FIPS 186-3).

use num_bigint::BigUint;

use super::der;
use crate::sprig::world::World;

const P_BITS: u64 = 2048;
const Q_BITS: u64 = 256;
/// Rounds of Miller and Rabin; each lets a composite through with a chance of at most a quarter.
const ROUNDS: usize = 64;
const SMALL_PRIMES: u32 = 4_000;

/// A new key as DER: version, p, q, g, y and x in a sequence.
pub fn generate(world: &World) -> Vec<u8> {
    let primes = small_primes();
    let (p, q) = loop {
        let q = candidate(world, Q_BITS);
        if !is_prime(world, &primes, &q) {
            continue;
        }
        let found = (0..4 * P_BITS).find_map(|_| {
            let x = candidate(world, P_BITS);
            // One more than a multiple of q.
            let p = &x - (&x % &q) + 1_u8;
            (p.bits() >= P_BITS && is_prime(world, &primes, &p)).then_some(p)
        });
        if let Some(p) = found {
            break (p, q);
        }
    };
    let one = BigUint::from(1_u8);
    let exponent = (&p - 1_u8) / &q;
    let g = (2_u8..).map(|h| BigUint::from(h).modpow(&exponent, &p)).find(|g| *g != one).unwrap_or(one);
    let x = loop {
        let x = number(world, Q_BITS);
        if x != BigUint::ZERO && x < q {
            break x;
        }
    };
    let y = g.modpow(&x, &p);
    let numbers: Vec<_> = [&BigUint::ZERO, &p, &q, &g, &y, &x].map(|it| der::integer(&it.to_bytes_be())).to_vec();
    der::sequence(numbers.iter().map(Vec::as_slice))
}

fn number(world: &World, bits: u64) -> BigUint {
    BigUint::from_bytes_be(&world.bytes(usize::try_from(bits / 8).unwrap_or(0)))
}

/// A random odd number of exactly so many bits.
fn candidate(world: &World, bits: u64) -> BigUint {
    let mut number = number(world, bits);
    number.set_bit(0, true);
    number.set_bit(bits - 1, true);
    number
}

fn small_primes() -> Vec<u32> {
    let mut primes: Vec<u32> = Vec::new();
    for number in 3..SMALL_PRIMES {
        if number % 2 == 1 && primes.iter().take_while(|it| *it * *it <= number).all(|it| number % it != 0) {
            primes.push(number);
        }
    }
    primes
}

fn is_prime(world: &World, primes: &[u32], number: &BigUint) -> bool {
    if primes.iter().any(|it| number % it == BigUint::ZERO) || !number.bit(0) {
        return false;
    }
    let one = BigUint::from(1_u8);
    let minus_one = number - 1_u8;
    let twos = minus_one.trailing_zeros().unwrap_or(0);
    let odd = &minus_one >> twos;
    (0..ROUNDS).all(|round| {
        let base = if round == 0 { BigUint::from(2_u8) } else { self::number(world, number.bits()) % &minus_one };
        if base <= one {
            return true;
        }
        let mut power = base.modpow(&odd, number);
        if power == one || power == minus_one {
            return true;
        }
        for _ in 1..twos {
            power = &power * &power % number;
            if power == minus_one {
                return true;
            }
        }
        false
    })
}
