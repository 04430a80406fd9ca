//! Changes the value of a text, and keeps what a person wrote around it: comments, order, quotes and layout.
//!
//! The text is cut into the keys and items of its lists and maps, each with the comments above it. Pieces whose value
//! stays are copied, also to another place in their list; the others are written anew.

use std::collections::BTreeMap;
use std::ops::Range;

use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use serde_json::Value;

/// A node of the text.
struct Node {
    range: Range<usize>,
    kind: Kind,
}

enum Kind {
    Scalar(ScalarStyle),
    Alias,
    List(StructureStyle, Vec<Node>),
    Map(StructureStyle, Vec<(Key, Node)>),
}

struct Key {
    range: Range<usize>,
    name: String,
    is_quoted: bool,
}

/// The text with the value `new` instead of `old`, which is its value now. `None` if the text has another shape than
/// `old`, such as one with merged maps.
///
/// New fields of a map follow the field that precedes them in `new`.
pub(super) fn patch(text: &str, old: &Value, new: &Value) -> Option<String> {
    let root = parse(text)?;
    let patch = Patch { text };
    let mut out = String::with_capacity(text.len());
    let start = patch.line_start(root.range.start);
    let is_block = matches!(
        root.kind,
        Kind::Map(StructureStyle::Block, _) | Kind::List(StructureStyle::Block, _)
    );
    if is_block && text[start..root.range.start].trim().is_empty() {
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

/// The root node of a text with one document.
fn parse(text: &str) -> Option<Node> {
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
fn after_colon(text: &str, key: &Key) -> Option<usize> {
    let rest = text[key.range.end..].trim_start();
    rest.starts_with(':').then(|| text.len() - rest.len() + 1)
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
        let (value, old, head) = match &node.kind {
            Kind::Map(_, fields) => {
                let (key, value) = &fields[at];
                (value, old.get(&key.name)?, after_colon(self.text, key)?)
            }
            Kind::List(_, items) => (&items[at], old.get(at)?, piece.body.start + 1),
            Kind::Scalar(_) | Kind::Alias => return None,
        };
        if old == new {
            out.push_str(&self.text[piece.body.clone()]);
            return Some(());
        }
        let is_block = matches!(
            value.kind,
            Kind::Map(StructureStyle::Block, _) | Kind::List(StructureStyle::Block, _)
        );
        if is_block && is_same_kind(old, new) {
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
        let is_of_block = is_block
            || matches!(
                value.kind,
                Kind::Scalar(ScalarStyle::Literal | ScalarStyle::Folded)
            );
        if is_of_block
            || matches!((&value.kind, new), (Kind::Scalar(_) | Kind::Alias, Value::Array(_) | Value::Object(_)) if !is_empty(new))
        {
            // Another kind of value: the comment on the line of the key stays.
            out.push_str(&self.text[piece.body.start..head]);
            let line = &self.text[head..self.line_end(head)];
            let comment = line.find(" #").map_or("", |at| line[at..].trim_end());
            let column = self.column(piece.body.start);
            match (&node.kind, new) {
                (Kind::Map(..), Value::Object(_)) if !is_empty(new) => {
                    out.push_str(comment);
                    out.push('\n');
                    let column = column + 2;
                    out.extend(std::iter::repeat_n(' ', column));
                    out.push_str(&indented(&written(new)?, column));
                }
                (Kind::Map(..), Value::Array(_)) if !is_empty(new) => {
                    out.push_str(comment);
                    out.push('\n');
                    out.extend(std::iter::repeat_n(' ', column));
                    out.push_str(&indented(&written(new)?, column));
                }
                _ => {
                    let inner = indented(&written(new)?, column + 2);
                    let (first, rest) = inner.split_once('\n')?;
                    out.extend([" ", first, comment, "\n", rest]);
                }
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
        let open = self.text[node.range.start..children[0].start].to_owned();
        let close = &self.text[children[children.len() - 1].end..node.range.end];
        out.push_str(&open);
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
                    match &node.kind {
                        Kind::Map(_, fields) => {
                            let (key, inner) = &fields[*at];
                            out.push_str(&self.text[key.range.start..inner.range.start]);
                            if inner.range.is_empty() {
                                out.push(' ');
                            }
                            self.flow(inner, old.get(&key.name)?, value, out)?;
                        }
                        Kind::List(_, items) => {
                            self.flow(&items[*at], old.get(*at)?, value, out)?;
                        }
                        Kind::Scalar(_) | Kind::Alias => return None,
                    }
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
        out.push_str(close);
        Some(())
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

/// For each new item, the old one that it is: an equal one, else one of the same name, else the one that follows that
/// of the item before.
fn align(old: &[Value], new: &[Value]) -> Vec<Option<usize>> {
    let mut aligned = vec![None; new.len()];
    let mut is_used = vec![false; old.len()];
    // Equal items may be several: those at both ends are where they were.
    let shorter = old.len().min(new.len());
    let start = old
        .iter()
        .zip(new)
        .take_while(|(one, other)| one == other)
        .count();
    let ends = old.iter().rev().zip(new.iter().rev());
    let end = ends
        .take_while(|(one, other)| one == other)
        .count()
        .min(shorter - start);
    for at in (0..start).chain(new.len() - end..new.len()) {
        let from = if at < start {
            at
        } else {
            at + old.len() - new.len()
        };
        aligned[at] = Some(from);
        is_used[from] = true;
    }
    let identities: [fn(&Value) -> Option<String>; 2] = [
        |item| Some(item.to_string()),
        |item| {
            let field = |name| item.get(name).and_then(Value::as_str).unwrap_or_default();
            (!field("name").is_empty()).then(|| format!("{}/{}", field("namespace"), field("name")))
        },
    ];
    for identity in identities {
        let mut known: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (at, item) in old.iter().enumerate().rev().filter(|(at, _)| !is_used[*at]) {
            if let Some(identity) = identity(item) {
                known.entry(identity).or_default().push(at);
            }
        }
        for (item, aligned) in new.iter().zip(&mut aligned).filter(|(_, at)| at.is_none()) {
            let at = identity(item).and_then(|identity| known.get_mut(&identity)?.pop());
            if let Some(at) = at {
                is_used[at] = true;
                *aligned = Some(at);
            }
        }
    }
    let mut next = 0;
    for (item, aligned) in new.iter().zip(&mut aligned) {
        if aligned.is_none() && is_used.get(next) == Some(&false) && is_same_kind(&old[next], item)
        {
            is_used[next] = true;
            *aligned = Some(next);
        }
        next = aligned.map_or(next, |at| at + 1);
    }
    aligned
}

/// Whether both are maps, both lists, or both scalars; empty ones have no pieces.
fn is_same_kind(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Object(one), Value::Object(other)) => !one.is_empty() && !other.is_empty(),
        (Value::Array(one), Value::Array(other)) => !one.is_empty() && !other.is_empty(),
        (Value::Object(_) | Value::Array(_), _) | (_, Value::Object(_) | Value::Array(_)) => false,
        _ => true,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(fields) => fields.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn written(value: &Value) -> Option<String> {
    super::to_string(value).ok()
}

/// A block whose lines, but for the first, are indented.
fn indented(block: &str, column: usize) -> String {
    let indent = " ".repeat(column);
    let mut lines = block.split_inclusive('\n');
    let mut text = lines.next().unwrap_or_default().to_owned();
    for line in lines {
        text.extend([&indent, line]);
    }
    text
}

/// Ends a line that is not the first one.
fn close_line(out: &mut String) {
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
}

/// A scalar in the style of the one that it replaces.
fn scalar(style: ScalarStyle, value: &Value) -> Option<String> {
    match (style, value) {
        (ScalarStyle::DoubleQuoted, Value::String(_)) => serde_json::to_string(value).ok(),
        (ScalarStyle::SingleQuoted, Value::String(text)) if !text.contains(char::is_control) => {
            Some(format!("'{}'", text.replace('\'', "''")))
        }
        _ => flow(value, false),
    }
}

/// A value on one line.
fn flow(value: &Value, is_json: bool) -> Option<String> {
    let parts = |parts: Vec<Option<String>>| -> Option<String> {
        Some(
            parts
                .into_iter()
                .collect::<Option<Vec<String>>>()?
                .join(", "),
        )
    };
    match value {
        Value::Array(items) => {
            let items = items.iter().map(|item| flow(item, is_json)).collect();
            Some(format!("[{}]", parts(items)?))
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                let name = flow(&Value::from(name.as_str()), is_json)?;
                Some(format!("{name}: {}", flow(value, is_json)?))
            };
            Some(format!(
                "{{{}}}",
                parts(fields.iter().map(field).collect())?
            ))
        }
        Value::String(_) if is_json => serde_json::to_string(value).ok(),
        Value::String(text) => {
            let plain = written(value)?;
            let is_plain = !text.contains([',', '[', ']', '{', '}', ':', '#', '\n'])
                && plain.trim_end() == text;
            if is_plain {
                Some(text.clone())
            } else {
                serde_json::to_string(value).ok()
            }
        }
        _ => serde_json::to_string(value).ok(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn check(text: &str, change: impl FnOnce(&mut Value), expected: &str) {
        let old: Value = crate::yaml::from_str(text).unwrap();
        let mut new = old.clone();
        change(&mut new);
        let patched = super::patch(text, &old, &new).unwrap();
        assert_eq!(patched, expected);
        let back: Value = crate::yaml::from_str(&patched).unwrap();
        assert_eq!(back, new);
    }

    const TEXT: &str = "\
# The mesh of the shop.
version: v1   # the format

spec:
  # How names end.
  dns: {suffix: a.b, ttl: 5} # one line
  gateway:

  clusters:
  # In the north.
  - name: c1 # first
    zone: 'z1'
    # of c1
  # In the south.
  -
    name: c2
    zone: \"z2\"
  list: [a, b]
# the end
";

    #[test]
    fn scalars_keep_their_quotes_and_comments() {
        check(
            TEXT,
            |new| {
                new["version"] = json!("v2");
                new["spec"]["dns"]["ttl"] = json!(60);
                new["spec"]["clusters"][0]["zone"] = json!("it's");
                new["spec"]["clusters"][1]["zone"] = json!("no \"quotes\"");
                new["spec"]["gateway"] = json!("found");
            },
            &TEXT
                .replace("v1 ", "v2 ")
                .replace("ttl: 5", "ttl: 60")
                .replace("'z1'", "'it''s'")
                .replace("\"z2\"", r#""no \"quotes\"""#)
                .replace("gateway:", "gateway: found"),
        );
    }

    #[test]
    fn new_fields_follow_the_one_before() {
        check(
            TEXT,
            |new| {
                new["spec"]["clusters"][0] =
                    json!({ "name": "c1", "region": "r", "zone": "z1", "labels": { "a": "b" } });
                new["spec"]["clusters"][1]["zones"] = json!(["x", "w"]);
                new["spec"]["dns"] = json!({ "suffix": "a.b", "levels": ["global"], "ttl": 5 });
            },
            &TEXT
                .replace("suffix: a.b,", "suffix: a.b, levels: [global],")
                .replace("# first\n", "# first\n    region: r\n")
                .replace("# of c1\n", "# of c1\n    labels:\n      a: b\n")
                .replace("\"z2\"\n", "\"z2\"\n    zones:\n    - x\n    - w\n"),
        );
    }

    #[test]
    fn items_move_with_their_comments() {
        check(
            TEXT,
            |new| {
                let clusters = new["spec"]["clusters"].as_array_mut().unwrap();
                clusters.swap(0, 1);
                clusters[1]["zone"] = json!("z3");
                clusters.insert(1, json!({ "name": "c3" }));
                new["spec"]["list"] = json!(["b", "c", "a"]);
            },
            "\
# The mesh of the shop.
version: v1   # the format

spec:
  # How names end.
  dns: {suffix: a.b, ttl: 5} # one line
  gateway:

  clusters:
  # In the south.
  -
    name: c2
    zone: \"z2\"
  - name: c3
  # In the north.
  - name: c1 # first
    zone: 'z3'
    # of c1
  list: [b, c, a]
# the end
",
        );
    }

    #[test]
    fn a_removed_piece_takes_its_comments() {
        check(
            TEXT,
            |new| {
                new["spec"]["clusters"].as_array_mut().unwrap().remove(0);
                new["spec"]["dns"]
                    .as_object_mut()
                    .unwrap()
                    .shift_remove("ttl");
                new["spec"].as_object_mut().unwrap().shift_remove("list");
            },
            "\
# The mesh of the shop.
version: v1   # the format

spec:
  # How names end.
  dns: {suffix: a.b} # one line
  gateway:

  clusters:
  # In the south.
  -
    name: c2
    zone: \"z2\"
# the end
",
        );
    }

    #[test]
    fn a_value_of_another_kind_is_written_anew() {
        check(
            TEXT,
            |new| {
                new["version"] = json!({ "a": [1], "b": {} });
                new["spec"]["dns"] = json!("none");
                new["spec"]["clusters"] = json!([]);
                new["spec"]["list"] = json!([{ "a": "x, y" }]);
            },
            "\
# The mesh of the shop.
version: # the format
  a:
  - 1
  b: {}

spec:
  # How names end.
  dns: none # one line
  gateway:

  clusters: []
  list: [{a: \"x, y\"}]
# the end
",
        );
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            (0..300).prop_map(Value::from),
            "[ a-z:#'\"\\-,{\\[*&!|>%@]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(5, 60, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("[a-e]|x\\.y/z|name", inner, 0..5)
                    .prop_map(|fields| fields.into_iter().collect::<Value>()),
            ]
        })
    }

    /// A block with a comment above or behind some of its lines.
    fn with_comments(block: &str, choices: &[u8]) -> (String, usize) {
        let mut text = String::new();
        let mut count = 0;
        for (line, choice) in block.lines().zip(choices.iter().cycle()) {
            let indent = &line[..line.len() - line.trim_start().len()];
            if choice % 4 == 1 {
                text.extend([indent, "# c", &count.to_string(), "!\n"]);
                count += 1;
            }
            if choice % 8 == 2 {
                text.push('\n');
            }
            text.push_str(line);
            if choice % 4 == 3 {
                text.extend(["  # c", &count.to_string(), "!"]);
                count += 1;
            }
            text.push('\n');
        }
        (text, count)
    }

    /// The paths of all values inside.
    fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
        found.push(at.to_owned());
        match value {
            Value::Object(fields) => {
                for (name, field) in fields {
                    pointers(field, &format!("{at}/{}", name.replace('/', "~1")), found);
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    pointers(item, &format!("{at}/{index}"), found);
                }
            }
            _ => {}
        }
    }

    /// Changes a value somewhere; `false` if something was removed, with its comments.
    fn mutate(value: &mut Value, (which, at, new): (u8, usize, Value)) -> bool {
        let mut all = Vec::new();
        pointers(value, "", &mut all);
        let target = value.pointer_mut(&all[at % all.len()]).unwrap();
        match target {
            Value::Object(fields) => {
                if which == 0 && fields.len() > 1 {
                    let name = fields.keys().nth(at % fields.len()).unwrap().clone();
                    fields.shift_remove(&name);
                    return false;
                }
                if !fields.is_empty() {
                    fields.shift_insert(at % fields.len(), format!("n{which}"), new);
                }
            }
            Value::Array(items) if !items.is_empty() => {
                let index = at % items.len();
                match which {
                    0 if items.len() > 1 => {
                        items.remove(index);
                        return false;
                    }
                    1 => items.rotate_left(index),
                    _ => items.insert(index, new),
                }
            }
            scalar => {
                if !new.is_object() && !new.is_array() && !scalar.is_array() && !scalar.is_object()
                {
                    *scalar = new;
                }
            }
        }
        true
    }

    proptest! {
        #[test]
        fn any_text_is_patched_or_refused(
            lines in prop::collection::vec("[ \\-]{0,4}[ab:?]{0,3}[ a-c:\\-{}\\[\\],#'\"&*|>!\t]{0,12}", 0..8),
            changes in prop::collection::vec((0..4u8, any::<usize>(), any_value()), 1..4),
        ) {
            let text = lines.join("\n");
            let Ok(old) = crate::yaml::from_str::<Value>(&text) else {
                return Ok(());
            };
            let mut new = old.clone();
            for change in changes {
                mutate(&mut new, change);
            }
            // Some cannot be patched; `Mesh::write_value` reads the result again.
            _ = super::patch(&text, &old, &new);
        }

        #[test]
        fn any_change_keeps_comments_and_gives_the_value(
            fields in prop::collection::btree_map("[a-e]", any_value(), 1..5),
            comments in prop::collection::vec(any::<u8>(), 1..20),
            changes in prop::collection::vec((0..4u8, any::<usize>(), any_value()), 1..4),
        ) {
            let old: Value = fields.into_iter().collect();
            let (text, count) = with_comments(&crate::yaml::to_string(&old).unwrap(), &comments);
            let read: Value = crate::yaml::from_str(&text).unwrap();
            prop_assert_eq!(&read, &old, "{}", text);
            let mut new = old.clone();
            // After several changes, an item without a name may be taken for another one.
            let mut keeps_all = true;
            for (index, change) in changes.into_iter().enumerate() {
                keeps_all &= mutate(&mut new, change) && index == 0;
                let patched = super::patch(&text, &old, &new).unwrap();
                let back: Value = crate::yaml::from_str(&patched)
                    .unwrap_or_else(|error| panic!("{error:?}\n{text}\n{new}\n{patched}"));
                prop_assert_eq!(&back, &new, "{}\n{}", text, patched);
                for number in 0..count {
                    let times = patched.matches(&format!("# c{number}!")).count();
                    prop_assert!(times <= 1, "{}: {} times\n{}\n{}", number, times, text, patched);
                    prop_assert!(!keeps_all || times == 1, "{} lost\n{}\n{}\n{}", number, text, new, patched);
                }
            }
        }
    }
}
