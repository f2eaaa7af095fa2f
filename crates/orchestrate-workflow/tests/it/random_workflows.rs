//! Workflows made at random: whatever they say, compiling ends, and a plan is sound.

use std::fmt::Write as _;

use proptest::prelude::*;

use crate::compiled;

/// One step as the generator draws it.
#[derive(Debug, Clone)]
struct Drawn {
    needs: Vec<usize>,
    prints: Option<usize>,
    kind: Kind,
    flow: &'static str,
    optional: bool,
}

/// What a step does, as its keys; `PROMPT` stands for a text that may speak of another step.
#[derive(Debug, Clone, Copy)]
struct Kind {
    keys: &'static str,
    /// Steps that stand within it.
    within: usize,
}

const KINDS: [Kind; 9] = [
    Kind { keys: "persona: data-engineer, prompt: 'PROMPT'", within: 0 },
    Kind { keys: "persona: data-engineer, prompt: 'PROMPT', output: findings", within: 0 },
    Kind {
        keys: "persona: data-engineer, prompt: 'PROMPT', review: { by: data-engineer, rounds: 3, on_fail: approve, if: inputs.deep }",
        within: 0,
    },
    Kind {
        keys: "persona: { choose: { jax: ml-engineer-jax, torch: ml-engineer-pytorch }, by: inputs.engine, otherwise: match }, prompt: 'PROMPT'",
        within: 0,
    },
    Kind { keys: "render: 'PROMPT'", within: 0 },
    Kind { keys: "approve: 'PROMPT', expires: 1h", within: 0 },
    Kind { keys: "workflow: design-review, with: { task: 'PROMPT' }", within: 1 },
    Kind { keys: "steps: { in: { render: 'PROMPT' } }", within: 1 },
    Kind {
        keys: "steps: { in: { persona: data-engineer, prompt: 'PROMPT', for_each: inputs.parts, as: inner }, out: { render: 'x', needs: in, when: always } }",
        within: 2,
    },
];

const FLOWS: [&str; 5] = [
    "",
    ", if: inputs.deep",
    ", when: any",
    ", when: always, if: not inputs.deep",
    ", for_each: inputs.parts, as: part, max_parallel: 2, join: settled",
];

fn drawn(most: usize) -> impl Strategy<Value = Vec<Drawn>> {
    let step = (
        prop::collection::btree_set(0..most, 0..4),
        prop::option::weighted(0.3, 0..most),
        prop::sample::select(KINDS.as_slice()),
        prop_oneof![3 => Just(FLOWS[0]), 2 => prop::sample::select(FLOWS.as_slice())],
        prop::bool::weighted(0.2),
    );
    let step = step.prop_map(|(needs, prints, kind, flow, optional)| Drawn {
        needs: needs.into_iter().collect(),
        prints,
        kind,
        flow,
        optional,
    });
    prop::collection::vec(step, 1..most)
}

/// The file of these steps. Needs mostly lead backwards; every so often one leads on, or nowhere.
fn file(steps: &[Drawn]) -> String {
    let mut text = String::from(
        "workflow: w\ninputs: { deep: { type: boolean, default: true }, parts: { type: list, default: [a, b] }, engine: { type: string, default: jax } }\nsteps:\n",
    );
    for (at, step) in steps.iter().enumerate() {
        let named: Vec<String> = step.needs.iter().map(|need| format!("s{need}")).collect();
        let each = if step.flow.contains("for_each") { "{{ part }} " } else { "" };
        let print =
            step.prints.map(|other| format!("{{{{ steps.s{other}.text }}}}")).unwrap_or_default();
        // `when` is said where there are needs.
        let flow = if step.needs.is_empty() && step.flow.contains("when") { "" } else { step.flow };
        let is_question = step.kind.keys.starts_with("approve");
        let optional = if step.optional && !is_question { ", optional: true" } else { "" };
        let keys = step.kind.keys.replace("PROMPT", &format!("Write {each}{print}."));
        writeln!(text, "  s{at}: {{ {keys}, needs: [{}]{optional}{flow} }}", named.join(", "))
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
        let within: usize = steps.iter().map(|step| step.kind.within).sum();
        prop_assert_eq!(plan.steps().len(), steps.len() + within);
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
        let known = ["cycle", "self-need", "unknown-step", "undeclared-need", "useless-key"];
        for problem in &problems {
            prop_assert!(known.contains(&problem.code), "{:?}", problem);
        }
        prop_assert_eq!(plan.is_none(), orchestrate_core::diagnostic::has_errors(&problems));
    }
}
