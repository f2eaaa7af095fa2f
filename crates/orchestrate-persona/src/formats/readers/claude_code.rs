//! Subagents of Claude Code and of its plugins: front matter and a prompt in Markdown.

use super::{Found, Reader, agent_markdown};
use crate::formats::{
    format::Format,
    toolkit::{
        assign::{Table, To},
        document::{Document, Kind},
        markdown,
        tree::Map,
    },
};

pub(super) const READER: Reader = Reader {
    format: Format::ClaudeCode,
    recognised_by: "front matter with a `description`, and beside it a `name`, `tools`, `model` or `capabilities`.",
    recognises,
    read,
    table: TABLE,
};

const TABLE: Table = &[
    ("name", To::Name),
    ("title", To::Title),
    ("description", To::Description),
    ("capabilities", To::Capabilities),
    ("expertise", To::Capabilities),
    ("category", To::Category),
    ("tags", To::Tags),
    ("version", To::Version),
    ("tools", To::Tools),
    ("model", To::Model),
    ("triggers", To::WhenToUse),
];

/// Keys of pages and of editor rules, which hardly ever are personas.
const PAGE: &[&str] = &[
    "layout",
    "date",
    "permalink",
    "sidebar_position",
    "sidebar_label",
    "globs",
    "alwaysApply",
    "slug",
    "nav_order",
];

fn recognises(document: &Document<'_>) -> bool {
    let Some(front) = document.front() else { return false };
    let body = document.body();
    // A page may have a name and a description, but it does not speak to the persona.
    let persona = || {
        let opening = markdown::opening(body).is_some_and(|(who, _)| markdown::addresses(who));
        opening && front.text("name").is_some() && front.text("description").is_some()
    };
    document.kind == Kind::Markdown
        && (!front.has_any(PAGE) || persona())
        && says_enough(front, body, document)
}

/// The key that marks a Markdown file as something else, where there is one.
pub(crate) fn page_key(document: &Document<'_>) -> Option<&'static str> {
    let front = document.front().filter(|_| document.kind == Kind::Markdown)?;
    PAGE.iter().find(|key| front.has(key)).copied()
}

fn says_enough(front: &Map, body: &str, document: &Document<'_>) -> bool {
    let described = front.text("description").is_some();
    let named = front.text("name").is_some();
    if described && named {
        return true;
    }
    let beside = front.has_any(&[
        "tools",
        "model",
        "capabilities",
        "color",
        "permissionMode",
        "disallowedTools",
    ]);
    let opening = body.contains("You are ") || body.contains("This agent ");
    (described && (beside || opening || document.path_has("agents/")) && !body.trim().is_empty())
        || (named && opening)
}

fn read(document: &Document<'_>, found: &mut Found) {
    let mut draft = agent_markdown(document, TABLE);
    if let Some(description) = &draft.description {
        draft.examples.extend(example_requests(description));
    }
    found.drafts.push(draft);
}

/// What the user says in the `<example>` blocks of a description.
fn example_requests(description: &str) -> Vec<String> {
    let text = description.replace("\\n", "\n").replace("\\\"", "\"");
    let mut requests = Vec::new();
    for block in text.split("<example>").skip(1) {
        let block = block.split("</example>").next().unwrap_or_default();
        let lower = block.to_ascii_lowercase();
        let mut from = 0;
        while let Some(at) = lower[from..].find("user:") {
            let start = from + at + "user:".len();
            from = start;
            if let Some(request) = said(&block[start..]) {
                requests.push(request);
            }
        }
    }
    requests
}

/// What stands in quotation marks at the start of a text, or else the rest of its line.
fn said(text: &str) -> Option<String> {
    let text = text.trim_start();
    let close = match text.chars().next()? {
        '"' => '"',
        '\'' => '\'',
        '“' => '”',
        _ => {
            let line = text.lines().next().unwrap_or_default().trim();
            return (!line.is_empty()).then(|| line.to_owned());
        }
    };
    let open = text.chars().next().map_or(1, char::len_utf8);
    let inner = &text[open..];
    // An apostrophe inside a word does not end a quotation.
    let end = inner.char_indices().find(|&(at, c)| {
        c == close && !inner[at + c.len_utf8()..].starts_with(char::is_alphanumeric)
    });
    let request = end.map_or(inner.lines().next().unwrap_or_default(), |(at, _)| &inner[..at]);
    let request = request.split_whitespace().collect::<Vec<_>>().join(" ");
    (!request.is_empty()).then_some(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_from_example_blocks() {
        let text = "Use it.\\n<example>\\nContext: x\\nuser: \"Please don't\\nstop\"\\nassistant: \"ok\"\\n</example> \
                    <example>User: 'It's slow'</example><example>user: plain\\n</example>";
        assert_eq!(example_requests(text), ["Please don't stop", "It's slow", "plain"]);
    }
}
