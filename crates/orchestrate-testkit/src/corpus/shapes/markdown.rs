//! Markdown without front matter.

use std::fmt::Write as _;

use super::super::{
    dice::Dice,
    plan::{Draw, Shape},
    role::Role,
    words,
};

pub(crate) fn fabric(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = vec![role.identity.clone()];
    let mut text = format!("# IDENTITY and PURPOSE\n\n{}\n\n# STEPS\n\n", role.identity);
    for phrase in (0..dice.within(4..20)).map(|_| words::phrase(dice)).collect::<Vec<_>>() {
        writeln!(text, "- {phrase}").expect("a String");
        leaves.push(phrase);
    }
    text.push_str("\n# OUTPUT INSTRUCTIONS\n\n");
    for phrase in (0..dice.within(3..9)).map(|_| words::phrase(dice)).collect::<Vec<_>>() {
        writeln!(text, "- {phrase}").expect("a String");
        leaves.push(phrase);
    }
    text.push_str("\n# INPUT:\n\nINPUT:\n");
    let folder = format!("{}_{}", role.slug.replace('-', "_"), draw.number);
    Shape::of(format!("{folder}/system.md"), text, 1, leaves)
}

pub(crate) fn sections(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let mut leaves = Vec::new();
    let body = role.body(dice, draw.mess, &mut leaves);
    let text = format!("# {}\n\n{body}", role.title);
    Shape::of(format!("{}.md", role.slug), text, 1, leaves)
}

/// No such file is well-formed: a bare `&` and a bare `<` are in each.
pub(crate) fn xml_persona(dice: &mut Dice, draw: &Draw<'_>) -> Shape {
    let role = Role::new(dice);
    let phrases: Vec<String> = (0..12).map(|_| words::phrase(dice)).collect();
    let domain = format!("{} & what belongs to it", phrases[0]);
    let metric = format!("{} < {} ms", phrases[1], dice.within(20..900));
    let list = |range: std::ops::Range<usize>| {
        let lines = phrases[range].iter().enumerate();
        lines.fold(String::new(), |mut list, (at, text)| {
            writeln!(list, "      {}. {text}", at + 1).expect("a String");
            list
        })
    };
    let text = format!(
        "# {title} Persona\n\n```xml\n<persona_context active=\"{slug}\">\n  <persona_identity>\n    \
         <name>{title}</name>\n    <expertise_domain>{domain}</expertise_domain>\n    \
         <experience_level>Senior</experience_level>\n    <perspective>{perspective}</perspective>\n  \
         </persona_identity>\n  <thinking_framework>\n    <primary_lens>{lens}</primary_lens>\n    \
         <decision_priorities>\n{priorities}    </decision_priorities>\n  </thinking_framework>\n  \
         <domain_expertise>\n    <core_expertise>\n{expertise}    </core_expertise>\n    \
         <private_habit>{habit}</private_habit>\n  </domain_expertise>\n</persona_context>\n\
         <behavior>\n  <quality_standards>\n    <mandatory_gates>\n{gates}    </mandatory_gates>\n    \
         <success_metrics>\n      - {metric}\n    </success_metrics>\n  </quality_standards>\n</behavior>\n```\n",
        title = role.title,
        slug = role.slug,
        perspective = phrases[2],
        lens = phrases[3],
        priorities = list(4..6),
        expertise = list(6..8),
        habit = phrases[8],
        gates = list(9..12),
    );
    let mut leaves = vec![domain, metric];
    leaves.extend(phrases.into_iter().skip(2));
    Shape::of(format!("{}_{}.md", role.slug, draw.number), text, 1, leaves)
}
