package main

// example.parts: a transactional sink that writes every bucket as one part, a directory with a file of NDJSON. leat.go
// has what there is; the rules are in leat/leat.h.
//
// To learn from it: how rows and token become durable together (begin, write, commit, abort, recover), the fence against
// a second writer, several workers in one target, columns of several types and what is not taken of them.
//
// A worker writes a lane, and a lane is a directory. In it there is at any instant:
//
//	PATH/LANE/0000000001/rows.ndjson   a part: the rows of a bucket, a line each; missing when it had none
//	PATH/LANE/0000000001/token         and the token that was committed with them
//	PATH/LANE/0000000002/...           the part after it; the last one has the token that recover gives
//	PATH/LANE/.begun/                  what was begun and is not committed: nobody's, and removed by the next begin
//	PATH/LANE/.lock                    locked from begin to the end of commit or abort; empty
//
// Commit makes both files in .begun durable, and the directory .begun itself; then it renames .begun to the next number,
// and makes that durable. The rename is the commit: before it there is no new part and the old token is the last one,
// behind it rows and token are both there. There is no instant in between, so a process may be killed, and the power may
// fail, whenever they like. When a step fails, the next instance finds by recover on which side of the rename it was.
//
// Two writers of one lane: while one is between begin and commit the other does not get the lock, and later it finds
// another token than it was told. The kernel unlocks for a process that dies.
//
// Parts may be taken away once they are read, but for the last one of a lane: its token is the memory of what is there.

// #include "columns.h"
// #include "host.h"
import "C"

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"unsafe"
)

// ---- Files ----

func failed(ctx *C.leat_ctx, status C.leat_status, what, path string, err error) C.leat_status {
	var number syscall.Errno // without the path, which os says too
	if errors.As(err, &number) {
		err = number
	}
	return fail(ctx, status, "cannot "+what+" "+path+": "+err.Error())
}

// Makes durable which names a directory has.
func syncDirectory(path string) error {
	directory, err := os.Open(path)
	if err != nil {
		return err
	}
	defer directory.Close()
	if err := directory.Sync(); err != nil && !errors.Is(err, syscall.EINVAL) { // EINVAL: it cannot be, here
		return err
	}
	return nil
}

// Makes a directory, durably, unless it is there.
func makeDirectory(path string) error {
	err := os.Mkdir(path, 0o777)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return syncDirectory(filepath.Dir(filepath.Clean(path)))
}

func createNew(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// ---- Cells ----

func floorOf(number, by int64) int64 {
	if number%by < 0 {
		return number/by - 1
	}
	return number / by
}

// Days from 1970-01-01 to the first of January of any year, in the Gregorian calendar.
func firstDayOf(year int64) int64 {
	return 365*year + floorOf(year-1, 4) - floorOf(year-1, 100) + floorOf(year-1, 400) - 719527
}

// How many digits a timestamp has behind the second; -1: it is none.
func digitsOf(format string) int {
	if len(format) < 4 || format[:2] != "ts" || format[3] != ':' {
		return -1
	}
	unit := strings.IndexByte("smun", format[2])
	if unit < 0 {
		return -1
	}
	return unit * 3
}

// As in 2000-10-10T20:55:36.000000Z; the Z only where the column has a zone: then its values are in UTC.
func appendTime(out []byte, value int64, digits int, hasZone bool) []byte {
	perSecond := int64(1)
	for i := 0; i < digits; i++ {
		perSecond *= 10
	}
	seconds := floorOf(value, perSecond)
	fraction := value - seconds*perSecond
	days := floorOf(seconds, 86400)
	ofDay := seconds - days*86400
	year := 1970 + floorOf(days*400, 146097) // at most one too many or too few
	for firstDayOf(year) > days {
		year--
	}
	for firstDayOf(year+1) <= days {
		year++
	}
	february := firstDayOf(year+1) - firstDayOf(year) - 337
	month, day := 1, days-firstDayOf(year)
	for _, length := range []int64{31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30} {
		if day < length {
			break
		}
		day -= length
		month++
	}
	sign := ""
	if year < 0 {
		sign, year = "-", -year
	}
	text := fmt.Sprintf("\"%s%04d-%02d-%02dT%02d:%02d:%02d", sign, year, month, day+1, ofDay/3600, ofDay/60%60, ofDay%60)
	if digits > 0 {
		text += fmt.Sprintf(".%0*d", digits, fraction)
	}
	if hasZone {
		text += "Z"
	}
	return append(append(out, text...), '"')
}

func appendText(out []byte, text []byte) []byte {
	out = append(out, '"')
	for _, byte := range text {
		switch {
		case byte < 0x20:
			out = append(out, fmt.Sprintf("\\u%04X", byte)...)
		case byte == '"' || byte == '\\':
			out = append(out, '\\', byte)
		default:
			out = append(out, byte)
		}
	}
	return append(out, '"')
}

type columnCells struct {
	cells
	name    []byte // as it stands in every row
	format  string
	digits  int
	hasZone bool
}

func (it *columnCells) appendCell(out []byte, row int) []byte {
	switch {
	case it.isNull(row):
		return append(out, "null"...)
	case it.format == "i":
		return strconv.AppendInt(out, int64(it.int32(row)), 10)
	case it.format == "l":
		return strconv.AppendInt(out, it.int64(row), 10)
	case it.format == "u":
		return appendText(out, it.text(row))
	}
	return appendTime(out, it.int64(row), it.digits, it.hasZone)
}

func columnsOf(ctx *C.leat_ctx, lent *C.leat_batch) (out []columnCells, status C.leat_status) {
	schema := lent.schema.arrow
	for i, of := range unsafe.Slice(schema.children, schema.n_children) {
		name, format := C.GoString(of.name), C.GoString(of.format)
		digits := digitsOf(format)
		isPlain := format == "i" || format == "l" || format == "u"
		if (!isPlain && digits < 0) || of.dictionary != nil {
			with := ""
			if of.dictionary != nil {
				with = " with a dictionary"
			}
			return nil, fail(ctx, C.LEAT_ERR_UNSUPPORTED, "column \""+name+"\" has the Arrow type \""+format+"\""+with+
				"; int32, int64, utf8 and timestamps are taken: convert it, or leave it out")
		}
		out = append(out, columnCells{cells: cellsOf(lent, i), name: appendText(nil, []byte(name)), format: format,
			digits: digits, hasZone: len(format) > 4})
	}
	return out, C.LEAT_OK
}

// ---- The sink ----

type parts struct {
	path, lane string // PATH, and PATH/LANE
	last       int64  // number of the last part that is known in the lane; -1: not looked for yet
	lock, rows *os.File
	text       []byte         // rows that are not in the file yet
	token      unsafe.Pointer // what recover has given
}

func (it *parts) begun() string    { return filepath.Join(it.lane, ".begun") }
func (it *parts) rowsFile() string { return filepath.Join(it.begun(), "rows.ndjson") }
func (it *parts) part(number int64) string {
	return filepath.Join(it.lane, fmt.Sprintf("%010d", number))
}

func (it *parts) unlock() {
	for _, file := range []*os.File{it.rows, it.lock} {
		if file != nil {
			file.Close()
		}
	}
	it.rows, it.lock = nil, nil
}
func (it *parts) forget() {
	C.free(it.token)
	it.token = nil
}

//export goCreate
func goCreate(ctx *C.leat_ctx, made *C.uintptr_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		*made = keep(&parts{path: text(ctx, "/path"), last: -1})
		return C.LEAT_OK
	})
}

//export goOpen
func goOpen(self C.uintptr_t, ctx *C.leat_ctx) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*parts)
		err := makeDirectory(it.path)
		if about, missing := os.Stat(it.path); err == nil && missing == nil && !about.IsDir() {
			err = syscall.ENOTDIR
		}
		if err != nil {
			return failed(ctx, C.LEAT_ERR_CONFIG, "make the directory", it.path, err)
		}
		return C.LEAT_OK
	})
}

//export goClose
func goClose(self C.uintptr_t, ctx *C.leat_ctx) {
	fence(ctx, func() C.leat_status {
		it := kept(self).(*parts)
		it.unlock()
		it.forget()
		return C.LEAT_OK
	})
}

// A name of any bytes becomes one of a directory; two names never become the same, nor one that begins with a dot.
func (it *parts) enter(ctx *C.leat_ctx, lane *C.char) C.leat_status {
	name := ""
	for _, byte := range []byte(C.GoString(lane)) {
		isPlain := (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z') ||
			byte == '_' || byte == '-' || (byte == '.' && name != "")
		if isPlain {
			name += string(rune(byte))
		} else {
			name += fmt.Sprintf("%%%02X", byte)
		}
	}
	if len(name) > 252 {
		return fail(ctx, C.LEAT_ERR_CONFIG,
			"the name of the lane is too long for a directory: give the pipeline a shorter one")
	}
	if name == "" {
		name = "%" // which is the name of none
	}
	whole := filepath.Join(it.path, name)
	if whole != it.lane {
		it.last = -1
	}
	it.lane = whole
	return C.LEAT_OK
}

// Finds the last part: by looking through the directory once, and then for those that came after it.
func (it *parts) findLast() error {
	last := it.last
	if last < 0 {
		last = 0
		entries, err := os.ReadDir(it.lane)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		for _, entry := range entries {
			if number, err := strconv.ParseUint(entry.Name(), 10, 63); err == nil && int64(number) > last {
				last = int64(number)
			}
		}
	}
	for {
		if _, err := os.Stat(it.part(last + 1)); err != nil {
			break
		}
		last++
	}
	it.last = last
	return nil
}

// Without a part it is empty.
func (it *parts) lastToken(ctx *C.leat_ctx) ([]byte, C.leat_status) {
	if err := it.findLast(); err != nil {
		return nil, failed(ctx, C.LEAT_ERR_RETRY, "read", it.lane, err)
	}
	if it.last == 0 {
		return nil, C.LEAT_OK
	}
	path := filepath.Join(it.part(it.last), "token")
	token, err := os.ReadFile(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, failed(ctx, C.LEAT_ERR_FATAL, "open", path, err)
	case err != nil:
		return nil, failed(ctx, C.LEAT_ERR_RETRY, "open", path, err)
	}
	return token, C.LEAT_OK
}

//export goRecover
func goRecover(self C.uintptr_t, ctx *C.leat_ctx, lane *C.char, out *C.leat_bytes) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*parts)
		if status := it.enter(ctx, lane); status != C.LEAT_OK {
			return status
		}
		token, status := it.lastToken(ctx)
		if status != C.LEAT_OK {
			return status
		}
		it.forget()
		it.token = C.CBytes(token) // the host keeps no pointers into Go
		out.data, out.size = it.token, C.uint64_t(len(token))
		return C.LEAT_OK
	})
}

func (it *parts) beginLocked(ctx *C.leat_ctx, bucket *C.leat_bucket) C.leat_status {
	token, status := it.lastToken(ctx)
	if status != C.LEAT_OK {
		return status
	}
	if !bytes.Equal(token, bytesGiven(&bucket.prev)) {
		return fail(ctx, C.LEAT_ERR_FATAL, "fenced: the last part in "+it.lane+" is not the one that is due: another host "+
			"writes this lane, or parts were taken away")
	}
	if err := os.RemoveAll(it.begun()); err != nil {
		return failed(ctx, C.LEAT_ERR_RETRY, "remove", it.begun(), err)
	}
	if err := os.Mkdir(it.begun(), 0o777); err != nil {
		return failed(ctx, C.LEAT_ERR_RETRY, "make", it.begun(), err)
	}
	return C.LEAT_OK
}

func (it *parts) begin(ctx *C.leat_ctx, bucket *C.leat_bucket) C.leat_status {
	if status := it.enter(ctx, bucket.lane); status != C.LEAT_OK {
		return status
	}
	if err := makeDirectory(it.lane); err != nil {
		return failed(ctx, C.LEAT_ERR_RETRY, "make", it.lane, err)
	}
	path := filepath.Join(it.lane, ".lock")
	lock, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return failed(ctx, C.LEAT_ERR_RETRY, "open", path, err)
	}
	it.lock = lock
	switch err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return fail(ctx, C.LEAT_ERR_FATAL, "fenced: another writer has begun a part in "+it.lane)
	case err != nil:
		return failed(ctx, C.LEAT_ERR_RETRY, "lock", path, err)
	}
	return it.beginLocked(ctx, bucket)
}

//export goBegin
func goBegin(self C.uintptr_t, ctx *C.leat_ctx, bucket *C.leat_bucket) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*parts)
		it.unlock()
		it.text = it.text[:0]
		status := it.begin(ctx, bucket)
		if status != C.LEAT_OK {
			it.unlock()
		}
		return status
	})
}

func (it *parts) flush(ctx *C.leat_ctx, otherwise C.leat_status) C.leat_status {
	var err error
	if it.rows == nil {
		it.rows, err = createNew(it.rowsFile())
	}
	if err == nil {
		_, err = it.rows.Write(it.text)
	}
	if err != nil {
		return failed(ctx, otherwise, "write", it.rowsFile(), err)
	}
	it.text = it.text[:0]
	return C.LEAT_OK
}

//export goWrite
func goWrite(self C.uintptr_t, ctx *C.leat_ctx, lent *C.leat_batch) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*parts)
		columns, status := columnsOf(ctx, lent)
		if status != C.LEAT_OK {
			return status
		}
		for row := 0; row < int(lent.array.length); row++ {
			it.text = append(it.text, '{')
			for i := range columns {
				if i > 0 {
					it.text = append(it.text, ',')
				}
				it.text = append(append(it.text, columns[i].name...), ':')
				it.text = columns[i].appendCell(it.text, row)
			}
			it.text = append(it.text, "}\n"...)
			if len(it.text) >= 1<<16 {
				if status := it.flush(ctx, C.LEAT_ERR_RETRY); status != C.LEAT_OK {
					return status
				}
			}
		}
		return C.LEAT_OK
	})
}

func (it *parts) writeToken(token []byte) error {
	file, err := createNew(filepath.Join(it.begun(), "token"))
	if err != nil {
		return err
	}
	defer file.Close()
	if _, err := file.Write(token); err != nil {
		return err
	}
	return file.Sync()
}

// Any failure is BROKEN: what a file holds whose fsync has failed is not known, and behind a rename that was not made
// durable neither is that. A new instance asks recover, and the bucket is written anew if it must.
//
//export goCommit
func goCommit(self C.uintptr_t, ctx *C.leat_ctx, bucket *C.leat_bucket) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*parts)
		broken := func(what, path string, err error) C.leat_status {
			return failed(ctx, C.LEAT_ERR_BROKEN, what, path, err)
		}
		if len(it.text) > 0 {
			if status := it.flush(ctx, C.LEAT_ERR_BROKEN); status != C.LEAT_OK {
				return status
			}
		}
		if it.rows != nil {
			if err := it.rows.Sync(); err != nil {
				return broken("sync", it.rowsFile(), err)
			}
		}
		if err := it.writeToken(bytesGiven(&bucket.token)); err != nil {
			return broken("write the token in", it.begun(), err)
		}
		if err := syncDirectory(it.begun()); err != nil {
			return broken("sync", it.begun(), err)
		}
		if err := os.Rename(it.begun(), it.part(it.last+1)); err != nil {
			return broken("rename .begun to", it.part(it.last+1), err)
		}
		if err := syncDirectory(it.lane); err != nil {
			return broken("sync", it.lane, err)
		}
		it.last++
		it.unlock()
		return C.LEAT_OK
	})
}

// What cannot be removed here is removed by the next begin.
//
//export goAbort
func goAbort(self C.uintptr_t, ctx *C.leat_ctx) {
	fence(ctx, func() C.leat_status {
		it := kept(self).(*parts)
		it.text = it.text[:0]
		if it.lock != nil {
			os.RemoveAll(it.begun()) // it is ours only as long as the lock is
		}
		it.unlock()
		return C.LEAT_OK
	})
}
