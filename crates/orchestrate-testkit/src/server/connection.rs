//! One connection: HTTP/1.1 by hand, so that every way of breaking it can be played.

use std::{io, sync::Arc, time::Duration};

use bytes::{Buf, BytesMut};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep_until},
};

use super::{scripted::Shared, seen::SeenRequest};
use crate::reply::{Action, Reply};

/// Longest request head in bytes.
const HEAD_LIMIT: usize = 64 * 1024;
/// Longest request body in bytes.
const BODY_LIMIT: usize = 64 * 1024 * 1024;
/// No pause is longer than this, so that a forgotten server ends.
const LONGEST_WAIT: Duration = Duration::from_mins(10);

/// Serves requests until either side ends the connection.
pub(super) async fn serve(mut stream: TcpStream, shared: Arc<Shared>) {
    // Errors here mean that the client has gone, which is its right.
    let _ = stream.set_nodelay(true);
    let mut buffer = BytesMut::with_capacity(4 * 1024);
    while let Ok(Some(request)) = read_request(&mut stream, &mut buffer, &shared).await {
        shared.begin(&request);
        let counted = Counted(&shared);
        let reply = shared.behaviour.reply(&request);
        let last =
            request.header("connection").is_some_and(|how| how.eq_ignore_ascii_case("close"));
        drop(request);
        let kept = play(&mut stream, reply).await;
        drop(counted);
        if last || !matches!(kept, Ok(true)) {
            return;
        }
    }
}

/// Counts the request as answered also where the connection's task is ended in the middle.
struct Counted<'a>(&'a Shared);

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

async fn read_request(
    stream: &mut TcpStream,
    buffer: &mut BytesMut,
    shared: &Shared,
) -> io::Result<Option<SeenRequest>> {
    let head_end = loop {
        if let Some(at) = buffer.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        if buffer.len() > HEAD_LIMIT || stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(&buffer[..head_end]).into_owned();
    buffer.advance(head_end + 4);
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let method = first.next().unwrap_or_default().to_owned();
    let path = first.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers
        .iter()
        .find(|(name, _)| name == "content-length")
        .map_or(Some(0), |(_, value)| value.parse::<usize>().ok())
        .filter(|&length| length <= BODY_LIMIT);
    let Some(length) = length else { return Ok(None) };
    while buffer.len() < length {
        if stream.read_buf(buffer).await? == 0 {
            return Ok(None);
        }
    }
    let body = buffer.split_to(length).freeze();
    let json = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let (number, at) = (shared.next_number(), shared.started.elapsed());
    Ok(Some(SeenRequest { number, at, method, path, headers, body, json }))
}

/// Plays a reply and says whether the connection can serve another request.
async fn play(stream: &mut TcpStream, reply: Reply) -> io::Result<bool> {
    for action in reply.actions {
        match action {
            Action::Send(bytes) => stream.write_all(&bytes).await?,
            Action::Wait(time) => {
                if gone_within(stream, time.min(LONGEST_WAIT)).await {
                    return Ok(false);
                }
            }
            Action::Repeat(bytes, every) => loop {
                stream.write_all(&bytes).await?;
                if gone_within(stream, every.max(Duration::from_micros(1))).await {
                    return Ok(false);
                }
            },
            Action::Close => {
                stream.shutdown().await?;
                return Ok(false);
            }
            Action::Reset => {
                stream.set_zero_linger()?;
                return Ok(false);
            }
            Action::Hang => {
                gone_within(stream, LONGEST_WAIT).await;
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// Waits, and says whether the client left meanwhile.
async fn gone_within(stream: &TcpStream, time: Duration) -> bool {
    let deadline = Instant::now() + time;
    let mut byte = [0];
    tokio::select! {
        () = sleep_until(deadline) => false,
        peeked = stream.peek(&mut byte) => {
            if peeked.is_ok_and(|waiting| waiting > 0) {
                // The client has more to say, so it is still there.
                sleep_until(deadline).await;
                return false;
            }
            true
        }
    }
}
