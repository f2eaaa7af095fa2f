//! The shapes of the five documents that this program began with: each comes out complete.

use std::fmt::Write as _;

use orchestrate_core::diagnostic::Source;
use orchestrate_persona::{Imported, workflow_skeleton};
use orchestrate_workflow::{Catalogue, compile};

use super::imported;

/// Every persona with its fields and headings, and every pattern, a line each.
fn outline(found: &Imported) -> String {
    let mut out = String::new();
    for persona in found.personas.iter().map(|found| &found.persona) {
        let short =
            persona.abbreviation.as_deref().map(|short| format!(" ({short})")).unwrap_or_default();
        let _ = writeln!(out, "{}: {}{short}", persona.name, persona.title);
        let mut line = |label: &str, texts: Vec<String>| {
            if !texts.is_empty() {
                let _ = writeln!(out, "  {label}: {}", texts.join(" | "));
            }
        };
        line("about", vec![persona.description.chars().take(60).collect()]);
        line("aliases", persona.aliases.clone());
        line("category", persona.category.iter().cloned().collect());
        let counts = [
            ("capabilities", persona.capabilities.len()),
            ("when", persona.when_to_use.len()),
            ("when not", persona.when_not_to_use.len()),
            ("examples", persona.examples.len()),
        ];
        let told = counts.iter().filter(|(_, count)| *count > 0);
        line("lists", told.map(|(label, count)| format!("{label} {count}")).collect());
        let headings = persona.sections.iter().map(|section| {
            let deeper: Vec<_> =
                section.text.lines().filter_map(|line| line.strip_prefix("### ")).collect();
            let below =
                if deeper.is_empty() { String::new() } else { format!(" [{}]", deeper.join(", ")) };
            format!("{}{below}", section.heading)
        });
        line("sections", headings.collect());
        line(
            "gates",
            persona.gates.iter().map(|gate| format!("{}: {}", gate.id, gate.check)).collect(),
        );
        let metrics = persona.metrics.iter().map(|metric| {
            let figure = metric.value.map(|value| {
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let against = metric
                    .relative_to
                    .as_ref()
                    .map(|base| format!(" to {base}"))
                    .unwrap_or_default();
                format!(
                    "{} {} {value} {}{against}",
                    text(&metric.name),
                    text(&metric.op),
                    text(&metric.unit)
                )
            });
            format!("{} = {}", metric.id, figure.unwrap_or_else(|| metric.text.clone()))
        });
        line("metrics", metrics.collect());
        line("escalation", persona.escalation.clone());
        line(
            "works with",
            persona.collaborates_with.iter().map(|with| with.persona.clone()).collect(),
        );
    }
    for pattern in &found.patterns {
        let _ = writeln!(out, "{} ({})", pattern.name, pattern.title);
        for step in &pattern.steps {
            let choice = if step.choice.is_empty() {
                String::new()
            } else {
                format!(" by {}", step.choice.join("/"))
            };
            let _ = writeln!(out, "  {}{choice}: {}", step.personas.join(" or "), step.text);
        }
    }
    out
}

#[test]
fn a_catalogue_gives_its_five_personas() {
    insta::assert_snapshot!(outline(&imported("founding/catalogue.md")), @r"
    data-engineer: Data Engineer
      about: Moving data, ETL jobs, warehouses, large volumes
      category: Programming
      lists: capabilities 5 | when 4
      sections: Expertise | Approach
    tensorflow-ml: Tensorflow Ml
      about: Learning machines, TensorFlow, deep networks, training runs
      category: Programming
      lists: capabilities 5 | when 4
      sections: Expertise | Approach
    pytorch-researcher: Pytorch Researcher
      about: Research into deep learning, PyTorch, trying models out
      category: Programming
      lists: capabilities 5 | when 3
      sections: Expertise | Approach
    elasticsearch-expert: Elasticsearch Expert
      about: Searching, Elasticsearch, indexes of data, text in full
      category: Programming
      lists: capabilities 5 | when 4
      sections: Expertise | Approach
    redis-caching: Redis Caching
      about: Caches, Redis, data held in memory, sessions of users
      category: Programming
      lists: capabilities 5 | when 4
      sections: Expertise | Approach
    ");
}

#[test]
fn a_project_document_gives_eight_personas_and_three_patterns() {
    insta::assert_snapshot!(outline(&imported("founding/project.md")), @r"
    data-engineer: Data Engineer (DE)
      about: SQL, pipelines, where data lives
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    ml-engineer-pytorch: ML Engineer - PyTorch Specialist (MLE-PT)
      about: Deep networks, freedom to try
      aliases: ML Engineer (PyTorch)
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    ml-engineer-tensorflow: ML Engineer - TensorFlow Specialist (MLE-TF)
      about: Models in production, serving
      aliases: ML Engineer (TensorFlow)
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    ml-engineer-jax: ML Engineer - JAX Specialist (MLE-JAX)
      about: Speed and functions
      aliases: ML Engineer (JAX)
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    data-scientist-stats: Data Scientist - Statistical Modeling (DS-STATS)
      about: Models of statistics, inference
      aliases: Data Scientist (Stats)
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    mlops-engineer: MLOps Engineer (MLOPS)
      about: Records of experiments, deployment
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    data-viz-specialist: Data Visualization Specialist (VIZ)
      about: Charts, dashboards
      aliases: Data Viz Specialist
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    project-architect: Project Architect (ARCH)
      about: Structure, standards, plans
      lists: capabilities 7 | when 5
      sections: Expertise | Responsibilities | Communication
    end-to-end-ml-pipeline (End-to-End ML Pipeline)
      data-engineer: Lay the ground and move the data
      data-scientist-stats: Explore it and shape the features
      ml-engineer-pytorch or ml-engineer-tensorflow or ml-engineer-jax by pytorch/tf/jax: Develop the model
      mlops-engineer: Track what is tried and deploy it
      data-viz-specialist: Draw the results and report them
    research-to-production (Research to Production)
      data-scientist-stats: Analyse and state the hypothesis
      ml-engineer-jax or ml-engineer-pytorch by jax/pytorch: Write the research down as code
      ml-engineer-tensorflow: Make it fit for production
      mlops-engineer: Deploy it and keep watch
    data-infrastructure-setup (Data Infrastructure Setup)
      project-architect: Design the structure of it all
      data-engineer: Build the layer of data
      mlops-engineer: Set up records that can be repeated
    ");
}

#[test]
fn a_pattern_becomes_a_workflow_with_a_step_for_each_line() {
    let found = imported("founding/project.md");
    insta::assert_snapshot!(workflow_skeleton(&found.patterns[0]), @r"
    workflow: end-to-end-ml-pipeline
    summary: End-to-End ML Pipeline

    inputs:
      task:
        type: string
        required: true
        help: What is to be done
      ml_engineer_choice:
        type: enum
        enum: [auto, pytorch, tf, jax]
        default: auto
        help: Who works on ml-engineer; auto lets the task decide

    steps:
      data-engineer:
        persona: data-engineer
        prompt: |
          Lay the ground and move the data.

      data-scientist-stats:
        persona: data-scientist-stats
        needs: data-engineer
        prompt: |
          Explore it and shape the features.

      ml-engineer:
        persona:
          choose:
            pytorch: ml-engineer-pytorch
            tf: ml-engineer-tensorflow
            jax: ml-engineer-jax
          by: inputs.ml_engineer_choice
          otherwise: match
        needs: data-scientist-stats
        prompt: |
          Develop the model.

      mlops-engineer:
        persona: mlops-engineer
        needs: ml-engineer
        prompt: |
          Track what is tried and deploy it.

      data-viz-specialist:
        persona: data-viz-specialist
        needs: mlops-engineer
        prompt: |
          Draw the results and report them.
    ");
}

/// The personas of the document itself.
struct Known(Vec<String>);

impl Catalogue for Known {
    fn has_persona(&self, name: &str) -> bool {
        self.0.iter().any(|known| known == name)
    }

    fn persona_names(&self) -> Vec<String> {
        self.0.clone()
    }
}

#[test]
fn every_skeleton_compiles() {
    let found = imported("founding/project.md");
    let known = Known(found.personas.iter().map(|found| found.persona.name.clone()).collect());
    for pattern in &found.patterns {
        let text = workflow_skeleton(pattern);
        let source = Source::new(format!("workflows/{}.yaml", pattern.name), &*text);
        let (plan, diagnostics) = compile(&source, &known);
        assert!(plan.is_some(), "{}\n{text}", super::super::shown(&diagnostics));
        assert!(diagnostics.is_empty(), "{}\n{text}", super::super::shown(&diagnostics));
    }
}

#[test]
fn a_fragment_of_sections_gives_one_persona_and_says_what_was_composed() {
    let found = imported("founding/002_fragment.txt");
    assert_eq!(found.personas[0].synthesised, ["identity", "description"]);
    insta::assert_snapshot!(outline(&found), @r"
    data-management-for-ml: Data Management for ML
      about: Data Management for ML - Pipelines: ETL and ELT that end in 
      lists: capabilities 7 | examples 8
      sections: Expertise | Principles | Knowledge | Approach
    ");
}

#[test]
fn a_front_matter_that_closes_its_list_in_column_zero_is_read() {
    let found = imported("founding/003_front_matter.txt");
    assert!(found.diagnostics.is_empty(), "{}", super::super::shown(&found.diagnostics));
    insta::assert_snapshot!(outline(&found), @r"
    data-ai-engineer: Data & AI Engineer
      about: Knows data science, machine learning and the engineering of 
      lists: capabilities 10 | when 8
      sections: Foundational Mathematics Required [By Role, Key Mathematical Concepts] | Data Engineering Path [ETL/ELT Pipelines, Data Engineer Roadmap] | Machine Learning Path [Deep Learning, Key Metrics] | Generative AI & LLMs [Large Language Models (LLMs), Retrieval Augmented Generation (RAG)] | MLOps: Production ML [Tools & Platforms, Best Practices] | Data Analysis & BI [Data Analyst Role] | Technology Stack by Role [Data Engineer, MLOps Engineer] | Career Progression [0-1 years (Entry Level), 3+ years (Senior Level)] | Integration with Other Agents
      works with: cloud-infrastructure | language-framework-specialist | core-development-paths | architecture-security
    ");
}

#[test]
fn xml_gives_gates_metrics_and_escalation() {
    let found = imported("founding/004_xml.txt");
    assert_eq!(found.personas[0].repaired.len(), 1);
    insta::assert_snapshot!(outline(&found), @r"
    ml-engineer: ML Engineer
      about: Operating Learning Systems & Engineering Models. Production 
      lists: capabilities 4 | when 1 | when not 3
      sections: Approach [Primary lens, Problem solving method, Validation approach, Analysis methods, Development process, Development approach, Problem solving style] | Principles [Decision priorities, Trade off preferences, Risk tolerance, Error handling philosophy, Quality obsessions] | Knowledge [Primary tools, Automation focus, Adjacent domains, Learning priorities, Architecture patterns, Ml optimization] | Output [Documentation style] | Communication [Communication style, Knowledge sharing, Conflict resolution, Mentoring approach, Communication patterns] | Expertise | Limits [Blind spots]
      gates: performance-accuracy-validated: Performance and accuracy are validated | bias-fairness-assessed: Bias and fairness are assessed | deployment-monitoring-place: Deployment and monitoring are in place | decisions-can-be-interpreted-explained: Decisions can be interpreted and explained | cost-resources-optimised: Cost and resources are optimised
      metrics: model-accuracy = Model accuracy > 95 % | inference-latency = Inference latency < 100 ms | model-drift-detection = Model drift detection < 5 % | cost-per-prediction-reduction = Cost per prediction reduction >= 30 % to baseline | bias-stays-within-what-was = Bias stays within what was agreed
      escalation: Performance alert | Automated fallback | Manual intervention | Retraining
      works with: data-scientists | engineers | stakeholders
    ");
}
