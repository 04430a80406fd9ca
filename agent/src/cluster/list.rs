//! Lists of objects, page by page, so that a thousand objects are never in memory as values at once.

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::connection::{Connection, Request};
use super::request_error::RequestError;

/// Objects in a page: with all their fields about two megabytes.
const PAGE: usize = 500;
/// Objects in a page where those of a larger one were too long: 1.5 MiB each, the most that etcd takes, fit into
/// what is read.
const SMALL_PAGE: usize = 10;
/// Pages of a list. etcd holds 8 GB at most, which is less than that many pages.
const PAGES: usize = 5_000;
/// How often a list is begun again because the server has forgotten where it was.
const RESTARTS: usize = 2;

#[derive(Deserialize)]
struct Page<'a> {
    // A server of an API that is aggregated may leave it out.
    #[serde(default)]
    metadata: PageMetadata,
    // Null where there are none, in old versions.
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Default, Deserialize)]
struct PageMetadata {
    #[serde(default, rename = "continue")]
    next: String,
}

/// A list to be read.
pub(super) struct List {
    /// Of what; see [`super::collection`].
    pub(super) path: String,
    /// `key=value`, or empty for all; no character in it needs to be escaped but `/` and `=`.
    pub(super) label_selector: String,
    /// Only names, labels and the like.
    pub(super) metadata_only: bool,
}

impl List {
    /// Gives each object's JSON to `take`. It may see an object twice.
    pub(super) async fn read(
        &self,
        connection: &Connection,
        mut take: impl FnMut(&str) -> Result<(), serde_json::Error> + Send,
    ) -> Result<(), RequestError> {
        let selector = self.label_selector.replace('/', "%2F").replace('=', "%3D");
        let mut next = String::new();
        let (mut restarts, mut pages) = (0, 0);
        let mut objects = PAGE;
        loop {
            let mut path = format!("{}?limit={objects}", self.path);
            for (parameter, value) in [("labelSelector", &selector), ("continue", &next)] {
                if !value.is_empty() {
                    path.extend(["&", parameter, "=", value]);
                }
            }
            let mut request = Request::get(path).of_list();
            if self.metadata_only {
                request = request.metadata_only();
            }
            let body = match connection.send(&request).await {
                Ok(body) => body,
                Err(error) if error.code() == Some(StatusCode::GONE) && restarts < RESTARTS => {
                    restarts += 1;
                    next.clear();
                    continue;
                }
                Err(RequestError::TooLong(_)) if objects > SMALL_PAGE => {
                    objects = SMALL_PAGE;
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
                let why = format!("the list goes on after {PAGES} pages");
                return Err(RequestError::Unreadable(why));
            }
            next = page.metadata.next;
        }
    }
}
