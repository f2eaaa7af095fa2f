//! Asking for an approval at the terminal while a run goes on.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io::{BufRead as _, Read as _},
    sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc},
    thread,
};

use orchestrate_core::{ids::StepPath, neutral};
use orchestrate_engine::approvals::{
    Approver, GivenDecision, Ground, PersonAnswer, Question, user_name,
};
use orchestrate_report::words;
use tokio::sync::mpsc::Sender;

use super::{MAX_ANSWER, progress::Screen, safe, talk};

/// Lines of each document that a question shows.
const LINES: usize = 12;
/// Characters of each of these lines.
const WIDTH: usize = 96;

/// A person at the terminal. Questions are put one after the other; what happens meanwhile is told after the
/// answer.
pub(crate) struct AtTerminal {
    open: Open,
    questions: mpsc::Sender<(Question, Sender<PersonAnswer>)>,
}

/// Steps whose question nobody has answered yet.
type Open = Arc<Mutex<BTreeSet<StepPath>>>;

impl AtTerminal {
    /// Asks on standard error, above where `screen` draws, and reads standard input.
    pub(crate) fn new(screen: Screen) -> Self {
        let (questions, inbox) = mpsc::channel::<(Question, Sender<PersonAnswer>)>();
        let open = Open::default();
        let known = Arc::clone(&open);
        // Nobody waits for this thread: a person who never answers does not keep the program from ending.
        let _ = thread::Builder::new().name("approvals".into()).spawn(move || {
            while let Ok((question, answers)) = inbox.recv() {
                if !lock(&known).contains(&question.step) {
                    continue;
                }
                screen.hold();
                let answer = put(&question);
                if answer != PersonAnswer::Gone && !lock(&known).contains(&question.step) {
                    talk(&format!(
                        "`{}` was decided elsewhere meanwhile; your answer changes nothing\n",
                        question.step
                    ));
                }
                screen.release();
                let gone = answer == PersonAnswer::Gone;
                if answers.blocking_send(answer).is_err() || gone {
                    return;
                }
            }
        });
        Self { open, questions }
    }
}

impl Approver for AtTerminal {
    fn ask(&mut self, question: Question, answers: Sender<PersonAnswer>) {
        lock(&self.open).insert(question.step.clone());
        // Whoever has left is asked no more.
        let _ = self.questions.send((question, answers));
    }

    fn settled(&mut self, step: &StepPath) {
        lock(&self.open).remove(step);
    }
}

fn lock(open: &Open) -> MutexGuard<'_, BTreeSet<StepPath>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Puts one question and waits for the answer.
fn put(question: &Question) -> PersonAnswer {
    talk(&safe(&shown(question)));
    let approved = loop {
        let Some(word) = line(&format!("approve `{}`? yes, no or later: ", question.step)) else {
            return PersonAnswer::Gone;
        };
        match word.to_lowercase().as_str() {
            "yes" | "y" => break true,
            "no" | "n" => break false,
            "later" | "l" => return PersonAnswer::Gone,
            _ => {}
        }
    };
    let given = loop {
        let Some(note) = line("a note, or nothing: ") else { return PersonAnswer::Gone };
        match GivenDecision::of_this_user(approved, Some(&note)) {
            Ok(given) => break given,
            Err(error) => talk(&format!("{error}\n")),
        }
    };
    let (step, subject) = (question.step.clone(), question.subject);
    PersonAnswer::Decided { step, subject, given }
}

/// Asks for a line; `None` at the end of the input.
fn line(question: &str) -> Option<String> {
    talk(&safe(question));
    let mut answer = String::new();
    let mut input = std::io::stdin().lock().take(MAX_ANSWER);
    match input.read_line(&mut answer) {
        Ok(read) if read > 0 => Some(answer.trim().to_owned()),
        Ok(_) | Err(_) => {
            talk("\n");
            None
        }
    }
}

/// The question with what it is about.
fn shown(question: &Question) -> String {
    let until = question.expires_at.map(|at| format!(" until {}", words::time(at)));
    let mut text = format!(
        "\nstep `{}` asks {} to decide{}\n\n",
        question.step,
        neutral::one_line(&user_name()),
        until.unwrap_or_default()
    );
    for ground in &question.grounds {
        text.push_str(&excerpt(ground, &question.run.to_string()));
    }
    // Writing to a String cannot fail.
    for line in question.text.trim().lines() {
        let _ = writeln!(text, "  > {}", neutral::visible(line));
    }
    text.push('\n');
    text
}

/// The beginning of a document that is to be approved, told apart from everything that we say ourselves.
fn excerpt(ground: &Ground, run: &str) -> String {
    let who = ground.persona.as_ref().map(|persona| format!("{persona}, "));
    let mut text = format!("  from {}step `{}`\n", who.unwrap_or_default(), ground.step);
    let Some(document) = &ground.text else {
        return text + "  | not available\n\n";
    };
    let lines: Vec<&str> = document.trim().lines().collect();
    for line in lines.iter().take(LINES) {
        let whole = neutral::visible(line).replace('\t', "    ");
        let cut: String = whole.chars().take(WIDTH).collect();
        let dots = if cut.len() < whole.len() { "…" } else { "" };
        let _ = writeln!(text, "  | {cut}{dots}");
    }
    if lines.len() > LINES {
        let more = lines.len() - LINES;
        let _ = writeln!(text, "  | … {more} more lines: orchestrate runs show {run} --result");
    }
    text + "\n"
}

#[cfg(test)]
mod tests {
    use orchestrate_core::{
        Timestamp,
        ids::{Digest, RunId},
    };

    use super::*;

    #[test]
    fn a_question_shows_what_it_is_about_and_obeys_nothing_in_it() {
        let long = (1..=14).map(|at| format!("line {at}")).collect::<Vec<_>>().join("\n");
        let question = Question {
            run: RunId::new("r1"),
            step: "go".into(),
            subject: Digest::of("x"),
            text: "Deploy it?\u{1b}[2J\napprove `go`? yes".into(),
            grounds: vec![
                Ground {
                    step: "model".into(),
                    persona: Some("mlops-engineer".into()),
                    text: Some(long),
                },
                Ground { step: "extra".into(), persona: None, text: None },
            ],
            expires_at: Some(Timestamp(0)),
        };
        let text = shown(&question).replace(&user_name(), "ada");
        insta::assert_snapshot!(text, @r"
        step `go` asks ada to decide until 1970-01-01T00:00:00Z

          from mlops-engineer, step `model`
          | line 1
          | line 2
          | line 3
          | line 4
          | line 5
          | line 6
          | line 7
          | line 8
          | line 9
          | line 10
          | line 11
          | line 12
          | … 2 more lines: orchestrate runs show r1 --result

          from step `extra`
          | not available

          > Deploy it?\u{1b}[2J
          > approve `go`? yes
        ");
    }
}
