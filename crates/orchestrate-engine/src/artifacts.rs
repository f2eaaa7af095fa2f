//! The files a run writes: below one folder, whole or not at all.

use std::{
    fs, io,
    io::Write,
    path::{Component, Path, PathBuf},
};

use orchestrate_core::ids::Digest;

/// What the names of unfinished files begin with.
const TEMPORARY: &str = ".orchestrate-";

/// A file that cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The system refuses.
    #[error("writing `{}`", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        #[source]
        source: io::Error,
    },
    /// The path leads out of the output folder.
    #[error("`{}` leads out of the output folder", .0.display())]
    Outside(PathBuf),
    /// The output folder is something else.
    #[error("`{}` is not a folder", .0.display())]
    NotAFolder(PathBuf),
    /// The output folder is a link that nobody named.
    #[error("`{}` is a link", .0.display())]
    Link(PathBuf),
}

/// The folder that files are written to.
#[derive(Debug, Clone)]
pub struct OutputFolder {
    root: PathBuf,
}

impl OutputFolder {
    /// Creates the folder where it is missing.
    pub fn open(root: &Path) -> Result<Self, ArtifactError> {
        let failed = |source| ArtifactError::Io { path: root.to_owned(), source };
        if root.exists() && !root.is_dir() {
            return Err(ArtifactError::NotAFolder(root.to_owned()));
        }
        fs::create_dir_all(root).map_err(failed)?;
        Ok(Self { root: root.canonicalize().map_err(failed)? })
    }

    /// Like [`open`](Self::open), for a folder that nobody named: a link in its place was put there by
    /// somebody else, and is not followed.
    pub fn open_unlinked(root: &Path) -> Result<Self, ArtifactError> {
        let is_link = fs::symlink_metadata(root).is_ok_and(|found| found.is_symlink());
        if is_link { Err(ArtifactError::Link(root.to_owned())) } else { Self::open(root) }
    }

    /// Makes sure that files can be written, before anything is paid for what they will hold.
    pub fn probe(&self) -> Result<(), ArtifactError> {
        let failed = |source| ArtifactError::Io { path: self.root.clone(), source };
        tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&self.root)
            .and_then(tempfile::NamedTempFile::close)
            .map_err(unnamed)
            .map_err(failed)
    }

    /// The folder, with every link resolved.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Writes a file: to a temporary one beside it, synced, then renamed, so that nobody ever sees half
    /// of it. Links on the way are resolved and must not lead out of the folder.
    pub fn write(&self, relative: &str, content: &[u8]) -> Result<Digest, ArtifactError> {
        let path = Path::new(relative);
        let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let (Some(name), true) = (path.file_name(), plain) else {
            return Err(ArtifactError::Outside(path.to_owned()));
        };
        let folder = self.folder_of(path)?;
        let target = folder.join(name);
        let failed = |source| ArtifactError::Io { path: target.clone(), source };
        let mut temporary = tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempfile_in(&folder)
            .map_err(unnamed)
            .map_err(failed)?;
        temporary.as_file_mut().write_all(content).map_err(failed)?;
        // Readable like any file the user makes; the temporary one was private.
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            temporary
                .as_file()
                .set_permissions(fs::Permissions::from_mode(0o644))
                .map_err(failed)?;
        }
        temporary.as_file().sync_all().map_err(failed)?;
        temporary.persist(&target).map_err(|error| failed(unnamed(error.error)))?;
        fs::File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
        Ok(Digest::of(content))
    }

    /// Removes a file of this content that lies directly in the folder; any other one stays.
    pub fn remove(&self, name: &str, content: &[u8]) -> Result<(), ArtifactError> {
        let path = self.root.join(name);
        let is_small_file = fs::symlink_metadata(&path)
            .is_ok_and(|found| found.is_file() && found.len() == content.len() as u64);
        if !is_small_file || !fs::read(&path).is_ok_and(|found| found == content) {
            return Ok(());
        }
        fs::remove_file(&path).map_err(|source| ArtifactError::Io { path, source })
    }

    /// The real folder of a relative path, created where it is missing.
    fn folder_of(&self, path: &Path) -> Result<PathBuf, ArtifactError> {
        let mut folder = self.root.clone();
        for part in path.parent().into_iter().flat_map(Path::components) {
            folder.push(part);
            let failed = |source| ArtifactError::Io { path: folder.clone(), source };
            match fs::create_dir(&folder) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(failed(error)),
            }
            let real = folder.canonicalize().map_err(failed)?;
            if !real.starts_with(&self.root) {
                return Err(ArtifactError::Outside(path.to_owned()));
            }
            folder = real;
        }
        Ok(folder)
    }
}

/// The error without the name of a temporary file, which says nothing to anybody.
fn unnamed(error: io::Error) -> io::Error {
    if error.get_ref().is_some() { error.kind().into() } else { error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_lands_below_the_folder_and_nowhere_else() {
        let temporary = tempfile::tempdir().expect("a folder");
        let outside = temporary.path().join("outside");
        fs::create_dir(&outside).expect("a folder");
        let folder = OutputFolder::open(&temporary.path().join("out")).expect("a folder");
        folder.write("a/b.md", b"text").expect("written");
        assert_eq!(fs::read(temporary.path().join("out/a/b.md")).expect("readable"), b"text");
        for path in ["../x.md", "/etc/x.md", "a/../../x.md", "", ".", "a/.."] {
            assert!(matches!(folder.write(path, b"x"), Err(ArtifactError::Outside(_))), "{path}");
        }
        std::os::unix::fs::symlink(&outside, temporary.path().join("out/link")).expect("a link");
        assert!(matches!(folder.write("link/x.md", b"x"), Err(ArtifactError::Outside(_))));
        assert_eq!(fs::read_dir(&outside).expect("readable").count(), 0);
    }

    #[test]
    fn a_folder_below_a_file_and_a_link_that_nobody_named_are_refused() {
        let temporary = tempfile::tempdir().expect("a folder");
        let root = temporary.path();
        fs::write(root.join("file"), "text").expect("written");
        fs::create_dir(root.join("elsewhere")).expect("a folder");
        std::os::unix::fs::symlink("elsewhere", root.join("link")).expect("a link");
        let open = |name: &str| OutputFolder::open(&root.join(name));
        assert!(matches!(open("file"), Err(ArtifactError::NotAFolder(_))));
        assert!(matches!(open("file/below"), Err(ArtifactError::Io { .. })));
        assert!(open("link").expect("the user named it").probe().is_ok());
        let planted = OutputFolder::open_unlinked(&root.join("link"));
        assert!(matches!(planted, Err(ArtifactError::Link(_))));
        assert_eq!(fs::read_dir(root.join("elsewhere")).expect("readable").count(), 0);
    }

    #[test]
    fn a_link_in_the_place_of_a_file_is_replaced_not_followed() {
        let temporary = tempfile::tempdir().expect("a folder");
        let victim = temporary.path().join("victim");
        fs::write(&victim, "precious").expect("written");
        let folder = OutputFolder::open(&temporary.path().join("out")).expect("a folder");
        std::os::unix::fs::symlink(&victim, temporary.path().join("out/report.md"))
            .expect("a link");
        folder.write("report.md", b"new").expect("written");
        assert_eq!(fs::read_to_string(&victim).expect("readable"), "precious");
        assert_eq!(
            fs::read_to_string(temporary.path().join("out/report.md")).expect("readable"),
            "new"
        );
    }
}
