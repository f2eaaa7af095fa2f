//! Expressions: references resolved, operators and filters checked.

use std::{collections::BTreeMap, ops::Range};

use minijinja::machinery::ast;
use orchestrate_core::{plan::InputKind, suggest};
use serde_json::Value;

use super::{
    analysis::{Position, Reference, Target, Walker, range},
    filters,
    typed::{Typed, says_all},
};
use crate::codes;

/// What a step has.
const ATTRIBUTES: [&str; 8] =
    ["text", "output", "brief", "persona", "title", "available", "status", "items"];
/// What a brief has.
const BRIEF: [&str; 9] = [
    "decisions",
    "assumptions",
    "figures",
    "constraints",
    "risks",
    "open_questions",
    "rejected_options",
    "escalations",
    "next",
];

/// A name, and what is looked up below it: `steps['a'].brief[0]`.
struct Chain<'e, 'a> {
    root: &'a str,
    start: usize,
    links: Vec<Link<'e, 'a>>,
}

enum Link<'e, 'a> {
    Name(String, Range<usize>),
    Dynamic(Option<&'e ast::Expr<'a>>, Range<usize>),
}

impl<'s> Walker<'s> {
    pub(super) fn expression(&mut self, expression: &ast::Expr<'_>, position: Position) {
        if let Some(chain) = chain(expression) {
            self.chain(&chain, position);
            return;
        }
        let tested = Position::Tested;
        match expression {
            ast::Expr::Var(_) | ast::Expr::Const(_) => {}
            ast::Expr::Slice(slice) => {
                if slice.step.is_some() {
                    // minijinja 3.0.5 overflows on extreme steps.
                    let message = "templates do not have steps in slices".to_owned();
                    let help =
                        Some("write `x[1:5]`; turn a list around with `| reverse`".to_owned());
                    self.problem(codes::TEMPLATE_UNSUPPORTED, message, help, range(slice.span()));
                }
                self.expression(&slice.expr, position);
                for bound in [&slice.start, &slice.stop, &slice.step].into_iter().flatten() {
                    self.expression(bound, tested);
                }
            }
            ast::Expr::UnaryOp(unary) => match unary.op {
                ast::UnaryOpKind::Not => self.expression(&unary.expr, tested),
                ast::UnaryOpKind::Neg => self.expression(&unary.expr, position),
            },
            ast::Expr::BinOp(binary) => self.binary(expression, binary, position),
            ast::Expr::Compare(compare) => {
                self.expression(&compare.expr, tested);
                compare.ops.iter().for_each(|op| self.expression(&op.expr, tested));
            }
            ast::Expr::IfExpr(choice) => {
                self.expression(&choice.test_expr, tested);
                self.expression(&choice.true_expr, position);
                if let Some(other) = &choice.false_expr {
                    self.expression(other, position);
                }
            }
            ast::Expr::Filter(filter) => self.filter(filter, range(filter.span()), position),
            ast::Expr::Test(test) => {
                let span = range(test.span());
                self.known("test", test.name, &filters::TESTS, span);
                self.expression(&test.expr, tested);
                self.arguments(&test.args, tested);
            }
            ast::Expr::GetAttr(get) => self.expression(&get.expr, position),
            ast::Expr::GetItem(get) => {
                self.expression(&get.expr, position);
                self.expression(&get.subscript_expr, tested);
            }
            ast::Expr::Call(call) => self.call(call, range(call.span())),
            ast::Expr::List(list) => self.literal(&list.items, range(list.span())),
            ast::Expr::Tuple(tuple) => self.literal(&tuple.items, range(tuple.span())),
            ast::Expr::Map(map) => {
                let message = "templates do not have maps".to_owned();
                self.problem(codes::TEMPLATE_UNSUPPORTED, message, None, range(map.span()));
            }
        }
    }

    /// Lists of anything but constants could multiply texts.
    fn literal(&mut self, items: &[ast::Expr<'_>], span: Range<usize>) {
        if !items.iter().all(|item| matches!(item, ast::Expr::Const(_))) {
            let message = "a list in a template holds only constants".to_owned();
            let help = Some("for example `{% if inputs.x in ['a', 'b'] %}`".to_owned());
            self.problem(codes::TEMPLATE_UNSUPPORTED, message, help, span);
        }
    }

    fn binary(&mut self, expression: &ast::Expr<'_>, binary: &ast::BinOp<'_>, position: Position) {
        if matches!(binary.op, ast::BinOpKind::Sub) && self.hyphenated(expression) {
            return;
        }
        let sides = match binary.op {
            ast::BinOpKind::Eq
            | ast::BinOpKind::Ne
            | ast::BinOpKind::Lt
            | ast::BinOpKind::Lte
            | ast::BinOpKind::Gt
            | ast::BinOpKind::Gte
            | ast::BinOpKind::In => Position::Tested,
            _ => position,
        };
        let sign = match binary.op {
            ast::BinOpKind::Concat => Some("~"),
            ast::BinOpKind::Add => Some("+"),
            ast::BinOpKind::Mul => Some("*"),
            ast::BinOpKind::Pow => Some("**"),
            _ => None,
        };
        if let Some(sign) = sign
            && (sign == "~" || !self.is_number(&binary.left) || !self.is_number(&binary.right))
        {
            let (message, help) = if sign == "~" {
                (
                    "templates do not have `~`".to_owned(),
                    "write texts next to each other: `{{ a }}{{ b }}`",
                )
            } else {
                (
                    format!("`{sign}` is for numbers, and these need not be"),
                    "write texts next to each other; make a number with `| int`",
                )
            };
            let help = Some(help.to_owned());
            self.problem(codes::TEMPLATE_UNSUPPORTED, message, help, range(expression.span()));
        }
        self.expression(&binary.left, sides);
        self.expression(&binary.right, sides);
    }

    /// Whether an expression can only be a number.
    fn is_number(&self, expression: &ast::Expr<'_>) -> bool {
        if let Some(chain) = chain(expression) {
            return match (chain.root, chain.links.as_slice()) {
                _ if self.base(&chain).is_some() => self
                    .typed(expression)
                    .is_some_and(|typed| typed.is("integer") || typed.is("number")),
                ("inputs", [Link::Name(name, _)]) => self.names.is_number(name),
                ("loop", [Link::Name(name, _)]) => {
                    matches!(
                        name.as_str(),
                        "index" | "index0" | "revindex" | "revindex0" | "length"
                    )
                }
                _ => false,
            };
        }
        match expression {
            ast::Expr::Const(value) => value.value.is_number(),
            ast::Expr::UnaryOp(unary) => {
                matches!(unary.op, ast::UnaryOpKind::Neg) && self.is_number(&unary.expr)
            }
            ast::Expr::BinOp(binary) => {
                matches!(
                    binary.op,
                    ast::BinOpKind::Add
                        | ast::BinOpKind::Sub
                        | ast::BinOpKind::Mul
                        | ast::BinOpKind::Div
                        | ast::BinOpKind::FloorDiv
                        | ast::BinOpKind::Rem
                        | ast::BinOpKind::Pow
                ) && self.is_number(&binary.left)
                    && self.is_number(&binary.right)
            }
            ast::Expr::Filter(filter) => {
                matches!(filter.name, "length" | "count" | "int" | "float" | "round" | "abs")
            }
            _ => false,
        }
    }

    /// `steps.my-step.text` reads as a subtraction; says how to write the name.
    fn hyphenated(&mut self, expression: &ast::Expr<'_>) -> bool {
        let mut left = expression;
        let mut right = None;
        while let ast::Expr::BinOp(binary) = left {
            if !matches!(binary.op, ast::BinOpKind::Sub) {
                return false;
            }
            right = right.or(Some(&binary.right));
            left = &binary.left;
        }
        let (Some(chain), Some(right)) = (chain(left), right.and_then(chain)) else {
            return false;
        };
        let rooted = matches!(chain.root, "inputs" | "steps") && !self.is_local(chain.root);
        if !rooted || matches!(right.root, "inputs" | "steps") || self.is_local(right.root) {
            return false;
        }
        let text = &self.source[chain.start..];
        let length = text
            .find(|c: char| !c.is_ascii_alphanumeric() && !"_.-".contains(c))
            .unwrap_or(text.len());
        let mut parts = text[..length].splitn(3, '.');
        let (root, name, rest) = (parts.next(), parts.next().unwrap_or_default(), parts.next());
        if !name.contains('-') {
            return false;
        }
        let rest = rest.map(|rest| format!(".{rest}")).unwrap_or_default();
        let message = format!("`-` after a dot subtracts; `{name}` is meant as one name");
        let help = format!("write `{}['{name}']{rest}`", root.unwrap_or_default());
        let span = chain.start..chain.start + length;
        self.problem(codes::HYPHEN_IN_REFERENCE, message, Some(help), span);
        true
    }

    fn filter(&mut self, filter: &ast::Filter<'_>, span: Range<usize>, position: Position) {
        let name = span.start..span.start + filter.name.len();
        self.known("filter", filter.name, &filters::FILTERS, name);
        let by_attribute = matches!(filter.args.as_slice(), [ast::CallArg::Kwarg("attribute", _)]);
        if filter.name == "map" && !by_attribute {
            let message = "`map` takes an attribute".to_owned();
            let help = Some("write `map(attribute='decision')`".to_owned());
            self.problem(codes::TEMPLATE_UNSUPPORTED, message, help, span);
        }
        let counted = matches!(filter.name, "length" | "count");
        let position = if counted { Position::Tested } else { position };
        if let Some(value) = &filter.expr {
            self.expression(value, position);
        }
        self.arguments(&filter.args, position);
    }

    fn arguments(&mut self, arguments: &[ast::CallArg<'_>], position: Position) {
        for argument in arguments {
            match argument {
                ast::CallArg::Pos(value)
                | ast::CallArg::Kwarg(_, value)
                | ast::CallArg::PosSplat(value)
                | ast::CallArg::KwargSplat(value) => self.expression(value, position),
            }
        }
    }

    fn call(&mut self, call: &ast::Call<'_>, span: Range<usize>) {
        self.arguments(&call.args, Position::Tested);
        match &call.expr {
            ast::Expr::Var(name) if name.id == "range" => {}
            ast::Expr::Var(name) => {
                let span = range(name.span());
                self.known("function", name.id, &["range"], span);
            }
            _ => {
                let message = "templates call no methods".to_owned();
                let help = Some("use a filter: `{{ x | upper }}`".to_owned());
                self.problem(codes::TEMPLATE_UNSUPPORTED, message, help, span);
            }
        }
    }

    fn known(&mut self, kind: &str, name: &str, known: &[&str], span: Range<usize>) {
        if !known.contains(&name) {
            let help = suggest::advice(name, known.iter().copied())
                .or_else(|| Some(format!("known here: {}", known.join(", "))));
            let message = format!("templates have no {kind} `{name}`");
            self.problem(codes::UNKNOWN_FILTER, message, help, span);
        }
    }

    fn chain(&mut self, chain: &Chain<'_, '_>, position: Position) {
        for link in &chain.links {
            if let Link::Dynamic(Some(subscript), _) = link {
                self.expression(subscript, Position::Tested);
            }
        }
        match chain.root {
            name if self.is_local(name) => {
                if let Some((typed, links)) = self.base(chain) {
                    self.below(typed, links);
                }
            }
            name if self.items.iter().any(|item| item == name) => {
                let span = chain.start..chain.start + name.len();
                let printed = position == Position::Printed;
                let target = Target::Item(name.to_owned());
                self.found.references.push(Reference { target, span, printed });
                if let Some(item) = self.names.item_schema(name) {
                    self.below(item.typed(name), &chain.links);
                }
            }
            "inputs" => self.input(chain, position),
            "steps" => self.step(chain, position),
            name => self.unknown_variable(name, chain.start..chain.start + name.len()),
        }
    }

    fn unknown_variable(&mut self, name: &str, span: Range<usize>) {
        if let Some(step) = self.names.item_of(name) {
            let message = format!("`{name}` is the item of step `{step}` and not known here");
            let help = format!(
                "an item is known in the templates of its own step alone, not in its `if` and `for_each`; \
                 others see what came of them in `steps.{step}.items`"
            );
            self.problem(codes::UNKNOWN_VARIABLE, message, Some(help), span);
            return;
        }
        let help = if self.names.has_input(name) {
            Some(format!("write `inputs.{name}`"))
        } else if self.names.has_step(name) {
            Some(format!("write `steps.{name}.text`"))
        } else {
            let locals = self.scopes.iter().flat_map(BTreeMap::keys).map(String::as_str);
            let items = self.items.iter().map(String::as_str);
            suggest::advice(name, ["inputs", "steps"].into_iter().chain(items).chain(locals))
        };
        let message = format!("templates have no variable `{name}`");
        self.problem(codes::UNKNOWN_VARIABLE, message, help, span);
    }

    /// The name that has to follow `inputs` or `steps`.
    fn first_name(
        &mut self,
        chain: &Chain<'_, '_>,
        example: &str,
    ) -> Option<(String, Range<usize>)> {
        match chain.links.first() {
            Some(Link::Name(name, span)) => Some((name.clone(), span.clone())),
            link => {
                let end = match link {
                    Some(Link::Dynamic(_, span)) => span.end,
                    _ => chain.start + chain.root.len(),
                };
                let message = format!("`{}` needs a name that stands here as it is", chain.root);
                let help = Some(format!("for example `{example}`"));
                self.problem(codes::INCOMPLETE_REFERENCE, message, help, chain.start..end);
                None
            }
        }
    }

    fn input(&mut self, chain: &Chain<'_, '_>, position: Position) {
        let Some((name, span)) = self.first_name(chain, "inputs.task") else { return };
        self.below_input(&name, &chain.links[1..]);
        let printed = position == Position::Printed;
        self.found.references.push(Reference { target: Target::Input(name), span, printed });
    }

    /// Checks what is looked up below an input, as far as its kind is known.
    fn below_input(&mut self, name: &str, links: &[Link<'_, '_>]) {
        // While values are at hand their kinds have been checked before.
        let names = self.names;
        let known = names.input_kind(name);
        let single = !matches!(known, None | Some(InputKind::List(_) | InputKind::Object(_)));
        if single && let Some(Link::Name(_, at) | Link::Dynamic(_, at)) = links.first() {
            let message = format!("`inputs.{name}` is a single value: nothing is below it");
            let help = Some(format!("write `inputs.{name}`"));
            self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
            return;
        }
        let of = format!("inputs.{name}");
        match known {
            Some(InputKind::List(items)) => match (links.first(), items.as_ref()) {
                (Some(Link::Name(_, at)), _) => {
                    let message = format!("`{of}` is a list: its items have numbers and no names");
                    let help = Some(format!("write `{of}[0]`, or `{{% for x in {of} %}}`"));
                    self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
                }
                (Some(Link::Dynamic(..)), InputKind::Object(Some(schema))) => {
                    let typed =
                        Typed { of: format!("{of}[…]"), root: schema, schema, listed: false };
                    self.below(typed, &links[1..]);
                }
                (Some(Link::Dynamic(..)), items) if !matches!(items, InputKind::Object(_)) => {
                    if let Some(Link::Name(_, at) | Link::Dynamic(_, at)) = links.get(1) {
                        let message =
                            format!("an item of `{of}` is a single value: nothing is below it");
                        self.problem(codes::UNKNOWN_ATTRIBUTE, message, None, at.clone());
                    }
                }
                _ => {}
            },
            Some(InputKind::Object(Some(schema))) => {
                self.below(Typed { of, root: schema, schema, listed: false }, links);
            }
            _ => {}
        }
    }

    /// Checks what is looked up below a value against its schema, for as long as that says it all; gives
    /// what is found there, where that is known.
    fn below(&mut self, typed: Typed<'s>, links: &[Link<'_, '_>]) -> Option<Typed<'s>> {
        let typed = typed.resolved();
        let Some((link, rest)) = links.split_first() else { return Some(typed) };
        let (Link::Name(_, at) | Link::Dynamic(_, at)) = link;
        if let Some(kind) = typed.single() {
            let message = format!("`{}` is {kind}: nothing is below it", typed.of);
            let help = Some(format!("write `{}`", typed.of));
            self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
            return None;
        }
        match link {
            Link::Name(name, at) if typed.is("array") => {
                let of = &typed.of;
                let message = format!("`{of}` is a list: its items have numbers and no names");
                let help = Some(format!("write `{of}[0].{name}`, or `{{% for x in {of} %}}`"));
                self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
                None
            }
            Link::Name(name, at) => {
                let properties = typed.schema.get("properties").and_then(Value::as_object)?;
                if let Some(schema) = properties.get(name) {
                    let of = format!("{}.{name}", typed.of);
                    return self.below(Typed { of, root: typed.root, schema, listed: false }, rest);
                }
                if says_all(typed.schema) {
                    let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                    self.attribute(&typed.of, name, &known, at);
                }
                None
            }
            Link::Dynamic(..) => typed.items().and_then(|items| self.below(items, rest)),
        }
    }

    /// The value that an expression is, where its schema is known. Nothing is reported.
    pub(super) fn typed(&self, expression: &ast::Expr<'_>) -> Option<Typed<'s>> {
        let chain = chain(expression)?;
        let (base, links) = self.base(&chain)?;
        let mut typed = base.resolved();
        for link in links {
            let (of, schema) = match link {
                Link::Name(_, _) if typed.listed => return None,
                Link::Name(name, _) => {
                    (format!("{}.{name}", typed.of), typed.schema.get("properties")?.get(name)?)
                }
                Link::Dynamic(..) => {
                    typed = typed.items()?;
                    continue;
                }
            };
            typed = Typed { of, root: typed.root, schema, listed: false }.resolved();
        }
        Some(typed)
    }

    /// The input that an expression is, where it is nothing else.
    pub(super) fn whole_input(&self, expression: &ast::Expr<'_>) -> Option<String> {
        let chain = chain(expression).filter(|chain| !self.is_local(chain.root))?;
        match (chain.root, chain.links.as_slice()) {
            ("inputs", [Link::Name(name, _)]) => Some(name.clone()),
            _ => None,
        }
    }

    /// Where a chain starts that leads to a value with a schema, and what is looked up below it.
    fn base<'c, 'e, 'a>(
        &self,
        chain: &'c Chain<'e, 'a>,
    ) -> Option<(Typed<'s>, &'c [Link<'e, 'a>])> {
        let local = self.scopes.iter().rev().find_map(|scope| scope.get(chain.root));
        if let Some(local) = local {
            let mut typed = local.clone()?;
            chain.root.clone_into(&mut typed.of);
            return Some((typed, &chain.links));
        }
        match (chain.root, chain.links.as_slice()) {
            ("steps", [Link::Name(id, _), Link::Name(attribute, _), rest @ ..])
                if attribute == "output" =>
            {
                let schema = self.names.output_schema(id)?;
                let (of, listed) = (format!("steps.{id}.output"), self.names.lists_output(id));
                Some((Typed { of, root: schema, schema, listed }, rest))
            }
            _ => None,
        }
    }

    fn step(&mut self, chain: &Chain<'_, '_>, position: Position) {
        let Some((id, span)) = self.first_name(chain, "steps.data.text") else { return };
        let attribute = match chain.links.get(1) {
            Some(Link::Name(attribute, at)) => {
                self.attribute(&format!("steps.{id}"), attribute, &ATTRIBUTES, at);
                attribute.clone()
            }
            Some(Link::Dynamic(_, at)) => {
                self.indexed(&id, at);
                String::new()
            }
            None => {
                let message = format!("`steps.{id}` is everything the step made: say what of it");
                let help =
                    Some(format!("write `steps.{id}.text`; a step has {}", ATTRIBUTES.join(", ")));
                self.problem(codes::INCOMPLETE_REFERENCE, message, help, chain.start..span.end);
                String::new()
            }
        };
        if attribute == "output" {
            self.output(&id, chain);
        }
        match (attribute.as_str(), chain.links.get(2)) {
            ("brief", Some(Link::Name(list, at))) => {
                self.attribute(&format!("steps.{id}.brief"), list, &BRIEF, at);
            }
            ("items", below) => {
                self.below_items(&id, &span, below);
                self.output_of_item(&id, chain);
            }
            ("text" | "persona" | "title" | "available" | "status" | "brief", Some(link)) => {
                let (Link::Name(_, at) | Link::Dynamic(_, at)) = link;
                let message = format!("nothing of that kind is below `steps.{id}.{attribute}`");
                let help = Some(format!("write `steps.{id}.{attribute}`"));
                self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
            }
            _ => {}
        }
        // Parts of a value are no substitute for all of it.
        let whole = attribute != "output" || chain.links.len() == 2;
        let printed = position == Position::Printed && whole;
        let target = Target::Step { id, attribute };
        self.found.references.push(Reference { target, span, printed });
    }

    /// `steps.x.items`, and what is looked up below it.
    fn below_items(&mut self, id: &str, span: &Range<usize>, link: Option<&Link<'_, '_>>) {
        let of = format!("steps.{id}.items");
        if !self.names.fans_out(id) {
            let message = format!("`{of}`: the step has no items, since it has no `for_each`");
            let help = Some(format!("write `steps.{id}.text`"));
            self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, span.clone());
        } else if let Some(Link::Name(_, at)) = link {
            let message = format!("`{of}` is a list: its items have numbers and no names");
            let help = Some(format!("write `{of}[0].text`, or `{{% for x in {of} %}}`"));
            self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
        }
    }

    /// Checks `steps.x.items[0].output`, and what is looked up below it.
    fn output_of_item(&mut self, id: &str, chain: &Chain<'_, '_>) {
        let [_, _, Link::Dynamic(..), Link::Name(attribute, at), links @ ..] =
            chain.links.as_slice()
        else {
            return;
        };
        let of = format!("steps.{id}.items[…]");
        let known: Vec<&str> = ATTRIBUTES
            .into_iter()
            .filter(|known| *known != "items")
            .chain(["index", "item"])
            .collect();
        self.attribute(&of, attribute, &known, at);
        if attribute != "output" {
            return;
        }
        if !self.names.has_output(id) {
            let message = format!("step `{id}` has no `output`: its answers are documents");
            let help = Some(format!("write `{of}.text`"));
            self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
        } else if let Some(schema) = self.names.output_schema(id) {
            let of = format!("{of}.output");
            self.below(Typed { of, root: schema, schema, listed: false }, links);
        }
    }

    /// Checks a reference to the value of a step.
    fn output(&mut self, id: &str, chain: &Chain<'_, '_>) {
        if !self.names.has_output(id) {
            let at = match chain.links.get(1) {
                Some(Link::Name(_, at) | Link::Dynamic(_, at)) => at.clone(),
                None => chain.start..chain.start,
            };
            let message = format!("step `{id}` has no `output`: its answer is a document");
            let help = format!("write `steps.{id}.text`, or say with `output:` what it has to be");
            self.problem(codes::UNKNOWN_ATTRIBUTE, message, Some(help), at);
        } else if let Some((typed, links)) = self.base(chain) {
            self.below(typed, links);
        }
    }

    fn attribute(&mut self, of: &str, name: &str, known: &[&str], at: &Range<usize>) {
        if !known.contains(&name) {
            let message = format!("`{of}` has no `{name}`");
            let help = suggest::advice(name, known.iter().copied());
            self.problem(codes::UNKNOWN_ATTRIBUTE, message, help, at.clone());
        }
    }

    /// Whether an expression is the task, whole, whatever the other values are.
    pub(super) fn carries_task(&self, expression: &ast::Expr<'_>) -> bool {
        if let Some(chain) = chain(expression) {
            return chain.root == "inputs"
                && !self.is_local("inputs")
                && matches!(chain.links.as_slice(), [Link::Name(name, _)] if name == "task");
        }
        match expression {
            ast::Expr::IfExpr(choice) => {
                self.carries_task(&choice.true_expr)
                    && choice.false_expr.as_ref().is_some_and(|other| self.carries_task(other))
            }
            ast::Expr::Filter(filter) => {
                matches!(filter.name, "trim" | "default" | "d" | "indent")
                    && filter.expr.as_ref().is_some_and(|value| self.carries_task(value))
            }
            _ => false,
        }
    }
}

/// A chain of lookups that starts at a name.
fn chain<'e, 'a>(expression: &'e ast::Expr<'a>) -> Option<Chain<'e, 'a>> {
    match expression {
        ast::Expr::Var(name) => {
            Some(Chain { root: name.id, start: range(name.span()).start, links: Vec::new() })
        }
        ast::Expr::GetAttr(get) => {
            let mut chain = chain(&get.expr)?;
            let end = range(get.span()).end;
            chain
                .links
                .push(Link::Name(get.name.to_owned(), end.saturating_sub(get.name.len())..end));
            Some(chain)
        }
        ast::Expr::GetItem(get) => {
            let mut chain = chain(&get.expr)?;
            let at = range(get.subscript_expr.span());
            chain.links.push(match &get.subscript_expr {
                ast::Expr::Const(value) => match value.value.as_str() {
                    Some(name) => Link::Name(name.to_owned(), at),
                    None => Link::Dynamic(None, at),
                },
                other => Link::Dynamic(Some(other), at),
            });
            Some(chain)
        }
        _ => None,
    }
}
