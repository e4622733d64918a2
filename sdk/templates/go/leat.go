package main

// leat.go: leat.h for Go. An instance is kept by its handle; nothing panics into the host.

// #cgo CFLAGS: -std=gnu11 -I${SRCDIR}/include
// #include "columns.h"
// #include "host.h"
import "C"

import (
	"fmt"
	"runtime/cgo"
	"unsafe"
)

func main() {}

// Is called before anything else, so that the runtime is up.
//
//export goReady
func goReady() {}

func bytesOf(text string) (*C.char, C.uint64_t) {
	bytes := append([]byte(text), 0)
	return (*C.char)(unsafe.Pointer(&bytes[0])), C.uint64_t(len(text))
}

// Says why a call fails, and returns the status.
func fail(ctx *C.leat_ctx, status C.leat_status, text string) C.leat_status {
	bytes, size := bytesOf(text)
	return C.host_fail(ctx, status, bytes, size)
}

func fence(ctx *C.leat_ctx, body func() C.leat_status) (status C.leat_status) {
	defer func() {
		if why := recover(); why != nil {
			status = fail(ctx, C.LEAT_ERR_FATAL, fmt.Sprint("panicked: ", why))
		}
	}()
	return body()
}

// A key of the configuration, as in "/count". The host has checked it, and has filled in the default.
func integer(ctx *C.leat_ctx, pointer string) int64 {
	bytes, size := bytesOf(pointer)
	return int64(C.host_config(ctx, bytes, size).i)
}

func text(ctx *C.leat_ctx, pointer string) string {
	bytes, size := bytesOf(pointer)
	value := C.host_config(ctx, bytes, size)
	return C.GoStringN(value.s, C.int(value.size))
}

// A line in the log, with one field.
func info(ctx *C.leat_ctx, line string, key string, number int64) {
	bytes, size := bytesOf(line)
	name, _ := bytesOf(key)
	C.host_info(ctx, bytes, size, name, C.int64_t(number))
}

func bytesGiven(given *C.leat_bytes) []byte {
	return C.GoBytes(given.data, C.int(given.size))
}

// Which column of a batch has this name, and is an int64; -1: none.
func column(schema *C.leat_schema, name string) C.int64_t {
	bytes, _ := bytesOf(name)
	return C.numbers_column(schema, bytes)
}

// A gauge; the host knows "progress" and "progress_total".
func gauge(ctx *C.leat_ctx, name string, unit string, value float64) {
	of, _ := bytesOf(name)
	in, _ := bytesOf(unit)
	C.host_gauge(ctx, of, in, C.double(value))
}

// Makes a dead letter of a row of the batch that is lent.
func rejectRow(ctx *C.leat_ctx, row int, why string) C.leat_status {
	bytes, size := bytesOf(why)
	return C.host_reject_row(ctx, C.int64_t(row), bytes, size)
}

// Makes a dead letter of what never became a row. why begins with the place.
func rejectRaw(ctx *C.leat_ctx, record []byte, why string) C.leat_status {
	bytes, size := bytesOf(why)
	return C.host_reject_raw(ctx, addressOf(record), C.uint64_t(len(record)), bytes, size)
}

func addressOf(bytes []byte) unsafe.Pointer {
	if len(bytes) == 0 {
		return nil
	}
	return unsafe.Pointer(&bytes[0])
}

// Which column of a batch has this name, and is a text; -1: none.
func textColumn(schema *C.leat_schema, name string) int {
	bytes, _ := bytesOf(name)
	return int(C.texts_column(schema, bytes))
}

// A column of a batch that was lent: good for the call. NULLs and rows count from the first row of the batch.
type cells struct {
	array    *C.struct_ArrowArray
	validity []byte
}

func cellsOf(lent *C.leat_batch, column int) cells {
	array := unsafe.Slice(lent.array.children, lent.array.n_children)[column]
	out := cells{array: array}
	if validity := out.buffer(0); validity != nil {
		out.validity = unsafe.Slice((*byte)(validity), (array.offset+array.length+7)/8)
	}
	return out
}
func (it cells) buffer(i int) unsafe.Pointer {
	return unsafe.Slice(it.array.buffers, it.array.n_buffers)[i]
}
func (it cells) end() C.int64_t { return it.array.offset + it.array.length }

func (it cells) isNull(row int) bool {
	at := int(it.array.offset) + row
	return it.validity != nil && it.validity[at>>3]>>(at&7)&1 == 0
}
func (it cells) int32(row int) int32 {
	return unsafe.Slice((*int32)(it.buffer(1)), it.end())[int(it.array.offset)+row]
}

// An int64, or a timestamp.
func (it cells) int64(row int) int64 {
	return unsafe.Slice((*int64)(it.buffer(1)), it.end())[int(it.array.offset)+row]
}
func (it cells) text(row int) []byte {
	ends := unsafe.Slice((*int32)(it.buffer(1)), it.end()+1)[int(it.array.offset)+row:]
	if ends[0] == ends[1] {
		return nil // there need be no bytes at all
	}
	return unsafe.Slice((*byte)(it.buffer(2)), ends[1])[ends[0]:]
}

// Cells of rows that are built with columns.h; false: there is no memory.
func putInt(out *C.rows, ctx *C.leat_ctx, column int, value int64) bool {
	return C.rows_int(out, ctx, C.int64_t(column), C.int64_t(value)) != 0
}
func putText(out *C.rows, ctx *C.leat_ctx, column int, text []byte) bool {
	return C.rows_text(out, ctx, C.int64_t(column), addressOf(text), C.uint64_t(len(text))) != 0
}
func putNull(out *C.rows, ctx *C.leat_ctx, column int) bool {
	return C.rows_null(out, ctx, C.int64_t(column)) != 0
}

// Emits the rows, and is empty then. position: "open with this and you get what came after it".
func emitRows(out *C.rows, ctx *C.leat_ctx, position string) C.leat_status {
	bytes := C.CString(position)
	defer C.free(unsafe.Pointer(bytes))
	return C.rows_emit(out, ctx, C.leat_bytes{data: unsafe.Pointer(bytes), size: C.uint64_t(len(position))})
}

func keep(self interface{}) C.uintptr_t { return C.uintptr_t(cgo.NewHandle(self)) }
func kept(self C.uintptr_t) interface{} { return cgo.Handle(self).Value() }

//export goDestroy
func goDestroy(self C.uintptr_t) { cgo.Handle(self).Delete() }
