//! The server: accepts, counts, remembers, and leaves the talking to `connection`.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use tokio::{net::TcpListener, task::JoinSet};

use super::{connection, seen::SeenRequest};
use crate::reply::Reply;

/// Decides what the server does with a request.
pub trait Behaviour: Send + Sync + 'static {
    /// The reply to this request. Called once per request, from several connections at a time.
    fn reply(&self, request: &SeenRequest) -> Reply;
}

impl<F: Fn(&SeenRequest) -> Reply + Send + Sync + 'static> Behaviour for F {
    fn reply(&self, request: &SeenRequest) -> Reply {
        self(request)
    }
}

/// What the server remembers of the requests it saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// Everything, for tests that look at requests.
    Whole,
    /// The numbers only, for benchmarks and long runs.
    Counts,
}

pub(super) struct Shared {
    pub(super) behaviour: Box<dyn Behaviour>,
    pub(super) started: Instant,
    recording: Recording,
    seen: Mutex<Vec<SeenRequest>>,
    count: AtomicU64,
    connections: AtomicU64,
    in_flight: AtomicU64,
    peak: AtomicU64,
}

impl Shared {
    /// The number of the next request.
    pub(super) fn next_number(&self) -> u64 {
        self.count.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Counts a request as in flight and remembers it.
    pub(super) fn begin(&self, request: &SeenRequest) {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.peak.fetch_max(now, Ordering::SeqCst);
        if self.recording == Recording::Whole {
            self.seen.lock().unwrap_or_else(PoisonError::into_inner).push(request.clone());
        }
    }

    /// Counts a request as answered.
    pub(super) fn end(&self) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A running server. It and all its connections end when this is dropped.
pub struct ScriptedServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: tokio::task::JoinHandle<()>,
}

impl ScriptedServer {
    /// Starts a server on a free port of 127.0.0.1 that records whole requests.
    pub async fn start(behaviour: impl Behaviour) -> io::Result<Self> {
        Self::start_recording(behaviour, Recording::Whole).await
    }

    /// Starts a server on a free port of 127.0.0.1.
    pub async fn start_recording(
        behaviour: impl Behaviour,
        recording: Recording,
    ) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared {
            behaviour: Box::new(behaviour),
            started: Instant::now(),
            recording,
            seen: Mutex::default(),
            count: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            peak: AtomicU64::new(0),
        });
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared)));
        Ok(Self { address, shared, accepting })
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The base URL an `OpenAI`-compatible client is given.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// The requests so far, in order of arrival; empty where only counts are kept.
    pub fn requests(&self) -> Vec<SeenRequest> {
        self.shared.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How many requests have arrived.
    pub fn count(&self) -> u64 {
        self.shared.count.load(Ordering::SeqCst)
    }

    /// How many connections were made.
    pub fn connections(&self) -> u64 {
        self.shared.connections.load(Ordering::SeqCst)
    }

    /// The most requests that were in flight at a time.
    pub fn peak(&self) -> u64 {
        self.shared.peak.load(Ordering::SeqCst)
    }
}

impl Drop for ScriptedServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Dropped with this task, the set ends every connection.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    shared.connections.fetch_add(1, Ordering::SeqCst);
                    connections.spawn(connection::serve(stream, Arc::clone(&shared)));
                } else {
                    // Out of file descriptors: let some connections end first.
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            }
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
        }
    }
}
