//! `weir version`: ours, and that of the services in the cluster.

use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, ConnectArgs, Resource},
    error::Error,
    object::{self, text},
    output::{self, DocumentFormat},
    terminal,
};

// What to ask.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only this program's version; asks no cluster
    #[arg(long)]
    client: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: DocumentFormat,
}

/// Prints versions.
pub async fn run(args: &Args, connect: &ConnectArgs) -> Result<(), Error> {
    let ours = concat!("v", env!("CARGO_PKG_VERSION"));
    let mut versions = json!({ "weir": ours });
    if !args.client {
        let cluster = Cluster::connect(connect).await?;
        let deployments = Resource {
            group: "apps".into(),
            version: "v1".into(),
            kind: "Deployment".into(),
            plural: "deployments".into(),
            namespaced: true,
            names: Vec::new(),
        };
        let listed = cluster.list(&deployments, None, Some("app.kubernetes.io/part-of=flux"), None).await?;
        if let Some(map) = versions.as_object_mut() {
            map.extend(
                listed.iter().map(|deployment| (object::name(deployment).to_owned(), json!(service(deployment)))),
            );
        }
    }
    terminal::print(&render(&versions, args.output))
}

/// The version of a service: its image's tag, with the image's name when it is not one of ours or Flux's own.
fn service(deployment: &Value) -> String {
    let containers = deployment.pointer("/spec/template/spec/containers").and_then(Value::as_array);
    let manager = containers.into_iter().flatten().find(|container| text(container, "/name") == "manager");
    manager.map_or("unknown", |container| text(container, "/image")).to_owned()
}

fn render(versions: &Value, format: DocumentFormat) -> String {
    match format {
        DocumentFormat::Json => output::to_json(versions),
        DocumentFormat::Yaml => output::to_yaml(versions),
        DocumentFormat::Text => {
            let map = versions.as_object().into_iter().flatten();
            let mut lines: Vec<String> = map
                .map(|(name, version)| {
                    format!("{name}: {}\n", crate::text::clean(version.as_str().unwrap_or_default()))
                })
                .collect();
            lines.sort_by_key(|line| !line.starts_with("weir:"));
            lines.concat()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_comes_first() {
        let deployment = json!({ "spec": { "template": { "spec": { "containers": [{ "name": "manager", "image": "weir/x:v1" }] } } } });
        let versions = json!({ "a": service(&deployment), "weir": "v0", "b": service(&json!({})) });
        assert_eq!(render(&versions, DocumentFormat::Text), "weir: v0\na: weir/x:v1\nb: unknown\n");
    }
}
