//! Diagnostics as machines read them.

use orchestrate_core::diagnostic::{Diagnostic, Rule, Severity, Source};
use orchestrate_report::{MAX_RESULTS, SarifTool, sarif};

const BOM: Rule = Rule {
    code: "bom",
    severity: Severity::Warning,
    finds: "The file begins with a byte order mark.",
    mend: "save it without",
    fixable: true,
};

fn tool() -> SarifTool<'static> {
    SarifTool { name: "orchestrate", version: "0.1.0", rules: &[BOM], root: "/repo" }
}

#[test]
fn a_sarif_log_says_what_code_scanning_needs() {
    let source = Source::new("/repo/personas/my persona.md", "\u{feff}---\nname: ü x\nname: ü x\n");
    let other = Source::new("/repo/b.md", "x\n");
    let name = source.text.find('x').expect("there");
    let found = [
        BOM.found("the file begins with a byte order mark")
            .at(&source, 0..3, "")
            .help("save it without"),
        Diagnostic::error("duplicate-name", "two\nare `x`\u{202e}")
            .at(&source, name..name + 1, "here")
            .at(&other, 0..1, "and there"),
        Diagnostic::info("duplicate-name", "no place"),
    ];
    let log = sarif(&found, &tool());
    insta::assert_snapshot!(serde_json::to_string_pretty(&log).expect("JSON"), @r#"
    {
      "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
      "version": "2.1.0",
      "runs": [
        {
          "tool": {
            "driver": {
              "name": "orchestrate",
              "semanticVersion": "0.1.0",
              "rules": [
                {
                  "id": "bom",
                  "shortDescription": {
                    "text": "The file begins with a byte order mark."
                  },
                  "fullDescription": {
                    "text": "The file begins with a byte order mark."
                  },
                  "help": {
                    "text": "save it without"
                  },
                  "defaultConfiguration": {
                    "level": "warning"
                  }
                },
                {
                  "id": "duplicate-name",
                  "shortDescription": {
                    "text": "duplicate name"
                  },
                  "fullDescription": {
                    "text": "duplicate name"
                  },
                  "help": {
                    "text": "duplicate name"
                  },
                  "defaultConfiguration": {
                    "level": "error"
                  }
                }
              ]
            }
          },
          "columnKind": "utf16CodeUnits",
          "results": [
            {
              "ruleId": "bom",
              "ruleIndex": 0,
              "level": "warning",
              "message": {
                "text": "the file begins with a byte order mark\nhelp: save it without"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "personas/my%20persona.md"
                    },
                    "region": {
                      "startLine": 1,
                      "startColumn": 1,
                      "endLine": 1,
                      "endColumn": 2
                    }
                  }
                }
              ],
              "partialFingerprints": {
                "primaryLocationLineHash": "915e18956489740e:1"
              }
            },
            {
              "ruleId": "duplicate-name",
              "ruleIndex": 1,
              "level": "error",
              "message": {
                "text": "two are `x`\\u{202e}"
              },
              "locations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "personas/my%20persona.md"
                    },
                    "region": {
                      "startLine": 2,
                      "startColumn": 9,
                      "endLine": 2,
                      "endColumn": 10
                    }
                  }
                }
              ],
              "partialFingerprints": {
                "primaryLocationLineHash": "49dcb3384405e2f7:1"
              },
              "relatedLocations": [
                {
                  "physicalLocation": {
                    "artifactLocation": {
                      "uri": "b.md"
                    },
                    "region": {
                      "startLine": 1,
                      "startColumn": 1,
                      "endLine": 1,
                      "endColumn": 2
                    }
                  },
                  "message": {
                    "text": "and there"
                  }
                }
              ]
            }
          ],
          "invocations": [
            {
              "executionSuccessful": true,
              "toolExecutionNotifications": [
                {
                  "level": "note",
                  "descriptor": {
                    "id": "duplicate-name"
                  },
                  "message": {
                    "text": "no place"
                  }
                }
              ]
            }
          ]
        }
      ]
    }
    "#);
}

#[test]
fn equal_lines_have_fingerprints_of_their_own_and_keep_them_when_lines_move() {
    let prints = |text: &str| {
        let source = Source::new("a.md", text);
        let found: Vec<Diagnostic> = text
            .match_indices('x')
            .map(|(at, _)| Diagnostic::error("some-code", "seen").at(&source, at..at + 1, ""))
            .collect();
        let log = sarif(&found, &tool());
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        results
            .iter()
            .map(|result| result["partialFingerprints"]["primaryLocationLineHash"].to_string())
            .collect::<Vec<_>>()
    };
    let before = prints("a x\nb x\na x\n");
    assert_eq!(before, prints("new\n\na  x\n b x\na x\n"));
    assert!(before[0].ends_with(":1\"") && before[2].ends_with(":2\""), "{before:?}");
    assert_ne!(before[0], before[1]);
}

#[test]
fn beyond_the_limit_the_least_severe_are_left_out_and_counted() {
    let source = Source::new("a.md", "x");
    let mut found = vec![Diagnostic::info("some-code", "seen").at(&source, 0..1, ""); MAX_RESULTS];
    found.push(Diagnostic::error("worse-code", "seen").at(&source, 0..1, ""));
    let log = sarif(&found, &tool());
    let run = &log["runs"][0];
    assert_eq!(run["results"].as_array().map(Vec::len), Some(MAX_RESULTS));
    assert_eq!(run["results"][0]["ruleId"], "worse-code");
    let note = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(note, "left out the 1 least severe of the results");
}
