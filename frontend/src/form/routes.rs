//! Routes that only have a path, as the text of one field: `/html` is an exact path, `/api/*` a prefix.

use serde_json::{Value, json};

use super::text::words;

/// The text of a route that has only a path.
fn path_of(route: &Value) -> Option<String> {
    let fields = route.as_object().filter(|fields| fields.len() == 1)?;
    let (name, path) = fields.iter().next()?;
    match (name.as_str(), path.as_str()?) {
        ("exact", path) => Some(path.to_owned()),
        ("prefix", path) => Some(format!("{path}*")),
        _ => None,
    }
}

/// The paths of the routes that have nothing else.
pub(crate) fn text(routes: &[Value]) -> String {
    let paths: Vec<String> = routes.iter().filter_map(path_of).collect();
    paths.join(", ")
}

/// The number of routes that are not in the text.
pub(crate) fn others(routes: &[Value]) -> usize {
    routes
        .iter()
        .filter(|route| path_of(route).is_none())
        .count()
}

/// Replaces the routes that are in the text; the others keep their positions.
pub(crate) fn with_text(routes: &[Value], text: &str) -> Vec<Value> {
    let at = routes
        .iter()
        .position(|route| path_of(route).is_some())
        .unwrap_or(0);
    let is_other = |route: &&Value| path_of(route).is_none();
    let mut all: Vec<Value> = routes.iter().filter(is_other).cloned().collect();
    let paths = words(text).map(|word| match word.strip_suffix('*') {
        Some(prefix) => json!({ "prefix": prefix }),
        None => json!({ "exact": word }),
    });
    all.splice(at..at, paths);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_routes_stay_where_they_are() {
        let rich = json!({ "exact": "/a", "timeout": "1s" });
        let routes = [
            rich.clone(),
            json!({ "exact": "/b" }),
            json!({ "prefix": "/c/" }),
        ];
        assert_eq!(text(&routes), "/b, /c/*");
        assert_eq!(others(&routes), 1);
        let changed = with_text(&routes, "/x* /y");
        assert_eq!(
            changed,
            [
                rich.clone(),
                json!({ "prefix": "/x" }),
                json!({ "exact": "/y" })
            ]
        );
        assert_eq!(with_text(&changed, ""), [rich]);
    }
}
