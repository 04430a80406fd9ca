//! Messages for texts that are not YAML, or exceed a limit: the parser addresses its callers, but the reader has
//! written a document.

use std::borrow::Cow;

use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::granit_parser::ErrorKind;
use serde_saphyr::{Error, ExternalMessageSource};

use super::{MAX_ALIASES, MAX_DEPTH, MAX_REPLAYED};
use crate::text::shorten;

/// Message and hint.
pub(super) struct Explained {
    pub(super) message: Cow<'static, str>,
    pub(super) hint: Cow<'static, str>,
}

const QUOTE: &str = "put the value in quotes";
const TEMPLATE: &str = "render the template first, such as `helm template … | fedmesh-agent … -f -` or \
                        `envsubst < FILE | fedmesh-agent … -f -`";

fn explained(
    message: impl Into<Cow<'static, str>>,
    hint: impl Into<Cow<'static, str>>,
) -> Explained {
    Explained {
        message: message.into(),
        hint: hint.into(),
    }
}

/// Describes the error of a text.
pub(super) fn explain(text: &str, error: &Error) -> Explained {
    let (line, rest) = place(text, error);
    if let Some(template) = template(line) {
        return explained(
            format!("template text `{}` is not YAML", shorten::value(template)),
            TEMPLATE,
        );
    }
    let line_start = line.get(..7).unwrap_or_default();
    if matches!(line_start, "<<<<<<<" | "=======" | ">>>>>>>") {
        return explained(
            format!("`{line_start}` is the mark of a merge conflict"),
            "resolve the conflict",
        );
    }
    of_reader(error, rest)
}

/// The hint for a value with template syntax of Helm or envsubst, or for a message that quotes one: no message of ours
/// has that syntax in its own words.
pub(crate) fn template_hint(text: &str) -> Option<&'static str> {
    template(text).map(|_| TEMPLATE)
}

/// The first `{{ … }}` or `${…}` of a text.
fn template(text: &str) -> Option<&str> {
    [("{{", "}}"), ("${", "}")]
        .into_iter()
        .find_map(|(open, close)| {
            let start = text.find(open)?;
            let length = text[start..].find(close)? + close.len();
            Some(&text[start..start + length])
        })
}

/// The line of an error, and the rest of it after the error.
fn place<'a>(text: &'a str, error: &Error) -> (&'a str, &'a str) {
    let Some(location) = error.location() else {
        return ("", "");
    };
    let number = |number: u64| usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text
        .lines()
        .nth(number(location.line()))
        .unwrap_or_default();
    let column = number(location.column());
    let start = line
        .char_indices()
        .nth(column)
        .map_or(line.len(), |(at, _)| at);
    (line, &line[start..])
}

/// The first word of a text, up to the end of a value.
fn word(text: &str) -> Cow<'_, str> {
    let end = text.find(|c: char| c.is_whitespace() || ",[]{}".contains(c));
    shorten::value(&text[..end.unwrap_or(text.len())])
}

fn of_reader(error: &Error, rest: &str) -> Explained {
    match error {
        Error::WithSnippet { error, .. } | Error::AliasError { error, .. } => {
            of_reader(error, rest)
        }
        Error::ExternalMessage { source, .. } => match source.as_ref() {
            ExternalMessageSource::Parser(error) => of_parser(error.kind(), rest),
            _ => not_yaml(),
        },
        Error::DuplicateMappingKey { key, .. } => explained(
            match key {
                Some(key) => format!("duplicate field `{}`", shorten::value(key)),
                None => "duplicate field".to_owned(),
            },
            "keep one of them; a field may stand once in a map",
        ),
        Error::MultipleDocuments { .. } => explained(
            "there is more than one YAML document",
            "keep one document in a file; remove the others after the `---` line",
        ),
        Error::Budget { breach, .. } => of_budget(breach),
        Error::AliasReplayCounterOverflow { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => explained(
            format!("YAML aliases expand to more than {MAX_REPLAYED} values"),
            "write the values out",
        ),
        Error::RecursiveReferencesRequireWeakTypes { .. } => explained(
            "a YAML anchor contains an alias of itself",
            "write the value out",
        ),
        Error::UnknownAnchor { .. } => of_parser(&ErrorKind::UnknownAnchor, rest),
        Error::Eof { .. } => of_parser(&ErrorKind::UnexpectedEof, rest),
        Error::MergeValueNotMapOrSeqOfMaps { .. } | Error::MergeKeyNotAllowed { .. } => explained(
            "a merge key `<<` does not have a map as its value",
            "write the fields out, or give it an alias of a map",
        ),
        Error::InvalidBinaryBase64 { .. } | Error::BinaryNotUtf8 { .. } => explained(
            "a value with the tag `!!binary` is not base64 of a text",
            "remove the tag, and write the text itself",
        ),
        Error::NullIntoString { .. } | Error::Unexpected { .. } => explained(
            "the name of a field is not a text",
            "write field names as plain text; put a value that starts with `{` or `[` in quotes",
        ),
        Error::InvalidUtf8Input => explained("the text is not UTF-8", "save it as UTF-8"),
        _ => not_yaml(),
    }
}

fn not_yaml() -> Explained {
    explained(
        "this is not valid YAML",
        "correct the line; an editor with YAML support marks what is wrong",
    )
}

fn of_budget(breach: &BudgetBreach) -> Explained {
    match breach {
        BudgetBreach::Depth { .. } => explained(
            format!("maps and lists are nested more than {MAX_DEPTH} deep"),
            "remove nesting; a Mesh document needs about ten levels",
        ),
        BudgetBreach::Aliases { .. } | BudgetBreach::AliasAnchorRatio { .. } => explained(
            format!("there are too many YAML aliases (at most {MAX_ALIASES})"),
            "write the values out",
        ),
        BudgetBreach::Anchors { .. } => {
            explained("there are too many YAML anchors", "write the values out")
        }
        BudgetBreach::MergeKeys { .. } => {
            explained("there are too many merge keys `<<`", "write the fields out")
        }
        BudgetBreach::Documents { .. } => explained(
            "there are too many YAML documents",
            "split the text into several files",
        ),
        _ => explained(
            "there are too many values in one text",
            "split the text into several files",
        ),
    }
}

#[expect(
    clippy::too_many_lines,
    reason = "a table: a line for each kind of error, in the author's terms"
)]
fn of_parser(kind: &ErrorKind, rest: &str) -> Explained {
    use ErrorKind as E;
    match kind {
        E::UnknownAnchor | E::MissingAnchorOrAliasName if rest.starts_with('*') => explained(
            format!(
                "`{}` is read as a YAML alias, and there is no such anchor",
                word(rest)
            ),
            format!("put the value in quotes: \"{}\"", word(rest)),
        ),
        E::UnknownAnchor => explained(
            "a YAML alias has an unknown anchor",
            "put a value that starts with `*` in quotes, or define the anchor before it",
        ),
        E::MissingAnchorOrAliasName => explained(
            "a YAML anchor or alias has no name",
            "put a value that starts with `&` or `*` in quotes",
        ),
        E::UnexpectedCharacter { character: '\0' } => explained(
            "there is a NUL character, as in UTF-16 text and binary files",
            "save the file as UTF-8 text",
        ),
        E::UnexpectedCharacter { character } if character.is_control() => explained(
            format!(
                "the control character U+{:04X} is not allowed",
                u32::from(*character)
            ),
            "remove it, or write it as an escape sequence in double quotes",
        ),
        E::UnexpectedCharacter { character } => {
            explained(format!("a value must not start with `{character}`"), QUOTE)
        }
        E::TabNotAllowed
        | E::TabInBlockIndentation
        | E::TabInIndentation
        | E::TabAtBlockScalarStart
        | E::TabInPlainScalar => explained("a tab is used as indentation", "indent with spaces"),
        E::InvalidIndentation
        | E::ExpectedBlockMappingKey
        | E::ExpectedBlockSequenceEntry
        | E::InvalidBlockScalarIndent
        | E::InvalidQuotedScalarIndent
        | E::InvalidFlowScalarIndent => explained(
            "the indentation of this line does not fit the lines before it",
            "align it with the other fields of its map, or the other items of its list",
        ),
        E::MappingValueNotAllowed
        | E::MappingKeyNotAllowed
        | E::InvalidColonPlacement
        | E::InvalidMappingValueWhitespace
        | E::FlowMappingValueAdjacentCollection => explained(
            "a `:` is not allowed here",
            "put a value with `: ` in it in quotes, write one field on a line, and a space after `-` and `:`",
        ),
        E::SimpleKeyExpected | E::InvalidSimpleKey => explained(
            "expected `:` and a space after the name of a field",
            "write fields as `name: value`",
        ),
        E::UnexpectedEofFlowSequence
        | E::UnexpectedEofFlowMapping
        | E::UnexpectedEofImplicitFlowMapping => explained(
            "a list or map in brackets is not complete",
            "close every `[` and `{`, and put one comma between two entries",
        ),
        E::UnclosedFlowCollection { open } => explained(
            format!("`{open}` is not closed"),
            format!("close it with `{}`", if *open == '[' { ']' } else { '}' }),
        ),
        E::MismatchedFlowCollectionEnd { open, close } => explained(
            format!("`{open}` is closed by `{close}`"),
            "close every `[` with `]`, and every `{` with `}`",
        ),
        E::MisplacedFlowCollectionEnd => explained(
            "a bracket is closed that is not open",
            "remove it, or open it before",
        ),
        E::ExpectedFlowMappingSeparator => explained(
            "expected `,` or `}` in a map in braces",
            "separate fields with commas, close the `{`, and put values with `{`, `}` or `,` in quotes",
        ),
        E::ExpectedFlowSequenceSeparator => explained(
            "expected `,` or `]` in a list in brackets",
            "separate items with commas, close the `[`, and put values with `[`, `]` or `,` in quotes",
        ),
        E::UnexpectedEof | E::UnexpectedEofBlockSequence | E::UnexpectedEofBlockMapping => {
            explained(
                "the text ends in the middle of a value",
                "complete it; the file may be truncated",
            )
        }
        E::UnclosedQuotedScalar | E::DocumentIndicatorInQuotedScalar => {
            explained("a quote is not closed", "close it")
        }
        E::InvalidTrailingSingleQuotedScalar | E::InvalidTrailingDoubleQuotedScalar => explained(
            "there is text after a value in quotes",
            "put the whole value in quotes, and a comma between two entries",
        ),
        E::UnknownQuotedScalarEscape
        | E::InvalidQuotedScalarHexEscape
        | E::InvalidLowSurrogateHexEscape
        | E::InvalidLowSurrogate
        | E::MissingLowSurrogate
        | E::UnpairedLowSurrogate
        | E::InvalidUnicodeEscape => explained(
            "a text in double quotes has an unknown escape sequence",
            "use single quotes, or write `\\\\` for a backslash",
        ),
        E::BlockEntryInFlowCollection
        | E::BlockSequenceEntryNotAllowed
        | E::InvalidBlockEntryWhitespace
        | E::PlainScalarStartsWithDashFlowIndicator => explained(
            "a list item is not allowed here",
            "start each item with `- ` on a line of its own, aligned with the other items",
        ),
        E::ExpectedDocumentStart | E::InvalidDocumentEnd | E::MissingDocumentEndBeforeDirective => {
            explained(
                "there is text after the end of the document",
                "keep one YAML or JSON document in a file",
            )
        }
        E::DuplicateVersionDirective
        | E::UnsupportedYamlMajorVersion
        | E::DuplicateTagDirective
        | E::ExpectedTagDirectiveBang
        | E::InvalidDirectiveTerminator
        | E::DirectiveDisallowed
        | E::MissingYamlVersionSeparator
        | E::MissingDirectiveName
        | E::InvalidDirectiveName
        | E::DirectiveByteLimitExceeded { .. }
        | E::TooManyReservedDirectiveParams { .. }
        | E::YamlVersionTooLong
        | E::MissingYamlVersion
        | E::InvalidTagDirectiveTerminator => explained(
            "a line that starts with `%` is not a directive of YAML 1.2",
            "remove the line",
        ),
        E::UndeclaredTagHandle
        | E::ExpectedTagBang
        | E::InvalidGlobalTagCharacter
        | E::InvalidTagTerminator
        | E::MissingTagUri
        | E::UnclosedVerbatimTag
        | E::InvalidTagEscape
        | E::InvalidTagUtf8LeadingByte
        | E::InvalidTagUtf8TrailingByte
        | E::InvalidTagUtf8 => explained(
            "text that starts with `!` is read as a YAML tag, and is not a valid one",
            QUOTE,
        ),
        E::RecursionLimitExceeded => of_budget(&BudgetBreach::Depth { depth: MAX_DEPTH }),
        E::CommentNotSeparated | E::CommentInterceptedScalar => explained(
            "a comment is not allowed here",
            "put a space before `#`, or the value in quotes",
        ),
        E::ZeroBlockScalarIndent | E::InvalidBlockScalarHeader => explained(
            "text after `|` or `>` is not allowed",
            "begin the text on the next line, indented",
        ),
        E::BomInsideDocument => explained(
            "there is a byte order mark inside the document",
            "remove it; files that were put together may each have one",
        ),
        E::ExpectedNodeContent | E::UnexpectedEndOfPlainScalar | E::ExpectedWhitespace => {
            explained(
                "a value is missing or starts with a character that needs quotes",
                QUOTE,
            )
        }
        _ => not_yaml(),
    }
}

#[cfg(test)]
mod tests {
    use crate::yaml::{documents, from_str};
    use serde_json::Value;

    /// Terms of the parser's API.
    const INTERNAL: &[&str] = &[
        "Options",
        "budget",
        "breach",
        "scalar",
        "EOF",
        "eof",
        "Policy",
        "from_",
        "usize",
        "u32",
        "token",
        "flow",
        "block",
        "simple key",
        "node",
        "a sequence",
        "mapping",
        "handle",
        "recursion",
        "Error",
        "serde",
        "variant",
        "alias replay",
        "untagged",
    ];

    fn explained(text: &str) -> (String, String) {
        let errors = from_str::<Value>(text).unwrap_err();
        assert_eq!(errors.len(), 1, "{errors:?}");
        let error = errors[0].clone();
        for word in INTERNAL {
            assert!(!error.message.contains(word), "{text:.80}: {error:?}");
            assert!(!error.hint.contains(word), "{text:.80}: {error:?}");
        }
        assert!(!error.hint.is_empty(), "{text:.80}: {error:?}");
        assert!(error.message.chars().count() < 400, "{error:?}");
        (error.message, error.hint)
    }

    #[test]
    fn errors_are_in_the_terms_of_the_author() {
        let mut otherwise = Vec::new();
        for (text, message, hint) in [
            ("a: 1\na: 2", "duplicate field `a`", "keep one"),
            (
                "a: *.example.org",
                "`*.example.org` is read as a YAML alias",
                "\"*.example.org\"",
            ),
            (
                "{a: *.example.org}",
                "`*.example.org` is read as a YAML alias",
                "quotes",
            ),
            (
                "a: {{ .Values.x }}",
                "template text `{{ .Values.x }}`",
                "helm template",
            ),
            (
                "{{- if .Values.x }}\na: 1\n",
                "template text `{{- if .Values.x }}`",
                "helm template",
            ),
            ("a: {b: ${VAR}}", "template text `${VAR}`", "envsubst"),
            ("a: {b: ${VAR}, c: 1}", "template text `${VAR}`", "envsubst"),
            ("a: 1\n<<<<<<< HEAD\nb: 1\n", "merge conflict", "resolve"),
            (
                "a: 1\n---\nb: 2\n",
                "more than one YAML document",
                "keep one",
            ),
            ("a: 1\n\tb: 2", "tab", "spaces"),
            ("a: 1\n  b: 2", "`:` is not allowed here", "quotes"),
            (
                "a:\n  b: 1\n   c: 2",
                "`:` is not allowed",
                "one field on a line",
            ),
            ("a:\n    b: 1\n  c: 2", "indentation", "align"),
            ("a: @b", "must not start with `@`", "quotes"),
            ("a: `b`", "must not start with ```", "quotes"),
            ("a: %b", "must not start with `%`", "quotes"),
            ("a: 'b", "a quote is not closed", "close"),
            ("a: \"\\q\"", "escape sequence", "single quotes"),
            ("a: 'b' c", "after a value in quotes", "whole value"),
            ("{a: 1", "`{` is not closed", "close it with `}`"),
            ("{a: 1]", "`{` is closed by `]`", "close every"),
            ("[a}]", "`[` is closed by `}`", "close every"),
            ("{\"a\": 1 \"b\": 2}", "expected `,` or `}`", "commas"),
            (
                "{\"a\":1}{\"b\":2}",
                "after the end of the document",
                "one YAML or JSON",
            ),
            ("a: b: c", "`:` is not allowed", "quotes"),
            ("a: 1\nb:2\n", "expected `:`", "name: value"),
            ("a\0b: 1", "NUL character", "UTF-8"),
            ("a: b\u{7}", "U+0007", "remove"),
            ("? {a: b}\n: c", "name of a field", "plain text"),
            ("<<: 3", "merge key", "fields out"),
            ("a: &a [*a]", "alias of itself", "write the value out"),
            ("a: !!binary xyz", "base64", "remove the tag"),
            ("%YAML 3.0\n---\na: 1", "starts with `%`", "remove the line"),
            ("a: |x\n  b", "after `|`", "next line"),
            ("a: - b", "list item", "line of its own"),
            ("a: &", "has no name", "quotes"),
        ] {
            let (said, remedy) = explained(text);
            if !said.contains(message) || !remedy.contains(hint) {
                otherwise.push(format!("{text:?}: {said}; {remedy}"));
            }
        }
        assert!(otherwise.is_empty(), "{otherwise:#?}");
    }

    #[test]
    fn limits_are_reported_with_their_size() {
        let nested = "[".repeat(70) + &"]".repeat(70);
        // Without optimization each level needs 32 KB of the stack.
        let deep = std::thread::Builder::new().stack_size(16 << 20);
        let deep = deep.spawn(move || explained(&nested).0).unwrap();
        assert!(deep.join().unwrap().contains("64 deep"));
        let aliases = format!("a: &a x\nb: [{}]\n", "*a,".repeat(2_000));
        assert!(explained(&aliases).0.contains("at most 1000"));
        let long = format!("{{a: *{}}}", "x".repeat(1_000_000));
        assert!(explained(&long).0.contains("(1000001 characters)"));
    }

    #[test]
    fn empty_documents_are_left_out() {
        for text in [
            "a: 1.10\n---\n",
            "a: 1.10\n---\n# the end\n...\n",
            "---\n---\na: 1.10\n",
            "a: 1.10\n---\n---\n",
        ] {
            let read = from_str::<std::collections::BTreeMap<String, String>>(text).unwrap();
            assert_eq!(read["a"], "1.10", "{text}");
        }
        assert_eq!(documents("a: 1\n---\n---\nb: 2\n---\n").unwrap().len(), 2);
    }

    proptest::proptest! {
        /// Whatever the text, the message has no term of the parser.
        #[test]
        fn no_message_has_terms_of_the_parser(
            text in "[-a{}:,'\"*&!|>%@`#?~ \n\t\\[\\]\\\\0<$]{1,24}",
        ) {
            if let Err(errors) = from_str::<Value>(&text) {
                for error in errors {
                    for word in INTERNAL {
                        proptest::prop_assert!(!error.message.contains(word), "{:?}: {:?}", text, error);
                    }
                    proptest::prop_assert!(!error.hint.is_empty(), "{:?}: {:?}", text, error);
                }
            }
        }
    }
}
