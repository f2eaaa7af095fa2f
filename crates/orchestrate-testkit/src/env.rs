//! A clean place to run the program in: no inherited environment, folders of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use assert_cmd::Command;
use tempfile::TempDir;

/// No command of a test takes longer than this.
const TIME_LIMIT: Duration = Duration::from_mins(2);

/// A home folder, a folder to work in, and an environment that holds nothing else. Removed when
/// dropped.
pub struct TestEnv {
    root: TempDir,
    variables: Vec<(String, String)>,
}

/// What a command left behind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Standard output, invalid UTF-8 replaced.
    pub stdout: String,
    /// Standard error, invalid UTF-8 replaced.
    pub stderr: String,
    /// The exit code, `None` where a signal ended it.
    pub code: Option<i32>,
}

impl TestEnv {
    /// A fresh environment with empty folders.
    pub fn new() -> anyhow::Result<Self> {
        let root = tempfile::Builder::new().prefix("orchestrate-test-").tempdir()?;
        for folder in ["home", "repo"] {
            fs::create_dir(root.path().join(folder))?;
        }
        Ok(Self { root, variables: Vec::new() })
    }

    /// The same environment with one variable more.
    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The user's home folder.
    pub fn home(&self) -> PathBuf {
        self.root.path().join("home")
    }

    /// The folder commands are run in.
    pub fn work(&self) -> PathBuf {
        self.root.path().join("repo")
    }

    /// Writes a file below the working folder, its folders included.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) -> anyhow::Result<PathBuf> {
        let path = self.work().join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text)?;
        Ok(path)
    }

    /// A command in this environment, for what [`TestEnv::run`] cannot do.
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        let home = self.home();
        command
            .env_clear()
            .current_dir(self.work())
            .env("XDG_CONFIG_HOME", home.join(".config"))
            .env("XDG_STATE_HOME", home.join(".local/state"))
            .env("XDG_DATA_HOME", home.join(".local/share"))
            .env("XDG_CACHE_HOME", home.join(".cache"))
            .env("HOME", home)
            .env("COLUMNS", "100")
            .env("NO_COLOR", "1")
            .env("LANG", "C.UTF-8")
            .env("TZ", "UTC")
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .timeout(TIME_LIMIT);
        command
    }

    /// Runs the program to its end with nothing on its standard input.
    pub fn run(&self, program: impl AsRef<Path>, args: &[&str]) -> anyhow::Result<Outcome> {
        let output = self.command(program).args(args).write_stdin("").ok();
        let output = match output {
            Ok(output) => output,
            Err(error) => match error.as_output() {
                Some(output) => output.clone(),
                None => return Err(error.into()),
            },
        };
        Ok(Outcome {
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            code: output.status.code(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_sees_its_own_home_and_nothing_of_ours() {
        let env = TestEnv::new().unwrap().with("EXTRA", "1");
        let outcome = env.run("/usr/bin/env", &[]).unwrap();
        assert_eq!(outcome.code, Some(0));
        let home = format!("HOME={}", env.home().display());
        assert!(outcome.stdout.lines().any(|line| line == home), "{}", outcome.stdout);
        assert!(outcome.stdout.lines().any(|line| line == "EXTRA=1"));
        assert!(!outcome.stdout.contains("CARGO"), "{}", outcome.stdout);
    }

    #[test]
    fn a_failing_command_is_an_outcome_too() {
        let env = TestEnv::new().unwrap();
        let outcome = env.run("/bin/sh", &["-c", "echo out; echo err >&2; exit 3"]).unwrap();
        let expected = Outcome { stdout: "out\n".into(), stderr: "err\n".into(), code: Some(3) };
        assert_eq!(outcome, expected);
    }
}
