//! A persona in the making: whatever a reader found, in the words of the source.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use orchestrate_core::persona::{
    Collaboration, Gate, Metric, Persona, PersonaSource, Section, persona_digest,
};

use super::{document::Document, limits::MAX_STANDARDS, markdown, standards, tree::Tree, words};
use crate::{
    body,
    hidden::{self, Removed},
    read::DESCRIPTION,
};

/// A text of the source that is not in the persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    /// Where it stood: a heading or a path of keys.
    pub path_in_source: String,
    /// Why it was left out.
    pub reason: String,
    /// The text itself.
    pub text: String,
}

impl Dropped {
    /// Text that stands below no heading is told by its place.
    pub(crate) fn new(path: &str, reason: &str, text: &str) -> Self {
        let path = if path.trim().is_empty() { "above the first heading" } else { path };
        Self {
            path_in_source: path.to_owned(),
            reason: reason.to_owned(),
            text: text.trim().to_owned(),
        }
    }
}

/// A heading of the source that has another name in the persona.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The heading as it was written.
    pub from: String,
    /// The key or heading that took its place.
    pub to: String,
}

/// What a reader found.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Draft {
    pub(crate) name: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) abbreviation: Option<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) category: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) version: Option<String>,
    pub(crate) capabilities: Vec<String>,
    pub(crate) when_to_use: Vec<String>,
    pub(crate) when_not_to_use: Vec<String>,
    pub(crate) examples: Vec<String>,
    pub(crate) gates: Vec<Gate>,
    pub(crate) metrics: Vec<Metric>,
    pub(crate) escalation: Vec<String>,
    pub(crate) collaborates_with: Vec<Collaboration>,
    pub(crate) tools: Vec<String>,
    pub(crate) model: Option<String>,
    pub(crate) identity: Option<String>,
    /// Text between the identity and the first section.
    pub(crate) lead: String,
    pub(crate) sections: Vec<Section>,
    /// Where the section of each heading is, in small letters.
    pub(crate) headings: BTreeMap<String, usize>,
    pub(crate) gate_ids: BTreeSet<String>,
    pub(crate) metric_ids: BTreeSet<String>,
    pub(crate) extra: IndexMap<String, String>,
    pub(crate) dropped: Vec<Dropped>,
    pub(crate) mapped: Vec<Mapped>,
    pub(crate) synthesised: Vec<&'static str>,
    pub(crate) repaired: Vec<String>,
}

impl Draft {
    /// Adds a section; the text goes to the one that has the heading already, if any.
    pub(crate) fn section(&mut self, heading: &str, text: &str) {
        let given = markdown::trimmed(text);
        let text = closed(given);
        if text.is_empty() {
            return;
        }
        if text.len() > given.len() {
            self.repaired.push("a code block that was never closed is closed now".to_owned());
        }
        let heading = sound_heading(heading);
        if heading.is_empty() {
            join(&mut self.lead, &text);
            return;
        }
        let key = heading.to_lowercase();
        let known = self.headings.get(&key).and_then(|&at| self.sections.get_mut(at));
        if let Some(known) = known {
            join(&mut known.text, &text);
        } else {
            self.headings.insert(key, self.sections.len());
            self.sections.push(Section { heading, text });
        }
    }

    /// Makes the text in front of the first section a section of its own.
    pub(crate) fn name_lead(&mut self, heading: &str) {
        let lead = std::mem::take(&mut self.lead);
        let sections = std::mem::take(&mut self.sections);
        self.headings.clear();
        self.section(heading, &lead);
        for section in sections {
            self.section(&section.heading, &section.text);
        }
    }

    /// Whether there is a section with this heading.
    pub(crate) fn has_section(&self, heading: &str) -> bool {
        self.headings.contains_key(&heading.to_lowercase())
    }

    /// Keeps a text of the source under `x:`, without effect; texts of one path are joined.
    pub(crate) fn keep(&mut self, path: &str, text: &str) {
        if text.trim().is_empty() {
            return;
        }
        let mut path: String = words::one_line(path).chars().take(200).collect();
        if path.is_empty() {
            "text".clone_into(&mut path);
        }
        match self.extra.get_mut(&path) {
            Some(known) => {
                known.push('\n');
                known.push_str(text.trim());
            }
            None => {
                self.extra.insert(path, text.trim().to_owned());
            }
        }
    }

    /// Keeps everything below a value of the source under `x:`.
    pub(crate) fn keep_tree(&mut self, path: &str, value: &Tree) {
        let mut leaves = Vec::new();
        value.leaves(path, &mut leaves);
        for (path, text) in leaves {
            self.keep(&path, &text);
        }
    }

    /// Leaves a text of the source out, and says so.
    pub(crate) fn drop(&mut self, path: &str, text: &str, reason: &str) {
        if text.trim().is_empty() {
            return;
        }
        self.dropped.push(Dropped::new(path, reason, text));
    }

    /// Notes that a heading has another name now.
    pub(crate) fn map(&mut self, from: &str, to: &str) {
        if from.trim() != to {
            self.mapped.push(Mapped { from: from.trim().to_owned(), to: to.to_owned() });
        }
    }

    /// Adds a gate; more than anybody would check are only kept.
    pub(crate) fn gate(&mut self, check: &str) {
        if self.gates.len() >= MAX_STANDARDS {
            self.keep("gates", check);
        } else if !check.trim().is_empty() {
            self.gates.push(standards::gate(check, &mut self.gate_ids));
        }
    }

    /// Adds a gate under the id that it has in the source; `false` where that cannot be its id.
    pub(crate) fn gate_with_id(&mut self, id: &str, check: &str) -> bool {
        let sound = words::slug(id).as_deref() == Some(id) && !self.gate_ids.contains(id);
        if !sound || self.gates.len() >= MAX_STANDARDS || check.trim().is_empty() {
            self.gate(check);
            return false;
        }
        let gate = standards::gate(check, &mut BTreeSet::new());
        self.gate_ids.insert(id.to_owned());
        self.gates.push(Gate { id: id.to_owned(), ..gate });
        true
    }

    /// Adds a metric; more than anybody would measure are only kept.
    pub(crate) fn metric(&mut self, text: &str) {
        if self.metrics.len() >= MAX_STANDARDS {
            self.keep("metrics", text);
        } else if !text.trim().is_empty() {
            self.metrics.push(standards::metric(text, &mut self.metric_ids));
        }
    }

    /// Adds a persona that this one works with; what cannot be a name is only text.
    pub(crate) fn works_with(&mut self, who: &str, purpose: &str) {
        if let Some(persona) = words::slug(&words::plain(&hidden::without(who).0)) {
            let purpose = Some(words::one_line(purpose)).filter(|text| !text.is_empty());
            self.collaborates_with.push(Collaboration { persona, purpose });
        }
    }

    /// The persona, complete: what is missing is composed and noted.
    pub(crate) fn finish(
        mut self,
        document: &Document<'_>,
        format: &str,
        sha256: &str,
    ) -> (Persona, Self) {
        let removed = self.tidy();
        if !removed.is_empty() {
            self.repaired.push(hidden::told(&removed, false));
        }
        let name = self.final_name(document, sha256);
        let title = self.title.clone().filter(|title| !title.is_empty());
        let title = title.unwrap_or_else(|| words::title(&name));
        let identity = self.final_identity(&title);
        let description = self.final_description(&title, &identity);
        let mut sections = std::mem::take(&mut self.sections);
        if !self.lead.is_empty() {
            sections.insert(0, Section { heading: String::new(), text: self.lead.clone() });
        }
        let source = PersonaSource {
            format: format.to_owned(),
            path: words::one_line(&hidden::without(document.path).0),
            sha256: sha256.to_owned(),
            synthesised: self.synthesised.iter().map(|&field| field.to_owned()).collect(),
        };
        let persona = Persona {
            name,
            title,
            abbreviation: self.abbreviation.take(),
            aliases: std::mem::take(&mut self.aliases),
            description,
            category: self.category.take(),
            tags: std::mem::take(&mut self.tags),
            version: self.version.take(),
            synonyms: Vec::new(),
            capabilities: std::mem::take(&mut self.capabilities),
            when_to_use: std::mem::take(&mut self.when_to_use),
            when_not_to_use: std::mem::take(&mut self.when_not_to_use),
            examples: std::mem::take(&mut self.examples),
            gates: std::mem::take(&mut self.gates),
            metrics: std::mem::take(&mut self.metrics),
            escalation: std::mem::take(&mut self.escalation),
            collaborates_with: std::mem::take(&mut self.collaborates_with),
            tools: std::mem::take(&mut self.tools),
            model: self.model.take(),
            extra: std::mem::take(&mut self.extra),
            source: Some(source),
            identity,
            sections,
            digest: persona_digest(b""),
        };
        (persona, self)
    }

    /// Trims every text, drops empty ones, removes what nobody can see, and says what that was.
    fn tidy(&mut self) -> Vec<Removed> {
        let mut removed = Vec::new();
        let mut clean = |text: &mut String| {
            let (shown, hidden) = hidden::without(text);
            removed.extend(hidden);
            *text = shown.trim().to_owned();
        };
        for text in [
            &mut self.name,
            &mut self.title,
            &mut self.abbreviation,
            &mut self.description,
            &mut self.category,
            &mut self.version,
            &mut self.model,
            &mut self.identity,
        ] {
            text.iter_mut().for_each(&mut clean);
            text.take_if(|text| text.is_empty());
        }
        for list in [
            &mut self.aliases,
            &mut self.tags,
            &mut self.capabilities,
            &mut self.when_to_use,
            &mut self.when_not_to_use,
            &mut self.examples,
            &mut self.escalation,
            &mut self.tools,
        ] {
            list.iter_mut().for_each(&mut clean);
            let mut seen = BTreeSet::new();
            list.retain(|text| !text.is_empty() && seen.insert(text.clone()));
        }
        let mut pairs = BTreeSet::new();
        self.collaborates_with
            .retain(|with| pairs.insert((with.persona.clone(), with.purpose.clone())));
        for collaboration in &mut self.collaborates_with {
            collaboration.purpose.iter_mut().for_each(&mut clean);
        }
        for gate in &mut self.gates {
            clean(&mut gate.check);
        }
        for metric in &mut self.metrics {
            clean(&mut metric.text);
            metric.name.iter_mut().for_each(&mut clean);
            metric.unit.iter_mut().for_each(&mut clean);
            metric.relative_to.iter_mut().for_each(&mut clean);
        }
        let mut body_clean = |text: &mut String| {
            let (shown, hidden) = hidden::without(text);
            removed.extend(hidden);
            *text = markdown::trimmed(&shown).to_owned();
        };
        body_clean(&mut self.lead);
        for section in &mut self.sections {
            body_clean(&mut section.text);
        }
        self.sections.retain(|section| !section.text.is_empty());
        let mut extra = IndexMap::with_capacity(self.extra.len());
        for (mut key, mut text) in std::mem::take(&mut self.extra) {
            body_clean(&mut key);
            body_clean(&mut text);
            text.truncate(text.trim_end().len());
            if !text.is_empty() {
                // Two keys that looked alike are one now.
                join(extra.entry(key).or_default(), &text);
            }
        }
        self.extra = extra;
        removed
    }

    /// The declared name, else the title, else the file's name, else one made from the content.
    fn final_name(&mut self, document: &Document<'_>, sha256: &str) -> String {
        let declared = self.name.take().map(|name| name.trim().to_owned());
        if let Some(declared) = declared.filter(|name| !name.is_empty()) {
            if let Some(slug) = words::slug(&declared) {
                if slug != declared {
                    self.remember_name(&declared);
                }
                return slug;
            }
            self.remember_name(&declared);
        }
        let title = self.title.as_deref().map(words::bare_title);
        if let Some(slug) = title.as_deref().and_then(words::slug) {
            return slug;
        }
        let stem = document.stem();
        let plain = matches!(
            stem.to_lowercase().as_str(),
            "skill" | "system" | "agents" | "readme" | "agent" | "index" | "recipe" | "prompts"
        );
        let folder = document.folder().and_then(words::slug).filter(|_| plain);
        if let Some(slug) = folder.or_else(|| words::slug(&stem)) {
            return slug;
        }
        self.synthesised.push("name");
        let seed =
            self.title.clone().unwrap_or_default() + self.identity.as_deref().unwrap_or_default();
        let digest = if seed.is_empty() {
            sha256.to_owned()
        } else {
            super::super::import::sha256(seed.as_bytes())
        };
        format!("persona-{}", &digest[..8])
    }

    /// A declared name that is no slug is still what people call the persona.
    fn remember_name(&mut self, declared: &str) {
        let shown = words::one_line(&hidden::without(declared).0);
        // A key such as `data_engineer` is no name for people.
        let for_people = shown.contains(' ') || words::slug(&shown).is_none();
        if for_people && self.title.as_deref().is_none_or(str::is_empty) {
            self.title = Some(shown);
        } else if self.title.as_deref() != Some(&shown) && !self.aliases.contains(&shown) {
            self.aliases.push(shown);
        }
    }

    fn final_identity(&mut self, title: &str) -> String {
        if let Some(identity) = self.identity.take() {
            let line = words::one_line(&identity);
            if markdown::is_prose_line(&line) {
                return line;
            }
            // It cannot stand as a paragraph, so it becomes the text behind one.
            let lead = std::mem::take(&mut self.lead);
            self.lead = closed(markdown::trimmed(&identity));
            join(&mut self.lead, &lead);
        }
        self.synthesised.push("identity");
        let who = who(title);
        let headings: Vec<String> = self
            .sections
            .iter()
            .map(|section| words::plain(&section.heading))
            .filter(|heading| !heading.is_empty())
            .take(6)
            .collect();
        let known: Vec<String> =
            self.capabilities.iter().take(3).map(|text| words::plain(text)).collect();
        let more = if !known.is_empty() {
            format!(" Your fields are: {}.", known.join("; "))
        } else if !headings.is_empty() {
            format!(" What guides you stands under: {}.", headings.join("; "))
        } else {
            String::new()
        };
        words::cut(&words::one_line(&format!("{who}{more}")), 600)
    }

    fn final_description(&mut self, title: &str, identity: &str) -> String {
        let given = self.description.take().unwrap_or_default();
        let unescaped = given.replace("\\n", "\n");
        let without = without_examples(&unescaped);
        let line = words::one_line(&without);
        if line != words::one_line(&given) {
            self.keep("description", &given);
        }
        let length = line.chars().count();
        if DESCRIPTION.contains(&length) {
            return line;
        }
        if length > *DESCRIPTION.end() {
            if !self.extra.contains_key("description") {
                self.keep("description", &given);
            }
            self.repaired.push(format!("the description had {length} characters and was cut"));
            return words::cut(&line, *DESCRIPTION.end());
        }
        self.synthesised.push("description");
        let first = words::first_sentence(identity);
        let known = self.capabilities.iter().take(4).cloned().collect::<Vec<_>>().join(", ");
        let parts = [
            line.as_str(),
            if self.synthesised.contains(&"identity") { title } else { first.as_str() },
            known.as_str(),
        ];
        let text =
            parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" - ");
        let text = if text.chars().count() < *DESCRIPTION.start() {
            format!("{text} - an imported persona")
        } else {
            text
        };
        words::cut(&words::one_line(&text), *DESCRIPTION.end())
    }
}

/// `You are …` for a title, which may name a role or a field.
fn who(title: &str) -> String {
    const ROLES: &[&str] = &["er", "or", "ist", "ect", "yst", "ert", "ant", "ian", "lead", "guru"];
    let last = title.split_whitespace().last().unwrap_or_default().to_lowercase();
    let article =
        if title.starts_with(['A', 'E', 'I', 'O', 'a', 'e', 'i', 'o']) { "an" } else { "a" };
    if ROLES.iter().any(|ending| last.ends_with(ending)) {
        format!("You are {article} {title}.")
    } else {
        format!("You are a specialist in {title}.")
    }
}

/// A description without its `<example>` blocks.
fn without_examples(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("<example>") {
        kept.push_str(&rest[..start]);
        let after = &rest[start..];
        rest = after.find("</example>").map_or("", |end| &after[end + "</example>".len()..]);
    }
    kept.push_str(rest);
    let trimmed = kept.trim();
    let lower = trimmed.to_lowercase();
    let cut = ["examples:", "example:", "**examples:**"].iter().find_map(|end| {
        (lower.ends_with(end) && lower.len() == trimmed.len()).then(|| trimmed.len() - end.len())
    });
    cut.map_or(trimmed, |cut| trimmed[..cut].trim_end()).to_owned()
}

/// A heading on one line that reads back as it was written.
fn sound_heading(heading: &str) -> String {
    let line = words::one_line(&hidden::without(heading).0);
    let line = format!("## {line}");
    body::heading(&line).map(|(_, title)| title.to_owned()).unwrap_or_default()
}

/// A text whose code blocks are all closed.
fn closed(text: &str) -> String {
    let open = markdown::codes(text).into_iter().next_back().filter(|code| !code.closed);
    let Some(code) = open else { return text.to_owned() };
    let first = text[code.span.start..].lines().next().unwrap_or_default().trim_start();
    let mark = first.chars().next().unwrap_or('`');
    let marks: String = first.chars().take_while(|&c| c == mark).collect();
    format!("{}\n{marks}", text.trim_end())
}

fn join(text: &mut String, more: &str) {
    if more.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}
