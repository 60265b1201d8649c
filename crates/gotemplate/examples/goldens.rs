//! Records what Sprig answers to the templates in `tests/golden/sprig` (`cargo xtask goldens gotemplate`). Needs Go.

use std::{fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};

fn main() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let goldens = root.join("tests/golden/sprig");
    let scratch = tempfile::tempdir()?;
    let oracle = scratch.path().join("oracle");
    let built = Command::new("go")
        .args(["build", "-tags", "faketime", "-o"])
        .arg(&oracle)
        .arg(".")
        .current_dir(root.join("tests/oracle/sprig"))
        .status()
        .context("go is needed to build the oracle")?;
    ensure!(built.success(), "the oracle does not build");
    for entry in fs::read_dir(&goldens)? {
        let file = entry?.path();
        if file.extension().is_some_and(|it| it == "tsv") {
            record(&oracle, &goldens, &file, scratch.path())?;
        }
    }
    Ok(())
}

fn record(oracle: &Path, goldens: &Path, file: &Path, scratch: &Path) -> Result<()> {
    let text = fs::read_to_string(file)?;
    let cases =
        text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split('\t').next().unwrap_or_default());
    let (input, output) = (scratch.join("in"), scratch.join("out"));
    fs::write(&input, cases.map(|it| format!("{it}\n")).collect::<String>())?;
    let fixed = file.file_stem().is_some_and(|it| it == "certificates");
    let ran = Command::new(oracle)
        .arg(goldens.join("pool.json"))
        .args([&input, &output])
        .env("TZ", "UTC")
        .env("ORACLE_RANDOM", if fixed { "fixed" } else { "" })
        .status()?;
    ensure!(ran.success(), "the oracle failed on {}", file.display());
    let answers = fs::read_to_string(&output)?;
    let mut answers = answers.lines();
    let mut recorded = String::new();
    for line in text.lines() {
        recorded.push_str(line.split('\t').next().unwrap_or_default());
        if !line.starts_with('#') {
            recorded.push('\t');
            recorded.push_str(answers.next().context("the oracle left an answer out")?);
        }
        recorded.push('\n');
    }
    fs::write(file, recorded)?;
    Ok(())
}
