//! Where archives lie: a file is there whole, or not at all.

use std::fs;
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::error::Error;
use crate::reader::verify;
use crate::writer::{Origin, Written};

/// Files of one partition and those made anew for the same day: beyond it something is wrong.
const MOST_OF_A_DAY: u32 = 1_000;

/// One that exists and can be written to.
#[derive(Debug)]
pub struct Directory {
    path: PathBuf,
}

/// A file that is written: it has another name until all of it is there, which goes at the end.
pub struct Draft {
    pub file: fs::File,
    temporary: PathBuf,
    path: PathBuf,
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

    /// For a partition's file, `<directory>/<table>/<partition>.parquet`. Is one there of an earlier partition of that day, the name ends in
    /// `_2` and so on.
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
        Ok(Draft { file: create(&temporary)?, temporary, path })
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

    /// Gives it its name, for good. A file that has it stays: is it the same partition's with the same rows, all is done, else it may be
    /// that of a copy of this database, which nothing in it tells from ours. `tick` is called often while a file is read once more, and
    /// may end it by a panic.
    pub fn publish(mut self, written: &Written, tick: &mut dyn FnMut()) -> Result<File, Error> {
        let (mut bytes, mut sha256) = checksum(self.rewound()?, &self.temporary, tick)?;
        if link(&self.temporary, &self.path)? {
            self.require_own()?;
        } else {
            let open = || fs::File::open(&self.path).map_err(Error::io("can't open", &self.path));
            match verify(open()?, written, tick) {
                Ok(()) => (bytes, sha256) = checksum(open()?, &self.path, tick)?,
                Err(error @ Error::Io { .. }) => return Err(error),
                Err(_) => return Err(Error::OtherRows(std::mem::take(&mut self.path))),
            }
        }
        if let Some(folder) = self.path.parent() {
            sync_folder(folder)?;
        }
        Ok(File { path: std::mem::take(&mut self.path), bytes, sha256 })
    }
}

impl Draft {
    /// Its own file, whatever has the draft's name by now.
    fn rewound(&self) -> Result<fs::File, Error> {
        let mut file = self.file.try_clone().map_err(Error::io("can't read", &self.temporary))?;
        file.rewind().map_err(Error::io("can't read", &self.temporary))?;
        Ok(file)
    }

    /// A copy of this database that writes the same day at this moment has taken the draft away for its own.
    fn require_own(&self) -> Result<(), Error> {
        let named = fs::symlink_metadata(&self.path).map_err(Error::io("can't look at", &self.path))?;
        let own = self.file.metadata().map_err(Error::io("can't look at", &self.path))?;
        if (named.dev(), named.ino()) == (own.dev(), own.ino()) {
            return Ok(());
        }
        remove(&self.path)?;
        Err(Error::Taken(self.path.clone()))
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.temporary);
    }
}

/// Gives a file a second name. False: there is one of that name.
fn link(from: &Path, to: &Path) -> Result<bool, Error> {
    let linked = match fs::hard_link(from, to) {
        // Where there are no links: the name is taken first, so that nobody's file is replaced.
        Err(error) if error.kind() != ErrorKind::AlreadyExists => match create(to) {
            Ok(_) => fs::rename(from, to),
            Err(Error::Io { source, .. }) => Err(source),
            Err(error) => return Err(error),
        },
        linked => linked,
    };
    match linked {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(Error::io("can't name", to)(error)),
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
