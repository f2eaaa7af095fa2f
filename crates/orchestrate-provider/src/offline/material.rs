//! What a persona's own text offers for a worksheet, with something sensible where it offers nothing.

use orchestrate_core::{
    brief::Figure,
    persona::{Metric, Persona},
};

/// Value of every figure of a worksheet.
pub(super) const NOT_MEASURED: &str = "not measured";

/// A heading of the deliverable and what it contains.
pub(super) struct Heading {
    pub(super) title: String,
    pub(super) content: String,
}

/// The questions the persona asks first.
pub(super) fn questions(persona: &Persona) -> Vec<String> {
    let asked = items(persona, "Approach", "Ask first");
    if !asked.is_empty() {
        return asked;
    }
    [
        "What must be true for this task to count as done, and who decides that?",
        "What exists already: systems, data, documents, earlier decisions?",
        "Which limits are fixed: time, money, people, law?",
        "Who works with the result, and what do they need it for?",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// The steps of the persona's way of working.
pub(super) fn steps(persona: &Persona) -> Vec<String> {
    let steps = items(persona, "Approach", "Work");
    if !steps.is_empty() {
        return steps;
    }
    persona.section("Approach").map(|section| section.items(None)).unwrap_or_default()
}

/// The headings of the persona's deliverable.
pub(super) fn headings(persona: &Persona) -> Vec<Heading> {
    let listed = items(persona, "Output", "Deliverable");
    let listed = if listed.is_empty() {
        persona.section("Output").map(|section| section.items(None)).unwrap_or_default()
    } else {
        listed
    };
    if !listed.is_empty() {
        return listed.iter().map(|item| heading(item)).collect();
    }
    let mut headings = vec![heading(
        "**Understanding of the task** — what is asked, for whom, within which limits",
    )];
    headings.extend(persona.capabilities.iter().take(6).map(|capability| Heading {
        title: capability.trim_end_matches('.').to_owned(),
        content: "what the task needs of this, or why it needs none".into(),
    }));
    headings
        .push(heading("**Decisions** — each with its reason and the option it was preferred to"));
    headings
        .push(heading("**Risks and open points** — what may go wrong, and who must answer what"));
    headings
}

/// Reads `**Heading** — content`, with any of the usual dashes or a colon.
fn heading(item: &str) -> Heading {
    if let Some((title, rest)) = item.strip_prefix("**").and_then(|rest| rest.split_once("**")) {
        let content = rest.trim_start_matches([' ', '—', '–', '-', ':']);
        let title = title.trim_end_matches([':', '.']);
        return Heading { title: title.trim().into(), content: content.trim().into() };
    }
    let (title, content) = split_dash(item);
    Heading { title: title.into(), content: content.into() }
}

/// The figures the persona establishes, none of them known yet.
pub(super) fn figures(persona: &Persona) -> Vec<Figure> {
    let mut figures: Vec<Figure> =
        items(persona, "Output", "Figures").iter().map(|item| figure(item)).collect();
    for metric in &persona.metrics {
        let name = metric.name.as_deref().unwrap_or(&metric.id);
        if metric.value.is_some() && !figures.iter().any(|figure| figure.name == name) {
            figures.push(Figure {
                name: name.into(),
                value: NOT_MEASURED.into(),
                unit: metric.unit.clone().unwrap_or_default(),
                basis: format!("target: {}", target(metric)),
            });
        }
    }
    figures
}

/// Reads `name (unit) — how it is obtained`.
fn figure(item: &str) -> Figure {
    let (head, how) = split_dash(item);
    let (name, unit) = match head.strip_suffix(')').and_then(|head| head.rsplit_once('(')) {
        Some((name, unit)) => (name.trim(), unit.trim()),
        None => (head, ""),
    };
    Figure {
        name: name.trim_matches('*').into(),
        value: NOT_MEASURED.into(),
        unit: unit.into(),
        basis: how.into(),
    }
}

/// A metric's threshold in words: `<= 200 ms`.
fn target(metric: &Metric) -> String {
    let value = metric.value.map(|value| value.to_string()).unwrap_or_default();
    let parts =
        [metric.op.as_deref().unwrap_or("="), &value, metric.unit.as_deref().unwrap_or_default()];
    let mut text =
        parts.iter().filter(|part| !part.is_empty()).copied().collect::<Vec<_>>().join(" ");
    if let Some(base) = &metric.relative_to {
        text.push_str(" relative to ");
        text.push_str(base);
    }
    text
}

/// Gates and metrics as lines to tick off.
pub(super) fn checks(persona: &Persona) -> Vec<String> {
    let gates = persona.gates.iter().map(|gate| {
        let optional = if gate.required { "" } else { " (wanted, not required)" };
        format!("{}: {}{optional}", gate.id, gate.check)
    });
    let metrics = persona.metrics.iter().map(|metric| format!("{}: {}", metric.id, metric.text));
    gates.chain(metrics).collect()
}

/// What the persona refuses or passes on.
pub(super) fn limits(persona: &Persona) -> Vec<String> {
    persona.section("Limits").map(|section| section.items(None)).unwrap_or_default()
}

/// What whoever comes next needs.
pub(super) fn handing_over(persona: &Persona) -> Vec<String> {
    let listed = items(persona, "Output", "Handing over");
    if !listed.is_empty() {
        return listed;
    }
    let known = persona.collaborates_with.iter().filter_map(|other| {
        Some(format!("`{}` works with this on: {}", other.persona, other.purpose.as_deref()?))
    });
    known.collect()
}

fn items(persona: &Persona, section: &str, heading: &str) -> Vec<String> {
    persona.section(section).map(|section| section.items(Some(heading))).unwrap_or_default()
}

/// Splits at the first dash that stands between spaces.
fn split_dash(item: &str) -> (&str, &str) {
    let found = [" — ", " – ", " - "]
        .iter()
        .filter_map(|dash| item.split_once(dash))
        .min_by_key(|(head, _)| head.len());
    let (head, rest) = found.unwrap_or((item, ""));
    (head.trim(), rest.trim())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_read_with_unit_and_origin() {
        let read = figure("Ingest volume (rows/day) — counts over 30 days - else assumed");
        assert_eq!(
            (read.name.as_str(), read.unit.as_str(), read.basis.as_str()),
            ("Ingest volume", "rows/day", "counts over 30 days - else assumed")
        );
        assert_eq!(figure("p99").to_line(), "p99: not measured");
    }

    #[test]
    fn a_heading_is_read_with_its_content() {
        let read = heading("**Sources and flow** — every hop");
        assert_eq!((read.title.as_str(), read.content.as_str()), ("Sources and flow", "every hop"));
        let read = heading("Plan - in weeks");
        assert_eq!((read.title.as_str(), read.content.as_str()), ("Plan", "in weeks"));
    }
}
