//! A provider that is reached over HTTP: one request out, one answer in.

use std::{
    collections::BTreeMap,
    error::Error as _,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt as _};
use orchestrate_core::{
    failure::{Failure, FailureClass},
    request::{Endpoint, Parameters, Request},
    usage::Usage,
};
use reqwest::{
    Certificate, Client, Response, Url,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION},
};
use tokio::time::{timeout, timeout_at};

use super::{
    answer::{Good, Terms, malformed},
    config::{
        Config, ConfigError, DefaultTimeouts, Key, KeyHeader, Limits, StructuredOutput, base_url,
        certificates, headers, is_loopback,
    },
    exchange::unexpected,
    limits::server_limits,
    patience::Patience,
    rejection::{Complaint, Context},
    retry_after::retry_after_ms,
};
use crate::{
    dialects::{Shape, Wire},
    provider::{AttemptError, Completion, Progress, Provider},
    redact::Redactor,
    tokens,
};

/// Bytes of an error's body that are read.
const COMPLAINT_LIMIT: usize = 64 * 1024;
/// How long an error's body may take.
const COMPLAINT_TIME: Duration = Duration::from_secs(10);
/// Headers in which servers name an exchange.
const REQUEST_IDS: [&str; 3] = ["x-request-id", "request-id", "apim-request-id"];

/// A model server, whatever it speaks.
#[derive(Debug, Clone)]
pub struct HttpProvider {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    pub(super) wire: Box<dyn Wire>,
    pub(super) base: Url,
    pub(super) limits: Limits,
    pub(super) context: Context,
    endpoint: Endpoint,
    shape: Shape,
    /// Whether the server has said that it does not take a schema as a parameter.
    refuses_schema: AtomicBool,
    key: Option<Key>,
    key_header: KeyHeader,
    headers: HeaderMap,
    client: Client,
    /// What a client is made of, for requests with another time limit for the connection.
    template: Template,
    /// Such clients by that limit.
    others: Mutex<BTreeMap<Duration, Client>>,
    timeouts: DefaultTimeouts,
    now: fn() -> std::time::SystemTime,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HttpProvider").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl HttpProvider {
    /// Checks the configuration and sets up a client of its own. Sends nothing.
    pub fn new(config: Config) -> Result<Self, ConfigError> {
        let base = base_url(&config)?;
        let key = Key::of(&config)?;
        let shape = Shape { effort: config.effort, seed: config.seed };
        let wire = config.dialect.wire();
        if let Some(what) = wire.lacks(shape) {
            return Err(ConfigError::Unsupported { name: config.name, what });
        }
        let headers = headers(&config)?;
        let template =
            Template { certificates: certificates(&config)?, on_this_machine: is_loopback(&base) };
        let client = template.client(config.timeouts.connect);
        let client = client.map_err(|error| ConfigError::Client(error.without_url()))?;
        let secrets = config.api_key.iter().chain(config.headers.iter().map(|(_, value)| value));
        let context = Context {
            address: base.as_str().trim_end_matches('/').to_owned(),
            address_hint: wire.address_hint(),
            key_origin: config.key_origin,
            has_key: config.api_key.is_some(),
            redactor: Redactor::new(secrets.cloned()).and(&config.redactor),
            name: config.name,
        };
        let endpoint = Endpoint {
            provider: wire.kind().into(),
            origin: context.address.clone(),
            // What every request is asked with shapes the answers as the dialect does.
            dialect: format!("{}{shape}", wire.name()),
        };
        Ok(Self {
            inner: Arc::new(Inner {
                wire,
                base,
                limits: config.limits,
                context,
                endpoint,
                shape,
                refuses_schema: AtomicBool::new(
                    config.structured_output == StructuredOutput::Prompt,
                ),
                key,
                key_header: config.key_header,
                headers,
                client,
                template,
                others: Mutex::default(),
                timeouts: config.timeouts,
                now: config.now,
            }),
        })
    }
}

/// What every client of an endpoint is made of.
struct Template {
    certificates: Vec<Certificate>,
    on_this_machine: bool,
}

impl Template {
    fn client(&self, connect: Duration) -> reqwest::Result<Client> {
        let mut client = Client::builder()
            .user_agent(concat!("orchestrate/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(connect)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false);
        if self.on_this_machine {
            client = client.no_proxy();
        }
        if !self.certificates.is_empty() {
            client = client.tls_certs_merge(self.certificates.clone());
        }
        client.build()
    }
}

impl Provider for HttpProvider {
    fn endpoint(&self) -> &Endpoint {
        &self.inner.endpoint
    }

    fn reusable(&self) -> bool {
        true
    }

    fn keeps_prefixes(&self) -> bool {
        self.inner.wire.keeps_prefixes()
    }

    fn longest_answer(&self, request: &Request) -> Option<u32> {
        self.inner.wire.cap(request)
    }

    fn refuses(&self, parameters: &Parameters) -> Option<Failure> {
        self.inner.refuses(parameters)
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
        if let Some(failure) = self.refuses(&request.parameters) {
            return Err(AttemptError::unbilled(failure));
        }
        let patience = Patience::new(self.timeouts, request);
        let refuses = self.refuses_schema.load(Ordering::Relaxed);
        let asked_natively = request.response_schema.is_some() && !refuses;
        let body = if request.response_schema.is_some() && refuses {
            // The messages hold the schema in any case.
            let plain = Request { response_schema: None, ..request.clone() };
            self.wire.body(&plain, self.shape_of(request))
        } else {
            self.wire.body(request, self.shape_of(request))
        };
        let body = body.map_err(AttemptError::unbilled)?;
        let url = self.wire.url(&self.base, &request.model.model);
        let client = self.client_for(patience.connect).map_err(AttemptError::unbilled)?;
        let sending = client.post(url).headers(self.headers_for(Some(request))).body(body);
        let response = match timeout_at(patience.first_token_deadline(), sending.send()).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(self.unsent_or_lost(error)),
            Err(_) => return Err(unexpected(patience.ran_out(false)).lost()),
        };
        let limits = server_limits(response.headers(), (self.now)());
        if !limits.is_empty() {
            progress.limits(&limits);
        }
        let request_id = self.request_id(response.headers());
        let terms = Terms {
            model: &request.model.model,
            cap: self.wire.cap(request),
            text_limit: self.limits.text,
        };
        let status = response.status().as_u16();
        let good = if status == 200 {
            self.read(response, &patience, terms, progress).await
        } else {
            let error = self.declined(response, terms.model, request_id.as_deref()).await;
            Err(if asked_natively { self.without_schema(error) } else { error })
        };
        let good = good.map_err(|error| self.without_key(error))?;
        let usage = usage(request, &good).await;
        Ok(Completion { text: good.text, usage, served_model: good.model, request_id })
    }

    fn refuses(&self, parameters: &Parameters) -> Option<Failure> {
        let refused = |message: String, help: &str| {
            Some(Failure::new(FailureClass::BadRequest, message).help(help))
        };
        if let Some((message, help)) = self.wire.refuses(parameters) {
            return refused(message.to_owned(), help);
        }
        let shape = Shape { seed: parameters.seed.map(u64::from), ..Shape::default() };
        let what = self.wire.lacks(shape)?;
        let message = format!("provider `{}` has no {what}", self.context.name);
        refused(message, "take it out of the workflow, or use another model")
    }

    /// What is asked of the answer: the workflow's word stands before the operator's.
    fn shape_of(&self, request: &Request) -> Shape {
        Shape { seed: request.parameters.seed.map(u64::from).or(self.shape.seed), ..self.shape }
    }

    /// A complaint about the schema as a parameter: from here on it stands in the messages alone. The
    /// request was turned away, so that the next attempt costs nothing more.
    fn without_schema(&self, mut error: AttemptError) -> AttemptError {
        const WORDS: [&str; 9] = [
            "response_format",
            "json_schema",
            "structured output",
            "invalid schema",
            "grammar",
            "output_config",
            "responsejsonschema",
            "responsemimetype",
            "invalid json schema",
        ];
        let said = error.failure.message.to_ascii_lowercase();
        let class = error.failure.class;
        let possible = matches!(class, FailureClass::BadRequest | FailureClass::Unavailable);
        if possible && WORDS.iter().any(|word| said.contains(word)) {
            self.refuses_schema.store(true, Ordering::Relaxed);
            error.failure.class = FailureClass::Unsupported;
        }
        error
    }

    /// The client whose connections may take this long to make: the limit belongs to a client.
    fn client_for(&self, connect: Duration) -> Result<Client, Failure> {
        if connect == self.timeouts.connect {
            return Ok(self.client.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = others.get(&connect) {
            return Ok(client.clone());
        }
        let client = self.template.client(connect).map_err(|error| {
            let message = format!("the HTTP client could not be set up: {}", self.causes(error));
            Failure::new(FailureClass::Preparation, message)
        })?;
        others.insert(connect, client.clone());
        Ok(client)
    }

    /// The headers of a request to the model, or of another one.
    pub(super) fn headers_for(&self, request: Option<&Request>) -> HeaderMap {
        let mut headers = self.wire.headers(request);
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        let accept = match self.wire.framing() {
            crate::dialects::Framing::Sse => "text/event-stream, application/json",
            crate::dialects::Framing::Lines => "application/x-ndjson, application/json",
        };
        headers.insert(ACCEPT, HeaderValue::from_static(accept));
        headers.extend(self.headers.clone());
        if let Some(key) = &self.key {
            let style = match self.key_header {
                KeyHeader::Native => self.wire.key_header(request),
                chosen => chosen,
            };
            match style {
                KeyHeader::Named(name) => {
                    headers.insert(HeaderName::from_static(name), key.bare.clone())
                }
                KeyHeader::Bearer | KeyHeader::Native => {
                    headers.insert(AUTHORIZATION, key.bearer.clone())
                }
            };
        }
        headers
    }

    /// A request for something else than an answer.
    pub(super) fn ask(&self, url: Url) -> reqwest::RequestBuilder {
        self.client.get(url).headers(self.headers_for(None))
    }

    /// The failure of a request that did not get an answer's head.
    pub(super) fn unsent_or_lost(&self, error: reqwest::Error) -> AttemptError {
        if error.is_connect() {
            let what = self.cause(&error);
            let message = format!("could not connect to {}: {what}", self.context.address);
            let failure = Failure::new(FailureClass::Connect, message)
                .help("check the address, the network, and that the server is running");
            return AttemptError::unbilled(failure);
        }
        if error.is_builder() {
            let failure = Failure::new(FailureClass::BadRequest, self.causes(error));
            return AttemptError::unbilled(failure);
        }
        unexpected(self.broke(error)).lost()
    }

    /// The failure of a connection that broke after the request was sent.
    pub(super) fn broke(&self, error: reqwest::Error) -> Failure {
        let what = self.causes(error);
        let message = format!("the connection to {} broke: {what}", self.context.name);
        Failure::new(FailureClass::StreamCut, message)
    }

    /// What the innermost cause of a client error says. What stands around it says only that a request was
    /// being sent.
    fn cause(&self, error: &reqwest::Error) -> String {
        let first = error.source();
        let innermost = std::iter::successors(first, |error| (*error).source()).last();
        let text = innermost.map_or_else(|| "no reason is known".to_owned(), ToString::to_string);
        self.context.redactor.excerpt(&text, 300)
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

    /// The failure of a request that was answered with another status than 200.
    pub(super) async fn declined(
        &self,
        response: Response,
        model: &str,
        request_id: Option<&str>,
    ) -> AttemptError {
        match response.status().as_u16() {
            status @ 300..=399 => self.redirected(status, response.headers()),
            _ => self.turned_away(response, model, request_id).await,
        }
    }

    fn redirected(&self, status: u16, headers: &HeaderMap) -> AttemptError {
        let target = headers.get(LOCATION).and_then(|value| value.to_str().ok());
        let place = target.and_then(|target| self.base.join(target).ok()).and_then(place);
        let place = place.map_or_else(
            || "an unnamed place".into(),
            |place| self.context.redactor.excerpt(&place, 200),
        );
        let name = &self.context.name;
        let message =
            format!("{name} answered {status}, a redirect to {place}, which is never followed");
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
        let asked_by_header = retry_after_ms(response.headers(), (self.now)());
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
            let message = format!("{} answered {status}, which is no answer", self.context.name);
            return unexpected(malformed(message));
        }
        let complaint = Complaint::read(&body);
        let failure = self.context.refused(status, &complaint, model, request_id);
        // A gateway that gave up says nothing about what the model behind it did and charged.
        let is_gateway = matches!(status, 502 | 504 | 520..=527);
        let error = match failure.class {
            FailureClass::Unavailable if is_gateway => unexpected(failure),
            _ => AttemptError::unbilled(failure),
        };
        AttemptError { retry_after_ms: asked_by_header.or(complaint.wait_ms), ..error }
    }

    fn request_id(&self, headers: &HeaderMap) -> Option<String> {
        let id = REQUEST_IDS.iter().find_map(|name| headers.get(*name)?.to_str().ok())?;
        let id = self.context.redactor.excerpt(id, 200);
        (!id.is_empty()).then_some(id)
    }

    /// The same error with the key removed from the text that had arrived.
    fn without_key(&self, mut error: AttemptError) -> AttemptError {
        error.partial = error.partial.map(|text| self.context.redactor.redact_owned(text));
        error
    }
}

/// An address without what may be secret in it: scheme, host, port and path.
fn place(mut url: Url) -> Option<String> {
    url.host_str()?;
    url.set_query(None);
    url.set_fragment(None);
    // Only an address that can hold neither refuses.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    Some(url.to_string())
}

/// The server's figures, or our own count where it sent none.
async fn usage(request: &Request, good: &Good) -> Usage {
    let reported = good.usage;
    let mut usage = Usage {
        input: reported.input.unwrap_or_default(),
        output: reported.output.unwrap_or_default(),
        cached: reported.cached.unwrap_or_default(),
        cache_write: reported.cache_write.unwrap_or_default(),
        reasoning: reported.reasoning.unwrap_or_default(),
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
pub(crate) async fn counted(text: String) -> u64 {
    let guess = tokens::estimate(&text);
    tokio::task::spawn_blocking(move || tokens::count(&text)).await.unwrap_or(guess)
}
