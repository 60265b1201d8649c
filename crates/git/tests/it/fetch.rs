//! Each kind of reference, over both transports.

use anyhow::Result;
use cap_std::{ambient_authority, fs::Dir};
use weir_git::{Error, Outcome, Reference};
use weir_testkit::{GitServer, SshServer, scratch::Scratch};

use super::{both, branch, files};

#[tokio::test]
async fn every_kind_of_reference_over_http_and_ssh() -> Result<()> {
    let server = GitServer::start().await?;
    let ssh = SshServer::start(server.root()).await?;
    let repo = server.repository("app")?;
    repo.write("deploy/a.yaml", "a: 1\n")?.write("run.sh", "#!/bin/sh\n")?.link("link", "/etc/passwd")?;
    std::fs::set_permissions(repo.work().join("run.sh"), std::os::unix::fs::PermissionsExt::from_mode(0o755))?;
    let first = repo.push("first line\n\nbody")?;
    repo.tag("v1.0.0", None)?;
    repo.write("deploy/a.yaml", "a: 2\n")?;
    let second = repo.push("second")?;
    repo.tag("v1.1.0", Some("annotated"))?;
    repo.tag("v2.0.0-rc.1", None)?;
    repo.tag("not-a-version", None)?;
    repo.git(&["push", "--quiet", &repo.path().to_string_lossy(), "HEAD~1:refs/pull/7/head"])?;
    repo.branch("feature/x")?;
    repo.write("deploy/a.yaml", "a: 3\n")?;
    let third = repo.push("third")?;
    let none = Reference::default;
    let cases = [
        (branch("main"), format!("main@sha1:{second}"), "a: 2\n"),
        (branch("feature/x"), format!("feature/x@sha1:{third}"), "a: 3\n"),
        (Reference { tag: Some("v1.0.0".into()), ..none() }, format!("v1.0.0@sha1:{first}"), "a: 1\n"),
        (Reference { tag: Some("v1.1.0".into()), ..none() }, format!("v1.1.0@sha1:{second}"), "a: 2\n"),
        (Reference { semver: Some(">=1.0.0".into()), ..none() }, format!("v1.1.0@sha1:{second}"), "a: 2\n"),
        (Reference { semver: Some("1.0.x".into()), ..none() }, format!("v1.0.0@sha1:{first}"), "a: 1\n"),
        (Reference { semver: Some(">=1.0.0-0".into()), ..none() }, format!("v2.0.0-rc.1@sha1:{second}"), "a: 2\n"),
        (
            Reference { name: Some("refs/pull/7/head".into()), ..none() },
            format!("refs/pull/7/head@sha1:{first}"),
            "a: 1\n",
        ),
        (
            Reference { name: Some("refs/tags/v1.1.0".into()), ..none() },
            format!("refs/tags/v1.1.0@sha1:{second}"),
            "a: 2\n",
        ),
        (Reference { commit: Some(first.clone()), ..none() }, format!("sha1:{first}"), "a: 1\n"),
        (
            Reference { commit: Some(first.clone()), branch: Some("main".into()), ..none() },
            format!("main@sha1:{first}"),
            "a: 1\n",
        ),
    ];
    for source in both(&server, &ssh, "app").await? {
        for (reference, revision, content) in &cases {
            let got = source.fetch(reference).await?;
            assert_eq!(got.revision.to_string(), *revision, "{} {reference:?}", source.url);
            let got = files(&got.tree)?;
            let names: Vec<_> = got.keys().map(String::as_str).collect();
            assert_eq!(names, ["deploy/a.yaml", "run.sh*"], "{}", source.url);
            assert_eq!(got["deploy/a.yaml"], *content, "{} {reference:?}", source.url);
            // From nothing the answer is the same.
            source.client.forget(&source.keep).await?;
            assert_eq!(source.fetch(reference).await?.revision.to_string(), *revision, "{}", source.url);
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_is_found_behind_what_is_kept_and_on_other_branches() -> Result<()> {
    let server = GitServer::start().await?;
    let ssh = SshServer::start(server.root()).await?;
    let repo = server.repository("app")?;
    repo.write("a", "1")?;
    let first = repo.push("1")?;
    repo.branch("side")?;
    repo.write("a", "side")?;
    let side = repo.push("side")?;
    repo.checkout("main")?;
    for i in 2..5 {
        repo.write("a", &i.to_string())?;
        repo.push("next")?;
    }
    for source in both(&server, &ssh, "app").await? {
        source.fetch(&branch("main")).await?;
        for (commit, content) in [(&first, "1"), (&side, "side"), (&first, "1")] {
            let reference = Reference { commit: Some(commit.clone()), ..Reference::default() };
            let got = source.fetch(&reference).await?;
            assert_eq!(files(&got.tree)?["a"], content, "{}", source.url);
        }
        // A branch that has it not: only where the server lists commits alone is that known.
        let elsewhere = Reference { commit: Some("2".repeat(40)), branch: Some("main".into()), ..Reference::default() };
        assert!(matches!(source.outcome(&elsewhere).await, Err(Error::ReferenceNotFound { .. })), "{}", source.url);
        repo.write("a", "after")?;
        repo.push("after")?;
        assert_eq!(files(&source.fetch(&branch("main")).await?.tree)?["a"], "after");
    }
    Ok(())
}

#[tokio::test]
async fn a_commit_says_who_when_and_what() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    repo.write("a", "a")?;
    let commit = repo.push("the summary \u{1b}[31m\n\nmore")?;
    let source = super::Source::new(server.url("app"))?;
    let got = source.fetch(&branch("main")).await?.commit;
    assert_eq!((got.id.to_string(), got.summary.as_str()), (commit, "the summary [31m"));
    assert_eq!(got.author, repo.git(&["log", "-1", "--format=%an <%ae>"])?.trim());
    assert_eq!(got.time.as_second().to_string(), repo.git(&["log", "-1", "--format=%ct"])?.trim());
    Ok(())
}

#[tokio::test]
async fn what_is_not_there_is_told_apart() -> Result<()> {
    let server = GitServer::start().await?;
    let ssh = SshServer::start(server.root()).await?;
    let repo = server.repository("app")?;
    repo.write("a", "a")?;
    repo.push("a")?;
    server.repository("empty")?;
    let absent = "1".repeat(40);
    let cases = [
        (branch("nope"), "branch 'nope' not found"),
        (branch("mai"), "branch 'mai' not found"),
        (Reference { tag: Some("v9".into()), ..Reference::default() }, "tag 'v9' not found"),
        (Reference { semver: Some(">9".into()), ..Reference::default() }, "tag with a version matching '>9' not found"),
        (Reference { name: Some("refs/x/y".into()), ..Reference::default() }, "reference 'refs/x/y' not found"),
        (Reference { commit: Some(absent.clone()), ..Reference::default() }, "commit '1111"),
        (Reference::default(), "branch 'master' not found"),
    ];
    for source in both(&server, &ssh, "app").await? {
        for (reference, text) in &cases {
            let error = source.outcome(reference).await.unwrap_err();
            assert!(matches!(error, Error::ReferenceNotFound { .. }), "{} {reference:?}: {error:?}", source.url);
            assert!(error.to_string().contains(text), "{error}");
            assert!(error.to_string().contains("127.0.0.1"), "{error}");
        }
    }
    for source in both(&server, &ssh, "empty").await? {
        assert!(matches!(source.refused().await, Error::Empty), "{}", source.url);
        let tag = Reference { semver: Some(">0".into()), ..Reference::default() };
        assert!(matches!(source.outcome(&tag).await, Err(Error::Empty)), "{}", source.url);
    }
    for source in both(&server, &ssh, "missing").await? {
        let error = source.refused().await;
        assert!(matches!(error, Error::NotFound { .. }), "{} {error:?}", source.url);
    }
    Ok(())
}

#[tokio::test]
async fn versions_that_tie_are_decided_by_the_newer_commit() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    let dated = |name: &str, text: &str, date: &str| -> Result<String> {
        repo.write("a", text)?;
        repo.git(&["add", "--all"])?;
        let author = format!("GIT_COMMITTER_DATE={date}");
        let output = std::process::Command::new("env")
            .arg(author)
            .args(["git", "-c", "user.name=n", "-c", "user.email=e", "commit", "-q", "-m", text])
            .current_dir(repo.work())
            .status()?;
        assert!(output.success());
        repo.push_head()?;
        repo.tag(name, None)?;
        repo.head()
    };
    dated("1.0.0+a", "old", "2020-01-01T00:00:00Z")?;
    let newer = dated("v1.0.0", "new", "2024-01-01T00:00:00Z")?;
    dated("1.0.0+b", "middle", "2022-01-01T00:00:00Z")?;
    let source = super::Source::new(server.url("app"))?;
    let any = Reference { semver: Some("*".into()), ..Reference::default() };
    assert_eq!(source.fetch(&any).await?.revision.to_string(), format!("v1.0.0@sha1:{}", newer.trim()));
    Ok(())
}

#[tokio::test]
async fn the_known_revision_costs_one_listing() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    repo.write("a", "a")?;
    repo.push("a")?;
    repo.tag("v1.0.0", Some("annotated"))?;
    let mut source = super::Source::new(server.url("app"))?;
    for reference in [
        branch("main"),
        Reference { tag: Some("v1.0.0".into()), ..Reference::default() },
        Reference { semver: Some("1.x".into()), ..Reference::default() },
        Reference { commit: Some(repo.head()?), ..Reference::default() },
    ] {
        source.known = None;
        source.known = Some(source.fetch(&reference).await?.revision);
        server.forget();
        assert!(
            matches!(source.outcome(&reference).await?, Outcome::Unchanged(r) if Some(&r) == source.known.as_ref())
        );
        assert!(server.requests().len() <= 2, "{:?}", server.requests());
    }
    // Another name for the same commit is another revision.
    assert!(matches!(source.outcome(&branch("main")).await?, Outcome::Fetched(_)));
    repo.write("a", "b")?;
    let next = repo.push("b")?;
    assert_eq!(source.fetch(&branch("main")).await?.revision.commit.to_string(), next);
    Ok(())
}

#[tokio::test]
async fn a_tree_becomes_files() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    repo.write("a/b/c.yaml", "c")?.write("d.yaml", "d")?.link("a/link", "../d.yaml")?;
    repo.push("files")?;
    let got = super::Source::new(server.url("app"))?.fetch(&branch("main")).await?;
    let scratch = Scratch::new("git-files")?;
    let dir = Dir::open_ambient_dir(scratch.path(), ambient_authority())?;
    got.tree.write_to(&dir)?;
    assert_eq!(dir.read_to_string("a/b/c.yaml")?, "c");
    assert!(!dir.exists("a/link") && dir.exists("d.yaml"));
    // Not over what is there.
    assert!(got.tree.write_to(&dir).is_err());
    Ok(())
}
