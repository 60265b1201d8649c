//! `weir template`: a chart, rendered, as `helm template` prints it.

mod flags;
mod values;
mod write;

use std::{rc::Rc, time::Duration};

use weir_chart::{
    Capabilities, Chart, Compat, Hosts, KubeVersion, Limits, ReleaseFacts, RenderLimits, RenderOptions, SystemRandom,
    TemplateError, TemplateOptions, TemplateOutput, World, Zone,
};

use crate::{
    chart::{
        dependencies, disk,
        download::{self, DownloadArgs},
        source,
        verify::Keyring,
    },
    clock,
    cluster::{self, ConnectArgs},
    error::{Cause, Error},
    stack::{deep, roomy},
    terminal,
};

pub use values::ValueArgs;

// What to render, and what of it to print.
#[derive(Debug, clap::Args)]
#[command(
    disable_version_flag = true,
    args_override_self = true,
    override_usage = "weir template [OPTIONS] [NAME] <CHART>"
)]
pub struct Args {
    /// The release's name, then the chart: a directory, a .tgz, oci://host/path:tag, https://host/chart.tgz, repo/name, or a name with --repo. With one argument it is the chart
    #[arg(required = true, num_args = 1..=2, value_names = ["NAME", "CHART"])]
    what: Vec<String>,
    #[command(flatten)]
    values: ValueArgs,
    /// Files from crds/, too
    #[arg(long)]
    include_crds: bool,
    /// Nothing from crds/ (as without --include-crds)
    #[arg(long, hide = true)]
    skip_crds: bool,
    /// No tests
    #[arg(long)]
    skip_tests: bool,
    /// No hooks
    #[arg(long)]
    no_hooks: bool,
    /// Only what these templates print; a path inside the chart, `*` for any name
    #[arg(long, short = 's', value_name = "TEMPLATE")]
    show_only: Vec<String>,
    /// Into files below this directory instead of stdout
    #[arg(long, value_name = "DIR", value_parser = download::path)]
    output_dir: Option<std::path::PathBuf>,
    /// With --output-dir: into a directory named for the release
    #[arg(long)]
    release_name: bool,
    /// Kubernetes' version that the chart is told
    #[arg(long, value_name = "VERSION")]
    kube_version: Option<String>,
    /// Further API versions that the chart is told, for example monitoring.coreos.com/v1
    #[arg(long, short = 'a', value_name = "VERSION", value_delimiter = ',')]
    api_versions: Vec<String>,
    /// As an upgrade instead of an installation
    #[arg(long)]
    is_upgrade: bool,
    /// A template for the release's name
    #[arg(long, value_name = "TEMPLATE")]
    name_template: Option<String>,
    /// A name made of the chart's and the time
    #[arg(long, short = 'g')]
    generate_name: bool,
    /// Do not hold the values against values.schema.json
    #[arg(long)]
    skip_schema_validation: bool,
    /// Whose output to match
    #[arg(long, value_enum, default_value_t)]
    compat: CompatArg,
    /// Give up after so many seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    time_limit: u64,
    /// Only a chart whose provenance file (CHART.tgz.prov) is signed by a key of the keyring
    #[arg(long)]
    verify: bool,
    /// The public keys that --verify trusts [default: pubring.gpg of GnuPG]
    #[arg(long, value_name = "FILE", value_parser = download::path)]
    keyring: Option<std::path::PathBuf>,
    /// Let templates look up addresses of hosts (getHostByName)
    #[arg(long)]
    enable_dns: bool,
    #[command(flatten)]
    download: DownloadArgs,
    #[command(flatten)]
    helm: flags::HelmFlags,
}

/// Whose output.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
enum CompatArg {
    /// Helm 4
    #[default]
    Helm4,
    /// Helm 3
    Helm3,
}

impl From<CompatArg> for Compat {
    fn from(it: CompatArg) -> Self {
        match it {
            CompatArg::Helm4 => Self::Helm4,
            CompatArg::Helm3 => Self::Helm3,
        }
    }
}

/// Renders and prints.
pub fn run(args: &Args, connect: &ConnectArgs) -> Result<(), Error> {
    args.helm.check()?;
    // What is empty is not there, in helm neither.
    let output_dir = args.output_dir.as_deref().filter(|it| !it.as_os_str().is_empty());
    if output_dir.is_some() && !args.show_only.is_empty() {
        return Err(Error::usage(
            "--show-only prints, and with --output-dir nothing is printed",
            "leave one of them out",
        ));
    }
    let (name, reference) = name_and_chart(args)?;
    let capabilities = capabilities(args)?;
    let values = args.values.merged(args.compat.into())?;
    let chart = chart(args, &reference)?;
    let reference = source::shown(&reference);
    let namespace = namespace(connect, args.helm.kube_context.as_deref());
    let release = ReleaseFacts { name, namespace, revision: 1, is_upgrade: args.is_upgrade };
    let compat = args.compat.into();
    // One limit, also where it is rendered twice for want of stack.
    let expired = clock::after(Duration::from_secs(args.time_limit));
    let (skip_schema_validation, enable_dns) = (args.skip_schema_validation, args.enable_dns);
    let output = TemplateOutput {
        include_crds: args.include_crds && !args.skip_crds,
        no_hooks: args.no_hooks,
        skip_tests: args.skip_tests,
        show_only: args.show_only.clone(),
    };
    if chart.metadata.deprecated {
        eprintln!("warning: this chart is deprecated");
    }
    let debug = args.helm.shows_what_is_no_yaml();
    let failed = |text: String, hint: Option<&str>| Error::Chart {
        action: format!("render {reference}"),
        source: Cause::new(text),
        hint: hint.map(str::to_owned),
    };
    let render = |stack: usize| {
        let render = RenderOptions {
            compat,
            limits: limits(stack, expired),
            world: Some(world()),
            hosts: enable_dns.then(|| Rc::new(Dns) as Rc<dyn Hosts>),
            ..RenderOptions::default()
        };
        let options = TemplateOptions { render, skip_schema_validation, ..TemplateOptions::default() };
        weir_chart::template(&chart, &values, &release, &capabilities, &options)
    };
    let rendered =
        roomy(render, TemplateError::needs_stack).map_err(|error| failed(error.to_string(), after(&error, debug)))?;
    for warning in &rendered.warnings {
        eprintln!("{}", crate::text::clean(warning));
    }
    let printed = rendered.printed(&output).map_err(|error| failed(error.to_string(), None))?;
    match output_dir {
        None => terminal::print_all(&printed)?,
        Some(dir) => {
            let folder = args.release_name.then_some(release.name.as_str());
            write::all(dir, &write::documents(&rendered, &output, folder))?;
        }
    }
    drop(printed);
    // The process ends here, and with it all of this at once.
    std::mem::forget((rendered, chart, values));
    Ok(())
}

/// The next move after a failure; what a template printed that is no YAML is shown when that is asked for.
fn after(error: &TemplateError, debug: bool) -> Option<&'static str> {
    let TemplateError::Manifest(error) = error else { return None };
    if !debug {
        return Some("--debug prints what it is, and weir chart lint shows the place in it");
    }
    let shown = format!("---\n# Source: {}\n{}\n", error.path, error.document.trim_end_matches('\n'));
    terminal::print(&shown).err().map(|_| "stdout does not take what it is")
}

/// The chart, verified and with its dependencies where that is asked for.
fn chart(args: &Args, reference: &str) -> Result<Chart, Error> {
    let keyring = args.keyring.as_deref().filter(|it| !it.as_os_str().is_empty());
    let keyring = args.verify.then(|| Keyring::at(keyring));
    let found = source::find(reference, &args.download, args.verify)?;
    let limits = Limits { compat: args.compat.into(), ..Limits::default() };
    let mut chart = disk::load(&found, &source::shown(reference), &limits, keyring.as_ref())?;
    let missing: Vec<String> = chart.missing_dependencies().into_iter().map(str::to_owned).collect();
    if args.helm.updates_dependencies() && !missing.is_empty() {
        dependencies::update(&mut chart, &dependencies::root(&found, &missing)?, &args.download, &limits)?;
    }
    Ok(chart)
}

/// The release's namespace: of the flag, helm's variable, the context that a flag names, or `default`. A kubeconfig that nobody
/// named is not asked; one that cannot be read stops nothing, as with helm, but is told of.
fn namespace(connect: &ConnectArgs, context: Option<&str>) -> String {
    let variable = || std::env::var("HELM_NAMESPACE").ok();
    let given = |it: &String| !it.is_empty();
    if let Some(namespace) = connect.namespace.clone().filter(given).or_else(|| variable().filter(given)) {
        return namespace;
    }
    let context = context.or(connect.context.as_deref()).filter(|it| !it.is_empty());
    let kubeconfig = connect.kubeconfig.as_deref();
    let asked = context.is_some() || kubeconfig.is_some();
    let found = if asked { cluster::namespace_of(kubeconfig, context) } else { Ok(None) };
    let found = found.unwrap_or_else(|error| {
        let why = crate::text::clean(&disk::chain(&error));
        eprintln!("warning: {why}; the release's namespace is \"default\", or name one with -n");
        None
    });
    found.unwrap_or_else(|| "default".to_owned())
}

/// This machine's resolver.
struct Dns;

impl Hosts for Dns {
    fn address(&self, name: &str) -> Option<String> {
        let mut found = std::net::ToSocketAddrs::to_socket_addrs(&(name, 0)).ok()?;
        found.next().map(|it| it.ip().to_string())
    }
}

/// What `now`, `date` and the certificates go by: this machine's clock, zone and randomness.
pub fn world() -> Rc<World> {
    let zone = || Zone::local(jiff::tz::TimeZone::system());
    Rc::new(World::with_local(|| clock::now().as_nanosecond(), zone, SystemRandom))
}

/// Bounds of a rendering that has so many bytes of stack, and the time until `expired` says that it is up.
pub fn limits(stack: usize, expired: impl Fn() -> bool + 'static) -> RenderLimits {
    RenderLimits { stack, expired: Some(Rc::new(expired)), ..RenderLimits::default() }
}

fn name_and_chart(args: &Args) -> Result<(String, String), Error> {
    let twice =
        |what: &str| Error::usage(format!("cannot set {what} and also specify a name"), "leave one of them out");
    let name_template = args.name_template.as_deref().filter(|it| !it.is_empty());
    match args.what.as_slice() {
        [_, _] if args.generate_name => Err(twice("--generate-name")),
        [_, _] if name_template.is_some() => Err(twice("--name-template")),
        [name, chart] => Ok((name.clone(), chart.clone())),
        [chart] => {
            let name = match name_template {
                Some(template) => {
                    let template = template.to_owned();
                    let wrong = |error| {
                        Error::usage(
                            format!("--name-template: {error}"),
                            "give a template such as 'web-{{ randNumeric 3 }}'",
                        )
                    };
                    deep(move |_| weir_chart::template::name(&template, &world()).map_err(|it| it.to_string()))
                        .map_err(wrong)?
                }
                None if args.generate_name => generated(chart),
                None => "release-name".to_owned(),
            };
            Ok((name, chart.clone()))
        }
        _ => Err(Error::usage("no chart named", "weir template NAME CHART")),
    }
}

fn generated(chart: &str) -> String {
    let base = chart.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    let base = base.split('.').next().filter(|it| !it.is_empty()).unwrap_or("chart");
    format!("{base}-{}", clock::now().as_second())
}

fn capabilities(args: &Args) -> Result<Capabilities, Error> {
    let mut capabilities = Capabilities::default();
    if let Some(version) = args.kube_version.as_ref().filter(|it| !it.is_empty()) {
        capabilities.kube_version = KubeVersion::parse(version).map_err(|error| {
            Error::usage(format!("invalid kube version '{version}': {error}"), "give one such as 1.36 or v1.36.0")
        })?;
    }
    capabilities.api_versions.extend(args.api_versions.iter().cloned());
    Ok(capabilities)
}
