package main

// example.access-log: a transform that takes lines of a web server's log apart, in the Common Log Format:
//
//	127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /apache_pb.gif HTTP/1.0" 200 2326
//
// To learn from it: what comes out has another schema than what comes in (derive); texts, NULLs and timestamps; rows that
// are rejected with what was expected, and where. leat.go has what there is; the rules are in leat/leat.h.
//
// "-" is NULL for user and bytes. A path is passed on as it stands in the log, with its backslashes.

// #include "columns.h"
// #include "host.h"
// static const rows_field fields[] = {{"host", "u", 0},
//                                     {"user", "u", ARROW_FLAG_NULLABLE},
//                                     {"time", "tsu:UTC", 0},
//                                     {"method", "u", 0},
//                                     {"path", "u", 0},
//                                     {"status", "i", 0},
//                                     {"bytes", "l", ARROW_FLAG_NULLABLE}};
// static inline int open_rows(rows* out, leat_ctx* ctx) { return rows_open(out, ctx, fields, 7); }
// static inline const leat_schema* make_schema(leat_ctx* ctx) { return rows_make_schema(ctx, fields, 7); }
import "C"

import (
	"fmt"
	"strings"
)

// ---- One line ----

type entry struct {
	host, user, method, path []byte
	time, status, bytes      int64 // bytes: -1 is "-"
}

// Where the parser is. Once something is not as expected it stays there, and all that follows does nothing.
type parser struct {
	line     []byte
	at       int
	expected string // empty: all was well so far
}

func (it *parser) expect(holds bool, what string, where int) {
	if it.expected == "" && !holds {
		it.expected, it.at = what, where
	}
}
func (it *parser) more() bool            { return it.expected == "" && it.at < len(it.line) }
func (it *parser) isNext(byte byte) bool { return it.more() && it.line[it.at] == byte }
func (it *parser) skip(byte byte, what string) {
	isThere := it.isNext(byte)
	it.expect(isThere, what, it.at)
	if isThere {
		it.at++
	}
}
func (it *parser) space() { it.skip(' ', "a space") }

func (it *parser) run(what string, fits func(byte) bool) []byte {
	begin := it.at
	for it.more() && fits(it.line[it.at]) {
		it.at++
	}
	it.expect(it.at > begin, what, begin)
	return it.line[begin:it.at]
}
func (it *parser) word(what string) []byte {
	return it.run(what, func(byte byte) bool { return byte != ' ' })
}

// Up to a space, or a quote that has no backslash in front of it.
func (it *parser) quotedWord(what string) []byte {
	begin := it.at
	for it.more() && it.line[it.at] != ' ' && it.line[it.at] != '"' {
		if it.line[it.at] == '\\' && it.at+1 < len(it.line) {
			it.at++
		}
		it.at++
	}
	it.expect(it.at > begin, what, begin)
	return it.line[begin:it.at]
}

func isDigit(byte byte) bool { return byte >= '0' && byte <= '9' }

// A number of exactly `digits` digits, from least to most.
func (it *parser) number(digits int, least, most int64, what string) int64 {
	begin, out := it.at, int64(0)
	for it.more() && it.at-begin < digits && isDigit(it.line[it.at]) {
		out = out*10 + int64(it.line[it.at]-'0')
		it.at++
	}
	it.expect(it.at-begin == digits && out >= least && out <= most, what, begin)
	return out
}
func (it *parser) bytes() int64 {
	digits := 0
	for it.at+digits < len(it.line) && digits < 18 && isDigit(it.line[it.at+digits]) {
		digits++
	}
	if digits == 0 {
		digits = 1
	}
	return it.number(digits, 0, 1<<62, "a number of bytes, or \"-\"")
}
func (it *parser) month() int64 {
	if it.more() && len(it.line)-it.at >= 3 {
		name := string(it.line[it.at : it.at+3])
		if found := strings.Index("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec", name); found%4 == 0 {
			it.at += 3
			return int64(found/4) + 1
		}
	}
	it.expect(false, "a month, as in Oct", it.at)
	return 1
}

func daysIn(year, month int64) int64 {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if (year%4 == 0 && year%100 != 0) || year%400 == 0 {
			return 29
		}
		return 28
	}
	return 31
}

// Days from 1970-01-01 in the Gregorian calendar; the year is not negative.
func daysOf(year, month, day int64) int64 {
	days := year*365 + day - 1 - 719528
	if last := year - 1; last >= 0 {
		days += last/4 - last/100 + last/400 + 1 // leap days of the years before; the year 0 has one itself
	}
	for before := int64(1); before < month; before++ {
		days += daysIn(year, before)
	}
	return days
}

// As in 10/Oct/2000:13:55:36 -0700; microseconds since 1970 in UTC.
func (it *parser) timestamp() int64 {
	begin := it.at
	day := it.number(2, 1, 31, "a day, 01 to 31")
	it.skip('/', "\"/\"")
	month := it.month()
	it.skip('/', "\"/\"")
	year := it.number(4, 0, 9999, "a year of four digits")
	it.expect(day <= daysIn(year, month), "a day that the month has", begin)
	it.skip(':', "\":\"")
	hour := it.number(2, 0, 23, "an hour, 00 to 23")
	it.skip(':', "\":\"")
	minute := it.number(2, 0, 59, "a minute, 00 to 59")
	it.skip(':', "\":\"")
	second := it.number(2, 0, 59, "a second, 00 to 59")
	it.space()
	sign := int64(60)
	if it.isNext('-') {
		sign = -60
		it.at++
	} else {
		it.skip('+', "\"+\" or \"-\"")
	}
	zoneHours := it.number(2, 0, 23, "hours of a zone, 00 to 23")
	zoneMinutes := it.number(2, 0, 59, "minutes of a zone, 00 to 59")
	if it.expected != "" {
		return 0
	}
	zone := (zoneHours*60 + zoneMinutes) * sign
	return (daysOf(year, month, day)*86400 + hour*3600 + minute*60 + second - zone) * 1000000
}

func (it *parser) parse() (out entry) {
	out.host = it.word("a host")
	it.space()
	it.word("an identity, or \"-\"")
	it.space()
	out.user = it.word("a user, or \"-\"")
	it.space()
	it.skip('[', "\"[\"")
	out.time = it.timestamp()
	it.skip(']', "\"]\"")
	it.space()
	it.skip('"', "a quote")
	out.method = it.run("a method, as in GET", func(byte byte) bool { return byte >= 'A' && byte <= 'Z' })
	it.space()
	out.path = it.quotedWord("a path")
	if it.isNext(' ') { // HTTP/0.9 has no version
		it.space()
		it.quotedWord("a version, as in HTTP/1.1")
	}
	it.skip('"', "a quote")
	it.space()
	out.status = it.number(3, 100, 999, "a status of three digits")
	it.space()
	out.bytes = -1
	if it.isNext('-') {
		it.at++
	} else {
		out.bytes = it.bytes()
	}
	it.expect(it.at == len(it.line), "the end of the line", it.at)
	return out
}

// ---- Batches ----

type accessLog struct {
	column string
	out    *C.rows // by itself: C gets pointers to it, and nothing beside it may be Go's
}

//export goCreate
func goCreate(ctx *C.leat_ctx, made *C.uintptr_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		*made = keep(&accessLog{out: new(C.rows), column: text(ctx, "/column")})
		return C.LEAT_OK
	})
}

func (it *accessLog) find(ctx *C.leat_ctx, schema *C.leat_schema) (int, C.leat_status) {
	found := textColumn(schema, it.column)
	if found < 0 {
		return found, fail(ctx, C.LEAT_ERR_CONFIG, "there is no utf8 column \""+it.column+"\": set `column`")
	}
	return found, C.LEAT_OK
}

// What comes out does not depend on what comes in, but for the column that must be there.
//
//export goDerive
func goDerive(self C.uintptr_t, ctx *C.leat_ctx, in *C.leat_schema, out **C.leat_schema) C.leat_status {
	return fence(ctx, func() C.leat_status {
		if _, status := kept(self).(*accessLog).find(ctx, in); status != C.LEAT_OK {
			return status
		}
		if *out = C.make_schema(ctx); *out == nil {
			return C.LEAT_ERR_RETRY
		}
		return C.LEAT_OK
	})
}

func (it *accessLog) add(ctx *C.leat_ctx, row *entry) C.leat_status {
	out := it.out
	done := putText(out, ctx, 0, row.host)
	if string(row.user) == "-" {
		done = done && putNull(out, ctx, 1)
	} else {
		done = done && putText(out, ctx, 1, row.user)
	}
	done = done && putInt(out, ctx, 2, row.time) && putText(out, ctx, 3, row.method) &&
		putText(out, ctx, 4, row.path) && putInt(out, ctx, 5, row.status)
	if row.bytes < 0 {
		done = done && putNull(out, ctx, 6)
	} else {
		done = done && putInt(out, ctx, 6, row.bytes)
	}
	if !done {
		return C.LEAT_ERR_RETRY
	}
	C.rows_end(out)
	return C.LEAT_OK
}

func (it *accessLog) processRow(ctx *C.leat_ctx, lines cells, row int) C.leat_status {
	if lines.isNull(row) {
		return rejectRow(ctx, row, "not a line of a log: it is NULL")
	}
	line := parser{line: lines.text(row)}
	parsed := line.parse()
	if line.expected == "" {
		return it.add(ctx, &parsed)
	}
	return rejectRow(ctx, row, fmt.Sprintf("not a line of a log: expected %s at byte %d", line.expected, line.at+1))
}

func (it *accessLog) processAll(ctx *C.leat_ctx, lent *C.leat_batch) C.leat_status {
	column, status := it.find(ctx, lent.schema)
	if status != C.LEAT_OK {
		return status
	}
	if it.out.schema == nil && C.open_rows(it.out, ctx) == 0 {
		return C.LEAT_ERR_RETRY
	}
	lines := cellsOf(lent, column)
	for row := 0; row < int(lent.array.length); row++ {
		if status := it.processRow(ctx, lines, row); status != C.LEAT_OK {
			return status
		}
	}
	if it.out.n == 0 {
		return C.LEAT_OK
	}
	return emitRows(it.out, ctx, "")
}

//export goProcess
func goProcess(self C.uintptr_t, ctx *C.leat_ctx, lent *C.leat_batch) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*accessLog)
		status := it.processAll(ctx, lent)
		if status != C.LEAT_OK { // what this call has rejected and emitted counts only if it returns LEAT_OK
			C.rows_drop(it.out, ctx)
		}
		return status
	})
}
