//! The walls between the crates: arrows go down only, siblings never import each other, and nothing
//! that does I/O stands under a pure crate.

use std::{collections::BTreeMap, process::Command};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Layer of every crate that ships; development crates are listed apart.
const LAYERS: &[(&str, u8)] = &[
    ("orchestrate-core", 0),
    ("orchestrate-persona", 1),
    ("orchestrate-workflow", 1),
    ("orchestrate-report", 1),
    ("orchestrate-provider", 1),
    ("orchestrate-engine", 2),
    ("orchestrate", 4),
];

/// Crates for development only: they may be anything's development dependency and nothing's real one.
const DEVELOPMENT: &[&str] = &["orchestrate-testkit", "xtask"];

/// Crates without I/O, clock or runtime, and what may therefore not stand below them.
const PURE: &[&str] =
    &["orchestrate-core", "orchestrate-persona", "orchestrate-workflow", "orchestrate-report"];
const IMPURE: &[&str] =
    &["tokio", "reqwest", "hyper", "rusqlite", "getrandom", "rand", "uuid", "jiff", "chrono"];

/// Checks every wall and returns how many crates were checked.
pub(crate) fn check() -> Result<usize> {
    let dependencies = workspace_dependencies()?;
    let mut faults = Vec::new();
    for (name, needs) in &dependencies {
        if DEVELOPMENT.contains(&name.as_str()) {
            continue;
        }
        let Some(own) = layer(name) else {
            faults.push(format!("`{name}` has no layer: add it to LAYERS in xtask/src/walls.rs"));
            continue;
        };
        for need in needs {
            match layer(need) {
                Some(below) if below < own => {}
                Some(_) => {
                    faults
                        .push(format!("`{name}` imports `{need}`, which does not stand below it"));
                }
                None => {
                    faults
                        .push(format!("`{name}` imports `{need}`, which is for development only"));
                }
            }
        }
    }
    for name in PURE {
        let below = tree(name)?;
        for impure in IMPURE {
            if below.iter().any(|line| line == impure) {
                faults.push(format!("`{impure}` stands below the pure crate `{name}`"));
            }
        }
    }
    if !faults.is_empty() {
        bail!("{}", faults.join("\n"));
    }
    Ok(dependencies.len())
}

fn layer(name: &str) -> Option<u8> {
    LAYERS.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer)
}

/// The real (not development) dependencies among the workspace's own crates.
fn workspace_dependencies() -> Result<BTreeMap<String, Vec<String>>> {
    let metadata: Value = serde_json::from_str(&cargo(&[
        "metadata",
        "--format-version",
        "1",
        "--no-deps",
        "--locked",
    ])?)
    .context("reading cargo metadata")?;
    let packages = metadata["packages"].as_array().context("cargo metadata lists no packages")?;
    let names: Vec<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut found = BTreeMap::new();
    for package in packages {
        let name = package["name"].as_str().context("a package without a name")?;
        let needs = package["dependencies"].as_array().context("a package without dependencies")?;
        let needs = needs
            .iter()
            .filter(|need| need["kind"].is_null())
            .filter_map(|need| need["name"].as_str())
            .filter(|need| names.contains(need))
            .map(str::to_owned);
        found.insert(name.to_owned(), needs.collect());
    }
    Ok(found)
}

/// Names of everything below a crate.
fn tree(name: &str) -> Result<Vec<String>> {
    let text = cargo(&["tree", "-p", name, "-e", "normal", "--prefix", "none", "--locked"])?;
    Ok(text.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn cargo(arguments: &[&str]) -> Result<String> {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program).args(arguments).output().context("starting cargo")?;
    ensure!(
        output.status.success(),
        "cargo {}: {}",
        arguments.join(" "),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).context("cargo did not print UTF-8")
}
