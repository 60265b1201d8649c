//! The cluster, as the command line sees it: objects as JSON, whatever their kind.

mod discovery;

use std::path::PathBuf;

use futures::{Stream, StreamExt};
use kube::{
    Api, Client, Config,
    api::{ApiResource, DynamicObject, ListParams, Patch, PatchParams},
    config::{KubeConfigOptions, Kubeconfig},
    core::TypeMeta,
    runtime::watcher,
};
use serde_json::Value;

pub use discovery::{by_kind, resolve};

use crate::error::{Cause, Error};

/// Which cluster, and where in it.
#[derive(Clone, Debug, clap::Args)]
pub struct ConnectArgs {
    /// The kubeconfig to use instead of $KUBECONFIG or ~/.kube/config
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context to use instead of the current one
    #[arg(long, global = true, value_name = "NAME")]
    pub context: Option<String>,
    /// The namespace; that of the context when not given, and flux-system when it has none
    #[arg(long, short, global = true, value_name = "NAME")]
    pub namespace: Option<String>,
}

/// Where the suite lives unless somebody says otherwise.
pub const DEFAULT_NAMESPACE: &str = "flux-system";

/// A kind that the cluster knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// API group; empty for the core one.
    pub group: String,
    /// API version.
    pub version: String,
    /// As in `kind:`.
    pub kind: String,
    /// As in URLs.
    pub plural: String,
    /// Whether its objects are in namespaces.
    pub namespaced: bool,
    /// Singular and short names.
    pub names: Vec<String>,
}

impl Resource {
    /// `group/version`, or the version alone for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The command that shows what there is.
    fn listing(&self) -> String {
        let everywhere = if self.namespaced { " -A" } else { "" };
        match crate::kind::find(&self.kind, &self.group) {
            Some(kind) => format!("see what is there: weir get {} -A", kind.plural),
            None if self.group.is_empty() => format!("see what is there: kubectl get {}{everywhere}", self.plural),
            None => format!("see what is there: kubectl get {}.{}{everywhere}", self.plural, self.group),
        }
    }

    fn api(&self, client: &Client, namespace: Option<&str>) -> Api<DynamicObject> {
        let resource = ApiResource {
            group: self.group.clone(),
            version: self.version.clone(),
            api_version: self.api_version(),
            kind: self.kind.clone(),
            plural: self.plural.clone(),
        };
        match namespace {
            Some(namespace) if self.namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
            _ => Api::all_with(client.clone(), &resource),
        }
    }
}

/// What a watch saw.
pub enum Change {
    /// There from the start.
    Initial(Value),
    /// Everything that was there from the start has been seen.
    Synced,
    /// New or changed.
    Applied(Value),
    /// Gone.
    Deleted(Value),
    /// The watch broke and is tried again.
    Broken(String),
}

/// A connection.
pub struct Cluster {
    client: Client,
    namespace: String,
    /// Host and port, for messages.
    server: String,
}

impl Cluster {
    /// Connects as kubectl would.
    pub async fn connect(args: &ConnectArgs) -> Result<Self, Error> {
        let bad = |error: &dyn std::fmt::Display| {
            Error::Kubeconfig(Cause::new(error.to_string().replace("'\"", "").replace("\"'", "")))
        };
        let options = KubeConfigOptions { context: args.context.clone(), cluster: None, user: None };
        let kubeconfig = match &args.kubeconfig {
            Some(path) => Some(Kubeconfig::read_from(path).map_err(|error| bad(&error))?),
            None => ambient(&bad)?,
        };
        // Without a kubeconfig, perhaps this runs in a pod.
        let Some(kubeconfig) = kubeconfig else {
            let config = Config::incluster().map_err(|_| bad(&"there is none, and this is not a pod"))?;
            let namespace = args.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
            return Self::with(config, namespace);
        };
        let said = context_namespace(&kubeconfig, args.context.as_deref());
        let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| bad(&error))?;
        let namespace = args.namespace.clone().or(said).unwrap_or_else(|| DEFAULT_NAMESPACE.to_owned());
        Self::with(config, namespace)
    }

    fn with(config: Config, namespace: String) -> Result<Self, Error> {
        let server = config.cluster_url.authority().map(ToString::to_string).unwrap_or_default();
        let client = Client::try_from(config).map_err(|source| Error::api("set up the connection", source))?;
        Ok(Self { client, namespace, server })
    }

    fn failed(&self, action: String, source: kube::Error) -> Error {
        Error::call(action, &self.server, source)
    }

    /// The namespace that was asked for.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The same cluster, in another namespace.
    pub fn within(&self, namespace: &str) -> Self {
        Self { client: self.client.clone(), namespace: namespace.to_owned(), server: self.server.clone() }
    }

    /// An object, if it is there.
    pub async fn find(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Option<Value>, Error> {
        match resource.api(&self.client, Some(namespace)).get(name).await {
            Ok(object) => Ok(Some(value(object, resource))),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(source) => Err(self.failed(format!("get {}/{name}", resource.kind), source)),
        }
    }

    /// An object that must be there.
    pub async fn get(&self, resource: &Resource, namespace: &str, name: &str) -> Result<Value, Error> {
        if let Some(object) = self.find(resource, namespace, name).await? {
            return Ok(object);
        }
        // Is it the object or the kind that is missing?
        self.list(resource, Some(namespace), None, Some(1)).await?;
        Err(Error::NotFound {
            object: format!("{}/{name}", resource.kind),
            namespace: if resource.namespaced { namespace.to_owned() } else { String::new() },
            hint: resource.listing(),
        })
    }

    /// Objects of a kind, by namespace and name; `limit` for a look at a few.
    pub async fn list(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        selector: Option<&str>,
        limit: Option<u32>,
    ) -> Result<Vec<Value>, Error> {
        let mut params = ListParams { limit, ..ListParams::default() };
        params.label_selector = selector.map(str::to_owned);
        match resource.api(&self.client, namespace).list(&params).await {
            Ok(list) => Ok(list.items.into_iter().map(|object| value(object, resource)).collect()),
            Err(kube::Error::Api(status)) if status.code == 404 => {
                Err(Error::NotInstalled { plural: resource.plural.clone(), group: resource.group.clone() })
            }
            Err(source) => Err(self.failed(format!("list {}", resource.plural), source)),
        }
    }

    /// Changes an object with a JSON merge patch.
    pub async fn merge(&self, resource: &Resource, namespace: &str, name: &str, patch: &Value) -> Result<Value, Error> {
        let params = PatchParams { field_manager: Some("weir".into()), ..PatchParams::default() };
        let changed = resource.api(&self.client, Some(namespace)).patch(name, &params, &Patch::Merge(patch)).await;
        let object =
            changed.map_err(|source| self.failed(format!("change {}/{namespace}/{name}", resource.kind), source))?;
        Ok(value(object, resource))
    }

    /// Objects as they change, those that are there first.
    pub fn watch(
        &self,
        resource: &Resource,
        namespace: Option<&str>,
        name: Option<&str>,
        selector: Option<&str>,
    ) -> impl Stream<Item = Change> + Send + use<> {
        let config = watcher::Config {
            label_selector: selector.map(str::to_owned),
            field_selector: name.map(|name| format!("metadata.name={name}")),
            ..watcher::Config::default()
        };
        let resource = resource.clone();
        watcher::watcher(resource.api(&self.client, namespace), config).filter_map(move |event| {
            let change = match event {
                Ok(watcher::Event::Init) => None,
                Ok(watcher::Event::InitApply(object)) => Some(Change::Initial(value(object, &resource))),
                Ok(watcher::Event::InitDone) => Some(Change::Synced),
                Ok(watcher::Event::Apply(object)) => Some(Change::Applied(value(object, &resource))),
                Ok(watcher::Event::Delete(object)) => Some(Change::Deleted(value(object, &resource))),
                Err(error) => Some(Change::Broken(describe(error))),
            };
            std::future::ready(change)
        })
    }

    /// Every kind that the cluster knows, preferred versions first.
    pub async fn resources(&self) -> Result<Vec<Resource>, Error> {
        let mut all = Vec::new();
        for path in ["/api", "/apis"] {
            let request = http::Request::get(path)
                .header(
                    "Accept",
                    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json",
                )
                .body(Vec::new())
                .expect("a fixed request is well formed");
            let groups: Value = self
                .client
                .request(request)
                .await
                .map_err(|source| self.failed("ask for the kinds of the cluster".into(), source))?;
            all.extend(discovery::discovered(&groups));
        }
        Ok(all)
    }
}

/// The namespace of a context, in this kubeconfig or the one that kubectl takes.
pub fn namespace_of(kubeconfig: Option<&std::path::Path>, context: Option<&str>) -> Result<Option<String>, Error> {
    let bad = |error: &dyn std::fmt::Display| Error::Kubeconfig(Cause::new(error.to_string()));
    let found = match kubeconfig {
        Some(path) => Some(Kubeconfig::read_from(path).map_err(|error| bad(&error))?),
        None => ambient(&bad)?,
    };
    let Some(found) = found else { return Err(bad(&"there is none")) };
    if let Some(name) = context
        && !found.contexts.iter().any(|it| it.name == name)
    {
        return Err(bad(&format!("context {name:?} does not exist")));
    }
    Ok(context_namespace(&found, context))
}

fn ambient(bad: &dyn Fn(&dyn std::fmt::Display) -> Error) -> Result<Option<Kubeconfig>, Error> {
    if let Some(kubeconfig) = Kubeconfig::from_env().map_err(|error| bad(&error))? {
        return Ok(Some(kubeconfig));
    }
    let home = std::env::var_os("HOME").map(PathBuf::from);
    match home.map(|home| home.join(".kube/config")).filter(|path| path.is_file()) {
        Some(path) => Kubeconfig::read_from(path).map(Some).map_err(|error| bad(&error)),
        None => Ok(None),
    }
}

fn context_namespace(kubeconfig: &Kubeconfig, context: Option<&str>) -> Option<String> {
    let name = context.or(kubeconfig.current_context.as_deref())?;
    let context = kubeconfig.contexts.iter().find(|context| context.name == name)?;
    context.context.as_ref()?.namespace.clone().filter(|namespace| !namespace.is_empty())
}

/// The object as JSON. Lists of built-in kinds leave out what the list says itself.
fn value(mut object: DynamicObject, resource: &Resource) -> Value {
    if object.types.as_ref().is_none_or(|types| types.kind.is_empty()) {
        object.types = Some(TypeMeta { api_version: resource.api_version(), kind: resource.kind.clone() });
    }
    object.metadata.managed_fields = None;
    serde_json::to_value(object).expect("an object that came as JSON goes as JSON")
}

fn describe(error: watcher::Error) -> String {
    let mut innermost: &dyn std::error::Error = &error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_context_says_where() {
        let kubeconfig = Kubeconfig::from_yaml(
            "current-context: a\ncontexts:\n- name: a\n  context: {cluster: c, user: u}\n- name: b\n  context: {cluster: c, user: u, namespace: there}\n",
        )
        .unwrap();
        assert_eq!(context_namespace(&kubeconfig, None), None);
        assert_eq!(context_namespace(&kubeconfig, Some("b")).as_deref(), Some("there"));
    }
}
