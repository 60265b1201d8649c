//! A bare repository and a working copy of it, driven by the real git.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

/// A repository tests commit to.
#[derive(Clone, Debug)]
pub struct Repository {
    bare: PathBuf,
    work: PathBuf,
    remote: String,
}

impl Repository {
    /// `root/<name>.git` with a working copy beside it, both made when missing; the branch is `main`.
    pub fn open(root: &Path, name: &str) -> Result<Self> {
        let bare = root.join(format!("{name}.git"));
        let work = root.join(".work").join(name);
        let remote = bare.to_string_lossy().into_owned();
        let this = Self { bare, work, remote };
        if this.bare.exists() {
            return Ok(this);
        }
        std::fs::create_dir_all(&this.work)?;
        std::fs::create_dir_all(&this.bare)?;
        git(&this.bare, &["init", "--quiet", "--bare", "--initial-branch=main", "."])?;
        for (key, value) in [
            ("http.receivepack", "true"),
            ("uploadpack.allowAnySHA1InWant", "true"),
            ("uploadpack.allowFilter", "true"),
            ("receive.denyDeleteCurrent", "ignore"),
        ] {
            git(&this.bare, &["config", key, value])?;
        }
        git(&this.work, &["init", "--quiet", "--initial-branch=main", "."])?;
        Ok(this)
    }

    /// Pushes go to this URL instead of straight into the directory.
    #[must_use]
    pub fn push_over(mut self, url: &str) -> Self {
        self.remote = url.to_owned();
        self
    }

    /// The bare repository.
    pub fn path(&self) -> &Path {
        &self.bare
    }

    /// The working copy.
    pub fn work(&self) -> &Path {
        &self.work
    }

    /// Writes a file of the working copy.
    pub fn write(&self, path: &str, text: &str) -> Result<&Self> {
        let file = self.work.join(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&file, text).with_context(|| format!("cannot write {}", file.display()))?;
        Ok(self)
    }

    /// Makes a symbolic link in the working copy.
    pub fn link(&self, path: &str, target: &str) -> Result<&Self> {
        let file = self.work.join(path);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::os::unix::fs::symlink(target, file)?;
        Ok(self)
    }

    /// Deletes a file or folder of the working copy.
    pub fn remove(&self, path: &str) -> Result<&Self> {
        let file = self.work.join(path);
        if file.is_dir() { std::fs::remove_dir_all(&file) } else { std::fs::remove_file(&file) }
            .with_context(|| format!("cannot remove {}", file.display()))?;
        Ok(self)
    }

    /// Commits all there is and pushes the branch. Returns the commit.
    pub fn push(&self, message: &str) -> Result<String> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message])?;
        self.push_head()
    }

    /// Pushes the branch as it stands. Returns its commit.
    pub fn push_head(&self) -> Result<String> {
        let branch = self.git(&["symbolic-ref", "--short", "HEAD"])?;
        self.git(&["push", "--quiet", "--force", &self.remote, &format!("HEAD:refs/heads/{branch}")])?;
        self.head()
    }

    /// Undoes the last commit by a new one and pushes it. Returns the commit.
    pub fn revert(&self) -> Result<String> {
        self.git(&["revert", "--no-edit", "HEAD"])?;
        self.push_head()
    }

    /// Tags the current commit and pushes the tag; annotated when there is a message.
    pub fn tag(&self, name: &str, message: Option<&str>) -> Result<()> {
        match message {
            Some(message) => self.git(&["tag", "--force", "-a", name, "-m", message])?,
            None => self.git(&["tag", "--force", name])?,
        };
        self.git(&["push", "--quiet", "--force", &self.remote, &format!("refs/tags/{name}")])?;
        Ok(())
    }

    /// Starts a branch here and stands on it.
    pub fn branch(&self, name: &str) -> Result<()> {
        self.git(&["checkout", "--quiet", "-B", name])?;
        Ok(())
    }

    /// Goes to a branch.
    pub fn checkout(&self, name: &str) -> Result<()> {
        self.git(&["checkout", "--quiet", name])?;
        Ok(())
    }

    /// The current commit.
    pub fn head(&self) -> Result<String> {
        self.git(&["rev-parse", "HEAD"])
    }

    /// Any git command in the working copy.
    pub fn git(&self, args: &[&str]) -> Result<String> {
        git(&self.work, args)
    }
}

/// Runs git in `dir`, free of the machine's configuration, and returns what it printed.
pub fn git(dir: &Path, args: &[&str]) -> Result<String> {
    let output = Command::new("git")
        .args(["-c", "core.hooksPath=/dev/null", "-c", "commit.gpgsign=false"])
        .args(args)
        .current_dir(dir)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env_remove("GIT_SSL_CAINFO")
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .envs([("GIT_AUTHOR_NAME", "Ada"), ("GIT_AUTHOR_EMAIL", "ada@example.test")])
        .envs([("GIT_COMMITTER_NAME", "Ada"), ("GIT_COMMITTER_EMAIL", "ada@example.test")])
        .output()
        .context("cannot run git")?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    anyhow::ensure!(output.status.success(), "git {}: {}", args.join(" "), text(&output.stderr));
    Ok(text(&output.stdout))
}
