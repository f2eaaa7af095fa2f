//! Errors that a server reports in words: under a status of its own, or in the middle of a stream.

use orchestrate_core::failure::{Failure, FailureClass};
use serde_json::Value;

use crate::redact::Redactor;

/// Characters of a server's message that are shown.
const WIDTH: usize = 300;

/// What messages and help texts name.
#[derive(Debug)]
pub(crate) struct Context {
    /// The provider's name.
    pub(crate) name: String,
    /// Host, port and path of requests; no secret stands in it.
    pub(crate) address: String,
    /// What a base URL of this dialect looks like, as a question after a wrong one.
    pub(crate) address_hint: &'static str,
    /// Where the key comes or would come from.
    pub(crate) key_origin: Option<String>,
    /// Whether a key was sent.
    pub(crate) has_key: bool,
    /// Knows the key.
    pub(crate) redactor: Redactor,
}

/// What a server says went wrong. Every member may be empty.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Complaint {
    /// The error's code: a word or a number.
    code: String,
    /// The error's type.
    kind: String,
    /// Anthropic-style `error.details.error_code`, or the `reason` of Google's error details.
    detail: String,
    /// The words.
    message: String,
    /// How long to wait, in milliseconds, where the body says so.
    pub(crate) wait_ms: Option<u64>,
}

impl Complaint {
    /// Reads every shape of error body in use: `{"error": {…}}`, `{"error": "…"}`, `{"detail": …}`,
    /// `{"message": "…"}`, plain text; HTML is named, not quoted.
    pub(crate) fn read(body: &[u8]) -> Self {
        match serde_json::from_slice::<Value>(body) {
            Ok(value) => Self::of(&value),
            Err(_) if looks_like_html(body) => Self::words("an HTML page"),
            Err(_) => Self::words(String::from_utf8_lossy(body).trim()),
        }
    }

    /// Reads an error body that is JSON already.
    pub(crate) fn of(value: &Value) -> Self {
        // Gemini wraps the error of a stream in an array.
        let value = value.as_array().and_then(|values| values.first()).unwrap_or(value);
        let error = match value.get("error") {
            Some(Value::Object(_)) => &value["error"],
            Some(Value::String(words)) => return Self::words(words),
            _ => value,
        };
        let word = |value: &Value| match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let message = ["message", "detail", "error_description"]
            .iter()
            .map(|name| match &error[*name] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            })
            .find(|text| !text.is_empty())
            .unwrap_or_default();
        let either = |first: String, second: String| if first.is_empty() { second } else { first };
        let details = error["details"].as_array().map(Vec::as_slice).unwrap_or_default();
        let reason = details.iter().map(|detail| word(&detail["reason"])).find(|r| !r.is_empty());
        let delay = details.iter().find_map(|detail| span_ms(detail["retryDelay"].as_str()?));
        let delay = delay.filter(|&millis| millis > 0);
        Self {
            code: word(&error["code"]),
            kind: either(word(&error["type"]), word(&error["status"])),
            detail: either(word(&error["details"]["error_code"]), reason.unwrap_or_default()),
            wait_ms: delay.or_else(|| asked_for(&message)),
            message,
        }
    }

    fn words(message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::default() }
    }

    fn names(&self, known: &[&str]) -> bool {
        known.iter().any(|&word| self.code == word || self.kind == word || self.detail == word)
    }

    /// Waiting does not help against these.
    fn is_quota(&self) -> bool {
        self.names(&[
            "insufficient_quota",
            "credit_balance_exhausted",
            "enforced_spend_limit",
            "enforced_spend_limit_reached",
            "billing_hard_limit_reached",
            "billing_error",
        ]) || self.says(&["credit balance is too low"])
            // A limit of nothing: Google's way of saying that the account has no such quota.
            || self.message.split("limit: 0").skip(1).any(|rest| !rest.starts_with(|c: char| c.is_ascii_digit() || c == '.'))
    }

    fn says(&self, phrases: &[&str]) -> bool {
        let message = self.message.to_ascii_lowercase();
        phrases.iter().any(|phrase| message.contains(phrase))
    }

    fn is_context(&self) -> bool {
        self.names(&[
            "context_length_exceeded",
            "exceed_context_size_error",
            "string_above_max_length",
        ]) || self.says(&[
            "maximum context length",
            "context length exceeded",
            "exceeds the context length",
            "exceed the context length",
            "context window",
            "prompt is too long",
            "exceeds the maximum number of tokens",
        ])
    }

    fn is_credentials(&self) -> bool {
        self.names(&[
            "invalid_api_key",
            "authentication_error",
            "permission_error",
            "API_KEY_INVALID",
            "UNAUTHENTICATED",
            "PERMISSION_DENIED",
        ])
    }

    fn is_overload(&self) -> bool {
        self.names(&["overloaded_error", "server_is_overloaded"])
    }

    fn is_unknown_model(&self) -> bool {
        self.names(&["model_not_found", "not_found_error", "NOT_FOUND", "DeploymentNotFound"])
            || self.says(&["invalid model name"])
    }

    fn is_filter(&self) -> bool {
        self.names(&["content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"])
    }

    /// The kind of failure under this HTTP status.
    pub(crate) fn class_under(&self, status: u16) -> FailureClass {
        if matches!(status, 402) || self.is_quota() {
            return FailureClass::QuotaExhausted;
        }
        match status {
            401 | 403 => FailureClass::Credentials,
            404 => FailureClass::NotFound,
            429 => FailureClass::RateLimited,
            400 | 413 | 422 if self.is_context() => FailureClass::ContextTooLong,
            400 if self.is_unknown_model() => FailureClass::NotFound,
            // LiteLLM says so of any key that is not its master key when it keeps no others.
            400 if self.is_credentials() || self.names(&["no_db_connection"]) => {
                FailureClass::Credentials
            }
            400 if self.is_filter() => FailureClass::Refused,
            529 => FailureClass::Overloaded,
            500..=599 if self.is_overload() => FailureClass::Overloaded,
            408 | 409 | 500..=599 => FailureClass::Unavailable,
            _ => FailureClass::BadRequest,
        }
    }

    /// The kind of failure inside a stream whose status was 200. A number as code is a status.
    pub(crate) fn class_in_stream(&self) -> FailureClass {
        if let Some(status) = self.code.parse().ok().filter(|status| (400..600).contains(status)) {
            return self.class_under(status);
        }
        if self.is_quota() {
            FailureClass::QuotaExhausted
        } else if self.is_context() {
            FailureClass::ContextTooLong
        } else if self.names(&[
            "rate_limit_exceeded",
            "rate_limit_error",
            "slow_down",
            "RESOURCE_EXHAUSTED",
        ]) {
            FailureClass::RateLimited
        } else if self.is_overload() {
            FailureClass::Overloaded
        } else if self.is_credentials() {
            FailureClass::Credentials
        } else if self.is_filter() {
            FailureClass::Refused
        } else if self.is_unknown_model() {
            FailureClass::NotFound
        } else if self.names(&["invalid_request_error", "invalid_prompt", "INVALID_ARGUMENT"]) {
            FailureClass::BadRequest
        } else {
            FailureClass::Unavailable
        }
    }

    /// Code and words for a message, `(no explanation)` where there are none.
    fn quoted(&self, redactor: &Redactor) -> String {
        // A number as code only repeats the status.
        let repeats = self.code.bytes().all(|byte| byte.is_ascii_digit());
        let code = if repeats { &self.kind } else { &self.code };
        let message = redactor.excerpt(&self.message, WIDTH);
        let code = redactor.excerpt(code, 60);
        match (code.is_empty(), message.is_empty()) {
            (true, true) => "no explanation".into(),
            (true, false) => message,
            (false, true) => format!("[{code}]"),
            (false, false) => format!("[{code}] {message}"),
        }
    }
}

/// A time as Google writes it: `36s`, `1.5s`, `10h17m5.7s`, in milliseconds.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of digits is not negative, and the cast saturates"
)]
pub(super) fn span_ms(text: &str) -> Option<u64> {
    let (mut rest, mut millis) = (text.trim(), 0.0_f64);
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').filter(|&end| end > 0)?;
        let number: f64 = rest[..end].parse().ok()?;
        let (unit, length) = match &rest.as_bytes()[end..] {
            [b'm', b's', ..] => (1.0, 2),
            [b'h', ..] => (3_600_000.0, 1),
            [b'm', ..] => (60_000.0, 1),
            [b's', ..] => (1_000.0, 1),
            _ => return None,
        };
        millis += number * unit;
        rest = &rest[end + length..];
    }
    Some(millis.ceil() as u64)
}

/// The wait in a message such as `Please retry in 10h17m5.7s.`
fn asked_for(message: &str) -> Option<u64> {
    let rest = message.split_once("retry in ")?.1;
    let word = rest.split_whitespace().next()?;
    span_ms(word.trim_end_matches(['.', ',']))
}

/// Whether a body is a page for a browser.
pub(crate) fn looks_like_html(body: &[u8]) -> bool {
    let start: Vec<u8> = body
        .iter()
        .copied()
        .skip_while(|byte| byte.is_ascii_whitespace() || matches!(byte, 0xef | 0xbb | 0xbf))
        .take(14)
        .map(|byte| byte.to_ascii_lowercase())
        .collect();
    start.starts_with(b"<!doctype html")
        || start.starts_with(b"<html")
        || start.starts_with(b"<head")
}

impl Context {
    /// A context without a key.
    #[cfg(test)]
    pub(crate) fn for_tests() -> Self {
        Self {
            name: "openai".into(),
            address: "x/v1".into(),
            address_hint: "most base URLs end in /v1",
            key_origin: None,
            has_key: true,
            redactor: Redactor::default(),
        }
    }

    /// The failure that an HTTP status other than success stands for.
    pub(crate) fn refused(
        &self,
        status: u16,
        complaint: &Complaint,
        model: &str,
        request_id: Option<&str>,
    ) -> Failure {
        let class = complaint.class_under(status);
        let id = request_id.map_or_else(String::new, |id| format!(" (request id {id})"));
        let what = complaint.quoted(&self.redactor);
        let message = format!("{} answered {status}: {what}{id}", self.name);
        self.advised(Failure::new(class, message), model)
    }

    /// The failure that an error event in a stream stands for.
    pub(crate) fn broke_off(&self, complaint: &Complaint, model: &str) -> Failure {
        let what = complaint.quoted(&self.redactor);
        let message = format!("{} reported an error in its answer: {what}", self.name);
        self.advised(Failure::new(complaint.class_in_stream(), message), model)
    }

    fn advised(&self, failure: Failure, model: &str) -> Failure {
        let Self { name, address, .. } = self;
        let key = self.key_origin.as_deref().unwrap_or("the provider's key in your config");
        match failure.class {
            FailureClass::Credentials if self.has_key => {
                failure.help(format!("check that {key} is current and may use `{model}` at {address}"))
            }
            FailureClass::Credentials => {
                failure.help(format!("no key was sent to {address}; set {key}"))
            }
            FailureClass::NotFound => failure.help(format!(
                "check that {name} has a model `{model}` and that {address} is its address: {}",
                self.address_hint
            )),
            FailureClass::QuotaExhausted => failure.help(format!(
                "waiting does not help: look at plan, credit and spending limits of the account at {name}"
            )),
            FailureClass::ContextTooLong => failure.help(format!(
                "`{model}` takes less text than this step gives it: shorten what is handed on, or use \
                 a model with a larger context window"
            )),
            _ => failure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(status: u16, body: &str, class: FailureClass) {
        assert_eq!(Complaint::read(body.as_bytes()).class_under(status), class, "{status} {body}");
    }

    #[test]
    fn errors_of_every_server_are_told_apart() {
        use FailureClass as C;
        check(401, r#"{"error":{"message":"Invalid","type":"x","code":401}}"#, C::Credentials);
        check(401, r#"{"detail":"Invalid API key"}"#, C::Credentials);
        check(402, "", C::QuotaExhausted);
        check(429, r#"{"error":{"code":"insufficient_quota"}}"#, C::QuotaExhausted);
        check(429, r#"{"error":{"type":"insufficient_quota"}}"#, C::QuotaExhausted);
        check(
            429,
            r#"{"error":{"type":"rate_limit_error","details":{"error_code":"enforced_spend_limit_reached"}}}"#,
            C::QuotaExhausted,
        );
        check(429, r#"{"error":"busy"}"#, C::RateLimited);
        check(429, "<html>", C::RateLimited);
        check(400, r#"{"error":{"code":"context_length_exceeded"}}"#, C::ContextTooLong);
        check(
            400,
            r#"{"error":{"code":400,"type":"exceed_context_size_error","n_ctx":512}}"#,
            C::ContextTooLong,
        );
        check(
            400,
            r#"{"error":{"message":"This model's maximum context length is"}}"#,
            C::ContextTooLong,
        );
        check(400, "nonsense", C::BadRequest);
        check(400, r#"{"error":{"type":"no_db_connection","code":"400"}}"#, C::Credentials);
        check(
            400,
            r#"{"error":{"message":"Invalid model name passed in model=nope"}}"#,
            C::NotFound,
        );
        check(503, "", C::Unavailable);
        check(529, "", C::Overloaded);
        check(418, "", C::BadRequest);
        check(
            400,
            r#"{"error":{"code":400,"status":"INVALID_ARGUMENT","details":[{"reason":"API_KEY_INVALID"}]}}"#,
            C::Credentials,
        );
        check(
            400,
            r#"{"type":"error","error":{"type":"invalid_request_error","message":"prompt is too long: 9 > 8"}}"#,
            C::ContextTooLong,
        );
        check(
            400,
            r#"{"error":{"type":"invalid_request_error","message":"Your credit balance is too low to"}}"#,
            C::QuotaExhausted,
        );
        check(429, r#"{"error":{"message":"Quota: free, limit: 0, model: m"}}"#, C::QuotaExhausted);
        check(429, r#"{"error":{"message":"Quota: free, limit: 0.5"}}"#, C::RateLimited);
        check(404, r#"{"error":"model 'm' not found"}"#, C::NotFound);
    }

    #[test]
    fn a_wait_in_an_error_body_is_read_in_every_form() {
        let wait = |body: &str| Complaint::read(body.as_bytes()).wait_ms;
        assert_eq!(
            wait(r#"{"error":{"code":429,"details":[{"x":1},{"retryDelay":"36.5s"}]}}"#),
            Some(36_500)
        );
        assert_eq!(
            wait(r#"[{"error":{"message":"Quota. Please retry in 10h17m5.7s."}}]"#),
            Some(37_025_700)
        );
        for none in
            ["{}", r#"{"error":{"message":"retry in a while"}}"#, r#"{"error":"retry in "}"#]
        {
            assert_eq!(wait(none), None, "{none}");
        }
    }

    #[test]
    fn an_error_inside_a_stream_is_told_by_its_code() {
        let class = |body: &str| Complaint::read(body.as_bytes()).class_in_stream();
        assert_eq!(class(r#"{"error":{"code":502}}"#), FailureClass::Unavailable);
        assert_eq!(class(r#"{"error":{"code":429}}"#), FailureClass::RateLimited);
        assert_eq!(
            class(r#"{"error":{"type":"invalid_request_error"}}"#),
            FailureClass::BadRequest
        );
        assert_eq!(class(r#"{"error":{"type":"overloaded_error"}}"#), FailureClass::Overloaded);
        assert_eq!(
            class(r#"{"error":{"type":"authentication_error"}}"#),
            FailureClass::Credentials
        );
        assert_eq!(class(r#"{"error":{"code":"invalid_prompt"}}"#), FailureClass::BadRequest);
        assert_eq!(class(r#"{"error":"odd"}"#), FailureClass::Unavailable);
    }

    #[test]
    fn pages_are_named_and_texts_are_quoted() {
        let quoted = |body: &str| Complaint::read(body.as_bytes()).quoted(&Redactor::default());
        assert_eq!(quoted(" <!DOCTYPE HTML><p>secret"), "an HTML page");
        assert_eq!(quoted("bad\u{1b}[31m"), "bad\\u{1b}[31m");
        assert_eq!(quoted(r#"{"detail":[{"loc":["body"]}]}"#), r#"[{"loc":["body"]}]"#);
        assert_eq!(quoted(""), "no explanation");
    }
}
