//! The workflow of a task that is asked of personas without a workflow of one's own.

use std::fmt::Write as _;

use super::role::{Role, prefixes};

/// What every such workflow takes.
const TASK: &str = "\
inputs:
  task:
    type: string
    required: true
    help: What is asked
";

/// One persona answers.
pub(super) fn single(name: &str, role: &Role) -> String {
    let mut text = head(name, &format!("{} answers a task.", role.title));
    text.push_str("steps:\n");
    let prompt = [
        "Answer the task for your part: what you would do or decide, why, and what it takes. Be as short as the matter \
         allows, and give what can be used at once, such as code, figures or steps in order.",
        "Where the task goes beyond what you answer for, say in a line whose business that is, and leave it to them.",
    ];
    step(&mut text, "answer", &role.name, &[], &prompt.map(str::to_owned));
    text
}

/// Several personas answer beside each other, and one makes a single answer of it.
pub(super) fn several(name: &str, roles: &[Role], by: &Role) -> String {
    let titles: Vec<&str> = roles.iter().map(|role| role.title.as_str()).collect();
    let summary = format!("{} answer a task; {} consolidates.", titles.join(", "), by.title);
    let mut text = head(name, &summary);
    let ids = step_ids(roles);
    let prefixes = prefixes(roles);
    text.push_str("steps:\n");
    for (at, role) in roles.iter().enumerate() {
        let others: Vec<&Role> = roles
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != at)
            .map(|(_, role)| role)
            .collect();
        step(&mut text, &ids[at], &role.name, &[], &contribution(role, &prefixes[at], &others));
        text.push('\n');
    }
    let last = last_step(&ids);
    step(&mut text, last, &by.name, &ids, &consolidation(roles, &prefixes, by));
    let from: Vec<String> = roles
        .iter()
        .zip(&prefixes)
        .map(|(role, prefix)| format!("{} ({prefix})", role.title))
        .collect();
    let _ = write!(
        text,
        "\noutputs:\n  answer: |\n    **{}** on what the others contribute: {}\n\n    {{{{ steps.{last}.text }}}}\n",
        by.title,
        from.join(", ")
    );
    text
}

fn head(name: &str, summary: &str) -> String {
    let summary = quoted(summary);
    format!(
        "# Made for `orchestrate ask`. To go on from here with a workflow of your own:\n\
         # orchestrate workflows show {name} --source > my-team.yaml\n\
         workflow: ask\nsummary: {summary}\n\n{TASK}\n"
    )
}

/// What one of several is asked for.
fn contribution(role: &Role, prefix: &str, others: &[&Role]) -> Vec<String> {
    let lines: Vec<String> = others.iter().map(|other| other.line()).collect();
    vec![
        format!(
            "Answer the task for your part, as {}. These colleagues answer it at the same time; none of you sees \
             what the others write:",
            role.title
        ),
        lines.join("\n"),
        "Leave to them what is theirs. Where your part hangs on theirs, say what you assume of it and what you need \
         from whom."
            .to_owned(),
        format!(
            "Put an id before every contribution that could be kept or dropped by itself, be it a decision, a step, a \
             figure or a warning: {prefix}1, {prefix}2 and so on, without gaps. Afterwards one of the team makes a \
             single answer of all contributions and goes by these ids, so that what has none may get lost."
        ),
    ]
}

/// What the one who consolidates is asked for.
fn consolidation(roles: &[Role], prefixes: &[String], by: &Role) -> Vec<String> {
    let lines: Vec<String> = roles
        .iter()
        .zip(prefixes)
        .map(|(role, prefix)| {
            format!("- {} (`{}`): {prefix}1, {prefix}2, …", role.title, role.name)
        })
        .collect();
    let mut parts = vec![
        "Make one answer to the task of what your colleagues contribute. They wrote at the same time and without \
         sight of each other; their contributions are numbered:"
            .to_owned(),
        lines.join("\n"),
        format!(
            "Begin with the answer itself, whole enough that nobody has to open their documents: what to do, in \
             which order, by whom, with the figures and conditions that hold. Write it anew: their texts one after \
             the other are not wanted. Behind each statement stands the id that it rests on, such as [{}1].",
            prefixes.first().map_or("C", String::as_str)
        ),
        "Then three sections:".to_owned(),
        "- `## Contributions`: a table with a row for every contribution of every colleague, none left out: \
         persona, id, what became of it, why. It is `kept`; or `merged` with another one, named by its id; or \
         `contested`. A colleague who has set no ids gets a row for each main point, numbered by you in the order of \
         their document.\n\
         - `## Contested`: where two contradict each other, or you contradict one of them: both sides by persona and \
         id, what holds in your answer for now, and what would decide it. Nothing is contested in silence.\n\
         - `## Open`: what nobody has answered, who has to, and what holds until then."
            .to_owned(),
    ];
    if roles.iter().any(|role| role.name == by.name) {
        parts.push(
            "One of the documents is your own. It has no more weight than the others.".to_owned(),
        );
    }
    parts
}

/// A step and its prompt, whose parts stand a line apart.
pub(super) fn step(
    text: &mut String,
    id: &str,
    persona: &str,
    needs: &[String],
    prompt: &[String],
) {
    // Writing to a String cannot fail.
    let _ = write!(text, "  {id}:\n    persona: {}\n", quoted(persona));
    if !needs.is_empty() {
        let needs: Vec<String> = needs.iter().map(|need| quoted(need)).collect();
        let _ = writeln!(text, "    needs: [{}]", needs.join(", "));
    }
    text.push_str("    prompt: |\n");
    for (at, part) in prompt.iter().enumerate() {
        if at > 0 {
            text.push('\n');
        }
        for line in part.lines() {
            let _ = writeln!(text, "      {line}");
        }
    }
}

/// A text as YAML reads it: a slug that could be taken for nothing else stays as it is.
pub(super) fn quoted(text: &str) -> String {
    let slug = text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.contains('-')
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if slug { text.to_owned() } else { serde_json::Value::from(text).to_string() }
}

/// Steps are named after their personas, as far as a step can be called so.
fn step_ids(roles: &[Role]) -> Vec<String> {
    let ids = roles.iter().enumerate().map(|(at, role)| {
        if role.name.starts_with(|c: char| c.is_ascii_lowercase()) {
            role.name.clone()
        } else {
            format!("answer-{}", at + 1)
        }
    });
    ids.collect()
}

/// A name for the last step that no other step has: no persona's has a `_`.
fn last_step(ids: &[String]) -> &'static str {
    const USUAL: &str = "consolidation";
    if ids.iter().any(|id| id == USUAL) { "consolidated_answer" } else { USUAL }
}

#[cfg(test)]
mod tests {
    use orchestrate_core::{diagnostic::Source, plan::Plan};
    use orchestrate_workflow::Catalogue;

    use super::*;

    /// Everybody is known.
    struct Everybody;

    impl Catalogue for Everybody {
        fn has_persona(&self, _name: &str) -> bool {
            true
        }

        fn persona_names(&self) -> Vec<String> {
            Vec::new()
        }
    }

    fn role(name: &str, title: &str, subject: &str) -> Role {
        Role { title: title.into(), subject: subject.into(), ..Role::unknown(name) }
    }

    fn plan(text: &str) -> Plan {
        let (plan, diagnostics) =
            orchestrate_workflow::compile(&Source::new("generated", text), &Everybody);
        assert!(diagnostics.is_empty(), "{diagnostics:#?}\n{text}");
        plan.expect("a plan")
    }

    #[test]
    fn one_persona_answers_in_one_step() {
        let text =
            single("ask:data-engineer", &role("data-engineer", "Data Engineer", "Pipelines."));
        let plan = plan(&text);
        assert_eq!((plan.workflow(), plan.steps().len()), ("ask", 1));
        insta::assert_snapshot!(text, @r#"
        # Made for `orchestrate ask`. To go on from here with a workflow of your own:
        # orchestrate workflows show ask:data-engineer --source > my-team.yaml
        workflow: ask
        summary: "Data Engineer answers a task."

        inputs:
          task:
            type: string
            required: true
            help: What is asked

        steps:
          answer:
            persona: data-engineer
            prompt: |
              Answer the task for your part: what you would do or decide, why, and what it takes. Be as short as the matter allows, and give what can be used at once, such as code, figures or steps in order.

              Where the task goes beyond what you answer for, say in a line whose business that is, and leave it to them.
        "#);
    }

    #[test]
    fn several_answer_beside_each_other_and_one_consolidates() {
        let roles = [
            role("data-engineer", "Data Engineer", "Pipelines."),
            role("mlops-engineer", "MLOps Engineer", "Operation."),
        ];
        let by = role("project-architect", "Project Architect", "Structure.");
        let text = several("ask:data-engineer+mlops-engineer", &roles, &by);
        let plan = plan(&text);
        assert_eq!(plan.stages(), [vec![0, 1], vec![2]]);
        insta::assert_snapshot!(text, @r#"
        # Made for `orchestrate ask`. To go on from here with a workflow of your own:
        # orchestrate workflows show ask:data-engineer+mlops-engineer --source > my-team.yaml
        workflow: ask
        summary: "Data Engineer, MLOps Engineer answer a task; Project Architect consolidates."

        inputs:
          task:
            type: string
            required: true
            help: What is asked

        steps:
          data-engineer:
            persona: data-engineer
            prompt: |
              Answer the task for your part, as Data Engineer. These colleagues answer it at the same time; none of you sees what the others write:

              - MLOps Engineer (`mlops-engineer`): Operation.

              Leave to them what is theirs. Where your part hangs on theirs, say what you assume of it and what you need from whom.

              Put an id before every contribution that could be kept or dropped by itself, be it a decision, a step, a figure or a warning: DE1, DE2 and so on, without gaps. Afterwards one of the team makes a single answer of all contributions and goes by these ids, so that what has none may get lost.

          mlops-engineer:
            persona: mlops-engineer
            prompt: |
              Answer the task for your part, as MLOps Engineer. These colleagues answer it at the same time; none of you sees what the others write:

              - Data Engineer (`data-engineer`): Pipelines.

              Leave to them what is theirs. Where your part hangs on theirs, say what you assume of it and what you need from whom.

              Put an id before every contribution that could be kept or dropped by itself, be it a decision, a step, a figure or a warning: ME1, ME2 and so on, without gaps. Afterwards one of the team makes a single answer of all contributions and goes by these ids, so that what has none may get lost.

          consolidation:
            persona: project-architect
            needs: [data-engineer, mlops-engineer]
            prompt: |
              Make one answer to the task of what your colleagues contribute. They wrote at the same time and without sight of each other; their contributions are numbered:

              - Data Engineer (`data-engineer`): DE1, DE2, …
              - MLOps Engineer (`mlops-engineer`): ME1, ME2, …

              Begin with the answer itself, whole enough that nobody has to open their documents: what to do, in which order, by whom, with the figures and conditions that hold. Write it anew: their texts one after the other are not wanted. Behind each statement stands the id that it rests on, such as [DE1].

              Then three sections:

              - `## Contributions`: a table with a row for every contribution of every colleague, none left out: persona, id, what became of it, why. It is `kept`; or `merged` with another one, named by its id; or `contested`. A colleague who has set no ids gets a row for each main point, numbered by you in the order of their document.
              - `## Contested`: where two contradict each other, or you contradict one of them: both sides by persona and id, what holds in your answer for now, and what would decide it. Nothing is contested in silence.
              - `## Open`: what nobody has answered, who has to, and what holds until then.

        outputs:
          answer: |
            **Project Architect** on what the others contribute: Data Engineer (DE), MLOps Engineer (ME)

            {{ steps.consolidation.text }}
        "#);
    }

    #[test]
    fn names_and_texts_that_mean_something_in_yaml_or_templates_mean_nothing_here() {
        let roles = [
            role("3d-artist", "3D: \"Artist\" # {{ inputs.task }}", "- [x] {% if %} 'a' | >"),
            role("null", "~", "---"),
            role("consolidation", "Consolidation", ""),
            role("other", "Other", "%TAG"),
        ];
        let roles = roles.map(|role| Role {
            title: role.title.replace('{', "{ "),
            subject: role.subject.replace('{', "{ "),
            ..role
        });
        let plan = plan(&several("ask:x", &roles, &roles[1]));
        let ids: Vec<&str> = plan.steps().iter().map(|step| step.id.as_str()).collect();
        assert_eq!(ids, ["answer-1", "null", "consolidation", "other", "consolidated_answer"]);
    }
}
