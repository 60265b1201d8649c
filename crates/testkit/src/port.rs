//! Free ports for servers that must be told theirs.
//!
//! A port is taken from below the kernel's ephemeral range, so no outgoing connection can sit on it, and its number is locked by a file
//! for as long as the [`Port`] lives, so two runs of the testkit never choose the same one between looking and listening.

use std::fs::{File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context, Result};

const FIRST: u16 = 20_000;
const COUNT: u16 = 12_000;

/// A port on loopback that is ours.
#[derive(Debug)]
pub struct Port {
    number: u16,
    _lock: File,
}

impl Port {
    /// Takes a port nobody listens on.
    pub fn reserve() -> Result<Self> {
        let locks = std::env::temp_dir().join(format!("weir-ports-{}", nix::unistd::getuid()));
        std::fs::create_dir_all(&locks).with_context(|| format!("cannot create {}", locks.display()))?;
        let start = std::collections::hash_map::RandomState::new().build_hasher().finish();
        for step in 0..u64::from(COUNT) {
            let offset = u16::try_from((start.wrapping_add(step)) % u64::from(COUNT)).unwrap_or_default();
            let number = FIRST + offset;
            let lock = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .open(locks.join(number.to_string()))
                .with_context(|| format!("cannot lock a port in {}", locks.display()))?;
            if lock.try_lock().is_ok() && TcpListener::bind((Ipv4Addr::LOCALHOST, number)).is_ok() {
                return Ok(Self { number, _lock: lock });
            }
        }
        anyhow::bail!("no free port between {FIRST} and {}; stop what holds them", FIRST + COUNT)
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// `127.0.0.1:<number>`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.number)
    }
}

/// True when something accepts connections on `address`.
pub async fn is_open(address: &str) -> bool {
    tokio::net::TcpStream::connect(address).await.is_ok()
}
