#include "source.hpp"

#include <charconv>

namespace python {

Source::~Source() {
    if (!script_.is_loaded()) return;
    const Gil gil;
    given_.reset();
    items_ = {};
    out_.reset();
}

void Source::open(leat::context& ctx, std::string_view resume) {
    script_.enter(ctx, "open", LEAT_ERR_CONFIG, true, [&](const Object&) {
        has_position_ = script_.has("position");
        if (has_position_) {
            script_.call("open", value_of_json(resume));
            return;
        }
        if (!resume.empty()) {
            const auto [end, error] = std::from_chars(resume.data(), resume.data() + resume.size(), skip_);
            if (error != std::errc() || end != resume.data() + resume.size() || skip_ < 0) {
                throw leat::error(LEAT_ERR_CONFIG, script_.file() + ": the position to go on from is " +
                                                       std::string(resume) +
                                                       ", which the class gave when it had position(); begin afresh");
            }
        }
        script_.call("open", Object::share(Py_None));
    });
}

void Source::plan(const leat::context& ctx) {
    if (out_) return;
    const leat_schema* schema = nullptr;
    if (const auto fields = script_.schema()) schema = ctx.schema(*fields);
    out_ = std::make_unique<Results>(schema);
}

/// The next result; nothing at the end.
std::optional<Object> Source::next(const leat::context&) {
    if (!items_) {
        Object result = script_.call("read");
        if (PyIter_Check(result.get()) == 0) {
            if (result.get() == Py_None) return std::nullopt;
            return result;
        }
        items_ = std::move(result);
    }
    PyObject* const item = PyIter_Next(items_.get());
    if (item != nullptr) return Object::take(item);
    if (PyErr_Occurred() == nullptr) return std::nullopt;
    // A generator that has raised is at its end: asked once more, it would say that there are no more rows.
    items_ = {};
    if (PyErr_ExceptionMatches(runtime().retry.get()) == 0) throw Raised{};
    leat::error failed = taken_error(script_.file(), script_.entry("read"), LEAT_ERR_FATAL);
    failed.status = LEAT_ERR_BROKEN;
    throw failed;
}

leat_status Source::read(leat::context& ctx) {
    try {
        return read_once(ctx);
    } catch (leat::error& e) {
        // There is no input that could become a dead letter instead.
        if (e.status == LEAT_ERR_DATA) e.status = LEAT_ERR_FATAL;
        throw;
    }
}

leat_status Source::read_once(const leat::context& ctx) {
    return script_.enter(ctx, "read", LEAT_ERR_FATAL, true, [&](const Object&) -> leat_status {
        plan(ctx);
        if (!given_) {
            std::optional<Object> result = next(ctx);
            if (!result) {
                if (skip_ > 0) {
                    throw leat::error(LEAT_ERR_FATAL, script_.file() + ": " + script_.entry("read") + " ended " +
                                                          std::to_string(skip_) +
                                                          " rows before the place to go on from: without position() it "
                                                          "must give the same rows each time");
                }
                return LEAT_END;
            }
            if (result->get() == runtime().idle.get() || result->get() == Py_None) return LEAT_IDLE;
            std::string position;
            if (has_position_) position = json_from(script_.call("position").get(), "position");
            given_ = Given{*std::move(result), std::move(position)};
        }
        return put_out(ctx);
    });
}

leat_status Source::put_out(const leat::context& ctx) {
    std::vector<Results::Part> parts;
    try {
        out_->add(ctx, given_->result.get(), parts, "what read gave");
        if (parts.size() > 1) {
            raise(PyExc_TypeError, "read gave a list of " + std::to_string(parts.size()) +
                                       " batches: each has a place of its own, so they are yielded one by one");
        }
    } catch (const std::bad_alloc&) {
        throw;  // the same call comes again
    } catch (...) {
        given_.reset();
        throw;
    }
    std::string position = std::move(given_->position);
    given_.reset();
    if (parts.empty()) return LEAT_OK;
    Results::Part& part = parts.front();
    if (!has_position_) {
        const std::int64_t before = std::min(skip_, part.rows());
        skip_ -= before;
        rows_ += part.rows();
        if (before == part.rows()) return LEAT_OK;
        if (before > 0) {
            ArrowArray rest = shared_rows(part.held, before, part.rows() - before);
            part.held = std::make_shared<Held>(part.held->columns(), rest);
        }
        position = std::to_string(rows_);
    }
    leat::batch rows = out_->give(part);
    const NoGil others;
    ctx.emit(std::move(rows), position);
    return LEAT_OK;
}

void Source::ack(leat::context& ctx, std::string_view position) {
    // In a drain, too: what is in hand is committed then.
    script_.enter(ctx, "ack", LEAT_ERR_FATAL, false,
                  [&](const Object&) { script_.call("ack", value_of_json(position)); });
}

void Source::close(leat::context& ctx) {
    script_.close(ctx);
}

}  // namespace python
