#include "transform.hpp"

#include "types.hpp"

namespace python {
namespace {

/// A result that is made bit by bit, as by a generator, as a list of all of it.
Object whole(Object result) {
    if (PyIter_Check(result.get()) == 0) return result;
    return Object::take(PySequence_List(result.get()));
}

}  // namespace

Transform::~Transform() {
    if (!script_.is_loaded()) return;
    const Gil gil;
    given_.reset();
    out_.reset();
}

void Transform::open(leat::context& ctx, std::string_view state) {
    script_.enter(ctx, "open", LEAT_ERR_CONFIG, true,
                  [&](const Object&) { script_.call("open", value_of_json(state)); });
}

const leat_schema* Transform::derive(leat::context& ctx, const leat_schema* in) {
    script_.enter(ctx, "schema", LEAT_ERR_CONFIG, true, [&](const Object&) { plan_for(ctx, in); });
    return out_->schema();
}

void Transform::plan_for(const leat::context& ctx, const leat_schema* in) {
    if (planned_for_ == in) return;
    planned_for_ = nullptr;
    const leat_schema* out = in;
    const auto columns = [&] { return columns_dict(leat::schema_view(in)); };
    if (const auto fields = script_.schema(columns)) out = ctx.schema(*fields);
    in_ = std::make_shared<const Columns>(in);
    out_ = std::make_unique<Results>(out);
    planned_for_ = in;
}

void Transform::process(leat::context& ctx, leat::batch& lent) {
    if (lent.rows() == 0) return;
    script_.enter(ctx, "process", LEAT_ERR_FATAL, true, [&](const Object&) {
        if (!given_) {
            plan_for(ctx, lent.schema_handle());
            auto rejects = std::make_shared<Rejects>();
            const Object batch = batch_object(std::make_shared<Held>(in_, lent.raw().array), rejects);
            struct Closing {
                PyObject* batch;
                ~Closing() { close_rejects(batch); }
            } const closing{batch.get()};
            given_ = Given{batch, whole(script_.call("process", batch)), rejects};
        }
        std::vector<Results::Part> parts;
        std::shared_ptr<Held> lent_rows = held_of_batch(given_->batch.get());
        try {
            std::vector<Results::Part> all;
            out_->add(ctx, given_->result.get(), all, "what process returned");
            for (Results::Part& part : all) {
                if (part.held != lent_rows || given_->rejects->rows.empty()) {
                    parts.push_back(std::move(part));
                    continue;
                }
                for (Results::Part& kept : out_->without(ctx, part, *given_->rejects))
                    parts.push_back(std::move(kept));
            }
        } catch (const std::bad_alloc&) {
            throw;  // the same call comes again
        } catch (...) {
            given_.reset();
            throw;
        }
        const std::shared_ptr<Rejects> rejects = given_->rejects;
        given_.reset();
        for (const auto& [row, why] : rejects->rows)
            ctx.reject_row(row, why);
        // From here on nobody but the parts, and what the class has kept, holds the rows.
        lent_rows.reset();
        give(ctx, parts);
    });
}

void Transform::give(const leat::context& ctx, std::vector<Results::Part>& parts) const {
    for (Results::Part& part : parts) {
        if (part.rows() > 0) ctx.emit(out_->give(part));
    }
}

void Transform::flush(leat::context& ctx, bool last) {
    script_.enter(ctx, "flush", LEAT_ERR_FATAL, true, [&](const Object&) {
        if (!script_.has("flush")) return;
        const Object result = whole(script_.call("flush", Object::share(last ? Py_True : Py_False)));
        if (result.get() == Py_None) return;
        if (!out_)
            raise(PyExc_ValueError, "flush gave rows before there was a batch that says which columns there are");
        std::vector<Results::Part> parts;
        out_->add(ctx, result.get(), parts, "what flush returned");
        give(ctx, parts);
    });
}

std::string Transform::save(leat::context& ctx) {
    return script_.enter(ctx, "save", LEAT_ERR_FATAL, false, [&](const Object&) {
        const Object state = script_.call("save");
        return !state || state.get() == Py_None ? std::string() : json_from(state.get(), "save");
    });
}

void Transform::close(leat::context& ctx) {
    script_.close(ctx);
}

}  // namespace python
