//! What the process allows: sizes, algorithms.

/// Bounds on what a server may send. The defaults fit large monorepos into a pod of 1 GiB and stop hostile servers.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of a list of references.
    pub advertisement_bytes: u64,
    /// References looked at.
    pub references: usize,
    /// Bytes of one pack.
    pub pack_bytes: u64,
    /// Objects in one pack.
    pub objects: u32,
    /// Bytes of one object, inflated.
    pub object_bytes: u64,
    /// Bytes of all objects of a pack, inflated and with deltas applied.
    pub inflated_bytes: u64,
    /// Bytes along one chain of deltas, which is what resolving it may hold in memory.
    pub chain_bytes: u64,
    /// Bytes of memory that resolving a pack may take, for all its objects and its longest chain. All fetches of the process
    /// share as much: those that would not fit together wait for each other.
    pub resolve_bytes: u64,
    /// Bytes of progress and error text.
    pub message_bytes: u64,
    /// Entries of a whole tree.
    pub tree_entries: u64,
    /// Directories in directories.
    pub tree_depth: usize,
    /// Redirects followed.
    pub redirects: usize,
    /// Bytes a kept repository may have on disk before it is cloned anew.
    pub kept_bytes: u64,
    /// Packs a kept repository may have before it is cloned anew.
    pub kept_packs: usize,
}

impl Default for Limits {
    fn default() -> Self {
        const MIB: u64 = 1024 * 1024;
        Self {
            advertisement_bytes: 64 * MIB,
            references: 500_000,
            pack_bytes: 2048 * MIB,
            objects: 1_500_000,
            object_bytes: 128 * MIB,
            inflated_bytes: 16 * 1024 * MIB,
            chain_bytes: 256 * MIB,
            resolve_bytes: 512 * MIB,
            message_bytes: MIB,
            tree_entries: 2_000_000,
            tree_depth: 256,
            redirects: 5,
            kept_bytes: 4096 * MIB,
            kept_packs: 50,
        }
    }
}

/// Options of the process.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Bounds on what a server may send.
    pub limits: Limits,
    /// `--ssh-kex-algos`; empty means safe defaults.
    pub ssh_kex_algorithms: Vec<String>,
    /// `--ssh-hostkey-algos`; empty means all known ones.
    pub ssh_host_key_algorithms: Vec<String>,
}
