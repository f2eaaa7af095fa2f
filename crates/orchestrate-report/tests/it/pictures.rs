//! Pictures of plans: DOT and SVG.

use orchestrate_core::plan::Action;
use orchestrate_report::{dot, svg};

use super::fixture::{diamond, end_to_end, persona, plan, step};

#[test]
fn dot_shows_boxes_ranks_and_what_is_optional() {
    insta::assert_snapshot!(dot(&diamond()), @r##"
    digraph "diamond" {
        node [shape=box, fontname="monospace"];
        s0 [label="data\ndata-engineer"];
        s1 [label="search\nelasticsearch-expert"];
        s2 [label="speed\nredis-caching\n(optional)", style=dashed];
        s3 [label="summary\ntemplate"];
        { rank=same; s1; s2; }
        s0 -> s1;
        s0 -> s2;
        s1 -> s3;
        s2 -> s3 [style=dashed];
    }
    "##);
}

#[test]
fn svg_is_laid_out_by_stages_and_the_same_every_time() {
    insta::assert_snapshot!(svg(&diamond()), @r##"
    <svg xmlns="http://www.w3.org/2000/svg" width="380" height="294" viewBox="0 0 380 294" role="img" font-family="ui-monospace, monospace" font-size="13">
    <title>diamond</title>
    <defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto"><path d="M0 0L8 4L0 8z" fill="#555"/></marker></defs>
    <rect width="380" height="294" fill="#fff"/>
    <path d="M190 68C190 91 112 91 112 114" fill="none" stroke="#555" marker-end="url(#tip)"/>
    <path d="M190 68C190 91 296 91 296 114" fill="none" stroke="#555" marker-end="url(#tip)"/>
    <path d="M112 162C112 194 190 194 190 226" fill="none" stroke="#555" marker-end="url(#tip)"/>
    <path d="M296 180C296 203 190 203 190 226" fill="none" stroke="#555" marker-end="url(#tip)" stroke-dasharray="5 4"/>
    <rect x="126" y="20" width="128" height="48" rx="5" fill="#f6f8fa" stroke="#555"/>
    <text x="190" y="39" text-anchor="middle" fill="#222" font-weight="bold">data</text>
    <text x="190" y="57" text-anchor="middle" fill="#222">data-engineer</text>
    <rect x="20" y="114" width="184" height="48" rx="5" fill="#f6f8fa" stroke="#555"/>
    <text x="112" y="133" text-anchor="middle" fill="#222" font-weight="bold">search</text>
    <text x="112" y="151" text-anchor="middle" fill="#222">elasticsearch-expert</text>
    <rect x="232" y="114" width="128" height="66" rx="5" fill="#f6f8fa" stroke="#555" stroke-dasharray="5 4"/>
    <text x="296" y="133" text-anchor="middle" fill="#222" font-weight="bold">speed</text>
    <text x="296" y="151" text-anchor="middle" fill="#222">redis-caching</text>
    <text x="296" y="169" text-anchor="middle" fill="#222">(optional)</text>
    <rect x="146" y="226" width="88" height="48" rx="5" fill="#f6f8fa" stroke="#555"/>
    <text x="190" y="245" text-anchor="middle" fill="#222" font-weight="bold">summary</text>
    <text x="190" y="263" text-anchor="middle" fill="#222">template</text>
    </svg>
    "##);
    assert_eq!(svg(&end_to_end()), svg(&end_to_end()));
}

/// The numbers of an attribute, in order.
fn numbers(picture: &str, attribute: &str) -> Vec<usize> {
    let begin = format!(" {attribute}=\"");
    let parts = picture.split(&begin).skip(1);
    parts.filter_map(|part| part.split('"').next()?.parse().ok()).collect()
}

#[test]
fn no_box_lies_on_another_and_all_lie_within_the_picture() {
    let mut steps = vec![step("a", &[], persona("x"))];
    for at in 0..7 {
        steps.push(step(&format!("b{at}"), &["a"], persona("somebody-with-a-longer-name")));
    }
    steps.push(step("c", &["b3"], persona("y")));
    steps.push(step("d", &["a", "b6", "c"], persona("z")));
    let picture = svg(&plan("wide", steps));
    let boxes: Vec<(usize, usize, usize, usize)> = picture
        .lines()
        .filter(|line| line.contains("rx="))
        .map(|line| {
            let one = |name| numbers(line, name)[0];
            (one("x"), one("y"), one("width"), one("height"))
        })
        .collect();
    assert_eq!(boxes.len(), 10);
    let (width, height) = (numbers(&picture, "width")[0], numbers(&picture, "height")[0]);
    for (at, &(x, y, w, h)) in boxes.iter().enumerate() {
        assert!(x + w <= width && y + h <= height);
        for &(x2, y2, w2, h2) in &boxes[at + 1..] {
            let apart = x + w < x2 || x2 + w2 < x || y + h < y2 || y2 + h2 < y;
            assert!(apart, "{picture}");
        }
    }
}

#[test]
fn no_name_can_break_out_of_its_picture() {
    let hostile = "</text><script>alert(1)</script>\"'&\u{1b}[31m\\";
    let plan = plan(hostile, vec![step(hostile, &[], Action::Render(String::new()))]);
    let picture = svg(&plan);
    assert!(!picture.contains("<script") && !picture.contains('\u{1b}'), "{picture}");
    let text = dot(&plan);
    assert_eq!(text.lines().count(), 4, "{text}");
    assert!(!text.contains('\u{1b}') && text.contains("\\\"") && text.contains("\\\\\""), "{text}");
}

#[test]
fn a_plan_of_many_steps_is_drawn_in_time_that_grows_with_it() {
    let names: Vec<String> = (0..3_000).map(|at| format!("s{at}")).collect();
    let steps = names.iter().enumerate().map(|(at, name)| {
        let mut needs: Vec<&str> =
            at.checked_sub(1).map(|at| names[at].as_str()).into_iter().collect();
        if at > 1 {
            needs.push("s0");
        }
        step(name, &needs, persona("x"))
    });
    let picture = svg(&plan("long", steps.collect()));
    assert_eq!(picture.matches("rx=").count(), 3_000);
    assert!(picture.len() < 6 << 20, "{}", picture.len());
}
