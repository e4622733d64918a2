#include "held.hpp"

#include "interpreter.hpp"

namespace python {
namespace {

/// Releases what may be somebody else's. Where that runs Python, an exception that is on its way must not be lost.
template <class T>
void release(T& owned) {
    if (owned.release == nullptr) return;
    if (PyGILState_Check() == 0) return owned.release(&owned);
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    owned.release(&owned);
    PyErr_Restore(type, value, trace);
}

/// What one node of ours owns.
struct Node {
    std::shared_ptr<const Held> owner;
    std::vector<const void*> buffers;
    std::vector<ArrowArray> children;
    std::vector<ArrowArray*> pointers;
    ArrowArray dictionary{};
};

void release_node(ArrowArray* array) {
    const std::unique_ptr<Node> node(static_cast<Node*>(array->private_data));
    for (std::int64_t i = 0; i < array->n_children; ++i) {
        ArrowArray* const child = array->children[i];
        if (child->release != nullptr) child->release(child);
    }
    if (array->dictionary != nullptr && array->dictionary->release != nullptr) {
        array->dictionary->release(array->dictionary);
    }
    array->release = nullptr;
}

/// Makes `like` the array of `node`, which it owns from now on.
ArrowArray owned_by(std::unique_ptr<Node> node, ArrowArray like) {
    for (ArrowArray& child : node->children)
        node->pointers.push_back(&child);
    like.n_children = static_cast<std::int64_t>(node->children.size());
    like.children = node->pointers.data();
    like.n_buffers = static_cast<std::int64_t>(node->buffers.size());
    like.buffers = node->buffers.data();
    like.dictionary = node->dictionary.release != nullptr ? &node->dictionary : nullptr;
    like.release = &release_node;
    like.private_data = node.release();
    return like;
}

/// Children that were made before something failed.
struct Unfinished {
    std::unique_ptr<Node> node = std::make_unique<Node>();
    ~Unfinished() {
        if (!node) return;
        for (ArrowArray& child : node->children) {
            if (child.release != nullptr) child.release(&child);
        }
        if (node->dictionary.release != nullptr) node->dictionary.release(&node->dictionary);
    }
    ArrowArray finish(const ArrowArray& like) {
        node->pointers.reserve(node->children.size());  // before anything is given away
        return owned_by(std::move(node), like);
    }
};

bool same_type(const leat::schema_view& a, const leat::schema_view& b) {
    if (std::string_view(a.format()) != b.format() || a.size() != b.size()) return false;
    if ((a.raw().dictionary == nullptr) != (b.raw().dictionary == nullptr)) return false;
    if (a.raw().dictionary != nullptr &&
        !same_type(leat::schema_view(*a.raw().dictionary), leat::schema_view(*b.raw().dictionary))) {
        return false;
    }
    for (int i = 0; i < a.size(); ++i) {
        // The names of the parts of a list or map say nothing.
        if (a.format()[1] == 's' && a[i].name() != b[i].name()) return false;
        if (!same_type(a[i], b[i])) return false;
    }
    return true;
}

}  // namespace

ArrowSchema copied_schema(const leat::schema_view& from) {
    leat::field top = leat::field_of(from);
    ArrowSchema out = leat::detail::export_schema(top);
    out.flags = from.raw().flags;
    return out;
}

Columns::Columns(const leat_schema* from) : schema_(copied_schema(leat::schema_view(from))) {}

Columns::Columns(ArrowSchema& moved) : schema_(moved) {
    moved.release = nullptr;
}

Columns::~Columns() {
    release(schema_);
}

bool Columns::equals(const leat::schema_view& other) const {
    const leat::schema_view mine = view();
    if (mine.size() != other.size()) return false;
    for (int i = 0; i < mine.size(); ++i) {
        if (mine[i].name() != other[i].name() || !same_type(mine[i], other[i])) return false;
    }
    return true;
}

Held::Held(std::shared_ptr<const Columns> columns, ArrowArray& moved) : columns_(std::move(columns)), array_(moved) {
    moved.release = nullptr;
}

Held::~Held() {
    release(array_);
}

leat::array_view Held::column(int i) const {
    const ArrowArray& child = *array_.children[i];
    return {*columns_->raw().children[i], child, child.offset + array_.offset, array_.length};
}

ArrowArray Held::give(std::shared_ptr<Held>& from) {
    ArrowArray out{};
    if (from.use_count() == 1) {
        out = from->array_;
        from->array_.release = nullptr;
    } else {
        out = shared_array(from, from->array_);
    }
    from.reset();
    return out;
}

ArrowArray shared_array(const std::shared_ptr<const Held>& owner, const ArrowArray& of) {
    Unfinished made;
    made.node->owner = owner;
    made.node->buffers.assign(of.buffers, of.buffers + of.n_buffers);
    made.node->children.reserve(static_cast<std::size_t>(of.n_children));
    for (std::int64_t i = 0; i < of.n_children; ++i)
        made.node->children.push_back(shared_array(owner, *of.children[i]));
    if (of.dictionary != nullptr) made.node->dictionary = shared_array(owner, *of.dictionary);
    return made.finish(of);
}

Arrays::~Arrays() {
    for (ArrowArray& array : list) {
        if (array.release != nullptr) array.release(&array);
    }
}

ArrowArray struct_of_columns(Arrays& columns, std::int64_t rows) {
    Unfinished made;
    made.node->buffers.push_back(nullptr);
    made.node->pointers.reserve(columns.list.size());
    made.node->children.swap(columns.list);
    ArrowArray like{};
    like.length = rows;
    return made.finish(like);
}

ArrowArray shared_rows(const std::shared_ptr<const Held>& owner, std::int64_t first, std::int64_t count) {
    ArrowArray out = shared_array(owner, owner->array());
    out.length = count;
    for (std::int64_t i = 0; i < out.n_children; ++i) {
        ArrowArray& child = *out.children[i];
        child.offset += out.offset + first;
        child.length = count;
        if (child.null_count > 0) child.null_count = -1;
    }
    out.offset = 0;
    return out;
}

}  // namespace python
