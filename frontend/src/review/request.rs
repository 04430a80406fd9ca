//! Requests to the agent as JSON, built by hand because the document is a JSON value here.

use serde_json::{Value, json as object};
use shared::api::Intent;
use shared::plan::decisions::Decisions;

use super::state::{Consent, Planned};
use crate::message::Document;

pub(crate) fn mesh_name(document: &Document) -> String {
    let name = &document.mesh["metadata"]["name"];
    name.as_str().unwrap_or_default().to_owned()
}

pub(crate) fn plan_request(document: &Document, intent: Intent, decisions: &Decisions) -> Value {
    object!({
        "mesh": document.mesh, "digest": document.digest, "intent": intent, "decisions": decisions,
    })
}

pub(crate) fn apply_request(planned: &Planned, consent: Consent) -> Value {
    let mut body = plan_request(&planned.document, planned.intent, &planned.decisions);
    body["planId"] = planned.response.plan.id.clone().into();
    body["partial"] = consent.partial.into();
    body["allowDelete"] = consent.allow_delete.into();
    body
}

pub(crate) fn verify_request(document: &Document, wait: u32, drill: Option<&str>) -> Value {
    let mut body = plan_request(document, Intent::Apply, &Decisions::default());
    body["wait"] = wait.into();
    body["drill"] = drill.into();
    body
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::api::{ApplyRequest, PlanRequest, PlanResponse, VerifyRequest};
    use shared::plan::Plan;
    use shared::plan::decisions::Decision;

    use super::*;
    use crate::json;

    #[test]
    fn the_agent_parses_requests() {
        let mesh = crate::template::walkthrough();
        let document = Document {
            mesh: serde_json::to_value(&mesh).unwrap(),
            digest: "d".to_owned(),
        };
        let mut decisions = Decisions::default();
        decisions.add(Decision::Adopt("Service/web/orders".to_owned()));
        let desired = PlanRequest {
            mesh,
            digest: "d".to_owned(),
            intent: Intent::Remove,
            decisions: decisions.clone(),
        };
        let body = plan_request(&document, Intent::Remove, &decisions);
        let read: PlanRequest = json::of(&body).unwrap();
        assert_eq!(read, desired);

        let planned = Planned {
            intent: Intent::Remove,
            document: Arc::new(document.clone()),
            decisions: Arc::new(decisions),
            is_other: false,
            response: Arc::new(PlanResponse {
                findings: Vec::new(),
                mass_deletion: None,
                plan: Plan {
                    id: "p".to_owned(),
                    mesh: "demo".to_owned(),
                    clusters: Vec::new(),
                },
            }),
        };
        assert_eq!(planned.name(), "demo");
        let consent = Consent {
            partial: true,
            allow_delete: Some(7),
        };
        let read: ApplyRequest = json::of(&apply_request(&planned, consent)).unwrap();
        assert_eq!((read.plan, read.plan_id.as_str()), (desired, "p"));
        assert!(read.partial);
        assert_eq!(read.allow_delete, Some(7));
        let body = apply_request(&planned, Consent::default());
        let read: ApplyRequest = json::of(&body).unwrap();
        assert_eq!((read.partial, read.allow_delete), (false, None));

        let read: VerifyRequest = json::of(&verify_request(&document, 600, None)).unwrap();
        assert_eq!((read.plan.intent, read.wait), (Intent::Apply, 600));
        assert_eq!(read.drill, None);
        let drill = verify_request(&document, 0, Some("orders.sales@north"));
        let read: VerifyRequest = json::of(&drill).unwrap();
        assert_eq!(read.drill.as_deref(), Some("orders.sales@north"));
    }
}
