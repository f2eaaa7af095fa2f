//! What a reviewer is asked, and what it answers.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::MetricResult;
use crate::{
    finding::{Finding, Severity},
    persona::{Gate, GateJudge},
};

/// What one verdict is asked for, and what is known without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The persona that judges.
    pub reviewer: String,
    /// The round, from 1.
    pub round: u16,
    /// The gates; those that no model decides are not asked about.
    pub gates: Vec<Gate>,
    /// The metrics, held against the figures of the document's brief.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<MetricResult>,
    /// What the commands say of the document that decide gates, for those that the user's config has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub commands: Vec<CommandAnswer>,
    /// Ids of the findings of this reviewer's earlier rounds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<String>,
    /// What happens, stage by stage, where the document does not pass.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub escalation: Vec<String>,
}

/// What a command says of a document.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandAnswer {
    /// The id of the gate that it decides.
    pub gate: String,
    /// Whether it ended well; `None` where it could not be run to its end.
    pub passed: Option<bool>,
    /// The last that it printed, or why it did not run.
    pub said: String,
}

impl CommandAnswer {
    /// The answer to its gate. What has not run has judged nothing.
    pub fn answer(&self) -> GateAnswer {
        match self.passed {
            Some(true) => GateAnswer::Pass,
            Some(false) => GateAnswer::Fail,
            None => GateAnswer::NotJudged,
        }
    }
}

impl Asked {
    /// The gates that a model decides.
    pub fn judged_gates(&self) -> impl Iterator<Item = &Gate> {
        self.gates.iter().filter(|gate| gate.by == GateJudge::Judge)
    }
}

/// The answer to a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateAnswer {
    /// The document meets it.
    Pass,
    /// It does not.
    Fail,
    /// The task has nothing that it asks about.
    NotApplicable,
    /// Nobody has judged it.
    NotJudged,
}

impl GateAnswer {
    /// The words for it.
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::NotApplicable => "not applicable",
            Self::NotJudged => "not judged",
        }
    }
}

/// What a verdict says, less its words: ids and answers, as the journal's events hold them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Judged {
    /// The answer to each gate, by id.
    pub gates: IndexMap<String, GateAnswer>,
    /// Whether each earlier finding is still open, by id.
    #[serde(default, skip_serializing_if = "IndexMap::is_empty")]
    pub earlier: IndexMap<String, bool>,
    /// New findings, in the order of the verdict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub new: Vec<NewFinding>,
}

/// A new finding, less its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewFinding {
    /// What is broken.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
}

impl Judged {
    /// What there is to say where nobody was asked.
    pub fn unjudged(asked: &Asked) -> Self {
        let gates = asked.gates.iter().map(|gate| (gate.id.clone(), GateAnswer::NotJudged));
        Self { gates: gates.collect(), ..Self::default() }
    }
}

/// The JSON Schema of a verdict: every gate and every earlier finding answered once, by id.
pub fn verdict_schema(asked: &Asked) -> Value {
    let each = |ids: Vec<&str>, member: &str, words: &[&str]| {
        let answer = json!({
            "type": "object",
            "properties": {
                member: { "type": "string", "enum": words },
                "evidence": {
                    "type": "string",
                    "minLength": 1,
                    "description": "The place that shows it, quoted or named, or what is missing",
                },
            },
            "required": [member, "evidence"],
            "additionalProperties": false,
        });
        let members: Map<String, Value> =
            ids.iter().map(|id| ((*id).to_owned(), answer.clone())).collect();
        json!({
            "type": "object",
            "properties": members,
            "required": ids,
            "additionalProperties": false,
        })
    };
    let gates = asked.judged_gates().map(|gate| gate.id.as_str()).collect();
    let mut properties = Map::new();
    properties.insert("gates".into(), each(gates, "answer", &["pass", "fail", "not_applicable"]));
    if !asked.findings.is_empty() {
        let ids = asked.findings.iter().map(String::as_str).collect();
        properties.insert("earlier".into(), each(ids, "status", &["open", "resolved"]));
    }
    properties.insert("findings".into(), Finding::list_schema());
    let required: Vec<&String> = properties.keys().collect();
    json!({
        "type": "object",
        "required": required,
        "properties": properties,
        "additionalProperties": false,
    })
}

/// Reads a verdict that fits its schema; gates that no model decides are not judged.
pub fn read_verdict(asked: &Asked, verdict: &Value) -> Judged {
    let gates = asked.gates.iter().map(|gate| {
        let answer = match verdict["gates"][&gate.id]["answer"].as_str() {
            Some("pass") => GateAnswer::Pass,
            Some("fail") => GateAnswer::Fail,
            Some("not_applicable") => GateAnswer::NotApplicable,
            _ => GateAnswer::NotJudged,
        };
        (gate.id.clone(), answer)
    });
    let earlier = asked
        .findings
        .iter()
        .map(|id| (id.clone(), verdict["earlier"][id]["status"] != "resolved"));
    let new = Finding::list(&verdict["findings"]).unwrap_or_default();
    let new = new
        .into_iter()
        .map(|finding| NewFinding { rule: finding.rule, severity: finding.severity });
    Judged { gates: gates.collect(), earlier: earlier.collect(), new: new.collect() }
}
