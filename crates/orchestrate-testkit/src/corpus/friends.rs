//! False friends: files that lie where personas do and are none.

use std::fmt::Write as _;

use super::{
    dice::Dice,
    plan::{Content, Draw, Expected, Shape},
    role::Role,
    words,
};

/// A rule of an editor; `globs: **/*` is no YAML.
pub(super) fn editor_rule(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::small(dice);
    let globs = if draw.number % 26 < 23 { "**/*.ts" } else { "\"src/*.ts\"" };
    let body = role.body(dice, draw.mess, &mut Vec::new());
    let text = format!(
        "---\ndescription: {}\nglobs: {globs}\nalwaysApply: false\n---\n\n{body}",
        role.description
    );
    Shape::refused(format!(".cursor/rules/{}.mdc", role.slug), text)
}

/// Something else that people keep in a folder named `agents`.
pub(super) fn false_friend(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::small(dice);
    let lines: Vec<String> = (0..dice.within(4..30)).map(|_| words::phrase(dice)).collect();
    let list = lines.iter().fold(String::new(), |mut list, line| {
        writeln!(list, "- {line}").expect("a String");
        list
    });
    let (path, text) = match draw.number % 8 {
        0 => (
            "agents/README.md",
            format!("# Agents\n\n## Installation\n\n{list}\n## Usage\n\nYou are ready to go.\n"),
        ),
        1 => (
            "agents/how-to.md",
            format!("# How to write an agent\n\n## Overview\n\n{list}\n## Examples\n\nNone yet.\n"),
        ),
        2 => (
            "personas/customer.md",
            format!(
                "# {}\n\n## Demographics\n\n{list}\n## Goals\n- Quick shopping\n\n## Pain Points\n- Slow pages\n",
                role.title
            ),
        ),
        3 => (
            "agents/package.json",
            format!(
                "{{\"name\": \"{}\", \"version\": \"1.0.0\", \"scripts\": {{\"test\": \"run\"}}}}\n",
                role.slug
            ),
        ),
        4 => (
            "agents/compose.yaml",
            format!("services:\n  {}:\n    image: nothing\n    ports: [\"80:80\"]\n", role.slug),
        ),
        5 => (
            "agents/post.md",
            format!("---\nlayout: post\ntitle: {}\ndate: 2024-02-03\n---\n\n{list}", role.title),
        ),
        6 => (
            "agents/CHANGELOG.md",
            format!("# Changelog\n\n## 1.2.0\n\n{list}\n## 1.1.0\n\n{list}"),
        ),
        _ => ("agents/table.csv", format!("name,amount\n{},3\n", role.slug)),
    };
    Shape::refused(path.to_owned(), text)
}

/// What no reader takes in.
pub(super) fn beyond_a_limit(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let front = format!("---\nname: {}\ndescription: {}\n", role.slug, role.description);
    let bytes = match draw.number % 5 {
        0 => format!("{front}---\n{}", "Far too long. ".repeat(40_000)).into_bytes(),
        1 => format!("{front}notes: {}\n---\nYou are one.\n", "x".repeat(70_000)).into_bytes(),
        2 => b"\x00\x01\x02\x03".to_vec(),
        3 => b"\x89PNG\r\n\x1a\n\0\0\0\0IEND\0\0\0\0".to_vec(),
        _ => Vec::new(),
    };
    Shape {
        path: format!("{}.md", role.slug),
        content: Content::Bytes(bytes),
        expected: Expected::Refused,
        leaves: Vec::new(),
    }
}
