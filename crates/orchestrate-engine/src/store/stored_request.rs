//! A request as the journal keeps it: persona and system prompt are stored once and referred to.

use std::sync::Arc;

use orchestrate_core::{
    ids::{CallId, Digest},
    request::{ModelRef, Parameters, Request, Segment, Timeouts},
};
use serde::{Deserialize, Serialize};

use super::{Blob, StoreError, journal::BlobReader};

/// The wire form of a request, version 1.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct StoredRequest {
    version: u32,
    call: CallId,
    model: ModelRef,
    persona: Digest,
    system: Digest,
    segments: Vec<Segment>,
    parameters: Parameters,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    output_cap: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    response_schema: Option<Arc<serde_json::Value>>,
    #[serde(default)]
    timeouts: Timeouts,
}

impl StoredRequest {
    /// The request as contents for the journal; the first is the request itself.
    pub(crate) fn store(request: &Request, persona: Blob) -> [Blob; 3] {
        let system = Blob::new(request.system.clone());
        let stored = Self {
            version: 1,
            call: request.call.clone(),
            model: request.model.clone(),
            persona: persona.digest,
            system: system.digest,
            segments: request.segments.clone(),
            parameters: request.parameters,
            output_cap: request.output_cap,
            response_schema: request.response_schema.clone(),
            timeouts: request.timeouts,
        };
        let body = Blob::new(serde_json::to_vec(&stored).expect("a request is plain data"));
        [body, persona, system]
    }

    /// Reads a request back.
    pub(crate) fn load(digest: &Digest, blobs: &BlobReader) -> Result<Request, StoreError> {
        let unreadable = |error: serde_json::Error| StoreError::Damaged {
            path: "journal.db".into(),
            what: format!("request {} cannot be read: {error}", digest.short()),
        };
        let stored: Self = serde_json::from_str(&blobs.text(digest)?).map_err(unreadable)?;
        let persona = serde_json::from_str(&blobs.text(&stored.persona)?).map_err(unreadable)?;
        Ok(Request {
            call: stored.call,
            model: stored.model,
            persona: Arc::new(persona),
            system: blobs.text(&stored.system)?,
            segments: stored.segments,
            parameters: stored.parameters,
            output_cap: stored.output_cap,
            response_schema: stored.response_schema,
            timeouts: stored.timeouts,
        })
    }
}
