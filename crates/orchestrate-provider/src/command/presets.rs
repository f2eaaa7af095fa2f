//! Programs that are known by name: one table, no code.

use super::config::Output;

/// One program that is known by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandPreset {
    /// The name in `preset = "…"`.
    pub name: &'static str,
    /// The program and its arguments; `{model}` stands for the model.
    pub command: &'static [&'static str],
    /// What it prints.
    pub output: Output,
    /// Where the program is described.
    pub page: &'static str,
}

/// The preset of this name.
pub fn preset(name: &str) -> Option<&'static CommandPreset> {
    PRESETS.iter().find(|preset| preset.name == name)
}

/// Every program that is known by name.
pub static PRESETS: &[CommandPreset] = &[
    CommandPreset {
        name: "claude",
        command: &[
            "claude",
            "--print",
            "--output-format",
            "json",
            "--max-turns",
            "1",
            "--model",
            "{model}",
        ],
        output: Output::Json,
        page: "https://code.claude.com/docs",
    },
    CommandPreset {
        name: "codex",
        command: &[
            "codex",
            "exec",
            "--skip-git-repo-check",
            "--sandbox",
            "read-only",
            "--model",
            "{model}",
            "-",
        ],
        output: Output::Text,
        page: "https://developers.openai.com/codex",
    },
    CommandPreset {
        name: "gemini",
        command: &["gemini", "--output-format", "json", "--model", "{model}"],
        output: Output::Json,
        page: "https://geminicli.com/docs",
    },
    CommandPreset {
        name: "copilot",
        command: &["copilot", "-s", "--model", "{model}"],
        output: Output::Text,
        page: "https://docs.github.com/copilot/how-tos/copilot-cli",
    },
    CommandPreset {
        name: "llm",
        command: &["llm", "--no-stream", "--no-log", "--model", "{model}"],
        output: Output::Text,
        page: "https://llm.datasette.io",
    },
    CommandPreset {
        name: "ollama",
        command: &["ollama", "run", "--nowordwrap", "--hidethinking", "{model}"],
        output: Output::Text,
        page: "https://ollama.com",
    },
];
