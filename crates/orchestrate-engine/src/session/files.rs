//! The names of the files that a run writes, and steps whose files would meet.

use std::{collections::BTreeMap, ops::Range, sync::Arc};

use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    ids::StepPath,
    plan::Plan,
};

/// Files that every run writes beside its deliverables.
const OF_THE_RUN: [&str; 3] = ["report.md", "OFFLINE.md", "REPLAY.md"];

/// The file of a step that names none: its number in the plan and its name.
pub(super) fn numbered(plan: &Plan, at: usize) -> String {
    format!("{}.md", number_and_name(plan, at))
}

fn number_and_name(plan: &Plan, at: usize) -> String {
    let width = plan.steps().len().to_string().len();
    format!("{:0width$}-{}", at + 1, plan.steps()[at].id.as_str().replace('/', "-"))
}

/// The file of one instance: that of the step, and for the items of a fan-out the same name with their
/// numbers, or with their numbers in a folder of that name.
pub(super) fn file_of(plan: &Plan, at: usize, instance: &StepPath) -> String {
    let numbers: Vec<String> = instance.numbers().iter().map(ToString::to_string).collect();
    let numbers = numbers.join("-");
    match &plan.steps()[at].save {
        Some(save) if numbers.is_empty() => save.clone(),
        Some(save) => match save.rsplit_once('.') {
            Some((stem, ending)) if !ending.contains('/') => format!("{stem}-{numbers}.{ending}"),
            _ => format!("{save}-{numbers}"),
        },
        None if numbers.is_empty() => numbered(plan, at),
        None => format!("{}/{numbers}.md", number_and_name(plan, at)),
    }
}

/// Errors for every `save` whose file cannot be there beside the run's other files: it is one of them,
/// or one would have to be a folder. Upper and lower case do not count, since many file systems do not
/// tell them apart.
pub(super) fn colliding_files(plan: &Plan, source: &Arc<Source>) -> Vec<Diagnostic> {
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for name in OF_THE_RUN {
        taken.insert(name.to_lowercase(), "a file that every run writes".into());
    }
    for (at, step) in plan.steps().iter().enumerate().filter(|(_, step)| step.save.is_none()) {
        taken.insert(numbered(plan, at).to_lowercase(), format!("the file of step `{}`", step.id));
        if plan.repeats(at) {
            let folder = number_and_name(plan, at).to_lowercase();
            taken.insert(folder, format!("the folder of the items of step `{}`", step.id));
        }
    }
    let saves = || plan.steps().iter().filter_map(|step| Some((step, step.save.as_deref()?)));
    for (step, save) in saves() {
        // The compiler reports two steps with one file.
        taken
            .entry(save.to_lowercase())
            .or_insert_with(|| format!("the file of step `{}`", step.id));
    }
    let mut found = Vec::new();
    for (step, save) in saves() {
        let own = format!("the file of step `{}`", step.id);
        let ends = save.match_indices('/').map(|(at, _)| at).chain([save.len()]);
        let clash = ends.map(|end| &save[..end]).find_map(|name| {
            let other = taken.get(&name.to_lowercase())?;
            (*other != own).then_some((name, other))
        });
        let Some((name, other)) = clash else { continue };
        let message = format!("step `{}` saves `{save}`, and `{name}` is {other}", step.id);
        let mut diagnostic = Diagnostic::error("file-collision", message)
            .help("give the step a file with another name");
        if let Some(span) = place(&source.text, step.id.as_str(), save) {
            diagnostic = diagnostic.at(source, span, "");
        }
        found.push(diagnostic);
    }
    found
}

/// Where `save` stands in the step `id`. A plan holds no places, and no other value of `save` is the
/// same, so its first mention after the step's name is the one.
fn place(text: &str, id: &str, save: &str) -> Option<Range<usize>> {
    let name = id.rsplit('/').next().unwrap_or(id);
    let from = text.find(&format!("{name}:")).unwrap_or_default();
    let (key, _) = text[from..].match_indices("save").find(|(at, _)| {
        let value =
            text[from + at + "save".len()..].trim_start_matches(['"', '\'', ' ', '\t', ':']);
        let rest = value.strip_prefix(save);
        // The path ends here: another step's may begin like it.
        rest.is_some_and(|rest| {
            !rest.starts_with(|c: char| c.is_alphanumeric() || "/.-_".contains(c))
        })
    })?;
    let start = from + key + text[from + key..].find(save)?;
    Some(start..start + save.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_found_in_its_own_step() {
        let text = "a: { save: notes/d.md }\nb: { save: 'notes' } # save\nc:\n  save: save\n";
        for (id, save) in [("a", "notes/d.md"), ("b", "notes"), ("c", "save")] {
            let span = place(text, id, save).expect("it is there");
            assert_eq!(&text[span.clone()], save);
            assert_eq!(
                text[..span.start].matches('\n').count(),
                match id {
                    "a" => 0,
                    "b" => 1,
                    _ => 3,
                }
            );
        }
        assert_eq!(place(text, "a", "other.md"), None);
    }
}
