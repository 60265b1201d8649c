//! `weir kustomize`: a directory, built, as `kustomize build` prints it.

mod disk;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Duration,
};

use weir_chart::{
    RenderOptions,
    inflate::{Inflator, Pull},
};
use weir_kustomize::{HelmInflator, LoadRestrictions, Options, Remote, RemoteBase, Reorder, Resource};
use weir_remote::{Fetcher, Limits, SshKey};

use crate::{
    clock,
    error::{Cause, Error},
    stack::deep,
    template, terminal,
};

// What to build.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The directory with the kustomization.yaml, or the address of a Git repository (`https://host/org/repo//dir?ref=v1`)
    #[arg(default_value = ".", value_name = "DIR")]
    dir: PathBuf,
    /// Write to this file instead of stdout; into a directory that exists, a file per object
    #[arg(long, short, value_name = "PATH")]
    output: Option<PathBuf>,
    /// Whether files outside of a kustomization's own directory may be read
    #[arg(long, value_enum, default_value_t)]
    load_restrictor: Restrictor,
    /// Refuse files, bases and charts from the network
    #[arg(long)]
    no_remote_bases: bool,
    /// Render helmCharts, with the engine of `weir template`
    #[arg(long)]
    enable_helm: bool,
    /// With --enable-helm: further API versions that charts are told, where the kustomization names none
    #[arg(long, value_name = "VERSION", value_delimiter = ',')]
    helm_api_versions: Vec<String>,
    /// With --enable-helm: Kubernetes' version that charts are told, where the kustomization names none
    #[arg(long, value_name = "VERSION", default_value = "", hide_default_value = true)]
    helm_kube_version: String,
    /// No effect: charts are rendered without Helm
    #[arg(long, hide = true, value_name = "PATH")]
    helm_command: Option<String>,
    /// No effect: errors are complete without
    #[arg(long, hide = true)]
    helm_debug: bool,
    /// Label every object as managed by kustomize
    #[arg(long, hide = true)]
    enable_managedby_label: bool,
    /// The order of objects; deprecated in favor of sortOptions in the kustomization.yaml
    #[arg(long, value_enum, default_value_t, hide = true)]
    reorder: Order,
}

/// As kustomize spells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Restrictor {
    /// They may not
    #[default]
    #[value(name = "LoadRestrictionsRootOnly")]
    RootOnly,
    /// They may
    #[value(name = "LoadRestrictionsNone")]
    None,
}

/// As kustomize spells them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum Order {
    /// Namespaces first, webhooks last
    #[default]
    Legacy,
    /// As read
    None,
}

impl Args {
    fn options(&self) -> Options<'static> {
        Options {
            load_restrictions: match self.load_restrictor {
                Restrictor::RootOnly => LoadRestrictions::RootOnly,
                Restrictor::None => LoadRestrictions::None,
            },
            reorder: match self.reorder {
                Order::Legacy => Reorder::Legacy,
                Order::None => Reorder::None,
            },
            managed_by_label: self.enable_managedby_label,
            ..Options::default()
        }
    }
}

/// How long all charts of a build may take: far more than they do, and an end for those that have none.
const CHARTS: Duration = Duration::from_mins(10);

/// Builds and prints.
pub fn run(args: &Args) -> Result<(), Error> {
    if args.enable_helm {
        // Templates need a large stack.
        return deep(|stack| build(args, stack));
    }
    build(args, 0)
}

/// `stack`: bytes of it that templates may use.
fn build(args: &Args, stack: usize) -> Result<(), Error> {
    let fetcher = (!args.no_remote_bases).then(|| Fetcher::new(Limits::default()).with_ssh_key(own_ssh_key));
    let inflator = args.enable_helm.then(|| Inflator {
        render: RenderOptions {
            limits: template::limits(stack, clock::after(CHARTS)),
            world: Some(template::world()),
            ..RenderOptions::default()
        },
        kube_version: args.helm_kube_version.clone(),
        api_versions: args.helm_api_versions.clone(),
        pull: fetcher.as_ref().map(|fetcher| fetcher as &dyn Pull),
        ..Inflator::default()
    });
    let remote = fetcher.as_ref().map(|fetcher| fetcher as &dyn Remote);
    let charts = inflator.as_ref().map(|inflator| inflator as &dyn HelmInflator);
    print_built(args, &Options { remote, charts, ..args.options() })
}

/// The key that `ssh` takes first, and the hosts this user knows. An agent is not asked.
fn own_ssh_key() -> Option<SshKey> {
    let folder = PathBuf::from(std::env::var_os("HOME")?).join(".ssh");
    let read = |name: &str| std::fs::read(folder.join(name)).ok();
    let identity = ["id_rsa", "id_ecdsa", "id_ed25519"].into_iter().find_map(read)?;
    Some(SshKey::new(identity, read("known_hosts").unwrap_or_default()))
}

fn print_built(args: &Args, options: &Options<'_>) -> Result<(), Error> {
    let dir = args.dir.display().to_string();
    let Some(base) = RemoteBase::parse(&dir).filter(|_| !args.dir.exists()) else {
        return local(args, &dir, options);
    };
    let failed = |error: weir_kustomize::Error| build_failed(&error.chain(), &dir);
    let remote = options
        .remote
        .ok_or_else(|| Error::usage(format!("{dir} is a remote base"), "leave --no-remote-bases out to build it"))?;
    let tree = remote.base(&base).map_err(failed)?;
    let options = Options { load_restrictions: LoadRestrictions::RootOnly, ..*options };
    print(args, &weir_kustomize::build(tree.as_ref(), &base.path, &options).map_err(failed)?, failed)
}

fn local(args: &Args, dir: &str, options: &Options<'_>) -> Result<(), Error> {
    let io = |source| Error::Io { action: format!("read {dir}"), source };
    let root = args.dir.canonicalize().map_err(io)?;
    if !root.is_dir() {
        return Err(Error::usage(
            format!("{dir} is not a directory"),
            "name the directory that holds the kustomization.yaml",
        ));
    }
    let path = disk::in_tree(&root);
    // The engine speaks of paths from the root of the disk; people named a directory.
    let failed = |error: weir_kustomize::Error| build_failed(&as_named(&error.chain(), &path, dir), dir);
    print(args, &weir_kustomize::build(&disk::Disk, &path, options).map_err(failed)?, failed)
}

fn print(args: &Args, resources: &[Resource], failed: impl Fn(weir_kustomize::Error) -> Error) -> Result<(), Error> {
    match &args.output {
        Some(output) if output.is_dir() => write_each(resources, output, failed),
        Some(output) => write(output, &weir_kustomize::print(resources).map_err(failed)?),
        // Not cleaned: what is printed is applied, byte for byte.
        None => terminal::print(&weir_kustomize::print(resources).map_err(failed)?),
    }
}

fn build_failed(text: &str, dir: &str) -> Error {
    Error::Build { source: Cause::new(text.to_owned()), path: dir.to_owned() }
}

/// `text` with the directory called as it was on the command line.
fn as_named(text: &str, path: &str, dir: &str) -> String {
    if path.is_empty() { text.to_owned() } else { text.replace(path, dir.trim_end_matches('/')) }
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    std::fs::write(path, text).map_err(|source| Error::Io { action: format!("write {}", path.display()), source })
}

fn write_each(
    resources: &[Resource],
    folder: &Path,
    failed: impl Fn(weir_kustomize::Error) -> Error,
) -> Result<(), Error> {
    let namespaces: BTreeSet<&str> =
        resources.iter().map(Resource::namespace).filter(|namespace| !namespace.is_empty()).collect();
    for resource in resources {
        let text = resource.to_yaml().map_err(&failed)?;
        let name = file_name(
            resource.api_version(),
            resource.kind(),
            resource.namespace(),
            resource.name(),
            namespaces.len() > 1,
        );
        write(&folder.join(name), &text)?;
    }
    Ok(())
}

/// `[namespace_]group_version_kind_name.yaml` in small letters; the namespace only where there are several.
fn file_name(api_version: &str, kind: &str, namespace: &str, name: &str, several: bool) -> String {
    let place = if several && !namespace.is_empty() { format!("{namespace}_") } else { String::new() };
    // A name is a path segment for the API server, and must stay one here.
    format!("{place}{api_version}_{kind}_{name}.yaml").to_lowercase().replace(['/', '\\'], "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_called_as_kustomize_calls_them() {
        assert_eq!(file_name("apps/v1", "Deployment", "web", "App", false), "apps_v1_deployment_app.yaml");
        assert_eq!(file_name("v1", "ConfigMap", "web", "a", true), "web_v1_configmap_a.yaml");
        assert_eq!(file_name("v1", "Namespace", "", "../x", true), "v1_namespace_.._x.yaml");
    }

    #[test]
    fn errors_speak_of_the_directory_that_was_named() {
        assert_eq!(as_named("cannot read srv/app/x.yaml", "srv/app", "./app/"), "cannot read ./app/x.yaml");
    }

    #[test]
    fn builds_a_directory() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("overlay")).unwrap();
        std::fs::create_dir_all(dir.path().join("base")).unwrap();
        let put = |path: &str, text: &str| std::fs::write(dir.path().join(path), text).unwrap();
        put("base/kustomization.yaml", "resources: [cm.yaml]\n");
        put("base/cm.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  k: v\n");
        put("overlay/kustomization.yaml", "namePrefix: x-\nresources: [../base]\n");
        let out = dir.path().join("out.yaml");
        let args = |dir: PathBuf| Args {
            dir,
            output: Some(out.clone()),
            load_restrictor: Restrictor::RootOnly,
            no_remote_bases: true,
            enable_helm: false,
            helm_api_versions: Vec::new(),
            helm_kube_version: String::new(),
            helm_command: None,
            helm_debug: false,
            enable_managedby_label: false,
            reorder: Order::Legacy,
        };
        run(&args(dir.path().join("overlay"))).unwrap();
        let text = std::fs::read_to_string(&out).unwrap();
        assert_eq!(text, "apiVersion: v1\ndata:\n  k: v\nkind: ConfigMap\nmetadata:\n  name: x-a\n");
        put("overlay/kustomization.yaml", "resources: [nothing.yaml]\n");
        let error = run(&args(dir.path().join("overlay"))).unwrap_err();
        let text = crate::error::render(&error, crate::terminal::Style::plain());
        assert!(text.contains("nothing.yaml") && error.exit_code() == 1, "{text}");
    }
}
