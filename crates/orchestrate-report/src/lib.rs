//! Run summaries and plans as Markdown, JSON, text, Mermaid, DOT and SVG.
//!
//! Everything here is pure: a [`RunSummary`](orchestrate_core::summary::RunSummary) or a
//! [`Plan`](orchestrate_core::plan::Plan) comes in, contents are looked up through [`Blobs`], and a
//! text goes out. Nothing is printed and nothing is written.

pub mod words;

mod approval;
mod closing;
mod context;
mod coverage;
mod dot;
mod drawing;
mod flow;
mod handed;
mod header;
mod json;
mod markdown;
mod mermaid;
mod node;
mod persona_diff;
mod report;
mod result;
mod review;
mod sarif;
mod selection;
mod states;
mod svg;
mod text_diff;

pub use approval::{approval, how_to_decide};
pub use closing::closing;
pub use context::{Blobs, Context, OFFLINE_NOTICE};
pub use coverage::coverage_line;
pub use dot::dot;
pub use drawing::drawing;
pub use flow::{flow, items};
pub use json::{json, list_entry};
pub use mermaid::mermaid;
pub use persona_diff::persona_diff;
pub use report::report_markdown;
pub use result::result_markdown;
pub use review::review_outcome;
pub use sarif::{MAX_RESULTS, SarifTool, sarif};
pub use selection::selection;
pub use states::{advice, fallbacks, loss, lost_attempts, status, sufficient_cap, trouble};
pub use svg::svg;
pub use text_diff::text_diff;
