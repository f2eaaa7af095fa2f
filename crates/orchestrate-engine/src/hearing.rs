//! What a server says beside an answer, passed on while the answer still comes.

use std::sync::Arc;

use orchestrate_core::{ids::CallId, lanes::ServerLimits, run::Input};
use orchestrate_provider::Progress;
use tokio::sync::mpsc;

use crate::{driver::News, live::LiveCall};

/// The progress of one call: whoever watches sees it, and what is said of limits is news for the machine.
#[derive(Debug)]
pub(crate) struct Hearing {
    pub(crate) call: CallId,
    pub(crate) live: Arc<LiveCall>,
    pub(crate) driver: mpsc::Sender<News>,
}

impl Progress for Hearing {
    fn first_token(&self) {
        self.live.first_token();
    }

    fn delta(&self, bytes: usize, output_tokens_so_far_estimate: u64) {
        self.live.delta(bytes, output_tokens_so_far_estimate);
    }

    fn limits(&self, limits: &ServerLimits) {
        let input = Input::LimitsHeard { call: self.call.clone(), limits: *limits };
        // Where so much news waits that there is no room, the next answer says it again.
        let _ = self.driver.try_send(News::plain(input));
    }
}
