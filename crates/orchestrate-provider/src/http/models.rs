//! The list of an endpoint's models: the cheapest question that shows whether address and key are right.

use std::time::Duration;

use orchestrate_core::failure::{Failure, FailureClass};
use serde_json::Value;
use tokio::time::timeout;

use super::{
    answer::malformed, exchange::unexpected, provider::HttpProvider, rejection::looks_like_html,
};
use crate::provider::AttemptError;

/// How long the list may take in all.
const LIST_TIME: Duration = Duration::from_secs(20);
/// The longest list in bytes.
const LIST_LIMIT: usize = 8 << 20;
/// More names than this are not kept.
const MOST_NAMES: usize = 5_000;

impl HttpProvider {
    /// The models that the endpoint lists, in its order. Costs nothing and reads the first page only.
    pub async fn models(&self) -> Result<Vec<String>, AttemptError> {
        timeout(LIST_TIME, self.list()).await.unwrap_or_else(|_| {
            let message = format!("no list of models within {LIST_TIME:?}");
            Err(AttemptError::unbilled(Failure::new(FailureClass::Timeout, message)))
        })
    }

    async fn list(&self) -> Result<Vec<String>, AttemptError> {
        let inner = &self.inner;
        let sent = inner.ask(inner.wire.models_url(&inner.base)).send().await;
        let mut response = sent.map_err(|error| inner.unsent_or_lost(error))?;
        if response.status().as_u16() != 200 {
            return Err(inner.declined(response, "", None).await);
        }
        let mut body = Vec::new();
        while let Some(bytes) =
            response.chunk().await.map_err(|error| unexpected(inner.broke(error)))?
        {
            if body.len() + bytes.len() > LIST_LIMIT {
                let message = format!("the list of models takes more than {LIST_LIMIT} bytes");
                return Err(unexpected(malformed(message)));
            }
            body.extend_from_slice(&bytes);
        }
        let listed = serde_json::from_slice::<Value>(&body).ok().and_then(|value| names(&value));
        listed
            .map(|names| {
                names.iter().map(|name| inner.context.redactor.excerpt(name, 200)).collect()
            })
            .ok_or_else(|| {
                let what = if looks_like_html(&body) { "an HTML page" } else { "something else" };
                let message = format!(
                    "{} answered with {what} instead of a list of models",
                    inner.context.name
                );
                let help = format!("is the base URL right? {}", inner.context.address_hint);
                unexpected(malformed(message).help(help))
            })
    }
}

/// The names in a list of any dialect: `data[].id`, or `models[].name`.
fn names(value: &Value) -> Option<Vec<String>> {
    let (list, name) = match (&value["data"], &value["models"]) {
        (Value::Array(list), _) => (list, "id"),
        (_, Value::Array(list)) => (list, "name"),
        _ => return None,
    };
    let names = list.iter().filter_map(|model| model[name].as_str());
    let names = names.map(|name| name.strip_prefix("models/").unwrap_or(name).to_owned());
    Some(names.take(MOST_NAMES).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn lists_of_every_dialect_are_read() {
        let openai = json!({"data": [{"id": "a"}, {"id": "b/c"}, {"x": 1}]});
        let gemini = json!({"models": [{"name": "models/a"}, {"name": "b/c"}]});
        for list in [openai, gemini] {
            assert_eq!(names(&list), Some(vec!["a".into(), "b/c".into()]));
        }
        assert_eq!(names(&json!({"data": {}})), None);
    }
}
