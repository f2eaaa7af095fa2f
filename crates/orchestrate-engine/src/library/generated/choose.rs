//! The workflow in which a model chooses personas for a task from a list, and the reading of its answer.

use super::{
    ask::{quoted, step},
    chooser::CHOOSER,
    role::Role,
};

/// The workflow in which a model chooses personas.
pub const CHOOSE: &str = "choose-persona";
/// More personas are not chosen for one task.
const MOST_CHOSEN: usize = 3;

/// What a model chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelChoice {
    /// No persona of the list.
    None,
    /// These, the most important first.
    Personas(Vec<String>),
}

/// An answer that is no choice from the list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotOnTheList {
    /// There is no answer, or it is not one line.
    #[error("the answer is not the one line that was asked for")]
    NotOneLine,
    /// It names somebody else.
    #[error("the answer names `{0}`, which is not on the list")]
    Unknown(String),
    /// It says `several` and does not name two or three different personas.
    #[error("the answer says `several` and does not name two or three different personas")]
    NotSeveral,
}

/// The workflow's text.
pub(super) fn source(roles: &[Role]) -> String {
    let lines: Vec<String> = roles.iter().map(Role::line).collect();
    let prompt = [
        "Choose who shall answer the task. Do not answer it. These are the experts there are:".to_owned(),
        lines.join("\n"),
        "Go by what the task needs done, not by the words it happens to share with a description. Your document is a \
         single line without heading or explanation, one of these three:"
            .to_owned(),
        format!(
            "- the name in backticks of the one expert who should answer, such as `{}`\n\
             - `several: ` and then two or three such names with commas between them, the most important first, where \
             the task has clear parts that belong to different experts\n\
             - `none`, where the task is not the business of any of them; do not choose the least unsuitable",
            roles.first().map_or("a-name", |role| role.name.as_str())
        ),
        "The brief that closes your answer is an empty object.".to_owned(),
    ];
    let mut text = format!(
        "# Made for `--with-model`: a model chooses personas from a list, and its answer is checked against it.\n\
         workflow: {CHOOSE}\nsummary: {}\n\n\
         inputs:\n  task:\n    type: string\n    required: true\n    help: What personas are chosen for\n\n\
         steps:\n",
        quoted("A model chooses who answers a task.")
    );
    step(&mut text, "choice", CHOOSER, &[], &prompt);
    text
}

impl ModelChoice {
    /// Reads a model's answer, which has to be a choice from `list`.
    pub fn read(answer: &str, list: &[String]) -> Result<Self, NotOnTheList> {
        let mut lines = answer.lines().map(str::trim).filter(|line| !line.is_empty());
        let (Some(line), None) = (lines.next(), lines.next()) else {
            return Err(NotOnTheList::NotOneLine);
        };
        let line = bare(line);
        if line == "none" {
            return Ok(Self::None);
        }
        let Some(names) = line.strip_prefix("several:") else {
            return Ok(Self::Personas(vec![listed(line, list)?]));
        };
        let mut chosen: Vec<String> = Vec::new();
        for name in names.split(',') {
            let name = listed(name.trim(), list)?;
            if chosen.contains(&name) {
                return Err(NotOnTheList::NotSeveral);
            }
            chosen.push(name);
        }
        if (2..=MOST_CHOSEN).contains(&chosen.len()) {
            Ok(Self::Personas(chosen))
        } else {
            Err(NotOnTheList::NotSeveral)
        }
    }
}

fn listed(name: &str, list: &[String]) -> Result<String, NotOnTheList> {
    let name = bare(name);
    if list.iter().any(|known| known == name) {
        Ok(name.to_owned())
    } else {
        Err(NotOnTheList::Unknown(orchestrate_core::neutral::excerpt(name, 60)))
    }
}

/// A word without the backticks around it.
fn bare(word: &str) -> &str {
    let inner = word.strip_prefix('`').and_then(|rest| rest.strip_suffix('`'));
    inner.filter(|inner| !inner.contains('`')).unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expect: &str) {
        let list =
            ["data-engineer", "mlops-engineer", "ml-engineer", "redis-caching"].map(str::to_owned);
        let told = match ModelChoice::read(answer, &list) {
            Ok(ModelChoice::None) => "none".to_owned(),
            Ok(ModelChoice::Personas(names)) => names.join(" "),
            Err(error) => format!("! {error}"),
        };
        assert_eq!(told, expect, "{answer:?}");
    }

    #[test]
    fn an_answer_is_a_name_of_the_list_or_none_or_several_names() {
        check("data-engineer\n", "data-engineer");
        check("\n  `data-engineer`\n", "data-engineer");
        check("none", "none");
        check("several: data-engineer, `mlops-engineer`", "data-engineer mlops-engineer");
        check("`several: data-engineer,mlops-engineer`", "data-engineer mlops-engineer");
    }

    #[test]
    fn everything_else_is_a_failure_with_its_reason() {
        const NOT_ONE: &str = "! the answer is not the one line that was asked for";
        const NOT_SEVERAL: &str =
            "! the answer says `several` and does not name two or three different personas";
        check("", NOT_ONE);
        check("data-engineer\n\nbecause of Postgres", NOT_ONE);
        check("Data-Engineer", "! the answer names `Data-Engineer`, which is not on the list");
        check("data-enginer", "! the answer names `data-enginer`, which is not on the list");
        check(
            "I choose data-engineer.",
            "! the answer names `I choose data-engineer.`, which is not on the list",
        );
        check(
            "data-engineer, ml-engineer",
            "! the answer names `data-engineer, ml-engineer`, which is not on the list",
        );
        check("several: data-engineer", NOT_SEVERAL);
        check("several: ml-engineer, ml-engineer", NOT_SEVERAL);
        check("several: ml-engineer, none", "! the answer names `none`, which is not on the list");
        check("several: data-engineer, mlops-engineer, ml-engineer, redis-caching", NOT_SEVERAL);
        check("several:", "! the answer names ``, which is not on the list");
        check("a\u{1b}[2Jb", "! the answer names `a\\u{1b}[2Jb`, which is not on the list");
    }
}
