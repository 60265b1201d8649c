//! Messages, clients and servers generated from the `.proto` files beside this crate, and a few conversions.
//!
//! ```text
//! source-controller  --Artifacts.Watch/Fetch-->  kustomize-controller
//! every controller   --Events.Publish-->         notification-controller  --Events.Watch-->  weir
//! ```

/// Every message and service as an encoded `FileDescriptorSet`, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// `weir.artifact.v1`: artifacts as they change, and their bytes.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod artifact {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("weir.artifact.v1");
    }
}

/// `weir.event.v1`: events taken in and streamed out.
#[allow(missing_docs, clippy::all, clippy::pedantic)]
pub mod event {
    /// Version 1.
    pub mod v1 {
        tonic::include_proto!("weir.event.v1");
    }
}

mod wire;

pub use wire::{InvalidEvent, WireEvent, WireReference};
