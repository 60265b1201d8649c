//! What is kept saves transfers, and never stands in the way.

use anyhow::Result;
use weir_git::Limits;
use weir_testkit::{GitServer, SshServer};

use super::{Source, both, branch, files};

/// Text that does not compress.
fn noise(seed: u64, bytes: usize) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = String::new();
    while out.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.push_str(&format!("{state:016x}\n"));
    }
    out
}

#[tokio::test]
async fn the_second_fetch_brings_only_the_difference() -> Result<()> {
    let server = GitServer::start().await?;
    let ssh = SshServer::start(server.root()).await?;
    let repo = server.repository("app")?;
    for i in 0..20 {
        repo.write(&format!("big/{i}"), &noise(i + 1, 100_000))?;
    }
    repo.write("small", "1")?;
    repo.push("large")?;
    let sources = both(&server, &ssh, "app").await?;
    for source in &sources {
        let first = source.fetch(&branch("main")).await?;
        assert!(first.received > 800_000, "{}", first.received);
        let again = source.fetch(&branch("main")).await?;
        assert_eq!((again.received, files(&again.tree)?.len()), (0, 21));
    }
    for round in 0..3 {
        repo.write("small", &format!("round {round}"))?;
        repo.push("small")?;
        for source in &sources {
            let next = source.fetch(&branch("main")).await?;
            assert!((1..5_000).contains(&next.received), "{} bytes over {}", next.received, source.url);
            assert_eq!(files(&next.tree)?["small"], format!("round {round}"));
            assert_eq!(files(&next.tree)?.len(), 21);
        }
    }
    // A force push to another history.
    repo.git(&["checkout", "--quiet", "--orphan", "other"])?;
    repo.git(&["branch", "-D", "main"])?;
    repo.git(&["branch", "-m", "main"])?;
    repo.write("small", "orphan")?;
    repo.git(&["add", "--all"])?;
    repo.git(&["commit", "--quiet", "-m", "orphan"])?;
    repo.git(&["push", "--quiet", "--force", &repo.path().to_string_lossy(), "main"])?;
    for source in &sources {
        let next = source.fetch(&branch("main")).await?;
        assert!(next.received < 20_000, "{} bytes over {}", next.received, source.url);
        assert_eq!(files(&next.tree)?["small"], "orphan");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_damaged_is_fetched_anew() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    repo.write("a", &noise(7, 10_000))?;
    repo.push("a")?;
    let source = Source::new(server.url("app"))?;
    source.fetch(&branch("main")).await?;
    let packs = || -> Result<Vec<std::path::PathBuf>> {
        Ok(std::fs::read_dir(source.keep.join("objects/pack"))?
            .map(|e| e.map(|e| e.path()))
            .collect::<Result<_, _>>()?)
    };
    // Packs gone.
    for path in packs()? {
        std::fs::remove_file(path)?;
    }
    let got = source.fetch(&branch("main")).await?;
    assert!(got.received > 0 && files(&got.tree)?.len() == 1);
    // A pack with other bytes.
    for path in packs()?.iter().filter(|p| p.extension().is_some_and(|e| e == "pack")) {
        let mut bytes = std::fs::read(path)?;
        bytes.iter_mut().skip(12).for_each(|b| *b ^= 0x55);
        std::fs::remove_file(path)?;
        std::fs::write(path, bytes)?;
    }
    let got = source.fetch(&branch("main")).await?;
    assert!(got.received > 0 && files(&got.tree)?.len() == 1);
    // A file where the repository should be.
    source.client.forget(&source.keep).await?;
    std::fs::write(&source.keep, "x")?;
    let _ = source.fetch(&branch("main")).await;
    std::fs::remove_file(&source.keep).ok();
    assert_eq!(files(&source.fetch(&branch("main")).await?.tree)?.len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_repository_with_too_many_packs_starts_anew() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    let source = Source::with(server.url("app"), Limits { kept_packs: 3, ..Limits::default() })?;
    for i in 0..10 {
        repo.write("a", &i.to_string())?;
        repo.push("a")?;
        source.fetch(&branch("main")).await?;
        let packs = std::fs::read_dir(source.keep.join("objects/pack"))?.count();
        assert!(packs <= 2 * 4, "{packs}");
    }
    Ok(())
}

#[tokio::test]
async fn git_can_read_what_is_kept() -> Result<()> {
    let server = GitServer::start().await?;
    let repo = server.repository("app")?;
    repo.write("a", "a")?;
    repo.push("one")?;
    repo.write("a", "b")?;
    let commit = repo.push("two")?;
    let source = Source::new(server.url("app"))?;
    source.fetch(&branch("main")).await?;
    assert_eq!(weir_testkit::git(&source.keep, &["rev-parse", "refs/heads/weir"])?.trim(), commit);
    assert_eq!(weir_testkit::git(&source.keep, &["rev-list", "--count", "refs/heads/weir"])?.trim(), "1");
    weir_testkit::git(&source.keep, &["fsck", "--full", "--strict"])?;
    Ok(())
}
