//! Templates: what they may say, what they refer to, and rendering them.
//!
//! The language is minijinja's, reduced to what a prompt needs: expressions, `for`, `if`, `set` and
//! `with`. Macros and includes are written out where a workflow is compiled (`expand`). What could build texts
//! or lists of unbounded size in memory, or get a text past the fence (captured blocks, `~`, arithmetic on
//! texts), is refused before anything is rendered.

mod analysis;
mod expand;
mod expression;
mod filters;
mod passing;
mod render;
mod typed;
mod value;

pub use render::{
    MAX_RENDERED_BYTES, TemplateError, evaluate, evaluate_condition, evaluate_list, item_block,
    mentions_item, prints_task, render_prompt, render_text,
};
pub use value::{ItemValue, PartValue, Scope, StepEnding, StepValue, StepValues};

pub(crate) use analysis::{Form, Names, Problem, Reference, Target, analyse};
pub(crate) use expand::{Expanded, Includes, Spot, expand};
pub(crate) use passing::{Passing, evaluate_passing, ingredients, single_expression};
pub(crate) use render::plain_input;
pub(crate) use typed::{ItemSchema, item_schema};
