//! `budget:`: what a run may use, and what is said of a wrong one.

use orchestrate_core::budget::{Budget, Limits, Relief};

use crate::{compiled, shown};

fn file(budget: &str) -> String {
    format!("workflow: w\nbudget: {budget}\nsteps: {{ a: {{ persona: data-engineer }} }}\n")
}

#[track_caller]
fn budget(text: &str) -> Budget {
    let (plan, problems) = compiled(&file(text));
    plan.unwrap_or_else(|| panic!("{}", shown(&problems))).budget().clone()
}

#[test]
fn a_budget_is_read_exactly() {
    let all =
        budget("{ usd: 0.35, tokens: 400000, calls: 40, wall: 1.5h, on_reached: skip-optional }");
    let limits = Limits {
        max_calls: Some(40),
        max_tokens: Some(400_000),
        max_cost: Some("0.35".parse().unwrap()),
        max_wall_ms: Some(5_400_000),
        allow_unpriced: false,
    };
    assert_eq!(all, Budget { limits, on_reached: vec![Relief::SkipOptional] });
    let ladder = |text: &str| budget(&format!("{{ usd: 1, on_reached: {text} }}")).on_reached;
    assert_eq!(ladder("stop"), []);
    assert_eq!(ladder("[cheaper, brief]"), [Relief::Cheaper, Relief::Brief]);
    assert_eq!(ladder("[brief, cheaper, skip-optional, stop]"), Relief::ALL);
    assert_eq!(budget("{ wall: 30d }").limits.max_wall_ms, Some(2_592_000_000));
    let plain = compiled("workflow: w\nsteps: { a: { persona: data-engineer } }\n").0.unwrap();
    assert_eq!(*plain.budget(), Budget::default());
    assert!(!plain.to_json().contains("budget"), "plans without one stay as they were");
}

#[test]
fn a_wrong_budget_is_told_with_its_place() {
    let dollars = "write dollars as a plain number, such as `5` or `0.25`";
    for (text, told, help) in [
        ("five", "must be an amount of US dollars, not a text", dollars),
        ("-1", "must be an amount of US dollars, not a number", dollars),
        ("0", "is more than nothing", dollars),
        ("2000000", "is at most a million dollars", dollars),
        ("[5]", "must be an amount of US dollars, not a list", dollars),
    ] {
        let (plan, problems) = compiled(&file(&format!("{{ usd: {text} }}")));
        assert!(plan.is_none(), "{text}");
        let shown = shown(&problems);
        assert!(shown.contains(&format!("`usd` {told}\n  help: {help}\n")), "{shown}");
        assert!(shown.contains(" 2:16 "), "{shown}");
    }
    for (text, told) in [
        ("5", "`budget` must be a map"),
        ("{ tokens: 0 }", "`tokens` is a whole number from 1 to 4000000000, not 0"),
        ("{ calls: many }", "`calls` must be a whole number"),
        ("{ wall: 30 }", "`wall` is a length of time, and `30` is none"),
        ("{ wall: 0.5s }", "`wall` is between 1s and 30d"),
        ("{ usd: 1, on_reached: skip-optionl }", "help: did you mean `skip-optional`?"),
        ("{ wall: 1m, on_reached: stop }", "`on_reached` says what happens at a cap on money"),
        ("{ usd: 1, on_reached: [stop, brief] }", "`stop` comes last"),
        ("{ usd: 1, on_reached: [brief, brief] }", "`brief` stands here twice"),
        ("{ usd: 1, on_reached: [breif] }", "help: did you mean `brief`?"),
        (
            "{ calls: 1, on_reached: brief }",
            "`brief` saves money and tokens, and that is not capped",
        ),
        ("{ tokens: 9, on_reached: [brief, cheaper] }", "help: add `usd`, or remove it"),
        ("{ eur: 5 }", "`budget` has no key `eur`"),
    ] {
        let (plan, problems) = compiled(&file(text));
        assert!(plan.is_none(), "{text}");
        assert!(shown(&problems).contains(told), "{}", shown(&problems));
    }
}
