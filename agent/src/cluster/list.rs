//! Lists of objects, page by page, so that a thousand objects are never in memory at once.

use http::StatusCode;
use kube::api::ListParams;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::connection::Connection;
use super::request::Request;
use super::request_error::RequestError;

/// Objects per page: about two megabytes with all fields.
const PAGE: u32 = 500;
/// Objects per page if a larger page was too long: objects of 1.5 MiB, etcd's maximum, fit into the limit.
const SMALL_PAGE: u32 = 10;
/// Limit of pages. etcd holds at most 8 GB, which fit into fewer pages.
const PAGES: usize = 5_000;
/// Restarts of a list whose continue token has expired.
const RESTARTS: usize = 2;

#[derive(Deserialize)]
struct Page<'a> {
    // An aggregated API server may omit it.
    #[serde(default)]
    metadata: PageMetadata,
    // Old versions send null for an empty list.
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: String,
}

/// A list request.
pub(super) struct List {
    /// Path of the collection; see [`super::collection`].
    pub(super) path: String,
    /// `key=value`, or empty for all.
    pub(super) label_selector: String,
    /// Whether only metadata is requested.
    pub(super) metadata_only: bool,
}

impl List {
    /// Passes each object's JSON to `take`, possibly twice.
    pub(super) async fn read(
        &self,
        connection: &Connection,
        mut take: impl FnMut(&str) -> Result<(), serde_json::Error> + Send,
    ) -> Result<(), RequestError> {
        let mut params = ListParams::default().limit(PAGE);
        if !self.label_selector.is_empty() {
            params = params.labels(&self.label_selector);
        }
        let (mut restarts, mut pages) = (0, 0);
        loop {
            let mut request = Request::list(&self.path, &params);
            if self.metadata_only {
                request = request.metadata_only();
            }
            let body = match connection.send(&request).await {
                Ok(body) => body,
                Err(error) if error.code() == Some(StatusCode::GONE) && restarts < RESTARTS => {
                    restarts += 1;
                    params.continue_token = None;
                    continue;
                }
                Err(RequestError::TooLong(_)) if params.limit > Some(SMALL_PAGE) => {
                    params.limit = Some(SMALL_PAGE);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let unreadable = |error: serde_json::Error| RequestError::Unreadable(error.to_string());
            let page: Page<'_> = serde_json::from_slice(&body).map_err(unreadable)?;
            for item in page.items.into_iter().flatten() {
                take(item.get()).map_err(unreadable)?;
            }
            if page.metadata.next.is_empty() {
                return Ok(());
            }
            pages += 1;
            if pages == PAGES {
                let why = format!("the list has more than {PAGES} pages");
                return Err(RequestError::Unreadable(why));
            }
            params.continue_token = Some(page.metadata.next);
        }
    }
}
