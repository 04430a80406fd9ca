//! Requests to the agent.

use shared::api::{ApplyRequest, Intent, PlanRequest, VerifyRequest};
use shared::plan::decisions::Decisions;

use super::state::{Consent, Planned};
use crate::agent::message::Document;

pub(crate) fn plan_request(
    document: &Document,
    intent: Intent,
    decisions: &Decisions,
) -> PlanRequest {
    PlanRequest {
        mesh: document.mesh.clone(),
        digest: document.digest.clone(),
        intent,
        decisions: decisions.clone(),
    }
}

pub(crate) fn apply_request(planned: &Planned, consent: Consent) -> ApplyRequest {
    ApplyRequest {
        plan: plan_request(&planned.document, planned.intent, &planned.decisions),
        plan_id: planned.response.plan.id.clone(),
        partial: consent.partial,
        allow_delete: consent.allow_delete,
    }
}

pub(crate) fn verify_request(
    document: &Document,
    wait: u32,
    drill: Option<String>,
) -> VerifyRequest {
    VerifyRequest {
        plan: plan_request(document, Intent::Apply, &Decisions::default()),
        wait,
        no_job: false,
        drill,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use shared::api::PlanResponse;
    use shared::plan::Plan;
    use shared::plan::decisions::Decision;

    use super::*;
    use crate::form::template;
    use crate::json;

    #[test]
    fn the_agent_parses_requests() {
        let document = Document {
            mesh: template::walkthrough(),
            digest: "d".to_owned(),
        };
        let mut decisions = Decisions::default();
        decisions.add(Decision::Adopt("Service/web/orders".to_owned()));
        let planned = Planned {
            intent: Intent::Remove,
            document: Arc::new(document.clone()),
            decisions: Arc::new(decisions),
            is_other: false,
            response: Arc::new(PlanResponse {
                findings: Vec::new(),
                withdrawable: BTreeSet::new(),
                mass_deletion: None,
                plan: Plan {
                    id: "p".to_owned(),
                    mesh: "demo".to_owned(),
                    clusters: Vec::new(),
                },
            }),
        };
        for allow_delete in [None, Some(7)] {
            let consent = Consent {
                partial: true,
                allow_delete,
            };
            let request = apply_request(&planned, consent);
            assert_eq!(json::read(&json::write(&request)), Ok(request));
        }
        for drill in [None, Some("orders.sales@north".to_owned())] {
            let request = verify_request(&document, 600, drill);
            assert_eq!(json::read(&json::write(&request)), Ok(request));
        }
    }
}
