//! A made-up role and its body in Markdown.

use std::fmt::Write as _;

use super::{dice::Dice, mess::Mess, words};

/// Who a generated persona is.
#[derive(Debug, Clone)]
pub(super) struct Role {
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) identity: String,
    /// Headings with their bullets.
    pub(super) sections: Vec<(String, Vec<String>)>,
}

impl Role {
    pub(super) fn new(dice: &mut Dice) -> Self {
        let words = words::role(dice);
        let title = words.map(words::capital).join(" ");
        let what = words::phrase(dice);
        // Most files are a few pages, some are manuals.
        let (sections, bullets) = match dice.below(20) {
            0..9 => (dice.within(2..6), 3..8),
            9..17 => (dice.within(5..11), 5..14),
            _ => (dice.within(10..18), 12..40),
        };
        let headings = words::headings(dice, sections);
        let sections = headings.into_iter().map(|heading| {
            let bullets = (0..dice.within(bullets.clone())).map(|_| words::phrase(dice)).collect();
            (heading, bullets)
        });
        let sections = sections.collect();
        Self {
            slug: words.join("-"),
            identity: format!("You are a {} {}. {}", words[1], words[2], words::paragraph(dice, 2)),
            description: format!(
                "{what}. Use when somebody {}",
                words::phrase(dice).to_lowercase()
            ),
            title,
            sections,
        }
    }

    /// A role of few words, for files that hold several.
    pub(super) fn small(dice: &mut Dice) -> Self {
        let mut role = Self::new(dice);
        role.sections.truncate(3);
        for (_, bullets) in &mut role.sections {
            bullets.truncate(5);
        }
        role
    }

    /// The texts of identity and sections.
    pub(super) fn leaves(&self) -> Vec<String> {
        let sections = self.sections.iter().flat_map(|(heading, bullets)| {
            std::iter::once(heading.clone()).chain(bullets.iter().cloned())
        });
        std::iter::once(self.identity.clone()).chain(sections).collect()
    }

    /// The body without a title.
    pub(super) fn body(&self, dice: &mut Dice, mess: &[Mess], leaves: &mut Vec<String>) -> String {
        leaves.extend(self.leaves());
        let mut out = format!("{}\n", self.identity);
        for (at, (heading, bullets)) in self.sections.iter().enumerate() {
            if at == 1 {
                middle(dice, mess, leaves, &mut out);
            }
            writeln!(out, "\n## {heading}\n").expect("a String");
            for bullet in bullets {
                writeln!(out, "- {bullet}").expect("a String");
            }
        }
        if mess.contains(&Mess::Largest) {
            let mut at = 0;
            while out.len() < 231_000 {
                at += 1;
                writeln!(out, "\n## Appendix {at}\n").expect("a String");
                for _ in 0..60 {
                    let phrase = words::phrase(dice);
                    writeln!(out, "{phrase}").expect("a String");
                    leaves.push(phrase);
                }
            }
        }
        if mess.contains(&Mess::UnbalancedFence) {
            let code = words::phrase(dice);
            writeln!(out, "\n## Listing\n\n```sh\n{code}").expect("a String");
            leaves.push(code);
        }
        out
    }
}

/// The mess that stands between two sections.
fn middle(dice: &mut Dice, mess: &[Mess], leaves: &mut Vec<String>, out: &mut String) {
    let has = |one| mess.contains(&one);
    let mut add = |text: String, leaf: String| {
        out.push_str(&text);
        leaves.push(leaf);
    };
    if has(Mess::DashLine) {
        let phrase = words::phrase(dice);
        add(format!("\n---\n\n{phrase}.\n\n---\n"), phrase);
    }
    if has(Mess::NestedFence) {
        let (outer, inner) = (words::phrase(dice), words::phrase(dice));
        add(format!("\n```markdown\n{outer}\n```js\n{inner}\n```\nand on\n```\n"), inner);
    }
    if has(Mess::Template) {
        let phrase = words::phrase(dice);
        add(
            format!("\n{phrase} for {{{{ project }}}}, ${{NAME}} and $1.\n"),
            format!("{phrase} for {{{{ project }}}}, ${{NAME}} and $1."),
        );
    }
    if has(Mess::Windows1252) {
        let phrase = format!("Déjà vu – “naïve” Größe, it’s {}", words::phrase(dice));
        add(format!("\n{phrase}.\n"), phrase);
    }
}
