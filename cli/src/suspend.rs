//! `weir suspend` and `weir resume`.

use serde_json::{Value, json};

use crate::{
    cluster::{Cluster, ConnectArgs},
    error::{self, Error},
    follow::{Goal, follow},
    kind::Kind,
    object, reconcile,
    target::{self, Target},
    terminal::{self, Progress, Tone},
};

// What to hold.
#[derive(Debug, clap::Args)]
pub struct SuspendArgs {
    #[command(flatten)]
    choice: Choice,
}

// What to let go.
#[derive(Debug, clap::Args)]
pub struct ResumeArgs {
    #[command(flatten)]
    choice: Choice,
    /// Do not wait for the result
    #[arg(long)]
    no_wait: bool,
    /// How long to wait for each
    #[arg(long, default_value = "5m", value_name = "DURATION")]
    timeout: weir_api::meta::Duration,
}

#[derive(Debug, clap::Args)]
struct Choice {
    /// The objects: `ks apps infra`, `ks/apps`; with --all a kind is enough
    #[arg(required = true, value_name = "KIND [NAME]")]
    words: Vec<String>,
    /// Every object of the kind in the namespace
    #[arg(long)]
    all: bool,
}

/// Holds objects.
pub async fn suspend(args: &SuspendArgs, connect: &ConnectArgs) -> Result<(), Error> {
    let cluster = Cluster::connect(connect).await?;
    for (kind, object) in chosen(&args.choice, &cluster, "suspend").await? {
        if object::suspended(kind, &object) {
            say(&format!("{} is suspended already", object::display(&object)))?;
            continue;
        }
        cluster.merge(&kind.resource(), object::namespace(&object), object::name(&object), &patch(kind, true)).await?;
        say(&format!("{} is suspended", object::display(&object)))?;
    }
    Ok(())
}

/// Lets objects go and waits for them.
pub async fn resume(args: &ResumeArgs, connect: &ConnectArgs) -> Result<(), Error> {
    let cluster = Cluster::connect(connect).await?;
    let chosen = chosen(&args.choice, &cluster, "resume").await?;
    let mut resumed = Vec::new();
    for (kind, object) in &chosen {
        if !object::suspended(kind, object) {
            say(&format!("{} is not suspended", object::display(object)))?;
            continue;
        }
        let patched = cluster
            .merge(&kind.resource(), object::namespace(object), object::name(object), &patch(kind, false))
            .await?;
        say(&format!("{} is resumed", object::display(object)))?;
        if !object::settings_only(kind, &patched) {
            resumed.push((*kind, patched));
        }
    }
    if args.no_wait {
        return Ok(());
    }
    let mut progress = Progress::new();
    let mut failures = Vec::new();
    for (kind, object) in &resumed {
        match follow(&cluster, kind, object::name(object), &Goal::of(object, None), args.timeout.0, &mut progress).await
        {
            Ok(message) => reconcile::report(kind, &message, &mut progress)?,
            Err(error) => failures.push(error),
        }
    }
    progress.clear();
    match (failures.len(), resumed.len()) {
        (0, _) => Ok(()),
        (1, 1) => Err(failures.remove(0)),
        (failed, total) => {
            failures.iter().for_each(|failure| eprint!("{}", error::render(failure, terminal::stderr_style())));
            Err(Error::Several { failed, total })
        }
    }
}

fn say(message: &str) -> Result<(), Error> {
    let style = terminal::stdout_style();
    terminal::print(&format!("{} {}\n", style.paint("✔", Tone::Good), crate::text::clean(message)))
}

/// The change that holds an object or lets it go.
fn patch(kind: &Kind, suspend: bool) -> Value {
    if kind.kind == "ArtifactGenerator" {
        let value = if suspend { json!("Disabled") } else { Value::Null };
        return json!({ "metadata": { "annotations": { object::GENERATOR_RECONCILE: value } } });
    }
    json!({ "spec": { "suspend": suspend } })
}

async fn chosen(choice: &Choice, cluster: &Cluster, command: &str) -> Result<Vec<(&'static Kind, Value)>, Error> {
    let targets = target::parse(&choice.words)?;
    let mut objects = Vec::new();
    for Target { kind, name } in targets {
        match (name, choice.all) {
            (Some(_), true) => {
                return Err(Error::usage(
                    "--all and a name exclude each other",
                    format!("leave one out: weir {command} {} --all", kind.singular()),
                ));
            }
            (None, false) => {
                let hint = format!("name it, or take all: weir {command} {} --all", kind.singular());
                return Err(Error::usage(format!("which {}?", kind.singular()), hint));
            }
            (Some(name), false) => {
                objects.push((kind, cluster.get(&kind.resource(), cluster.namespace(), &name).await?))
            }
            (None, true) => {
                let listed = cluster.list(&kind.resource(), Some(cluster.namespace()), None, None).await;
                let listed = match listed {
                    Err(Error::NotInstalled { .. }) if choice.words.iter().any(|word| word == "all") => Vec::new(),
                    other => other?,
                };
                objects.extend(listed.into_iter().filter(|_| object::can_suspend(kind)).map(|object| (kind, object)));
            }
        }
    }
    if let Some((kind, object)) = objects.iter().find(|(kind, _)| !object::can_suspend(kind)) {
        return Err(Error::Refused {
            object: object::display(object),
            message: format!("a {} cannot be suspended", kind.kind),
            hint: "suspend the object that it was made for".into(),
        });
    }
    if objects.is_empty() {
        return Err(Error::NotFound {
            object: format!("no {}", choice.words.join(" ")),
            namespace: cluster.namespace().to_owned(),
            hint: format!("see what is there: weir get {} -A", choice.words.join(" ")),
        });
    }
    Ok(objects)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kind;

    #[test]
    fn generators_are_held_by_annotation() {
        let generator = kind::by_kind("ArtifactGenerator").unwrap();
        assert_eq!(
            patch(generator, true).pointer("/metadata/annotations").unwrap()[object::GENERATOR_RECONCILE],
            "Disabled"
        );
        assert!(
            patch(generator, false).pointer("/metadata/annotations").unwrap()[object::GENERATOR_RECONCILE].is_null()
        );
        assert_eq!(patch(kind::by_kind("Alert").unwrap(), false), json!({ "spec": { "suspend": false } }));
    }
}
