//! Flags of helm that mean something else here, or nothing.

use crate::error::Error;

// Flags of `helm template` about installing and clusters. A rendering is the same with and without most of them, in helm
// too; the others are refused with the next move.
#[derive(Debug, Default, clap::Args)]
#[command(next_help_heading = "Taken for helm's sake")]
pub struct HelmFlags {
    /// No effect: no namespace is printed, in helm neither
    #[arg(long, hide_short_help = true)]
    create_namespace: bool,
    /// Where dependencies are not in charts/, fetch all of them; nothing is written
    #[arg(long, hide_short_help = true)]
    dependency_update: bool,
    /// No effect: a description belongs to a release
    #[arg(long, hide_short_help = true, value_name = "TEXT", allow_hyphen_values = true)]
    description: Option<String>,
    /// No effect: nothing is validated by a cluster
    #[arg(long, hide_short_help = true)]
    disable_openapi_validation: bool,
    /// `client` is what happens; `server` is refused, nothing is asked of a cluster
    #[arg(long, hide_short_help = true, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "client")]
    dry_run: Option<String>,
    /// Refused: see --dry-run
    #[arg(long, hide = true)]
    validate: bool,
    /// No effect: about applying
    #[arg(long, hide_short_help = true, conflicts_with = "force_replace")]
    force_conflicts: bool,
    /// No effect: about applying
    #[arg(long, hide_short_help = true, alias = "force")]
    force_replace: bool,
    /// No effect: notes are not printed
    #[arg(long, hide = true)]
    hide_notes: bool,
    /// No effect: notes are not printed
    #[arg(long, hide = true)]
    render_subchart_notes: bool,
    /// No effect: labels belong to a release
    #[arg(long, short, hide_short_help = true, value_name = "KEY=VALUE", value_delimiter = ',', value_parser = label)]
    labels: Vec<String>,
    /// Refused: no other program is run; pipe the output into it
    #[arg(long, hide_short_help = true, value_name = "PROGRAM")]
    post_renderer: Option<String>,
    /// Refused, as --post-renderer
    #[arg(long, hide_short_help = true, value_name = "ARG", allow_hyphen_values = true)]
    post_renderer_args: Vec<String>,
    /// No effect: about release history
    #[arg(long, hide_short_help = true)]
    replace: bool,
    /// No effect: about applying
    #[arg(long, hide_short_help = true, alias = "atomic")]
    rollback_on_failure: bool,
    /// No effect: about applying
    #[arg(long, hide_short_help = true, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    server_side: Option<String>,
    /// No effect: about applying
    #[arg(long, hide_short_help = true)]
    take_ownership: bool,
    /// No effect: about waiting; see --time-limit
    #[arg(long, hide_short_help = true, value_name = "DURATION")]
    timeout: Option<String>,
    /// No effect: about waiting
    #[arg(long, hide_short_help = true, value_name = "HOW", num_args = 0..=1, require_equals = true, default_missing_value = "watcher")]
    wait: Option<String>,
    /// No effect: about waiting
    #[arg(long, hide_short_help = true)]
    wait_for_jobs: bool,
    /// Where a template prints no YAML, print that
    #[arg(long, hide_short_help = true)]
    debug: bool,
    /// No effect: see --qps
    #[arg(long, hide_short_help = true, value_name = "NUMBER")]
    burst_limit: Option<u32>,
    /// No effect: what is printed has no colours
    #[arg(long, hide_short_help = true, value_name = "WHEN", value_parser = ["never", "auto", "always"], alias = "colour")]
    color: Option<String>,
    /// The context whose namespace is the release's, where -n names none
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    pub kube_context: Option<String>,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true, value_name = "ADDRESS")]
    kube_apiserver: Option<String>,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true, value_name = "GROUP")]
    kube_as_group: Vec<String>,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    kube_as_user: Option<String>,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true, value_name = "FILE")]
    kube_ca_file: Option<String>,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true)]
    kube_insecure_skip_tls_verify: bool,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true, value_name = "NAME")]
    kube_tls_server_name: Option<String>,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true, value_name = "TOKEN")]
    kube_token: Option<Unread>,
    /// No effect: no cluster is asked
    #[arg(long, hide_short_help = true, value_name = "NUMBER")]
    qps: Option<f32>,
}

/// Something that is taken and forgotten: it may be secret.
#[derive(Clone, Copy, Debug)]
struct Unread;

impl std::str::FromStr for Unread {
    type Err = std::convert::Infallible;

    fn from_str(_: &str) -> Result<Self, Self::Err> {
        Ok(Self)
    }
}

fn label(text: &str) -> Result<String, String> {
    if text.contains('=') { Ok(text.to_owned()) } else { Err("must be formatted as key=value".to_owned()) }
}

impl HelmFlags {
    /// Refuses what cannot be done here.
    pub fn check(&self) -> Result<(), Error> {
        match self.dry_run.as_deref() {
            None | Some("" | "client" | "none" | "unset" | "true" | "false") => {}
            Some("server") => return Err(no_cluster()),
            Some(other) => {
                return Err(Error::usage(
                    format!("invalid dry-run value ({other:?}). Must be \"none\", \"server\", or \"client\""),
                    "leave it out",
                ));
            }
        }
        if self.validate {
            return Err(no_cluster());
        }
        if let Some(program) = &self.post_renderer {
            return Err(Error::usage(
                "no other program is run, so --post-renderer has none to run",
                format!("pipe into it: weir template … | {program}"),
            ));
        }
        if !self.post_renderer_args.is_empty() {
            return Err(Error::usage("--post-renderer-args without --post-renderer", "leave it out"));
        }
        Ok(())
    }

    /// Whether what is no YAML is printed.
    pub fn shows_what_is_no_yaml(&self) -> bool {
        self.debug
    }

    /// Whether missing dependencies are wanted.
    pub fn updates_dependencies(&self) -> bool {
        self.dependency_update
    }
}

fn no_cluster() -> Error {
    Error::usage(
        "rendering here asks no cluster",
        "to have the objects checked: weir template … | kubectl apply --dry-run=server -f -",
    )
}
