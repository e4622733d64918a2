/* testing.h: the host of testing.hpp for tests in C, and in every language that calls C.
 *
 * SPDX-License-Identifier: Apache-2.0
 *
 * C99. The functions are made by one file of C++17 beside the test, which this header is too:
 *
 *   c++ -std=c++17 -DLEAT_TESTING_IMPLEMENTATION -x c++ -c leat/testing.h -o testing.o
 *   cc -c my_test.c && c++ my_test.o testing.o -o my_test -ldl -pthread
 *
 *   leat_test* csv = leat_test_create("./csv.so", "csv", "{\"path\": \"orders.csv\"}");
 *   leat_test_read_all(csv) == LEAT_END                          // opens, reads until END, IDLE or an error
 *   leat_test_failure(csv)                                       // why the last call failed; "" if it gave no reason
 *   leat_test_text(csv)                                          // {"id":1,"name":"Ann"}, a line for each row emitted
 *   leat_test_finish(csv)                                        // closes, destroys; what was leaked or done wrong, or
 * "" leat_test_free(csv);
 *
 *   leat_test_batch* in = leat_test_batch_of("{\"n\": \"l\", \"s\": \"u\"}", "[[1, \"a\"], [2, null]]");
 *   leat_test_process(step, in) == LEAT_OK
 *   leat_test_load(sink, &in, 1, NULL) == LEAT_OK
 *
 * An instance is used by one thread at a time, but for stop and interrupt. Texts, bytes and batches that a function
 * gives are the instance's until leat_test_free. No function gives NULL but where it says so; what cannot be done, as a
 * file that is not there, is an instance whose calls answer LEAT_ERR_FATAL, and leat_test_failure says why. */
#ifndef LEAT_TESTING_H
#define LEAT_TESTING_H

#include <leat/leat.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct leat_test leat_test;             /* an instance of a component, and the host that it sees */
typedef struct leat_test_batch leat_test_batch; /* rows */

/* ---- An instance ---- */

/* Loads `file` and makes an instance of `component`. `config` is JSON, NULL for none; defaults are filled in. */
leat_test* leat_test_create(const char* file, const char* component, const char* config);
/* What create answered. */
leat_status leat_test_created(const leat_test*);
/* Closes, destroys, drops what was emitted, and says what was leaked or done against the rules; "" for nothing. */
const char* leat_test_finish(leat_test*);
/* Finishes if need be, and frees all that the instance has given. NULL is allowed. */
void leat_test_free(leat_test*);

/* Why the last call failed; "" if it gave no reason. */
const char* leat_test_failure(const leat_test*);
/* What emit, wait and stop_state say from now on: LEAT_RUN, LEAT_DRAIN or LEAT_STOP. From any thread. */
void leat_test_stop(leat_test*, int32_t state);
/* Calls the component's interrupt. From any thread. */
void leat_test_interrupt(leat_test*);
/* Answers further allocations with NULL once this many bytes are out. */
void leat_test_set_memory_limit(leat_test*, uint64_t bytes);

/* ---- Calls: what the component answered. Those below open the instance first if need be ---- */

/* `resume` is a position, or a transform's state, as text; NULL for the beginning. _at takes any bytes. */
leat_status leat_test_open(leat_test*, const char* resume);
leat_status leat_test_open_at(leat_test*, leat_bytes resume);
void leat_test_close(leat_test*);

/* One read, with a hint; NULL: without limits. */
leat_status leat_test_read(leat_test*, const leat_bucket_config* hint);
/* Reads until LEAT_END, LEAT_IDLE or an error, which it returns. */
leat_status leat_test_read_all(leat_test*);
leat_status leat_test_ack(leat_test*, leat_bytes position);

/* Lends the batch; it stays as it is, and yours. */
leat_status leat_test_process(leat_test*, leat_test_batch* in);
leat_status leat_test_flush(leat_test*, int last);
leat_status leat_test_save(leat_test*, leat_bytes* state);
/* The schema that comes out for that of `in`, as text like "n: int64, s: utf8?", or NULL with *status an error. */
const char* leat_test_derive(leat_test*, leat_test_batch* in, leat_status* status);

/* One bucket: begin, write*, commit, or abort after an error, which it returns. `bucket` gives id, tokens and lane;
 * NULL: bucket 1 of the lane "test/sink", without tokens. */
leat_status leat_test_load(leat_test*, leat_test_batch* const* batches, uint64_t n, const leat_bucket* bucket);
leat_status leat_test_begin(leat_test*, const leat_bucket*);
leat_status leat_test_write(leat_test*, leat_test_batch* in);
leat_status leat_test_commit(leat_test*, const leat_bucket*);
void leat_test_abort(leat_test*, const leat_bucket*);
/* The token in the target. `lane` NULL: "test/sink". */
leat_status leat_test_recover(leat_test*, const char* lane, leat_bytes* token);

/* A runner's run. `bucket` NULL: one worker, without limits; `resume` is a checkpoint. */
leat_status leat_test_run(leat_test*, const leat_bucket_config* bucket, leat_bytes resume);
leat_status leat_test_pre_process(leat_test*);
leat_status leat_test_post_process(leat_test*, leat_status outcome);

/* ---- What came of it ---- */

/* All rows that were emitted, as JSON, a line for each. */
const char* leat_test_text(leat_test*);
uint64_t leat_test_rows(const leat_test*);
/* The batches that were emitted: how many, the position of one, and another owner of its rows. NULL: there are fewer.
 */
uint64_t leat_test_batches(const leat_test*);
leat_bytes leat_test_position(const leat_test*, uint64_t batch);
leat_test_batch* leat_test_emitted(leat_test*, uint64_t batch);

/* Dead letters: how many; the row as JSON or the raw bytes, and the reason. NULL: there are fewer. */
uint64_t leat_test_rejects(const leat_test*);
leat_bytes leat_test_reject(const leat_test*, uint64_t i);
const char* leat_test_reject_why(const leat_test*, uint64_t i);

/* Lines of the log, with their fields behind them, as in "read orders.csv rows=3". NULL: there are fewer. */
uint64_t leat_test_logs(const leat_test*);
const char* leat_test_log(const leat_test*, uint64_t i);
/* A counter's sum, a gauge's or histogram's last value; 0 if it was never recorded. */
double leat_test_metric(const leat_test*, const char* name);
/* A runner's checkpoints, in the order in which they were stored. */
uint64_t leat_test_checkpoints(const leat_test*);
leat_bytes leat_test_checkpoint(const leat_test*, uint64_t i);

/* ---- Batches ---- */

/* Rows in JSON, [[1, "a"], [2, null]] or [{"n": 1}, ...], of columns in JSON: {"n": "l", "s": "u"}, a name and its
 * Arrow format each, or {"format": {its columns}} for one that has others within: {"tags": {"+l": {"item": "u"}}}.
 * Dates and times are numbers, decimals unscaled. Ends the program with the reason when they cannot be read: that is a
 * fault of the test. */
leat_test_batch* leat_test_batch_of(const char* columns, const char* rows);
/* Rows [first, first + n) of it: the same buffers behind an offset. */
leat_test_batch* leat_test_slice(leat_test_batch*, int64_t first, int64_t n);
int64_t leat_test_batch_rows(const leat_test_batch*);
/* Only for those of leat_test_batch_of and leat_test_slice. NULL is allowed. */
void leat_test_batch_free(leat_test_batch*);

#ifdef __cplusplus
}
#endif

#endif

/* ---- The implementation: read on only to mend it ---- */
#if defined(LEAT_TESTING_IMPLEMENTATION) && !defined(LEAT_TESTING_IMPLEMENTED)
#define LEAT_TESTING_IMPLEMENTED
#ifndef __cplusplus
#error "LEAT_TESTING_IMPLEMENTATION is for a file of C++17"
#endif

#include <leat/testing.hpp>

#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#define LEAT_TEST_HIDDEN __attribute__((visibility("hidden")))
#else
#define LEAT_TEST_HIDDEN
#endif

struct LEAT_TEST_HIDDEN leat_test_batch {
    leat::batch rows;
    std::unique_ptr<leat::testing::host> maker;  // of its buffers; none for a share of another's
};

struct LEAT_TEST_HIDDEN leat_test {
    /// Runs `body`; what it throws is an answer with its reason.
    template <class Body>
    leat_status guard(Body&& body) {
        own_failure.clear();
        if (!instance) {
            own_failure = not_made;
            return LEAT_ERR_FATAL;
        }
        try {
            return body(*instance);
        } catch (const leat::error& e) {
            own_failure = e.what();
            return e.status;
        } catch (const std::exception& e) {
            own_failure = e.what();
            return LEAT_ERR_FATAL;
        }
    }
    const char* keep(std::string text) { return kept.emplace_back(std::move(text)).c_str(); }

    std::string not_made;     // why there is no instance
    std::string own_failure;  // of a call that never reached the component
    std::deque<std::string> kept;
    std::deque<leat_test_batch> shares;
    std::string state;
    std::unique_ptr<leat::testing::instance> instance;
};

namespace leat {
namespace testing {
namespace c_form {

inline fields fields_of(const json_value& columns) {
    fields out;
    for (const json_member& column : columns.members) {
        if (column.value.kind == LEAT_STRING) {
            out.emplace_back(column.name, data_type(column.value.text));
        } else if (column.value.is_object && column.value.members.size() == 1) {
            const json_member& nested = column.value.members.front();
            out.emplace_back(column.name, data_type(nested.name, fields_of(nested.value)));
        } else {
            throw std::invalid_argument("column " + column.name +
                                        " has neither an Arrow format nor columns within one");
        }
    }
    return out;
}

template <class Item, class Get>
auto at(const leat_test* of, std::vector<Item> host::*list, std::uint64_t i, Get get)
    -> decltype(get(std::declval<const Item&>())) {
    if (!of->instance || i >= ((*of->instance).*list).size()) return {};
    return get(((*of->instance).*list)[i]);
}
template <class Item>
std::uint64_t count(const leat_test* of, std::vector<Item> host::*list) {
    return of->instance ? ((*of->instance).*list).size() : 0;
}

}  // namespace c_form
}  // namespace testing
}  // namespace leat

extern "C" {

leat_test* leat_test_create(const char* file, const char* component, const char* config) {
    auto made = std::make_unique<leat_test>();
    try {
        const leat::testing::library library(file);
        made->instance =
            std::make_unique<leat::testing::instance>(library.component(component), config == nullptr ? "{}" : config);
    } catch (const std::exception& e) {
        made->not_made = e.what();
    }
    return made.release();
}
leat_status leat_test_created(const leat_test* of) {
    return of->instance ? of->instance->created() : LEAT_ERR_FATAL;
}
const char* leat_test_finish(leat_test* of) {
    if (!of->instance) return of->not_made.c_str();
    of->shares.clear();
    return of->keep(of->instance->finish());
}
void leat_test_free(leat_test* of) {
    delete of;
}

const char* leat_test_failure(const leat_test* of) {
    if (!of->instance) return of->not_made.c_str();
    return of->own_failure.empty() ? of->instance->failure().c_str() : of->own_failure.c_str();
}
void leat_test_stop(leat_test* of, int32_t state) {
    if (of->instance) of->instance->stop(state);
}
void leat_test_interrupt(leat_test* of) {
    if (of->instance) of->instance->interrupt();
}
void leat_test_set_memory_limit(leat_test* of, uint64_t bytes) {
    if (of->instance) of->instance->set_memory_limit(bytes);
}

leat_status leat_test_open(leat_test* of, const char* resume) {
    return of->guard([&](auto& it) { return it.open(resume == nullptr ? "" : resume); });
}
leat_status leat_test_open_at(leat_test* of, leat_bytes resume) {
    return of->guard([&](auto& it) { return it.open(leat::detail::view(&resume)); });
}
void leat_test_close(leat_test* of) {
    of->guard([](auto& it) { return it.close(), LEAT_OK; });
}

leat_status leat_test_read(leat_test* of, const leat_bucket_config* hint) {
    return of->guard([&](auto& it) {
        return hint == nullptr ? it.read() : it.read(hint->max_rows, hint->max_bytes, hint->max_wait_ns);
    });
}
leat_status leat_test_read_all(leat_test* of) {
    return of->guard([](auto& it) { return it.read_all(); });
}
leat_status leat_test_ack(leat_test* of, leat_bytes position) {
    return of->guard([&](auto& it) { return it.ack(leat::detail::view(&position)); });
}

leat_status leat_test_process(leat_test* of, leat_test_batch* in) {
    return of->guard([&](auto& it) { return it.process(in->rows); });
}
leat_status leat_test_flush(leat_test* of, int last) {
    return of->guard([&](auto& it) { return it.flush(last != 0); });
}
leat_status leat_test_save(leat_test* of, leat_bytes* state) {
    *state = {nullptr, 0};
    return of->guard([&](auto& it) {
        of->state = it.save();
        *state = leat::detail::bytes(of->state);
        return LEAT_OK;
    });
}
const char* leat_test_derive(leat_test* of, leat_test_batch* in, leat_status* status) {
    const leat_schema* out = nullptr;
    *status = of->guard([&](auto& it) { return it.derive(in->rows.raw().schema, &out); });
    if (*status < 0 || out == nullptr) return nullptr;
    return of->keep(leat::testing::schema_text(leat::schema_view(out)));
}

leat_status leat_test_load(leat_test* of, leat_test_batch* const* batches, uint64_t n, const leat_bucket* given) {
    return of->guard([&](auto& it) {
        std::vector<leat::batch*> rows;
        for (uint64_t i = 0; i < n; ++i)
            rows.push_back(&batches[i]->rows);
        return given == nullptr ? it.load(rows) : it.load(rows, *given);
    });
}
leat_status leat_test_begin(leat_test* of, const leat_bucket* bucket) {
    return of->guard([&](auto& it) { return it.begin(*bucket); });
}
leat_status leat_test_write(leat_test* of, leat_test_batch* in) {
    return of->guard([&](auto& it) { return it.write(in->rows); });
}
leat_status leat_test_commit(leat_test* of, const leat_bucket* bucket) {
    return of->guard([&](auto& it) { return it.commit(*bucket); });
}
void leat_test_abort(leat_test* of, const leat_bucket* bucket) {
    of->guard([&](auto& it) { return it.abort(*bucket), LEAT_OK; });
}
leat_status leat_test_recover(leat_test* of, const char* lane, leat_bytes* token) {
    *token = {nullptr, 0};
    return of->guard([&](auto& it) {
        of->state = lane == nullptr ? it.recover() : it.recover(lane);
        *token = leat::detail::bytes(of->state);
        return LEAT_OK;
    });
}

leat_status leat_test_run(leat_test* of, const leat_bucket_config* bucket, leat_bytes resume) {
    return of->guard(
        [&](auto& it) { return it.run(bucket == nullptr ? 0 : bucket->max_rows, leat::detail::view(&resume)); });
}
leat_status leat_test_pre_process(leat_test* of) {
    return of->guard([](auto& it) { return it.pre_process(); });
}
leat_status leat_test_post_process(leat_test* of, leat_status outcome) {
    return of->guard([&](auto& it) { return it.post_process(outcome); });
}

const char* leat_test_text(leat_test* of) {
    return of->keep(of->instance ? of->instance->text() : "");
}
uint64_t leat_test_rows(const leat_test* of) {
    return of->instance ? static_cast<uint64_t>(of->instance->rows()) : 0;
}
uint64_t leat_test_batches(const leat_test* of) {
    return leat::testing::c_form::count(of, &leat::testing::host::emitted);
}
leat_bytes leat_test_position(const leat_test* of, uint64_t batch) {
    return leat::testing::c_form::at(of, &leat::testing::host::emitted, batch,
                                     [](const auto& one) { return leat::detail::bytes(one.position); });
}
leat_test_batch* leat_test_emitted(leat_test* of, uint64_t batch) {
    if (!of->instance || batch >= of->instance->emitted.size()) return nullptr;
    return &of->shares.emplace_back(leat_test_batch{of->instance->share(of->instance->emitted[batch].rows), nullptr});
}

uint64_t leat_test_rejects(const leat_test* of) {
    return leat::testing::c_form::count(of, &leat::testing::host::rejects);
}
leat_bytes leat_test_reject(const leat_test* of, uint64_t i) {
    return leat::testing::c_form::at(of, &leat::testing::host::rejects, i,
                                     [](const auto& one) { return leat::detail::bytes(one.what); });
}
const char* leat_test_reject_why(const leat_test* of, uint64_t i) {
    return leat::testing::c_form::at(of, &leat::testing::host::rejects, i,
                                     [](const auto& one) { return one.why.c_str(); });
}

uint64_t leat_test_logs(const leat_test* of) {
    return leat::testing::c_form::count(of, &leat::testing::host::logs);
}
const char* leat_test_log(const leat_test* of, uint64_t i) {
    return leat::testing::c_form::at(of, &leat::testing::host::logs, i,
                                     [](const auto& one) { return one.text.c_str(); });
}
double leat_test_metric(const leat_test* of, const char* name) {
    if (!of->instance) return 0;
    const auto found = of->instance->metrics.find(name);
    return found == of->instance->metrics.end() ? 0 : found->second;
}
uint64_t leat_test_checkpoints(const leat_test* of) {
    return leat::testing::c_form::count(of, &leat::testing::host::checkpoints);
}
leat_bytes leat_test_checkpoint(const leat_test* of, uint64_t i) {
    return leat::testing::c_form::at(of, &leat::testing::host::checkpoints, i,
                                     [](const auto& one) { return leat::detail::bytes(one); });
}

leat_test_batch* leat_test_batch_of(const char* columns, const char* rows) {
    try {
        auto maker = std::make_unique<leat::testing::host>();
        auto made = maker->batch_of(leat::testing::c_form::fields_of(leat::testing::parse_json(columns)), rows);
        return new leat_test_batch{std::move(made), std::move(maker)};
    } catch (const std::exception& e) {
        std::fprintf(stderr, "leat_test_batch_of(%s, %.100s): %s\n", columns, rows, e.what());
        std::exit(1);
    }
}
leat_test_batch* leat_test_slice(leat_test_batch* of, int64_t first, int64_t n) {
    leat::testing::host sharing;
    auto part = sharing.share(of->rows);
    part.crop(first, n);
    return new leat_test_batch{std::move(part), nullptr};
}
int64_t leat_test_batch_rows(const leat_test_batch* of) {
    return of->rows.rows();
}
void leat_test_batch_free(leat_test_batch* of) {
    delete of;
}

}  // extern "C"

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif
#endif
