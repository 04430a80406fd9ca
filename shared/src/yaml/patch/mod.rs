//! Changes the value of a text, and keeps what a person wrote around it: comments, order, quotes and layout.
//!
//! The text is cut into the keys and items of its lists and maps, each with the comments above it. Pieces whose value
//! stays are copied, also to another place in their list; the others are written anew.

mod align;
#[cfg(test)]
mod tests;
mod tree;
mod write;

use std::ops::Range;

use granit_parser::{ScalarStyle, StructureStyle};
use serde_json::Value;

use align::{align, is_empty, is_same_kind};
use tree::{Kind, Node, after_colon, parse};
use write::{close_line, flow, indented, scalar, written};

/// The text with the value `new` instead of `old`, which is its value now. `None` if the text has another shape than
/// `old`, such as one with merged maps.
///
/// New fields of a map follow the field that precedes them in `new`.
pub(super) fn patch(text: &str, old: &Value, new: &Value) -> Option<String> {
    let root = parse(text)?;
    let patch = Patch { text };
    let mut out = String::with_capacity(text.len());
    let start = patch.line_start(root.range.start);
    if root.is_block() && text[start..root.range.start].trim().is_empty() {
        let region = start..patch.end_of(&root);
        out.push_str(&text[..start]);
        patch.block(&root, region.clone(), false, old, new, &mut out)?;
        out.push_str(&text[region.end..]);
    } else {
        out.push_str(&text[..root.range.start]);
        patch.flow(&root, old, new, &mut out)?;
        out.push_str(&text[root.range.end..]);
    }
    Some(out)
}

/// A key or an item of a block, cut out of the text.
struct Piece {
    /// The lines above: comments and blank lines.
    above: Range<usize>,
    /// From the key or the dash to the end of its last line.
    body: Range<usize>,
}

/// The value of a list's item or a map's field, and where it comes from.
enum Source<'v> {
    /// A piece of the text, with its new value.
    Piece(usize, &'v Value),
    New(Option<&'v str>, &'v Value),
}

struct Patch<'t> {
    text: &'t str,
}

impl Patch<'_> {
    /// The start of the line with a position.
    fn line_start(&self, at: usize) -> usize {
        self.text[..at].rfind('\n').map_or(0, |end| end + 1)
    }

    /// The position behind the line with a position, or `at` if it is at the start of a line.
    fn line_end(&self, at: usize) -> usize {
        if at > 0 && self.text[..at].ends_with('\n') {
            return at;
        }
        self.text[at..]
            .find('\n')
            .map_or(self.text.len(), |end| at + end + 1)
    }

    /// The column of a position.
    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    /// The position behind the last line of a node, without comments below it.
    fn end_of(&self, node: &Node) -> usize {
        let last = match &node.kind {
            Kind::List(StructureStyle::Block, items) => items.last(),
            Kind::Map(StructureStyle::Block, fields) => fields.last().map(|(_, value)| value),
            _ => None,
        };
        match last {
            // An empty item is at its dash.
            Some(last) => self.line_end(last.range.start.max(self.end_of(last))),
            None => self.line_end(node.range.end),
        }
    }

    /// The position up to which the lines from `from` are indented by more than `column`: comments that belong to what
    /// is above them.
    fn deeper(&self, from: usize, until: usize, column: usize) -> usize {
        let mut end = from;
        let mut at = from;
        for line in self.text[from..until].split_inclusive('\n') {
            at += line.len();
            let is_deeper = line.len() - line.trim_start().len() > column;
            if !line.trim().is_empty() && is_deeper {
                end = at;
            }
        }
        end
    }

    /// The position of an item's dash, from the end of the item before it.
    fn dash(&self, from: usize) -> Option<usize> {
        let mut at = from;
        for line in self.text[from..].split_inclusive('\n') {
            let word = line.trim_start();
            if word.starts_with('-') {
                return Some(at + line.len() - word.len());
            }
            if !word.is_empty() && !word.starts_with('#') {
                return None;
            }
            at += line.len();
        }
        None
    }

    /// Cuts a block into pieces; what remains up to the end of the region belongs to no piece.
    fn pieces(&self, node: &Node, region: &Range<usize>) -> Option<Vec<Piece>> {
        let mut pieces: Vec<Piece> = Vec::new();
        let mut end = region.start;
        let mut add = |start: usize, value: &Node| {
            let column = self.column(start);
            let above = match pieces.last_mut() {
                // Comments that are indented more belong to the piece above.
                Some(last) => {
                    let split = self.deeper(end, self.line_start(start), column);
                    last.body.end = split.max(last.body.end);
                    last.body.end..self.line_start(start)
                }
                None => region.start..self.line_start(start).max(region.start),
            };
            end = self.end_of(value).max(self.line_end(start + 1));
            pieces.push(Piece {
                above,
                body: start..end,
            });
            end
        };
        match &node.kind {
            Kind::Map(_, fields) => {
                for (key, value) in fields {
                    add(key.range.start, value);
                }
            }
            Kind::List(_, items) => {
                let mut from = region.start;
                for item in items {
                    let dash = self.dash(from)?;
                    from = add(dash, item);
                }
            }
            Kind::Scalar(_) | Kind::Alias => return None,
        }
        if let Some(last) = pieces.last_mut() {
            last.body.end = last.body.end.max(region.end);
        }
        Some(pieces)
    }

    /// Writes a block; `is_inline` if its first line begins behind a dash.
    fn block(
        &self,
        node: &Node,
        region: Range<usize>,
        is_inline: bool,
        old: &Value,
        new: &Value,
        out: &mut String,
    ) -> Option<()> {
        let pieces = self.pieces(node, &region)?;
        let column = self.column(pieces.first()?.body.start);
        let sources = sources(node, old, new)?;
        for (index, source) in sources.iter().enumerate() {
            let is_first = is_inline && index == 0;
            let mut body = String::new();
            let above = match source {
                Source::Piece(at, value) => {
                    let piece = &pieces[*at];
                    self.piece(node, *at, piece, old, value, &mut body)?;
                    if *at == 0 && is_inline {
                        ""
                    } else {
                        &self.text[piece.above.clone()]
                    }
                }
                Source::New(name, value) => {
                    let block = match name {
                        Some(name) => written(&serde_json::json!({ *name: value }))?,
                        None => written(&Value::Array(vec![Value::clone(value)]))?,
                    };
                    body = indented(&block, column);
                    ""
                }
            };
            if is_first {
                out.push_str(&body);
                close_line(out);
                out.push_str(above);
            } else {
                close_line(out);
                out.push_str(above);
                close_line(out);
                out.extend(std::iter::repeat_n(' ', column));
                out.push_str(&body);
            }
        }
        Some(())
    }

    /// Writes the body of a piece with its new value.
    fn piece(
        &self,
        node: &Node,
        at: usize,
        piece: &Piece,
        old: &Value,
        new: &Value,
        out: &mut String,
    ) -> Option<()> {
        let (value, old) = child(node, at, old)?;
        let head = match &node.kind {
            Kind::Map(_, fields) => after_colon(self.text, &fields[at].0)?,
            _ => piece.body.start + 1,
        };
        if old == new {
            out.push_str(&self.text[piece.body.clone()]);
            return Some(());
        }
        if value.is_block() && is_same_kind(old, new) {
            let line = self.line_start(value.range.start);
            let is_inline = line <= head;
            // Comments above the first key or item of a block belong to it.
            let start = if is_inline {
                value.range.start
            } else {
                self.line_end(head)
            };
            out.push_str(&self.text[piece.body.start..start]);
            return self.block(value, start..piece.body.end, is_inline, old, new, out);
        }
        let becomes_block = matches!(new, Value::Array(_) | Value::Object(_)) && !is_empty(new);
        let needs_lines = match value.kind {
            Kind::Scalar(ScalarStyle::Literal | ScalarStyle::Folded) => true,
            Kind::Scalar(_) | Kind::Alias => becomes_block,
            _ => value.is_block(),
        };
        if needs_lines {
            // The comment on the line of the key stays.
            out.push_str(&self.text[piece.body.start..head]);
            let line = &self.text[head..self.line_end(head)];
            let comment = line.find(" #").map_or("", |at| line[at..].trim_end());
            let column = self.column(piece.body.start);
            if matches!(node.kind, Kind::Map(..)) && becomes_block {
                // A list is at the column of its key.
                let column = column + if new.is_object() { 2 } else { 0 };
                out.extend([comment, "\n"]);
                out.extend(std::iter::repeat_n(' ', column));
                out.push_str(&indented(&written(new)?, column));
            } else {
                let inner = indented(&written(new)?, column + 2);
                let (first, rest) = inner.split_once('\n')?;
                out.extend([" ", first, comment, "\n", rest]);
            }
            return Some(());
        }
        // A scalar or a flow collection: what is behind it stays, such as a comment.
        out.push_str(&self.text[piece.body.start..value.range.start]);
        if !out.ends_with([' ', '\n', '\t']) {
            out.push(' ');
        }
        self.flow(value, old, new, out)?;
        out.push_str(&self.text[value.range.end..piece.body.end]);
        Some(())
    }

    /// Writes a node that is on a line with other text.
    fn flow(&self, node: &Node, old: &Value, new: &Value, out: &mut String) -> Option<()> {
        if old == new {
            out.push_str(&self.text[node.range.clone()]);
            return Some(());
        }
        let is_json = match &node.kind {
            Kind::Map(_, fields) => fields.iter().any(|(key, _)| key.is_quoted),
            _ => false,
        };
        let children: Vec<Range<usize>> = match &node.kind {
            Kind::Map(_, fields) if new.is_object() => fields
                .iter()
                .map(|(key, value)| key.range.start..value.range.end)
                .collect(),
            Kind::List(_, items) if new.is_array() => {
                items.iter().map(|item| item.range.clone()).collect()
            }
            Kind::Scalar(style) => {
                out.push_str(&scalar(*style, new)?);
                return Some(());
            }
            _ => Vec::new(),
        };
        if children.is_empty() || is_empty(new) {
            out.push_str(&flow(new, is_json)?);
            return Some(());
        }
        let sources = sources(node, old, new)?;
        out.push_str(&self.text[node.range.start..children[0].start]);
        let mut last: Option<usize> = None;
        for (index, source) in sources.iter().enumerate() {
            if index > 0 {
                // Between two neighbours stays what was between them.
                let between = match (last, source) {
                    (Some(before), Source::Piece(at, _)) if before + 1 == *at => {
                        &self.text[children[before].end..children[*at].start]
                    }
                    _ => ", ",
                };
                out.push_str(between);
            }
            match source {
                Source::Piece(at, value) => {
                    last = Some(*at);
                    let (inner, old) = child(node, *at, old)?;
                    out.push_str(&self.text[children[*at].start..inner.range.start]);
                    if matches!(node.kind, Kind::Map(..)) && inner.range.is_empty() {
                        out.push(' ');
                    }
                    self.flow(inner, old, value, out)?;
                }
                Source::New(name, value) => {
                    last = None;
                    if let Some(name) = name {
                        out.push_str(&flow(&Value::from(*name), is_json)?);
                        out.push_str(": ");
                    }
                    out.push_str(&flow(value, is_json)?);
                }
            }
        }
        out.push_str(&self.text[children[children.len() - 1].end..node.range.end]);
        Some(())
    }
}

/// The value of an item or a field in the text, and its old value.
fn child<'p>(node: &'p Node, at: usize, old: &'p Value) -> Option<(&'p Node, &'p Value)> {
    match &node.kind {
        Kind::Map(_, fields) => {
            let (key, value) = fields.get(at)?;
            Some((value, old.get(&key.name)?))
        }
        Kind::List(_, items) => Some((items.get(at)?, old.get(at)?)),
        Kind::Scalar(_) | Kind::Alias => None,
    }
}

/// The pieces and new parts of a list or a map, in their new order.
fn sources<'v>(node: &Node, old: &Value, new: &'v Value) -> Option<Vec<Source<'v>>> {
    match (&node.kind, old, new) {
        (Kind::Map(_, fields), Value::Object(old), Value::Object(new)) => {
            let names: Vec<&str> = fields.iter().map(|(key, _)| key.name.as_str()).collect();
            let is_old = |name: &&str| old.contains_key(*name);
            if names.len() != old.len() || !names.iter().all(is_old) {
                return None;
            }
            let mut sources: Vec<Source<'v>> = names
                .iter()
                .enumerate()
                .filter_map(|(at, name)| Some(Source::Piece(at, new.get(*name)?)))
                .collect();
            // The number of the sources up to the field before.
            let mut behind = 0;
            for (name, value) in new {
                let at = sources.iter().position(
                    |source| matches!(source, Source::Piece(at, _) if names[*at] == name),
                );
                if at.is_none() {
                    sources.insert(behind, Source::New(Some(name), value));
                }
                behind = at.unwrap_or(behind) + 1;
            }
            Some(sources)
        }
        (Kind::List(_, items), Value::Array(old), Value::Array(new)) => {
            if items.len() != old.len() {
                return None;
            }
            let aligned = align(old, new);
            let sources = aligned.into_iter().zip(new).map(|(at, value)| match at {
                Some(at) => Source::Piece(at, value),
                None => Source::New(None, value),
            });
            Some(sources.collect())
        }
        _ => None,
    }
}
