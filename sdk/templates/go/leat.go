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

func keep(self interface{}) C.uintptr_t { return C.uintptr_t(cgo.NewHandle(self)) }
func kept(self C.uintptr_t) interface{} { return cgo.Handle(self).Value() }

//export goDestroy
func goDestroy(self C.uintptr_t) { cgo.Handle(self).Delete() }
