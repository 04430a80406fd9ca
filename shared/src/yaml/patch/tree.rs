//! The nodes of a text, with their places.

use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};

/// A node of the text.
pub(super) struct Node {
    pub(super) range: Range<usize>,
    pub(super) kind: Kind,
}

pub(super) enum Kind {
    Scalar(ScalarStyle),
    Alias,
    List(StructureStyle, Vec<Node>),
    Map(StructureStyle, Vec<(Key, Node)>),
}

pub(super) struct Key {
    pub(super) range: Range<usize>,
    pub(super) name: String,
    pub(super) is_quoted: bool,
}

impl Node {
    /// Whether it is a list or a map with a line for each part.
    pub(super) fn is_block(&self) -> bool {
        matches!(
            self.kind,
            Kind::Map(StructureStyle::Block, _) | Kind::List(StructureStyle::Block, _)
        )
    }
}

/// The root node of a text with one document.
pub(super) fn parse(text: &str) -> Option<Node> {
    let mut parser = Parser::new_from_str(text);
    loop {
        match next(&mut parser)? {
            (Event::StreamStart | Event::DocumentStart(..), _) => {}
            (event, span) => return node(text, &mut parser, &event, span),
        }
    }
}

type Events<'t> = Parser<'t, granit_parser::StrInput<'t>>;

/// The next event that is no comment; those are between the nodes.
fn next<'t>(events: &mut Events<'t>) -> Option<(Event<'t>, Span)> {
    loop {
        match events.next_event()?.ok()? {
            (Event::Comment(..), _) => {}
            event => return Some(event),
        }
    }
}

fn node<'t>(text: &str, events: &mut Events<'t>, event: &Event<'t>, span: Span) -> Option<Node> {
    let mut range = span.byte_range()?;
    let kind = match event {
        Event::Scalar(_, style, ..) => Kind::Scalar(*style),
        Event::Alias(_) => Kind::Alias,
        Event::SequenceStart(style, ..) => {
            let mut items = Vec::new();
            loop {
                match next(events)? {
                    (Event::SequenceEnd, span) => {
                        range.end = span.byte_range()?.end;
                        break;
                    }
                    (event, span) => items.push(node(text, events, &event, span)?),
                }
            }
            Kind::List(*style, items)
        }
        Event::MappingStart(style, ..) => {
            let mut fields = Vec::new();
            loop {
                let (event, span) = next(events)?;
                let key = match event {
                    Event::MappingEnd => {
                        range.end = span.byte_range()?.end;
                        break;
                    }
                    Event::Scalar(name, style, 0, None) => Key {
                        range: span.byte_range()?,
                        name: name.into_owned(),
                        is_quoted: style != ScalarStyle::Plain,
                    },
                    // A key with an anchor, a tag or of another type.
                    _ => return None,
                };
                // A key of several lines, `? key`.
                if text[..key.range.start].trim_end().ends_with('?') {
                    return None;
                }
                let (event, span) = next(events)?;
                let mut value = node(text, events, &event, span)?;
                if value.range.is_empty() {
                    // Nothing is written; the parser puts it at the next token.
                    let after = after_colon(text, &key)?;
                    value.range = after..after;
                }
                fields.push((key, value));
            }
            if let (StructureStyle::Block, Some((first, _))) = (style, fields.first()) {
                range.start = first.range.start;
            }
            Kind::Map(*style, fields)
        }
        _ => return None,
    };
    Some(Node { range, kind })
}

/// The position behind the colon of a key; a key of a flow map may have none.
pub(super) fn after_colon(text: &str, key: &Key) -> Option<usize> {
    let rest = text[key.range.end..].trim_start();
    rest.starts_with(':').then(|| text.len() - rest.len() + 1)
}
