//! Workflows made at random: whatever they say, compiling ends, and a plan is sound.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::compiled;

/// One step as the generator draws it.
#[derive(Debug, Clone)]
struct Drawn {
    needs: Vec<usize>,
    prints: Option<usize>,
    is_template: bool,
    calls: bool,
    optional: bool,
}

fn drawn(most: usize) -> impl Strategy<Value = Vec<Drawn>> {
    let step = (
        prop::collection::btree_set(0..most, 0..4),
        prop::option::weighted(0.3, 0..most),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.15),
        prop::bool::weighted(0.2),
    );
    let step = step.prop_map(|(needs, prints, is_template, calls, optional)| Drawn {
        needs: needs.into_iter().collect(),
        prints,
        is_template,
        calls,
        optional,
    });
    prop::collection::vec(step, 1..most)
}

/// The file of these steps. Needs mostly lead backwards; every so often one leads on, or nowhere.
fn file(steps: &[Drawn]) -> String {
    let mut text = String::from("workflow: w\nsteps:\n");
    for (at, step) in steps.iter().enumerate() {
        let named: Vec<String> = step.needs.iter().map(|need| format!("s{need}")).collect();
        let print =
            step.prints.map(|other| format!("{{{{ steps.s{other}.text }}}}")).unwrap_or_default();
        let (kind, end) = match (step.calls, step.is_template) {
            (true, _) => ("workflow: design-review, with: { task", " }"),
            (false, true) => ("render", ""),
            (false, false) => ("persona: data-engineer, prompt", ""),
        };
        writeln!(
            text,
            "  s{at}: {{ {kind}: 'Write it. {print}'{end}, needs: [{}], optional: {} }}",
            named.join(", "),
            step.optional
        )
        .expect("a String takes all");
    }
    text
}

/// Steps whose needs all lead backwards.
fn backwards(mut steps: Vec<Drawn>) -> Vec<Drawn> {
    for (at, step) in steps.iter_mut().enumerate() {
        step.needs.retain(|need| *need < at);
        step.prints = step.prints.filter(|other| *other < at);
    }
    steps
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_has_every_need_in_an_earlier_stage_and_nothing_is_lost(steps in drawn(12)) {
        let text = file(&backwards(steps.clone()));
        let (plan, problems) = compiled(&text);
        let plan = plan.ok_or_else(|| TestCaseError::fail(format!("{text}\n{problems:?}")))?;
        let called = steps.iter().filter(|step| step.calls).count();
        prop_assert_eq!(plan.steps().len(), steps.len() + called);
        let mut stage_of = vec![usize::MAX; plan.steps().len()];
        for (stage, positions) in plan.stages().iter().enumerate() {
            for &at in positions {
                prop_assert_eq!(stage_of[at], usize::MAX, "a step stands in one stage");
                stage_of[at] = stage;
            }
        }
        for at in 0..plan.steps().len() {
            prop_assert!(stage_of[at] < usize::MAX);
            prop_assert_eq!(plan.needs(at).len(), plan.steps()[at].needs.len());
            for &need in plan.needs(at) {
                prop_assert!(stage_of[need] < stage_of[at]);
            }
        }
        prop_assert_eq!(compiled(&text).0.map(|again| again.digest()), Some(plan.digest()));
    }

    #[test]
    fn needs_in_any_direction_give_a_plan_or_the_reason_why_not(steps in drawn(9)) {
        let (plan, problems) = compiled(&file(&steps));
        let known = ["cycle", "self-need", "unknown-step", "undeclared-need"];
        for problem in &problems {
            prop_assert!(known.contains(&problem.code), "{:?}", problem);
        }
        prop_assert_eq!(plan.is_none(), orchestrate_core::diagnostic::has_errors(&problems));
    }
}
