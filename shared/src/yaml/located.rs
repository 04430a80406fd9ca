//! A document as one untyped value with positions, and its deserializer.
//!
//! The YAML crate deserializes only into this type: instantiated for every struct of the Mesh document, its parser
//! would be most of the program that the page loads. The value has its position, so every error has the path, the line
//! and the column.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, Deserialize, DeserializeSeed, Deserializer, IntoDeserializer, MapAccess, SeqAccess,
    Unexpected, Visitor,
};
use serde_saphyr::{Location, Spanned};

use super::fault::Fault;

/// A value with its position.
pub(super) type Located = Spanned<Node>;

/// A value, parsed by the rules for plain scalars.
pub(super) enum Node {
    Null,
    Bool(bool),
    Unsigned(u64),
    Negative(i64),
    Float(f64),
    Text(String),
    List(Vec<Located>),
    Map(Vec<(Spanned<String>, Located)>),
    /// Any type, as a map of these fields: replaces a missing or wrong value, so that parsing can continue.
    Anything(Vec<(Spanned<String>, Located)>),
}

impl Node {
    /// The text of a number or a boolean that is from no text.
    fn written(&self) -> Option<String> {
        match self {
            Self::Bool(value) => Some(value.to_string()),
            Self::Unsigned(value) => Some(value.to_string()),
            Self::Negative(value) => Some(value.to_string()),
            Self::Float(value) => Some(value.to_string()),
            Self::Null | Self::Text(_) | Self::List(_) | Self::Map(_) | Self::Anything(_) => None,
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Unsigned(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Negative(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(Node::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Text(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Node::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Node, A::Error> {
        let mut map = Vec::new();
        while let Some(field) = fields.next_entry()? {
            map.push(field);
        }
        Ok(Node::Map(map))
    }
}

impl From<&serde_json::Value> for Node {
    fn from(value: &serde_json::Value) -> Self {
        use serde_json::Value;
        let nowhere = |node: Self| Spanned::new(node, Location::UNKNOWN, Location::UNKNOWN);
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => number
                .as_u64()
                .map(Self::Unsigned)
                .or_else(|| number.as_i64().map(Self::Negative))
                .unwrap_or_else(|| Self::Float(number.as_f64().unwrap_or(f64::NAN))),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(items) => {
                Self::List(items.iter().map(|item| nowhere(item.into())).collect())
            }
            Value::Object(fields) => {
                let key =
                    |key: &String| Spanned::new(key.clone(), Location::UNKNOWN, Location::UNKNOWN);
                let fields = fields.iter();
                Self::Map(
                    fields
                        .map(|(name, value)| (key(name), nowhere(value.into())))
                        .collect(),
                )
            }
        }
    }
}

impl From<&Node> for serde_json::Value {
    fn from(node: &Node) -> Self {
        match node {
            Node::Null | Node::Anything(_) => Self::Null,
            Node::Bool(value) => (*value).into(),
            Node::Unsigned(value) => (*value).into(),
            Node::Negative(value) => (*value).into(),
            // JSON has no number for infinity.
            Node::Float(value) if !value.is_finite() => value.to_string().into(),
            Node::Float(value) => (*value).into(),
            Node::Text(text) => text.as_str().into(),
            Node::List(items) => items.iter().map(|item| Self::from(&item.value)).collect(),
            Node::Map(fields) => fields
                .iter()
                .map(|(name, value)| (name.value.clone(), Self::from(&value.value)))
                .collect(),
        }
    }
}

/// The text of a document, and the rules for its plain scalars.
#[derive(Clone, Copy)]
pub(super) struct Source<'de> {
    /// The whole text, for numbers that are expected as text; empty for a value that is from no text.
    pub(super) text: &'de str,
    /// Parses a plain scalar. A pointer, so that a program that only reads values does not contain the YAML parser.
    pub(super) scalar: fn(&str) -> Option<Node>,
}

/// Deserializes a value.
#[derive(Clone, Copy)]
pub(super) struct Reader<'de> {
    pub(super) source: Source<'de>,
    pub(super) value: &'de Located,
}

impl<'de> Reader<'de> {
    /// Deserializes this value; an error has its position.
    pub(super) fn read<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Fault> {
        seed.deserialize(self)
            .map_err(|fault: Fault| fault.at(self.value.referenced))
    }

    /// The text of a scalar in the source: a version `1.10` is not `1.1`.
    fn text(self) -> Option<Cow<'de, str>> {
        match &self.value.value {
            Node::Text(text) => Some(text.into()),
            Node::Anything(_) => Some("".into()),
            Node::Null | Node::List(_) | Node::Map(_) => None,
            scalar if self.source.text.is_empty() => scalar.written().map(Cow::Owned),
            Node::Bool(_) | Node::Unsigned(_) | Node::Negative(_) | Node::Float(_) => {
                let span = self.value.defined.span();
                let start = usize::try_from(span.byte_offset()?).ok()?;
                let length = usize::try_from(span.byte_len()?).ok()?;
                let text = self.source.text.get(start..start + length)?;
                is_bare(text).then_some(text.into())
            }
        }
    }

    /// The error that this value has another type.
    fn unexpected(self, desired: &str) -> Fault {
        let found = match &self.value.value {
            Node::Null | Node::Anything(_) => Unexpected::Unit,
            Node::Bool(value) => Unexpected::Bool(*value),
            Node::Unsigned(value) => Unexpected::Unsigned(*value),
            Node::Negative(value) => Unexpected::Signed(*value),
            Node::Float(value) => Unexpected::Float(*value),
            Node::Text(value) => Unexpected::Str(value),
            Node::List(_) => Unexpected::Seq,
            Node::Map(_) => Unexpected::Map,
        };
        Fault::unexpected(found, desired)
    }

    /// Deserializes a number or a boolean, which may be quoted; an error names the type as `desired`.
    fn unquoted<V: Visitor<'de>>(self, visitor: V, desired: &str) -> Result<V::Value, Fault> {
        let read = match &self.value.value {
            Node::Null => return Err(self.unexpected("a value")),
            // Booleans are requested separately.
            Node::Anything(_) => return visitor.visit_u64(0),
            Node::Text(text) if is_bare(text.trim()) => match (self.source.scalar)(text.trim()) {
                Some(Node::Bool(value)) => visitor.visit_bool(value),
                Some(Node::Unsigned(value)) => visitor.visit_u64(value),
                Some(Node::Negative(value)) => visitor.visit_i64(value),
                Some(Node::Float(value)) => visitor.visit_f64(value),
                _ => self.deserialize_any(visitor),
            },
            _ => self.deserialize_any(visitor),
        };
        read.map_err(|fault: Fault| fault.expecting(desired))
    }
}

/// Whether a text has only characters of numbers and booleans.
fn is_bare(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+-._".contains(&byte))
}

macro_rules! unquoted {
    ($($method:ident $desired:literal)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.unquoted(visitor, $desired)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value.value {
            Node::Null | Node::Anything(_) => visitor.visit_unit(),
            Node::Bool(value) => visitor.visit_bool(*value),
            Node::Unsigned(value) => visitor.visit_u64(*value),
            Node::Negative(value) => visitor.visit_i64(*value),
            Node::Float(value) if value.is_finite() => visitor.visit_f64(*value),
            Node::Float(_) => Err(de::Error::custom("expected a finite number")),
            Node::Text(value) => visitor.visit_borrowed_str(value),
            Node::List(_) => self.deserialize_seq(visitor),
            Node::Map(_) => self.deserialize_map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.value {
            Node::Null | Node::Anything(_) => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.text() {
            Some(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Some(Cow::Owned(text)) => visitor.visit_string(text),
            None => Err(self.unexpected("a text")),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_str(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let text = match self.value.value {
            Node::Anything(_) => variants.first().map(|first| Cow::Borrowed(*first)),
            _ => self.text(),
        };
        match text {
            Some(text) => visitor.visit_enum(StrDeserializer::new(&text)),
            None => Err(self.unexpected("a text")),
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let items: &[Located] = match &self.value.value {
            Node::List(items) => items,
            Node::Anything(_) => &[],
            _ => return Err(self.unexpected("a list")),
        };
        visitor.visit_seq(Items {
            source: self.source,
            list: items,
            next: 0,
        })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let (Node::Map(fields) | Node::Anything(fields)) = &self.value.value else {
            return Err(self.unexpected("a map"));
        };
        let result = visitor.visit_map(Fields {
            source: self.source,
            map: fields,
            next: 0,
        });
        // A missing field is reported after the last field.
        result.map_err(|fault: Fault| match fields.last() {
            Some((key, _)) => fault.at(key.referenced),
            None => fault,
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.value.value {
            Node::Anything(_) => visitor.visit_bool(false),
            _ => self.unquoted(visitor, "true or false"),
        }
    }

    unquoted! {
        deserialize_u8 "a whole number from 0 to 255"
        deserialize_u16 "a whole number from 0 to 65535"
        deserialize_u32 "a whole number from 0 to 4294967295"
        deserialize_u64 "a whole number that is not negative"
        deserialize_i8 "a whole number"
        deserialize_i16 "a whole number"
        deserialize_i32 "a whole number"
        deserialize_i64 "a whole number"
        deserialize_f32 "a number"
        deserialize_f64 "a number"
    }

    serde::forward_to_deserialize_any! {
        char bytes byte_buf unit unit_struct tuple tuple_struct identifier ignored_any
    }
}

struct Items<'de> {
    source: Source<'de>,
    list: &'de [Located],
    next: usize,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = Fault;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some(value) = self.list.get(self.next) else {
            return Ok(None);
        };
        let index = self.next;
        self.next += 1;
        let reader = Reader {
            source: self.source,
            value,
        };
        reader
            .read(seed)
            .map(Some)
            .map_err(|fault| fault.in_item(index))
    }
}

struct Fields<'de> {
    source: Source<'de>,
    map: &'de [(Spanned<String>, Located)],
    next: usize,
}

impl<'de> MapAccess<'de> for Fields<'de> {
    type Error = Fault;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Fault> {
        let Some((key, _)) = self.map.get(self.next) else {
            return Ok(None);
        };
        seed.deserialize(key.value.as_str().into_deserializer())
            .map(Some)
            .map_err(|fault: Fault| fault.of_key(key, self.next))
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Fault> {
        let Some((key, value)) = self.map.get(self.next) else {
            return Err(de::Error::custom("expected a value"));
        };
        let index = self.next;
        self.next += 1;
        let reader = Reader {
            source: self.source,
            value,
        };
        reader
            .read(seed)
            .map_err(|fault| fault.in_field(&key.value, index))
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;
    use serde_json::Value;

    use crate::yaml::{Error, from_str};

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default, deny_unknown_fields)]
    struct Desired {
        text: Option<String>,
        number: u16,
        flag: Option<bool>,
        list: Vec<Desired>,
        any: Value,
    }

    fn text(yaml: &str) -> Option<String> {
        from_str::<Desired>(&format!("text: {yaml}")).unwrap().text
    }

    fn fault(yaml: &str) -> (String, u64, u64, String) {
        let errors = from_str::<Desired>(yaml).unwrap_err();
        let [error] = errors.as_slice() else {
            panic!("{yaml}: {errors:?}")
        };
        let Error {
            path,
            line,
            column,
            message,
            ..
        } = error.clone();
        (path, line.unwrap(), column.unwrap(), message)
    }

    #[test]
    fn a_text_is_as_in_the_source() {
        for written in [
            "1.10",
            "007",
            "0x1f",
            "1_000",
            "on",
            "TRUE",
            "-0",
            "1e999",
            ".inf",
            "12:30:45",
            "99999999999999999999",
        ] {
            assert_eq!(text(written).as_deref(), Some(written));
            let twice = format!("[{{text: &a {written}}}, {{text: *a}}]");
            let list = from_str::<Desired>(&format!("list: {twice}")).unwrap().list;
            assert_eq!(list[1].text.as_deref(), Some(written));
        }
        assert_eq!(text("ä # 1"), Some("ä".to_owned()));
        assert_eq!(text("'1.10'"), Some("1.10".to_owned()));
        assert_eq!(text("~"), None);
        assert_eq!(text("'~'"), Some("~".to_owned()));
        // After characters of several bytes, and other beginnings.
        for before in [
            "any: 'äöü😀'\n",
            "\u{feff}",
            "any: 1\r\n",
            "%YAML 1.2\n---\n",
            "# ä\n",
        ] {
            let desired = from_str::<Desired>(&format!("{before}text: 1.10\r\n")).unwrap();
            assert_eq!(desired.text.as_deref(), Some("1.10"), "{before:?}");
        }
    }

    #[test]
    fn numbers_and_booleans_may_be_quoted() {
        let desired = Desired {
            number: 80,
            flag: Some(true),
            ..Desired::default()
        };
        for yaml in [
            "{number: 80, flag: true}",
            "{number: 0x50, flag: yes}",
            "{number: '80', flag: 'true'}",
            "{number: ' 8_0 ', flag: \"on\"}",
        ] {
            assert_eq!(from_str::<Desired>(yaml).unwrap(), desired, "{yaml}");
        }
    }

    #[test]
    fn types_are_named_in_the_terms_of_the_author() {
        fn named<T: serde::de::DeserializeOwned>(yaml: &str) -> String {
            let errors = from_str::<std::collections::BTreeMap<String, T>>(yaml).err();
            errors.unwrap_or_default()[0].message.clone()
        }
        for (message, expected) in [
            (named::<u8>("a: 256"), "from 0 to 255, found 256"),
            (named::<u16>("a: -1"), "from 0 to 65535, found -1"),
            (named::<u32>("a: 1.5"), "from 0 to 4294967295, found 1.5"),
            (named::<usize>("a: x"), "not negative, found the text \"x\""),
            (named::<i8>("a: 128"), "expected a whole number, found 128"),
            (named::<f64>("a: [1]"), "expected a number, found a list"),
            (named::<bool>("a: 1"), "expected true or false, found 1"),
        ] {
            assert!(message.ends_with(expected), "{message}");
        }
    }

    #[test]
    fn without_a_type_yaml_decides() {
        let desired =
            from_str::<Desired>("any: [1, '1', 1.50, -1, on, 'on', ~, {1: 1_0}]").unwrap();
        assert_eq!(
            desired.any,
            serde_json::json!([1, "1", 1.5, -1, true, "on", null, {"1": 10}])
        );
    }

    #[test]
    fn an_error_has_its_position() {
        for (yaml, path, line, column, message) in [
            ("list:\n- number: x\n", "list[0].number", 2, 11, "\"x\""),
            (
                "list:\n- {}\n- number: 70000\n",
                "list[1].number",
                3,
                11,
                "70000",
            ),
            ("number:\nflag: true\n", "number", 1, 7, "expected a value"),
            ("number: '&a 5'", "number", 1, 9, "from 0 to 65535"),
            ("text: [a]", "text", 1, 7, "expected a text"),
            ("list: {}", "list", 1, 7, "expected a list"),
            ("list: [[]]", "list[0]", 1, 8, "expected a map"),
            ("any: {a: .nan}", "any.a", 1, 10, "expected a finite number"),
            ("list:\n- a: 1\n", "list[0].a", 2, 3, "unknown field `a`"),
            ("any:\n  a: {b: 1,\n      b: 2}", "any.a", 3, 7, "duplicate"),
            ("any: [1, *a]", "any", 1, 10, "no such anchor"),
        ] {
            let found = fault(yaml);
            assert_eq!(
                (found.0.as_str(), found.1, found.2),
                (path, line, column),
                "{yaml}: {found:?}"
            );
            assert!(found.3.contains(message), "{yaml}: {found:?}");
        }
    }
}
