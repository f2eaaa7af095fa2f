//! Front matter with a body in Markdown.

use std::fmt::Write as _;

use super::super::{
    dice::Dice,
    mess::Mess,
    plan::{Draw, Shape},
    role::Role,
    words,
};
use super::quoted;

const TOOLS: &[&str] = &["Read", "Grep", "Glob", "Bash", "Write", "Edit", "WebFetch", "TodoWrite"];
const MODELS: &[&str] = &["sonnet", "opus", "haiku", "inherit"];

/// A description with its mess, as a value of YAML.
fn description(dice: &mut Dice, role: &Role, draw: &Draw<'_>, leaves: &mut Vec<String>) -> String {
    let mut text = if draw.has(Mess::NoTrigger) {
        words::paragraph(dice, 2)
    } else {
        role.description.clone()
    };
    if draw.has(Mess::LongDescription) {
        text = format!("{text}. {}", words::paragraph(dice, 18));
    }
    leaves.extend(text.split(". ").map(|part| part.trim_end_matches('.').to_owned()));
    if draw.has(Mess::Colon) {
        let phrase = words::phrase(dice).to_lowercase();
        write!(text, " Note: {phrase}").expect("a String");
        leaves.push(phrase);
    }
    let literal = draw.has(Mess::BackslashN);
    let examples = draw.has(Mess::Examples);
    let end = if literal { "\\n" } else { "\n" };
    if literal && !examples {
        let phrase = words::phrase(dice);
        write!(text, "{end}{end}{phrase}").expect("a String");
        leaves.push(phrase);
    }
    if examples {
        let (context, asked, answer) =
            (words::phrase(dice), words::phrase(dice), words::phrase(dice));
        write!(
            text,
            "{end}{end}<example>{end}Context - {context}{end}user: '{asked}'{end}assistant: '{answer}'{end}</example>"
        )
        .expect("a String");
        leaves.extend([asked, answer]);
    }
    match (draw.has(Mess::Colon), literal) {
        // As it was typed, which is no YAML; a line break would end it.
        (true, _) => text.replace('\n', " "),
        (false, true) => format!("'{}'", text.replace('\'', "''")),
        (false, false) if examples => format!("|\n{}", super::indented(&text, 2).trim_end()),
        (false, false) => text,
    }
}

/// Front matter of these lines, then the body under a title.
fn file(front: &[String], role: &Role, body: &str) -> String {
    format!("---\n{}\n---\n\n# {}\n\n{body}", front.join("\n"), role.title)
}

pub(crate) fn claude_code(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = Vec::new();
    let mut front = Vec::new();
    if draw.has(Mess::NameNotSlug) {
        front.push(format!("name: {}", role.title));
    } else if draw.has(Mess::NameDiffers) {
        front.push(format!("name: {}-{}", role.slug, dice.within(2..99)));
    } else if !draw.has(Mess::NameAbsent) {
        front.push(format!("name: {}", role.slug));
    }
    front.push(format!("description: {}", description(dice, &role, draw, &mut leaves)));
    if draw.has(Mess::NameAbsent) {
        let capability = words::phrase(dice);
        front.push(format!("capabilities: [{}]", quoted(&capability)));
        leaves.push(capability);
    }
    if draw.has(Mess::Star) {
        front.push("tools: *".to_owned());
    } else if draw.has(Mess::ToolsComma) {
        let tools: Vec<&str> = (0..dice.within(2..6)).map(|_| dice.pick(TOOLS)).collect();
        front.push(format!("tools: {}", tools.join(", ")));
    }
    if dice.below(2) == 0 {
        front.push(format!("model: {}", dice.pick(MODELS)));
    }
    if dice.below(3) == 0 {
        front.push("color: cyan".to_owned());
    }
    if dice.below(40) == 0 {
        let hook = format!("echo {}", role.slug);
        front.push(format!("hooks:\n  PreToolUse:\n    - command: {hook}"));
        leaves.push(hook);
    }
    let body = role.body(dice, draw.mess, &mut leaves);
    Shape::of(format!("agents/{}.md", role.slug), file(&front, &role, &body), 1, leaves)
}

pub(crate) fn agent_skill(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = Vec::new();
    let mut front = vec![
        format!("name: {}", role.slug),
        format!("description: {}", description(dice, &role, draw, &mut leaves)),
    ];
    if dice.below(3) == 0 {
        front.push("license: Apache-2.0".to_owned());
        leaves.push("Apache-2.0".to_owned());
    }
    let body = role.body(dice, draw.mess, &mut leaves);
    Shape::of(format!("skills/{}/SKILL.md", role.slug), file(&front, &role, &body), 1, leaves)
}

pub(crate) fn copilot(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = Vec::new();
    let mut front = vec![
        format!("description: {}", description(dice, &role, draw, &mut leaves)),
        "tools: ['search', 'fetch']".to_owned(),
    ];
    let ending = if dice.below(3) == 0 { "chatmode" } else { "agent" };
    if ending == "agent" {
        let label = words::phrase(dice);
        front.push(format!(
            "handoffs:\n  - label: {label}\n    agent: implementer\n    send: false"
        ));
        leaves.push(label);
    }
    let body = role.body(dice, draw.mess, &mut leaves);
    Shape::of(format!("{}.{ending}.md", role.slug), file(&front, &role, &body), 1, leaves)
}

pub(crate) fn opencode(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = Vec::new();
    let front = [
        format!("description: {}", description(dice, &role, draw, &mut leaves)),
        "mode: subagent".to_owned(),
        "permission:\n  edit: deny".to_owned(),
    ];
    let body = role.body(dice, draw.mess, &mut leaves);
    Shape::of(format!("agent/{}.md", role.slug), file(&front, &role, &body), 1, leaves)
}

pub(crate) fn gemini_cli(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = Vec::new();
    let front = [
        format!("name: {}", role.slug),
        format!("description: {}", description(dice, &role, draw, &mut leaves)),
        "kind: local".to_owned(),
        "tools:\n  - read_file\n  - web_fetch".to_owned(),
        "max_turns: 12".to_owned(),
    ];
    let body = role.body(dice, draw.mess, &mut leaves);
    Shape::of(format!("{}.md", role.slug), file(&front, &role, &body), 1, leaves)
}

pub(crate) fn canonical(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = vec![role.description.clone()];
    let (gate, request) = (words::phrase(dice), words::phrase(dice));
    let body = role.body(dice, draw.mess, &mut leaves);
    let text = format!(
        "---\nname: {}\ndescription: {}\ntitle: {}\nwhen_to_use: [{}]\ngates:\n  - {{ id: first, check: {}, by: judge, required: true }}\n---\n{body}",
        role.slug,
        quoted(&role.description),
        role.title,
        quoted(&request),
        quoted(&gate),
    );
    leaves.extend([gate, request]);
    Shape::of(format!("{}.md", role.slug), text, 1, leaves)
}
