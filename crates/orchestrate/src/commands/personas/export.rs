//! `orchestrate personas export`.

use std::path::{Path, PathBuf};

use orchestrate_core::{neutral, persona::Persona};
use orchestrate_engine::{
    imports::{Existing, PersonaFolder, WriteError, write_whole},
    library::{FoundPersona, read_bytes},
    session::Workspace,
};
use orchestrate_persona::{Exported, MAX_PICTURE_BYTES, lockfile::Sha256};

use crate::{
    cli::ExportPersona,
    exit::{CliError, Exit},
    terminal,
};

pub(super) fn export(workspace: &Workspace, arguments: &ExportPersona) -> Result<Exit, CliError> {
    let (found, persona) = super::named(workspace, &arguments.name)?;
    let original = original(&found, &persona)?;
    let exported = orchestrate_persona::export(&persona, original.as_deref(), arguments.format);
    if arguments.to == Path::new("-") {
        terminal::out_exactly(&exported.bytes);
    } else {
        let path = target(&arguments.to, &exported);
        write(&path, &exported.bytes, arguments.force)?;
        let how = if exported.original { "the original, byte for byte" } else { "written anew" };
        terminal::say(&format!("{}: {how}", path.display()));
    }
    for lost in &exported.lost {
        terminal::say(&format!("lost: {lost}"));
    }
    Ok(Exit::Ok)
}

/// The file that the persona was imported from, where it is kept.
fn original(found: &FoundPersona, persona: &Persona) -> Result<Option<Vec<u8>>, CliError> {
    let (Some(source), Some(folder)) =
        (&persona.source, found.path.as_deref().and_then(Path::parent))
    else {
        return Ok(None);
    };
    let kept = PersonaFolder::new(folder).read_original(&source.sha256)?;
    let wrong = match &kept {
        None => "is not kept any more",
        Some(bytes) if Sha256::of(bytes).to_string() != source.sha256 => {
            "was altered and is not used"
        }
        Some(_) => return Ok(kept),
    };
    let message = format!("the original of `{}` {wrong}", persona.name);
    let place = PersonaFolder::new(folder).original(&source.sha256);
    let help = [
        format!("it belongs to `{}`", place.display()),
        format!("import `{}` again to put it back", neutral::one_line(&source.path)),
    ];
    terminal::warn(&message, &help);
    Ok(None)
}

/// A folder gets the file's own name in it; what is not there is one where it has no ending.
fn target(to: &Path, exported: &Exported) -> PathBuf {
    let is_folder = to.is_dir() || (!to.is_file() && to.extension().is_none());
    let means_folder = is_folder || to.to_string_lossy().ends_with('/');
    if means_folder { to.join(&exported.file_name) } else { to.to_owned() }
}

fn write(path: &Path, bytes: &[u8], force: bool) -> Result<(), CliError> {
    let existing = if force { Existing::Replaced } else { Existing::Stays };
    match write_whole(path, bytes, existing) {
        Err(WriteError::Exists(_))
            if read_bytes(path, MAX_PICTURE_BYTES as u64).is_ok_and(|there| there == bytes) =>
        {
            Ok(())
        }
        Err(error @ WriteError::Exists(_)) => {
            Err(CliError::new(Exit::Invalid, error.to_string()).help("--force replaces it"))
        }
        other => Ok(other?),
    }
}
