//! What the functions that are not functions of their arguments alone look at: the clock, the local zone, randomness.

use std::{cell::LazyCell, rc::Rc};

use crate::sprig::dates::Time;
pub use crate::sprig::dates::zone::Zone;

/// Where random bytes come from.
pub trait Random {
    /// Fills a buffer.
    fn fill(&self, bytes: &mut [u8]);

    /// A new RSA private key of so many bits, as PKCS#8 DER. The cryptographic library makes it with randomness of its
    /// own; whoever needs the same keys every time gives them here.
    ///
    /// # Errors
    /// When the library refuses, with its reason.
    fn rsa_key(&self, bits: u32) -> Result<Vec<u8>, String> {
        crate::sprig::crypto::generate_rsa(bits)
    }
}

/// Randomness of the operating system.
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, bytes: &mut [u8]) {
        // Not through the cryptographic library, which takes 50 ms to start its own generator.
        getrandom::fill(bytes).expect("the operating system always has random bytes");
    }
}

/// Clock, zone and randomness.
pub struct World {
    clock: Box<dyn Fn() -> i128>,
    started: i128,
    local: LazyCell<Zone, Box<dyn FnOnce() -> Zone>>,
    /// Where keys, passwords and identifiers come from.
    pub random: Rc<dyn Random>,
}

impl World {
    /// `clock` answers the nanoseconds since 1970 each time it is asked.
    #[must_use]
    pub fn new(clock: impl Fn() -> i128 + 'static, local: Zone, random: impl Random + 'static) -> Self {
        Self::with_local(clock, || local, random)
    }

    /// As [`World::new`], of a zone that is asked for once, when a template needs it: few do, and a machine's zone is
    /// found by a look at all its zone files.
    #[must_use]
    pub fn with_local(
        clock: impl Fn() -> i128 + 'static,
        local: impl FnOnce() -> Zone + 'static,
        random: impl Random + 'static,
    ) -> Self {
        let started = clock();
        let local: Box<dyn FnOnce() -> Zone> = Box::new(local);
        Self { clock: Box::new(clock), started, local: LazyCell::new(local), random: Rc::new(random) }
    }

    /// The zone that `date` prints in and `toDate` reads in.
    #[must_use]
    pub fn local(&self) -> &Zone {
        &self.local
    }

    /// The time now, in the local zone.
    #[must_use]
    pub fn now(&self) -> Time {
        let nanos = (self.clock)();
        // Go's clock that never jumps starts at 1 with the program.
        let running = i64::try_from(nanos - self.started).unwrap_or(0).saturating_add(1);
        Time { monotonic: Some(running), ..Time::from_nanos(nanos, self.local().clone()) }
    }

    /// So many random bytes.
    #[must_use]
    pub fn bytes(&self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.random.fill(&mut bytes);
        bytes
    }

    /// A random number below a limit above 0, each as likely.
    #[must_use]
    pub fn below(&self, limit: u64) -> u64 {
        // Numbers from the incomplete last round would be likelier.
        let rounds = u64::MAX - u64::MAX % limit;
        loop {
            let mut bytes = [0; 8];
            self.random.fill(&mut bytes);
            let number = u64::from_le_bytes(bytes);
            if number < rounds {
                return number % limit;
            }
        }
    }
}
