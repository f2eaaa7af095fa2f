//! Findings: reviewable remarks, each on its own.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A flaw that can wait.
    Low,
    /// A flaw that should be mended.
    Medium,
    /// A flaw that has to be mended before the work is used.
    High,
    /// The work must not be used like this.
    Critical,
}

impl Severity {
    /// Every severity, the mildest first.
    pub const ALL: [Self; 5] = [Self::Info, Self::Low, Self::Medium, Self::High, Self::Critical];

    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// One reviewable remark.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What is broken, a slug or a few words: the same flaw has the same rule wherever it is found.
    pub rule: String,
    /// How much it matters.
    pub severity: Severity,
    /// Where: a heading, a file and line, a figure. Empty where it concerns the whole.
    pub place: String,
    /// What was seen there.
    pub evidence: String,
    /// What to do about it.
    pub advice: String,
}

impl Finding {
    /// The findings that a value is, where it is a list of them.
    pub fn list(value: &Value) -> Option<Vec<Self>> {
        value.as_array()?;
        Vec::<Self>::deserialize(value).ok()
    }

    /// The JSON Schema of one finding.
    pub fn schema() -> Value {
        let text = |help: &str| json!({ "type": "string", "description": help });
        json!({
            "type": "object",
            "properties": {
                "rule": text("What is broken, a slug such as missing-owner; the same flaw always has the same rule"),
                "severity": {
                    "type": "string",
                    "enum": Severity::ALL.map(Severity::as_str),
                    "description": "How much it matters",
                },
                "place": text("Where: a heading, a file and line, a figure; empty where it concerns the whole"),
                "evidence": text("What was seen there, quoted or measured"),
                "advice": text("What to do about it"),
            },
            "required": ["rule", "severity", "place", "evidence", "advice"],
            "additionalProperties": false,
        })
    }

    /// The JSON Schema of a list of findings: the built-in output `findings`.
    pub fn list_schema() -> Value {
        json!({ "type": "array", "items": Self::schema() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn severities_are_spelt_and_ordered_alike_everywhere() {
        for (milder, severer) in Severity::ALL.iter().zip(&Severity::ALL[1..]) {
            assert!(milder < severer);
        }
        for severity in Severity::ALL {
            let spelt = serde_json::to_value(severity).expect("a word");
            assert_eq!(spelt, severity.as_str());
        }
    }

    #[test]
    fn only_a_list_of_whole_findings_is_one() {
        let whole =
            json!({ "rule": "r", "severity": "low", "place": "", "evidence": "e", "advice": "a" });
        assert_eq!(Finding::list(&json!([whole])).map(|found| found.len()), Some(1));
        assert_eq!(Finding::list(&json!([{ "rule": "r" }])), None);
        assert_eq!(Finding::list(&whole), None);
    }
}
