//! Pictures of plans: DOT and SVG.

use orchestrate_core::plan::Action;
use orchestrate_report::{dot, svg};

use super::fixture::{diamond, end_to_end, persona, plan, step};

#[test]
fn dot_shows_boxes_ranks_and_what_is_optional() {
    insta::assert_snapshot!(dot(&diamond()), @"");
}

#[test]
fn svg_is_laid_out_by_stages_and_the_same_every_time() {
    insta::assert_snapshot!(svg(&diamond()), @"");
    assert_eq!(svg(&end_to_end()), svg(&end_to_end()));
}

/// The numbers of an attribute, in order.
fn numbers(picture: &str, attribute: &str) -> Vec<usize> {
    let parts = picture.split(&format!(" {attribute}=\"")).skip(1);
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
