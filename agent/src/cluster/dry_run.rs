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
        .map(|cause| conflict(&cause.field, &cause.message))
        .collect();
    (!conflicts.is_empty()).then_some(conflicts)
}

/// Reads `conflict with "kubectl-edit" with subresource "scale" using networking.istio.io/v1 at
/// 2026-01-01T00:00:00Z` (apimachinery, `managedfields/internal/conflict.go`): only of an update, and not of an
/// apply, it has the version and the time.
fn conflict(field: &str, message: &str) -> Conflict {
    let mut quoted = message.split('"').skip(1).step_by(2);
    let manager = quoted.next();
    let rest = manager.and_then(|manager| message.split_once(&format!("\"{manager}\"")));
    let rest = rest.map_or("", |(_, rest)| rest);
    let is_update = rest.contains(" using ");
    let operation = if is_update { "Update" } else { "Apply" };
    let subresource = quoted
        .next()
        .filter(|_| rest.contains(" with subresource "));
    let time = rest.rsplit_once(" at ").filter(|_| is_update);
    Conflict {
        manager: manager.unwrap_or(message).to_owned(),
        field: field.to_owned(),
        time: time.map(|(_, time)| time.to_owned()),
        operation: manager.map(|_| operation.to_owned()),
        subresource: subresource.map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use shared::plan::Conflict;

    use super::conflict;

    #[test]
    fn the_message_of_a_conflict_says_who_wrote_and_when() {
        for (message, manager, operation, subresource, time) in [
            (
                r#"conflict with "kubectl-edit" using networking.istio.io/v1 at 2026-01-01T00:00:00Z"#,
                "kubectl-edit",
                Some("Update"),
                None,
                Some("2026-01-01T00:00:00Z"),
            ),
            (
                r#"conflict with "hpa" with subresource "scale" using apps/v1"#,
                "hpa",
                Some("Update"),
                Some("scale"),
                None,
            ),
            (
                r#"conflict with "other""#,
                "other",
                Some("Apply"),
                None,
                None,
            ),
            ("something else", "something else", None, None, None),
        ] {
            let expected = Conflict {
                manager: manager.into(),
                field: ".spec.hosts".into(),
                time: time.map(str::to_owned),
                operation: operation.map(str::to_owned),
                subresource: subresource.map(str::to_owned),
            };
            assert_eq!(conflict(".spec.hosts", message), expected);
        }
    }
}
