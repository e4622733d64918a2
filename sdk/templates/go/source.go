package main

// @name@: a source that counts. leat.go has what there is; the rules are in include/leat/leat.h.

// #include "columns.h"
// #include "host.h"
import "C"

import (
	"strconv"
	"unsafe"
)

const rowsOfABatch = 1000

type count struct {
	next, end int64
	schema    *C.leat_schema
}

var columnName = C.CString("n")

//export goCreate
func goCreate(ctx *C.leat_ctx, made *C.uintptr_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		*made = keep(&count{end: integer(ctx, "/count")})
		return C.LEAT_OK
	})
}

// `resume` is a position that goRead has given, or empty.
//
//export goOpen
func goOpen(self C.uintptr_t, ctx *C.leat_ctx, resume *C.leat_bytes) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*count)
		it.next = 0
		if position := string(bytesGiven(resume)); position != "" {
			next, err := strconv.ParseInt(position, 10, 64)
			if err != nil || next < 0 {
				return fail(ctx, C.LEAT_ERR_CONFIG, "the position is not one of mine: begin again with --fresh")
			}
			it.next = next
		}
		if it.schema = C.numbers_make_schema(ctx, columnName); it.schema == nil {
			return C.LEAT_ERR_RETRY
		}
		return C.LEAT_OK
	})
}

//export goRead
func goRead(self C.uintptr_t, ctx *C.leat_ctx) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*count)
		n := it.end - it.next
		if n > rowsOfABatch {
			n = rowsOfABatch
		}
		if n > 0 {
			block := C.host_alloc_numbers(ctx, C.int64_t(n))
			if block == nil {
				return C.LEAT_ERR_RETRY // nothing has changed: the same call comes again
			}
			numbers := unsafe.Slice((*int64)(unsafe.Pointer(block)), n)
			for i := range numbers {
				numbers[i] = it.next + int64(i)
			}
			text := strconv.FormatInt(it.next+n, 10)
			position := C.CString(text)
			defer C.free(unsafe.Pointer(position))
			at := C.leat_bytes{data: unsafe.Pointer(position), size: C.uint64_t(len(text))}
			if status := C.numbers_emit(ctx, it.schema, block, C.int64_t(n), at); status != C.LEAT_OK {
				return status
			}
			it.next += n
		}
		if it.next < it.end {
			return C.LEAT_OK
		}
		return C.LEAT_END
	})
}
