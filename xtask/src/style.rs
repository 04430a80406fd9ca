//! Words that texts for people must not have: the list in `docs/style.md`, held against the strings in the sources.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use proc_macro2::{Delimiter, Group, LexError, TokenStream, TokenTree};

use crate::workspace::files_below;

/// Folders with the sources of what people read.
const SOURCES: [&str; 3] = ["shared/src", "agent/src", "frontend/src"];
/// Sources whose doc comments people read too: help of the command line, and the document's schema.
const HELP: [&str; 2] = ["agent/src/cli", "shared/src/mesh"];
/// Texts for people outside of sources.
const PAGES: [&str; 5] = [
    "README.md",
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "docs",
    "shared/explain",
];
/// It has the words itself.
const STYLE: &str = "docs/style.md";

/// A text with a word that it must not have.
#[derive(Debug)]
struct Fault {
    file: PathBuf,
    line: usize,
    word: String,
    text: String,
}

/// Fails with every text that has a word of the list.
pub(crate) fn check(root: &Path) -> Result<()> {
    let words = words(root)?;
    let mut faults = Vec::new();
    for folder in SOURCES {
        for file in files(&root.join(folder), "rs")? {
            let source = std::fs::read_to_string(&file)?;
            let has_help = HELP
                .iter()
                .any(|folder| file.starts_with(root.join(folder)));
            let texts = texts(&source, has_help)
                .map_err(|error| anyhow::anyhow!("{}: {error}", file.display()))?;
            faults.extend(of_texts(&file, texts, &words));
        }
    }
    for page in PAGES {
        for file in files(&root.join(page), "md")? {
            if file != root.join(STYLE) {
                let text = std::fs::read_to_string(&file)?;
                let lines = text
                    .lines()
                    .enumerate()
                    .map(|(index, line)| (index + 1, line.to_owned()));
                faults.extend(of_texts(&file, lines.collect(), &words));
            }
        }
    }
    if faults.is_empty() {
        return Ok(());
    }
    let lines = faults.iter().map(
        |Fault {
             file,
             line,
             word,
             text,
         }| {
            let file = file.strip_prefix(root).unwrap_or(file);
            format!("{}:{line}: {word:?}: {}\n", file.display(), text.trim())
        },
    );
    bail!(
        "{}{} texts have words that {STYLE} rules out",
        lines.collect::<String>(),
        faults.len()
    )
}

/// The words of the list in the style guide.
fn words(root: &Path) -> Result<Vec<String>> {
    let guide = std::fs::read_to_string(root.join(STYLE))
        .with_context(|| format!("cannot read {STYLE}"))?;
    let list = guide
        .split("```words\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let list = list.with_context(|| format!("{STYLE} has no list of words"))?;
    let words: Vec<String> = list.lines().map(str::to_owned).collect();
    if words.len() < 10 {
        bail!("{STYLE}: the list of words has only {} lines", words.len());
    }
    Ok(words)
}

/// The files below a path, or the file that it is; without tests.
pub(crate) fn files(path: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    if path.is_file() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = files_below(path)?;
    files.retain(|file| file.extension().is_some_and(|own| own == extension) && !is_test(file));
    Ok(files)
}

fn is_test(path: &Path) -> bool {
    let name = path.file_stem().unwrap_or_default().to_string_lossy();
    name == "tests" || name.ends_with("_tests")
}

/// The string literals of a source outside of its tests, with their lines; with its doc comments, if asked for.
fn texts(source: &str, with_doc_comments: bool) -> Result<Vec<(usize, String)>, LexError> {
    let mut texts = Vec::new();
    collect(
        outside_of_tests(source.parse()?),
        with_doc_comments,
        &mut texts,
    );
    Ok(texts)
}

fn collect(tokens: TokenStream, with_doc_comments: bool, texts: &mut Vec<(usize, String)>) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Punct(mark) if mark.as_char() == '#' => {
                let Some(TokenTree::Group(attribute)) =
                    tokens.next_if(|next| matches!(next, TokenTree::Group(group) if group.delimiter() == Delimiter::Bracket))
                else {
                    continue;
                };
                let words = attribute.stream().to_string();
                if !words.starts_with("doc")
                    && !words.starts_with("expect")
                    && !words.starts_with("allow")
                    || with_doc_comments && words.starts_with("doc")
                {
                    collect(attribute.stream(), with_doc_comments, texts);
                }
            }
            TokenTree::Group(group) => collect(group.stream(), with_doc_comments, texts),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if text.starts_with(['"', 'r']) {
                    texts.push((literal.span().start().line, text));
                }
            }
            _ => {}
        }
    }
}

/// The tokens without the items of tests.
pub(crate) fn outside_of_tests(tokens: TokenStream) -> TokenStream {
    let mut tokens = tokens.into_iter().peekable();
    let mut kept = Vec::new();
    while let Some(token) = tokens.next() {
        let is_mark = matches!(&token, TokenTree::Punct(mark) if mark.as_char() == '#');
        if is_mark && tokens.next_if(is_of_tests).is_some() {
            skip_item(&mut tokens);
            continue;
        }
        kept.push(match token {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), outside_of_tests(group.stream()));
                inner.set_span(group.span());
                inner.into()
            }
            token => token,
        });
    }
    kept.into_iter().collect()
}

fn is_of_tests(attribute: &TokenTree) -> bool {
    matches!(attribute, TokenTree::Group(group) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// Goes to the end of the item that follows an attribute.
fn skip_item(tokens: &mut impl Iterator<Item = TokenTree>) {
    for token in tokens {
        match token {
            TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => return,
            TokenTree::Punct(mark) if mark.as_char() == ';' => return,
            _ => {}
        }
    }
}

fn of_texts<'a>(
    file: &'a Path,
    texts: Vec<(usize, String)>,
    words: &'a [String],
) -> impl Iterator<Item = Fault> + use<'a> {
    texts.into_iter().filter_map(move |(line, text)| {
        let word = words.iter().find(|word| has(&text, word))?;
        Some(Fault {
            file: file.to_owned(),
            line,
            word: word.clone(),
            text,
        })
    })
}

/// Whether a text has a word, not as a part of others.
fn has(text: &str, word: &str) -> bool {
    let text = text.to_lowercase();
    let is_part = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
    };
    text.match_indices(word).any(|(start, _)| {
        let before = start.checked_sub(1).map(|at| text.as_bytes()[at]);
        let after = text.as_bytes().get(start + word.len()).copied();
        !is_part(before) && !is_part(after)
    })
}

#[cfg(test)]
mod tests {
    use super::{check, has, texts};
    use crate::workspace;

    #[test]
    fn no_text_has_a_word_that_is_ruled_out() {
        check(&workspace::root().expect("the workspace")).unwrap();
    }

    #[test]
    fn texts_are_those_outside_of_tests() {
        let source = r#"
            /// A doc comment.
            #[error("one {field}")]
            struct A;
            fn f() { format!("two"); }
            #[cfg(test)]
            mod tests { const T: &str = "three"; }
            const FOUR: &str = "four";
        "#;
        let of = |with_doc_comments| -> Vec<String> {
            let texts = texts(source, with_doc_comments).unwrap();
            texts.into_iter().map(|(_, text)| text).collect()
        };
        assert_eq!(of(false), ["\"one {field}\"", "\"two\"", "\"four\""]);
        assert_eq!(of(true).len(), 4);
    }

    #[test]
    fn words_are_whole() {
        assert!(has("it is told", "told"));
        assert!(has("Nobody answers", "nobody"));
        assert!(!has("untold", "told"));
        assert!(!has("object-surplus", "surplus"));
    }
}
