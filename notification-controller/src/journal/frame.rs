//! One record's bytes, and finding records in bytes.

use sha2::{Digest, Sha256};

/// Begins every frame; not valid UTF-8, so that it does not appear in payloads that are JSON.
const MARK: [u8; 4] = [0xF5, b'w', b'j', 0xF6];
const HEADER: usize = 16;

/// The longest record.
pub const MAX_PAYLOAD: usize = 8 * 1024 * 1024;

/// A record as it is written. Records longer than [`MAX_PAYLOAD`] must not be given.
pub(super) fn encode(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes();
    let mut frame = Vec::with_capacity(HEADER + payload.len());
    frame.extend(MARK);
    frame.extend(length);
    frame.extend(checksum(length, payload));
    frame.extend(payload);
    frame
}

fn checksum(length: [u8; 4], payload: &[u8]) -> [u8; 8] {
    let digest = Sha256::new().chain_update(length).chain_update(payload).finalize();
    let mut short = [0; 8];
    short.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    short
}

/// What bytes hold.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Decoded<'a> {
    /// Whole records in order.
    pub records: Vec<&'a [u8]>,
    /// Bytes that belong to none of them.
    pub damaged: usize,
    /// Where the last whole record ends.
    pub end: usize,
}

/// Finds all whole records; where bytes are damaged it goes on at the next mark that begins one.
pub(super) fn decode(bytes: &[u8]) -> Decoded<'_> {
    let mut found = Decoded::default();
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        match one(rest) {
            Some((payload, length)) => {
                found.damaged += at - found.end;
                found.records.push(payload);
                at += length;
                found.end = at;
            }
            None => match rest.get(1..).and_then(|rest| rest.windows(MARK.len()).position(|w| w == MARK)) {
                Some(next) => at += 1 + next,
                None => break,
            },
        }
    }
    found.damaged += bytes.len() - found.end;
    found
}

/// The record that begins here, and the length of its frame.
fn one(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let header = bytes.get(..HEADER)?;
    let (mark, rest) = header.split_first_chunk::<4>()?;
    let (length, digest) = rest.split_first_chunk::<4>()?;
    let size = usize::try_from(u32::from_le_bytes(*length)).ok()?;
    if *mark != MARK || size > MAX_PAYLOAD {
        return None;
    }
    let payload = bytes.get(HEADER..HEADER + size)?;
    (checksum(*length, payload) == digest).then_some((payload, HEADER + size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(payloads: &[&[u8]]) -> Vec<u8> {
        payloads.iter().flat_map(|payload| encode(payload)).collect()
    }

    #[test]
    fn what_was_cut_anywhere_loses_only_its_last_record() {
        let payloads: [&[u8]; 3] = [b"first", b"", b"the third one"];
        let whole = bytes(&payloads);
        let ends: Vec<usize> = (1..=3).map(|n| bytes(&payloads[..n]).len()).collect();
        for cut in 0..=whole.len() {
            let found = decode(&whole[..cut]);
            let expected = ends.iter().filter(|end| **end <= cut).count();
            assert_eq!(found.records, &payloads[..expected], "cut at {cut}");
            assert_eq!(found.end + found.damaged, cut);
        }
    }

    #[test]
    fn a_damaged_byte_anywhere_loses_only_its_own_record() {
        let payloads: [&[u8]; 3] = [b"first", b"second", b"third"];
        let whole = bytes(&payloads);
        for at in 0..whole.len() {
            for bit in [0x01, 0x80] {
                let mut damaged = whole.clone();
                damaged[at] ^= bit;
                let hit = (0..3).find(|n| at < bytes(&payloads[..=*n]).len()).unwrap();
                let left: Vec<&[u8]> =
                    payloads.iter().enumerate().filter(|(n, _)| *n != hit).map(|(_, p)| *p).collect();
                assert_eq!(decode(&damaged).records, left, "byte {at}");
            }
        }
    }

    #[test]
    fn garbage_and_lying_lengths_are_passed_over() {
        let mut lying = encode(b"x");
        lying[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
        let mut all = b"garbage".to_vec();
        all.extend(MARK);
        all.extend(&lying);
        all.extend(encode(b"good"));
        all.extend(MARK);
        let found = decode(&all);
        assert_eq!(found.records, [b"good"]);
        assert_eq!(found.damaged, all.len() - encode(b"good").len());
    }
}
