//! Events from notification-controller itself, by `weir.event.v1.Events`: also those that Kubernetes has forgotten.

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tonic::{
    Code, Request, Status, Streaming,
    metadata::{Ascii, MetadataValue},
    transport::{Certificate, ClientTlsConfig, Endpoint},
};
use weir_proto::{
    WireEvent,
    event::v1::{WatchRequest, WatchResponse, events_client::EventsClient},
};

use crate::error::{Cause, Error};

// Where notification-controller is reached.
#[derive(Debug, clap::Args)]
pub struct StreamArgs {
    /// Read events from notification-controller itself, at host:port or grpcs://host:port, instead of those that Kubernetes
    /// keeps (kubectl -n flux-system port-forward deployment/notification-controller 9092)
    #[arg(long, value_name = "ADDRESS")]
    grpc: Option<String>,
    /// The file with the token to show there (kubectl create token NAME --audience weir)
    #[arg(long, value_name = "FILE", requires = "grpc")]
    grpc_token_file: Option<PathBuf>,
    /// The file with the authorities to check its certificate by, for grpcs://
    #[arg(long, value_name = "FILE", requires = "grpc")]
    grpc_ca: Option<PathBuf>,
    /// The name in its certificate, if it is not that of the address
    #[arg(long, value_name = "NAME", requires = "grpc_ca")]
    grpc_name: Option<String>,
}

impl StreamArgs {
    /// Whether events are read this way.
    pub fn is_wanted(&self) -> bool {
        self.grpc.is_some()
    }
}

/// What a stream brings.
#[derive(Debug)]
pub enum Step {
    /// An event, in the shape of a Kubernetes one.
    Event(Value),
    /// Everything that was kept has come.
    Synced,
}

/// Events as they are accepted, those that are kept first.
pub struct Stream {
    address: String,
    messages: Streaming<WatchResponse>,
}

impl Stream {
    /// Connects and asks for the events of a namespace, or of all.
    pub async fn open(args: &StreamArgs, namespace: Option<&str>) -> Result<Self, Error> {
        let address = args.grpc.clone().unwrap_or_default();
        let token = token(args)?;
        let channel = endpoint(args, &address)?.connect().await;
        let channel = channel.map_err(|error| Error::Refused {
            object: format!("notification-controller at {address}"),
            message: innermost(&error),
            hint: "reach it by: kubectl -n flux-system port-forward deployment/notification-controller 9092".into(),
        })?;
        let request =
            WatchRequest { namespace: namespace.unwrap_or_default().into(), replay: true, ..WatchRequest::default() };
        let mut client = EventsClient::with_interceptor(channel, move |mut request: Request<()>| {
            if let Some(token) = &token {
                request.metadata_mut().insert("authorization", token.clone());
            }
            Ok(request)
        });
        let messages = client.watch(request).await.map_err(|status| refused(&address, &status))?.into_inner();
        Ok(Self { address, messages })
    }

    /// The next step; nothing when the server ends.
    pub async fn next(&mut self) -> Result<Option<Step>, Error> {
        loop {
            let message = self.messages.message().await.map_err(|status| refused(&self.address, &status))?;
            let Some(WatchResponse { event, synced, .. }) = message else { return Ok(None) };
            if synced {
                return Ok(Some(Step::Synced));
            }
            // An event that names nothing cannot be shown; the server takes none.
            if let Some(event) = event.and_then(|event| WireEvent::try_from(event).ok()) {
                return Ok(Some(Step::Event(as_kubernetes(event))));
            }
        }
    }
}

fn token(args: &StreamArgs) -> Result<Option<MetadataValue<Ascii>>, Error> {
    let Some(path) = &args.grpc_token_file else { return Ok(None) };
    let text = std::fs::read_to_string(path)
        .map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
    let value = format!("Bearer {}", text.trim()).parse().map_err(|_| Error::Usage {
        message: format!("{} holds no token", path.display()),
        hint: Some("make one: kubectl create token NAME --audience weir".into()),
    })?;
    Ok(Some(value))
}

fn endpoint(args: &StreamArgs, address: &str) -> Result<Endpoint, Error> {
    let (scheme, rest) = address.split_once("://").unwrap_or(("grpc", address));
    let wrong = |message: String| Error::Usage { message, hint: Some("for example --grpc 127.0.0.1:9092".into()) };
    let invalid = || wrong(format!("{address:?} is not an address: expected host:port or grpcs://host:port"));
    let secure = match scheme {
        "grpc" | "http" => false,
        "grpcs" | "https" => true,
        _ => return Err(invalid()),
    };
    let rest = rest.trim_end_matches('/');
    if !rest.contains(':') {
        return Err(invalid());
    }
    let url = format!("{}://{rest}", if secure { "https" } else { "http" });
    let endpoint = Endpoint::from_shared(url).map_err(|_| invalid())?.connect_timeout(Duration::from_secs(5));
    if !secure {
        return Ok(endpoint);
    }
    let path = args.grpc_ca.as_ref().ok_or_else(|| wrong("grpcs:// needs --grpc-ca FILE".into()))?;
    let pem = std::fs::read(path).map_err(|source| Error::Io { action: format!("read {}", path.display()), source })?;
    let mut tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(pem));
    if let Some(name) = &args.grpc_name {
        tls = tls.domain_name(name.clone());
    }
    endpoint.tls_config(tls).map_err(|error| Error::Api {
        action: format!("use the authorities in {}", path.display()),
        source: Cause::new(innermost(&error)),
    })
}

fn refused(address: &str, status: &Status) -> Error {
    let hint = match status.code() {
        Code::Unauthenticated => "show one by --grpc-token-file: kubectl create token NAME --audience weir",
        Code::PermissionDenied => "the token's ServiceAccount must be able to list events; -n asks for one namespace",
        Code::Aborted => "run the command again",
        _ => "without --grpc the events that Kubernetes keeps are shown",
    };
    Error::Refused {
        object: format!("notification-controller at {address}"),
        message: status.message().to_owned(),
        hint: hint.to_owned(),
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// The event as Kubernetes would keep it, so that both are shown alike; its metadata are annotations.
fn as_kubernetes(event: WireEvent) -> Value {
    let WireEvent {
        involved_object,
        severity,
        timestamp,
        message,
        reason,
        metadata,
        reporting_controller,
        reporting_instance,
    } = event;
    let time = Timestamp::from_second(timestamp.as_second()).unwrap_or(timestamp).to_string();
    let namespace = involved_object.namespace.clone();
    let name = format!("{}.{:x}", involved_object.name, timestamp.as_nanosecond());
    let annotations: Map<String, Value> = metadata.into_iter().map(|(key, value)| (key, value.into())).collect();
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": name, "namespace": namespace, "creationTimestamp": time, "annotations": annotations},
        "involvedObject": serde_json::to_value(involved_object).unwrap_or_default(),
        "type": if severity == "error" { "Warning" } else { "Normal" },
        "reason": reason, "message": message, "count": 1, "firstTimestamp": time, "lastTimestamp": time,
        "source": {"component": reporting_controller},
        "reportingComponent": reporting_controller, "reportingInstance": reporting_instance,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(address: &str) -> StreamArgs {
        StreamArgs { grpc: Some(address.to_owned()), grpc_token_file: None, grpc_ca: None, grpc_name: None }
    }

    #[test]
    fn addresses() {
        for good in ["127.0.0.1:9092", "grpc://host:1", "http://[::1]:9092/"] {
            assert!(endpoint(&args(good), good).is_ok(), "{good}");
        }
        for bad in ["", "host", "ftp://host:1", "grpcs://host:1", "a b:1"] {
            assert!(matches!(endpoint(&args(bad), bad), Err(Error::Usage { .. })), "{bad}");
        }
    }

    #[test]
    fn an_event_looks_as_one_of_kubernetes() {
        let wire: WireEvent = serde_json::from_value(json!({
            "involvedObject": {"kind": "Kustomization", "namespace": "apps", "name": "web", "apiVersion": "kustomize.toolkit.fluxcd.io/v1"},
            "severity": "error", "timestamp": "2026-01-02T03:04:05Z", "message": "m", "reason": "BuildFailed",
            "metadata": {"kustomize.toolkit.fluxcd.io/revision": "r"}, "reportingController": "kustomize-controller",
        }))
        .unwrap();
        let event = as_kubernetes(wire);
        assert_eq!((&event["type"], &event["lastTimestamp"]), (&json!("Warning"), &json!("2026-01-02T03:04:05Z")));
        assert_eq!(event["involvedObject"]["kind"], "Kustomization");
        assert_eq!(event["metadata"]["annotations"]["kustomize.toolkit.fluxcd.io/revision"], "r");
        assert_eq!(event["metadata"]["name"], format!("web.{:x}", 1_767_323_045_000_000_000_i128));
    }
}
