//! example.access-log: a transform that takes lines of a web server's log apart, in the Common Log Format:
//!
//!   127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
//!
//! To learn from it: what comes out has another schema than what comes in (derive); texts, NULLs and timestamps; rows
//! that are rejected with what was expected, and where. leat.rs has what there is; the rules are in leat/leat.h.
//!
//! "-" is NULL for user and bytes. A path is passed on as it stands in the log, with its backslashes.
#[macro_use]
mod leat;
use leat::{Ctx, Field, Result};

const FIELDS: [Field; 7] = [
    Field { name: "host\0", format: "u\0", nullable: false },
    Field { name: "user\0", format: "u\0", nullable: true },
    Field { name: "time\0", format: "tsu:UTC\0", nullable: false },
    Field { name: "method\0", format: "u\0", nullable: false },
    Field { name: "path\0", format: "u\0", nullable: false },
    Field { name: "status\0", format: "i\0", nullable: false },
    Field { name: "bytes\0", format: "l\0", nullable: true },
];

// ---- One line ----

struct Entry<'a> {
    host: &'a str,
    user: &'a str,
    time: i64,
    method: &'a str,
    path: &'a str,
    status: i64,
    bytes: Option<i64>,
}

/// What was expected, and at which byte.
type Parsed<T> = std::result::Result<T, (&'static str, usize)>;

struct Parser<'a> {
    line: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn parse(mut self) -> Parsed<Entry<'a>> {
        let host = self.word("a host")?;
        self.space()?;
        self.word("an identity, or \"-\"")?;
        self.space()?;
        let user = self.word("a user, or \"-\"")?;
        self.space()?;
        self.skip(b'[', "\"[\"")?;
        let time = self.timestamp()?;
        self.skip(b']', "\"]\"")?;
        self.space()?;
        self.skip(b'"', "a quote")?;
        let method = self.run("a method, as in GET", |byte| byte.is_ascii_uppercase())?;
        self.space()?;
        let path = self.quoted_word("a path")?;
        if self.next() == Some(b' ') {
            // HTTP/0.9 has no version
            self.space()?;
            self.quoted_word("a version, as in HTTP/1.1")?;
        }
        self.skip(b'"', "a quote")?;
        self.space()?;
        let status = self.number(3, 100, 999, "a status of three digits")?;
        self.space()?;
        let bytes = if self.next() == Some(b'-') {
            self.at += 1;
            None
        } else {
            let digits =
                self.line.as_bytes()[self.at..].iter().take(18).take_while(|byte| byte.is_ascii_digit()).count();
            Some(self.number(digits.max(1), 0, i64::MAX, "a number of bytes, or \"-\"")?)
        };
        if self.at < self.line.len() {
            return Err(("the end of the line", self.at));
        }
        Ok(Entry { host, user, time, method, path, status, bytes })
    }

    fn next(&self) -> Option<u8> {
        self.line.as_bytes().get(self.at).copied()
    }
    fn skip(&mut self, byte: u8, what: &'static str) -> Parsed<()> {
        if self.next() != Some(byte) {
            return Err((what, self.at));
        }
        self.at += 1;
        Ok(())
    }
    fn space(&mut self) -> Parsed<()> {
        self.skip(b' ', "a space")
    }
    fn run(&mut self, what: &'static str, fits: impl Fn(u8) -> bool) -> Parsed<&'a str> {
        let begin = self.at;
        while self.next().map_or(false, &fits) {
            self.at += 1;
        }
        self.since(begin, what)
    }
    fn since(&self, begin: usize, what: &'static str) -> Parsed<&'a str> {
        // It ends in front of an ASCII byte, or at the end, so that no character is cut.
        match self.line.get(begin..self.at) {
            Some(text) if !text.is_empty() => Ok(text),
            _ => Err((what, begin)),
        }
    }
    fn word(&mut self, what: &'static str) -> Parsed<&'a str> {
        self.run(what, |byte| byte != b' ')
    }
    /// Up to a space, or a quote that has no backslash in front of it.
    fn quoted_word(&mut self, what: &'static str) -> Parsed<&'a str> {
        let begin = self.at;
        while let Some(byte) = self.next().filter(|&byte| byte != b' ' && byte != b'"') {
            self.at += if byte == b'\\' && self.at + 1 < self.line.len() { 2 } else { 1 };
        }
        self.since(begin, what)
    }
    /// A number of exactly `digits` digits, from `least` to `most`.
    fn number(&mut self, digits: usize, least: i64, most: i64, what: &'static str) -> Parsed<i64> {
        let begin = self.at;
        let mut out = 0;
        while let Some(byte) = self.next().filter(|byte| byte.is_ascii_digit() && self.at - begin < digits) {
            out = out * 10 + i64::from(byte - b'0');
            self.at += 1;
        }
        if self.at - begin != digits || out < least || out > most {
            return Err((what, begin));
        }
        Ok(out)
    }
    fn month(&mut self) -> Parsed<i64> {
        let names = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
        let rest = &self.line.as_bytes()[self.at..];
        match names.iter().position(|name| rest.starts_with(name.as_bytes())) {
            Some(index) => {
                self.at += 3;
                Ok(index as i64 + 1)
            }
            None => Err(("a month, as in Oct", self.at)),
        }
    }

    /// As in 10/Oct/2000:13:55:36 -0700; microseconds since 1970 in UTC.
    fn timestamp(&mut self) -> Parsed<i64> {
        let begin = self.at;
        let day = self.number(2, 1, 31, "a day, 01 to 31")?;
        self.skip(b'/', "\"/\"")?;
        let month = self.month()?;
        self.skip(b'/', "\"/\"")?;
        let year = self.number(4, 0, 9999, "a year of four digits")?;
        if day > days_in(year, month) {
            return Err(("a day that the month has", begin));
        }
        self.skip(b':', "\":\"")?;
        let hour = self.number(2, 0, 23, "an hour, 00 to 23")?;
        self.skip(b':', "\":\"")?;
        let minute = self.number(2, 0, 59, "a minute, 00 to 59")?;
        self.skip(b':', "\":\"")?;
        let second = self.number(2, 0, 59, "a second, 00 to 59")?;
        self.space()?;
        let sign = match self.next() {
            Some(b'+') => 60,
            Some(b'-') => -60,
            _ => return Err(("\"+\" or \"-\"", self.at)),
        };
        self.at += 1;
        let zone_hours = self.number(2, 0, 23, "hours of a zone, 00 to 23")?;
        let zone_minutes = self.number(2, 0, 59, "minutes of a zone, 00 to 59")?;
        let zone = (zone_hours * 60 + zone_minutes) * sign;
        Ok((days_of(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - zone) * 1_000_000)
    }
}

fn days_in(year: i64, month: i64) -> i64 {
    let is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}
/// Days from 1970-01-01 in the Gregorian calendar.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let last = year - 1;
    let leap_days = last.div_euclid(4) - last.div_euclid(100) + last.div_euclid(400) + 1; // of the years before, from 0 on
    let days_before = (1..month).map(|month| days_in(year, month)).sum::<i64>();
    year * 365 + leap_days + days_before + day - 1 - 719528
}

// ---- Batches ----

struct AccessLog {
    column: String,
    rows: Option<leat::Rows>,
}

impl leat::Component for AccessLog {
    fn create(ctx: &Ctx) -> Result<Self> {
        Ok(AccessLog { column: ctx.text("/column"), rows: None })
    }
}

impl AccessLog {
    fn find(&self, schema: &leat::Schema) -> Result<usize> {
        match schema.utf8(&self.column) {
            Some(column) => Ok(column),
            None => leat::error(leat::CONFIG, format!("there is no utf8 column \"{}\": set `column`", self.column)),
        }
    }
}

fn add(rows: &mut leat::Rows, entry: &Entry) {
    rows.text(0, Some(entry.host));
    rows.text(1, Some(entry.user).filter(|&user| user != "-"));
    rows.number(2, Some(entry.time));
    rows.text(3, Some(entry.method));
    rows.text(4, Some(entry.path));
    rows.number(5, Some(entry.status));
    rows.number(6, entry.bytes);
    rows.end_row();
}

impl leat::Transform for AccessLog {
    fn accepts(&self, schema: &leat::Schema) -> Result<()> {
        self.find(schema).map(|_| ())
    }
    // What comes out does not depend on what comes in, but for the column that must be there.
    fn derive(&mut self, ctx: &Ctx, schema: &leat::Schema) -> Result<leat::Schema> {
        self.accepts(schema)?;
        ctx.schema(&FIELDS)
    }

    // What this call has rejected and emitted counts only if it returns Ok.
    fn process(&mut self, ctx: &Ctx, lent: &leat::Batch) -> Result<()> {
        let column = self.find(&lent.schema())?;
        let mut rows = match self.rows.take() {
            Some(rows) => rows,
            None => leat::Rows::new(ctx, &FIELDS)?,
        };
        rows.clear(); // of a call that has failed
        for row in 0..lent.rows() {
            match lent.text(column, row).map(|line| Parser { line, at: 0 }.parse()) {
                Some(Ok(entry)) => add(&mut rows, &entry),
                Some(Err((expected, at))) => {
                    ctx.reject_row(row, &format!("not a line of a log: expected {} at byte {}", expected, at + 1))?
                }
                None => ctx.reject_row(row, "not a line of a log: it is NULL")?,
            }
        }
        if rows.len() > 0 {
            rows.emit(ctx, "")?;
        }
        self.rows = Some(rows);
        Ok(())
    }
}

plugin!("example-access-log", "1.0.0", "Apache-2.0", AccessLog, leat::TRANSFORM, leat::STATELESS | leat::DETERMINISTIC,
    "example.access-log",
    summary: "Takes lines of a web server's log apart (Common Log Format)",
    schema: r#"{"type": "object", "additionalProperties": false, "properties": {
        "column": {"type": "string", "maxLength": 63, "default": "text",
                   "description": "The column of utf8 that has the lines"}}}"#,
    example: "column: text",
    transform: leat::Tables::<AccessLog>::TRANSFORM);
