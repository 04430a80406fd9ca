//! The handlers of `/api/v1`; the messages are in [`shared::api`].

use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::api::{
    ApplyAccepted, ApplyRefused, ApplyRequest, ClusterReport, Clusters, Event, Intent, PlanRequest,
    PlanResponse, Report, Session, Status,
};
use shared::bundle::Rendered;
use shared::check::check;
use shared::facts::Facts;
use shared::resolved::Resolved;
use tokio::sync::mpsc;

use super::Agent;
use super::answer::{Body, Refusal};
use super::runs::{RunKind, Running};
use super::turns::Turn;
use crate::lock::LockOptions;
use crate::operation::{self, ApplyOptions, ApprovedPlan, Locked};

pub(super) async fn session() -> Json<Session> {
    Json(Session {
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

pub(super) async fn clusters(State(agent): State<Agent>) -> Json<Clusters> {
    Json(agent.0.operations.clusters().await)
}

pub(super) async fn plan(
    State(agent): State<Agent>,
    Body(request): Body<PlanRequest>,
) -> Result<Json<PlanResponse>, Refusal> {
    let (request, _turn, _) = prove(request, agent.0.turns.take().await?).await?;
    let planned = agent
        .0
        .operations
        .plan_with(&request.mesh, request.intent, &request.decisions)
        .await?;
    Ok(Json(PlanResponse {
        mass_deletion: planned.mass_deletion(),
        findings: planned.findings,
        withdrawable: planned.withdrawable,
        plan: planned.plan,
    }))
}

pub(super) async fn status(
    State(agent): State<Agent>,
    Body(request): Body<PlanRequest>,
) -> Result<Json<Status>, Refusal> {
    let (request, _turn, _) = prove(request, agent.0.turns.take().await?).await?;
    let (status, _) = agent
        .0
        .operations
        .status(&request.mesh, request.intent, &request.decisions)
        .await?;
    Ok(Json(status))
}

pub(super) async fn apply(
    State(agent): State<Agent>,
    Body(request): Body<ApplyRequest>,
) -> Result<(StatusCode, Json<ApplyAccepted>), Refusal> {
    let ApplyRequest {
        plan: request,
        plan_id,
        partial,
        allow_delete,
    } = request;
    let options = ApplyOptions {
        partial,
        allow_delete,
    };
    let (request, turn, _) = prove(request, agent.0.turns.take().await?).await?;
    operation::expect_not_handed_over(&request.mesh, request.intent)?;
    // Before planning, so that the plan includes the changes of other runs.
    let begun = agent
        .0
        .runs
        .begin(RunKind::Apply, &request.mesh.metadata.name)
        .map_err(|_| Refusal::internal())?;
    let Some(running) = begun else {
        return Err(Refusal::apply(
            ApplyRefused::Held,
            format!(
                "nothing was changed: mesh {:?} is being applied by this agent already",
                request.mesh.metadata.name
            ),
            "wait until that run has ended, then try again",
        ));
    };
    let locked = agent
        .0
        .operations
        .lock(
            &request.mesh,
            &request.decisions,
            "serve",
            LockOptions::default(),
        )
        .await?;
    let plan = match as_shown(&locked, &request, &plan_id, options).await {
        Ok(plan) => plan,
        Err(refusal) => {
            locked.release().await;
            return Err(refusal);
        }
    };
    drop(turn);
    let id = running.id().to_owned();
    // A task of its own, so that it continues when the client disconnects.
    tokio::spawn(carry_out(locked, plan, running));
    Ok((StatusCode::ACCEPTED, Json(ApplyAccepted { id })))
}

/// Plans under the Leases. Fails if the plan is not the one that was shown, or is blocked.
async fn as_shown(
    locked: &Locked,
    request: &PlanRequest,
    plan_id: &str,
    options: ApplyOptions,
) -> Result<ApprovedPlan, Refusal> {
    let planned = locked.plan(&request.mesh, request.intent).await?;
    if planned.plan.id != plan_id {
        return Err(Refusal::apply(
            ApplyRefused::PlanChanged,
            "nothing was changed: the clusters changed since the plan was shown",
            "plan again and review the differences",
        ));
    }
    planned.approve(options).map_err(|blocked| {
        let message = format!("nothing was changed: {blocked}");
        Refusal::new(StatusCode::CONFLICT, message, blocked.hint())
    })
}

pub(super) async fn events(
    State(agent): State<Agent>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    // An id that is not text is unknown.
    let run = id
        .ok()
        .and_then(|Path(id)| agent.0.runs.find(RunKind::Apply, &id))
        .ok_or_else(|| {
            Refusal::new(
                StatusCode::NOT_FOUND,
                "unknown apply",
                "check `status`; the agent keeps only the last few runs since its start",
            )
        })?;
    let lines = axum::body::Body::from_stream(run.lines());
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// Renders the document again, and fails if the manifests differ from the sender's. Returns the turn, and the document as
/// the sender checked it: without facts about the clusters.
///
/// A removal uses only the name of the mesh and the clusters, so nothing is compared, and a document with errors can
/// still be removed.
pub(super) async fn prove(
    request: PlanRequest,
    turn: Turn,
) -> Result<(PlanRequest, Turn, Option<Resolved>), Refusal> {
    if request.intent == Intent::Remove {
        return Ok((request, turn, None));
    }
    // The turn ends with this future, when the client disconnects.
    let requester = Arc::new(());
    let waits = Arc::downgrade(&requester);
    let proof = tokio::task::spawn_blocking(move || {
        let checked = check(&request.mesh, &Facts::default());
        let Some(resolved) = checked.resolved else {
            return Err(Refusal::findings(checked.findings));
        };
        let rendered = Rendered::new(&request.mesh, &resolved);
        let digest = rendered.digest_while(|| waits.strong_count() > 0);
        if digest.ok_or_else(Refusal::internal)? == request.digest {
            return Ok((request, turn, Some(resolved)));
        }
        Err(Refusal::new(
            StatusCode::CONFLICT,
            "nothing was changed: the agent renders this document to other manifests than the page",
            format!(
                "reload the page that the agent serves (version {}); the versions of page and agent probably differ",
                env!("CARGO_PKG_VERSION")
            ),
        ))
    });
    let proven = proof.await.map_err(|_| Refusal::internal())?;
    drop(requester);
    proven
}

async fn carry_out(locked: Locked, plan: ApprovedPlan, running: Running) {
    let names: Vec<String> = plan.clusters().map(str::to_owned).collect();
    let (sender, mut events) = mpsc::unbounded_channel();
    let stop = running.stop();
    let apply = tokio::spawn(async move { locked.apply(plan, &stop, sender).await });
    while let Some(event) = events.recv().await {
        if !matches!(event, Event::Finished { .. }) {
            running.push(&event);
        }
    }
    let report = apply.await.unwrap_or_else(|error| {
        tracing::error!("an apply failed unexpectedly: {error}");
        let stopped = |name| ClusterReport {
            name,
            error: Some(
                "the run failed unexpectedly; plan again to see the current state".to_owned(),
            ),
            ..ClusterReport::default()
        };
        Report {
            clusters: names.into_iter().map(stopped).collect(),
            ..Report::default()
        }
    });
    running.push(&Event::Finished { report });
}
