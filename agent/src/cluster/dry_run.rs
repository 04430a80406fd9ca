//! Asking a server what an apply would do, without doing it.

use http::StatusCode;
use shared::object::Object;
use shared::plan::{Answer, Conflict};

use super::address;
use super::connection::{Connection, Request};
use super::request_error::RequestError;

/// An apply as it would be made.
pub(super) struct Question<'a> {
    /// What is applied, stamped.
    pub(super) object: &'a Object,
    /// Under which field manager.
    pub(super) manager: &'a str,
    /// Whether it takes fields from other managers.
    pub(super) force: bool,
}

/// What the server says to an apply.
pub(super) async fn ask(
    connection: &Connection,
    question: Question<'_>,
) -> Result<Answer, RequestError> {
    let Question {
        object,
        manager,
        force,
    } = question;
    let mut request = Request::apply(manager, &address::object(object), object.to_text());
    if force {
        request = request.forced();
    }
    match connection.json(&request.dry_run()).await {
        Ok(would) => Ok(Answer::Would(would)),
        Err(error) if error.is_not_found() => Err(error),
        Err(error) => match conflicts_of(&error) {
            Some(conflicts) => Ok(Answer::Conflict(conflicts)),
            None if error.is_refusal() || of_webhook(&error) => {
                Ok(Answer::Rejected(error.to_string()))
            }
            None => Err(error),
        },
    }
}

/// Whether an admission webhook could not be asked (apiserver,
/// `admission/plugin/webhook/errors/statuserror.go`): that is the object's trouble, not the cluster's.
fn of_webhook(error: &RequestError) -> bool {
    error.code() == Some(StatusCode::INTERNAL_SERVER_ERROR)
        && error.to_string().contains("failed calling webhook")
}

/// Whether the server only refuses to try, since an admission webhook has side effects (apiserver,
/// `admission/plugin/webhook/errors/statuserror.go`).
pub(super) fn cannot_be_tried(message: &str) -> bool {
    message.contains("does not support dry run")
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
