//! Where archives lie: a file is there whole, or not at all.

use std::fs;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::writer::Origin;

/// Files of one partition and those made anew for the same day: beyond it something is wrong.
const MOST_OF_A_DAY: u32 = 1_000;

/// One that exists and can be written to.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

/// A file that is written: it has another name until all of it is there, and goes where it was given up.
pub struct Draft {
    pub file: fs::File,
    temporary: PathBuf,
    path: PathBuf,
    is_published: bool,
}

/// What was written.
pub struct File {
    pub path: PathBuf,
    pub bytes: u64,
    pub sha256: [u8; 32],
}

impl Directory {
    /// Its path may lead over symbolic links; below it none is followed.
    pub fn open(path: &str) -> Result<Directory, Error> {
        let path = Path::new(path);
        let has_parent = path.components().any(|part| part == Component::ParentDir);
        if !path.is_absolute() || has_parent || path.as_os_str().as_encoded_bytes().contains(&0) {
            return Err(Error::BadPath);
        }
        if !fs::metadata(path).map_err(Error::io("can't look into", path))?.is_dir() {
            return Err(Error::NoDirectory(path.to_owned()));
        }
        let directory = Directory { path: path.to_owned() };
        directory.try_out()?;
        Ok(directory)
    }

    /// Whether files can be made in it: rights, mounts and quotas are too many to ask for one by one.
    fn try_out(&self) -> Result<(), Error> {
        let probe = self.path.join(format!(".observa-{}", std::process::id()));
        remove(&probe)?;
        create(&probe)?;
        remove(&probe)
    }

    /// For a partition's file, `<directory>/<table>/<partition>.parquet`. One that is there is replaced if it is of the same
    /// partition; is it of an earlier one of that day, the name ends in `_2` and so on.
    pub fn draft(&self, table: &str, origin: &Origin) -> Result<Draft, Error> {
        let folder = self.path.join(table);
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => {
                return Err(Error::io("can't make", &folder)(error));
            }
            Ok(()) => sync_folder(&self.path)?,
            Err(_) => {}
        }
        if !fs::symlink_metadata(&folder).map_err(Error::io("can't look into", &folder))?.is_dir() {
            return Err(Error::NoDirectory(folder));
        }
        let path = place(&folder, origin)?;
        // Its own file, left by a crash. Whatever it is, even a link to a file of the server's, goes, and a new one is made.
        let temporary = folder.join(format!(".{}.{}.part", origin.partition, file_name(&origin.database)));
        remove(&temporary)?;
        Ok(Draft { file: create(&temporary)?, temporary, path, is_published: false })
    }
}

fn file_name(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

fn place(folder: &Path, origin: &Origin) -> Result<PathBuf, Error> {
    for number in 1..=MOST_OF_A_DAY {
        let name = match number {
            1 => format!("{}.parquet", origin.partition),
            _ => format!("{}_{number}.parquet", origin.partition),
        };
        let path = folder.join(name);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(path),
            Err(error) => return Err(Error::io("can't look at", &path)(error)),
            Ok(found) if !found.is_file() => return Err(Error::Taken(path)),
            Ok(_) => {}
        }
        let there = Origin::of(fs::File::open(&path).map_err(Error::io("can't open", &path))?);
        match there {
            Some(there) if there == *origin => return Ok(path),
            Some(there) if there.database == origin.database && there.partition == origin.partition => {}
            _ => return Err(Error::Taken(path)),
        }
    }
    Err(Error::Taken(folder.join(&origin.partition)))
}

/// For the server's user alone: payloads are in it.
fn create(path: &Path) -> Result<fs::File, Error> {
    fs::OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .map_err(Error::io("can't make", path))
}

fn remove(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(Error::io("can't remove", path)(error)),
        _ => Ok(()),
    }
}

fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = fs::File::open(path).map_err(Error::io("can't open", path))?;
    folder.sync_all().map_err(Error::io("can't write", path))
}

impl Draft {
    /// Brings what was written to the disk; after it the file is as it stays.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(Error::io("can't write", &self.temporary))
    }

    pub fn reopen(&self) -> Result<fs::File, Error> {
        fs::File::open(&self.temporary).map_err(Error::io("can't open", &self.temporary))
    }

    /// Gives it its name, for good. `tick` is called often while it is read once more, and may end it by a panic.
    pub fn publish(mut self, tick: &mut dyn FnMut()) -> Result<File, Error> {
        let (bytes, sha256) = checksum(self.reopen()?, &self.temporary, tick)?;
        fs::rename(&self.temporary, &self.path).map_err(Error::io("can't name", &self.path))?;
        self.is_published = true;
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        Ok(File { path: std::mem::take(&mut self.path), bytes, sha256 })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.is_published {
            let _ = fs::remove_file(&self.temporary);
        }
    }
}

fn checksum(mut file: fs::File, path: &Path, tick: &mut dyn FnMut()) -> Result<(u64, [u8; 32]), Error> {
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    let mut bytes = 0;
    loop {
        tick();
        let read = file.read(&mut buffer).map_err(Error::io("can't read", path))?;
        let Some(part) = buffer.get(..read).filter(|part| !part.is_empty()) else { break };
        hasher.update(part);
        bytes += read as u64;
    }
    Ok((bytes, hasher.finalize().into()))
}
