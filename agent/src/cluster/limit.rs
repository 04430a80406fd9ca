//! Limits of responses: a server that never ends one must not exhaust the memory.

use bytes::Bytes;
use futures::StreamExt as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, BodyStream, LengthLimitError, Limited, StreamBody};
use hyper::body::Frame;
use kube::client::Body;
use tower::BoxError;

use super::request_error::{RequestError, innermost};

/// For one object. etcd accepts 1.5 MiB of one and an API server 3 MiB in a request; an object with its managed fields
/// in several versions, or the kinds of a group, is not much longer.
pub(super) const OBJECT: usize = 8 << 20;
/// For a page of a list, or a list without pages. 500 objects with all fields are about two megabytes; this allows 32
/// KiB each. [`List`](super::list::List) requests smaller pages where objects are larger.
pub(super) const PAGE: usize = 16 << 20;
/// For an error, of which only the first lines matter; a conflict has a cause for each field.
pub(super) const ERROR: usize = 1 << 20;

/// Reads a response up to the limit.
pub(super) async fn read<B>(body: B, limit: usize) -> Result<Bytes, RequestError>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    match Limited::new(body, limit).collect().await {
        Ok(read) => Ok(read.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(RequestError::TooLong(limit)),
        Err(error) => Err(RequestError::Lost(innermost(error.as_ref()))),
    }
}

/// A client for callers that read responses themselves, with the same limits: each line of a watch counts as an object,
/// every other response as a whole.
pub(super) fn limited(client: kube::Client) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let client = client.clone();
        async move {
            let is_watch = request
                .uri()
                .query()
                .is_some_and(|query| query.contains("watch=true"));
            let response = client.send(request).await?;
            let limit = if is_watch { OBJECT } else { PAGE };
            Ok::<_, BoxError>(response_within(response, limit, is_watch))
        }
    });
    kube::Client::new(service, namespace)
}

fn response_within<B>(
    response: Response<B>,
    limit: usize,
    by_line: bool,
) -> Response<impl hyper::body::Body<Data = Bytes, Error = BoxError>>
where
    B: hyper::body::Body<Data = Bytes, Error: Into<BoxError>>,
{
    response.map(|body| {
        let mut length = 0_usize;
        let frames = BodyStream::new(body).map(move |frame| {
            let frame: Frame<Bytes> = frame.map_err(Into::into)?;
            let data = frame.data_ref().map_or(&[][..], |data| &data[..]);
            length = match data.iter().rposition(|&byte| byte == b'\n') {
                Some(end) if by_line => data.len() - end,
                _ => length.saturating_add(data.len()),
            };
            if length > limit {
                return Err(BoxError::from(RequestError::TooLong(limit)));
            }
            Ok(frame)
        });
        StreamBody::new(frames)
    })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use bytes::Bytes;
    use futures::stream;
    use http::Response;
    use http_body_util::{BodyExt as _, Full, StreamBody};
    use hyper::body::{Body, Frame};

    use super::{read, response_within};
    use crate::cluster::request_error::RequestError;

    /// A body that never ends.
    fn endless(chunk: &'static [u8]) -> impl Body<Data = Bytes, Error = Infallible> + Unpin {
        let frames = stream::repeat_with(move || Ok(Frame::data(Bytes::from_static(chunk))));
        StreamBody::new(frames)
    }

    #[tokio::test]
    async fn reading_stops_at_the_limit() {
        let error = read(endless(b"0123456789"), 95).await.unwrap_err();
        assert!(matches!(error, RequestError::TooLong(95)), "{error:?}");
        let short = read(Full::new(Bytes::from_static(b"0123456789")), 10)
            .await
            .unwrap();
        assert_eq!(&short[..], b"0123456789");
    }

    /// Number of bytes before the error.
    async fn until_error(chunk: &'static [u8], by_line: bool) -> usize {
        let limited = response_within(Response::new(endless(chunk)), 95, by_line);
        let mut body = Box::pin(limited.into_body());
        let mut length = 0;
        while length < 1000 {
            match body.frame().await.unwrap() {
                Ok(frame) => length += frame.data_ref().unwrap().len(),
                Err(error) => {
                    assert!(error.to_string().contains("longer than"), "{error}");
                    break;
                }
            }
        }
        length
    }

    #[tokio::test]
    async fn each_line_of_a_watch_has_the_limit() {
        assert_eq!(until_error(b"0123456789", false).await, 90);
        assert_eq!(until_error(b"012345678\n", false).await, 90);
        assert_eq!(until_error(b"0123456789", true).await, 90);
        assert_eq!(until_error(b"012345678\n", true).await, 1000);
    }
}
