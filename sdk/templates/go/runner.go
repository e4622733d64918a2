package main

// @name@: a runner, in full control of its own run. leat.go has what there is; the rules are in include/leat/leat.h.

// #include "host.h"
import "C"

import (
	"encoding/binary"
	"unsafe"
)

type steps struct{ count, pauseMs int64 }

//export goCreate
func goCreate(ctx *C.leat_ctx, made *C.uintptr_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		*made = keep(&steps{count: integer(ctx, "/steps"), pauseMs: integer(ctx, "/pause_ms")})
		return C.LEAT_OK
	})
}

// `resume` is the last checkpoint of an earlier run, or empty: here, how many steps are done.
//
//export goRun
func goRun(self C.uintptr_t, ctx *C.leat_ctx, resume *C.leat_bytes) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*steps)
		done := int64(0)
		if state := bytesGiven(resume); len(state) == 8 {
			done = int64(binary.LittleEndian.Uint64(state))
		}
		for done < it.count {
			// A wait of the host ends when a stop is asked; then there is nothing to do but return.
			if status := C.host_wait(ctx, C.uint64_t(it.pauseMs)*1000000); status != C.LEAT_OK {
				return status
			}
			done++
			info(ctx, "did a step", "step", done)
			var state [8]byte
			binary.LittleEndian.PutUint64(state[:], uint64(done))
			if status := C.host_checkpoint(ctx, unsafe.Pointer(&state[0]), 8); status != C.LEAT_OK {
				return status
			}
		}
		return C.LEAT_OK
	})
}
