//! Asking a server what an apply would do, without doing it.

use http::StatusCode;
use shared::object::Object;
use shared::plan::{Answer, Conflict};

use super::address;
use super::connection::{Connection, Request};
use super::request_error::RequestError;

/// What the server says to an apply of a stamped object; `None` if what it would change is not there
/// (any more).
pub(super) async fn ask(
    connection: &Connection,
    stamped: &Object,
) -> Result<Option<Answer>, RequestError> {
    let request = Request::apply(&address::object(stamped), stamped.to_text()).dry_run();
    match connection.json(&request).await {
        Ok(would) => Ok(Some(Answer::Would(would))),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => match conflicts_of(&error) {
            Some(conflicts) => Ok(Some(Answer::Conflict(conflicts))),
            None if error.is_refusal() => Ok(Some(Answer::Rejected(error.to_string()))),
            None => Err(error),
        },
    }
}

/// The fields that other managers own, if that is what the server refuses an apply for.
pub(crate) fn conflicts_of(error: &RequestError) -> Option<Vec<Conflict>> {
    let RequestError::Answered {
        code: StatusCode::CONFLICT,
        status,
        ..
    } = error
    else {
        return None;
    };
    let conflicts: Vec<Conflict> = status
        .causes()
        .iter()
        .filter(|cause| cause.reason == "FieldManagerConflict")
        .map(|cause| Conflict {
            manager: manager(&cause.message).to_owned(),
            field: cause.field.clone(),
        })
        .collect();
    (!conflicts.is_empty()).then_some(conflicts)
}

/// The manager in `conflict with "kubectl-edit" using networking.istio.io/v1`
/// (apimachinery, `managedfields/internal/conflict.go`).
fn manager(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or(message)
}

#[cfg(test)]
mod tests {
    use super::manager;

    #[test]
    fn the_manager_stands_in_quotes() {
        for (message, expected) in [
            (
                r#"conflict with "kubectl-edit" using networking.istio.io/v1 at 2026-01-01T00:00:00Z"#,
                "kubectl-edit",
            ),
            (r#"conflict with "other""#, "other"),
            ("something else", "something else"),
        ] {
            assert_eq!(manager(message), expected);
        }
    }
}
