//! The wall of the adapters: no key comes back from a server or a program, in whichever form it is written.

use std::sync::Arc;

use orchestrate_provider::{
    Provider as _, Silent,
    command::{CommandProvider, Output},
    http,
    redact::Redactor,
};
use orchestrate_testkit::{
    reply::{Answer, Reply},
    server::{ScriptedServer, SeenRequest},
    wire::Wire,
};

use crate::{
    conformance::config,
    support::{complete, request},
};

/// A key with characters that most encodings change, of another provider than the one that is asked.
const OTHER: &str = "sk/other+key=0123456789";

/// The key as programs write it.
const FORMS: [&str; 7] = [
    OTHER,
    "sk%2Fother%2Bkey%3D0123456789",
    "sk\\/other+key=0123456789",
    "736b2f6f746865722b6b65793d30313233343536373839",
    // Base64 of the key alone, and of what basic authentication sends.
    "c2svb3RoZXIra2V5PTAxMjM0NTY3ODk=",
    "dTpzay9vdGhlcitrZXk9MDEyMzQ1Njc4OQ==",
    "c2svb3RoZXIra2V5PTAxMjM0NTY3ODk",
];

/// What is left of each form where only its longest stretch goes.
const TELLING: [&str; 4] = ["0123456789", "3031323334", "MDEyMzQ1Njc4", "AxMjM0NTY3"];

fn shows_nothing(outcome: &impl std::fmt::Debug, what: &str) {
    let shown = format!("{outcome:?}");
    // An excerpt may end in the middle of the mark, and never in the middle of a key.
    assert!(shown.contains("[red"), "{what}: {shown}");
    for telling in TELLING {
        assert!(!shown.contains(telling), "{what}: {shown}");
    }
}

#[tokio::test]
async fn no_form_of_any_key_comes_back_from_a_server_in_any_dialect() {
    for wire in Wire::ALL {
        for form in FORMS {
            let told = format!("Take {form} for it.");
            for reply in [
                Reply::json(401, &wire.error(401, form, &told)),
                Reply::json(500, &wire.error(500, "x", &format!("{}{told}", "x".repeat(275)))),
                // Three characters at a time: every key is cut into pieces.
                Answer { piece: 3, ..Answer::new(told.clone()) }.stream_in(wire),
                Answer::new(told.clone()).json_in(wire),
                Reply::of(400, &[("x-request-id", form)], told.clone()),
            ] {
                let server = ScriptedServer::start(move |_: &SeenRequest| reply.clone()).await;
                let server = server.expect("a free port");
                let config = http::Config {
                    redactor: Redactor::new([OTHER.into()]),
                    ..config(wire, &server)
                };
                let outcome = complete(config, request()).await;
                shows_nothing(&outcome, &format!("{wire:?} {form}"));
            }
        }
    }
}

#[tokio::test]
async fn no_key_that_a_program_was_given_comes_back_from_it() {
    for form in FORMS {
        for (script, output) in [
            ("printf 'It is %s.' \"$KEY\"", Output::Text),
            ("printf 'no: %s' \"$KEY\" >&2; exit 1", Output::Text),
            (
                "head -c 290 /dev/zero | tr '\\0' x >&2; printf '%s' \"$KEY\" >&2; exit 1",
                Output::Text,
            ),
            ("printf '{\"result\": \"It is %s.\"}' \"$KEY\"", Output::Json),
            ("printf '{\"error\": \"no: %s\"}' \"$KEY\"", Output::Json),
            ("printf 'no JSON: %s' \"$KEY\"", Output::Json),
        ] {
            let script = format!("KEY='{form}'; {script}");
            let command = ["/bin/sh", "-c", &script].map(str::to_owned).to_vec();
            let mut config = orchestrate_provider::command::Config::new("mine", command, output);
            config.redactor = Redactor::new([OTHER.into()]);
            let provider = CommandProvider::new(config).expect("sound");
            let outcome = provider.complete(Arc::new(request()), Arc::new(Silent)).await;
            shows_nothing(&outcome, &script);
            assert!(!format!("{provider:?}").contains("KEY=''"), "{provider:?}");
        }
    }
}
