package main

// example.lines: a source that reads the lines of a text file. leat.go has what there is; the rules are in leat/leat.h.
//
// To learn from it: positions, and what is refused as one; records that never become rows (rejectRaw); batches of
// several columns; memory that runs out; progress; stops.
//
// A line ends with a line feed, or where the file ends; one carriage return in front of the line feed is not part of it.
// What is not UTF-8, or longer than 1 MiB, is rejected with its place.
//
// A position is "BYTES:LINES": where the next line begins, and how many are in front of it. So a run that was
// interrupted numbers its lines as if it had not been, and one that finds the file grown reads what is new.

// #include "columns.h"
// #include "host.h"
// static const rows_field fields[] = {{"line", "l", 0}, {"text", "u", 0}};
// static inline int open_rows(rows* out, leat_ctx* ctx) { return rows_open(out, ctx, fields, 2); }
import "C"

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	longestLine   = 1 << 20
	keptOfLonger  = 1024    // bytes of a line that is too long, for its dead letter
	textOfABatch  = 1 << 20 // bytes; a batch is complete when it has so many
	windowSize    = longestLine + 2 + 1<<16
	notMyPosition = "the position is not one of mine (BYTES:LINES): begin again with --fresh"
)

// Where the next line begins, and how many are in front of it.
type position struct{ bytes, lines int64 }

func (it position) String() string { return fmt.Sprintf("%d:%d", it.bytes, it.lines) }

func parsePosition(text string) (out position, ok bool) {
	first, second, _ := strings.Cut(text, ":")
	var errors [2]error
	out.bytes, errors[0] = strconv.ParseInt(first, 10, 64)
	out.lines, errors[1] = strconv.ParseInt(second, 10, 64)
	// Every line has a byte, be it its line feed; and it must be written as we write it.
	ok = errors[0] == nil && errors[1] == nil && out.lines >= 0 && out.lines <= out.bytes &&
		(out.lines == 0) == (out.bytes == 0) && out.String() == text
	return out, ok
}

type lines struct {
	path       string
	batchRows  int64
	file       *os.File
	out        *C.rows  // by itself: C gets pointers to it, and nothing beside it may be Go's
	next, told position // told: the last that went out with a batch
	window     []byte   // bytes of the file from next on, as far as they were read
	memory     []byte   // what window lies in
}

func (it *lines) fail(ctx *C.leat_ctx, status C.leat_status, what string, err error) C.leat_status {
	if of, is := err.(*os.PathError); is {
		err = of.Err
	}
	return fail(ctx, status, what+" "+it.path+": "+err.Error())
}

//export goCreate
func goCreate(ctx *C.leat_ctx, made *C.uintptr_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		*made = keep(&lines{out: new(C.rows), path: text(ctx, "/path"), batchRows: integer(ctx, "/batch_rows")})
		return C.LEAT_OK
	})
}

// Whether a line can begin at a position, for the file may be another one by now.
func (it *lines) check(ctx *C.leat_ctx, file *os.File, at, size int64) C.leat_status {
	if at > size {
		return fail(ctx, C.LEAT_ERR_CONFIG, fmt.Sprintf("%s has %d bytes, and the position is at byte %d: it is another "+
			"file, or was cut; begin again with --fresh", it.path, size, at))
	}
	before := []byte{'\n'}
	if at > 0 && at < size { // at the end there need not be one: the last line may be without
		if _, err := file.ReadAt(before, at-1); err != nil {
			return it.fail(ctx, C.LEAT_ERR_RETRY, "cannot read", err)
		}
	}
	if before[0] != '\n' {
		return fail(ctx, C.LEAT_ERR_CONFIG, fmt.Sprintf("%s has no line feed in front of the position, byte %d: it is "+
			"another file, or its last line went on; begin again with --fresh", it.path, at))
	}
	return C.LEAT_OK
}

// resume is a position that goRead has given, or empty.
//
//export goOpen
func goOpen(self C.uintptr_t, ctx *C.leat_ctx, resume *C.leat_bytes) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		next := position{}
		if given := string(bytesGiven(resume)); given != "" {
			parsed, ok := parsePosition(given)
			if !ok {
				return fail(ctx, C.LEAT_ERR_CONFIG, notMyPosition)
			}
			next = parsed
		}
		about, err := os.Stat(it.path)
		if err != nil {
			return it.fail(ctx, C.LEAT_ERR_CONFIG, "cannot open", err)
		}
		if !about.Mode().IsRegular() { // before it is opened: a pipe without a writer would block that
			return fail(ctx, C.LEAT_ERR_CONFIG, it.path+" is not a regular file: there are no positions in it")
		}
		file, err := os.Open(it.path)
		if err != nil {
			return it.fail(ctx, C.LEAT_ERR_CONFIG, "cannot open", err)
		}
		status := it.check(ctx, file, next.bytes, about.Size())
		if status == C.LEAT_OK && C.open_rows(it.out, ctx) == 0 {
			status = C.LEAT_ERR_RETRY
		}
		if status != C.LEAT_OK {
			file.Close() // goClose only follows an open that went well
			return status
		}
		it.file, it.next, it.told = file, next, next
		it.memory = make([]byte, windowSize)
		it.window = it.memory[:0]
		gauge(ctx, "progress", "bytes", float64(next.bytes))
		gauge(ctx, "progress_total", "bytes", float64(about.Size()))
		return C.LEAT_OK
	})
}

//export goClose
func goClose(self C.uintptr_t, ctx *C.leat_ctx) {
	fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		C.rows_drop(it.out, ctx)
		it.file.Close()
		it.memory, it.window = nil, nil
		return C.LEAT_OK
	})
}

// Reads more into the window; false: that was the end of the file, or a failure.
func (it *lines) fill(ctx *C.leat_ctx) (bool, C.leat_status) {
	have := copy(it.memory, it.window)
	n, err := it.file.ReadAt(it.memory[have:], it.next.bytes+int64(have))
	it.window = it.memory[:have+n]
	if err != nil && err != io.EOF {
		return false, it.fail(ctx, C.LEAT_ERR_RETRY, "cannot read", err)
	}
	return n > 0, C.LEAT_OK
}

// The next line with its line feed; empty: there is none; longer than longestLine + 2: it may not be all of it.
func (it *lines) find(ctx *C.leat_ctx) ([]byte, C.leat_status) {
	for seen := 0; ; {
		if feed := bytes.IndexByte(it.window[seen:], '\n'); feed >= 0 {
			return it.window[:seen+feed+1], C.LEAT_OK
		}
		if seen = len(it.window); seen > longestLine+2 {
			return it.window, C.LEAT_OK
		}
		if more, status := it.fill(ctx); status != C.LEAT_OK || !more {
			return it.window, status
		}
	}
}

func (it *lines) advance(size int) {
	it.window = it.window[size:]
	it.next.bytes += int64(size)
}

func (it *lines) reject(ctx *C.leat_ctx, record []byte, what string) C.leat_status {
	return rejectRaw(ctx, record, fmt.Sprintf("%s:%d: %s", it.path, it.next.lines+1, what))
}

// Goes to the end of a line that is too long for the window, and holds no more of it than that.
func (it *lines) rejectLonger(ctx *C.leat_ctx) C.leat_status {
	record := append([]byte(nil), it.window[:keptOfLonger]...)
	length, last := 0, byte(0)
	for ended := false; !ended; {
		if C.host_stop_state(ctx) == C.LEAT_STOP {
			return C.LEAT_ERR_CANCELLED
		}
		some, feed := it.window, bytes.IndexByte(it.window, '\n')
		if feed >= 0 {
			some = it.window[:feed]
		}
		if len(some) > 0 {
			last = some[len(some)-1]
		}
		length += len(some)
		it.advance(len(some))
		if feed >= 0 {
			it.advance(1)
			if last == '\r' {
				length--
			}
			break
		}
		more, status := it.fill(ctx)
		if status != C.LEAT_OK {
			return status
		}
		ended = !more
	}
	status := it.reject(ctx, record, fmt.Sprintf("a line of %d bytes; at most %d are taken, and the first %d are kept here",
		length, longestLine, keptOfLonger))
	it.next.lines++
	return status
}

func validUpTo(text []byte) int {
	at := 0
	for at < len(text) {
		char, size := utf8.DecodeRune(text[at:])
		if char == utf8.RuneError && size == 1 {
			break
		}
		at += size
	}
	return at
}

type taken int

const (
	takenRow taken = iota
	takenReject
	takenLater
	takenNone
)

// Takes the next line, or rejects it. A line that is rejected is a read of its own, so that a read that has rejected
// something never fails for want of memory: it would be repeated, and the line be rejected twice.
func (it *lines) take(ctx *C.leat_ctx) (taken, C.leat_status) {
	line, status := it.find(ctx)
	if status != C.LEAT_OK || len(line) == 0 {
		return takenNone, status
	}
	text := line
	if text[len(text)-1] == '\n' {
		text = bytes.TrimSuffix(text[:len(text)-1], []byte{'\r'})
	}
	isLong := len(text) > longestLine
	if !isLong && utf8.Valid(text) {
		if !putInt(it.out, ctx, 0, it.next.lines+1) || !putText(it.out, ctx, 1, text) {
			return takenNone, C.LEAT_ERR_RETRY
		}
		C.rows_end(it.out)
		it.advance(len(line))
		it.next.lines++
		return takenRow, C.LEAT_OK
	}
	if it.out.n > 0 {
		return takenLater, C.LEAT_OK // the rows in front of it go first
	}
	if isLong {
		return takenReject, it.rejectLonger(ctx)
	}
	at := validUpTo(text)
	status = it.reject(ctx, text, fmt.Sprintf("not UTF-8: byte %d of the line is 0x%02X", at+1, text[at]))
	it.advance(len(line))
	it.next.lines++
	return takenReject, status
}

func (it *lines) readBatch(ctx *C.leat_ctx, most int64) C.leat_status {
	how, status := takenRow, C.leat_status(C.LEAT_OK)
	for how == takenRow && int64(it.out.n) < most && it.out.columns[1].bytes.size < textOfABatch {
		if how, status = it.take(ctx); status != C.LEAT_OK {
			return status
		}
	}
	if how == takenReject {
		return C.LEAT_OK
	}
	if how == takenNone && it.next == it.told {
		return C.LEAT_END
	}
	// Also without rows: then it is behind the lines at the end that were rejected.
	if status := emitRows(it.out, ctx, it.next.String()); status != C.LEAT_OK {
		return status
	}
	it.told = it.next
	gauge(ctx, "progress", "bytes", float64(it.next.bytes))
	if how == takenNone {
		return C.LEAT_END
	}
	return C.LEAT_OK
}

//export goRead
func goRead(self C.uintptr_t, ctx *C.leat_ctx, maxRows C.uint64_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		most := it.batchRows
		if maxRows > 0 && uint64(maxRows) < uint64(most) {
			most = int64(maxRows)
		}
		if C.host_stop_state(ctx) == C.LEAT_STOP {
			return C.LEAT_ERR_CANCELLED
		}
		before := it.next
		status := it.readBatch(ctx, most)
		if status < 0 { // nothing has happened: the same call may come again
			C.rows_drop(it.out, ctx)
			it.next = before
			it.window = it.memory[:0]
		}
		return status
	})
}
