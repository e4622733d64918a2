package main

// @name@: a transform that keeps some rows. leat.go has what there is; the rules are in include/leat/leat.h.

// #include "columns.h"
// #include "host.h"
import "C"

type atLeast struct {
	column string
	min    int64
}

//export goCreate
func goCreate(ctx *C.leat_ctx, made *C.uintptr_t) C.leat_status {
	return fence(ctx, func() C.leat_status {
		*made = keep(&atLeast{column: text(ctx, "/column"), min: integer(ctx, "/min")})
		return C.LEAT_OK
	})
}

func (it *atLeast) find(ctx *C.leat_ctx, schema *C.leat_schema) (C.int64_t, C.leat_status) {
	found := column(schema, it.column)
	if found < 0 {
		return found, fail(ctx, C.LEAT_ERR_CONFIG, "there is no int64 column \""+it.column+"\": set `column`")
	}
	return found, C.LEAT_OK
}

//export goAccepts
func goAccepts(self C.uintptr_t, ctx *C.leat_ctx, schema *C.leat_schema) C.leat_status {
	return fence(ctx, func() C.leat_status {
		_, status := kept(self).(*atLeast).find(ctx, schema)
		return status
	})
}

//export goProcess
func goProcess(self C.uintptr_t, ctx *C.leat_ctx, lent *C.leat_batch) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*atLeast)
		found, status := it.find(ctx, lent.schema)
		if status != C.LEAT_OK {
			return status
		}
		values := C.numbers_of(lent, found)
		first := C.int64_t(0)
		for row := first; row <= values.length; row++ {
			// A NULL is not at least anything. What is left out without reject_rows counts as filtered.
			if row < values.length && C.numbers_valid(&values, row) != 0 && int64(C.numbers_at(&values, row)) >= it.min {
				continue
			}
			if row > first {
				if status := C.host_emit_rows(ctx, lent, first, row); status != C.LEAT_OK {
					return status
				}
			}
			first = row + 1
		}
		return C.LEAT_OK
	})
}
