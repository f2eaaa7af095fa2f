//! `orchestrate workflows new` and `orchestrate init`: files to start from. Nothing is ever overwritten.

use std::{
    fmt::Write as _,
    fs::{self, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum};
use orchestrate_engine::session::Workspace;

use crate::{
    exit::{CliError, Exit},
    terminal,
};

#[derive(Debug, Args)]
pub(crate) struct NewArguments {
    /// Its name: small letters, digits and -
    pub(crate) name: String,
    /// What it starts from
    #[arg(long, value_enum, default_value_t, value_name = "TEMPLATE")]
    pub(crate) template: Template,
}

/// What a new workflow starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Template {
    /// A draft, a review, the final version
    #[default]
    Review,
    /// Three personas one after the other
    Chain,
    /// Three side by side and a decision
    Panel,
}

impl Template {
    fn text(self) -> &'static str {
        match self {
            Self::Review => include_str!("starters/review.yaml"),
            Self::Chain => include_str!("starters/chain.yaml"),
            Self::Panel => include_str!("starters/panel.yaml"),
        }
    }

    fn tests(self) -> &'static str {
        match self {
            Self::Review => include_str!("starters/review.test.yaml"),
            Self::Chain => include_str!("starters/chain.test.yaml"),
            Self::Panel => include_str!("starters/panel.test.yaml"),
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct InitArguments {
    /// Folder of the project; it is made where there is none
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) folder: PathBuf,
}

/// The folder that steps with `save` write to.
const OUTPUT_LINE: &str = "/orchestrate-output/";

/// `orchestrate workflows new`.
pub(super) fn new_workflow(
    workspace: &Workspace,
    arguments: &NewArguments,
) -> Result<Exit, CliError> {
    let name = arguments.name.as_str();
    if !is_workflow_name(name) {
        let message = format!("`{name}` is no name of a workflow");
        return Err(CliError::new(Exit::Usage, message)
            .help("write small letters, digits and `-`, a letter first, at most 64"));
    }
    let hidden = workspace.workflows.names().any(|known| known == name);
    let path = format!("workflows/{name}.yaml");
    let text = arguments.template.text().replace("NAME", name);
    let tests_path = format!("workflows/{name}.test.yaml");
    let tests = arguments.template.tests().replace("NAME", name);
    write_all(&workspace.folder, &[(&path, &text), (&tests_path, &tests)])?;
    if hidden {
        terminal::warn(&format!("it hides another workflow `{name}` here"), &[]);
    }
    terminal::out(&format!(
        "wrote {path}\nwrote {tests_path}\nnext: orchestrate run {name} --task \"…\" --offline\n"
    ));
    Ok(Exit::Ok)
}

/// As the compiler wants it.
fn is_workflow_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

/// `orchestrate init`.
pub(super) fn init(arguments: &InitArguments) -> Result<Exit, CliError> {
    let folder = &arguments.folder;
    if folder.as_os_str().is_empty() {
        return Err(CliError::new(Exit::Usage, "the folder has no name")
            .help("leave it out for the one you are in"));
    }
    if folder.exists() && !folder.is_dir() {
        let message = format!("`{}` is not a folder", folder.display());
        return Err(CliError::new(Exit::Usage, message)
            .help("name a folder; it is made where there is none"));
    }
    if leads_out(folder, Path::new(".gitignore")) {
        return Err(led_out(".gitignore"));
    }
    let files = [
        ("workflows/first.yaml", include_str!("starters/first.yaml")),
        ("personas/plain-editor.md", include_str!("starters/persona.md")),
        ("orchestrate.toml", include_str!("starters/orchestrate.toml")),
    ];
    write_all(folder, &files)?;
    let ignored = ignore_output(folder)?;
    let mut told = String::new();
    for (path, _) in files {
        // Writing to a String cannot fail.
        let _ = writeln!(told, "wrote {}", shown(folder, path));
    }
    if ignored {
        let _ = writeln!(told, "added {OUTPUT_LINE} to {}", shown(folder, ".gitignore"));
    }
    let task = "orchestrate run first --task \"Choose a database for our events\" --offline";
    let change = if folder == Path::new(".") {
        String::new()
    } else {
        format!("cd '{}' && ", folder.display().to_string().replace('\'', "'\\''"))
    };
    let _ = writeln!(told, "next: {change}{task}");
    terminal::out(&told);
    Ok(Exit::Ok)
}

/// A path as one would write it from here.
fn shown(folder: &Path, path: &str) -> String {
    if folder == Path::new(".") { path.to_owned() } else { folder.join(path).display().to_string() }
}

/// Writes files that must not be there yet: all of them, or none where one is there already.
fn write_all(folder: &Path, files: &[(&str, &str)]) -> Result<(), CliError> {
    let present: Vec<&str> = files
        .iter()
        .map(|(path, _)| *path)
        .filter(|path| fs::symlink_metadata(folder.join(path)).is_ok())
        .collect();
    if !present.is_empty() {
        return Err(there(&present));
    }
    if let Some((path, _)) = files.iter().find(|(path, _)| leads_out(folder, Path::new(path))) {
        return Err(led_out(path));
    }
    for (path, text) in files {
        let whole = folder.join(path);
        let written = whole
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| OpenOptions::new().write(true).create_new(true).open(&whole))
            .and_then(|mut file| file.write_all(text.as_bytes()));
        match written {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists && whole.exists() => {
                return Err(there(&[path]));
            }
            Err(error) => return Err(unwritten(&whole, &error)),
        }
    }
    Ok(())
}

/// Whether a link on the way to `path` leads out of `folder`. What is reached so is not read, and belongs to
/// something else.
pub(crate) fn leads_out(folder: &Path, path: &Path) -> bool {
    let Ok(inside) =
        fs::canonicalize(if folder.as_os_str().is_empty() { Path::new(".") } else { folder })
    else {
        // Nothing is there yet.
        return false;
    };
    let mut at = folder.to_owned();
    path.components().any(|part| {
        at.push(part);
        let is_link = fs::symlink_metadata(&at).is_ok_and(|found| found.is_symlink());
        is_link && !fs::canonicalize(&at).is_ok_and(|real| real.starts_with(&inside))
    })
}

pub(crate) fn led_out(path: &str) -> CliError {
    CliError::new(
        Exit::Invalid,
        format!("a link on the way to `{path}` leads out of the project; nothing was written"),
    )
    .help("put a folder in the place of the link: what it leads to is not read either")
}

fn there(paths: &[&str]) -> CliError {
    let names: Vec<String> = paths.iter().map(|path| format!("`{path}`")).collect();
    let (is, it) = if paths.len() == 1 { ("is", "it") } else { ("are", "them") };
    CliError::new(
        Exit::Usage,
        format!("{} {is} there already; nothing was written", names.join(", ")),
    )
    .help(format!("nothing is overwritten: move {it} away first"))
}

fn unwritten(path: &Path, error: &std::io::Error) -> CliError {
    CliError::new(Exit::Invalid, format!("writing `{}`: {error}", path.display()))
        .help("look at what lies on the way there, and at who may write to it")
}

/// Adds the output folder to `.gitignore`; false where it stands there already.
fn ignore_output(folder: &Path) -> Result<bool, CliError> {
    let path = folder.join(".gitignore");
    let failed = |error: std::io::Error| unwritten(&path, &error);
    let known = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
        Err(error) => return Err(failed(error)),
    };
    let name = OUTPUT_LINE.trim_matches('/');
    if known.lines().any(|line| line.trim().trim_matches('/') == name) {
        return Ok(false);
    }
    let gap = if known.is_empty() || known.ends_with('\n') { "" } else { "\n" };
    let mut file = OpenOptions::new().append(true).create(true).open(&path).map_err(failed)?;
    file.write_all(format!("{gap}{OUTPUT_LINE}\n").as_bytes()).map_err(failed)?;
    Ok(true)
}
