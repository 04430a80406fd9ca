//! A request to a gateway, at an address of ours and under a name of the mesh.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{HOST, HeaderMap, SERVER, USER_AGENT};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use shared::render::ANSWER_HEADER;
use shared::verify::{Answer, Failure, Reply};
use tokio::net::TcpStream;

/// As much of a body as is looked at.
const BODY_LIMIT: usize = 64 << 10;
/// Who asks.
pub(super) const AGENT: &str = concat!("fedmesh-verify/", env!("CARGO_PKG_VERSION"));

/// What became of a request.
#[derive(Debug)]
pub(super) enum Got {
    /// Somebody is at the address; this is what came of it.
    Reply { reply: Reply, milliseconds: u32 },
    /// Nobody was reached, which may only mean that this machine is on the wrong side.
    NotReached(String),
}

/// GETs a path from an address (an IP address or the name of a load balancer).
pub(super) async fn get(
    address: &str,
    port: u16,
    host: &str,
    path: &str,
    deadline: Duration,
) -> Got {
    let start = Instant::now();
    let stream = match tokio::time::timeout(deadline, connect(address, port)).await {
        Ok(Ok(stream)) => stream,
        // A refusal comes from the address itself.
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
    let reply = match tokio::time::timeout(left, exchange(stream, port, host, path)).await {
        Ok(Ok(answer)) => Reply::Answered(answer),
        Ok(Err(_)) => Reply::Failed(Failure::Reset),
        Err(_) => Reply::Failed(Failure::Timeout),
    };
    Got::Reply {
        reply,
        milliseconds: milliseconds(start.elapsed()),
    }
}

async fn connect(address: &str, port: u16) -> std::io::Result<TcpStream> {
    let addresses: Vec<SocketAddr> = tokio::net::lookup_host((address, port)).await?.collect();
    TcpStream::connect(addresses.as_slice()).await
}

async fn exchange(
    stream: TcpStream,
    port: u16,
    host: &str,
    path: &str,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);
    let authority = if port == 80 {
        host.to_owned()
    } else {
        format!("{host}:{port}")
    };
    let request = http::Request::get(path)
        .header(HOST, authority)
        .header(USER_AGENT, AGENT)
        .body(Empty::<Bytes>::new())?;
    let answer = async {
        let response = sender.send_request(request).await?;
        let (head, body) = response.into_parts();
        // A body that is too long or cut off says enough by its head.
        let body = Limited::new(body, BODY_LIMIT)
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        Ok(Answer {
            status: head.status.as_u16(),
            cluster: text(&head.headers, ANSWER_HEADER),
            envoy: text(&head.headers, SERVER.as_str()).is_some_and(|s| s.contains("envoy")),
            body: beginning(&String::from_utf8_lossy(&body)),
        })
    }
    .await;
    driver.abort();
    answer
}

/// What is kept of a body: enough for the longest of Envoy's own.
pub(super) fn beginning(body: &str) -> String {
    body.chars().take(1024).collect()
}

/// Saturating: a number for people.
pub(super) fn milliseconds(time: Duration) -> u32 {
    u32::try_from(time.as_millis()).unwrap_or(u32::MAX)
}

fn text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name)?.to_str().ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use shared::verify::{Answer, Failure, Reply};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::{Got, get};

    /// Takes one connection and says this to whatever it is asked, with a pause before it.
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
        let got = get("127.0.0.1", port, "shop.example.org", "/html", deadline).await;
        let Got::Reply { reply, .. } = got else {
            panic!("{got:?}")
        };
        task.abort();
        (reply, task.await.unwrap_or_default())
    }

    #[tokio::test]
    async fn an_answer_with_its_marks() {
        let (port, task) = serve(
            "HTTP/1.1 200 OK\r\nserver: istio-envoy\r\nx-fedmesh-cluster: north\r\n\
             content-length: 5\r\n\r\nhello",
            Duration::ZERO,
        )
        .await;
        let deadline = Duration::from_secs(5);
        let got = get("localhost", port, "shop.example.org", "/html", deadline).await;
        let Got::Reply { reply, .. } = got else {
            panic!("{got:?}")
        };
        let answer = Answer {
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
        let got = get("127.0.0.1", port, "h", "/", deadline).await;
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
