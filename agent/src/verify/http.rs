//! A request to a gateway, at its address and with a host of the mesh.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, SERVER, TE, USER_AGENT};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use shared::mesh::Protocol;
use shared::render::ANSWER_HEADER;
use shared::traffic::expect::GatewayCall;
use shared::verify::{Failure, HttpResponse, Reply};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;

use super::mutual::Roots;
use super::tls::{self, Trust};

/// Limit of a body that is read.
const BODY_LIMIT: usize = 64 << 10;
/// Time for which a connection without requests must stay open.
pub(super) const HOLD: Duration = Duration::from_secs(2);
/// The User-Agent header.
pub(super) const AGENT: &str = concat!("fedmesh-verify/", env!("CARGO_PKG_VERSION"));

/// The result of a request.
#[derive(Debug)]
pub(super) enum Got {
    /// The address accepts connections.
    Reply { reply: Reply, milliseconds: u32 },
    /// The address was not reached, possibly only from this machine.
    NotReached(String),
}

/// Calls a gateway: with a request, or with the protocol's own handshake.
pub(super) async fn ask(
    call: &GatewayCall,
    (trust, roots): (&Trust, &Roots),
    deadline: Duration,
) -> Got {
    let GatewayCall { address, port, .. } = call;
    let start = Instant::now();
    let stream = match tokio::time::timeout(deadline, connect(address, *port)).await {
        Ok(Ok(stream)) => stream,
        // A refusal is sent by the address itself.
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            return Got::Reply {
                reply: Reply::Failed(Failure::Refused),
                milliseconds: milliseconds(start.elapsed()),
            };
        }
        Ok(Err(error)) => return Got::NotReached(format!("{address}:{port}: {error}")),
        Err(_) => {
            return Got::NotReached(format!(
                "{address}:{port}: no connection within {} s",
                deadline.as_secs_f32()
            ));
        }
    };
    let left = deadline.saturating_sub(start.elapsed());
    let reply = async {
        if let Some(mutual) = &call.mutual {
            return roots.session(stream, mutual).await;
        }
        match call.protocol {
            Protocol::Http | Protocol::Http2 | Protocol::Grpc if call.tls => {
                match trust.session(stream, &call.host).await {
                    Ok(session) => request(session, call).await,
                    Err(failure) => Reply::Failed(failure),
                }
            }
            Protocol::Http | Protocol::Http2 | Protocol::Grpc => request(stream, call).await,
            Protocol::Tcp => held(stream).await,
            Protocol::Tls => tls::session(stream, &call.host).await,
        }
    };
    let reply = tokio::time::timeout(left, reply).await;
    Got::Reply {
        reply: reply.unwrap_or(Reply::Failed(Failure::Timeout)),
        milliseconds: milliseconds(start.elapsed()),
    }
}

async fn request(stream: impl Stream, call: &GatewayCall) -> Reply {
    exchange(stream, call)
        .await
        .map_or(Reply::Failed(Failure::Reset), Reply::Answered)
}

/// Whether the connection stays open, or the other side sends first: a gateway closes it if no backend accepts it.
async fn held(mut stream: TcpStream) -> Reply {
    match tokio::time::timeout(HOLD, stream.read(&mut [0])).await {
        Err(_) | Ok(Ok(1..)) => Reply::Connected,
        Ok(Ok(0) | Err(_)) => Reply::Failed(Failure::Reset),
    }
}

async fn connect(address: &str, port: u16) -> std::io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((address, port)).await?.collect();
    TcpStream::connect(addresses.as_slice()).await
}

/// A plain or TLS stream.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Stream for T {}

async fn exchange(
    stream: impl Stream,
    call: &GatewayCall,
) -> Result<HttpResponse, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let GatewayCall { host, port, .. } = call;
    let usual = if call.tls { 443 } else { 80 };
    let authority = if *port == usual {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    };
    let mut request = http::Request::get(&call.probe.path);
    if call.protocol == Protocol::Grpc {
        request = request
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/grpc")
            .header(TE, "trailers");
    }
    let request = request
        .header(HOST, authority)
        .header(USER_AGENT, AGENT)
        .body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        // If a body is too long or breaks off, the head is enough.
        let body = Limited::new(body, BODY_LIMIT)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        let mut answer = HttpResponse {
            status: head.status.as_u16(),
            cluster: text(&head.headers, ANSWER_HEADER),
            envoy: text(&head.headers, SERVER.as_str()).is_some_and(|s| s.contains("envoy")),
            body: beginning(&String::from_utf8_lossy(&body)),
        };
        if let Some(status) = text(&head.headers, "grpc-status") {
            let message = text(&head.headers, "grpc-message");
            of_grpc(&mut answer, &status, message.as_deref());
        }
        Ok(answer)
    }
    .await;
    driver.abort();
    answer
}

/// gRPC's UNAVAILABLE is 503 in HTTP (envoy `source/common/grpc/common.cc`); any other status is that of a server.
pub(super) fn of_grpc(answer: &mut HttpResponse, status: &str, message: Option<&str>) {
    if status == "14" {
        answer.status = 503;
        answer.body = beginning(message.unwrap_or_default());
    }
}

/// The beginning of a body: long enough for Envoy's longest error.
pub(super) fn beginning(body: &str) -> String {
    body.chars().take(1024).collect()
}

/// Saturating, for display only.
pub(super) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::mesh::Protocol;
    use shared::resolved::Probe;
    use shared::traffic::expect::GatewayCall;
    use shared::verify::{Failure, HttpResponse, Reply};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::mutual::Roots;
    use super::super::tls::Trust;
    use super::{Got, ask};

    async fn get(address: &str, port: u16, protocol: Protocol, deadline: Duration) -> Got {
        let call = GatewayCall {
            cluster: "north".into(),
            service: "shop.sales".into(),
            host: "shop.example.org".into(),
            address: address.into(),
            port,
            protocol,
            tls: false,
            published: 80,
            mutual: None,
            probe: Probe {
                path: "/html".into(),
                status: None,
            },
            answered_by: Vec::new(),
        };
        ask(&call, (&Trust::NameOnly, &Roots::default()), deadline).await
    }

    /// Accepts one connection and sends this response to any request, after a pause.
    async fn serve(says: &'static str, pause: Duration) -> (u16, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut asked = vec![0; 4096];
            let length = stream.read(&mut asked).await.unwrap();
            tokio::time::sleep(pause).await;
            _ = stream.write_all(says.as_bytes()).await;
            String::from_utf8_lossy(&asked[..length]).into_owned()
        });
        (port, task)
    }

    async fn reply(says: &'static str, pause: Duration) -> (Reply, String) {
        let (port, task) = serve(says, pause).await;
        let deadline = Duration::from_millis(500);
        let got = get("127.0.0.1", port, Protocol::Http, deadline).await;
        let Got::Reply { reply, .. } = got else {
            panic!("{got:?}")
        };
        task.abort();
        (reply, task.await.unwrap_or_default())
    }

    #[tokio::test]
    async fn an_answer_identifies_its_cluster() {
        let (port, task) = serve(
            "HTTP/1.1 200 OK\r\nserver: istio-envoy\r\nx-fedmesh-cluster: north\r\n\
             content-length: 5\r\n\r\nhello",
            Duration::ZERO,
        )
        .await;
        let deadline = Duration::from_secs(5);
        let got = get("localhost", port, Protocol::Http, deadline).await;
        let Got::Reply { reply, .. } = got else {
            panic!("{got:?}")
        };
        let answer = HttpResponse {
            status: 200,
            cluster: Some("north".into()),
            envoy: true,
            body: "hello".into(),
        };
        assert_eq!(reply, Reply::Answered(answer));
        let asked = task.await.unwrap();
        assert!(asked.starts_with("GET /html HTTP/1.1\r\n"), "{asked}");
        assert!(
            asked.contains(&format!("host: shop.example.org:{port}\r\n")),
            "{asked}"
        );
    }

    #[tokio::test]
    async fn connections_and_sessions() {
        let deadline = Duration::from_secs(5);
        let connect = async |protocol, says, pause| {
            let (port, task) = serve(says, pause).await;
            let got = get("127.0.0.1", port, protocol, deadline).await;
            task.abort();
            match got {
                Got::Reply { reply, .. } => reply,
                Got::NotReached(why) => panic!("{why}"),
            }
        };
        // The server reads before it sends, so nothing arrives and the connection stays open.
        let none = Duration::ZERO;
        assert_eq!(connect(Protocol::Tcp, "", none).await, Reply::Connected);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let closing = tokio::spawn(async move { drop(listener.accept().await) });
        let got = get("127.0.0.1", port, Protocol::Tcp, deadline).await;
        let closed = Reply::Failed(Failure::Reset);
        assert!(
            matches!(&got, Got::Reply { reply, .. } if *reply == closed),
            "{got:?}"
        );
        closing.await.unwrap();
        // A response that is not TLS, and a closed connection.
        let reply = connect(Protocol::Tls, "HTTP/1.1 400 Bad Request\r\n\r\n", none).await;
        assert!(matches!(reply, Reply::Failed(Failure::Tls(_))), "{reply:?}");
        assert_eq!(connect(Protocol::Tls, "", none).await, closed);
    }

    #[tokio::test]
    async fn no_answer() {
        let none = Duration::ZERO;
        assert_eq!(reply("", none).await.0, Reply::Failed(Failure::Reset));
        assert_eq!(
            reply("SSH-2.0-x\r\n", none).await.0,
            Reply::Failed(Failure::Reset)
        );
        assert_eq!(
            reply("HTTP/1.1 200 OK\r\n\r\n", Duration::from_mins(1))
                .await
                .0,
            Reply::Failed(Failure::Timeout)
        );
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let deadline = Duration::from_secs(5);
        let got = get("127.0.0.1", port, Protocol::Http, deadline).await;
        assert!(
            matches!(
                got,
                Got::Reply {
                    reply: Reply::Failed(Failure::Refused),
                    ..
                }
            ),
            "{got:?}"
        );
    }
}
