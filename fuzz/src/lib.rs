//! What must hold of any bytes. The fuzz targets call these functions, and so does a test of the
//! normal suite with what was found before.

use orchestrate_core::diagnostic::{Diagnostic, Source, has_errors};
use orchestrate_persona::{
    ForeignFile, Format,
    lint::{LintContext, LintFile, fix},
    write_canonical,
};
use orchestrate_workflow::{CalledWorkflow, Catalogue, NoWorkflow};

/// Imports a file: its path on the first line, its bytes below.
pub fn import(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let path = String::from_utf8_lossy(&input[..end]);
    let bytes = input.get(end + 1..).unwrap_or_default();
    let found = orchestrate_persona::import(&ForeignFile { path: &path, bytes }, None);
    shown(&found.diagnostics);
    if found.personas.is_empty() {
        assert!(has_errors(&found.diagnostics), "skipped in silence");
    }
    for persona in &found.personas {
        let source = Source::new(format!("{}.md", persona.persona.name), &*persona.canonical);
        if found.format != Some(Format::Canonical) {
            let (again, diagnostics) = orchestrate_persona::read(&source);
            assert_eq!(again.as_ref(), Some(&persona.persona), "{diagnostics:?}");
            assert_eq!(write_canonical(&persona.persona), persona.canonical);
        }
    }
}

/// Reads a canonical file; what is written from the persona reads back as the same one.
pub fn read(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let (persona, diagnostics) = orchestrate_persona::read(&Source::new("some-name.md", &*text));
    shown(&diagnostics);
    assert_eq!(persona.is_none(), has_errors(&diagnostics), "{diagnostics:?}");
}

/// Lints and mends a file; mending what is mended changes nothing.
pub fn lint(input: &[u8]) {
    let linted = |bytes: &[u8]| {
        let file = LintFile { path: "agents/some-name.md", bytes };
        shown(&orchestrate_persona::lint::lint(&[file], &LintContext::default()));
    };
    linted(input);
    let once = fix(input);
    linted(&once.bytes);
    let again = fix(&once.bytes);
    assert_eq!(again.bytes, once.bytes, "{:?}", again.applied);
    assert!(again.applied.is_empty(), "{:?}", again.applied);
}

/// Compiles a workflow; there is a plan exactly where there is no error.
pub fn workflow(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let source = Source::new("some.yaml", &*text);
    let (plan, diagnostics) = orchestrate_workflow::compile(&source, &Known);
    shown(&diagnostics);
    assert_eq!(plan.is_none(), has_errors(&diagnostics), "{diagnostics:?}");
}

/// Every diagnostic points into its text.
fn shown(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        diagnostic.place();
        for label in &diagnostic.labels {
            assert!(label.source.text.get(label.span.clone()).is_some(), "{diagnostic:?}");
        }
    }
}

/// Reads a test of a workflow; there is one, or an error.
pub fn test_file(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let source = Source::new("some.test.yaml", &*text);
    let (tests, diagnostics) = orchestrate_workflow::read_tests(&source);
    shown(&diagnostics);
    assert!(tests.is_some() || has_errors(&diagnostics), "skipped in silence");
}

/// The personas that a fuzzed workflow may name, and the workflow that it may call.
struct Known;

const PART: &str = "workflow: part
inputs: { task: string, depth: { type: integer, default: 1 } }
steps:
  look: { persona: ml-engineer, prompt: '{{ inputs.task }}, {{ inputs.depth }} deep' }
outputs: { verdict: '{{ steps.look.text }}' }
";

impl Catalogue for Known {
    fn has_persona(&self, name: &str) -> bool {
        matches!(name, "data-engineer" | "ml-engineer")
    }

    fn persona_names(&self) -> Vec<String> {
        vec!["data-engineer".to_owned(), "ml-engineer".to_owned()]
    }

    fn workflow(&self, name: &str) -> Result<CalledWorkflow<'_>, NoWorkflow> {
        match name {
            "part" => Ok(CalledWorkflow {
                source: Source::new("part.yaml", PART),
                catalogue: Box::new(Known),
            }),
            _ => Err(NoWorkflow::Unknown),
        }
    }

    fn workflow_names(&self) -> Vec<String> {
        vec!["part".to_owned()]
    }
}
