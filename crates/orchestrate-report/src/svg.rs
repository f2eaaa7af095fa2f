//! A plan as an SVG picture, laid out here: nothing is fetched, run or linked.

use std::fmt::Write as _;

use orchestrate_core::{neutral, plan::Plan};
use unicode_width::UnicodeWidthStr as _;

use crate::node;

/// Width of a character of the font, in pixels, a little more than it has.
const CHARACTER: usize = 8;
/// Height of a line of text.
const LINE: usize = 18;
/// Between a text and its box.
const PADDING: usize = 12;
/// Between two boxes of one stage.
const GAP: usize = 28;
/// Between two stages.
const RISE: usize = 46;
/// Around the whole.
const MARGIN: usize = 20;
/// Room for an arrow that passes a stage.
const LANE: usize = 12;
/// Places at which arrows pass stages. Beyond it they go straight: nobody reads such a picture closely.
const MOST_LANES: usize = 20_000;

/// Something that stands in a stage: a step, or an arrow that passes.
struct Spot {
    /// The step, where it is one.
    step: Option<usize>,
    width: usize,
    height: usize,
    x: usize,
    y: usize,
    /// Spots of the stage above that lead here.
    above: Vec<usize>,
    below: Vec<usize>,
}

/// The plan by stages from top to bottom, each step a box with its name and who works in it; what is
/// optional is dashed. The same plan always gives the same bytes.
pub fn svg(plan: &Plan) -> String {
    let layout = Layout::of(plan);
    let (width, height) = (layout.width + 2 * MARGIN, layout.height + 2 * MARGIN);
    let mut text = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(
        text,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\" font-family=\"ui-monospace, monospace\" font-size=\"13\">"
    );
    let _ = writeln!(text, "<title>{}</title>", escaped(&neutral::one_line(plan.workflow())));
    text.push_str(
        "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"8\" \
         markerHeight=\"8\" orient=\"auto\"><path d=\"M0 0L8 4L0 8z\" fill=\"#555\"/></marker></defs>\n",
    );
    let _ = writeln!(text, "<rect width=\"{width}\" height=\"{height}\" fill=\"#fff\"/>");
    layout.write_arrows(plan, &mut text);
    layout.write_boxes(plan, &mut text);
    text.push_str("</svg>\n");
    text
}

struct Layout {
    spots: Vec<Spot>,
    stages: Vec<Vec<usize>>,
    /// For each need of each step, the spots that its arrow goes through, both ends included.
    arrows: Vec<(usize, Vec<usize>)>,
    width: usize,
    height: usize,
}

impl Layout {
    fn of(plan: &Plan) -> Self {
        let mut layout = Self {
            spots: Vec::new(),
            stages: plan.stages().to_vec(),
            arrows: Vec::new(),
            width: 0,
            height: 0,
        };
        for (at, step) in plan.steps().iter().enumerate() {
            let lines = node::lines(step);
            let widest = lines.iter().map(|line| line.width()).max().unwrap_or_default();
            let height = lines.len() * LINE + PADDING;
            layout.spots.push(Spot::new(Some(at), widest * CHARACTER + 2 * PADDING, height));
        }
        layout.add_arrows(plan);
        layout.order();
        layout.place();
        layout
    }

    fn add_arrows(&mut self, plan: &Plan) {
        let mut stage_of = vec![0; plan.steps().len()];
        for (stage, positions) in plan.stages().iter().enumerate() {
            for &at in positions {
                stage_of[at] = stage;
            }
        }
        let mut lanes = 0;
        for at in 0..plan.steps().len() {
            for need in plan.drawn_before(at) {
                let between = stage_of[need] + 1..stage_of[at];
                let mut way = vec![need];
                if lanes + between.len() <= MOST_LANES {
                    lanes += between.len();
                    for stage in between {
                        self.stages[stage].push(self.spots.len());
                        way.push(self.spots.len());
                        self.spots.push(Spot::new(None, LANE, 0));
                    }
                }
                way.push(at);
                for pair in way.windows(2) {
                    self.spots[pair[0]].below.push(pair[1]);
                    self.spots[pair[1]].above.push(pair[0]);
                }
                self.arrows.push((need, way));
            }
        }
    }

    /// Orders each stage by the middle of what its spots hang together with, first downwards, then
    /// upwards, then downwards again; ties stay in the order of the file (Sugiyama's barycenter method).
    fn order(&mut self) {
        let mut rank = vec![0; self.spots.len()];
        for pass in 0..3 {
            let downwards = pass != 1;
            let count = self.stages.len();
            for step in 0..count {
                let stage = if downwards { step } else { count - 1 - step };
                let spots = &self.spots;
                let middle = |spot: &usize| {
                    let near = if downwards { &spots[*spot].above } else { &spots[*spot].below };
                    match near.len() {
                        0 => rank[*spot],
                        count => near.iter().map(|&other| rank[other]).sum::<usize>() / count,
                    }
                };
                let mut ordered = self.stages[stage].clone();
                if pass > 0 || stage > 0 {
                    ordered.sort_by_key(middle);
                }
                // Ranks are spread over one scale, so that stages of different size compare.
                let scale = 1_000_000 / ordered.len().max(1);
                for (place, &spot) in ordered.iter().enumerate() {
                    rank[spot] = place * scale + scale / 2;
                }
                self.stages[stage] = ordered;
            }
        }
    }

    fn place(&mut self) {
        let widths: Vec<usize> = self
            .stages
            .iter()
            .map(|stage| {
                let boxes: usize = stage.iter().map(|&spot| self.spots[spot].width).sum();
                boxes + GAP * stage.len().saturating_sub(1)
            })
            .collect();
        self.width = widths.iter().copied().max().unwrap_or_default();
        let mut y = MARGIN;
        for (stage, width) in self.stages.iter().zip(widths) {
            let tallest = stage.iter().map(|&spot| self.spots[spot].height).max().unwrap_or(0);
            let mut x = MARGIN + (self.width - width) / 2;
            for &spot in stage {
                let spot = &mut self.spots[spot];
                spot.x = x;
                spot.y = y;
                if spot.step.is_none() {
                    spot.height = tallest;
                }
                x += spot.width + GAP;
            }
            y += tallest + RISE;
        }
        self.height = y.saturating_sub(RISE + MARGIN);
    }

    fn write_arrows(&self, plan: &Plan, text: &mut String) {
        for (need, way) in &self.arrows {
            let mut line = String::new();
            for pair in way.windows(2) {
                let (from, to) = (&self.spots[pair[0]], &self.spots[pair[1]]);
                let (x1, y1) = (from.x + from.width / 2, from.y + from.height);
                let (x2, y2) = (to.x + to.width / 2, to.y);
                if line.is_empty() {
                    let _ = write!(line, "M{x1} {y1}");
                } else {
                    let _ = write!(line, "L{x1} {y1}");
                }
                let middle = usize::midpoint(y1, y2);
                let _ = write!(line, "C{x1} {middle} {x2} {middle} {x2} {y2}");
            }
            let dashes =
                if plan.steps()[*need].optional { " stroke-dasharray=\"5 4\"" } else { "" };
            let _ = writeln!(
                text,
                "<path d=\"{line}\" fill=\"none\" stroke=\"#555\" marker-end=\"url(#tip)\"{dashes}/>"
            );
        }
    }

    fn write_boxes(&self, plan: &Plan, text: &mut String) {
        for spot in &self.spots {
            let Some(at) = spot.step else { continue };
            let step = &plan.steps()[at];
            let dashes = if step.optional { " stroke-dasharray=\"5 4\"" } else { "" };
            let _ = writeln!(
                text,
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"5\" fill=\"#f6f8fa\" stroke=\"#555\"{dashes}/>",
                spot.x, spot.y, spot.width, spot.height
            );
            let middle = spot.x + spot.width / 2;
            for (line, words) in node::lines(step).iter().enumerate() {
                let weight = if line == 0 { " font-weight=\"bold\"" } else { "" };
                let y = spot.y + PADDING / 2 + LINE * (line + 1) - 5;
                let _ = writeln!(
                    text,
                    "<text x=\"{middle}\" y=\"{y}\" text-anchor=\"middle\" fill=\"#222\"{weight}>{}</text>",
                    escaped(words)
                );
            }
        }
    }
}

impl Spot {
    fn new(step: Option<usize>, width: usize, height: usize) -> Self {
        Self { step, width, height, x: 0, y: 0, above: Vec::new(), below: Vec::new() }
    }
}

/// A text in XML. Characters that XML cannot hold were made visible before.
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}
