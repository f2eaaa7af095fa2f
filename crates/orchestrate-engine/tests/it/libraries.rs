//! Libraries: what is found where, and what hides what.

use orchestrate_engine::library::{
    Level, LibraryError, PersonaLibrary, ReadError, WorkflowLibrary,
};

use crate::support::Place;

const PERSONA: &str =
    "---\nname: data-engineer\ndescription: My own data engineer, for tests.\n---\nYou are mine.\n";

fn personas(place: &Place) -> PersonaLibrary {
    PersonaLibrary::open(&place.work(), &place.home()).expect("a library")
}

#[test]
fn the_project_hides_the_user_and_the_user_hides_what_is_built_in() {
    let place = Place::new();
    let level = |place: &Place| {
        personas(place).read("data-engineer").expect("readable").expect("there").level
    };
    assert_eq!(level(&place), Level::BuiltIn);
    place.write("config/personas/data-engineer.md", PERSONA);
    assert_eq!(level(&place), Level::User);
    place.write("work/.orchestrate/personas/data-engineer.md", PERSONA);
    assert_eq!(level(&place), Level::Project);
}

#[test]
fn one_name_twice_in_a_level_is_an_error_that_names_both() {
    let place = Place::new();
    place.write("work/.orchestrate/personas/data-engineer.md", PERSONA);
    place.write("work/personas/data-engineer.md", PERSONA);
    let error = PersonaLibrary::open(&place.work(), &place.home()).expect_err("refused");
    assert!(
        matches!(error, LibraryError::Twice { ref name, .. } if name == "data-engineer"),
        "{error}"
    );
}

#[test]
fn a_readme_in_the_folder_is_no_persona() {
    let place = Place::new();
    place.write("work/personas/README.md", "# Our personas\n");
    assert!(personas(&place).names().all(|name| name != "README"));
}

#[test]
fn a_file_that_is_too_large_or_no_text_is_refused() {
    let place = Place::new();
    place.write("work/personas/huge.md", &"x".repeat(600 * 1024));
    assert!(matches!(
        personas(&place).read("huge"),
        Err(LibraryError::File(ReadError::TooLarge { .. }))
    ));
    std::fs::write(place.work().join("personas/latin.md"), b"---\nname: caf\xe9\n")
        .expect("written");
    assert!(matches!(
        personas(&place).read("latin"),
        Err(LibraryError::File(ReadError::NotUtf8 { offset: 13, .. }))
    ));
}

#[test]
fn every_built_in_workflow_compiles_without_a_word() {
    let place = Place::new();
    let workflows = WorkflowLibrary::open(&place.work(), &place.home()).expect("a library");
    let names: Vec<&str> = workflows.names().collect();
    assert_eq!(
        names,
        [
            "data-contract",
            "data-infrastructure",
            "design-review",
            "end-to-end-ml",
            "framework-bakeoff",
            "incident-review",
            "ml-design-review",
            "ml-system-design",
            "research-to-production",
        ]
    );
    for name in names {
        let found = workflows.read(name).expect("readable").expect("there");
        let (plan, diagnostics) = orchestrate_workflow::compile(&found.source, &personas(&place));
        assert!(plan.is_some() && diagnostics.is_empty(), "{name}: {diagnostics:?}");
    }
}

#[test]
fn the_three_patterns_have_every_step_of_theirs_in_order() {
    let place = Place::new();
    let workflows = WorkflowLibrary::open(&place.work(), &place.home()).expect("a library");
    let steps = |name: &str| -> Vec<Vec<String>> {
        let found = workflows.read(name).expect("readable").expect("there");
        let (plan, _) = orchestrate_workflow::compile(&found.source, &personas(&place));
        let plan = plan.expect("sound");
        let mut seen = Vec::new();
        for (at, step) in plan.steps().iter().enumerate() {
            let orchestrate_core::plan::Action::Persona(action) = &step.action else { continue };
            // In these patterns each works on what the one before it made.
            if at > 0 {
                assert!(
                    plan.needs(at).contains(&(at - 1)),
                    "{name}: {} does not need the step before it",
                    step.id
                );
            }
            seen.push(action.persona.candidates().into_iter().map(str::to_owned).collect());
        }
        seen
    };
    let engineers = ["ml-engineer-pytorch", "ml-engineer-tensorflow", "ml-engineer-jax"];
    assert_eq!(
        steps("end-to-end-ml"),
        [
            vec!["data-engineer"],
            vec!["data-scientist-stats"],
            engineers.to_vec(),
            vec!["mlops-engineer"],
            vec!["data-viz-specialist"]
        ]
    );
    assert_eq!(
        steps("research-to-production"),
        [
            vec!["data-scientist-stats"],
            vec!["ml-engineer-jax", "ml-engineer-pytorch"],
            vec!["ml-engineer-tensorflow"],
            vec!["mlops-engineer"]
        ]
    );
    assert_eq!(
        steps("data-infrastructure"),
        [vec!["project-architect"], vec!["data-engineer"], vec!["mlops-engineer"]]
    );
}
