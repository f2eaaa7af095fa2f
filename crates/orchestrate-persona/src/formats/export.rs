//! A persona given to other tools, and what is lost on the way.

use std::{fmt::Write as _, str::FromStr};

use orchestrate_core::persona::Persona;
use serde_json::{Map, Value, json};

use super::{
    format::{Format, UnknownFormat},
    import::{import, sha256},
    toolkit::document::ForeignFile,
    write::scalar,
};

/// A format that personas are given away in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExportFormat {
    /// A subagent of Claude Code.
    Claude,
    /// An agent of Codex.
    Codex,
    /// A custom agent of Copilot.
    Copilot,
    /// A subagent of Gemini CLI.
    Gemini,
    /// An agent of opencode.
    Opencode,
    /// An agent of `CrewAI`.
    Crewai,
    /// A mode of Roo Code.
    Roo,
    /// An agent of Kiro.
    Kiro,
    /// An Agent Skill.
    Skill,
}

impl ExportFormat {
    /// Every format, with the word for it and the format that it is read as.
    pub const ALL: &'static [(Self, &'static str, Format)] = &[
        (Self::Claude, "claude", Format::ClaudeCode),
        (Self::Codex, "codex", Format::Codex),
        (Self::Copilot, "copilot", Format::Copilot),
        (Self::Gemini, "gemini", Format::GeminiCli),
        (Self::Opencode, "opencode", Format::Opencode),
        (Self::Crewai, "crewai", Format::Crewai),
        (Self::Roo, "roo", Format::Roo),
        (Self::Kiro, "kiro", Format::Kiro),
        (Self::Skill, "skill", Format::AgentSkill),
    ];

    /// The word for it, as in `--as`.
    pub fn id(self) -> &'static str {
        Self::ALL.iter().find(|(format, ..)| *format == self).map_or("", |(_, id, _)| id)
    }

    /// The format that such a file is read as.
    pub fn format(self) -> Format {
        let found = Self::ALL.iter().find(|(format, ..)| *format == self);
        found.map_or(Format::ClaudeCode, |&(.., format)| format)
    }
}

impl FromStr for ExportFormat {
    type Err = UnknownFormat;

    fn from_str(text: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|(_, id, format)| *id == text || format.id() == text);
        found.map(|&(format, ..)| format).ok_or_else(|| UnknownFormat(text.to_owned()))
    }
}

/// A file for another tool.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// Its name, below the folder that the tool reads.
    pub file_name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
    /// What the other tool will not know, a phrase each.
    pub lost: Vec<String>,
    /// Whether these are the bytes that the persona was imported from.
    pub original: bool,
}

/// Writes a persona for another tool. Where `original` holds the file that it was imported from, the
/// format is the same and the persona was not changed since, those bytes come back.
pub fn export(persona: &Persona, original: Option<&[u8]>, format: ExportFormat) -> Exported {
    if let Some(unchanged) = original.and_then(|bytes| unchanged(persona, bytes, format)) {
        return unchanged;
    }
    let text = match format {
        ExportFormat::Claude => markdown(persona, &[("name", &persona.name)], true),
        ExportFormat::Gemini => {
            markdown(persona, &[("name", &persona.name), ("kind", "local")], true)
        }
        ExportFormat::Copilot => markdown(persona, &[("name", &persona.title)], true),
        ExportFormat::Opencode => markdown(persona, &[("mode", "subagent")], false),
        ExportFormat::Skill => markdown(persona, &[("name", &persona.name)], false),
        ExportFormat::Codex => codex(persona),
        ExportFormat::Crewai => crewai(persona),
        ExportFormat::Roo => roo(persona),
        ExportFormat::Kiro => kiro(persona),
    };
    Exported {
        file_name: file_name(persona, format),
        bytes: text.into_bytes(),
        lost: lost(persona, format),
        original: false,
    }
}

fn file_name(persona: &Persona, format: ExportFormat) -> String {
    let name = &persona.name;
    match format {
        ExportFormat::Claude | ExportFormat::Gemini | ExportFormat::Opencode => {
            format!("{name}.md")
        }
        ExportFormat::Copilot => format!("{name}.agent.md"),
        ExportFormat::Codex => format!("{name}.toml"),
        ExportFormat::Crewai | ExportFormat::Roo => format!("{name}.yaml"),
        ExportFormat::Kiro => format!("{name}.json"),
        ExportFormat::Skill => format!("{name}/SKILL.md"),
    }
}

/// The original bytes, where they still are this persona.
fn unchanged(persona: &Persona, bytes: &[u8], format: ExportFormat) -> Option<Exported> {
    let source = persona.source.as_ref()?;
    if source.format != format.format().id() || source.sha256 != sha256(bytes) {
        return None;
    }
    let again = import(&ForeignFile { path: &source.path, bytes }, Some(format.format()));
    let [one] = again.personas.as_slice() else { return None };
    let same = Persona { digest: persona.digest, ..one.persona.clone() } == *persona;
    let file = source.path.rsplit(['/', '\\']).next().unwrap_or(&source.path);
    same.then(|| Exported {
        file_name: file.to_owned(),
        bytes: bytes.to_vec(),
        lost: Vec::new(),
        original: true,
    })
}

/// Front matter with a description, then the prompt.
fn markdown(persona: &Persona, keys: &[(&str, &str)], tools: bool) -> String {
    let mut out = String::from("---\n");
    let mut field = |key: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{key}: {}", scalar(text, 2));
    };
    for (key, text) in keys {
        field(key, text);
    }
    field("description", &description(persona));
    if let Some(model) = persona.model.as_deref().filter(|_| tools) {
        field("model", model);
    }
    if tools && !persona.tools.is_empty() {
        field("tools", &persona.tools.join(", "));
    }
    let _ = write!(out, "---\n\n# {}\n\n{}", persona.title, prompt(persona));
    out
}

/// The description, and in the same sentence rhythm what it is for, since that is all other tools
/// choose by.
fn description(persona: &Persona) -> String {
    let told = persona.description.to_lowercase().contains("use ");
    match persona.when_to_use.first() {
        Some(first) if !told => {
            let stop = if persona.description.ends_with(['.', '!', '?']) { "" } else { "." };
            format!("{}{stop} Use for: {first}", persona.description)
        }
        _ => persona.description.clone(),
    }
}

/// Everything that the persona says, routing and standards as sections of their own.
fn prompt(persona: &Persona) -> String {
    let mut out = format!("{}\n", persona.identity);
    for section in &persona.sections {
        if section.heading.is_empty() {
            let _ = write!(out, "\n{}\n", section.text);
        } else {
            let _ = write!(out, "\n## {}\n\n{}\n", section.heading, section.text);
        }
    }
    let mut list = |heading: &str, items: Vec<String>| {
        let known = persona.section(heading).is_some();
        if !items.is_empty() && !known {
            let _ = write!(out, "\n## {heading}\n\n");
            for item in items {
                let _ = writeln!(out, "- {item}");
            }
        }
    };
    if persona.section("Expertise").is_none() {
        list("Capabilities", persona.capabilities.clone());
    }
    list("When to use", persona.when_to_use.clone());
    list("When not to use", persona.when_not_to_use.clone());
    list("Synonyms", persona.synonyms.clone());
    list("Quality gates", persona.gates.iter().map(|gate| gate.check.clone()).collect());
    list("Success metrics", persona.metrics.iter().map(|metric| metric.text.clone()).collect());
    list("Escalation", persona.escalation.clone());
    list("Example interactions", persona.examples.clone());
    out
}

fn codex(persona: &Persona) -> String {
    let mut table = toml::Table::new();
    let mut put = |key: &str, text: &str| {
        table.insert(key.to_owned(), toml::Value::String(text.to_owned()));
    };
    put("name", &persona.name);
    put("description", &description(persona));
    put("developer_instructions", &prompt(persona));
    if let Some(model) = persona.model.as_deref().filter(|model| *model != "inherit") {
        put("model", model);
    }
    table.to_string()
}

fn crewai(persona: &Persona) -> String {
    let key = persona.name.replace('-', "_");
    let story = prompt(persona);
    let mut out = format!("{key}:\n");
    let mut field = |name: &str, text: &str| {
        let _ = writeln!(out, "  {name}: {}", scalar(text.trim(), 4));
    };
    field("role", &persona.title);
    field("goal", &persona.description);
    field("backstory", &story);
    if let Some(model) = persona.model.as_deref().filter(|model| *model != "inherit") {
        field("llm", model);
    }
    out
}

fn roo(persona: &Persona) -> String {
    let rest = prompt(persona);
    let custom = rest.strip_prefix(persona.identity.as_str()).unwrap_or(&rest).trim().to_owned();
    let mut out = String::from("customModes:\n");
    let mut lead = "  - ";
    let mut field = |name: &str, text: &str| {
        let _ = writeln!(out, "{lead}{name}: {}", scalar(text.trim(), 6));
        lead = "    ";
    };
    field("slug", &persona.name);
    field("name", &persona.title);
    field("description", &persona.description);
    field("roleDefinition", &persona.identity);
    if !persona.when_to_use.is_empty() {
        field("whenToUse", &persona.when_to_use.join("; "));
    }
    if !custom.is_empty() {
        field("customInstructions", &custom);
    }
    out.push_str("    groups:\n      - read\n");
    out
}

fn kiro(persona: &Persona) -> String {
    let mut map = Map::new();
    map.insert("name".into(), json!(persona.name));
    map.insert("description".into(), json!(description(persona)));
    map.insert("prompt".into(), json!(prompt(persona)));
    map.insert("tools".into(), json!(persona.tools));
    if let Some(model) = persona.model.as_deref().filter(|model| *model != "inherit") {
        map.insert("model".into(), json!(model));
    }
    let mut text = serde_json::to_string_pretty(&Value::Object(map)).unwrap_or_default();
    text.push('\n');
    text
}

/// What the other tool has no place for. Texts that the prompt carries are not lost, but their effect is.
fn lost(persona: &Persona, format: ExportFormat) -> Vec<String> {
    use ExportFormat as As;
    let mut lost = Vec::new();
    let mut say = |count: usize, one: &str, many: &str, why: &str| match count {
        0 => {}
        1 => lost.push(format!("1 {one} {why}")),
        more => lost.push(format!("{more} {many} {why}")),
    };
    say(persona.gates.len(), "gate", "gates", "will be read and not checked");
    say(persona.metrics.len(), "metric", "metrics", "will be read and not checked");
    say(
        persona.escalation.len(),
        "escalation step",
        "escalation steps",
        "will be read and not followed up",
    );
    let has = |there: bool| usize::from(there);
    let colleagues = persona.collaborates_with.len();
    say(colleagues, "colleague", "colleagues", "left out");
    say(persona.aliases.len(), "alias", "aliases", "left out");
    say(has(persona.abbreviation.is_some()), "abbreviation", "", "left out");
    say(has(persona.category.is_some()), "category", "", "left out");
    say(persona.tags.len(), "tag", "tags", "left out");
    say(has(persona.version.is_some()), "version", "", "left out");
    let names_tools = matches!(format, As::Claude | As::Gemini | As::Copilot | As::Kiro);
    say(if names_tools { 0 } else { persona.tools.len() }, "tool", "tools", "left out");
    let names_model = !matches!(format, As::Opencode | As::Skill | As::Roo);
    let model = persona.model.as_deref().filter(|model| *model != "inherit");
    say(has(!names_model && model.is_some()), "model", "", "left out");
    say(persona.extra.len(), "key under `x:`", "keys under `x:`", "left out");
    if persona.title != crate::read::title_of(&persona.name)
        && matches!(format, As::Codex | As::Kiro)
    {
        lost.push("the title, since the name alone is kept".to_owned());
    }
    lost
}
