//! The gRPC server of a service.

use std::{sync::Arc, time::Duration};

use kube::Client;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::{service::Routes, transport::Server};

use super::{accept::connections, auth::AuthLayer, tls::ServerTls};

/// Serves until `shutdown`, over TLS if it is given. `client` reviews callers; `None` lets everybody in.
pub(crate) async fn serve(
    listener: TcpListener,
    routes: Routes,
    names: Vec<&'static str>,
    client: Option<Client>,
    tls: Option<ServerTls>,
    shutdown: CancellationToken,
) -> Result<(), tonic::transport::Error> {
    let (reporter, health) = tonic_health::server::health_reporter();
    reporter.set_service_status("", tonic_health::ServingStatus::Serving).await;
    for name in names {
        reporter.set_service_status(name, tonic_health::ServingStatus::Serving).await;
    }
    let mut routes = routes.add_service(health);
    if let Ok(reflection) = reflection() {
        routes = routes.add_service(reflection);
    }
    Server::builder()
        .http2_keepalive_interval(Some(Duration::from_secs(30)))
        .http2_keepalive_timeout(Some(Duration::from_secs(10)))
        .concurrency_limit_per_connection(256)
        .layer(AuthLayer::new(client))
        .add_routes(routes)
        .serve_with_incoming_shutdown(connections(listener, tls.map(Arc::new)), shutdown.cancelled_owned())
        .await
}

fn reflection() -> Result<
    tonic_reflection::server::v1::ServerReflectionServer<impl tonic_reflection::server::v1::ServerReflection>,
    tonic_reflection::server::Error,
> {
    tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(weir_proto::FILE_DESCRIPTOR_SET)
        .build_v1()
}
