//! `weir tree`: what an object applied, and what became of it.

mod gather;
mod render;

use crate::{
    clock,
    cluster::{Cluster, ConnectArgs},
    error::Error,
    object,
    output::{self, DocumentFormat},
    target, terminal,
};

// Which tree, and how.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The root: `ks apps`, `hr podinfo`, `ks/apps`
    #[arg(required = true, value_name = "KIND NAME")]
    words: Vec<String>,
    /// Only objects of the suite
    #[arg(long)]
    compact: bool,
    /// How to print
    #[arg(long, short, value_enum, default_value_t)]
    output: DocumentFormat,
}

/// Shows a tree.
pub async fn run(args: &Args, connect: &ConnectArgs) -> Result<(), Error> {
    let (kind, name) = target::parse_one(&args.words, "tree")?;
    if !gather::has_tree(kind) {
        return Err(Error::usage(
            format!("a {} applies nothing, so it has no tree", kind.kind),
            "trees are for kustomizations, helmreleases and artifactgenerators",
        ));
    }
    let cluster = Cluster::connect(connect).await?;
    let root = cluster.get(&kind.resource(), cluster.namespace(), &name).await?;
    if !object::text(&root, "/spec/kubeConfig/secretRef/name").is_empty()
        || !object::text(&root, "/spec/kubeConfig/configMapRef/name").is_empty()
    {
        eprintln!(
            "note: {} applies to another cluster; what follows is what this one knows of it",
            object::display(&root)
        );
    }
    let mut tree = gather::tree(&cluster, root, clock::now()).await?;
    if args.compact {
        tree.compact();
    }
    terminal::print(&match args.output {
        DocumentFormat::Text => render::text(&tree, terminal::stdout_style()),
        DocumentFormat::Json => output::to_json(&render::document(&tree)),
        DocumentFormat::Yaml => output::to_yaml(&render::document(&tree)),
    })
}
