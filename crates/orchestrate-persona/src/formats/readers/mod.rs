//! One module for each format, and the order in which a file is held against them.

use orchestrate_core::diagnostic::Diagnostic;

use super::{
    format::Format,
    patterns::Pattern,
    toolkit::{
        assign::{Table, assign},
        document::Document,
        draft::{Draft, Dropped},
        prose,
    },
};

mod agent_framework;
mod agent_skill;
mod bmad;
mod cagent;
pub(crate) mod canonical;
mod catalogue;
mod character_card;
pub(crate) mod claude_code;
mod codex;
mod copilot;
mod crewai;
mod fabric;
mod gemini_cli;
mod goose;
mod kiro;
mod lobe;
mod opencode;
mod praisonai;
mod project_document;
mod prompts_csv;
mod roo;
mod sections;
mod xml_persona;

/// How one format is recognised and read.
pub(crate) struct Reader {
    pub(crate) format: Format,
    /// How a person would recognise such a file, in one sentence.
    pub(crate) recognised_by: &'static str,
    pub(crate) recognises: fn(&Document<'_>) -> bool,
    pub(crate) read: fn(&Document<'_>, &mut Found),
    /// Where its keys go; empty where it has none, or where code reads them all.
    pub(crate) table: Table,
}

/// What a reader found in a file.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) drafts: Vec<Draft>,
    pub(crate) patterns: Vec<Pattern>,
    pub(crate) dropped: Vec<Dropped>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

impl Found {
    /// Leaves out a text that belongs to no persona.
    fn drop(&mut self, path: &str, text: &str, reason: &str) {
        self.dropped.push(Dropped::new(path, reason, text));
    }

    fn warn(&mut self, document: &Document<'_>, code: &'static str, message: String) {
        self.diagnostics.push(Diagnostic::warning(code, message).at(&document.source, 0..0, ""));
    }
}

/// Every reader; the first that recognises a file reads it, so what is unmistakable comes first.
pub(crate) const READERS: &[Reader] = &[
    // Structured files, by their keys.
    character_card::READER,
    lobe::READER,
    kiro::READER,
    codex::READER,
    prompts_csv::READER,
    agent_framework::READER,
    cagent::READER,
    praisonai::READER,
    goose::READER,
    // Roo and BMAD come as structured files and as Markdown.
    roo::READER,
    bmad::READER,
    crewai::READER,
    // Markdown, by its shape and then by its front matter.
    xml_persona::READER,
    catalogue::READER,
    project_document::READER,
    canonical::READER,
    agent_skill::READER,
    copilot::READER,
    gemini_cli::READER,
    opencode::READER,
    claude_code::READER,
    fabric::READER,
    sections::READER,
];

/// A persona in front matter and Markdown: the keys go where the table says, the rest under `x:`.
fn agent_markdown(document: &Document<'_>, table: Table) -> Draft {
    let mut draft = Draft::default();
    if let Some(front) = document.front() {
        let mut front = front.clone();
        canonical::take_own(&mut draft, &mut front);
        assign(&mut draft, front, "", table);
    }
    prose::read(&mut draft, document.body());
    if draft.when_to_use.is_empty()
        && let Some(description) = &draft.description
    {
        draft.when_to_use = prose::trigger_sentences(&without_examples(description));
    }
    draft
}

fn without_examples(description: &str) -> String {
    description.split("<example>").next().unwrap_or_default().replace("\\n", " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_has_exactly_one_reader() {
        for format in Format::ALL {
            let readers = READERS.iter().filter(|reader| reader.format == *format).count();
            assert_eq!(readers, 1, "{format}");
            assert!(format.recognised_by().ends_with('.'), "{format}");
        }
        assert_eq!(READERS.len(), Format::ALL.len());
    }
}
