//! Flags about where charts come from, and who asks for them.

use std::{
    fmt, fs,
    io::Read as _,
    path::{Path, PathBuf},
    str::FromStr,
};

use weir_remote::{
    Limits,
    charts::{Access, Wanted},
};

use super::{
    helm_home::HelmHome,
    repositories::{self, Repository},
};
use crate::error::Error;

// As in helm.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Charts from repositories and registries")]
pub struct DownloadArgs {
    /// The address of the repository that has the chart; CHART is its name there
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// A version or a range of them, such as ^1.2 [default: the newest]
    #[arg(long, value_name = "VERSION", id = "chart-version")]
    version: Option<String>,
    /// Versions before a release, too, where --version names none
    #[arg(long)]
    devel: bool,
    /// User at the repository or registry
    #[arg(long, value_name = "NAME")]
    username: Option<String>,
    /// Password of that user; it goes to the host of the repository alone
    #[arg(long, value_name = "PASSWORD", allow_hyphen_values = true)]
    password: Option<Secret>,
    /// User and password go to other hosts that the repository names, too
    #[arg(long)]
    pass_credentials: bool,
    /// Trust servers that these authorities signed, instead of the system's
    #[arg(long, value_name = "FILE", value_parser = path)]
    ca_file: Option<PathBuf>,
    /// The certificate to show to servers
    #[arg(long, value_name = "FILE", value_parser = path)]
    cert_file: Option<PathBuf>,
    /// The key of that certificate
    #[arg(long, value_name = "FILE", value_parser = path)]
    key_file: Option<PathBuf>,
    /// Take any certificate
    #[arg(long)]
    insecure_skip_tls_verify: bool,
    /// Ask registries over http
    #[arg(long)]
    plain_http: bool,
    /// Users and passwords of registries [default: $HELM_REGISTRY_CONFIG, else helm's own]
    #[arg(long, value_name = "FILE", value_parser = path)]
    registry_config: Option<PathBuf>,
    /// The repositories that `repo/name` speaks of [default: $HELM_REPOSITORY_CONFIG, else helm's own]
    #[arg(long, value_name = "FILE", value_parser = path)]
    repository_config: Option<PathBuf>,
    /// Their indexes, as `helm repo update` leaves them [default: $HELM_REPOSITORY_CACHE, else helm's own]
    #[arg(long, value_name = "DIR", value_parser = path)]
    repository_cache: Option<PathBuf>,
    /// Charts that helm downloaded before; read, not written [default: $HELM_CONTENT_CACHE, else helm's own]
    #[arg(long, value_name = "DIR", value_parser = path)]
    content_cache: Option<PathBuf>,
}

/// A password. Prints nothing of it.
#[derive(Clone, Default)]
struct Secret(String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl FromStr for Secret {
    type Err = std::convert::Infallible;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

/// No file of certificates or passwords is larger.
const LIMIT: u64 = 4 << 20;

/// Bounds of an index, a chart, and the time for each; helm waits as long.
pub const LIMITS: Limits =
    Limits { file_bytes: 128 << 20, repository_bytes: 256 << 20, file_timeout: std::time::Duration::from_secs(120) };

impl DownloadArgs {
    /// The address of the repository. An empty one is none, here and with the other flags, as in helm.
    pub fn repository(&self) -> Option<&str> {
        self.repo.as_deref().filter(|it| !it.is_empty())
    }

    /// Which version is asked for.
    pub fn wanted(&self) -> Wanted<'_> {
        Wanted { version: self.version.as_deref().unwrap_or_default().trim(), devel: self.devel }
    }

    /// Where helm keeps what it knows.
    pub fn home(&self) -> HelmHome {
        let given = |path: &Option<PathBuf>| path.clone().filter(|it| !it.as_os_str().is_empty());
        let found = HelmHome::from_env(|name| std::env::var_os(name));
        HelmHome {
            registry_config: given(&self.registry_config).unwrap_or(found.registry_config),
            repository_config: given(&self.repository_config).unwrap_or(found.repository_config),
            repository_cache: given(&self.repository_cache).unwrap_or(found.repository_cache),
            content_cache: given(&self.content_cache).unwrap_or(found.content_cache),
            docker_config: found.docker_config,
        }
    }

    /// Whom to be and whom to trust. What a repository's entry says wins, as in helm.
    pub fn access(&self, home: &HelmHome, entry: Option<&Repository>) -> Result<Access, Error> {
        let given = |path: &Option<PathBuf>| path.clone().filter(|it| !it.as_os_str().is_empty());
        let pair = |cert: &Option<PathBuf>, key: &Option<PathBuf>| Some((given(cert)?, given(key)?));
        let (mut ca, mut certificate) = (given(&self.ca_file), pair(&self.cert_file, &self.key_file));
        if certificate.is_none() && (given(&self.cert_file).is_some() || given(&self.key_file).is_some()) {
            return Err(Error::usage("--cert-file and --key-file belong together", "give both"));
        }
        let mut access = Access {
            username: self.username.clone().unwrap_or_default(),
            password: self.password.clone().unwrap_or_default().0,
            pass_credentials: self.pass_credentials,
            insecure_skip_tls_verify: self.insecure_skip_tls_verify,
            plain_http: self.plain_http,
            ..Access::default()
        };
        if let Some(entry) = entry {
            if entry.has_certificates() {
                (ca, certificate) = (entry.ca_file.clone(), pair(&entry.cert_file, &entry.key_file));
            }
            if entry.has_credentials() {
                access.username = entry.username.clone();
                access.password = entry.password.clone();
                access.pass_credentials = entry.pass_credentials;
            }
        }
        access.ca = ca.map(|path| small(&path)).transpose()?;
        access.client_certificate =
            certificate.map(|(certificate, key)| Ok::<_, Error>((small(&certificate)?, small(&key)?))).transpose()?;
        access.registry_configs = home.registry_configs()?;
        Ok(access)
    }

    /// The same for charts that others depend on: those are no business of the user who was named.
    pub fn access_of_dependencies(&self, home: &HelmHome, entry: Option<&Repository>) -> Result<Access, Error> {
        let nobody = Self { username: None, password: None, pass_credentials: false, ..self.clone() };
        nobody.access(home, entry)
    }

    /// The repositories that helm knows.
    pub fn repositories(&self, home: &HelmHome) -> Result<Vec<Repository>, Error> {
        repositories::read(&home.repository_config)
    }
}

/// A path that may be empty, which then is none.
pub fn path(text: &str) -> Result<PathBuf, std::convert::Infallible> {
    Ok(PathBuf::from(text))
}

/// The bytes of a small file.
pub fn small(path: &Path) -> Result<Vec<u8>, Error> {
    let failed = |source| Error::Io { action: format!("read {}", path.display()), source };
    let file = fs::File::open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(std::io::Error::other("it is no regular file")));
    }
    let mut bytes = Vec::new();
    file.take(LIMIT + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > LIMIT {
        return Err(failed(std::io::Error::other(format!("it is larger than {LIMIT} bytes"))));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_repository_says_of_itself_wins() {
        let args = DownloadArgs {
            username: Some("me".to_owned()),
            password: Some(Secret("canary".to_owned())),
            pass_credentials: true,
            ..DownloadArgs::default()
        };
        assert!(!format!("{args:?}").contains("canary"));
        let home = HelmHome::from_env(|_| None);
        let plain = Repository::default();
        let access = args.access(&home, Some(&plain)).unwrap();
        assert_eq!(
            (access.username.as_str(), access.password.as_str(), access.pass_credentials),
            ("me", "canary", true)
        );
        let known = Repository { username: "u".to_owned(), password: "p".to_owned(), ..Repository::default() };
        let access = args.access(&home, Some(&known)).unwrap();
        assert_eq!((access.username.as_str(), access.password.as_str(), access.pass_credentials), ("u", "p", false));
        assert!(args.access_of_dependencies(&home, None).unwrap().username.is_empty());
        let half = DownloadArgs { cert_file: Some("x".into()), ..DownloadArgs::default() };
        assert_eq!(half.access(&home, None).unwrap_err().exit_code(), 2);
    }
}
