//! Everything a build depends on, read and checked; nothing is changed here.

use std::sync::Arc;

use serde_json::Value;
use sha2::{Digest as _, Sha256};
use weir_api::{
    kustomize::{Kustomization, KustomizationSourceKind, ValuesKind},
    meta::Artifact,
};
use weir_artifact::Unpacked;

use super::{
    depends,
    error::Error,
    facts::{Facts, Secrets},
    spec,
    substitute::Variables,
};
use crate::{
    args::Options,
    edge::{Config, Edge},
    memory::InputsDigest,
    source::{Source, SourceKey},
};

/// What a build is made from.
#[derive(Debug)]
pub struct Inputs {
    /// Where the files are.
    pub artifact: Arc<Artifact>,
    /// Variables of each source, in order.
    pub variables: Vec<Variables>,
    /// Those that came from Secrets: a server that refuses an object may quote them.
    pub secrets: Secrets,
    /// Digest of everything the result depends on.
    pub digest: InputsDigest,
}

/// The source's artifact.
///
/// # Errors
/// When the source may not be used, is not there, or has nothing yet.
pub async fn artifact(ks: &Kustomization, edge: &impl Edge, facts: &mut Facts) -> Result<Arc<Artifact>, Error> {
    let (source_key, options) = (SourceKey::of(ks), edge.options());
    may_use(ks, &source_key, options)?;
    let source = match edge.source(&source_key).await {
        Ok(Some(source)) => source,
        Ok(None) => return Err(Error::SourceNotFound { source_key }),
        Err(cause) => return Err(Error::Source { source_key, cause: Box::new(cause) }),
    };
    let artifact = source.artifact.ok_or(Error::NoArtifact { retry: options.requeue_dependency })?;
    facts.revision = Some(artifact.revision.clone());
    facts.origin = Source::origin_revision(&artifact).map(str::to_owned);
    Ok(artifact)
}

fn may_use(ks: &Kustomization, source_key: &SourceKey, options: &Options) -> Result<(), Error> {
    let own = ks.metadata.namespace.as_deref().unwrap_or_default();
    let source_key = source_key.clone();
    if options.no_cross_namespace_refs && source_key.key.namespace != own {
        return Err(Error::CrossNamespace { source_key });
    }
    if source_key.kind == KustomizationSourceKind::ExternalArtifact && !options.external_artifact {
        return Err(Error::ExternalArtifact { source_key });
    }
    Ok(())
}

/// Checks `spec.dependsOn`.
///
/// # Errors
/// When one of them is not ready, or its expression cannot be evaluated.
pub async fn dependencies(ks: &Kustomization, revision: &str, edge: &impl Edge) -> Result<(), Error> {
    if ks.spec.depends_on.is_empty() {
        return Ok(());
    }
    let mut known = std::collections::BTreeMap::new();
    for name in depends::names(ks) {
        let dependency = edge.dependency(&name).await.map_err(|error| weir_reconcile::describe(&error));
        known.insert(name, dependency);
    }
    let lookup = |name: &depends::Name| known.get(name).cloned().unwrap_or_else(|| Ok(edge.known(name)));
    let view = depends::View {
        lookup: &lookup,
        evaluate: &evaluate,
        restricted: edge.options().no_cross_namespace_refs,
        additive: edge.options().additive_dependency_check,
    };
    match depends::check(ks, revision, &view) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(blocked)) => {
            Err(Error::Dependency { blocked: Box::new(blocked), retry: edge.options().requeue_dependency })
        }
        Err(bad) => Err(Error::Expression { message: bad.to_string() }),
    }
}

fn evaluate(text: &str, own: &Value, dependency: &Value) -> Result<depends::Evaluated, String> {
    let expression = spec::ready_expr(text).map_err(|e| weir_reconcile::describe(&e))?;
    // A field that is not there yet is no mistake of the expression: the dependency is not ready.
    Ok(expression.eval_bool(&[("self", own), ("dep", dependency)]).map_err(|e| weir_reconcile::describe(&e)))
}

/// Reads the variables and makes the digest of all inputs.
///
/// # Errors
/// When a ConfigMap or Secret that is not optional is missing, or cannot be read.
pub async fn inputs(ks: &Kustomization, artifact: Arc<Artifact>, edge: &impl Edge) -> Result<Inputs, Error> {
    let mut hasher = Sha256::new();
    for part in [artifact.digest.as_str(), ks.metadata.uid.as_deref().unwrap_or_default()] {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hasher.update(ks.metadata.generation.unwrap_or_default().to_be_bytes());
    let (mut variables, mut secrets) = (Vec::new(), Secrets::default());
    let namespace = ks.metadata.namespace.as_deref().unwrap_or_default();
    for reference in ks.spec.post_build.iter().flat_map(|post_build| &post_build.substitute_from) {
        let (kind, name) = (kind_name(reference.kind), reference.name.clone());
        let namespace = namespace.to_owned();
        match edge.config(reference.kind, &namespace, &name).await {
            Ok(Some(Config { data })) => {
                for (key, value) in &data {
                    hasher.update(key.as_bytes());
                    hasher.update([1]);
                    hasher.update(value.as_bytes());
                    hasher.update([0]);
                }
                if reference.kind == ValuesKind::Secret {
                    secrets.add(data.values().map(String::as_str));
                }
                variables.push(data);
            }
            Ok(None) if reference.optional => hasher.update([2]),
            Ok(None) => return Err(Error::VariablesNotFound { kind, namespace, name }),
            Err(cause) => return Err(Error::Variables { kind, namespace, name, cause: Box::new(cause) }),
        }
    }
    Ok(Inputs { artifact, variables, secrets, digest: hasher.finalize().into() })
}

fn kind_name(kind: ValuesKind) -> &'static str {
    match kind {
        ValuesKind::Secret => "Secret",
        ValuesKind::ConfigMap => "ConfigMap",
    }
}

/// The artifact's files.
///
/// # Errors
/// When they cannot be had or are not what the source published.
pub async fn files(inputs: &Inputs, edge: &impl Edge) -> Result<Arc<Unpacked>, Error> {
    edge.fetch(&inputs.artifact).await.map_err(|error| match error.is_not_found() {
        true => Error::ArtifactGone { retry: edge.options().requeue_dependency },
        false => Error::Fetch(error),
    })
}
