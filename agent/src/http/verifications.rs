//! The handlers of `POST /api/v1/verify` and its events.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use shared::Mesh;
use shared::api::{ApiError, ApplyAccepted, Intent, PlanRequest, VerifyEvent, VerifyRequest};
use shared::check::Finding;
use shared::verify::{DrillTarget, DrillTargetError};
use tokio::sync::mpsc;

use super::Agent;
use super::answer::{Body, Refusal};
use super::api::prove;
use super::runs::{Run, RunKind, Running};
use crate::operation::{ObservedMesh, Operations, PlanError};
use crate::verify::{self, VerifyOptions};

/// Starts a verification with the options of the message.
pub(super) async fn verify(
    State(agent): State<Agent>,
    Body(request): Body<VerifyRequest>,
) -> Result<(StatusCode, Json<ApplyAccepted>), Refusal> {
    let VerifyRequest {
        plan,
        wait,
        no_job,
        drill,
    } = request;
    if plan.intent != Intent::Apply {
        return Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "a removal cannot be verified",
            "remove `intent`",
        ));
    }
    if wait > VerifyRequest::LONGEST_WAIT {
        return Err(Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("the wait of {wait} s is out of range"),
            format!("use at most {} s", VerifyRequest::LONGEST_WAIT),
        ));
    }
    let drill = drill.as_deref().map(target).transpose()?;
    let turn = agent.0.turns.take().await?;
    let (PlanRequest { mesh, .. }, _, resolved) = prove(plan, turn).await?;
    // An invalid drill is rejected before the verification starts.
    if let (Some(target), Some(resolved)) = (&drill, &resolved) {
        target.find(resolved).map_err(|why| {
            Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                why.to_string(),
                why.hint(),
            )
        })?;
    }
    let begun = agent
        .0
        .runs
        .begin(RunKind::Verify, &mesh.metadata.name)
        .map_err(|_| Refusal::internal())?;
    let Some(running) = begun else {
        return Err(Refusal::new(
            StatusCode::CONFLICT,
            format!("mesh {:?} is being verified already", mesh.metadata.name),
            "wait until that run has ended",
        ));
    };
    let operations = agent.0.operations.clone();
    let observed = operations.observe(&mesh).await?;
    let id = running.id().to_owned();
    let options = VerifyOptions {
        no_job,
        wait: Duration::from_secs(wait.into()),
        drill,
        ..VerifyOptions::default()
    };
    // A task of its own, so that it continues when the client disconnects.
    tokio::spawn(carry_out(operations, mesh, observed, options, running));
    Ok((StatusCode::ACCEPTED, Json(ApplyAccepted { id })))
}

fn target(text: &str) -> Result<DrillTarget, Refusal> {
    text.parse().map_err(|error: DrillTargetError| {
        Refusal::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            error.to_string(),
            "use the name and namespace of a service, and optionally `@` and a cluster",
        )
    })
}

pub(super) async fn events(
    State(agent): State<Agent>,
    id: Result<Path<String>, PathRejection>,
) -> Result<Response, Refusal> {
    let lines = axum::body::Body::from_stream(find(&agent, id)?.lines());
    Ok(([(header::CONTENT_TYPE, "application/x-ndjson")], lines).into_response())
}

/// Stops a verification, which then reports its checks so far.
pub(super) async fn stop(
    State(agent): State<Agent>,
    id: Result<Path<String>, PathRejection>,
) -> Result<StatusCode, Refusal> {
    find(&agent, id)?.stop();
    Ok(StatusCode::ACCEPTED)
}

fn find(agent: &Agent, id: Result<Path<String>, PathRejection>) -> Result<Arc<Run>, Refusal> {
    let find = |Path(id): Path<String>| agent.0.runs.find(RunKind::Verify, &id);
    id.ok().and_then(find).ok_or_else(|| {
        Refusal::new(
            StatusCode::NOT_FOUND,
            "unknown verification",
            "verify again; the agent keeps only the last few runs since its start",
        )
    })
}

async fn carry_out(
    operations: Operations,
    mesh: Mesh,
    observed: ObservedMesh,
    options: VerifyOptions,
    running: Running,
) {
    let (sender, mut events) = mpsc::unbounded_channel();
    let stop = running.stop();
    let run = tokio::spawn(async move {
        verify::verify(&operations, &mesh, observed, &options, &stop, &sender).await
    });
    while let Some(event) = events.recv().await {
        running.push(&event);
    }
    running.push(&match run.await {
        Ok(Ok(report)) => VerifyEvent::Finished { report },
        Ok(Err(error)) => VerifyEvent::Failed {
            error: described(error),
        },
        Err(error) => {
            tracing::error!("a verification failed unexpectedly: {error}");
            VerifyEvent::Failed {
                error: ApiError {
                    message: "the verification failed unexpectedly".to_owned(),
                    hint: "check the agent's log on its terminal, and report the error".to_owned(),
                    findings: Vec::new(),
                    reason: None,
                },
            }
        }
    });
}

fn described(error: PlanError) -> ApiError {
    let (message, hint) = (error.to_string(), error.hint());
    let findings: Vec<Finding> = match error {
        PlanError::Findings(findings) => findings,
        _ => Vec::new(),
    };
    ApiError {
        message,
        hint,
        findings,
        reason: None,
    }
}
