//! The provider that calls nobody.

use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt as _};
use orchestrate_core::{
    request::{Endpoint, Request},
    usage::Usage,
};

use super::worksheet::worksheet;
use crate::{
    provider::{AttemptError, Completion, Progress, Provider},
    tokens,
};

/// Answers every request with the worksheet that the persona's own material yields for it. Calls no
/// model, uses no network, and cannot fail.
#[derive(Debug, Clone)]
pub struct Offline {
    endpoint: Endpoint,
}

impl Offline {
    /// The provider; there is nothing to configure.
    pub fn new() -> Self {
        let endpoint = Endpoint {
            provider: "offline".into(),
            origin: "offline".into(),
            dialect: "worksheet-1".into(),
        };
        Self { endpoint }
    }
}

impl Default for Offline {
    fn default() -> Self {
        Self::new()
    }
}

impl Provider for Offline {
    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// A worksheet is not an answer of a model and must not pass for one anywhere else.
    fn reusable(&self) -> bool {
        false
    }

    fn is_paid(&self) -> bool {
        false
    }

    fn complete(
        &self,
        request: Arc<Request>,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Completion, AttemptError>> {
        async move {
            let text = worksheet(&request);
            progress.first_token();
            progress.delta(text.len(), tokens::estimate(&text));
            // No model, so no tokens: nothing was used up.
            let usage = Usage::default();
            Ok(Completion { text, usage, served_model: None, request_id: None })
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worksheet_serves_no_other_run_and_goes_nowhere() {
        let provider = Offline::new();
        assert!(!provider.reusable());
        assert_eq!(provider.endpoint().origin, "offline");
    }
}
