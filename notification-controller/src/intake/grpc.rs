//! `weir.event.v1.Events`.

use std::pin::Pin;

use kube::core::{ApiResource, GroupVersionKind};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use weir_proto::{
    WireEvent, WireReference,
    event::v1::{
        PublishRequest, PublishResponse, Severity, WatchRequest, WatchResponse, events_server::Events,
        publish_response::Result as Published,
    },
};
use weir_reconcile::describe;
use weir_runtime::grpc::{Access, Caller, traceparent};

use super::Intake;
use crate::{
    event::group,
    queue::{Accepted, Refused, Seen, Watcher},
    server::MAX_BODY,
};

/// The service.
#[derive(Clone, Debug)]
pub struct GrpcIntake {
    intake: Intake,
}

impl GrpcIntake {
    /// Serves an intake.
    #[must_use]
    pub fn new(intake: Intake) -> Self {
        Self { intake }
    }
}

/// Who publishes an event must be able to write to the object it is about, as its controller is.
fn may_publish(object: &WireReference) -> Access {
    let version = object.api_version.rsplit('/').next().unwrap_or_default();
    let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group(object), version, &object.kind));
    Access {
        verb: "patch".to_owned(),
        group: resource.group,
        resource: resource.plural,
        namespace: object.namespace.clone(),
        name: object.name.clone(),
    }
}

/// Who watches must be able to list Kubernetes' own events there.
fn may_watch(request: &WatchRequest) -> Access {
    Access {
        verb: "list".to_owned(),
        group: String::new(),
        resource: "events".to_owned(),
        namespace: request.namespace.clone(),
        name: String::new(),
    }
}

#[tonic::async_trait]
impl Events for GrpcIntake {
    async fn publish(&self, request: Request<PublishRequest>) -> Result<Response<PublishResponse>, Status> {
        let caller = Caller::of(&request)?;
        let parent = traceparent(&request);
        let event = request.into_inner().event.ok_or_else(|| Status::invalid_argument("the request holds no event"))?;
        if prost::Message::encoded_len(&event) > MAX_BODY {
            return Err(Status::resource_exhausted("the event is larger than 3 MiB"));
        }
        let mut event = WireEvent::try_from(event).map_err(|error| Status::invalid_argument(error.to_string()))?;
        let object = &event.involved_object;
        if object.kind.is_empty() || object.name.is_empty() || object.namespace.is_empty() {
            return Err(Status::invalid_argument("the event must name kind, namespace and name of its object"));
        }
        caller.may(&may_publish(object)).await?;
        if let Some(parent) = parent {
            event.metadata.entry(weir_api::names::weir::TRACEPARENT.to_owned()).or_insert(parent);
        }
        let (result, id) = match self.intake.take(event).await {
            Ok(Accepted::New(id)) => (Published::Accepted, id.to_string()),
            Ok(Accepted::Duplicate) => (Published::Duplicate, String::new()),
            Err(error @ Refused::Journal(_)) => {
                let error = describe(&error);
                tracing::error!(error, "event not accepted");
                return Err(Status::unavailable("the event could not be written, try again"));
            }
            Err(error @ Refused::Ending) => return Err(Status::unavailable(error.to_string())),
            Err(error) => return Err(Status::resource_exhausted(error.to_string())),
        };
        Ok(Response::new(PublishResponse { result: result.into(), id }))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<WatchResponse, Status>> + Send>>;

    async fn watch(&self, request: Request<WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let caller = Caller::of(&request)?;
        let wanted = request.into_inner();
        caller.may(&may_watch(&wanted)).await?;
        let watcher = self.intake.queue().watch(wanted.replay);
        let following = Following { watcher, to_sync: wanted.replay, wanted };
        Ok(Response::new(Box::pin(futures::stream::unfold(Some(following), follow))))
    }
}

struct Following {
    watcher: Watcher,
    wanted: WatchRequest,
    /// Whether the caller is still to be told that it has seen what was kept.
    to_sync: bool,
}

/// The next event that fits.
async fn follow(state: Option<Following>) -> Option<(Result<WatchResponse, Status>, Option<Following>)> {
    let mut state = state?;
    loop {
        if state.to_sync && state.watcher.is_synced() {
            state.to_sync = false;
            return Some((Ok(WatchResponse { synced: true, ..WatchResponse::default() }), Some(state)));
        }
        match state.watcher.next().await {
            Ok(seen) if matches(&state.wanted, &seen.event) => return Some((Ok(response(seen)), Some(state))),
            Ok(_) => {}
            Err(lost) => return Some((Err(Status::aborted(lost.to_string())), None)),
        }
    }
}

fn response(seen: Seen) -> WatchResponse {
    WatchResponse { event: Some(seen.event.as_ref().clone().into()), id: seen.id.to_string(), synced: false }
}

fn matches(wanted: &WatchRequest, event: &WireEvent) -> bool {
    let object = &event.involved_object;
    let fits = |wanted: &str, is: &str| wanted.is_empty() || wanted == is;
    let severity = match wanted.severity() {
        Severity::Trace => true,
        Severity::Error => event.severity == "error",
        Severity::Unspecified | Severity::Info => event.severity != "trace",
    };
    severity
        && fits(&wanted.kind, &object.kind)
        && fits(&wanted.namespace, &object.namespace)
        && fits(&wanted.name, &object.name)
}
