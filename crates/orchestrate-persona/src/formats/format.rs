//! The formats that personas are written in.

use std::{fmt, str::FromStr};

use super::readers::READERS;

macro_rules! formats {
    ($($variant:ident => $id:literal, $about:literal;)*) => {
        /// A format that personas are written in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Format {
            $(#[doc = $about] $variant,)*
        }

        impl Format {
            /// Every format, in the order of the documentation.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The stable id, as in `--from` and in `source.format`.
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => $id,)* }
            }

            /// What the format is, in one line.
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }
        }
    };
}

formats! {
    Canonical => "canonical", "A persona file of this program: front matter and sections.";
    Catalogue => "catalogue", "One Markdown file with a `## Persona N: slug` for each persona.";
    ProjectDocument => "project-document", "A document with labelled personas, patterns and a table.";
    Sections => "sections", "Markdown without front matter: a title and headings that personas have.";
    ClaudeCode => "claude-code", "A subagent of Claude Code or of one of its plugins.";
    XmlPersona => "xml-persona", "XML elements in the code blocks of a Markdown file.";
    AgentSkill => "agent-skill", "An Agent Skill: `SKILL.md`.";
    Copilot => "copilot", "A custom agent or chat mode of Copilot: `.agent.md`, `.chatmode.md`.";
    Codex => "codex", "An agent of Codex: TOML with `developer_instructions`.";
    GeminiCli => "gemini-cli", "A subagent of Gemini CLI.";
    Opencode => "opencode", "An agent of opencode in Markdown.";
    Roo => "roo", "Modes of Roo Code: JSON, YAML, or Markdown with TOML between `+++`.";
    Bmad => "bmad", "An agent of the BMAD method: YAML, alone or in a code block.";
    Kiro => "kiro", "An agent of Kiro: JSON with a `prompt`.";
    Goose => "goose", "A recipe of goose: YAML.";
    Crewai => "crewai", "Agents of `CrewAI`: a map of `role`, `goal` and `backstory`, YAML or JSONC.";
    Praisonai => "praisonai", "Agents of `PraisonAI`: YAML with `roles`.";
    AgentFramework => "agent-framework", "A declarative agent of the Agent Framework: YAML with `kind`.";
    Cagent => "cagent", "A team of docker cagent: YAML with `agents` that have an `instruction`.";
    Fabric => "fabric", "A pattern of fabric: `system.md` with headings in capitals.";
    PromptsCsv => "prompts-csv", "A table with the columns `act` and `prompt`.";
    Lobe => "lobe", "An agent of the `LobeHub` index: JSON with `config.systemRole`.";
    CharacterCard => "character-card", "A character card: JSON, or a PNG that holds it.";
}

impl Format {
    /// How a file of this format is recognised, in one sentence.
    pub fn recognised_by(self) -> &'static str {
        self.reader().map_or("", |reader| reader.recognised_by)
    }

    /// The keys of this format that have a place in a persona, each with that place. Empty for formats
    /// that are read by their headings or elements.
    pub fn keys(self) -> impl Iterator<Item = (&'static str, String)> {
        let table = self.reader().map_or(&[][..], |reader| reader.table);
        table.iter().map(|&(key, to)| (key, to.to_string()))
    }

    pub(crate) fn reader(self) -> Option<&'static super::readers::Reader> {
        READERS.iter().find(|reader| reader.format == self)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A word that names no format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown format `{0}`")]
pub struct UnknownFormat(pub String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().copied().find(|format| format.id() == text);
        found.ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}
