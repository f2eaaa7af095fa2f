//! A plan in the DOT language of Graphviz.

use std::fmt::Write as _;

use orchestrate_core::{neutral, plan::Plan};

use crate::node;

/// The plan as a directed graph: a box for each step, dashed where it is optional, and an arrow from each
/// need. Steps of one stage stand on one rank.
pub fn dot(plan: &Plan) -> String {
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(text, "digraph {} {{", quoted(&neutral::one_line(plan.workflow())));
    text.push_str("    node [shape=box, fontname=\"monospace\"];\n");
    for (at, step) in plan.steps().iter().enumerate() {
        let lines: Vec<String> = node::lines(step).iter().map(|line| escaped(line)).collect();
        let style = if step.optional { ", style=dashed" } else { "" };
        let _ = writeln!(text, "    s{at} [label=\"{}\"{style}];", lines.join("\\n"));
    }
    for stage in plan.stages().iter().filter(|stage| stage.len() > 1) {
        let names: Vec<String> = stage.iter().map(|at| format!("s{at}")).collect();
        let _ = writeln!(text, "    {{ rank=same; {}; }}", names.join("; "));
    }
    for at in 0..plan.steps().len() {
        for need in plan.drawn_before(at) {
            let style = if plan.steps()[need].optional { " [style=dashed]" } else { "" };
            let _ = writeln!(text, "    s{need} -> s{at}{style};");
        }
    }
    text.push_str("}\n");
    text
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text))
}

/// A text within quotes: neither an end of it nor an escape of DOT can be made of it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}
