//! The scripted server as a process.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    process::{Command, Stdio},
};

/// One request on a connection of its own, and everything that comes back.
fn ask(address: &str, text: &str) -> String {
    let body = serde_json::json!({
        "model": "m",
        "messages": [{"role": "system", "content": "You test."}, {"role": "user", "content": text}],
    })
    .to_string();
    let mut stream = TcpStream::connect(address).expect("connects");
    let length = body.len();
    write!(
        stream,
        "POST /v1/chat/completions HTTP/1.1\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .expect("the server talks");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("the server talks");
    answer
}

#[test]
fn the_process_says_where_it_listens_logs_each_request_and_ends_with_its_input() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("requests.jsonl");
    let mut server = Command::new(env!("CARGO_BIN_EXE_scripted-server"))
        .args(["--delay-ms", "1", "--max-seconds", "60", "--log"])
        .arg(&log)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(server.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening http://").expect("an address").to_owned();

    let (first, again, other) = (ask(&address, "a"), ask(&address, "a"), ask(&address, "b"));
    assert!(first.starts_with("HTTP/1.1 200 "), "{first}");
    assert_eq!(first, again);
    assert_ne!(first, other);

    drop(server.stdin.take());
    assert!(server.wait().unwrap().success());
    let log = std::fs::read_to_string(log).unwrap();
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 3);
    assert_eq!((&lines[0]["n"], &lines[0]["model"]), (&1.into(), &"m".into()));
    assert_eq!(lines[0]["sha"], lines[1]["sha"]);
    assert_ne!(lines[0]["sha"], lines[2]["sha"]);
}
