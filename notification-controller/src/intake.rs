//! Events from controllers, by HTTP POST as Flux sends them and by gRPC.

mod grpc;
mod http;

use std::sync::Arc;

use weir_proto::WireEvent;
use weir_runtime::clock::Clock;

pub use grpc::GrpcIntake;
pub use http::HttpIntake;

use crate::{
    event::prepare,
    queue::{Accepted, Queue, Refused},
};

/// Takes events over; both ways in share it.
#[derive(Clone, Debug)]
pub struct Intake {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    queue: Queue,
    clock: Clock,
}

impl Intake {
    /// An intake for a queue.
    #[must_use]
    pub fn new(queue: Queue, clock: Clock) -> Self {
        Self { inner: Arc::new(Inner { queue, clock }) }
    }

    /// Makes an event safe. One without a time gets this moment's.
    ///
    /// A sender that goes away in the middle does not stop it: an event that is on disk is also delivered.
    ///
    /// # Errors
    /// When it cannot be kept.
    pub async fn take(&self, mut event: WireEvent) -> Result<Accepted, Refused> {
        let now = self.inner.clock.now();
        if event.timestamp.as_second() <= 0 {
            event.timestamp = now;
        }
        let inner = Arc::clone(&self.inner);
        let taken = tokio::spawn(async move { inner.queue.accept(&prepare(event), now).await });
        match taken.await {
            Ok(result) => result,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // The runtime ends: nobody knows whether the event is safe, so the sender must send it again.
                Err(_) => Err(Refused::Ending),
            },
        }
    }

    fn queue(&self) -> &Queue {
        &self.inner.queue
    }
}
