#include "arrow_structs.h"

#include <leat/leat.h>
int64_t rows_of(const leat_batch* batch);
int64_t rows_of(const leat_batch* batch) {
    return batch->array.length;
}
