//! How the time to compile a workflow grows with its steps: 10,000 against 1,000.
//!
//! Prints both times and their ratio. A ratio far above ten means that compiling is not linear any more, and
//! the program ends with an error.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]
#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::{
    fmt::Write as _,
    sync::Arc,
    time::{Duration, Instant},
};

use orchestrate_core::diagnostic::Source;
use orchestrate_workflow::{Catalogue, compile};

/// Ten times the steps may take so much longer: caches and the allocator have their say.
const MOST: f64 = 25.0;
/// Of several measurements the shortest counts: whatever else the machine does only adds to it.
const TIMES: usize = 5;

struct Anybody;

impl Catalogue for Anybody {
    fn has_persona(&self, _name: &str) -> bool {
        true
    }

    fn persona_names(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A workflow whose steps need two before them, print one, and save a file each.
fn workflow(steps: usize) -> Arc<Source> {
    let mut text = String::from("workflow: large\ninputs: { task: string }\nsteps:\n");
    for at in 0..steps {
        let (one, two) = (at / 2, at / 3);
        writeln!(text, "  s{at}:\n    persona: data-engineer\n    save: out/s{at}.md")
            .expect("a String");
        if at > 0 {
            let needs = if one == two { format!("[s{one}]") } else { format!("[s{one}, s{two}]") };
            writeln!(
                text,
                "    needs: {needs}\n    prompt: |\n      Go on from {{{{ steps.s{one}.text }}}}.\n      {{% if inputs.task %}}{{{{ inputs.task }}}}{{% endif %}}"
            )
            .expect("a String");
        }
    }
    Source::new("large.yaml", text)
}

fn shortest(source: &Arc<Source>, steps: usize) -> Duration {
    let once = || {
        let start = Instant::now();
        let (plan, problems) = compile(source, &Anybody);
        let time = start.elapsed();
        assert_eq!(plan.map(|plan| plan.steps().len()), Some(steps), "{problems:?}");
        time
    };
    (0..TIMES).map(|_| once()).min().unwrap_or_default()
}

fn main() -> std::process::ExitCode {
    let [small, large] = [1_000, 10_000].map(|steps| {
        let source = workflow(steps);
        let time = shortest(&source, steps);
        println!("{steps:>6} steps, {:>7} bytes: {time:?}", source.text.len());
        time
    });
    let ratio = large.as_secs_f64() / small.as_secs_f64();
    println!("ratio {ratio:.1}, at most {MOST}");
    if ratio > MOST { std::process::ExitCode::FAILURE } else { std::process::ExitCode::SUCCESS }
}
