//! Against git's own servers, over http and ssh, and against servers that mean harm.

mod auth;
mod fetch;
mod hostile;
mod keep;
mod proxy;
mod redirect;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use weir_git::{
    Auth, Checkout, Client, Descend, Error, Limits, Options, Outcome, Proxy, Reference, Remote, Request, Revision,
    Tree, TreeFile, Visitor,
};
use weir_testkit::{GitServer, SshServer, scratch::Scratch};

type Data = BTreeMap<String, Vec<u8>>;

fn data(entries: &[(&str, &str)]) -> Data {
    entries.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec())).collect()
}

/// A client with a directory of its own, and what a GitRepository would say.
struct Source {
    client: Client,
    keep: PathBuf,
    url: String,
    secret: Data,
    proxy: Option<Proxy>,
    known: Option<Revision>,
    timeout: Duration,
    _scratch: Scratch,
}

impl Source {
    fn new(url: impl Into<String>) -> Result<Self> {
        Self::with(url, Limits::default())
    }

    fn with(url: impl Into<String>, limits: Limits) -> Result<Self> {
        let scratch = Scratch::new("git-keep")?;
        Ok(Self {
            client: Client::new(Options { limits, ..Options::default() })?,
            keep: scratch.path().join("kept"),
            url: url.into(),
            secret: Data::new(),
            proxy: None,
            known: None,
            timeout: Duration::from_secs(60),
            _scratch: scratch,
        })
    }

    fn secret(mut self, entries: &[(&str, &str)]) -> Self {
        self.secret = data(entries);
        self
    }

    async fn outcome(&self, reference: &Reference) -> Result<Outcome, Error> {
        let remote = Remote::parse(&self.url)?;
        let auth = Auth::from_secret(&remote, &self.secret)?;
        let request = Request {
            remote: &remote,
            auth: &auth,
            proxy: self.proxy.as_ref(),
            reference,
            known: self.known.as_ref(),
            keep: &self.keep,
            timeout: self.timeout,
        };
        self.client.fetch(&request).await
    }

    async fn fetch(&self, reference: &Reference) -> Result<Checkout> {
        match self.outcome(reference).await? {
            Outcome::Fetched(checkout) => Ok(*checkout),
            Outcome::Unchanged(revision) => bail!("unchanged: {revision}"),
        }
    }

    /// The error of fetching branch `main`.
    async fn refused(&self) -> Error {
        self.outcome(&branch("main")).await.expect_err("the fetch should fail")
    }
}

fn branch(name: &str) -> Reference {
    Reference { branch: Some(name.into()), ..Reference::default() }
}

fn ssh_secret(server: &SshServer) -> Data {
    data(&[("identity", &server.client_key().private), ("known_hosts", &server.known_hosts())])
}

/// Both ways to the repository `name`: over http by version 2 of the protocol, over ssh by version 0.
async fn both(server: &GitServer, ssh: &SshServer, name: &str) -> Result<[Source; 2]> {
    let mut over_ssh = Source::new(ssh.url(name))?;
    over_ssh.secret = ssh_secret(ssh);
    Ok([Source::new(server.url(name))?, over_ssh])
}

/// Path, with `*` when executable -> content.
#[derive(Default)]
struct Files(BTreeMap<String, String>);

impl Visitor for Files {
    type Error = std::convert::Infallible;

    fn directory(&mut self, _: &str) -> Result<Descend, Self::Error> {
        Ok(Descend::Yes)
    }

    fn wants(&mut self, _: &str) -> Result<bool, Self::Error> {
        Ok(true)
    }

    fn file(&mut self, file: TreeFile<'_>) -> Result<(), Self::Error> {
        let mark = if file.executable { "*" } else { "" };
        self.0.insert(format!("{}{mark}", file.path), String::from_utf8_lossy(file.content).into_owned());
        Ok(())
    }
}

fn files(tree: &Tree) -> Result<BTreeMap<String, String>, Error> {
    let mut files = Files::default();
    tree.visit(&mut files)?;
    Ok(files.0)
}
