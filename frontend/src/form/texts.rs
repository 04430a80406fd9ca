//! Converts texts of form fields to values of the document, and back.

use shared::mesh::{NameLevel, Service};
use shared::passthrough::{IstioFields, path_route};

/// The path of a route that has nothing else, as the form shows it: `/html` is an exact path, `/api/*` a prefix.
fn path_text(route: &IstioFields) -> Option<String> {
    let (name, path) = route.iter().next()?;
    let path = path.as_str().filter(|_| route.len() == 1)?;
    match name.as_str() {
        "exact" => Some(path.to_owned()),
        "prefix" => Some(format!("{path}*")),
        _ => None,
    }
}

pub(crate) fn routes_text(routes: &[IstioFields]) -> String {
    let texts: Vec<String> = routes.iter().filter_map(path_text).collect();
    texts.join(", ")
}

/// The number of routes that the form does not show.
pub(crate) fn routes_beyond_paths(service: &Service) -> usize {
    let shown = |route: &&IstioFields| path_text(route).is_some();
    service.routes.len() - service.routes.iter().filter(shown).count()
}

/// Replaces the paths that the form shows; other routes keep their positions.
pub(crate) fn set_paths(routes: &mut Vec<IstioFields>, text: &str) {
    let first = routes.iter().position(|route| path_text(route).is_some());
    let at = first.unwrap_or(0);
    routes.retain(|route| path_text(route).is_none());
    let paths = words(text).map(|word| match word.strip_suffix('*') {
        Some(prefix) => path_route("prefix", prefix),
        None => path_route("exact", word),
    });
    routes.splice(at..at, paths);
}

/// The levels in their order; empty for the default.
pub(crate) fn levels_text(levels: Option<&[NameLevel]>) -> String {
    let Some(levels) = levels else {
        return String::new();
    };
    let there = NameLevel::ALL
        .into_iter()
        .filter(|level| levels.contains(level));
    let there: Vec<NameLevel> = there.collect();
    if there == NameLevel::DEFAULT {
        return String::new();
    }
    let words: Vec<&str> = there.into_iter().map(NameLevel::as_str).collect();
    words.join(", ")
}

pub(crate) fn levels(text: &str) -> Option<Vec<NameLevel>> {
    let named = |level: &NameLevel| words(text).any(|word| word == level.as_str());
    let levels: Vec<NameLevel> = NameLevel::ALL.into_iter().filter(named).collect();
    (!levels.is_empty() && levels != NameLevel::DEFAULT).then_some(levels)
}

pub(crate) fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| c == ',' || c.is_whitespace())
        .filter(|word| !word.is_empty())
}

pub(crate) fn option(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// The digits of a text as a number; a number that is too large becomes the maximum, which a check refuses.
pub(crate) fn number(text: &str) -> Option<u32> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    (!digits.is_empty()).then(|| digits.parse().unwrap_or(u32::MAX))
}

pub(crate) fn number_text(number: Option<u32>) -> String {
    number.map(|number| number.to_string()).unwrap_or_default()
}
