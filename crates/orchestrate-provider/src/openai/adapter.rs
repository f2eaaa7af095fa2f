//! The exchange itself: one request out, one answer in, within time and size.

use std::{
    error::Error as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use orchestrate_core::{
    failure::{Failure, FailureClass},
    request::{Endpoint, Request},
    usage::Usage,
};
use reqwest::{
    Client, Response, Url,
    header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION},
};
use serde_json::Value;
use tokio::time::{Instant, timeout, timeout_at};

use super::{
    answer::{Answer, Ending, Good, Terms, malformed},
    body::body,
    config::{Config, ConfigError, StructuredOutput, base_url, headers, is_loopback},
    rejection::{Complaint, Context, looks_like_html},
    retry_after::retry_after_ms,
};
use crate::{
    provider::{AttemptError, Completion, Progress, Provider},
    redact::Redactor,
    sse::{self, Decoder},
    tokens,
};

/// Bytes of an error's body that are read.
const COMPLAINT_LIMIT: usize = 64 * 1024;
/// How long an error's body may take.
const COMPLAINT_TIME: Duration = Duration::from_secs(10);
/// How long usage and `[DONE]` may stay out once the answer has finished.
const AFTER_FINISH: Duration = Duration::from_secs(10);
/// How long the end of the body may stay out after `[DONE]`: worth a moment, since a body that was
/// read to its end leaves the connection for the next request.
const AFTER_DONE: Duration = Duration::from_millis(100);

/// No wait is longer than this; a later instant might not exist.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// A server that speaks Chat Completions.
#[derive(Debug, Clone)]
pub struct OpenAi {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    endpoint: Endpoint,
    url: Url,
    headers: HeaderMap,
    client: Client,
    context: Context,
    /// Whether the server has said that it does not take a schema as a parameter.
    refuses_schema: AtomicBool,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OpenAi").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl OpenAi {
    /// Checks the configuration and sets up a client of its own. Sends nothing.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let base = base_url(&config)?;
        let mut headers = headers(&config)?;
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(ACCEPT, HeaderValue::from_static("text/event-stream, application/json"));
        let mut client = Client::builder()
            .user_agent(concat!("orchestrate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(config.timeouts.connect)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        if is_loopback(&base) {
            client = client.no_proxy();
        }
        let client = client.build().map_err(|error| ConfigError::Client(error.without_url()))?;
        let mut url = base.clone();
        url.set_path(&format!("{}/chat/completions", base.path().trim_end_matches('/')));
        let context = Context {
            name: config.name.clone(),
            address: base.as_str().trim_end_matches('/').to_owned(),
            key_origin: config.key_origin.clone(),
            has_key: config.api_key.is_some(),
            redactor: Redactor::new(config.api_key.clone()),
        };
        let endpoint = Endpoint {
            provider: "openai".into(),
            origin: context.address.clone(),
            dialect: "chat-completions".into(),
        };
        let refuses_schema = AtomicBool::new(config.structured_output == StructuredOutput::Prompt);
        Ok(Self {
            inner: Arc::new(Inner {
                config,
                endpoint,
                url,
                headers,
                client,
                context,
                refuses_schema,
            }),
        })
    }
}

impl Provider for OpenAi {
    fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    fn reusable(&self) -> bool {
        true
    }

    fn complete(
        &self,
        request: Arc<Request>,
        progress: Arc<dyn Progress>,
    ) -> BoxFuture<'static, Result<Completion, AttemptError>> {
        let inner = Arc::clone(&self.inner);
        async move { inner.attempt(&request, progress.as_ref()).await }.boxed()
    }
}

impl Inner {
    async fn attempt(
        &self,
        request: &Request,
        progress: &dyn Progress,
    ) -> Result<Completion, AttemptError> {
        let patience = Patience::new(&self.config, request);
        let native = !self.refuses_schema.load(Ordering::Relaxed);
        let asked_natively = native && request.response_schema.is_some();
        let body = body(request, self.config.token_limit_parameter, native).map_err(|_| {
            let failure = Failure::new(FailureClass::BadRequest, "the request is not valid JSON");
            AttemptError::unbilled(failure)
        })?;
        let sending = self.client.post(self.url.clone()).headers(self.headers.clone()).body(body);
        let response = match timeout_at(patience.first_token_deadline(), sending.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.unsent_or_lost(error)),
            Err(_) => return Err(AttemptError::of_answer(patience.none_came(), None, None).lost()),
        };
        let request_id = self.request_id(response.headers());
        let terms = Terms {
            model: &request.model.model,
            cap: request.length_cap(),
            text_limit: self.config.limits.text,
        };
        let status = response.status().as_u16();
        let good = match status {
            200 => self.read(response, &patience, terms, progress).await,
            300..=399 => Err(self.redirected(status, response.headers())),
            _ => {
                let error = self.turned_away(response, terms.model, request_id.as_deref()).await;
                Err(if asked_natively { self.without_schema(error) } else { error })
            }
        };
        let good = good.map_err(|error| self.without_key(error))?;
        let usage = usage(request, &good).await;
        Ok(Completion { text: good.text, usage, served_model: good.model, request_id })
    }

    /// Reads a good status's body, whichever form it has.
    async fn read(
        &self,
        response: Response,
        patience: &Patience,
        terms: Terms<'_>,
        progress: &dyn Progress,
    ) -> Result<Good, AttemptError> {
        let kind = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next().unwrap_or_default();
        match kind.trim().to_ascii_lowercase().as_str() {
            "text/event-stream" => self.read_stream(response, patience, terms, progress).await,
            "application/json" => self.read_whole(response, patience, terms, progress).await,
            "text/html" | "application/xhtml+xml" => Err(self.unexpected(page())),
            other => {
                let seen = match self.context.redactor.excerpt(other, 60) {
                    none if none.is_empty() => "no content type".into(),
                    seen => format!("content type `{seen}`"),
                };
                Err(self.unexpected(
                    malformed(format!("{} answered with {seen} instead of an event stream", self.config.name))
                        .help("is this the address of an OpenAI-compatible server? most base URLs end in /v1"),
                ))
            }
        }
    }

    /// A good status with something else than an answer.
    #[expect(clippy::unused_self, reason = "reads as one of the outcomes of an attempt")]
    fn unexpected(&self, failure: Failure) -> AttemptError {
        AttemptError::of_answer(failure, None, None)
    }

    async fn read_stream(
        &self,
        mut response: Response,
        patience: &Patience,
        terms: Terms<'_>,
        progress: &dyn Progress,
    ) -> Result<Good, AttemptError> {
        let limits = self.config.limits;
        let mut decoder = Decoder::new(sse::Limits { event: limits.event, noise: limits.noise });
        let (mut answer, mut events) = (Answer::default(), Vec::new());
        let (mut wire, mut tally) = (0_usize, Tally::default());
        let mut deadline = patience.first_token_deadline();
        loop {
            let bytes = match timeout_at(deadline, response.chunk()).await {
                Ok(Ok(Some(bytes))) => bytes,
                Ok(Ok(None)) => return answer.conclude(Ending::BodyEnded, &self.context, terms),
                Ok(Err(error)) => {
                    let broken = Ending::Broken(self.broke(error));
                    return answer.conclude(broken, &self.context, terms);
                }
                Err(_) => {
                    let late = Ending::Broken(patience.ran_out(answer.has_begun()));
                    return answer.conclude(late, &self.context, terms);
                }
            };
            wire += bytes.len();
            if wire > limits.wire {
                let message = format!("the answer takes more than {} bytes", limits.wire);
                return Err(answer.fail(malformed(message)));
            }
            let pushed = decoder.push(&bytes, &mut events);
            for event in events.drain(..) {
                if event.data.trim() == "[DONE]" {
                    drain(response).await;
                    return answer.conclude(Ending::Complete, &self.context, terms);
                }
                let was_finished = answer.is_finished();
                let brought = self.take(&mut answer, &event, terms)?;
                tally.report(brought, answer.has_begun(), progress);
                if !answer.is_finished() {
                    deadline = patience.next_deadline(answer.has_begun());
                } else if !was_finished {
                    deadline = patience.within_total(AFTER_FINISH.min(patience.idle));
                }
            }
            if let Err(error) = pushed {
                return Err(answer.fail(malformed(error.to_string())));
            }
        }
    }

    /// Takes what an event brought, and gives the bytes of text it brought.
    fn take(
        &self,
        answer: &mut Answer,
        event: &sse::Event,
        terms: Terms<'_>,
    ) -> Result<usize, AttemptError> {
        if event.name != "error"
            && let Some(taken) = answer.take_plain(&event.data, &self.context, terms)
        {
            return taken;
        }
        let chunk = self.chunk(event).map_err(|failure| answer.fail(failure))?;
        answer.take(&chunk, &self.context, terms)
    }

    /// An event's data as JSON. An event named `error` is one whatever its data looks like.
    fn chunk(&self, event: &sse::Event) -> Result<Value, Failure> {
        match serde_json::from_str::<Value>(&event.data) {
            Ok(chunk) if chunk.is_object() && event.name != "error" => Ok(chunk),
            Ok(chunk) if chunk.get("error").is_some() => Ok(chunk),
            Ok(chunk) if chunk.is_object() => Ok(serde_json::json!({ "error": chunk })),
            _ if event.name == "error" => {
                let words = if event.data.is_empty() { "no explanation" } else { &event.data };
                Ok(serde_json::json!({ "error": words }))
            }
            _ => {
                let seen = self.context.redactor.excerpt(&event.data, 80);
                Err(malformed(format!("an event of the answer is not valid JSON: {seen}")))
            }
        }
    }

    /// Reads an answer that came in one document although a stream was asked for.
    async fn read_whole(
        &self,
        mut response: Response,
        patience: &Patience,
        terms: Terms<'_>,
        progress: &dyn Progress,
    ) -> Result<Good, AttemptError> {
        // A text of the longest length, escaped, and the protocol's members around it.
        let limit = self.config.limits.text.saturating_mul(2).min(self.config.limits.wire);
        let mut body = Vec::new();
        loop {
            match timeout_at(patience.next_deadline(true), response.chunk()).await {
                Ok(Ok(Some(bytes))) if body.len() + bytes.len() > limit => {
                    let message = format!("the answer takes more than {limit} bytes");
                    return Err(self.unexpected(malformed(message)));
                }
                Ok(Ok(Some(bytes))) => body.extend_from_slice(&bytes),
                Ok(Ok(None)) => break,
                Ok(Err(error)) => return Err(self.unexpected(self.broke(error)).lost()),
                Err(_) => return Err(self.unexpected(patience.ran_out(true)).lost()),
            }
        }
        let Ok(value) = serde_json::from_slice::<Value>(&body) else {
            let failure = if looks_like_html(&body) {
                page()
            } else {
                let seen = self.context.redactor.excerpt(&String::from_utf8_lossy(&body), 80);
                malformed(format!("{} answered with broken JSON: {seen}", self.config.name))
            };
            return Err(self.unexpected(failure));
        };
        let mut answer = Answer::default();
        let brought = answer.take(&value, &self.context, terms)?;
        if value.get("choices").and_then(Value::as_array).is_none_or(Vec::is_empty) {
            let failure = malformed(format!("the JSON from {} holds no answer", self.config.name))
                .help(
                    "is this the address of an OpenAI-compatible server? most base URLs end in /v1",
                );
            return Err(answer.fail(failure));
        }
        Tally::default().report(brought, answer.has_begun(), progress);
        answer.conclude(Ending::Complete, &self.context, terms)
    }

    /// The failure of a request that did not get an answer's head.
    fn unsent_or_lost(&self, error: reqwest::Error) -> AttemptError {
        if error.is_connect() {
            let what = self.causes(error);
            let message = format!("could not connect to {}: {what}", self.context.address);
            let failure = Failure::new(FailureClass::Connect, message)
                .help("check the address, the network, and that the server is running");
            return AttemptError::unbilled(failure);
        }
        if error.is_builder() {
            let failure = Failure::new(FailureClass::BadRequest, self.causes(error));
            return AttemptError::unbilled(failure);
        }
        self.unexpected(self.broke(error)).lost()
    }

    /// The failure of a connection that broke after the request was sent.
    fn broke(&self, error: reqwest::Error) -> Failure {
        let what = self.causes(error);
        let message = format!("the connection to {} broke: {what}", self.config.name);
        Failure::new(FailureClass::StreamCut, message)
    }

    /// What a client error says, its causes included and its URL left out.
    fn causes(&self, error: reqwest::Error) -> String {
        let error = error.without_url();
        let mut parts = vec![error.to_string()];
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !parts.iter().any(|part| part.contains(&text)) {
                parts.push(text);
            }
            source = cause.source();
        }
        self.context.redactor.excerpt(&parts.join(": "), 300)
    }

    fn redirected(&self, status: u16, headers: &HeaderMap) -> AttemptError {
        let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let host = target.and_then(|target| self.url.join(target).ok()).and_then(|target| {
            target.host_str().map(|host| self.context.redactor.excerpt(host, 100))
        });
        let host = host.unwrap_or_else(|| "an unnamed place".into());
        let message = format!(
            "{} answered {status}, a redirect to {host}, which is never followed",
            self.config.name
        );
        let failure = Failure::new(FailureClass::Redirected, message)
            .help("if you trust that address, make it the base URL");
        AttemptError::unbilled(failure)
    }

    /// The failure of a request that the server turned away with a status.
    async fn turned_away(
        &self,
        mut response: Response,
        model: &str,
        request_id: Option<&str>,
    ) -> AttemptError {
        let status = response.status().as_u16();
        let retry_after_ms = retry_after_ms(response.headers(), (self.config.now)());
        let mut body = Vec::new();
        // What has not come in time is not needed: the status says enough.
        let _ = timeout(COMPLAINT_TIME, async {
            while let Ok(Some(bytes)) = response.chunk().await {
                let room = COMPLAINT_LIMIT - body.len();
                body.extend_from_slice(&bytes[..bytes.len().min(room)]);
                if body.len() == COMPLAINT_LIMIT {
                    break;
                }
            }
        })
        .await;
        if status < 300 {
            let message = format!("{} answered {status}, which is no answer", self.config.name);
            return self.unexpected(malformed(message));
        }
        let failure = self.context.refused(status, &Complaint::read(&body), model, request_id);
        // A gateway that gave up says nothing about what the model behind it did and charged.
        let is_gateway = matches!(status, 502 | 504 | 520..=527);
        let error = match failure.class {
            FailureClass::Unavailable if is_gateway => AttemptError::of_answer(failure, None, None),
            _ => AttemptError::unbilled(failure),
        };
        AttemptError { retry_after_ms, ..error }
    }

    /// A complaint about the schema as a parameter: from here on it stands in the messages alone. The
    /// request was turned away, so that the next attempt costs nothing more.
    fn without_schema(&self, mut error: AttemptError) -> AttemptError {
        const WORDS: [&str; 5] =
            ["response_format", "json_schema", "structured output", "invalid schema", "grammar"];
        let said = error.failure.message.to_ascii_lowercase();
        let class = error.failure.class;
        let possible = matches!(class, FailureClass::BadRequest | FailureClass::Unavailable);
        if possible && WORDS.iter().any(|word| said.contains(word)) {
            self.refuses_schema.store(true, Ordering::Relaxed);
            error.failure.class = FailureClass::Unsupported;
        }
        error
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let id = headers.get("x-request-id")?.to_str().ok()?;
        let id = self.context.redactor.excerpt(id, 200);
        (!id.is_empty()).then_some(id)
    }

    /// The same error with the key removed from the text that had arrived.
    fn without_key(&self, mut error: AttemptError) -> AttemptError {
        error.partial = error.partial.map(|text| self.context.redactor.redact_owned(text));
        error
    }
}

fn page() -> Failure {
    malformed("an HTML page instead of JSON").help("is the base URL right? most end in /v1")
}

/// Reads what is left after `[DONE]`, for a moment.
async fn drain(mut response: Response) {
    let rest = async {
        let mut left = COMPLAINT_LIMIT;
        while let Ok(Some(bytes)) = response.chunk().await {
            left = left.saturating_sub(bytes.len());
            if left == 0 {
                break;
            }
        }
    };
    // A body that does not end in time costs the connection and nothing else.
    let _ = timeout(AFTER_DONE, rest).await;
}

/// The server's figures, or our own count where it sent none.
async fn usage(request: &Request, good: &Good) -> Usage {
    let reported = good.usage.unwrap_or_default();
    let mut usage = Usage {
        input: reported.input.unwrap_or_default(),
        output: reported.output.unwrap_or_default(),
        cached: reported.cached,
        reasoning: reported.reasoning,
        estimated: reported.input.is_none() || reported.output.is_none(),
    };
    if reported.input.is_none() {
        usage.input = counted(format!("{}\n{}", request.system, request.user())).await;
    }
    if reported.output.is_none() {
        usage.output = counted(good.text.clone()).await;
    }
    usage
}

/// Counts tokens where it delays no connection.
async fn counted(text: String) -> u64 {
    let guess = tokens::estimate(&text);
    tokio::task::spawn_blocking(move || tokens::count(&text)).await.unwrap_or(guess)
}

/// Tells whoever watches how far the answer is.
#[derive(Debug, Default)]
struct Tally {
    bytes: usize,
    begun: bool,
}

impl Tally {
    fn report(&mut self, brought: usize, begun: bool, progress: &dyn Progress) {
        if begun && !std::mem::replace(&mut self.begun, true) {
            progress.first_token();
        }
        if brought > 0 {
            self.bytes += brought;
            progress.delta(brought, (self.bytes as u64).div_ceil(4));
        }
    }
}

/// How long to wait for what.
#[derive(Debug)]
struct Patience {
    started: Instant,
    first_token: Duration,
    idle: Duration,
    total: Duration,
}

impl Patience {
    fn new(config: &Config, request: &Request) -> Self {
        let or = |millis: Option<u64>, default: Duration| {
            millis.map_or(default, Duration::from_millis).min(LONGEST)
        };
        Self {
            started: Instant::now(),
            first_token: or(request.timeouts.first_token_ms, config.timeouts.first_token),
            idle: or(request.timeouts.idle_ms, config.timeouts.idle),
            total: or(request.timeouts.total_ms, config.timeouts.total),
        }
    }

    fn first_token_deadline(&self) -> Instant {
        self.started + self.first_token.min(self.total)
    }

    /// The deadline after something has arrived.
    fn next_deadline(&self, begun: bool) -> Instant {
        if begun { self.within_total(self.idle) } else { self.first_token_deadline() }
    }

    fn within_total(&self, wait: Duration) -> Instant {
        (Instant::now() + wait).min(self.started + self.total)
    }

    fn none_came(&self) -> Failure {
        self.ran_out(false)
    }

    fn ran_out(&self, begun: bool) -> Failure {
        let message = if self.started.elapsed() >= self.total {
            format!("the answer was not finished within {:?}", self.total)
        } else if begun {
            format!("nothing more of the answer came for {:?}", self.idle)
        } else {
            format!("no first token within {:?}", self.first_token)
        };
        let help = "timeouts are set by `timeout:` in the workflow";
        Failure::new(FailureClass::Timeout, message).help(help)
    }
}
