//! `weir reconcile`: now, not at the interval.

use std::time::Duration;

use serde_json::{Value, json};
use weir_api::names::annotation;

use crate::{
    clock,
    cluster::{Cluster, ConnectArgs},
    error::Error,
    follow::{Goal, follow},
    kind::{self, Kind},
    object::{self, text},
    target,
    terminal::{self, Progress, Tone},
};

// What to reconcile, and how long to wait.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The object: `ks apps`, `ks/apps`, `source git apps`
    #[arg(required = true, value_name = "KIND NAME")]
    words: Vec<String>,
    /// Fetch its source first
    #[arg(long)]
    with_source: bool,
    /// Release a HelmRelease even if nothing changed
    #[arg(long)]
    force: bool,
    /// Reset the failure counts of a HelmRelease
    #[arg(long)]
    reset: bool,
    /// How long to wait
    #[arg(long, default_value = "5m", value_name = "DURATION")]
    timeout: weir_api::meta::Duration,
}

/// Asks for a reconcile and waits for its end.
pub async fn run(args: &Args, connect: &ConnectArgs) -> Result<(), Error> {
    let (kind, name) = target::parse_one(&args.words, "reconcile")?;
    if (args.force || args.reset) && kind.kind != "HelmRelease" {
        return Err(Error::usage("--force and --reset are for HelmReleases", "leave them out"));
    }
    let cluster = Cluster::connect(connect).await?;
    let object = cluster.get(&kind.resource(), cluster.namespace(), &name).await?;
    let mut progress = Progress::new();
    if args.with_source {
        source(&cluster, kind, &object, args.timeout.0, &mut progress).await?;
    }
    let extra = [(args.force, annotation::FORCE_REQUEST), (args.reset, annotation::RESET_REQUEST)];
    let extra: Vec<&str> = extra.into_iter().filter(|(on, _)| *on).map(|(_, key)| key).collect();
    let message = request(&cluster, kind, &object, &extra, args.timeout.0, &mut progress).await?;
    report(kind, &message, &mut progress)
}

/// Prints how it ended.
pub fn report(kind: &Kind, message: &str, progress: &mut Progress) -> Result<(), Error> {
    progress.clear();
    let style = terminal::stdout_style();
    let message = crate::text::clean(message);
    terminal::print(&format!("{} {}: {message}\n", style.paint("✔", Tone::Good), kind.kind))
}

/// Asks one object and waits for it.
async fn request(
    cluster: &Cluster,
    kind: &'static Kind,
    object: &Value,
    extra: &[&str],
    timeout: Duration,
    progress: &mut Progress,
) -> Result<String, Error> {
    refuse(kind, object)?;
    let (name, namespace) = (object::name(object), object::namespace(object));
    // Whatever the value is, it must be a new one: two requests within a second are two requests.
    let token = clock::now().to_string();
    progress.step("►", Tone::Dim, &format!("requesting {} {name} in namespace {namespace}", kind.kind));
    let mut annotations = json!({ annotation::RECONCILE_REQUEST: token });
    for key in extra {
        if let Some(map) = annotations.as_object_mut() {
            map.insert((*key).to_owned(), json!(token));
        }
    }
    let patch = json!({ "metadata": { "annotations": annotations } });
    let object = cluster.merge(&kind.resource(), namespace, name, &patch).await?;
    follow(&cluster.within(namespace), kind, name, &Goal::of(&object, Some(token)), timeout, progress).await
}

/// Refuses what nobody would ever answer.
fn refuse(kind: &Kind, object: &Value) -> Result<(), Error> {
    let refused = |message: &str, hint: String| Error::Refused {
        object: object::display(object),
        message: message.to_owned(),
        hint,
    };
    let name = object::name(object);
    if object::settings_only(kind, object) {
        let hint = "it takes effect as soon as it is changed".to_owned();
        return Err(refused("it only holds settings, there is nothing to reconcile", hint));
    }
    if kind.kind == "ExternalArtifact" {
        return Err(refused("it is written by another controller", "reconcile the object that it was made for".into()));
    }
    if object::suspended(kind, object) {
        let hint = format!("resume it first: weir resume {} {name} -n {}", kind.singular(), object::namespace(object));
        return Err(refused("it is suspended", hint));
    }
    Ok(())
}

/// Asks for everything that the object is made from, the farthest first.
async fn source(
    cluster: &Cluster,
    kind: &Kind,
    object: &Value,
    timeout: Duration,
    progress: &mut Progress,
) -> Result<(), Error> {
    let mut chain = Vec::new();
    let mut next = source_of(kind, object);
    if next.is_none() {
        return Err(Error::usage(
            format!("a {} has no source", kind.kind),
            format!("leave --with-source out: weir reconcile {} {}", kind.singular(), object::name(object)),
        ));
    }
    while let Some((kind, namespace, name)) = next {
        let source = cluster.get(&kind.resource(), &namespace, &name).await?;
        next = source_of(kind, &source);
        chain.push((kind, source));
    }
    for (kind, source) in chain.iter().rev() {
        if object::settings_only(kind, source) || kind.kind == "ExternalArtifact" {
            continue;
        }
        let message = request(cluster, kind, source, &[], timeout, progress).await?;
        progress.step("✔", Tone::Good, &format!("{}: {message}", kind.kind));
    }
    Ok(())
}

/// The object that an object's content comes from: kind, namespace, name.
pub fn source_of(of: &Kind, object: &Value) -> Option<(&'static Kind, String, String)> {
    let reference = |pointer: &str| {
        let field = |name: &str| text(object, &format!("{pointer}/{name}"));
        let kind = kind::by_kind(field("kind"))?;
        let namespace = if field("namespace").is_empty() { object::namespace(object) } else { field("namespace") };
        Some((kind, namespace.to_owned(), field("name").to_owned()))
    };
    match of.kind {
        "Kustomization" | "HelmChart" | "ImageUpdateAutomation" | "ExternalArtifact" => reference("/spec/sourceRef"),
        "HelmRelease" => reference("/spec/chartRef").or_else(|| {
            let (namespace, name) = text(object, "/status/helmChart").split_once('/')?;
            Some((kind::by_kind("HelmChart")?, namespace.to_owned(), name.to_owned()))
        }),
        "ImagePolicy" => {
            let field = |name: &str| text(object, &format!("/spec/imageRepositoryRef/{name}")).to_owned();
            let namespace = Some(field("namespace"))
                .filter(|n| !n.is_empty())
                .unwrap_or_else(|| object::namespace(object).to_owned());
            Some((kind::by_kind("ImageRepository")?, namespace, field("name")))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(kind: &str, object: Value) -> Option<String> {
        source_of(kind::by_kind(kind).unwrap(), &object)
            .map(|(kind, namespace, name)| format!("{}/{namespace}/{name}", kind.kind))
    }

    #[test]
    fn sources_are_found() {
        let at = |spec: Value| json!({ "metadata": { "namespace": "n" }, "spec": spec });
        assert_eq!(
            from("Kustomization", at(json!({ "sourceRef": { "kind": "Bucket", "name": "b" } }))).unwrap(),
            "Bucket/n/b"
        );
        assert_eq!(
            from(
                "Kustomization",
                at(json!({ "sourceRef": { "kind": "GitRepository", "name": "g", "namespace": "m" } }))
            )
            .unwrap(),
            "GitRepository/m/g"
        );
        assert_eq!(from("HelmRelease", json!({ "status": { "helmChart": "a/b" } })).unwrap(), "HelmChart/a/b");
        assert_eq!(
            from("ImagePolicy", at(json!({ "imageRepositoryRef": { "name": "i" } }))).unwrap(),
            "ImageRepository/n/i"
        );
        assert_eq!(from("GitRepository", at(json!({}))), None);
    }

    #[test]
    fn what_cannot_be_reconciled_is_refused() {
        let refused = |kind: &str, spec: Value| {
            refuse(kind::by_kind(kind).unwrap(), &json!({ "kind": kind, "spec": spec })).unwrap_err().to_string()
        };
        assert!(refused("Kustomization", json!({ "suspend": true })).contains("suspended"));
        assert!(refused("Alert", json!({})).contains("settings"));
        assert!(refused("HelmRepository", json!({ "type": "oci" })).contains("settings"));
        assert!(refused("ExternalArtifact", json!({})).contains("another controller"));
    }
}
