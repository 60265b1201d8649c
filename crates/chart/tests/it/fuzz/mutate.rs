//! How bytes are changed.

use proptest::{prelude::*, sample::Index};

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// A piece is put in.
    Insert(Index, Vec<u8>),
    /// Bytes are taken out.
    Remove(Index, usize),
    /// A byte becomes another.
    Set(Index, u8),
    /// Bytes are said again.
    Repeat(Index, usize),
    /// All that follows is gone.
    Cut(Index),
    /// Bytes of one place replace those of another.
    Copy(Index, Index, usize),
}

/// Some changes; pieces are put in among them.
pub fn changes(pieces: &'static [&'static str], most: usize) -> impl Strategy<Value = Vec<Change>> {
    let piece = prop_oneof![
        4 => prop::sample::select(pieces).prop_map(|it| it.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..6),
    ];
    let change = prop_oneof![
        6 => (any::<Index>(), piece).prop_map(|(at, piece)| Change::Insert(at, piece)),
        3 => (any::<Index>(), 1usize..24).prop_map(|(at, count)| Change::Remove(at, count)),
        3 => (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        2 => (any::<Index>(), 1usize..80).prop_map(|(at, count)| Change::Repeat(at, count)),
        1 => any::<Index>().prop_map(Change::Cut),
        1 => (any::<Index>(), any::<Index>(), 1usize..60).prop_map(|(from, to, count)| Change::Copy(from, to, count)),
    ];
    prop::collection::vec(change, 0..most)
}

/// The bytes after the changes.
pub fn mutated(seed: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for change in changes {
        let place = |it: &Index| it.index(bytes.len() + 1);
        match change {
            Change::Insert(at, piece) => {
                let at = place(at);
                bytes.splice(at..at, piece.iter().copied());
            }
            Change::Remove(at, count) => {
                let at = place(at);
                let end = (at + count).min(bytes.len());
                bytes.drain(at..end);
            }
            Change::Set(at, byte) => {
                let at = place(at);
                if let Some(it) = bytes.get_mut(at) {
                    *it = *byte;
                }
            }
            Change::Repeat(at, count) => {
                let at = place(at);
                let again = bytes[at..].iter().copied().take(*count).collect::<Vec<_>>();
                bytes.splice(at..at, again);
            }
            Change::Cut(at) => bytes.truncate(place(at)),
            Change::Copy(from, to, count) => {
                let (from, to) = (place(from), place(to));
                let taken: Vec<u8> = bytes[from..].iter().copied().take(*count).collect();
                let end = (to + taken.len()).min(bytes.len());
                bytes.splice(to..end, taken);
            }
        }
    }
    bytes
}
