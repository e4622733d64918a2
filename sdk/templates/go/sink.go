package main

// @name@: a sink that writes lines to a file. leat.go has what there is; the rules are in include/leat/leat.h.

// #include "columns.h"
// #include "host.h"
import "C"

import (
	"os"
	"strconv"
)

type lines struct {
	path, column string
	file         *os.File
	begun        int64 // how long the file was when the bucket began
	text         []byte
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
		*made = keep(&lines{path: text(ctx, "/path"), column: text(ctx, "/column")})
		return C.LEAT_OK
	})
}

//export goOpen
func goOpen(self C.uintptr_t, ctx *C.leat_ctx) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		file, err := os.OpenFile(it.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
		if err != nil {
			return it.fail(ctx, C.LEAT_ERR_CONFIG, "cannot open", err)
		}
		it.file = file
		return C.LEAT_OK
	})
}

//export goClose
func goClose(self C.uintptr_t, ctx *C.leat_ctx) {
	fence(ctx, func() C.leat_status {
		kept(self).(*lines).file.Close()
		return C.LEAT_OK
	})
}

// A bucket: begin, write*, commit or abort.
//
//export goBegin
func goBegin(self C.uintptr_t, ctx *C.leat_ctx) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		it.text = it.text[:0]
		about, err := it.file.Stat()
		if err != nil {
			return it.fail(ctx, C.LEAT_ERR_RETRY, "cannot find the end of", err)
		}
		it.begun = about.Size()
		return C.LEAT_OK
	})
}

func (it *lines) write(ctx *C.leat_ctx) C.leat_status {
	if _, err := it.file.Write(it.text); err != nil {
		return it.fail(ctx, C.LEAT_ERR_RETRY, "cannot write", err)
	}
	it.text = it.text[:0]
	return C.LEAT_OK
}

//export goWrite
func goWrite(self C.uintptr_t, ctx *C.leat_ctx, lent *C.leat_batch) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		found := column(lent.schema, it.column)
		if found < 0 {
			return fail(ctx, C.LEAT_ERR_CONFIG, "there is no int64 column \""+it.column+"\": set `column`")
		}
		values := C.numbers_of(lent, found)
		for row := C.int64_t(0); row < values.length; row++ {
			if C.numbers_valid(&values, row) != 0 {
				it.text = strconv.AppendInt(it.text, int64(C.numbers_at(&values, row)), 10)
			} else {
				it.text = append(it.text, "null"...)
			}
			it.text = append(it.text, '\n')
			if len(it.text) >= 1<<16 {
				if status := it.write(ctx); status != C.LEAT_OK {
					return status
				}
			}
		}
		return C.LEAT_OK
	})
}

//export goCommit
func goCommit(self C.uintptr_t, ctx *C.leat_ctx) C.leat_status {
	return fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		if status := it.write(ctx); status != C.LEAT_OK {
			return status
		}
		if err := it.file.Sync(); err != nil {
			return it.fail(ctx, C.LEAT_ERR_RETRY, "cannot sync", err)
		}
		return C.LEAT_OK
	})
}

//export goAbort
func goAbort(self C.uintptr_t, ctx *C.leat_ctx) {
	fence(ctx, func() C.leat_status {
		it := kept(self).(*lines)
		it.text = it.text[:0]
		if err := it.file.Truncate(it.begun); err != nil {
			return it.fail(ctx, C.LEAT_ERR_BROKEN, "cannot cut back", err)
		}
		return C.LEAT_OK
	})
}
