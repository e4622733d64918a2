#include <leat/leat.h>

#include "arrow_structs.h"
int64_t rows_of(const leat_batch* batch);
int64_t rows_of(const leat_batch* batch) {
    return batch->array.length;
}
