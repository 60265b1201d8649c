//! The way to a server: HTTP by reqwest, SSH by russh. Both give packets to `wire`.

pub(crate) mod http;
mod proxy;
pub(crate) mod ssh;

use crate::{Error, wire::PacketReader};

/// A way to one server, for one conversation.
pub(crate) enum Link {
    Http(Box<http::HttpLink>),
    Ssh(Box<ssh::SshLink>),
}

impl Link {
    /// Opens the stream with the server's greeting.
    pub(crate) async fn greeting(&mut self) -> Result<PacketReader, Error> {
        match self {
            Self::Http(link) => link.greeting().await,
            Self::Ssh(link) => link.greeting().await,
        }
    }

    /// Sends a request; its answer is then read from `reader`.
    pub(crate) async fn send(&mut self, body: Vec<u8>, reader: &mut PacketReader) -> Result<(), Error> {
        match self {
            Self::Http(link) => link.post(body, reader).await,
            Self::Ssh(link) => link.write(&body).await,
        }
    }

    /// A better error than "it closed the connection", where the server left a note.
    pub(crate) async fn explain(&mut self, error: Error) -> Error {
        match self {
            Self::Http(_) => error,
            Self::Ssh(link) => link.explain(error).await,
        }
    }

    /// Ends the conversation.
    pub(crate) async fn close(&mut self) {
        match self {
            Self::Http(_) => {}
            Self::Ssh(link) => link.close().await,
        }
    }
}
