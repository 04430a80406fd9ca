//! Dry runs of an apply.

use http::StatusCode;
use kube::api::PatchParams;
use shared::kubernetes::object::Object;
use shared::plan::{Conflict, DryRun};

use super::address;
use super::connection::Connection;
use super::request::Request;
use super::request_error::RequestError;

/// An apply to try.
pub(super) struct Question<'a> {
    /// The object, stamped.
    pub(super) object: &'a Object,
    /// The field manager.
    pub(super) manager: &'a str,
    /// Whether fields are taken over from other managers.
    pub(super) force: bool,
}

/// Sends the dry run and classifies the response.
pub(super) async fn ask(
    connection: &Connection,
    question: Question<'_>,
) -> Result<DryRun, RequestError> {
    let Question {
        object,
        manager,
        force,
    } = question;
    let params = PatchParams {
        force,
        ..PatchParams::apply(manager).dry_run()
    };
    let request = Request::apply(params, &address::object(object), object.to_text());
    match connection.json(&request).await {
        Ok(would) => Ok(DryRun::Would(would)),
        Err(error) if error.is_not_found() => Err(error),
        Err(error) => match conflicts_of(&error) {
            Some(conflicts) => Ok(DryRun::Conflict(conflicts)),
            None if error.is_refusal() || of_webhook(&error) => {
                Ok(DryRun::Rejected(error.to_string()))
            }
            None => Err(error),
        },
    }
}

/// Whether an admission webhook could not be called (apiserver, `admission/plugin/webhook/errors/statuserror.go`): an
/// error of the object, not of the cluster.
fn of_webhook(error: &RequestError) -> bool {
    error.code() == Some(StatusCode::INTERNAL_SERVER_ERROR)
        && error.to_string().contains("failed calling webhook")
}

/// Whether the server refuses only the dry run, since an admission webhook has side effects (apiserver,
/// `admission/plugin/webhook/errors/statuserror.go`).
pub(super) fn cannot_be_tried(message: &str) -> bool {
    message.contains("does not support dry run")
}

/// The conflicts with other field managers, if the server refuses an apply for them.
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

/// Parses `conflict with "kubectl-edit" with subresource "scale" using networking.istio.io/v1 at 2026-01-01T00:00:00Z`
/// (apimachinery, `managedfields/internal/conflict.go`): only conflicts with an update have the version and the time,
/// those with an apply do not.
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
    fn a_conflict_has_its_manager_and_time() {
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
