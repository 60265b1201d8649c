//! Running `weir`.

use std::{path::Path, process::Stdio, time::Duration};

use tokio::{
    io::AsyncReadExt,
    process::{Child, Command},
};

/// How it ended and what it said.
#[derive(Debug)]
pub struct Outcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

fn command(kubeconfig: Option<&Path>, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.args(args).env_remove("KUBECONFIG").env("HOME", "/nonexistent").env_remove("KUBERNETES_SERVICE_HOST");
    if let Some(kubeconfig) = kubeconfig {
        command.env("KUBECONFIG", kubeconfig);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Runs it to its end.
pub async fn weir(kubeconfig: Option<&Path>, args: &[&str]) -> Outcome {
    end(command(kubeconfig, args), args).await
}

/// Runs it to its end, with these variables.
pub async fn weir_with(variables: &[(&str, &str)], args: &[&str]) -> Outcome {
    let mut command = command(None, args);
    command.envs(variables.iter().copied());
    end(command, args).await
}

async fn end(mut command: Command, args: &[&str]) -> Outcome {
    let output = tokio::time::timeout(Duration::from_secs(60), command.output());
    let output = output.await.unwrap_or_else(|_| panic!("weir {args:?} did not end")).unwrap();
    Outcome {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Starts it and leaves it running.
pub fn start(kubeconfig: &Path, args: &[&str]) -> Child {
    command(Some(kubeconfig), args).spawn().unwrap()
}

/// Reads its stdout until `wanted` has appeared, and returns everything read.
pub async fn read_until(child: &mut Child, seen: &mut String, wanted: &str) {
    let stdout = child.stdout.as_mut().unwrap();
    let mut buffer = [0; 4096];
    while !seen.contains(wanted) {
        let read = tokio::time::timeout(Duration::from_secs(30), stdout.read(&mut buffer)).await;
        let count = read.unwrap_or_else(|_| panic!("{wanted:?} did not appear in {seen:?}")).unwrap();
        assert!(count > 0, "it ended before {wanted:?} appeared in {seen:?}");
        seen.push_str(&String::from_utf8_lossy(&buffer[..count]));
    }
}
