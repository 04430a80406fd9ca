//! Requests to the agent.

use shared::api::{ApplyRequest, Intent, PlanRequest, VerifyRequest};
use shared::plan::decisions::Decisions;

use super::state::{Consent, Planned};
use super::task::Document;

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
    use std::fmt::Debug;
    use std::sync::Arc;

    use serde::Serialize;
    use serde::de::DeserializeOwned;
    use shared::Mesh;
    use shared::api::PlanResponse;
    use shared::plan::Plan;
    use shared::plan::decisions::Decision;

    use super::*;
    use crate::document::start;

    fn survives_json<T: Serialize + DeserializeOwned + PartialEq + Debug>(request: &T) {
        let text = serde_json::to_string(request).unwrap();
        assert_eq!(&serde_json::from_str::<T>(&text).unwrap(), request);
    }

    #[test]
    fn the_agent_parses_requests() {
        let document = Document {
            mesh: Mesh::from_value(&start::walkthrough()).0,
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
            survives_json(&apply_request(&planned, consent));
        }
        for drill in [None, Some("orders.sales@north".to_owned())] {
            survives_json(&verify_request(&document, 600, drill));
        }
    }
}
