//! XML as people write it into Markdown: bare `&` and `<` escaped, then parsed strictly.

use roxmltree::{Document, Node, ParsingOptions};

use super::limits::{MAX_DEPTH, MAX_XML_NODES};

/// An element with its attributes, own text and elements below.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    /// The text directly inside, trimmed at the ends of its lines.
    pub(crate) text: String,
    pub(crate) children: Vec<Element>,
    /// Whether it is a comment or an instruction to a program, and nothing that its author says to the persona.
    pub(crate) is_comment: bool,
}

impl Element {
    /// The first element below with this name.
    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// An attribute that says something.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.trim()).filter(|value| !value.is_empty())
    }
}

/// Parses a text with one element at its root, and says how many characters had to be escaped.
pub(crate) fn parse(text: &str) -> Result<(Element, usize), String> {
    let (escaped, repairs) = escape(text);
    let options = ParsingOptions {
        allow_dtd: false,
        nodes_limit: MAX_XML_NODES,
        ..ParsingOptions::default()
    };
    let document =
        Document::parse_with_options(escaped.trim(), options).map_err(|error| error.to_string())?;
    let root = element(document.root_element(), 0)?;
    Ok((root, repairs))
}

fn element(node: Node<'_, '_>, depth: usize) -> Result<Element, String> {
    if depth > MAX_DEPTH {
        return Err("the elements nest too deep".to_owned());
    }
    let mut text = String::new();
    let mut children = Vec::new();
    for child in node.children() {
        if child.is_element() {
            children.push(element(child, depth + 1)?);
            text.push('\n');
        } else if child.is_text() {
            text.push_str(child.text().unwrap_or_default());
        } else if child.is_comment() {
            let comment = child.text().unwrap_or_default().trim();
            children.push(Element {
                name: "comment".to_owned(),
                text: comment.to_owned(),
                is_comment: true,
                ..Element::default()
            });
        } else if let Some(instruction) = child.pi() {
            let told = instruction.value.unwrap_or_default();
            children.push(Element {
                name: "comment".to_owned(),
                text: format!("{} {told}", instruction.target).trim().to_owned(),
                is_comment: true,
                ..Element::default()
            });
        }
    }
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    let own = node.attributes().map(|found| (found.name().to_owned(), found.value().to_owned()));
    // Those of the root are in force below it, and told once.
    let declared = node.namespaces().filter(|space| depth == 0 && space.name() != Some("xml"));
    let declared = declared.map(|space| {
        let name = space.name().map_or_else(|| "xmlns".to_owned(), |name| format!("xmlns:{name}"));
        (name, space.uri().to_owned())
    });
    Ok(Element {
        name: node.tag_name().name().to_owned(),
        attributes: own.chain(declared).collect(),
        text: lines.collect::<Vec<_>>().join("\n"),
        children,
        is_comment: false,
    })
}

/// Escapes every `&` that begins no entity and every `<` that begins no tag.
pub(crate) fn escape(text: &str) -> (String, usize) {
    let mut out = String::with_capacity(text.len() + 16);
    let mut repairs = 0;
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        match c {
            '&' if !is_entity(rest) => {
                out.push_str("&amp;");
                repairs += 1;
            }
            '<' if !is_tag(rest) => {
                out.push_str("&lt;");
                repairs += 1;
            }
            _ => out.push(c),
        }
    }
    (out, repairs)
}

fn is_entity(rest: &str) -> bool {
    let Some(end) = rest.bytes().take(10).position(|b| b == b';') else { return false };
    let name = &rest.as_bytes()[..end];
    match name {
        b"amp" | b"lt" | b"gt" | b"quot" | b"apos" => true,
        [b'#', b'x', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit),
        [b'#', digits @ ..] => !digits.is_empty() && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    }
}

/// Whether what follows a `<` makes it a tag: a name, a closing tag, a comment, CDATA or `<?`.
fn is_tag(rest: &str) -> bool {
    if rest.starts_with("!--") || rest.starts_with("![CDATA[") || rest.starts_with('?') {
        return true;
    }
    let name = rest.strip_prefix('/').unwrap_or(rest);
    if !name.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return false;
    }
    // `<b` is a tag only where it closes on the way: `a <b and c` is a comparison.
    let end = name.find(['<', '>']).map(|at| name.as_bytes()[at]);
    end == Some(b'>')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bare_marks_are_escaped_and_sound_ones_left() {
        assert_eq!(
            escape("<a x=\"1\">R&D &amp; &#38; x < 5 <b/></a>"),
            ("<a x=\"1\">R&amp;D &amp; &#38; x &lt; 5 <b/></a>".to_owned(), 2)
        );
        assert_eq!(escape("a <b and c").1, 1);
    }

    #[test]
    fn elements_attributes_and_text_are_read() {
        let (root, repairs) =
            parse("<a n=\"x\">\n  one & two\n  three\n <b>4 < 5</b></a>").expect("XML");
        assert_eq!((root.name.as_str(), root.attribute("n"), repairs), ("a", Some("x"), 2));
        assert_eq!(root.text, "one & two\nthree");
        assert_eq!(root.child("b").map(|b| b.text.as_str()), Some("4 < 5"));
        assert!(parse("<a><b></a>").is_err());
    }

    #[test]
    fn deep_nesting_is_an_error_and_not_a_crash() {
        let deep = format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000));
        assert!(parse(&deep).is_err());
    }
}
