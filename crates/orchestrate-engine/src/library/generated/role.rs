//! What a generated workflow says of a persona.

use orchestrate_core::{neutral, persona::Persona};

/// A persona's subject is told in so many characters at most.
const MAX_SUBJECT: usize = 400;

/// A persona as others are told of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Role {
    /// Its slug.
    pub(crate) name: String,
    /// Its name for people.
    pub(crate) title: String,
    /// What is its business.
    pub(crate) subject: String,
    /// Its short form, where it has one.
    pub(super) abbreviation: Option<String>,
}

impl Role {
    /// The role of a persona.
    pub(crate) fn of(persona: &Persona) -> Self {
        Self {
            name: persona.name.clone(),
            title: plain(&persona.title, 80),
            subject: plain(&persona.description, MAX_SUBJECT),
            abbreviation: persona.abbreviation.clone(),
        }
    }

    /// A role of which nothing but its name is known.
    pub(super) fn unknown(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            title: name.to_owned(),
            subject: String::new(),
            abbreviation: None,
        }
    }

    /// A line of a list: title, slug and subject.
    pub(super) fn line(&self) -> String {
        let Self { name, title, subject, .. } = self;
        if subject.is_empty() {
            format!("- {title} (`{name}`)")
        } else {
            format!("- {title} (`{name}`): {subject}")
        }
    }

    /// The letters before the numbers of its contributions: its short form, else the first letters of
    /// its name's parts.
    fn prefix(&self) -> String {
        let letters = |text: &str| -> String {
            let letters = text.chars().filter(char::is_ascii_alphabetic);
            letters.take(6).collect::<String>().to_ascii_uppercase()
        };
        let short = self.abbreviation.as_deref().map(letters).filter(|short| !short.is_empty());
        let parts = self.name.split(['-', '_']);
        let first: String = parts.filter_map(|part| part.chars().next()).collect();
        let first = Some(letters(&first)).filter(|first| !first.is_empty());
        short.or(first).unwrap_or_else(|| "C".to_owned())
    }
}

/// For each role the letters before its numbers, no two alike.
pub(super) fn prefixes(roles: &[Role]) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for role in roles {
        let prefix = role.prefix();
        // `DE2` would be a number of `DE`, so a letter tells them apart.
        let tried = ('A'..='Z').map(|letter| format!("{prefix}{letter}"));
        let free = [prefix.clone()].into_iter().chain(tried).find(|tried| !taken.contains(tried));
        taken.push(free.unwrap_or(prefix));
    }
    taken
}

/// A persona's own words on one line, with nothing that a template would obey.
fn plain(text: &str, width: usize) -> String {
    neutral::excerpt(text, width).replace('{', "{ ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(name: &str, abbreviation: Option<&str>) -> Role {
        Role { abbreviation: abbreviation.map(Into::into), ..Role::unknown(name) }
    }

    #[test]
    fn contributions_of_two_personas_never_share_letters() {
        let roles = [
            role("data-engineer", Some("DE")),
            role("design-expert", None),
            role("3d", None),
            role("7-8", Some("!")),
        ];
        assert_eq!(prefixes(&roles), ["DE", "DEA", "C", "CA"]);
    }

    #[test]
    fn a_description_is_no_template() {
        assert_eq!(plain("{{{ inputs.task }}\n{% raw %}", 80), "{ { {  inputs.task }} { % raw %}");
    }
}
