//! The program from outside: command lines, exit codes, what it prints and what it sends.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed, helpers included")]

mod approve;
mod ask;
mod bad_config;
mod bad_input;
mod bad_journal;
mod bad_workflow;
mod budget;
mod caps;
mod completions;
mod crossings;
mod doctor;
mod faults;
mod formats;
mod guide;
mod handoffs;
mod help;
mod includes;
mod init;
mod inputs_file;
mod items;
mod kills;
mod layout;
mod lists;
mod matching;
mod offline;
mod personas_export;
mod personas_import;
mod personas_lint;
mod personas_lock;
mod personas_own;
mod planned;
mod providers;
mod reference;
mod rerun;
mod resume;
mod reuse;
mod reviews;
mod runs;
mod sent;
mod signals;
mod structured_output;
mod support;
mod workflow_tests;
