//! Running tests.

use std::sync::{Arc, PoisonError};

use indexmap::IndexMap;
use orchestrate_core::{
    diagnostic::Source, event::Freshness, policy::RetryPolicy, request::ModelRef,
};

use super::{
    judge::{self, Mismatch},
    open::{OpenCase, OpenTests},
    people::ScriptedPeople,
    scripted::{PROVIDER, Scripted},
};
use crate::{
    providers::Providers,
    session::{RunError, rehearse},
};

/// How one test ended.
#[derive(Debug)]
pub struct TestOutcome {
    /// The test.
    pub name: String,
    /// What is not as it was expected; a test without any is good.
    pub mismatches: Vec<Mismatch>,
}

impl OpenTests {
    /// Runs every test whose name `wanted` takes, in the order of the file.
    pub async fn run(self, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<TestOutcome>, RunError> {
        let mut outcomes = Vec::new();
        let cases = self.cases.into_iter().filter(|open| wanted(&open.case.name.value));
        for open in cases {
            outcomes.push(open.run(&self.file.source).await?);
        }
        Ok(outcomes)
    }
}

impl OpenCase {
    async fn run(self, source: &Arc<Source>) -> Result<TestOutcome, RunError> {
        let Self { case, mut setup } = self;
        let scripted = Arc::new(Scripted::new(case.replies.clone()));
        setup.offline = false;
        setup.model = ModelRef { provider: PROVIDER.to_owned(), model: "scripted".to_owned() };
        setup.models = IndexMap::new();
        (setup.fallbacks, setup.step_fallbacks) = (Vec::new(), IndexMap::new());
        // What a test scripts is played whole, however often it fails, and nobody waits.
        setup.providers = Providers::default().with(PROVIDER, Arc::clone(&scripted) as _);
        setup.retry =
            RetryPolicy { base_ms: 0, cap_ms: 0, budget: u64::MAX, ..RetryPolicy::default() };
        setup.fresh = Freshness::All;
        setup.output = None;
        let (people, decided) = ScriptedPeople::new(case.decisions.clone());
        let record = Box::pin(rehearse(&setup, Some(Box::new(people)))).await?;
        let decided = decided.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mismatches = judge::judge(source, &case, &record, &scripted.seen(), &decided)?;
        Ok(TestOutcome { name: case.name.value, mismatches })
    }
}
