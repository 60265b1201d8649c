//! `weir trace`: from any object of the cluster back to the commit.

mod gather;
mod render;
mod timeline;

use crate::{
    clock,
    cluster::{self, Cluster, ConnectArgs},
    error::Error,
    output::{self, DocumentFormat},
    terminal,
};

// Which object, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Any object of the cluster: `deployment app`, `deploy/app`, `certificates.cert-manager.io web`
    #[arg(required = true, num_args = 1..=2, value_name = "KIND NAME")]
    words: Vec<String>,
    /// API version of the kind, when several kinds have the same name
    #[arg(long, value_name = "GROUP/VERSION")]
    api_version: Option<String>,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: DocumentFormat,
}

/// Traces an object.
pub async fn run(args: &Args, connect: &ConnectArgs) -> Result<(), Error> {
    let example = "for example: weir trace deployment app -n default";
    let (kind, name) = match args.words.as_slice() {
        [both] => both.split_once('/').ok_or_else(|| Error::usage(format!("which {both}?"), example))?,
        [kind, name] => (kind.as_str(), name.as_str()),
        _ => return Err(Error::usage("which object?", example)),
    };
    let cluster = Cluster::connect(connect).await?;
    let resources = cluster.resources().await?;
    let candidates: Vec<cluster::Resource> = match &args.api_version {
        Some(wanted) => resources.iter().filter(|resource| resource.api_version() == *wanted).cloned().collect(),
        None => resources.clone(),
    };
    let resource = cluster::resolve(&candidates, kind).ok_or_else(|| {
        Error::usage(format!("the cluster knows no kind {kind:?}"), "see what it knows: kubectl api-resources")
    })?;
    let trace = gather::trace(&cluster, &resources, resource, name).await?;
    let document = render::document(&trace);
    terminal::print(&match args.output {
        DocumentFormat::Text => render::text(&document, terminal::stdout_style(), clock::now()),
        DocumentFormat::Json => output::to_json(&document),
        DocumentFormat::Yaml => output::to_yaml(&document),
    })
}
