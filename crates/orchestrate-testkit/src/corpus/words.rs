//! The words that all generated texts are made of.

use super::dice::Dice;

const VERBS: &[&str] = &[
    "Weighs",
    "Traces",
    "Prunes",
    "Sketches",
    "Measures",
    "Untangles",
    "Names",
    "Rehearses",
    "Guards",
    "Compares",
    "Narrows",
    "Questions",
    "Charts",
    "Mends",
    "Sorts",
    "Drafts",
    "Probes",
    "Counts",
    "Explains",
    "Retires",
    "Splits",
    "Joins",
    "Warms",
    "Audits",
    "Renames",
    "Indexes",
    "Samples",
    "Replays",
    "Budgets",
    "Simplifies",
    "Reviews",
    "Documents",
    "Stages",
    "Isolates",
    "Balances",
    "Profiles",
    "Anchors",
    "Schedules",
    "Inspects",
    "Translates",
];
const QUALITIES: &[&str] = &[
    "quiet",
    "brittle",
    "shared",
    "nightly",
    "forgotten",
    "narrow",
    "slow",
    "public",
    "frozen",
    "nested",
    "partial",
    "stale",
    "loud",
    "early",
    "costly",
    "hidden",
    "remote",
    "plain",
    "crowded",
    "fragile",
    "steady",
    "borrowed",
    "hourly",
    "legacy",
    "typed",
    "sparse",
    "regional",
    "manual",
    "idle",
    "signed",
    "rough",
    "careful",
    "local",
    "wide",
    "lonely",
    "patient",
    "cached",
    "dense",
    "thin",
    "first",
];
const THINGS: &[&str] = &[
    "ledger",
    "migration",
    "queue",
    "schema",
    "dashboard",
    "release",
    "harbour map",
    "cache",
    "backlog",
    "contract",
    "pipeline",
    "alert",
    "rollback",
    "interview",
    "invoice",
    "glossary",
    "index",
    "prototype",
    "deadline",
    "test bench",
    "handover",
    "budget",
    "forecast",
    "sensor",
    "lock file",
    "storyboard",
    "endpoint",
    "checklist",
    "query plan",
    "deployment",
    "archive",
    "translation",
    "notebook",
    "webhook",
    "shader",
    "inventory",
    "playbook",
    "threat model",
    "roadmap",
    "data set",
    "compiler warning",
    "time series",
    "landing page",
    "memory dump",
    "access list",
];
const MOMENTS: &[&str] = &[
    "before the harbour opens",
    "after every merge",
    "while the team sleeps",
    "when nobody has asked",
    "in small steps",
    "against last week's figures",
    "with the people who own it",
    "until two readings agree",
    "on the oldest machine",
    "within one working day",
    "without stopping the service",
    "from the outside in",
    "as if it were for sale",
    "next to the written plan",
    "once a quarter",
    "with a stopwatch in hand",
    "in the words of the customer",
    "at the smallest useful size",
    "during the first hour",
    "behind a switch",
    "from memory and then from the source",
    "in front of a sceptic",
    "for the next shift",
    "on paper first",
    "across three regions",
    "by its weakest part",
];
const CRAFTS: &[&str] = &[
    "engineer",
    "reviewer",
    "analyst",
    "writer",
    "planner",
    "tester",
    "architect",
    "tuner",
    "mentor",
    "auditor",
    "clerk",
    "designer",
    "operator",
    "scout",
    "editor",
    "surveyor",
];
const FIELDS: &[&str] = &[
    "payments",
    "search",
    "mobile",
    "compiler",
    "network",
    "storage",
    "game",
    "climate",
    "legal",
    "release",
    "docs",
    "frontend",
    "backend",
    "kernel",
    "hiring",
    "tax",
    "survey",
    "robotics",
    "audio",
    "database",
    "security",
    "privacy",
    "pricing",
    "onboarding",
    "telemetry",
    "graphics",
    "genomics",
    "logistics",
    "incident",
    "accessibility",
    "crawler",
    "scheduler",
    "embedded",
    "fraud",
    "library",
    "harvest",
];
/// Headings that bodies are given, known to the readers and not.
const HEADINGS: &[&str] = &[
    "Responsibilities",
    "Core Expertise",
    "Approach",
    "Core Principles",
    "Communication Style",
    "Knowledge Base",
    "Output Format",
    "Limitations",
    "Working Agreements",
    "Questions to Ask First",
    "Quality Checklist",
    "Tool Belt",
    "Handover Notes",
    "Warning Signs",
    "Behavioral Traits",
    "Response Approach",
    "Reading List",
    "Common Mistakes",
];

/// A sentence without a full stop and without anything that a format could take for a mark of its own.
pub(super) fn phrase(dice: &mut Dice) -> String {
    let (verb, quality, thing) = (dice.pick(VERBS), dice.pick(QUALITIES), dice.pick(THINGS));
    let (other, moment) = (dice.pick(THINGS), dice.pick(MOMENTS));
    match dice.below(4) {
        0 => format!("{verb} the {quality} {thing} {moment}"),
        1 => format!("{verb} each {thing} beside the {quality} {other}"),
        2 => {
            format!("{verb} the {thing}, the {quality} {other} and what depends on both, {moment}")
        }
        _ => format!("{verb} a {quality} {thing} {moment}, never the {other} alone"),
    }
}

/// A paragraph of sentences.
pub(super) fn paragraph(dice: &mut Dice, sentences: usize) -> String {
    (0..sentences).map(|_| phrase(dice) + ".").collect::<Vec<_>>().join(" ")
}

/// The words of a role, in small letters.
pub(super) fn role(dice: &mut Dice) -> [&'static str; 3] {
    [dice.pick(QUALITIES), dice.pick(FIELDS), dice.pick(CRAFTS)]
}

/// Different headings for the sections of one file; the numbered ones are beyond what anybody needs.
pub(super) fn headings(dice: &mut Dice, count: usize) -> Vec<String> {
    let mut order: Vec<&str> = HEADINGS.to_vec();
    dice.shuffle(&mut order);
    (0..count)
        .map(|at| match at / order.len() {
            0 => order[at].to_owned(),
            round => format!("{} {}", order[at % order.len()], round + 1),
        })
        .collect()
}

/// The text with its first letter made a capital.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
