//! JSON, TOML and YAML with one persona.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::json;

use super::super::{
    dice::Dice,
    plan::{Content, Draw, Expected, Shape},
    role::Role,
    words,
};
use super::{indented, quoted};

/// A role, its body and the texts of both.
fn prompt(dice: &mut Dice, draw: &Draw<'_>) -> (Role, String, Vec<String>) {
    let role = Role::new(dice);
    let mut leaves = vec![role.description.clone()];
    let body = role.body(dice, draw.mess, &mut leaves);
    (role, body, leaves)
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

pub(crate) fn lobe(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let (role, body, mut leaves) = prompt(dice, draw);
    let question = words::phrase(dice);
    leaves.push(question.clone());
    let value = json!({
        "author": "somebody",
        "config": { "systemRole": body, "openingQuestions": [question], "params": { "temperature": 0.6 } },
        "identifier": role.slug,
        "meta": { "avatar": "🗂️", "tags": ["work"], "title": role.title, "description": role.description },
        "schemaVersion": 1
    });
    Shape::of(format!("{}.json", role.slug), pretty(&value), 1, leaves)
}

pub(crate) fn kiro(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let (role, body, leaves) = prompt(dice, draw);
    let value = json!({
        "name": role.slug, "description": role.description, "prompt": body, "tools": ["read", "@git"],
        "hooks": { "agentSpawn": [{ "command": "git status" }] }, "mcpServers": {}
    });
    Shape::of(format!("{}.json", role.slug), pretty(&value), 1, leaves)
}

pub(crate) fn codex(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let (role, body, leaves) = prompt(dice, draw);
    let text = format!(
        "name = {}\ndescription = {}\nmodel = \"gpt-5-codex\"\nsandbox_mode = \"read-only\"\ndeveloper_instructions = '''\n{body}'''\n",
        quoted(&role.slug),
        quoted(&role.description),
    );
    // A literal text of TOML ends at three apostrophes, which no body holds.
    Shape::of(format!("{}.toml", role.slug), text, 1, leaves)
}

pub(crate) fn goose(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let (role, body, mut leaves) = prompt(dice, draw);
    let activity = words::phrase(dice);
    let text = format!(
        "version: 1.0.0\ntitle: {}\ndescription: {}\ninstructions: |\n{}prompt: Begin with {{{{ folder }}}}.\nactivities:\n  - {activity}\nsettings:\n  goose_model: gpt-5\n",
        role.title,
        role.description,
        indented(&body, 2),
    );
    leaves.push(activity);
    Shape::of(format!("{}.yaml", role.slug), text, 1, leaves)
}

pub(crate) fn agent_framework(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let (role, body, leaves) = prompt(dice, draw);
    let text = format!(
        "kind: Prompt\nname: {}\ndescription: {}\nmodel:\n  id: =Env.MODEL\ninstructions: |\n{}",
        role.slug,
        role.description,
        indented(&body, 2),
    );
    Shape::of(format!("{}.yaml", role.slug), text, 1, leaves)
}

pub(crate) fn bmad(dice: &mut Dice, _: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let phrases: Vec<String> = (0..6).map(|_| words::phrase(dice)).collect();
    let text = format!(
        "# {slug}\n\nACTIVATION-NOTICE: {notice}\n\n```yaml\nactivation-instructions:\n  - {0}\nagent:\n  name: Ada\n  id: {slug}\n  title: {title}\n  icon: 🧪\n  whenToUse: {1}\npersona:\n  role: {2}\n  style: {3}\n  identity: {4}\n  core_principles:\n    - {5}\ncommands:\n  - help: Show the commands\n```\n",
        phrases[0],
        phrases[1],
        phrases[2],
        phrases[3],
        phrases[4],
        phrases[5],
        notice = words::phrase(dice),
        slug = role.slug,
        title = role.title,
    );
    Shape::of(format!("{}.md", role.slug), text, 1, phrases)
}

pub(crate) fn character_card(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::small(dice);
    let leaves: Vec<String> = (0..5).map(|_| words::phrase(dice)).collect();
    let value = json!({
        "spec": "chara_card_v2", "spec_version": "2.0",
        "data": {
            "name": role.title, "description": format!("{{{{char}}}} is calm. {}.", leaves[0]),
            "personality": leaves[1], "scenario": leaves[2], "first_mes": leaves[3],
            "mes_example": format!("<START>\n{{{{user}}}}: {}", leaves[4]), "system_prompt": "",
            "creator_notes": "", "tags": ["sea"], "alternate_greetings": [],
            "post_history_instructions": "", "creator": "somebody", "character_version": "1", "extensions": {}
        }
    });
    let expected = Expected::Personas(1);
    if draw.number.is_multiple_of(4) {
        let content = Content::Bytes(picture(&value.to_string()));
        return Shape { path: format!("{}.png", role.slug), content, expected, leaves };
    }
    Shape::of(format!("{}.json", role.slug), pretty(&value), 1, leaves)
}

/// A picture of nothing with a card in it; the checksums are left empty, as nobody reads them here.
fn picture(card: &str) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8; 4], content: &[u8]| {
        let length = u32::try_from(content.len()).expect("a card is short");
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.extend_from_slice(kind);
        bytes.extend_from_slice(content);
        bytes.extend_from_slice(&[0; 4]);
    };
    chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
    chunk(b"tEXt", format!("chara\0{}", STANDARD.encode(card)).as_bytes());
    chunk(b"IEND", &[]);
    bytes
}
