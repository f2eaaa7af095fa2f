//! What the workflow language accepts, refuses and renders.

mod approvals;
mod budget;
mod flow;
mod inputs;
mod language;
mod limits;
mod mistakes;
mod needs;
mod outputs;
mod plans;
mod random_workflows;
mod rendering;
mod structured;
mod sub_workflows;
mod test_files;
mod written_out;
mod wrong_flow;
mod wrong_references;
mod wrong_values;
mod wrong_yaml;

use std::{fmt::Write as _, sync::Arc};

use orchestrate_core::{
    diagnostic::{Diagnostic, Source},
    plan::Plan,
};
use orchestrate_workflow::{CalledWorkflow, Catalogue, Misfit, NoWorkflow, Schemas, compile};
use serde_json::Value;

/// A catalogue of a few personas.
struct Personas;

const PERSONAS: [&str; 7] = [
    "data-engineer",
    "data-scientist-stats",
    "ml-engineer-pytorch",
    "ml-engineer-tensorflow",
    "ml-engineer-jax",
    "mlops-engineer",
    "data-viz-specialist",
];

impl Catalogue for Personas {
    fn has_persona(&self, name: &str) -> bool {
        PERSONAS.contains(&name)
    }

    fn persona_names(&self) -> Vec<String> {
        PERSONAS.map(str::to_owned).to_vec()
    }

    fn schemas(&self) -> &dyn Schemas {
        &JsonSchemas
    }

    fn workflow(&self, name: &str) -> Result<CalledWorkflow<'_>, NoWorkflow> {
        if name != "design-review" {
            return Err(NoWorkflow::Unknown);
        }
        let text = "workflow: design-review\ninputs: { task: { type: string, required: false } }\n\
                    steps: { verdict: { persona: data-engineer } }\n\
                    outputs: { verdict: '{{ steps.verdict.text }}' }\n";
        let source = Source::new("design-review.yaml", text);
        Ok(CalledWorkflow { source, catalogue: Box::new(Personas) })
    }

    fn workflow_names(&self) -> Vec<String> {
        vec!["design-review".into()]
    }
}

/// The library that the engine passes in as well, as bare as can be.
struct JsonSchemas;

impl Schemas for JsonSchemas {
    fn schema_misfits(&self, schema: &Value) -> Vec<Misfit> {
        let found = jsonschema::options().offline().build(schema).err();
        found.iter().map(misfit).collect()
    }

    fn misfits(&self, schema: &Value, value: &Value) -> Vec<Misfit> {
        let validator = jsonschema::options().offline().build(schema).expect("a sound schema");
        validator.iter_errors(value).map(|error| misfit(&error)).collect()
    }
}

fn misfit(error: &jsonschema::ValidationError<'_>) -> Misfit {
    let path = error.instance_path().as_str().split('/').skip(1).map(str::to_owned).collect();
    Misfit { path, message: error.to_string(), help: None }
}

fn compiled(text: &str) -> (Option<Plan>, Vec<Diagnostic>) {
    let source: Arc<Source> = Source::new("w.yaml", text);
    compile(&source, &Personas)
}

/// The plan of a file without any problem.
fn plan(text: &str) -> Plan {
    let (plan, problems) = compiled(text);
    assert_eq!(shown(&problems), "");
    plan.expect("a plan")
}

/// Checks what is said of a file; each problem is `code line:column` and the text there, the message,
/// further places and help.
#[track_caller]
fn check(yaml: &str, expected: &str) {
    let (plan, problems) = compiled(yaml);
    assert_eq!(shown(&problems), expected);
    let refused = orchestrate_core::diagnostic::has_errors(&problems);
    assert_eq!(plan.is_none(), refused, "a plan exactly where there is no error");
}

/// Diagnostics as a person reads them, places first.
fn shown(problems: &[Diagnostic]) -> String {
    let mut text = String::new();
    for problem in problems {
        let mut places = problem.labels.iter().map(|label| {
            let (line, column) = label.source.position(label.span.start);
            let note =
                if label.text.is_empty() { String::new() } else { format!(" {}", label.text) };
            format!("{line}:{column} `{}`{note}", &label.source.text[label.span.clone()])
        });
        let place = places.next().unwrap_or_default();
        writeln!(text, "{} {place}\n  {}", problem.code, problem.message)
            .expect("a String takes all");
        for place in places {
            writeln!(text, "  at {place}").expect("a String takes all");
        }
        for help in &problem.help {
            writeln!(text, "  help: {help}").expect("a String takes all");
        }
    }
    text
}
