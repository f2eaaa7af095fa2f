//! Files that hold several personas.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::super::{
    dice::Dice,
    plan::{Draw, Shape},
    role::Role,
    words,
};
use super::quoted;

fn roles(dice: &mut Dice, count: usize) -> Vec<Role> {
    (0..count).map(|_| Role::small(dice)).collect()
}

pub(crate) fn roo(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let count = dice.within(1..5);
    let roles = roles(dice, count);
    let mut leaves = Vec::new();
    let habit = words::phrase(dice);
    if draw.number % 3 == 2 {
        let role = &roles[0];
        let body = role.body(dice, &[], &mut leaves);
        let text = format!(
            "+++\nid = {slug}\nname = {name}\nversion = \"1.1\"\nsummary = {summary}\n+++\n\n# {title} - Mode Documentation\n\n{body}",
            slug = quoted(&role.slug),
            name = quoted(&role.title),
            summary = quoted(&role.description),
            title = role.title,
        );
        leaves.push(role.description.clone());
        return Shape::of(format!("{}.mode.md", role.slug), text, 1, leaves);
    }
    for role in &roles {
        leaves.extend([role.identity.clone(), role.description.clone()]);
    }
    leaves.push(habit.clone());
    if draw.number.is_multiple_of(3) {
        let modes: Vec<Value> = roles
            .iter()
            .map(|role| {
                json!({
                    "slug": role.slug, "name": format!("🗂️ {}", role.title), "roleDefinition": role.identity,
                    "whenToUse": role.description, "customInstructions": format!("- {habit}"),
                    "groups": ["read", ["edit", { "fileRegex": "\\.md$" }]]
                })
            })
            .collect();
        return Shape::of(
            ".roomodes".into(),
            format!("{:#}\n", json!({ "customModes": modes })),
            count,
            leaves,
        );
    }
    let mut text = String::from("customModes:\n");
    for role in &roles {
        write!(
            text,
            "  - slug: {}\n    name: {}\n    roleDefinition: >-\n      {}\n    whenToUse: {}\n    customInstructions: {habit}\n    groups:\n      - read\n",
            role.slug, role.title, role.identity, role.description
        )
        .expect("a String");
    }
    Shape::of("custom_modes.yaml".into(), text, count, leaves)
}

pub(crate) fn crewai(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let count = dice.within(1..6);
    let roles = roles(dice, count);
    let mut leaves = Vec::new();
    for role in &roles {
        leaves.extend([role.identity.clone(), role.description.clone()]);
    }
    if draw.number % 4 == 3 {
        let mut text = String::from("// A crew.\n{\n  \"agents\": {\n");
        for (at, role) in roles.iter().enumerate() {
            let (goal, story) = (quoted(&role.description), quoted(&role.identity));
            writeln!(
                text,
                "    {}: {{ \"role\": {}, \"goal\": {goal}, /* why */ \"backstory\": {story}, }},",
                quoted(&format!("agent_{at}")),
                quoted(&role.title),
            )
            .expect("a String");
        }
        text.push_str("  },\n  \"process\": \"sequential\",\n}\n");
        return Shape::of("crew.jsonc".into(), text, count, leaves);
    }
    let mut text = String::new();
    for (at, role) in roles.iter().enumerate() {
        write!(
            text,
            "{}_{at}:\n  role: >\n    {}\n  goal: >\n    {}\n  backstory: >\n    {}\n  verbose: true\n",
            role.slug.replace('-', "_"),
            role.title,
            role.description,
            role.identity
        )
        .expect("a String");
    }
    Shape::of("config/agents.yaml".into(), text, count, leaves)
}

pub(crate) fn praisonai(dice: &mut Dice, _: &Draw<'_>) -> Shape {
    let count = dice.within(1..4);
    let mut leaves = Vec::new();
    let mut text = format!("framework: crewai\ntopic: {}\nroles:\n", words::phrase(dice));
    for (at, role) in roles(dice, count).iter().enumerate() {
        let task = words::phrase(dice);
        write!(
            text,
            "  role_{at}:\n    role: {}\n    goal: {}\n    backstory: {}\n    tasks:\n      first:\n        description: {task}\n        expected_output: A page\n    tools:\n      - ''\n",
            role.title, role.description, role.identity
        )
        .expect("a String");
        leaves.extend([role.identity.clone(), role.description.clone(), task]);
    }
    Shape::of("agents.yaml".into(), text, count, leaves)
}

pub(crate) fn cagent(dice: &mut Dice, _: &Draw<'_>) -> Shape {
    let count = dice.within(1..4);
    let mut leaves = Vec::new();
    let mut text = String::from("version: \"2\"\nagents:\n");
    for (at, role) in roles(dice, count).iter().enumerate() {
        let key = if at == 0 { "root".to_owned() } else { format!("helper_{at}") };
        let body = role.body(dice, &[], &mut leaves);
        write!(
            text,
            "  {key}:\n    model: openai/gpt-5\n    description: {}\n    instruction: |\n{}    toolsets:\n      - type: think\n",
            role.description,
            super::indented(&body, 6)
        )
        .expect("a String");
        leaves.push(role.description.clone());
    }
    Shape::of("team.yaml".into(), text, count, leaves)
}

pub(crate) fn catalogue(dice: &mut Dice, _: &Draw<'_>) -> Shape {
    let count = dice.within(3..20);
    let mut leaves = Vec::new();
    let mut text = String::from("# Specialists\n# Category: Made up\n");
    for (at, role) in roles(dice, count).iter().enumerate() {
        let (skill, step) = (words::phrase(dice), words::phrase(dice));
        write!(
            text,
            "\n## Persona {}: {}-{at}\n\n**Category**: Made up\n**Use**: {}\n\n{}\n\n### Core Expertise\n- {skill}\n\n### When helping users:\n1. {step}\n\n---\n",
            at + 1,
            role.slug,
            role.description,
            role.identity
        )
        .expect("a String");
        leaves.extend([role.identity.clone(), role.description.clone(), skill, step]);
    }
    Shape::of("catalogue.md".into(), text, count, leaves)
}

pub(crate) fn project_document(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let count = dice.within(2..12);
    let mut leaves = Vec::new();
    let mut text = String::from("# Personas of the project\n\n## Core Personas\n");
    for (at, role) in roles(dice, count).iter().enumerate() {
        let phrases: Vec<String> = (0..4).map(|_| words::phrase(dice)).collect();
        // No two such documents have headings alike.
        let heading = match draw.number % 3 {
            0 => format!("{}. {} (X{at})", at + 1, role.title),
            1 => format!("🧭 {}", role.title),
            _ => format!("`--persona-{}-{at}`", role.slug),
        };
        write!(
            text,
            "\n### {heading}\n\n**Slug**: `{}-{at}`\n\n**Expertise**:\n- {}\n- {}\n\n**Responsibilities**:\n- {}\n\n**When to Invoke**:\n- {}\n",
            role.slug, phrases[0], phrases[1], phrases[2], phrases[3]
        )
        .expect("a String");
        leaves.extend(phrases);
    }
    Shape::of("docs/personas.md".into(), text, count, leaves)
}

pub(crate) fn prompts_csv(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let count = dice.within(50..200);
    let mut leaves = Vec::new();
    let mut text = String::from("\"act\",\"prompt\",\"for_devs\"\n");
    for (at, role) in roles(dice, count).iter().enumerate() {
        let mut prompt = format!("I want you to act as a {}. {}", role.title, role.identity);
        // One cell was as long as a small book.
        let lines = if at == 7 && draw.number == 0 { 1_900 } else { dice.below(6) };
        for _ in 0..lines {
            let phrase = words::phrase(dice);
            write!(prompt, "\n\nSay \"{phrase}\", please.").expect("a String");
            leaves.push(phrase);
        }
        writeln!(text, "\"{}\",\"{}\",FALSE", role.title, prompt.replace('"', "\"\""))
            .expect("a String");
        leaves.push(role.identity.clone());
    }
    Shape::of("prompts.csv".into(), text, count, leaves)
}
