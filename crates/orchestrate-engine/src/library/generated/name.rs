//! The names of generated workflows: `ask:data-engineer+mlops-engineer`,
//! `choose-persona:data-engineer+mlops-engineer`.

use std::fmt;

use super::{
    ask,
    choose::{self, CHOOSE},
    role::Role,
};

/// The workflow in which personas answer one task.
pub const ASK: &str = "ask";
/// Personas that one task may have: each prompt names all of them, and one consolidates all answers.
pub const MAX_PERSONAS: usize = 8;
/// Names on the list that a model chooses from.
const MAX_LISTED: usize = 24;
/// Consolidates what several personas say, where it is known.
const CONSOLIDATOR: &str = "project-architect";

/// The name of a generated workflow, which says everything it is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GeneratedName {
    /// Personas answer one task. Written `ask:first+second`, or `ask:first+second:consolidator` where
    /// somebody else than usual consolidates.
    Ask {
        /// The personas that answer, in order, each once.
        personas: Vec<String>,
        /// Who consolidates, where it is not the usual one.
        consolidator: Option<String>,
    },
    /// A model chooses among personas. Written `choose-persona:first+second`.
    Choose {
        /// The list it chooses from, in order, each once.
        personas: Vec<String>,
    },
}

impl GeneratedName {
    /// Reads a name; `None` where it is not one of a generated workflow.
    pub fn parse(name: &str) -> Option<Self> {
        let mut parts = name.split(':');
        let kind = parts.next()?;
        let personas = slugs(parts.next()?)?;
        let last = parts.next();
        if parts.next().is_some() {
            return None;
        }
        match (kind, last) {
            (ASK, None) if personas.len() <= MAX_PERSONAS => {
                Some(Self::Ask { personas, consolidator: None })
            }
            (ASK, Some(consolidator))
                if (2..=MAX_PERSONAS).contains(&personas.len()) && is_slug(consolidator) =>
            {
                Some(Self::Ask { personas, consolidator: Some(consolidator.to_owned()) })
            }
            (CHOOSE, None) if personas.len() <= MAX_LISTED => Some(Self::Choose { personas }),
            _ => None,
        }
    }

    /// Whether a workflow of this name would be a generated one, well written or not.
    pub fn is_meant(name: &str) -> bool {
        name.split_once(':').is_some_and(|(kind, _)| kind == ASK || kind == CHOOSE)
    }

    /// The workflow in which `personas` answer, where those in `refused` are not wanted.
    pub fn ask(personas: Vec<String>, refused: &[String]) -> Self {
        let unwanted = personas.len() > 1 && refused.iter().any(|name| name == CONSOLIDATOR);
        let consolidator = personas.first().filter(|_| unwanted).cloned();
        Self::Ask { personas, consolidator }
    }

    /// The workflow in which a model chooses among the first of `personas`.
    pub fn choose(mut personas: Vec<String>) -> Self {
        personas.truncate(MAX_LISTED);
        Self::Choose { personas }
    }

    /// The workflow's text. `role` says what is known of a persona; one that nobody knows is left to the
    /// compiler, which reports it.
    pub(crate) fn source(&self, role: &dyn Fn(&str) -> Option<Role>) -> String {
        let known = |name: &String| role(name).unwrap_or_else(|| Role::unknown(name));
        match self {
            Self::Ask { personas, consolidator } => {
                let usual = || role(CONSOLIDATOR).map(|role| role.name);
                let first = || personas.first().cloned().unwrap_or_default();
                let by = consolidator.clone().or_else(usual).unwrap_or_else(first);
                let roles: Vec<Role> = personas.iter().map(known).collect();
                match roles.as_slice() {
                    [only] => ask::single(&self.to_string(), only),
                    several => ask::several(&self.to_string(), several, &known(&by)),
                }
            }
            Self::Choose { personas } => {
                choose::source(&personas.iter().map(known).collect::<Vec<Role>>())
            }
        }
    }
}

impl fmt::Display for GeneratedName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ask { personas, consolidator } => {
                write!(f, "{ASK}:{}", personas.join("+"))?;
                consolidator.iter().try_for_each(|name| write!(f, ":{name}"))
            }
            Self::Choose { personas } => write!(f, "{CHOOSE}:{}", personas.join("+")),
        }
    }
}

/// Slugs with `+` between them, each once.
fn slugs(text: &str) -> Option<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for slug in text.split('+') {
        if !is_slug(slug) || found.iter().any(|known| known == slug) {
            return None;
        }
        found.push(slug.to_owned());
    }
    Some(found)
}

/// `^[a-z0-9]+([-_][a-z0-9]+)*$`, up to 64 characters: what a persona's file can be called.
fn is_slug(text: &str) -> bool {
    text.len() <= 64
        && text.split(['-', '_']).all(|part| {
            !part.is_empty()
                && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_read_is_written_the_same() {
        for name in [
            "ask:data-engineer",
            "ask:data-engineer+mlops-engineer",
            "ask:a+b:b",
            "choose-persona:a+b+c",
        ] {
            let read = GeneratedName::parse(name).expect(name);
            assert_eq!(read.to_string(), name);
        }
    }

    #[test]
    fn what_is_no_list_of_personas_is_no_name() {
        for name in [
            "ask",
            "ask:",
            "ask:a+",
            "ask:a+a",
            "ask:A",
            "ask:a b",
            "ask:a:b",
            "ask:a+b:",
            "ask:a+b:c:d",
            "ask:../x",
            "ask:a\n",
            "choose-persona:a:b",
            "other:a",
            "",
            ":",
            "ask:a+b+c+d+e+f+g+h+i",
        ] {
            assert_eq!(GeneratedName::parse(name), None, "{name}");
        }
        assert_eq!(GeneratedName::parse(&format!("ask:{}", "a".repeat(65))), None);
    }

    #[test]
    fn somebody_else_consolidates_where_the_usual_one_is_not_wanted() {
        let two = || vec!["a".to_owned(), "b".to_owned()];
        assert_eq!(GeneratedName::ask(two(), &[]).to_string(), "ask:a+b");
        assert_eq!(
            GeneratedName::ask(two(), &["project-architect".into()]).to_string(),
            "ask:a+b:a"
        );
        let one = GeneratedName::ask(vec!["a".into()], &["project-architect".into()]);
        assert_eq!(one.to_string(), "ask:a");
    }
}
