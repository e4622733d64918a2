//! example.parts: a transactional sink that writes every bucket as one part, a directory with a file of NDJSON. leat.rs
//! has what there is; the rules are in leat/leat.h.
//!
//! To learn from it: how rows and token become durable together (begin, write, commit, abort, recover), the fence
//! against a second writer, several workers in one target, columns of several types and what is not taken of them.
//!
//! A worker writes a lane, and a lane is a directory. In it there is at any instant:
//!
//!   PATH/LANE/0000000001/rows.ndjson   a part: the rows of a bucket, a line each; missing when it had none
//!   PATH/LANE/0000000001/token         and the token that was committed with them
//!   PATH/LANE/0000000002/...           the part after it; the last one has the token that recover gives
//!   PATH/LANE/.begun/                  what was begun and is not committed: nobody's, and removed by the next begin
//!   PATH/LANE/.lock                    locked from begin to the end of commit or abort; empty
//!
//! Commit makes both files in .begun durable, and the directory .begun itself; then it renames .begun to the next
//! number, and makes that durable. The rename is the commit: before it there is no new part and the old token is the
//! last one, behind it rows and token are both there. There is no instant in between, so a process may be killed, and
//! the power may fail, whenever they like. When a step fails, the next instance finds by recover on which side of the
//! rename it was.
//!
//! Two writers of one lane: while one is between begin and commit the other does not get the lock, and later it finds
//! another token than it was told. The kernel unlocks for a process that dies.
//!
//! Parts may be taken away once they are read, but for the last one of a lane: its token is the memory of what is there.
#[macro_use]
mod leat;
use leat::{Bucket, Ctx, Result, Status};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::os::unix::io::AsRawFd;
use std::path::{Path, PathBuf};

fn failed<T>(status: Status, what: &str, path: &Path, why: std::io::Error) -> Result<T> {
    leat::error(status, format!("cannot {} {}: {}", what, path.display(), why))
}

extern "C" {
    fn flock(file: i32, operation: i32) -> i32;
}
const LOCK_EX: i32 = 2;
const LOCK_NB: i32 = 4;

/// Makes durable which names a directory has.
fn sync_directory(path: &Path) -> std::io::Result<()> {
    const EINVAL: i32 = 22; // it cannot be, here
    match File::open(path)?.sync_all() {
        Err(why) if why.raw_os_error() != Some(EINVAL) => Err(why),
        _ => Ok(()),
    }
}
/// Makes a directory, durably, unless it is there.
fn make_directory(path: &Path) -> std::io::Result<()> {
    match std::fs::create_dir(path) {
        Ok(()) => match path.parent() {
            Some(parent) if parent != Path::new("") => sync_directory(parent),
            _ => sync_directory(Path::new(".")),
        },
        Err(why) if why.kind() == ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why),
    }
}
fn create_new(path: &Path) -> std::io::Result<File> {
    File::options().write(true).create_new(true).open(path)
}

// ---- Cells ----

#[derive(Clone, Copy)]
enum Kind {
    Int32,
    Int64,
    Utf8,
    Time { digits: usize, has_zone: bool },
}

fn kind_of(format: &str) -> Option<Kind> {
    match (format, format.get(..4)) {
        ("i", _) => Some(Kind::Int32),
        ("l", _) => Some(Kind::Int64),
        ("u", _) => Some(Kind::Utf8),
        (_, Some(unit)) => {
            let digits = ["tss:", "tsm:", "tsu:", "tsn:"].iter().position(|&it| it == unit)? * 3;
            Some(Kind::Time { digits, has_zone: format.len() > 4 })
        }
        _ => None,
    }
}

/// Days from 1970-01-01 to the first of January of any year, in the Gregorian calendar.
fn first_day_of(year: i64) -> i64 {
    let last = year - 1;
    365 * year + last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400) - 719527
}
/// As in 2000-10-10T20:55:36.000000Z; the Z only where the column has a zone: then its values are in UTC.
fn put_time(out: &mut Vec<u8>, value: i64, digits: usize, has_zone: bool) {
    let per_second = 10i64.pow(digits as u32);
    let (seconds, fraction) = (value.div_euclid(per_second), value.rem_euclid(per_second));
    let (days, of_day) = (seconds.div_euclid(86400), seconds.rem_euclid(86400));
    let mut year = 1970 + (days * 400).div_euclid(146097); // at most one too many or too few
    while first_day_of(year) > days {
        year -= 1;
    }
    while first_day_of(year + 1) <= days {
        year += 1;
    }
    let february = first_day_of(year + 1) - first_day_of(year) - 337;
    let (mut month, mut day) = (1, days - first_day_of(year));
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if day < length {
            break;
        }
        day -= length;
        month += 1;
    }
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    let sign = if year < 0 { "-" } else { "" };
    out.extend(format!("\"{}{:04}-{:02}-{:02}", sign, year.abs(), month, day + 1).bytes());
    out.extend(format!("T{:02}:{:02}:{:02}", hour, minute, second).bytes());
    if digits > 0 {
        out.extend(format!(".{:0digits$}", fraction, digits = digits).bytes());
    }
    out.extend_from_slice(if has_zone { b"Z\"" } else { b"\"" });
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for &byte in text.as_bytes() {
        match byte {
            0..=0x1F => out.extend(format!("\\u{:04X}", byte).bytes()),
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

fn put_cell(out: &mut Vec<u8>, lent: &leat::Batch, kind: Kind, column: usize, row: usize) {
    let is_there = match kind {
        Kind::Int32 => lent.int32(column, row).map(|value| out.extend(value.to_string().bytes())),
        Kind::Int64 => lent.number(column, row).map(|value| out.extend(value.to_string().bytes())),
        Kind::Utf8 => lent.text(column, row).map(|value| put_text(out, value)),
        Kind::Time { digits, has_zone } => lent.number(column, row).map(|value| put_time(out, value, digits, has_zone)),
    };
    if is_there.is_none() {
        out.extend_from_slice(b"null");
    }
}

/// The kinds of the columns, and their names as they stand in every row.
fn columns_of(schema: &leat::Schema) -> Result<Vec<(Kind, Vec<u8>)>> {
    let mut out = Vec::new();
    for column in schema.columns() {
        match kind_of(&column.format) {
            Some(kind) if !column.has_dictionary => {
                let mut name = Vec::new();
                put_text(&mut name, &column.name);
                out.push((kind, name));
            }
            _ => return leat::error(
                leat::UNSUPPORTED,
                format!(
                    "column \"{}\" has the Arrow type \"{}\"{}; int32, int64, utf8 and timestamps are taken: convert \
                         it, or leave it out",
                    column.name,
                    column.format,
                    if column.has_dictionary { " with a dictionary" } else { "" }
                ),
            ),
        }
    }
    Ok(out)
}

// ---- The sink ----

struct Parts {
    path: PathBuf,
    lane: PathBuf,      // PATH/LANE
    last: Option<u64>,  // number of the last part that is known in the lane; None: not looked for yet
    lock: Option<File>, // open from begin to commit or abort
    rows: Option<File>,
    text: Vec<u8>,  // rows that are not in the file yet
    token: Vec<u8>, // what recover has given
}

impl leat::Component for Parts {
    fn create(ctx: &Ctx) -> Result<Self> {
        Ok(Parts {
            path: ctx.text("/path").into(),
            lane: PathBuf::new(),
            last: None,
            lock: None,
            rows: None,
            text: Vec::new(),
            token: Vec::new(),
        })
    }
}

impl Parts {
    fn begun(&self) -> PathBuf {
        self.lane.join(".begun")
    }
    fn rows_file(&self) -> PathBuf {
        self.begun().join("rows.ndjson")
    }
    fn part(&self, number: u64) -> PathBuf {
        self.lane.join(format!("{:010}", number))
    }
    fn unlock(&mut self) {
        self.rows = None;
        self.lock = None;
    }

    /// A name of any bytes becomes one of a directory; two names never become the same, nor one that begins with a dot.
    fn enter(&mut self, lane: &[u8]) -> Result<()> {
        let mut name = String::new();
        for &byte in lane {
            let is_dot_inside = byte == b'.' && !name.is_empty();
            if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-' || is_dot_inside {
                name.push(byte as char);
            } else {
                name += &format!("%{:02X}", byte);
            }
        }
        if name.len() > 252 {
            return leat::error(
                leat::CONFIG,
                "the name of the lane is too long for a directory: give the pipeline a shorter one",
            );
        }
        let whole = self.path.join(if name.is_empty() { "%" } else { &name }); // % alone is the name of none
        if whole != self.lane {
            self.last = None;
        }
        self.lane = whole;
        Ok(())
    }

    /// Finds the last part: by looking through the directory once, and then for those that came after it.
    fn find_last(&mut self) -> Result<u64> {
        let mut last = match self.last {
            Some(last) => last,
            None => self.look_through().or_else(|why| match why.kind() {
                ErrorKind::NotFound => Ok(0),
                _ => failed(leat::RETRY, "read", &self.lane, why),
            })?,
        };
        while self.part(last + 1).exists() {
            last += 1;
        }
        self.last = Some(last);
        Ok(last)
    }
    fn look_through(&self) -> std::io::Result<u64> {
        let mut last = 0;
        for entry in std::fs::read_dir(&self.lane)? {
            let name = entry?.file_name();
            let digits = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
            last = last.max(digits.and_then(|digits| digits.parse().ok()).unwrap_or(0));
        }
        Ok(last)
    }
    /// Without a part it is empty.
    fn last_token(&mut self) -> Result<Vec<u8>> {
        let last = self.find_last()?;
        if last == 0 {
            return Ok(Vec::new());
        }
        let path = self.part(last).join("token");
        std::fs::read(&path).or_else(|why| {
            let status = if why.kind() == ErrorKind::NotFound { leat::FATAL } else { leat::RETRY };
            failed(status, "open", &path, why)
        })
    }

    fn lock(&self) -> Result<File> {
        let path = self.lane.join(".lock");
        let file = File::options().read(true).write(true).create(true).open(&path);
        let file = file.or_else(|why| failed(leat::RETRY, "open", &path, why))?;
        if unsafe { flock(file.as_raw_fd(), LOCK_EX | LOCK_NB) } == 0 {
            return Ok(file);
        }
        let why = std::io::Error::last_os_error();
        if why.kind() != ErrorKind::WouldBlock {
            return failed(leat::RETRY, "lock", &path, why);
        }
        leat::error(leat::FATAL, format!("fenced: another writer has begun a part in {}", self.lane.display()))
    }

    fn flush(&mut self, otherwise: Status) -> Result<()> {
        let path = self.rows_file();
        let done = match &mut self.rows {
            Some(file) => file.write_all(&self.text),
            rows => create_new(&path).and_then(|file| rows.insert(file).write_all(&self.text)),
        };
        self.text.clear();
        done.or_else(|why| failed(otherwise, "write", &path, why))
    }

    fn write_token(&self, token: &[u8]) -> std::io::Result<()> {
        let mut file = create_new(&self.begun().join("token"))?;
        file.write_all(token)?;
        file.sync_all()
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(path) {
        Err(why) if why.kind() != ErrorKind::NotFound => Err(why),
        _ => Ok(()),
    }
}

impl leat::Sink for Parts {
    fn open_sink(&mut self, _: &Ctx) -> Result<()> {
        let made = make_directory(&self.path).and_then(|_| std::fs::read_dir(&self.path)); // which says if it is none
        made.map(|_| ()).or_else(|why| failed(leat::CONFIG, "make the directory", &self.path, why))
    }
    fn close_sink(&mut self, _: &Ctx) {
        self.unlock();
    }

    fn begin(&mut self, _: &Ctx, bucket: &Bucket) -> Result<()> {
        self.unlock();
        self.text.clear();
        self.enter(bucket.lane())?;
        make_directory(&self.lane).or_else(|why| failed(leat::RETRY, "make", &self.lane, why))?;
        let lock = self.lock()?;
        if self.last_token()? != bucket.prev() {
            return leat::error(
                leat::FATAL,
                format!(
                    "fenced: the last part in {} is not the one that is due: another host writes this lane, or parts \
                     were taken away",
                    self.lane.display()
                ),
            );
        }
        let begun = self.begun();
        remove(&begun).or_else(|why| failed(leat::RETRY, "remove", &begun, why))?;
        std::fs::create_dir(&begun).or_else(|why| failed(leat::RETRY, "make", &begun, why))?;
        self.lock = Some(lock);
        Ok(())
    }

    fn write(&mut self, _: &Ctx, lent: &leat::Batch) -> Result<()> {
        let columns = columns_of(&lent.schema())?;
        for row in 0..lent.rows() {
            self.text.push(b'{');
            for (column, (kind, name)) in columns.iter().enumerate() {
                if column > 0 {
                    self.text.push(b',');
                }
                self.text.extend_from_slice(name);
                self.text.push(b':');
                put_cell(&mut self.text, lent, *kind, column, row);
            }
            self.text.extend_from_slice(b"}\n");
            if self.text.len() >= 1 << 16 {
                self.flush(leat::RETRY)?;
            }
        }
        Ok(())
    }

    // Any failure is BROKEN: what a file holds whose fsync has failed is not known, and behind a rename that was not
    // made durable neither is that. A new instance asks recover, and the bucket is written anew if it must.
    fn commit(&mut self, _: &Ctx, bucket: &Bucket) -> Result<()> {
        if !self.text.is_empty() {
            self.flush(leat::BROKEN)?;
        }
        let (begun, number) = (self.begun(), self.last.unwrap_or(0) + 1);
        let part = self.part(number);
        if let Some(rows) = &self.rows {
            rows.sync_all().or_else(|why| failed(leat::BROKEN, "sync", &self.rows_file(), why))?;
        }
        self.write_token(bucket.token()).or_else(|why| failed(leat::BROKEN, "write the token in", &begun, why))?;
        sync_directory(&begun).or_else(|why| failed(leat::BROKEN, "sync", &begun, why))?;
        std::fs::rename(&begun, &part).or_else(|why| failed(leat::BROKEN, "rename .begun to", &part, why))?;
        sync_directory(&self.lane).or_else(|why| failed(leat::BROKEN, "sync", &self.lane, why))?;
        self.last = Some(number);
        self.unlock();
        Ok(())
    }

    // What cannot be removed here is removed by the next begin.
    fn abort(&mut self, _: &Ctx, _: &Bucket) -> Result<()> {
        self.text.clear();
        if self.lock.is_some() {
            let _ = remove(&self.begun()); // it is ours only as long as the lock is
        }
        self.unlock();
        Ok(())
    }
}

impl leat::Transactional for Parts {
    fn recover(&mut self, _: &Ctx, lane: &[u8]) -> Result<&[u8]> {
        self.enter(lane)?;
        self.token = self.last_token()?;
        Ok(&self.token)
    }
}

plugin!("example-parts", "1.0.0", "Apache-2.0", Parts, leat::SINK, leat::TRANSACTIONAL | leat::DETERMINISTIC,
    "example.parts",
    summary: "Writes every bucket as one part: a directory with a file of NDJSON",
    schema: r#"{"type": "object", "additionalProperties": false, "required": ["path"], "properties": {
        "path": {"type": "string", "minLength": 1, "maxLength": 1000,
                 "description": "The directory; it is made, but not the one that it is in"}}}"#,
    example: "path: parts",
    sink: leat::Tables::<Parts>::TRANSACTIONAL);
