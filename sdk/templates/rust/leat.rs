//! leat.rs: what a plugin in Rust needs of leat.h, ABI 1, in one file without crates. Yours to change and to add to.
//!
//! The first half is leat.h word by word; its comments are there. The second half is traits: a plugin implements one of
//! them, and `plugin!` makes the tables. What a trait's function returns as an error the host gets as a status with its
//! reason, and so it does a panic: nothing unwinds into the host. Build with panic=unwind, which is the default.
#![allow(dead_code)]

use std::ffi::c_void;
use std::marker::PhantomData;
use std::panic::{catch_unwind, AssertUnwindSafe};

// ---- leat.h ----

pub type Status = i32;
pub const OK: Status = 0;
pub const END: Status = 1;
pub const IDLE: Status = 2;
pub const RETRY: Status = -1;
pub const DATA: Status = -2;
pub const CONFIG: Status = -3;
pub const CANCELLED: Status = -4;
pub const UNSUPPORTED: Status = -5;
pub const BROKEN: Status = -6;
pub const FATAL: Status = -7;

pub const RUN: i32 = 0;
pub const DRAIN: i32 = 1;
pub const STOP: i32 = 2;

pub const REPLAYABLE: u64 = 1 << 0;
pub const DETERMINISTIC: u64 = 1 << 1;
pub const STATELESS: u64 = 1 << 2;
pub const TRANSACTIONAL: u64 = 1 << 3;
pub const SINGLE_WRITER: u64 = 1 << 12;

pub const RUNNER: u32 = 1;
pub const SOURCE: u32 = 2;
pub const TRANSFORM: u32 = 3;
pub const SINK: u32 = 4;
pub const PIPELINE: u32 = 5;

type This = *mut c_void;
type Context = *mut RawContext;

#[repr(C)]
pub struct ArrowSchema {
    format: *const u8,
    name: *const u8,
    metadata: *const u8,
    flags: i64,
    n_children: i64,
    children: *mut *mut ArrowSchema,
    dictionary: *mut ArrowSchema,
    release: Option<unsafe extern "C" fn(*mut ArrowSchema)>,
    private_data: *mut c_void,
}
#[repr(C)]
pub struct ArrowArray {
    length: i64,
    null_count: i64,
    offset: i64,
    n_buffers: i64,
    n_children: i64,
    buffers: *mut *const c_void,
    children: *mut *mut ArrowArray,
    dictionary: *mut ArrowArray,
    release: Option<unsafe extern "C" fn(*mut ArrowArray)>,
    private_data: *mut c_void,
}
#[repr(C)]
pub struct Bytes {
    data: *const u8,
    size: u64,
}
#[repr(C)]
pub struct Value {
    kind: i32,
    reserved: u32,
    i: i64,
    f: f64,
    s: *const u8,
    size: u64,
}
#[repr(C)]
pub struct KeyValue {
    key: *const u8,
    value: Value,
}
#[repr(C)]
pub struct RawSchema {
    struct_size: u32,
    reserved: u32,
    id: u64,
    arrow: *const ArrowSchema,
}
#[repr(C)]
pub struct RawBatch {
    struct_size: u32,
    flags: u32,
    schema: *const RawSchema,
    array: ArrowArray,
    position: Bytes,
}
#[repr(C)]
pub struct Bucket {
    struct_size: u32,
    pub attempt: u32,
    pub id: u64,
    pub rows: u64,
    pub bytes: u64,
    lane: *const u8,
    prev: Bytes,
    token: Bytes,
}
#[repr(C)]
pub struct BucketConfig {
    struct_size: u32,
    pub workers: u32,
    pub max_rows: u64,
    pub max_bytes: u64,
    pub max_wait_ns: u64,
}
#[repr(C)]
pub struct RawContext {
    host: *const Host,
}
#[repr(C)]
pub struct Host {
    struct_size: u32,
    abi_minor: u32,
    name: *const u8,
    version: *const u8,
    extension: unsafe extern "C" fn(Context, *const u8) -> *const c_void,
    fail: unsafe extern "C" fn(Context, Status, *const u8, u64) -> Status,
    log: unsafe extern "C" fn(Context, i32, *const u8, u64, *const KeyValue, u64),
    metric: unsafe extern "C" fn(Context, i32, *const u8, *const u8, *const KeyValue, u64) -> u64,
    record: unsafe extern "C" fn(Context, u64, f64),
    config: unsafe extern "C" fn(Context, *const u8, u64, *mut Value) -> Status,
    alloc: unsafe extern "C" fn(Context, u64) -> *mut c_void,
    dealloc: unsafe extern "C" fn(*mut c_void),
    stop_state: unsafe extern "C" fn(Context) -> i32,
    wait: unsafe extern "C" fn(Context, u64) -> Status,
    stop_handle: unsafe extern "C" fn(Context) -> isize,
    schema: unsafe extern "C" fn(Context, *mut ArrowSchema) -> *const RawSchema,
    emit: unsafe extern "C" fn(Context, *mut RawBatch) -> Status,
    room: unsafe extern "C" fn(Context) -> u64,
    share: unsafe extern "C" fn(Context, *const RawBatch, *mut RawBatch) -> Status,
    reject_rows: unsafe extern "C" fn(Context, *const i64, u64, *const u8, u64) -> Status,
    reject_raw: unsafe extern "C" fn(Context, *const u8, u64, *const u8, u64) -> Status,
    checkpoint: unsafe extern "C" fn(Context, *const u8, u64) -> Status,
}
#[repr(C)]
pub struct RunnerTable {
    struct_size: u32,
    reserved: u32,
    run: unsafe extern "C" fn(This, Context, *const BucketConfig, *const Bytes) -> Status,
    interrupt: Option<unsafe extern "C" fn(This)>,
}
#[repr(C)]
pub struct SourceTable {
    struct_size: u32,
    reserved: u32,
    open: Option<unsafe extern "C" fn(This, Context, *const Bytes) -> Status>,
    read: unsafe extern "C" fn(This, Context, *const BucketConfig) -> Status,
    ack: Option<unsafe extern "C" fn(This, Context, *const Bytes) -> Status>,
    close: Option<unsafe extern "C" fn(This, Context)>,
    interrupt: Option<unsafe extern "C" fn(This)>,
}
#[repr(C)]
pub struct TransformTable {
    struct_size: u32,
    reserved: u32,
    open: Option<unsafe extern "C" fn(This, Context, *const Bytes) -> Status>,
    derive: Option<unsafe extern "C" fn(This, Context, *const RawSchema, *mut *const RawSchema) -> Status>,
    process: unsafe extern "C" fn(This, Context, *mut RawBatch) -> Status,
    flush: Option<unsafe extern "C" fn(This, Context, i32) -> Status>,
    save: Option<unsafe extern "C" fn(This, Context, *mut Bytes) -> Status>,
    close: Option<unsafe extern "C" fn(This, Context)>,
    interrupt: Option<unsafe extern "C" fn(This)>,
}
#[repr(C)]
pub struct SinkTable {
    struct_size: u32,
    reserved: u32,
    open: Option<unsafe extern "C" fn(This, Context) -> Status>,
    recover: Option<unsafe extern "C" fn(This, Context, *const u8, *mut Bytes) -> Status>,
    begin: Option<unsafe extern "C" fn(This, Context, *const Bucket) -> Status>,
    write: unsafe extern "C" fn(This, Context, *mut RawBatch) -> Status,
    commit: Option<unsafe extern "C" fn(This, Context, *const Bucket) -> Status>,
    abort: Option<unsafe extern "C" fn(This, Context, *const Bucket)>,
    close: Option<unsafe extern "C" fn(This, Context)>,
    interrupt: Option<unsafe extern "C" fn(This)>,
}
#[repr(C)]
pub struct HooksTable {
    struct_size: u32,
    reserved: u32,
    pre_process: Option<unsafe extern "C" fn(This, Context) -> Status>,
    post_process: Option<unsafe extern "C" fn(This, Context, Status) -> Status>,
}
#[repr(C)]
pub struct ComponentTable {
    pub struct_size: u32,
    pub kind: u32,
    pub flags: u64,
    pub id: *const u8,
    pub summary: *const u8,
    pub docs: *const u8,
    pub config_schema: *const u8,
    pub example: *const u8,
    pub create: unsafe extern "C" fn(Context, *mut This) -> Status,
    pub destroy: unsafe extern "C" fn(This),
    pub runner: Option<&'static RunnerTable>,
    pub source: Option<&'static SourceTable>,
    pub transform: Option<&'static TransformTable>,
    pub sink: Option<&'static SinkTable>,
    pub hooks: Option<&'static HooksTable>,
    pub extension: Option<unsafe extern "C" fn(This, *const u8) -> *const c_void>,
}
#[repr(C)]
pub struct PluginTable {
    pub struct_size: u32,
    pub abi_minor: u32,
    pub requires_minor: u32,
    pub n_components: u32,
    pub components: *const &'static ComponentTable,
    pub id: *const u8,
    pub version: *const u8,
    pub license: *const u8,
    pub vendor: *const u8,
    pub url: *const u8,
    pub summary: *const u8,
    pub build: *const u8,
}
// What they point to is constant.
unsafe impl Sync for ComponentTable {}
unsafe impl Sync for PluginTable {}

// As a C compiler lays them out.
const fn is<T>(size: usize) {
    assert!(std::mem::size_of::<T>() == size && std::mem::align_of::<T>() == 8);
}
const _: () = {
    is::<ArrowSchema>(72);
    is::<ArrowArray>(80);
    is::<Bytes>(16);
    is::<Value>(40);
    is::<KeyValue>(48);
    is::<RawSchema>(24);
    is::<RawBatch>(112);
    is::<Bucket>(72);
    is::<BucketConfig>(32);
    is::<Host>(168);
    is::<RunnerTable>(24);
    is::<SourceTable>(48);
    is::<TransformTable>(64);
    is::<SinkTable>(72);
    is::<HooksTable>(24);
    is::<ComponentTable>(120);
    is::<PluginTable>(80);
};

// ---- Errors ----

/// A status that the host acts on, and the reason that it shows; without one, what the host has said already.
pub struct Error {
    pub status: Status,
    pub text: String,
}
pub type Result<T> = std::result::Result<T, Error>;

pub fn error<T>(status: Status, text: impl Into<String>) -> Result<T> {
    Err(Error { status, text: text.into() })
}
fn check(status: Status) -> Result<()> {
    if status < 0 {
        error(status, "")
    } else {
        Ok(())
    }
}

/// Runs `body` and lets no panic out.
fn fence(raw: Context, body: impl FnOnce(&Ctx) -> Result<Status>) -> Status {
    let ctx = Ctx { raw };
    let failure = match catch_unwind(AssertUnwindSafe(|| body(&ctx))) {
        Ok(Ok(status)) => return status,
        Ok(Err(failure)) => failure,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(|s| s.as_str()).or(panic.downcast_ref::<&str>().copied());
            let text = format!("panicked: {}", text.unwrap_or("no text"));
            std::mem::forget(panic); // dropping it may panic again
            Error { status: FATAL, text }
        }
    };
    if failure.text.is_empty() {
        return failure.status;
    }
    unsafe { (ctx.host().fail)(raw, failure.status, failure.text.as_ptr(), failure.text.len() as u64) }
}

// ---- The host ----

/// What the host offers; good for the call that it was given to.
pub struct Ctx {
    raw: Context,
}

impl Ctx {
    fn host(&self) -> &'static Host {
        unsafe { &*(*self.raw).host }
    }
    fn value(&self, pointer: &str) -> Value {
        let mut out = Value { kind: 0, reserved: 0, i: 0, f: 0.0, s: std::ptr::null(), size: 0 };
        unsafe { (self.host().config)(self.raw, pointer.as_ptr(), pointer.len() as u64, &mut out) };
        out
    }
    /// A key of the configuration, as in "/count". The host has checked it, and has filled in the default.
    pub fn integer(&self, pointer: &str) -> i64 {
        self.value(pointer).i
    }
    pub fn text(&self, pointer: &str) -> String {
        let value = self.value(pointer);
        if value.s.is_null() {
            return String::new();
        }
        String::from_utf8_lossy(unsafe { std::slice::from_raw_parts(value.s, value.size as usize) }).into_owned()
    }
    /// A line in the log, with one field. `key` ends with \0.
    pub fn info(&self, text: &str, key: &'static str, number: i64) {
        debug_assert!(key.ends_with('\0'));
        let value = Value { kind: 2, reserved: 0, i: number, f: number as f64, s: std::ptr::null(), size: 0 };
        let field = KeyValue { key: key.as_ptr(), value };
        unsafe { (self.host().log)(self.raw, 2, text.as_ptr(), text.len() as u64, &field, 1) }
    }
    /// Sleeps; an error when a stop is asked.
    pub fn wait(&self, nanoseconds: u64) -> Result<()> {
        check(unsafe { (self.host().wait)(self.raw, nanoseconds) })
    }
    pub fn checkpoint(&self, state: &[u8]) -> Result<()> {
        check(unsafe { (self.host().checkpoint)(self.raw, state.as_ptr(), state.len() as u64) })
    }

    /// What was asked: RUN, DRAIN (finish what is in hand) or STOP (return now).
    pub fn stop_state(&self) -> i32 {
        unsafe { (self.host().stop_state)(self.raw) }
    }
    /// A gauge by its name and unit, both ending with \0. The host knows "progress" and "progress_total".
    pub fn gauge(&self, name: &'static str, unit: &'static str) -> Gauge {
        debug_assert!(name.ends_with('\0') && unit.ends_with('\0'));
        Gauge(unsafe { (self.host().metric)(self.raw, 2, name.as_ptr(), unit.as_ptr(), std::ptr::null(), 0) })
    }
    pub fn record(&self, gauge: Gauge, value: f64) {
        unsafe { (self.host().record)(self.raw, gauge.0, value) }
    }
    /// Makes a dead letter of a row of the batch that is lent.
    pub fn reject_row(&self, row: usize, why: &str) -> Result<()> {
        let row = row as i64;
        check(unsafe { (self.host().reject_rows)(self.raw, &row, 1, why.as_ptr(), why.len() as u64) })
    }
    /// Makes a dead letter of what never became a row. `why` begins with the place.
    pub fn reject_raw(&self, record: &[u8], why: &str) -> Result<()> {
        let (data, size) = (record.as_ptr(), record.len() as u64);
        check(unsafe { (self.host().reject_raw)(self.raw, data, size, why.as_ptr(), why.len() as u64) })
    }

    /// A schema of these columns, good until destroy.
    pub fn schema(&self, fields: &[Field]) -> Result<Schema> {
        let columns = fields.iter().map(|field| {
            debug_assert!(field.name.ends_with('\0') && field.format.ends_with('\0'));
            ArrowSchema {
                format: field.format.as_ptr(),
                name: field.name.as_ptr(),
                flags: if field.nullable { 2 } else { 0 },
                release: Some(release_column_schema),
                ..no_schema()
            }
        });
        let mut node = Box::new(SchemaNode { columns: columns.collect(), children: Vec::new() });
        node.children = node.columns.iter_mut().map(|column| column as *mut ArrowSchema).collect();
        let mut top = ArrowSchema {
            format: "+s\0".as_ptr(),
            name: "\0".as_ptr(),
            n_children: fields.len() as i64,
            children: node.children.as_mut_ptr(),
            release: Some(release_schema),
            private_data: Box::into_raw(node).cast(),
            ..no_schema()
        };
        let raw = unsafe { (self.host().schema)(self.raw, &mut top) };
        if raw.is_null() {
            error(RETRY, "")
        } else {
            Ok(Schema { raw })
        }
    }
    /// The schema {name: int64}, good until destroy. `name` ends with \0.
    pub fn numbers_schema(&self, name: &'static str) -> Result<Schema> {
        self.schema(&[Field { name, format: "l\0", nullable: false }])
    }
    /// Emits numbers as the one column of a batch. `position`: "open with this and you get what came after it".
    pub fn emit_numbers(&self, schema: &Schema, numbers: &[i64], position: &str) -> Result<()> {
        let size = std::mem::size_of_val(numbers);
        let values = unsafe { std::slice::from_raw_parts(numbers.as_ptr().cast::<u8>(), size) };
        self.emit_columns(schema, numbers.len(), &[Parts { nulls: 0, buffers: vec![&[], values] }], position)
    }

    /// Copies buffers into blocks of the host, and emits them.
    fn emit_columns(&self, schema: &Schema, length: usize, columns: &[Parts], position: &str) -> Result<()> {
        let host = self.host();
        // A column may be moved out of its batch, so what it needs is its own.
        let mut owned = Vec::new();
        for column in columns {
            let mut own = Box::new(ColumnNode { buffers: [std::ptr::null(); 3], dealloc: host.dealloc });
            for (i, buffer) in column.buffers.iter().enumerate().filter(|(_, buffer)| !buffer.is_empty()) {
                let block = unsafe { (host.alloc)(self.raw, buffer.len() as u64) };
                if block.is_null() {
                    return error(RETRY, "over the memory budget");
                }
                own.buffers[i] = block;
                unsafe { std::ptr::copy_nonoverlapping(buffer.as_ptr(), block.cast(), buffer.len()) };
            }
            owned.push(own);
        }
        let arrays = owned.into_iter().zip(columns).map(|(mut own, column)| ArrowArray {
            length: length as i64,
            null_count: column.nulls as i64,
            n_buffers: column.buffers.len() as i64,
            buffers: own.buffers.as_mut_ptr(),
            release: Some(release_column),
            private_data: Box::into_raw(own).cast(),
            ..no_array()
        });
        let mut node =
            Box::new(BatchNode { columns: arrays.collect(), children: Vec::new(), buffers: [std::ptr::null()] });
        node.children = node.columns.iter_mut().map(|column| column as *mut ArrowArray).collect();
        let array = ArrowArray {
            length: length as i64,
            n_buffers: 1,
            n_children: columns.len() as i64,
            buffers: node.buffers.as_mut_ptr(),
            children: node.children.as_mut_ptr(),
            release: Some(release_batch),
            private_data: Box::into_raw(node).cast(),
            ..no_array()
        };
        let mut out = RawBatch {
            struct_size: std::mem::size_of::<RawBatch>() as u32,
            flags: 0,
            schema: schema.raw,
            array,
            position: Bytes { data: position.as_ptr(), size: position.len() as u64 },
        };
        check(unsafe { (host.emit)(self.raw, &mut out) })
    }
    /// Emits rows of a batch that was lent: another owner of the same buffers; nothing is copied.
    pub fn emit_rows(&self, lent: &Batch, rows: std::ops::Range<usize>) -> Result<()> {
        let mut out = RawBatch {
            struct_size: std::mem::size_of::<RawBatch>() as u32,
            flags: 0,
            schema: std::ptr::null(),
            array: no_array(),
            position: Bytes { data: std::ptr::null(), size: 0 },
        };
        unsafe {
            check((self.host().share)(self.raw, lent.raw, &mut out))?;
            out.array.offset = rows.start as i64;
            out.array.length = rows.len() as i64;
            check((self.host().emit)(self.raw, &mut out))
        }
    }
}

// ---- Rows ----

/// A column of a schema. `name` ends with \0, and so does `format`: that of Arrow, as "l\0" for int64, "i\0" for int32,
/// "u\0" for utf8, "tsu:UTC\0" for a timestamp.
pub struct Field {
    pub name: &'static str,
    pub format: &'static str,
    pub nullable: bool,
}
#[derive(Clone, Copy)]
pub struct Gauge(u64);

/// A column as it goes out: its buffers in the order of Arrow, an empty one for none.
struct Parts<'a> {
    nulls: usize,
    buffers: Vec<&'a [u8]>,
}
struct SchemaNode {
    columns: Vec<ArrowSchema>,
    children: Vec<*mut ArrowSchema>,
}
struct ColumnNode {
    buffers: [*const c_void; 3],
    dealloc: unsafe extern "C" fn(*mut c_void),
}
impl Drop for ColumnNode {
    fn drop(&mut self) {
        for block in self.buffers {
            unsafe { (self.dealloc)(block as *mut c_void) }
        }
    }
}
struct BatchNode {
    columns: Vec<ArrowArray>,
    children: Vec<*mut ArrowArray>,
    buffers: [*const c_void; 1],
}
unsafe extern "C" fn release_column_schema(schema: *mut ArrowSchema) {
    (*schema).release = None;
}
unsafe extern "C" fn release_schema(schema: *mut ArrowSchema) {
    let node = Box::from_raw((*schema).private_data.cast::<SchemaNode>());
    for &column in &node.children {
        if let Some(release) = (*column).release {
            release(column);
        }
    }
    (*schema).release = None;
}
unsafe extern "C" fn release_column(array: *mut ArrowArray) {
    drop(Box::from_raw((*array).private_data.cast::<ColumnNode>()));
    (*array).release = None;
}
unsafe extern "C" fn release_batch(array: *mut ArrowArray) {
    let node = Box::from_raw((*array).private_data.cast::<BatchNode>());
    for &column in &node.children {
        if let Some(release) = (*column).release {
            release(column);
        }
    }
    (*array).release = None;
}
fn no_schema() -> ArrowSchema {
    unsafe { std::mem::zeroed() }
}
fn no_array() -> ArrowArray {
    unsafe { std::mem::zeroed() }
}

/// A schema that the host keeps.
#[derive(Clone, Copy)]
pub struct Schema {
    raw: *const RawSchema,
}
/// What a schema says of a column.
pub struct Column {
    pub name: String,
    pub format: String,
    pub has_dictionary: bool,
}
impl Schema {
    pub fn columns(&self) -> Vec<Column> {
        unsafe {
            let top = &*(*self.raw).arrow;
            let text = |s: *const u8| std::ffi::CStr::from_ptr(s.cast()).to_string_lossy().into_owned();
            let column = |i: usize| &**top.children.add(i);
            let of = |it: &ArrowSchema| Column {
                name: text(it.name),
                format: text(it.format),
                has_dictionary: !it.dictionary.is_null(),
            };
            (0..top.n_children as usize).map(|i| of(column(i))).collect()
        }
    }
    /// Which column has this name and this format of Arrow.
    pub fn find(&self, name: &str, format: &str) -> Option<usize> {
        self.columns().iter().position(|it| it.name == name && it.format == format && !it.has_dictionary)
    }
    /// Which column has this name, and is an int64.
    pub fn int64(&self, name: &str) -> Option<usize> {
        self.find(name, "l")
    }
    /// Which column has this name, and is a text with offsets of 32 bits.
    pub fn utf8(&self, name: &str) -> Option<usize> {
        self.find(name, "u")
    }
}

/// Rows that are collected for a batch. Every column gets a cell, then end_row.
pub struct Rows {
    schema: Schema,
    columns: Vec<Cells>,
    rows: usize,
}
struct Cells {
    width: usize, // bytes of a number; 0: a text
    nulls: usize,
    validity: Vec<u8>,
    values: Vec<u8>, // numbers; of a text where each one ends in bytes, and a 0 in front
    bytes: Vec<u8>,
}
impl Rows {
    pub fn new(ctx: &Ctx, fields: &[Field]) -> Result<Rows> {
        let cells = |field: &Field| Cells {
            width: match field.format {
                "u\0" => 0,
                "i\0" => 4,
                _ => 8,
            },
            nulls: 0,
            validity: Vec::new(),
            values: Vec::new(),
            bytes: Vec::new(),
        };
        Ok(Rows { schema: ctx.schema(fields)?, columns: fields.iter().map(cells).collect(), rows: 0 })
    }
    pub fn schema(&self) -> Schema {
        self.schema
    }
    /// Rows that are complete.
    pub fn len(&self) -> usize {
        self.rows
    }
    /// A cell of int32, int64 or a timestamp; None: NULL.
    pub fn number(&mut self, column: usize, value: Option<i64>) {
        let cells = &mut self.columns[column];
        cells.mark(self.rows, value.is_some());
        cells.values.extend_from_slice(&value.unwrap_or(0).to_le_bytes()[..cells.width]);
    }
    /// All texts of a column may have 2^31 - 1 bytes together: emit before that.
    pub fn text(&mut self, column: usize, value: Option<&str>) {
        let cells = &mut self.columns[column];
        cells.mark(self.rows, value.is_some());
        if self.rows == 0 {
            cells.values.extend_from_slice(&0i32.to_le_bytes());
        }
        cells.bytes.extend_from_slice(value.unwrap_or("").as_bytes());
        cells.values.extend_from_slice(&(cells.bytes.len() as i32).to_le_bytes());
    }
    pub fn end_row(&mut self) {
        self.rows += 1;
    }
    pub fn clear(&mut self) {
        for cells in &mut self.columns {
            cells.nulls = 0;
            cells.validity.clear();
            cells.values.clear();
            cells.bytes.clear();
        }
        self.rows = 0;
    }
    /// Emits the rows, and is empty then. Without rows, the batch only carries the position. After an error, they are
    /// still here.
    pub fn emit(&mut self, ctx: &Ctx, position: &str) -> Result<()> {
        let parts: Vec<Parts> = self.columns.iter().map(Cells::parts).collect();
        ctx.emit_columns(&self.schema, self.rows, &parts, position)?;
        self.clear();
        Ok(())
    }
}
impl Cells {
    fn mark(&mut self, row: usize, is_valid: bool) {
        if row % 8 == 0 {
            self.validity.push(0);
        }
        self.validity[row / 8] |= u8::from(is_valid) << (row % 8);
        self.nulls += usize::from(!is_valid);
    }
    fn parts(&self) -> Parts<'_> {
        let mut buffers: Vec<&[u8]> = vec![if self.nulls > 0 { &self.validity } else { &[] }, &self.values];
        if self.width == 0 {
            buffers.push(&self.bytes);
        }
        Parts { nulls: self.nulls, buffers }
    }
}

/// A batch that was lent for one call.
pub struct Batch<'a> {
    raw: *mut RawBatch,
    lent: PhantomData<&'a RawBatch>,
}
impl Batch<'_> {
    pub fn rows(&self) -> usize {
        unsafe { (*self.raw).array.length as usize }
    }
    pub fn schema(&self) -> Schema {
        Schema { raw: unsafe { (*self.raw).schema } }
    }
    /// The number in a row of a column of int64, or a timestamp; None: it is NULL.
    pub fn number(&self, column: usize, row: usize) -> Option<i64> {
        unsafe { self.cell(column, row).map(|(array, at)| *(*array.buffers.add(1)).cast::<i64>().add(at)) }
    }
    /// The number in a row of a column of int32; None: it is NULL.
    pub fn int32(&self, column: usize, row: usize) -> Option<i32> {
        unsafe { self.cell(column, row).map(|(array, at)| *(*array.buffers.add(1)).cast::<i32>().add(at)) }
    }
    /// The text in a row of a column that Schema::utf8 has found; None: it is NULL. The host has checked that it is UTF-8.
    pub fn text(&self, column: usize, row: usize) -> Option<&str> {
        unsafe {
            let (array, at) = self.cell(column, row)?;
            let ends = (*array.buffers.add(1)).cast::<i32>().add(at);
            let (begin, end) = (*ends as usize, *ends.add(1) as usize);
            if begin == end {
                return Some(""); // there need be no bytes at all
            }
            let bytes = (*array.buffers.add(2)).cast::<u8>().add(begin);
            Some(std::str::from_utf8_unchecked(std::slice::from_raw_parts(bytes, end - begin)))
        }
    }
    /// A column, and where the row is in its buffers; None: it is NULL.
    unsafe fn cell(&self, column: usize, row: usize) -> Option<(&ArrowArray, usize)> {
        assert!(row < self.rows());
        let array = &**(*self.raw).array.children.add(column);
        let at = array.offset as usize + row; // offsets are real, and not always a multiple of 8
        let validity = (*array.buffers).cast::<u8>();
        let is_valid = validity.is_null() || *validity.add(at >> 3) >> (at & 7) & 1 != 0;
        is_valid.then_some((array, at))
    }
}

impl Bucket {
    /// The name of the lane: this sink of this pipeline, or a worker of it.
    pub fn lane(&self) -> &[u8] {
        unsafe { std::ffi::CStr::from_ptr(self.lane.cast()).to_bytes() }
    }
    /// The token that must be in the target now; empty: none yet.
    pub fn prev(&self) -> &[u8] {
        unsafe { slice(&self.prev) }
    }
    /// The token to store together with the rows.
    pub fn token(&self) -> &[u8] {
        unsafe { slice(&self.token) }
    }
}

// ---- What a plugin implements ----

/// Every component. Reads its configuration, and does no I/O.
pub trait Component: Sized {
    fn create(ctx: &Ctx) -> Result<Self>;
}
pub trait Source: Component {
    /// `resume` is a position of an earlier emit, or empty.
    fn open(&mut self, ctx: &Ctx, resume: &[u8]) -> Result<()>;
    /// Emits the next batches. OK, END or IDLE.
    fn read(&mut self, ctx: &Ctx, hint: &BucketConfig) -> Result<Status>;
    /// Undoes open.
    fn close(&mut self, _: &Ctx) {}
}
pub trait Transform: Component {
    /// An error where this schema is not for it.
    fn accepts(&self, schema: &Schema) -> Result<()>;
    /// What comes out when this comes in: the same columns, unless it says otherwise.
    fn derive(&mut self, _: &Ctx, schema: &Schema) -> Result<Schema> {
        self.accepts(schema).map(|_| *schema)
    }
    fn process(&mut self, ctx: &Ctx, lent: &Batch) -> Result<()>;
}
pub trait Sink: Component {
    fn open_sink(&mut self, _: &Ctx) -> Result<()> {
        Ok(())
    }
    fn begin(&mut self, ctx: &Ctx, bucket: &Bucket) -> Result<()>;
    fn write(&mut self, ctx: &Ctx, lent: &Batch) -> Result<()>;
    fn commit(&mut self, ctx: &Ctx, bucket: &Bucket) -> Result<()>;
    fn abort(&mut self, ctx: &Ctx, bucket: &Bucket) -> Result<()>;
    fn close_sink(&mut self, _: &Ctx) {}
}
/// A sink that commits rows and token as one: its table is Tables::TRANSACTIONAL, its promise TRANSACTIONAL.
pub trait Transactional: Sink {
    /// The last token that was committed for the lane; empty: none.
    fn recover(&mut self, ctx: &Ctx, lane: &[u8]) -> Result<&[u8]>;
}
pub trait Runner: Component {
    /// `resume` is the last checkpoint of an earlier run, or empty.
    fn run(&mut self, ctx: &Ctx, resume: &[u8]) -> Result<()>;
}
pub trait Hooks: Component {
    fn post_process(&mut self, ctx: &Ctx, outcome: Status) -> Result<()>;
}

// ---- The tables of a type ----

pub unsafe extern "C" fn create<T: Component>(ctx: Context, this: *mut This) -> Status {
    fence(ctx, |ctx| {
        let made = Box::new(T::create(ctx)?);
        *this = Box::into_raw(made).cast();
        Ok(OK)
    })
}
pub unsafe extern "C" fn destroy<T: Component>(this: This) {
    let _ = catch_unwind(AssertUnwindSafe(|| drop(Box::from_raw(this.cast::<T>())))).map_err(std::mem::forget);
}
unsafe fn slice<'a>(bytes: *const Bytes) -> &'a [u8] {
    if bytes.is_null() || (*bytes).size == 0 {
        return &[];
    }
    std::slice::from_raw_parts((*bytes).data, (*bytes).size as usize)
}
fn batch<'a>(raw: *mut RawBatch) -> Batch<'a> {
    Batch { raw, lent: PhantomData }
}
unsafe fn of<'a, T>(this: This) -> &'a mut T {
    &mut *this.cast::<T>()
}

unsafe extern "C" fn source_open<T: Source>(this: This, ctx: Context, resume: *const Bytes) -> Status {
    fence(ctx, |ctx| of::<T>(this).open(ctx, slice(resume)).map(|_| OK))
}
unsafe extern "C" fn source_read<T: Source>(this: This, ctx: Context, hint: *const BucketConfig) -> Status {
    fence(ctx, |ctx| of::<T>(this).read(ctx, &*hint))
}
unsafe extern "C" fn source_close<T: Source>(this: This, ctx: Context) {
    fence(ctx, |ctx| {
        of::<T>(this).close(ctx);
        Ok(OK)
    });
}
unsafe extern "C" fn transform_derive<T: Transform>(
    this: This,
    ctx: Context,
    raw: *const RawSchema,
    out: *mut *const RawSchema,
) -> Status {
    fence(ctx, |ctx| {
        *out = of::<T>(this).derive(ctx, &Schema { raw })?.raw;
        Ok(OK)
    })
}
unsafe extern "C" fn transform_process<T: Transform>(this: This, ctx: Context, lent: *mut RawBatch) -> Status {
    fence(ctx, |ctx| of::<T>(this).process(ctx, &batch(lent)).map(|_| OK))
}
unsafe extern "C" fn sink_open<T: Sink>(this: This, ctx: Context) -> Status {
    fence(ctx, |ctx| of::<T>(this).open_sink(ctx).map(|_| OK))
}
unsafe extern "C" fn sink_recover<T: Transactional>(
    this: This,
    ctx: Context,
    lane: *const u8,
    token: *mut Bytes,
) -> Status {
    fence(ctx, |ctx| {
        let found = of::<T>(this).recover(ctx, std::ffi::CStr::from_ptr(lane.cast()).to_bytes())?;
        *token = Bytes { data: found.as_ptr(), size: found.len() as u64 };
        Ok(OK)
    })
}
unsafe extern "C" fn sink_begin<T: Sink>(this: This, ctx: Context, bucket: *const Bucket) -> Status {
    fence(ctx, |ctx| of::<T>(this).begin(ctx, &*bucket).map(|_| OK))
}
unsafe extern "C" fn sink_write<T: Sink>(this: This, ctx: Context, lent: *mut RawBatch) -> Status {
    fence(ctx, |ctx| of::<T>(this).write(ctx, &batch(lent)).map(|_| OK))
}
unsafe extern "C" fn sink_commit<T: Sink>(this: This, ctx: Context, bucket: *const Bucket) -> Status {
    fence(ctx, |ctx| of::<T>(this).commit(ctx, &*bucket).map(|_| OK))
}
unsafe extern "C" fn sink_abort<T: Sink>(this: This, ctx: Context, bucket: *const Bucket) {
    fence(ctx, |ctx| of::<T>(this).abort(ctx, &*bucket).map(|_| OK));
}
unsafe extern "C" fn sink_close<T: Sink>(this: This, ctx: Context) {
    fence(ctx, |ctx| {
        of::<T>(this).close_sink(ctx);
        Ok(OK)
    });
}
unsafe extern "C" fn runner_run<T: Runner>(
    this: This,
    ctx: Context,
    _: *const BucketConfig,
    resume: *const Bytes,
) -> Status {
    fence(ctx, |ctx| of::<T>(this).run(ctx, slice(resume)).map(|_| OK))
}
unsafe extern "C" fn hooks_post_process<T: Hooks>(this: This, ctx: Context, outcome: Status) -> Status {
    fence(ctx, |ctx| of::<T>(this).post_process(ctx, outcome).map(|_| OK))
}

pub struct Tables<T>(PhantomData<T>);
impl<T: Source> Tables<T> {
    pub const SOURCE: SourceTable = SourceTable {
        struct_size: std::mem::size_of::<SourceTable>() as u32,
        reserved: 0,
        open: Some(source_open::<T>),
        read: source_read::<T>,
        ack: None,
        close: Some(source_close::<T>),
        interrupt: None,
    };
}
impl<T: Transform> Tables<T> {
    pub const TRANSFORM: TransformTable = TransformTable {
        struct_size: std::mem::size_of::<TransformTable>() as u32,
        reserved: 0,
        open: None,
        derive: Some(transform_derive::<T>),
        process: transform_process::<T>,
        flush: None,
        save: None,
        close: None,
        interrupt: None,
    };
}
impl<T: Sink> Tables<T> {
    pub const SINK: SinkTable = SinkTable {
        struct_size: std::mem::size_of::<SinkTable>() as u32,
        reserved: 0,
        open: Some(sink_open::<T>),
        recover: None,
        begin: Some(sink_begin::<T>),
        write: sink_write::<T>,
        commit: Some(sink_commit::<T>),
        abort: Some(sink_abort::<T>),
        close: Some(sink_close::<T>),
        interrupt: None,
    };
}
impl<T: Transactional> Tables<T> {
    pub const TRANSACTIONAL: SinkTable = SinkTable { recover: Some(sink_recover::<T>), ..Self::SINK };
}
impl<T: Runner> Tables<T> {
    pub const RUNNER: RunnerTable = RunnerTable {
        struct_size: std::mem::size_of::<RunnerTable>() as u32,
        reserved: 0,
        run: runner_run::<T>,
        interrupt: None,
    };
}
impl<T: Hooks> Tables<T> {
    pub const HOOKS: HooksTable = HooksTable {
        struct_size: std::mem::size_of::<HooksTable>() as u32,
        reserved: 0,
        pre_process: None,
        post_process: Some(hooks_post_process::<T>),
    };
}

/// A component of type $type without tables; `plugin!` puts them in.
pub const fn no_component<T: Component>() -> ComponentTable {
    ComponentTable {
        struct_size: std::mem::size_of::<ComponentTable>() as u32,
        kind: 0,
        flags: 0,
        id: std::ptr::null(),
        summary: std::ptr::null(),
        docs: std::ptr::null(),
        config_schema: std::ptr::null(),
        example: std::ptr::null(),
        create: create::<T>,
        destroy: destroy::<T>,
        runner: None,
        source: None,
        transform: None,
        sink: None,
        hooks: None,
        extension: None,
    }
}

/// Exports the plugin: its id, version and licence, and its component with the tables that it has.
macro_rules! plugin {
    ($id:literal, $version:literal, $license:literal, $type:ty, $kind:expr, $flags:expr, $component:literal,
     summary: $summary:literal, schema: $schema:literal, example: $example:literal, $($table:ident: $of:expr),+) => {
        static COMPONENT: leat::ComponentTable = leat::ComponentTable {
            kind: $kind,
            flags: $flags,
            id: concat!($component, "\0").as_ptr(),
            summary: concat!($summary, "\0").as_ptr(),
            config_schema: concat!($schema, "\0").as_ptr(),
            example: concat!($example, "\0").as_ptr(),
            $($table: Some(&$of),)+
            ..leat::no_component::<$type>()
        };
        static COMPONENTS: [&leat::ComponentTable; 1] = [&COMPONENT];
        static PLUGIN: leat::PluginTable = leat::PluginTable {
            struct_size: std::mem::size_of::<leat::PluginTable>() as u32,
            abi_minor: 0,
            requires_minor: 0,
            n_components: 1,
            components: COMPONENTS.as_ptr(),
            id: concat!($id, "\0").as_ptr(),
            version: concat!($version, "\0").as_ptr(),
            license: concat!($license, "\0").as_ptr(),
            vendor: std::ptr::null(),
            url: std::ptr::null(),
            summary: std::ptr::null(),
            build: "Rust\0".as_ptr(),
        };
        #[no_mangle]
        pub extern "C" fn leat_plugin_v1() -> *const leat::PluginTable {
            &PLUGIN
        }
    };
}
