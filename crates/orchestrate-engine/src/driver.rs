//! The driver: carries out what the run machine decides, and nothing before it is durable.

mod people;

use std::{collections::BTreeMap, panic::AssertUnwindSafe, sync::Arc, time::Duration};

use orchestrate_core::{
    Timestamp,
    event::Recorded,
    ids::{CallId, Digest},
    request::Request,
    run::{Effect, IllegalEvent, Input, Outcome, Prepared, Run},
    summary::RunSummary,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};

use crate::{
    approvals::{Dropped, PersonAnswer},
    clock,
    hearing::Hearing,
    live::{LiveBoard, Observer},
    prepare::{Preparation, Preparer, View},
    store::{Blob, BlobReader, JournalWriter, StoreError, StoredRequest},
    view::NeedsSeen,
    worker,
};
use people::BETWEEN_LOOKS;
pub(crate) use people::People;

/// What a person or the system asks of a running driver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// Start nothing new and let paid calls finish.
    Gently,
    /// Cancel what is in flight.
    Now,
}

/// Why driving ended without an outcome.
#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    /// The journal.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The machine refused: a defect of this program.
    #[error("deciding failed; this is a defect of orchestrate, please report it")]
    Illegal(#[from] IllegalEvent),
    /// A worker died without a word: a defect of this program.
    #[error(
        "a worker stopped without an answer; this is a defect of orchestrate, please report it"
    )]
    Worker,
}

/// News for the machine, with the contents it speaks of.
pub(crate) struct News {
    input: Input,
    blobs: Vec<Blob>,
    request: Option<(CallId, Arc<Request>)>,
    /// The journal could not be read; the news says so in its own way.
    damage: Option<StoreError>,
}

impl News {
    /// News that speaks of no contents.
    pub(crate) fn plain(input: Input) -> Self {
        Self { input, blobs: Vec::new(), request: None, damage: None }
    }
}

/// Drives one run.
pub(crate) struct Driver {
    pub(crate) run: Run,
    pub(crate) summary: RunSummary,
    pub(crate) writer: JournalWriter,
    pub(crate) blobs: BlobReader,
    pub(crate) preparer: Arc<Preparer>,
    pub(crate) board: LiveBoard,
    pub(crate) observer: Box<dyn Observer>,
    requests: BTreeMap<CallId, Arc<Request>>,
    pending: Vec<Blob>,
    tasks: JoinSet<()>,
    wake_at: Option<Timestamp>,
    /// What was found wrong with the journal while calls were in flight: they are waited for first.
    damage: Option<StoreError>,
    /// What came of the needs that are at their end.
    needs: NeedsSeen,
    pub(crate) people: People,
    short_of_space: bool,
    /// Every event of the run, those of earlier sessions first.
    pub(crate) recorded: Vec<Recorded>,
}

/// Calls that one blocking task prepares, one after the other: few enough to keep all cores busy, enough
/// to save most of the hops between threads.
const PREPARED_TOGETHER: usize = 16;

/// Answers of people that may wait for the driver: more than one person types.
const PEOPLE: usize = 16;

/// Messages that may wait for the driver. Each worker sends one and ends, so the bound only limits how
/// many finished workers keep their answer in memory while a commit is under way.
const INBOX: usize = 1_024;

impl Driver {
    pub(crate) fn new(
        run: Run,
        summary: RunSummary,
        writer: JournalWriter,
        blobs: BlobReader,
        preparer: Arc<Preparer>,
        board: LiveBoard,
        observer: Box<dyn Observer>,
    ) -> Self {
        Self {
            run,
            summary,
            writer,
            blobs,
            preparer,
            board,
            observer,
            requests: BTreeMap::new(),
            pending: Vec::new(),
            tasks: JoinSet::new(),
            wake_at: None,
            damage: None,
            needs: NeedsSeen::default(),
            people: People::default(),
            short_of_space: false,
            recorded: Vec::new(),
        }
    }

    /// Feeds news that belongs together and records what follows, without carrying anything out.
    pub(crate) async fn tell_all(
        &mut self,
        inputs: impl IntoIterator<Item = Input>,
        blobs: Vec<Blob>,
    ) -> Result<Vec<Effect>, DriveError> {
        self.pending.extend(blobs);
        for input in inputs {
            self.run.handle(clock::now(), input)?;
        }
        self.settle().await
    }

    /// Runs until the machine comes to rest.
    pub(crate) async fn drive(
        &mut self,
        first: Vec<Effect>,
        stop: &mut mpsc::Receiver<Stop>,
    ) -> Result<Outcome, DriveError> {
        let (sender, mut inbox) = mpsc::channel::<News>(INBOX);
        let mut effects = first;
        let mut stop_open = true;
        let (answer, mut answers) = mpsc::channel::<PersonAnswer>(PEOPLE);
        let mut look = Instant::now() + BETWEEN_LOOKS;
        loop {
            if let Some(outcome) = self.carry_out(effects, &sender, &answer) {
                self.tasks.shutdown().await;
                return match self.damage.take() {
                    Some(damage) => Err(damage.into()),
                    None => Ok(outcome),
                };
            }
            let deadline = self.wake_at.map(until);
            tokio::select! {
                biased;
                asked = stop.recv(), if stop_open => match asked {
                    Some(asked) => self.stop(asked, &mut inbox).await?,
                    None => stop_open = false,
                },
                message = inbox.recv() => {
                    let message = message.ok_or(DriveError::Worker)?;
                    self.take_in(message)?;
                }
                answered = answers.recv() => match answered {
                    Some(PersonAnswer::Decided { step, subject, given }) => {
                        self.decide(&Dropped { step, subject, given })?;
                    }
                    // The last sender is ours.
                    Some(PersonAnswer::Gone) | None => {
                        self.run.handle(clock::now(), Input::Attended(false))?;
                    }
                },
                () = sleep_until(look), if self.run.awaits_approval() => {
                    look = Instant::now() + BETWEEN_LOOKS;
                    let (decisions, blobs) = self.decisions()?;
                    self.pending.extend(blobs);
                    for decision in decisions {
                        self.run.handle(clock::now(), decision)?;
                    }
                }
                Some(ended) = self.tasks.join_next(), if !self.tasks.is_empty() => {
                    if ended.is_err_and(|error| error.is_panic()) {
                        return Err(DriveError::Worker);
                    }
                    effects = Vec::new();
                    continue;
                }
                () = sleep_until(deadline.unwrap_or_else(far)), if deadline.is_some() => {
                    self.wake_at = None;
                    self.run.handle(clock::now(), Input::Tick)?;
                }
            }
            // Everything that waits goes into the same decision and the same commit.
            while let Ok(message) = inbox.try_recv() {
                self.take_in(message)?;
            }
            effects = self.settle().await?;
        }
    }

    async fn stop(
        &mut self,
        asked: Stop,
        inbox: &mut mpsc::Receiver<News>,
    ) -> Result<(), DriveError> {
        let input = match asked {
            Stop::Gently => Input::Interrupt,
            Stop::Now => {
                self.tasks.shutdown().await;
                // An answer that has arrived is paid for and kept, however late the person was.
                while let Ok(message) = inbox.try_recv() {
                    self.take_in(message)?;
                }
                Input::Abort
            }
        };
        self.run.handle(clock::now(), input)?;
        Ok(())
    }

    fn take_in(&mut self, news: News) -> Result<(), DriveError> {
        if let Input::AttemptEnded { call, .. } = &news.input {
            self.board.end(call);
            // A retry reads it from the journal again; a long run keeps no request it may not need.
            self.requests.remove(call);
        }
        if let Some((call, request)) = news.request
            && !is_reuse(&news.input)
        {
            self.requests.insert(call, request);
        }
        self.pending.extend(news.blobs);
        if let Some(damage) = news.damage {
            self.damage.get_or_insert(damage);
        }
        self.run.handle(clock::now(), news.input)?;
        Ok(())
    }

    /// Decides everything that follows and makes it durable; only then are the effects given out.
    async fn settle(&mut self) -> Result<Vec<Effect>, DriveError> {
        let mut effects = self.settle_once().await?;
        if self.writer.is_short_of_space() && !std::mem::replace(&mut self.short_of_space, true) {
            // What is in flight is paid for; nothing else is begun.
            self.run.handle(clock::now(), Input::DiskFull)?;
            effects.extend(self.settle_once().await?);
        }
        self.people.forget_files();
        Ok(effects)
    }

    async fn settle_once(&mut self) -> Result<Vec<Effect>, DriveError> {
        let now = clock::now();
        let decisions = self.run.poll_to_quiescence(now)?;
        if !decisions.events.is_empty() {
            let blobs = std::mem::take(&mut self.pending);
            let recorded = self.writer.commit(now, decisions.events, blobs).await?;
            for event in &recorded {
                self.summary.apply(event);
                self.needs.note(&event.event);
            }
            self.people.tell_of(&recorded);
            self.observer.recorded(&recorded, &self.summary);
            self.recorded.extend(recorded);
        }
        Ok(decisions.effects)
    }

    fn carry_out(
        &mut self,
        effects: Vec<Effect>,
        sender: &mpsc::Sender<News>,
        answer: &mpsc::Sender<PersonAnswer>,
    ) -> Option<Outcome> {
        let mut to_prepare = Vec::new();
        for effect in effects {
            match effect {
                Effect::Prepare { call } => to_prepare.push(call),
                Effect::StartAttempt { call, attempt, request } => {
                    self.start(call, attempt, &request, sender.clone());
                }
                Effect::AskPerson { step, request } => self.ask(&step, &request, answer),
                Effect::WakeAt(at) => self.wake_at = Some(at),
                Effect::Finish(outcome) => return Some(outcome),
            }
        }
        while !to_prepare.is_empty() {
            let rest = to_prepare.split_off(to_prepare.len().min(PREPARED_TOGETHER));
            self.prepare(std::mem::replace(&mut to_prepare, rest), sender.clone());
        }
        None
    }

    fn prepare(&mut self, calls: Vec<CallId>, sender: mpsc::Sender<News>) {
        let work: Vec<(CallId, View)> = calls
            .into_iter()
            .map(|call| {
                let view = self.needs.view(&self.run, &self.summary, &call);
                (call, view)
            })
            .collect();
        let preparer = Arc::clone(&self.preparer);
        self.tasks.spawn_blocking(move || {
            for (call, view) in work {
                // Nobody listens any more once the run has come to rest.
                if sender.blocking_send(prepare(&preparer, call, &view)).is_err() {
                    break;
                }
            }
        });
    }

    fn start(&mut self, call: CallId, attempt: u32, digest: &Digest, sender: mpsc::Sender<News>) {
        let request = match self.request(&call, digest) {
            Ok(request) => request,
            Err(error) => {
                let outcome = worker::not_sent(&error);
                let input = Input::AttemptEnded { call, attempt, outcome };
                let news = News { input, blobs: Vec::new(), request: None, damage: Some(error) };
                self.tasks.spawn(async move {
                    let _ = sender.send(news).await;
                });
                return;
            }
        };
        let provider = self.preparer.providers.of(&request.model).map(Arc::clone);
        let live = self.board.begin(&call);
        let redactor = self.preparer.redactor.clone();
        let hearing = Arc::new(Hearing { call: call.clone(), live, driver: sender.clone() });
        self.tasks.spawn(async move {
            let (outcome, blobs) = worker::attempt(redactor, provider, request, hearing).await;
            let input = Input::AttemptEnded { call, attempt, outcome };
            let _ = sender.send(News { input, blobs, request: None, damage: None }).await;
        });
    }

    fn request(&mut self, call: &CallId, digest: &Digest) -> Result<Arc<Request>, StoreError> {
        if let Some(request) = self.requests.get(call) {
            return Ok(Arc::clone(request));
        }
        let request = Arc::new(StoredRequest::load(digest, &self.blobs)?);
        self.requests.insert(call.clone(), Arc::clone(&request));
        Ok(request)
    }
}

/// Prepares one call. Whatever goes wrong here fails this call alone: others are in flight and paid for.
fn prepare(preparer: &Preparer, call: CallId, view: &View) -> News {
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| preparer.prepare(&call, view)));
    let (preparation, damage) = match outcome {
        Ok(Ok(preparation)) => (preparation, None),
        Ok(Err(error)) => (Preparation::invalid(worker::unreadable_journal(&error)), Some(error)),
        Err(_) => (Preparation::invalid(worker::defect("preparing the call")), None),
    };
    News {
        request: preparation.request.map(|request| (call.clone(), request)),
        input: Input::Prepared { call, prepared: preparation.prepared },
        blobs: preparation.blobs,
        damage,
    }
}

fn is_reuse(input: &Input) -> bool {
    matches!(input, Input::Prepared { prepared: Prepared::Call { reuse: Some(_), .. }, .. })
}

/// The runtime's instant for a point in time.
fn until(at: Timestamp) -> Instant {
    Instant::now() + at.since(clock::now())
}

/// A deadline that is never waited for.
fn far() -> Instant {
    Instant::now() + Duration::from_hours(1)
}
