//! Drawings of plans.

use orchestrate_core::plan::{Action, Otherwise, Plan};
use orchestrate_report::{drawing, mermaid};
use unicode_width::UnicodeWidthStr;

use super::fixture::{choose, diamond, end_to_end, persona, plan, step};

fn panel() -> Plan {
    let panel = ["structure", "data", "operations", "evidence"];
    let who = ["project-architect", "data-engineer", "mlops-engineer", "data-scientist-stats"];
    let mut steps: Vec<_> =
        panel.iter().zip(who).map(|(id, who)| step(id, &[], persona(who))).collect();
    steps.push(step("verdict", &panel, persona("project-architect")));
    plan("design-review", steps)
}

#[test]
fn a_chain_of_steps_is_drawn_as_a_line() {
    insta::assert_snapshot!(drawing(&end_to_end(), 100), @r"
    1 ─── data        data-engineer
       │
    2 ─── analysis    data-scientist-stats  ← data
       │
    3 ─── model       ml-engineer-pytorch | ml-engineer-tensorflow | ml-engineer-jax  ← analysis
       │              chosen by inputs.framework, otherwise the task
       │
    4 ─── operations  mlops-engineer        ← model
       │
    5 ─── report      data-viz-specialist   ← model, operations
    ");
}

#[test]
fn a_panel_hangs_on_one_branch() {
    insta::assert_snapshot!(drawing(&panel(), 80), @r"
    1 ─┬─ structure   project-architect
       ├─ data        data-engineer
       ├─ operations  mlops-engineer
       ├─ evidence    data-scientist-stats
       │
    2 ─── verdict     project-architect     ← structure, data, operations, evidence
    ");
}

#[test]
fn a_diamond_says_what_each_step_needs() {
    insta::assert_snapshot!(drawing(&diamond(), 80), @r"
    1 ─── data     data-engineer
       │
    2 ─┬─ search   elasticsearch-expert      ← data
       ├─ speed    redis-caching (optional)  ← data
       │
    3 ─── summary  template                  ← search, speed
    ");
}

#[test]
fn a_narrow_terminal_gets_more_lines() {
    insta::assert_snapshot!(drawing(&end_to_end(), 44), @r"
    1 ─── data        data-engineer
       │
    2 ─── analysis    data-scientist-stats
       │              ← data
       │
    3 ─── model       ml-engineer-pytorch |
       │              ml-engineer-tensorflow |
       │              ml-engineer-jax
       │              chosen by
       │              inputs.framework,
       │              otherwise the task
       │              ← analysis
       │
    4 ─── operations  mlops-engineer  ← model
       │
    5 ─── report      data-viz-specialist
                      ← model, operations
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal() {
    let odd = plan(
        "odd",
        vec![
            step("a-step-whose-name-is-much-longer-than-anybody-would-like", &[], persona("x")),
            step(
                "宽",
                &["a-step-whose-name-is-much-longer-than-anybody-would-like"],
                persona("宽宽宽宽宽宽"),
            ),
            step("e\u{1b}[31m", &[], choose(&[("a", "b")], "inputs.x", Otherwise::Fail)),
        ],
    );
    for plan in [end_to_end(), panel(), diamond(), odd] {
        for width in 0..120 {
            let drawing = drawing(&plan, width);
            assert!(!drawing.contains('\u{1b}'));
            for line in drawing.lines() {
                assert!(line.width() <= width, "{width}: {line}");
                assert_eq!(line, line.trim_end());
            }
        }
        let wide = drawing(&plan, 200);
        for step in plan.steps() {
            assert!(
                wide.contains(step.id.as_str()) || step.id.as_str().contains('\u{1b}'),
                "{wide}"
            );
        }
    }
}

#[test]
fn a_drawing_of_many_stages_keeps_its_columns() {
    let ids: Vec<String> = (1..=11).map(|at| format!("s{at}")).collect();
    let steps = ids.iter().enumerate().map(|(at, id)| {
        let needs: Vec<&str> = at.checked_sub(1).map(|at| ids[at].as_str()).into_iter().collect();
        step(id, &needs, persona("tester"))
    });
    let drawing = drawing(&plan("long", steps.collect()), 80);
    let lines: Vec<&str> = drawing.lines().collect();
    assert_eq!(lines[0], " 1 ─── s1   tester");
    assert_eq!(lines[1], "    │");
    assert_eq!(lines[20], "11 ─── s11  tester  ← s10");
}

#[test]
fn mermaid_shows_choice_template_and_optional_steps() {
    insta::assert_snapshot!(mermaid(&end_to_end()), @r#"
    flowchart TD
        s0["data<br/>data-engineer"]
        s1["analysis<br/>data-scientist-stats"]
        s2{{"model<br/>one of, by inputs.framework:<br/>ml-engineer-pytorch<br/>ml-engineer-tensorflow<br/>ml-engineer-jax<br/>otherwise by the task"}}
        s3["operations<br/>mlops-engineer"]
        s4["report<br/>data-viz-specialist"]
        s0 --> s1
        s1 --> s2
        s2 --> s3
        s2 --> s4
        s3 --> s4
    "#);
    insta::assert_snapshot!(mermaid(&diamond()), @r#"
    flowchart TD
        s0["data<br/>data-engineer"]
        s1["search<br/>elasticsearch-expert"]
        s2["speed<br/>redis-caching"]
        s3[/"summary<br/>template"/]
        s0 --> s1
        s0 --> s2
        s1 --> s3
        s2 -.-> s3
        classDef optional stroke-dasharray: 5 5
        class s2 optional
    "#);
}

#[test]
fn a_label_cannot_break_out_of_its_node() {
    let hostile =
        plan("x", vec![step("a\"]; click s0 \"javascript:x", &[], Action::Render(String::new()))]);
    let text = mermaid(&hostile);
    assert_eq!(text.lines().count(), 2, "{text}");
    assert_eq!(text.matches('"').count(), 2, "{text}");
    assert!(text.contains("a#34;#93;#59; click s0 #34;javascript#58;x"), "{text}");
}
