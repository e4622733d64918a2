package main

// @name@: source, sink and hooks in one component. leat.go has what there is; the rules are in include/leat/leat.h.

// #include "columns.h"
// #include "host.h"
import "C"

import (
	"strconv"
	"unsafe"
)

const rowsOfABatch = 1000

type sum struct {
	next, end         int64
	schema            *C.leat_schema
	committed, bucket int64 // sums: of all buckets that were committed, and of the one being written
}

var columnName = C.CString("n")

//export goCreate
func goCreate(ctx *C.leat_ctx, made *C.uintptr_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		*made = keep(&sum{end: integer(ctx, "/count")})
		return C.LEAT_OK
	})
}

// `resume` is a position that goRead has given, or empty.
//
//export goOpen
func goOpen(self C.uintptr_t, ctx *C.leat_ctx, resume *C.leat_bytes) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*sum)
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
		it := kept(self).(*sum)
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

// The sink: a bucket counts once it is committed.
//
//export goBegin
func goBegin(self C.uintptr_t, ctx *C.leat_ctx) C.leat_status {
	return fence(ctx, func() C.leat_status {
		kept(self).(*sum).bucket = 0
		return C.LEAT_OK
	})
}

//export goWrite
func goWrite(self C.uintptr_t, ctx *C.leat_ctx, lent *C.leat_batch) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*sum)
		values := C.numbers_of(lent, 0)
		for row := C.int64_t(0); row < values.length; row++ {
			it.bucket += int64(C.numbers_at(&values, row))
		}
		return C.LEAT_OK
	})
}

//export goCommit
func goCommit(self C.uintptr_t, ctx *C.leat_ctx) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*sum)
		it.committed += it.bucket
		return C.LEAT_OK
	})
}

// Once behind everything, whatever the outcome.
//
//export goPostProcess
func goPostProcess(self C.uintptr_t, ctx *C.leat_ctx, outcome C.leat_status) C.leat_status {
	return fence(ctx, func() C.leat_status {
		info(ctx, "added up", "sum", kept(self).(*sum).committed)
		return C.LEAT_OK
	})
}
