//! What a program's output says: the answer, or why there is none.

use orchestrate_core::{
    failure::{Failure, FailureClass},
    neutral,
};
use serde_json::Value;

use super::config::Output;

/// An answer as a program printed it.
#[derive(Debug, PartialEq, Eq, Default)]
pub(super) struct Printed {
    pub(super) text: String,
    pub(super) input: Option<u64>,
    pub(super) output: Option<u64>,
    pub(super) cached: Option<u64>,
    pub(super) cache_write: Option<u64>,
}

/// Reads what a program printed that ended well.
pub(super) fn read(name: &str, output: Output, stdout: &[u8]) -> Result<Printed, Failure> {
    let malformed = |what: String| Failure::new(FailureClass::Malformed, what);
    let text = std::str::from_utf8(stdout)
        .map_err(|_| malformed(format!("what {name} printed is not valid UTF-8")))?;
    let printed = match output {
        Output::Text => Printed { text: text.trim().into(), ..Printed::default() },
        Output::Json => {
            let value: Value = serde_json::from_str(text.trim()).map_err(|_| {
                let seen = neutral::excerpt(text, 80);
                malformed(format!("{name} printed something else than one JSON document: {seen}"))
            })?;
            document(name, &value)?
        }
    };
    if printed.text.trim().is_empty() {
        return Err(Failure::new(FailureClass::Empty, format!("{name} printed no text")));
    }
    Ok(printed)
}

fn document(name: &str, value: &Value) -> Result<Printed, Failure> {
    let said = |place: &Value| place["message"].as_str().or(place.as_str()).map(str::to_owned);
    let kind = value["subtype"].as_str().unwrap_or("success");
    if value["is_error"] == true || kind != "success" || !value["error"].is_null() {
        let words = said(&value["error"]).or(said(&value["result"])).unwrap_or(kind.to_owned());
        return Err(complaint(name, "reported", &words));
    }
    let Some(text) = value["result"].as_str().or(value["response"].as_str()) else {
        let message = format!("the JSON that {name} printed has neither `result` nor `response`");
        return Err(Failure::new(FailureClass::Malformed, message));
    };
    let usage = &value["usage"];
    let (read, written) =
        (usage["cache_read_input_tokens"].as_u64(), usage["cache_creation_input_tokens"].as_u64());
    Ok(Printed {
        text: text.to_owned(),
        input: usage["input_tokens"].as_u64().map(|fresh| {
            fresh
                .saturating_add(read.unwrap_or_default())
                .saturating_add(written.unwrap_or_default())
        }),
        output: usage["output_tokens"].as_u64(),
        cached: read,
        cache_write: written,
    })
}

/// Words by which programs tell what went wrong, the most telling first.
const WORDS: &[(&str, FailureClass)] = &[
    ("usage limit", FailureClass::QuotaExhausted),
    ("quota", FailureClass::QuotaExhausted),
    ("credit balance", FailureClass::QuotaExhausted),
    ("rate limit", FailureClass::RateLimited),
    ("too many requests", FailureClass::RateLimited),
    ("log in", FailureClass::Credentials),
    ("login", FailureClass::Credentials),
    ("logged in", FailureClass::Credentials),
    ("unauthorized", FailureClass::Credentials),
    ("authentication", FailureClass::Credentials),
    ("api key", FailureClass::Credentials),
    ("no such model", FailureClass::NotFound),
    ("unknown model", FailureClass::NotFound),
    ("model not found", FailureClass::NotFound),
    ("prompt is too long", FailureClass::ContextTooLong),
    ("context window", FailureClass::ContextTooLong),
    ("unexpected argument", FailureClass::BadRequest),
    ("unknown option", FailureClass::BadRequest),
    ("no such option", FailureClass::BadRequest),
];

/// The failure that a program's own words stand for.
pub(super) fn complaint(name: &str, how: &str, words: &str) -> Failure {
    let lower = words.to_ascii_lowercase();
    let class = WORDS.iter().find(|(word, _)| lower.contains(word)).map(|(_, class)| *class);
    let class = class.unwrap_or(FailureClass::Unavailable);
    // The end of what is said is where the reason stands.
    let end: Vec<&str> = words.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let end = end[end.len().saturating_sub(3)..].join(" · ");
    let shown = match neutral::excerpt(&end, 300) {
        none if none.is_empty() => "it said nothing".to_owned(),
        shown => shown,
    };
    let failure = Failure::new(class, format!("{name} {how}: {shown}"));
    match class {
        FailureClass::Credentials => {
            failure.help("start the program by itself once and log in, then try again")
        }
        FailureClass::BadRequest => failure.help(
            "this version of the program takes other arguments: set `command` in your config",
        ),
        _ => failure,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documents_of_known_programs_are_read() {
        let claude = r#"{"type":"result","subtype":"success","is_error":false,"result":"Fine.",
            "usage":{"input_tokens":3,"cache_read_input_tokens":4,"cache_creation_input_tokens":5,"output_tokens":2}}"#;
        assert_eq!(
            read("c", Output::Json, claude.as_bytes()),
            Ok(Printed {
                text: "Fine.".into(),
                input: Some(12),
                output: Some(2),
                cached: Some(4),
                cache_write: Some(5),
            })
        );
        let gemini = r#"{"response":"Fine.","stats":{}}"#;
        assert_eq!(read("g", Output::Json, gemini.as_bytes()).unwrap().text, "Fine.");
    }

    #[test]
    fn nothing_but_an_answer_is_taken_for_one() {
        use FailureClass as C;
        for (printed, class) in [
            ("", C::Malformed),
            ("hello", C::Malformed),
            (r#"{"x":1}"#, C::Malformed),
            (r#"{"result":" "}"#, C::Empty),
            (r#"{"is_error":true,"result":"Invalid API key · Please run /login"}"#, C::Credentials),
            (r#"{"subtype":"error_max_turns"}"#, C::Unavailable),
            (
                r#"{"error":{"message":"You have exhausted your quota"},"response":"x"}"#,
                C::QuotaExhausted,
            ),
        ] {
            assert_eq!(
                read("p", Output::Json, printed.as_bytes()).unwrap_err().class,
                class,
                "{printed}"
            );
        }
        assert_eq!(read("p", Output::Text, b" \n").unwrap_err().class, C::Empty);
        assert_eq!(read("p", Output::Text, b"\xff").unwrap_err().class, C::Malformed);
    }
}
