//! What a template refers to and what is wrong with it, found in its syntax tree.

use std::{collections::BTreeMap, ops::Range};

use minijinja::{
    machinery::{Span, Token, ast, parse, parse_expr, tokenize},
    syntax::SyntaxConfig,
};

use orchestrate_core::plan::InputKind;
use serde_json::Value;

use super::typed::{ItemSchema, Typed};
use crate::codes;

/// Tokens in one `{{ … }}` or `{% … %}`: the parser builds trees as deep as an expression is long.
const MOST_TOKENS: usize = 400;
/// Characters in one line of a template: the lexer counts columns in 16 bits and does not expect more.
const LONGEST_LINE: usize = 65_000;
/// `{% elif %}`s in one template, which nest in the syntax tree.
const MOST_ELIFS: usize = 100;

/// Whether a text is a template or a bare expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Template,
    Expression,
}

/// What an analysis has to know of the workflow around a template.
pub(crate) trait Names {
    /// Whether the input exists.
    fn has_input(&self, name: &str) -> bool;
    /// Whether the input's values are numbers.
    fn is_number(&self, name: &str) -> bool;
    /// What the input's values are, where that is known before there are any.
    fn input_kind(&self, _name: &str) -> Option<&InputKind> {
        None
    }
    /// Whether the step exists.
    fn has_step(&self, id: &str) -> bool;
    /// The names of the items that are known here.
    fn items(&self) -> Vec<String> {
        Vec::new()
    }
    /// What the items of this name are, where that is known before there are any.
    fn item_schema(&self, _name: &str) -> Option<&ItemSchema> {
        None
    }
    /// The step whose items have this name, wherever it stands.
    fn item_of(&self, _name: &str) -> Option<&str> {
        None
    }
    /// Whether the step runs once for each item of a list.
    fn fans_out(&self, _id: &str) -> bool {
        true
    }
    /// Whether the step's answer is a value. While values are at hand that was checked before.
    fn has_output(&self, _id: &str) -> bool {
        true
    }
    /// The schema of the step's value, where it is known; of a fan-out, that of the value of each item.
    fn output_schema(&self, _id: &str) -> Option<&Value> {
        None
    }
    /// Whether the step's value is the list of those of its items.
    fn lists_output(&self, _id: &str) -> bool {
        false
    }
}

/// Everything found in a template.
#[derive(Debug, Default)]
pub(crate) struct Analysis {
    pub(crate) references: Vec<Reference>,
    pub(crate) problems: Vec<Problem>,
    /// Whether the task is printed, whatever the values are.
    pub(crate) prints_task: bool,
}

/// A mention of an input or a step.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) target: Target,
    /// Where its name stands in the template.
    pub(crate) span: Range<usize>,
    /// Whether its value is used and not merely tested.
    pub(crate) printed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    Input(String),
    /// The item of a fan-out.
    Item(String),
    Step {
        id: String,
        attribute: String,
    },
}

/// Something wrong in a template.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) help: Option<String>,
    /// Where in the template.
    pub(crate) span: Range<usize>,
}

/// The syntax of templates: minijinja's, and a last line feed stays.
pub(super) fn syntax() -> SyntaxConfig {
    let mut builder = SyntaxConfig::builder();
    builder.keep_trailing_newline(true);
    builder.build().unwrap_or_default()
}

/// Finds references and problems. Names that do not exist are left to the caller, who knows the
/// ones that do.
pub(crate) fn analyse(source: &str, form: Form, names: &dyn Names) -> Analysis {
    let mut walker = Walker::new(source, names);
    if let Some(problem) = too_complex(source, form) {
        walker.found.problems.push(problem);
        return walker.found;
    }
    let outcome = match form {
        Form::Template => parse(source, "template", syntax()).map(|root| walker.statement(&root)),
        Form::Expression => {
            parse_expr(source).map(|root| walker.expression(&root, Position::Printed))
        }
    };
    if let Err(error) = outcome {
        walker.found.problems.push(syntax_problem(source, &error));
    }
    walker.found
}

/// Whether a value is used, or only looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Position {
    Printed,
    Tested,
}

pub(super) struct Walker<'s> {
    pub(super) source: &'s str,
    pub(super) names: &'s dyn Names,
    pub(super) found: Analysis,
    /// Names that the template itself defines, innermost last.
    pub(super) scopes: Vec<BTreeMap<String, Option<Typed<'s>>>>,
    /// The items of fans-out that are known here.
    pub(super) items: Vec<String>,
    /// How many branches and loops stand around.
    conditional: usize,
}

impl<'s> Walker<'s> {
    pub(super) fn new(source: &'s str, names: &'s dyn Names) -> Self {
        Self {
            source,
            names,
            found: Analysis::default(),
            scopes: vec![BTreeMap::new()],
            items: names.items(),
            conditional: 0,
        }
    }

    fn statements(&mut self, statements: &[ast::Stmt<'_>]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &ast::Stmt<'_>) {
        match statement {
            ast::Stmt::Template(template) => self.statements(&template.children),
            ast::Stmt::EmitRaw(_) => {}
            ast::Stmt::EmitExpr(emit) => {
                if self.conditional == 0 && self.carries_task(&emit.expr) {
                    self.found.prints_task = true;
                }
                self.expression(&emit.expr, Position::Printed);
            }
            ast::Stmt::IfCond(branch) => {
                self.expression(&branch.expr, Position::Tested);
                self.conditional += 1;
                self.statements(&branch.true_body);
                self.statements(&branch.false_body);
                self.conditional -= 1;
            }
            ast::Stmt::ForLoop(each) => {
                if each.recursive {
                    self.unsupported("a recursive loop", each.span());
                }
                self.expression(&each.iter, Position::Printed);
                self.conditional += 1;
                let items = self.typed(&each.iter).and_then(|list| list.items());
                self.scopes.push(BTreeMap::from([("loop".to_owned(), None)]));
                self.define(&each.target, items);
                if let Some(filter) = &each.filter_expr {
                    self.expression(filter, Position::Tested);
                }
                self.statements(&each.body);
                self.scopes.pop();
                self.statements(&each.else_body);
                self.conditional -= 1;
            }
            ast::Stmt::WithBlock(block) => {
                self.scopes.push(BTreeMap::new());
                for (target, value) in &block.assignments {
                    self.expression(value, Position::Printed);
                    let typed = self.typed(value);
                    self.define(target, typed);
                }
                self.statements(&block.body);
                self.scopes.pop();
            }
            ast::Stmt::Set(set) => {
                self.expression(&set.expr, Position::Printed);
                let typed = self.typed(&set.expr);
                // Behind a branch it may be another value.
                self.define(&set.target, typed.filter(|_| self.conditional == 0));
            }
            ast::Stmt::SetBlock(block) => {
                self.unsupported("a `{% set %}` block", block.span());
            }
            ast::Stmt::AutoEscape(block) => self.unsupported("`{% autoescape %}`", block.span()),
            ast::Stmt::FilterBlock(block) => {
                self.unsupported("a `{% filter %}` block", block.span());
            }
            ast::Stmt::Block(block) => self.unsupported("`{% block %}`", block.span()),
            ast::Stmt::Import(import) => self.unsupported("`{% import %}`", import.span()),
            ast::Stmt::FromImport(import) => self.unsupported("`{% from %}`", import.span()),
            ast::Stmt::Extends(extends) => self.unsupported("`{% extends %}`", extends.span()),
            // Both are written out before a workflow's templates come here.
            ast::Stmt::Include(include) => self.unsupported("an include here", include.span()),
            ast::Stmt::Macro(definition) => self.unsupported("a macro here", definition.span()),
            ast::Stmt::CallBlock(call) => self.unsupported("`{% call %}`", call.span()),
            ast::Stmt::Do(call) => self.unsupported("`{% do %}`", call.span()),
            // Loop controls exist only where another crate switches the feature on.
            #[expect(unreachable_patterns, reason = "not unreachable with every feature set")]
            _ => self.unsupported("this statement", Span::default()),
        }
    }

    /// Makes the names of an assignment known.
    fn define(&mut self, target: &ast::Expr<'_>, typed: Option<Typed<'s>>) {
        match target {
            ast::Expr::Var(name) if matches!(name.id, "inputs" | "steps" | "loop") => {
                let message = format!("a template cannot change `{}`", name.id);
                self.problem(codes::TEMPLATE_UNSUPPORTED, message, None, range(name.span()));
            }
            ast::Expr::Var(name) => {
                if let Some(scope) = self.scopes.last_mut() {
                    scope.insert(name.id.to_owned(), typed);
                }
            }
            ast::Expr::List(list) => list.items.iter().for_each(|item| self.define(item, None)),
            ast::Expr::Tuple(tuple) => tuple.items.iter().for_each(|item| self.define(item, None)),
            other => self.unsupported("an assignment to anything but a name", other.span()),
        }
    }

    fn unsupported(&mut self, what: &str, span: Span) {
        let message = format!("templates do not have {what}");
        let help = "templates print expressions and have `for`, `if`, `set`, `with`, `macro` and `include`".to_owned();
        self.problem(codes::TEMPLATE_UNSUPPORTED, message, Some(help), range(span));
    }

    pub(super) fn problem(
        &mut self,
        code: &'static str,
        message: String,
        help: Option<String>,
        span: Range<usize>,
    ) {
        self.found.problems.push(Problem { code, message, help, span });
    }

    /// A step with an index behind it.
    pub(super) fn indexed(&mut self, id: &str, at: &Range<usize>) {
        let (message, help) = if self.names.fans_out(id) {
            (
                format!("`steps.{id}` is no list: what came of its items stands in `items`"),
                format!("write `steps.{id}.items[0].text`"),
            )
        } else {
            (format!("`steps.{id}` has no `[…]`"), format!("write `steps.{id}.text`"))
        };
        self.problem(codes::UNKNOWN_ATTRIBUTE, message, Some(help), at.clone());
    }

    pub(super) fn is_local(&self, name: &str) -> bool {
        self.scopes.iter().any(|scope| scope.contains_key(name))
    }
}

pub(super) fn range(span: Span) -> Range<usize> {
    span.start_offset as usize..span.end_offset.max(span.start_offset) as usize
}

fn syntax_problem(source: &str, error: &minijinja::Error) -> Problem {
    let detail = error.detail().unwrap_or("this is no template");
    let span = error.range().unwrap_or(0..source.len());
    let help = if detail.contains("end of") && detail.contains("input") {
        "close every `{{` with `}}`, every `{%` with `%}`, and every block with its `{% end… %}`"
    } else {
        "to print braces as they are, write `{% raw %}{{ … }}{% endraw %}`"
    };
    Problem {
        code: codes::TEMPLATE_SYNTAX,
        message: format!("the template cannot be read: {detail}"),
        help: Some(help.to_owned()),
        span,
    }
}

/// Refuses what would make the recursive parts of the parser deep, or its counters overflow.
pub(super) fn too_complex(source: &str, form: Form) -> Option<Problem> {
    if let Some(line) = source.split('\n').find(|line| line.len() > LONGEST_LINE) {
        let start = line.as_ptr().addr() - source.as_ptr().addr();
        return Some(Problem {
            code: codes::TEMPLATE_TOO_COMPLEX,
            message: format!("a line of a template has at most {LONGEST_LINE} bytes"),
            help: Some("break the line, or give the text as an input of type `file`".to_owned()),
            span: start..start + line.chars().next().map_or(0, char::len_utf8),
        });
    }
    let (mut tokens, mut elifs, mut start) = (0, 0, 0);
    let mut opened = false;
    for token in tokenize(source, form == Form::Expression, syntax()) {
        // A broken token is reported by the parser.
        let Ok((token, span)) = token else { return None };
        match token {
            Token::VariableStart | Token::BlockStart => {
                (tokens, start, opened) = (0, range(span).start, true);
                continue;
            }
            Token::TemplateData(_) => tokens = 0,
            Token::Ident("elif") if opened => elifs += 1,
            _ => tokens += 1,
        }
        opened = false;
        if tokens > MOST_TOKENS || elifs > MOST_ELIFS {
            let message = if elifs > MOST_ELIFS {
                format!("a template has at most {MOST_ELIFS} `elif`s")
            } else {
                format!("an expression has at most {MOST_TOKENS} words and signs")
            };
            let end = range(span).end;
            let code = codes::TEMPLATE_TOO_COMPLEX;
            return Some(Problem { code, message, help: None, span: start..end });
        }
    }
    None
}
