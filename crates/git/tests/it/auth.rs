//! Who gets in, and what the others are told.

use anyhow::Result;
use weir_git::{Auth, Error, Kind, Remote};
use weir_testkit::{GitOptions, GitServer, KeyType, SshKey, SshServer, pki::Authority};

use super::{Source, branch, data, ssh_secret};

async fn served(options: GitOptions) -> Result<GitServer> {
    let server = GitServer::with(options).await?;
    let repo = server.repository("app")?;
    repo.write("a", "a")?;
    repo.push("a")?;
    Ok(server)
}

#[tokio::test]
async fn basic_and_bearer() -> Result<()> {
    let server = served(GitOptions { basic: Some(("u".into(), "s3cret".into())), ..GitOptions::default() }).await?;
    let url = server.url("app");
    Source::new(&url)?.secret(&[("username", "u"), ("password", "s3cret")]).fetch(&branch("main")).await?;
    Source::new(url.replace("http://", "http://u:s3cret@"))?.fetch(&branch("main")).await?;
    for entries in [&[][..], &[("username", "u"), ("password", "wr0ng")], &[("bearerToken", "wr0ng")]] {
        let error = Source::new(&url)?.secret(entries).refused().await;
        assert_eq!(error.kind(), Kind::Auth, "{error:?}");
        let text = error.to_string();
        assert!(text.contains("127.0.0.1") && text.contains("HTTP status 401") && !text.contains("wr0ng"), "{text}");
    }
    let server = served(GitOptions { bearer: Some("t0ken".into()), ..GitOptions::default() }).await?;
    Source::new(server.url("app"))?.secret(&[("bearerToken", "t0ken\n")]).fetch(&branch("main")).await?;
    assert_eq!(Source::new(server.url("app"))?.refused().await.kind(), Kind::Auth);
    Ok(())
}

#[tokio::test]
async fn authorities_and_client_certificates() -> Result<()> {
    let server = served(GitOptions { tls: true, ..GitOptions::default() }).await?;
    let url = server.url("app");
    for key in ["ca.crt", "caFile"] {
        Source::new(&url)?.secret(&[(key, server.ca())]).fetch(&branch("main")).await?;
    }
    let other = Authority::new("other")?;
    for entries in [&[][..], &[("ca.crt", other.pem())]] {
        let error = Source::new(&url)?.secret(entries).refused().await;
        assert_eq!(error.kind(), Kind::Tls, "{error:?}");
    }
    let error = Source::new(&url)?.secret(&[("ca.crt", "garbage")]).refused().await;
    assert_eq!(error.to_string(), "'ca.crt' has no certificate in PEM");

    let server = served(GitOptions { client_tls: true, ..GitOptions::default() }).await?;
    let (url, ca, client) = (server.url("app"), server.ca(), server.client()?);
    for (crt, key) in [("tls.crt", "tls.key"), ("certFile", "keyFile")] {
        let secret = [("ca.crt", ca), (crt, client.certificate.as_str()), (key, client.key.as_str())];
        Source::new(&url)?.secret(&secret).fetch(&branch("main")).await?;
    }
    let error = Source::new(&url)?.secret(&[("ca.crt", ca)]).refused().await;
    assert!(matches!(error.kind(), Kind::Tls | Kind::Network), "{error:?}");
    Ok(())
}

#[tokio::test]
async fn keys_of_every_kind() -> Result<()> {
    let git = served(GitOptions::default()).await?;
    let ssh = SshServer::start(git.root()).await?;
    for (kind, password) in [
        (KeyType::Ed25519, ""),
        (KeyType::Ed25519, "pass word"),
        (KeyType::Ecdsa, ""),
        (KeyType::Ecdsa, "p"),
        (KeyType::Rsa, ""),
        (KeyType::Rsa, "p"),
    ] {
        let key = SshKey::generate(kind, password)?;
        ssh.authorize(&key)?;
        let mut entries = vec![("identity", key.private.as_str())];
        if !password.is_empty() {
            entries.push(("password", password));
        }
        let mut source = Source::new(ssh.url("app"))?.secret(&entries);
        source.secret.insert("known_hosts".into(), ssh.known_hosts().into_bytes());
        source.fetch(&branch("main")).await?;
        if !password.is_empty() {
            source.secret.remove("password");
            let error = source.refused().await.to_string();
            assert_eq!(error, "SSH identity key is encrypted but no 'password' field was provided in the secret");
            source.secret.insert("password".into(), b"wr0ng".to_vec());
            let error = source.refused().await;
            assert_eq!(error.kind(), Kind::Auth);
            assert!(!error.to_string().contains("wr0ng"), "{error}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn strangers_are_refused_on_both_sides() -> Result<()> {
    let git = served(GitOptions::default()).await?;
    let ssh = SshServer::start(git.root()).await?;
    let with = |key: &str, value: String| -> Result<Source> {
        let mut source = Source::new(ssh.url("app"))?;
        source.secret = ssh_secret(&ssh);
        source.secret.insert(key.into(), value.into_bytes());
        Ok(source)
    };
    let stranger = SshKey::generate(KeyType::Ed25519, "")?;
    let error = with("identity", stranger.private)?.refused().await;
    assert!(matches!(error, Error::Unauthorized { .. }), "{error:?}");
    assert!(error.to_string().contains("ssh-ed25519 key refused for user"), "{error}");

    let error = with("known_hosts", "other.example ssh-ed25519 AAAA\n".into())?.refused().await;
    assert!(matches!(error, Error::UnknownHost { .. }), "{error:?}");
    assert!(error.to_string().contains("SHA256:"), "{error}");
    let error = with("known_hosts", ssh.wrong_known_hosts()?)?.refused().await;
    assert!(matches!(error, Error::HostKeyChanged { .. }), "{error:?}");

    // One key of three is enough, whichever it is: only that kind is asked for.
    for line in ssh.known_hosts().lines() {
        with("known_hosts", line.to_owned())?.fetch(&branch("main")).await?;
    }
    // Hashed by ssh-keygen itself.
    let file = tempfile::NamedTempFile::new()?;
    std::fs::write(file.path(), ssh.known_hosts())?;
    let status = std::process::Command::new("ssh-keygen").args(["-q", "-H", "-f"]).arg(file.path()).output()?;
    assert!(status.status.success());
    let hashed = std::fs::read_to_string(file.path())?;
    assert!(hashed.starts_with("|1|"), "{hashed}");
    with("known_hosts", hashed)?.fetch(&branch("main")).await?;
    Ok(())
}

#[tokio::test]
async fn paths_cannot_leave_their_quotes() -> Result<()> {
    let git = served(GitOptions::default()).await?;
    let ssh = SshServer::start(git.root()).await?;
    let canary = git.root().join("canary");
    for path in [
        "'; touch CANARY; '",
        "$(touch CANARY)",
        "`touch CANARY`",
        "--upload-pack=touch CANARY",
        "a\\'; touch CANARY #",
    ] {
        let path = path.replace("CANARY", &canary.to_string_lossy());
        let mut url = ssh.url("app");
        url.truncate(url.find("/app.git").unwrap_or(url.len()));
        let mut source = Source::new(format!("{url}/{}", path.replace('#', "%23")))?;
        source.secret = ssh_secret(&ssh);
        assert!(source.outcome(&branch("main")).await.is_err(), "{path}");
        assert!(!canary.exists(), "{path}");
    }
    Ok(())
}

#[test]
fn identities_that_are_none_are_told_without_showing_them() {
    let remote = Remote::parse("ssh://example.com/a").unwrap();
    let canary = "c4nary";
    let pem = format!("-----BEGIN OPENSSH PRIVATE KEY-----\n{canary}\n-----END OPENSSH PRIVATE KEY-----\n");
    let error = Auth::from_secret(&remote, &data(&[("identity", &pem), ("known_hosts", "x")])).unwrap_err();
    assert!(!format!("{error} {error:?}").contains(canary));
}
