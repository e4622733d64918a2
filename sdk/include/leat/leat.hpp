/// leat.hpp: write a Leat plugin in C++17 or later. One header, no library, nothing but leat.h and the standard
/// library.
///
/// SPDX-License-Identifier: Apache-2.0
///
/// USAGE MAP (namespace leat; every call below throws leat::error, which the wrapper turns into a status)
///
///   a component   struct T { T(context&); ... };  with the methods it needs; all but the first of each line are
///   optional.
///                   source      bool read(context&[, const leat_bucket_config&])      false: END; or a leat_status
///                               open(context&[, std::string_view resume])  ack(context&, std::string_view position)
///                   transform   process(context&, batch&)  or  (context&, batch)      by value: it is yours to keep
///                               open(context&[, std::string_view state])  derive(context&, const leat_schema*)
///                               flush(context&[, bool last])  std::string save(context&)
///                   sink        write(context&, batch&) or (context&, batch);  or, instead of begin, write and commit,
///                               load(context&, const leat_bucket&, std::vector<batch>&)   called at commit
///                               open(context&)  begin|commit|abort(context&, const leat_bucket&)
///                               std::string recover(context&, std::string_view lane)
///                   pipeline    the methods of a source and a sink (and a transform), pre_process(context&),
///                               post_process(context&, leat_status outcome); open and close once, those of its source
///                   pipeline    of items of your own movable types, over the host's buckets:
///                               extract(context&, output<In>&[, std::string_view resume])     out.emit(In)
///                               Out or std::optional<Out> transform([context&,] In)   on several threads; throw DATA
///                               to reject; load(context&, items<Out>&)  pre_process  post_process as above
///                   runner      run(context&[, const leat_bucket_config&, std::string_view resume])
///                   all         close(context&)  interrupt() noexcept
///   the plugin    LEAT_PLUGIN("acme", "1.0.0", "MIT", source<A>({"acme.a", "Reads a", schema_json, LEAT_REPLAYABLE}),
///                             sink<B>(about{"acme.b", "Writes b"}.with_docs("...").with_example("path: x")))
///   config        ctx.integer("/min") number text boolean texts json keys has    the second argument is the default
///   a schema      fields f = {{"n", i64}, {"at", timestamp_us("UTC")}, {"doc", json}, {"tags", list_of(utf8)}};
///   building      builder out(ctx, f);  out.put(0, 7).put(2, "{}").end_row();  ctx.emit(out.finish(), position);
///                 auto& n = out.column<int64_t>(0);        n.append(7); n.append_null(); n.room(k); n.commit(k);
///                 auto& s = out.column<std::string_view>(2); s.append(ptr, size);
///                 auto& l = out.column<list_column>(3);    l.items().as<std::string_view>().append("x"); l.end_list();
///                 out.rollback_row() drops cells since end_row; out.truncate(rows); a column left short is filled up
///                 with NULL
///   reading       column<int64_t> c(in, in.at("n"));       c.has_nulls(); c.valid(row); c[row]
///                 column<std::string_view> text and binary of all widths; bool, decimal128, half; list_view,
///                 struct_view in.column(i) is an array_view: in.column(i).type().id says what it is, without knowing
///                 it before
///   items         in a runner: bucket<Item> b(ctx, limits, work); b.consume(item); b.join();   see class bucket
///   rejects       ctx.reject_rows(rows, why)  ctx.reject_raw(text, why)
///   the rest      ctx.log warn info metric progress stop_state wait share checkpoint alloc host()
///   errors        throw error(LEAT_ERR_CONFIG, "orders.csv: no such file");   bad_alloc is RETRY, other exceptions
///   FATAL
///
/// A context is good for the call that it was given to; never keep one. A builder may be kept until destroy.
/// Nothing here is thread-safe by itself; see the thread tags in leat.h.
#ifndef LEAT_HPP
#define LEAT_HPP

#if __cplusplus < 201703L
#error "leat.hpp needs C++17; a plugin in an older C++ or in C uses leat.h"
#endif

#include <leat/leat.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__VERSION__)
#define LEAT_DETAIL_COMPILER __VERSION__
#else
#define LEAT_DETAIL_COMPILER "unknown"
#endif

// Hidden, or gcc would let two plugins share what is static in here.
#if defined(__GNUC__)
#pragma GCC visibility push(hidden)
#endif

namespace leat {
inline namespace v1 {

// ---- Errors -----------------------------------------------------------------------------------------

/// A failed call: the status that the host acts on, and the reason that it shows. An empty text keeps the
/// reason that a host function has given already.
class error : public std::exception {
public:
    explicit error(leat_status code, std::string reason = {}) : status(code), text(std::move(reason)) {}
    const char* what() const noexcept override { return text.c_str(); }

    leat_status status;
    std::string text;
};

/// Runs `body` and lets no exception out. `body` returns void (LEAT_OK) or a leat_status.
template <class Body>
leat_status fence(leat_ctx* ctx, Body&& body) noexcept {
    const auto fail = [ctx](leat_status status, const char* text, std::size_t size) noexcept {
        return size == 0 ? status : ctx->host->fail(ctx, status, text, size);
    };
    try {
        if constexpr (std::is_void_v<decltype(body())>) {
            body();
            return LEAT_OK;
        } else {
            return body();
        }
    } catch (const error& e) {
        return fail(e.status, e.text.data(), e.text.size());
    } catch (const std::bad_alloc&) {
        const std::string_view text = "out of memory";
        return fail(LEAT_ERR_RETRY, text.data(), text.size());
    } catch (const std::exception& e) {
        return fail(LEAT_ERR_FATAL, e.what(), std::strlen(e.what()));
    } catch (...) {
        const std::string_view text = "threw something that is not a std::exception";
        return fail(LEAT_ERR_FATAL, text.data(), text.size());
    }
}

// ---- Types ------------------------------------------------------------------------------------------

enum class kind : std::uint8_t {
    null,
    boolean,
    int8,
    int16,
    int32,
    int64,
    uint8,
    uint16,
    uint32,
    uint64,
    float16,
    float32,
    float64,
    decimal,       // decimal128: precision, scale
    utf8,          // text with 32-bit offsets
    large_utf8,    // text with 64-bit offsets
    binary,        // bytes with 32-bit offsets
    large_binary,  // bytes with 64-bit offsets
    fixed_binary,  // width bytes each
    date32,        // days since 1970-01-01, int32
    date64,        // milliseconds since 1970-01-01, int64
    time32,        // since midnight, int32; unit s or ms
    time64,        // since midnight, int64; unit us or ns
    timestamp,     // since 1970-01-01T00:00Z, int64; unit; zone empty: a wall clock of no zone
    duration,      // int64; unit
    list,
    large_list,
    structure,
    map,
    other  // a type that this header has no reader for
};

enum class time_unit : std::uint8_t { none, second, milli, micro, nano };

/// An Arrow format string, taken apart.
struct type_info {
    kind id = kind::other;
    time_unit unit = time_unit::none;
    int precision = 0;       // decimal
    int scale = 0;           // decimal
    std::int64_t width = 0;  // bytes of a fixed_binary
    std::string_view zone;   // timestamp; points into the format
};

namespace detail {

inline time_unit unit_of(char c) {
    return c == 's'   ? time_unit::second
           : c == 'm' ? time_unit::milli
           : c == 'u' ? time_unit::micro
           : c == 'n' ? time_unit::nano
                      : time_unit::none;
}

/// Reads digits at the front of `text` and takes them off; 0 if there are none.
inline std::int64_t take_number(std::string_view& text) {
    bool negative = false;
    if (!text.empty() && text.front() == '-') {
        negative = true;
        text.remove_prefix(1);
    }
    std::int64_t number = 0;
    while (!text.empty() && text.front() >= '0' && text.front() <= '9' && number < 100000000) {
        number = number * 10 + (text.front() - '0');
        text.remove_prefix(1);
    }
    return negative ? -number : number;
}

inline type_info temporal_type(std::string_view format) {
    type_info type;
    if (format == "tdD") type.id = kind::date32;
    if (format == "tdm") type.id = kind::date64;
    if (format == "tts" || format == "ttm") type.id = kind::time32;
    if (format == "ttu" || format == "ttn") type.id = kind::time64;
    if (format.size() == 3 && format[1] == 'D') type.id = kind::duration;
    if (format.size() >= 4 && format[1] == 's' && format[3] == ':') {
        type.id = kind::timestamp;
        type.zone = format.substr(4);
    }
    if (format.size() >= 3 && format[1] != 'd') type.unit = unit_of(format[2]);
    return type;
}

inline type_info decimal_type(std::string_view format) {
    type_info type;
    format.remove_prefix(2);
    type.precision = static_cast<int>(take_number(format));
    if (format.empty() || format.front() != ',') return type;
    format.remove_prefix(1);
    type.scale = static_cast<int>(take_number(format));
    if (format.empty() || format == ",128") type.id = kind::decimal;
    return type;
}

}  // namespace detail

/// What an Arrow format string means; `kind::other` for what this header cannot read.
inline type_info type_of(const char* arrow_format) {
    const std::string_view format = arrow_format == nullptr ? std::string_view() : std::string_view(arrow_format);
    type_info type;
    if (format.empty()) return type;
    if (format.size() == 1) {
        switch (format[0]) {
            case 'n':
                type.id = kind::null;
                break;
            case 'b':
                type.id = kind::boolean;
                break;
            case 'c':
                type.id = kind::int8;
                break;
            case 'C':
                type.id = kind::uint8;
                break;
            case 's':
                type.id = kind::int16;
                break;
            case 'S':
                type.id = kind::uint16;
                break;
            case 'i':
                type.id = kind::int32;
                break;
            case 'I':
                type.id = kind::uint32;
                break;
            case 'l':
                type.id = kind::int64;
                break;
            case 'L':
                type.id = kind::uint64;
                break;
            case 'e':
                type.id = kind::float16;
                break;
            case 'f':
                type.id = kind::float32;
                break;
            case 'g':
                type.id = kind::float64;
                break;
            case 'u':
                type.id = kind::utf8;
                break;
            case 'U':
                type.id = kind::large_utf8;
                break;
            case 'z':
                type.id = kind::binary;
                break;
            case 'Z':
                type.id = kind::large_binary;
                break;
            default:
                break;
        }
        return type;
    }
    if (format[0] == 't') return detail::temporal_type(format);
    if (format.substr(0, 2) == "d:") return detail::decimal_type(format);
    if (format.substr(0, 2) == "w:") {
        std::string_view digits = format.substr(2);
        type.width = detail::take_number(digits);
        if (digits.empty() && type.width > 0) type.id = kind::fixed_binary;
    }
    if (format == "+l") type.id = kind::list;
    if (format == "+L") type.id = kind::large_list;
    if (format == "+s") type.id = kind::structure;
    if (format == "+m") type.id = kind::map;
    return type;
}

/// 128 bits in two's complement, as Arrow lays out a decimal; the value is unscaled.
struct decimal128 {
    std::uint64_t low = 0;
    std::int64_t high = 0;

    constexpr decimal128() = default;
    constexpr decimal128(std::int64_t value) : low(static_cast<std::uint64_t>(value)), high(value < 0 ? -1 : 0) {}
    constexpr decimal128(std::int64_t high_half, std::uint64_t low_half) : low(low_half), high(high_half) {}
    friend constexpr bool operator==(const decimal128& a, const decimal128& b) {
        return a.low == b.low && a.high == b.high;
    }
    friend constexpr bool operator!=(const decimal128& a, const decimal128& b) { return !(a == b); }
};

/// An IEEE half, as bits: C++17 has no type for it.
struct half {
    std::uint16_t bits = 0;
};

struct field;
using fields = std::vector<field>;

/// A type without parameters; `leat::i64` and its like.
struct simple_type {
    const char* format;
    const char* extension;  // Arrow's extension name, or NULL
};

/// A column's type: an Arrow format, and the fields within for list, struct and map.
struct data_type {
    data_type(simple_type type);  // NOLINT: implicit, so that {"n", i64} is a field
    explicit data_type(std::string arrow_format);
    data_type(std::string arrow_format, fields within);
    // Defined below, where field is complete.
    data_type(const data_type&);
    data_type(data_type&&) noexcept;
    data_type& operator=(const data_type&);
    data_type& operator=(data_type&&) noexcept;
    ~data_type();

    std::string format;
    fields children;
    const char* extension = nullptr;
};

/// A named column of a schema.
struct field {
    field(std::string column_name, data_type column_type) : name(std::move(column_name)), type(std::move(column_type)) {
        if (type.extension != nullptr) metadata.emplace_back("ARROW:extension:name", type.extension);
    }
    field not_null() && {
        nullable = false;
        return std::move(*this);
    }
    field with(std::string key, std::string value) && {
        metadata.emplace_back(std::move(key), std::move(value));
        return std::move(*this);
    }

    std::string name;
    data_type type;
    bool nullable = true;
    std::vector<std::pair<std::string, std::string>> metadata;
};

inline data_type::data_type(simple_type type) : format(type.format), extension(type.extension) {}
inline data_type::data_type(std::string arrow_format) : format(std::move(arrow_format)) {}
inline data_type::data_type(const data_type&) = default;
inline data_type::data_type(data_type&&) noexcept = default;
inline data_type& data_type::operator=(const data_type&) = default;
inline data_type& data_type::operator=(data_type&&) noexcept = default;
inline data_type::~data_type() = default;
inline data_type::data_type(std::string arrow_format, fields within)
    : format(std::move(arrow_format)), children(std::move(within)) {}

inline constexpr simple_type null{"n", nullptr};
inline constexpr simple_type boolean{"b", nullptr};
inline constexpr simple_type i8{"c", nullptr}, i16{"s", nullptr}, i32{"i", nullptr}, i64{"l", nullptr};
inline constexpr simple_type u8{"C", nullptr}, u16{"S", nullptr}, u32{"I", nullptr}, u64{"L", nullptr};
inline constexpr simple_type f16{"e", nullptr}, f32{"f", nullptr}, f64{"g", nullptr};
inline constexpr simple_type utf8{"u", nullptr}, large_utf8{"U", nullptr};
inline constexpr simple_type binary{"z", nullptr}, large_binary{"Z", nullptr};
inline constexpr simple_type date32{"tdD", nullptr}, date64{"tdm", nullptr};
inline constexpr simple_type time32_s{"tts", nullptr}, time32_ms{"ttm", nullptr};
inline constexpr simple_type time64_us{"ttu", nullptr}, time64_ns{"ttn", nullptr};
inline constexpr simple_type duration_s{"tDs", nullptr}, duration_ms{"tDm", nullptr};
inline constexpr simple_type duration_us{"tDu", nullptr}, duration_ns{"tDn", nullptr};
inline constexpr simple_type json{"u", "arrow.json"};  // text that is JSON

inline data_type timestamp_s(std::string_view zone = {}) {
    return data_type("tss:" + std::string(zone));
}
inline data_type timestamp_ms(std::string_view zone = {}) {
    return data_type("tsm:" + std::string(zone));
}
inline data_type timestamp_us(std::string_view zone = {}) {
    return data_type("tsu:" + std::string(zone));
}
inline data_type timestamp_ns(std::string_view zone = {}) {
    return data_type("tsn:" + std::string(zone));
}
/// Up to 38 digits, `scale` of them behind the point.
inline data_type decimal(int precision, int scale) {
    return data_type("d:" + std::to_string(precision) + "," + std::to_string(scale));
}
inline data_type fixed_binary(std::int64_t width) {
    return data_type("w:" + std::to_string(width));
}
inline data_type list_of(data_type item) {
    return data_type("+l", {field("item", std::move(item))});
}
inline data_type large_list_of(data_type item) {
    return data_type("+L", {field("item", std::move(item))});
}
inline data_type struct_of(fields members) {
    return data_type("+s", std::move(members));
}
inline data_type map_of(data_type key, data_type value) {
    return data_type(
        "+m", {field("entries", struct_of({field("key", std::move(key)).not_null(), field("value", std::move(value))}))
                   .not_null()});
}

namespace detail {

/// What one exported ArrowSchema node owns.
struct schema_node {
    std::string format, name, metadata;
    std::vector<ArrowSchema> children;
    std::vector<ArrowSchema*> pointers;
};

inline void release_schema(ArrowSchema* schema) {
    for (std::int64_t i = 0; i < schema->n_children; ++i) {
        ArrowSchema* const child = schema->children[i];
        if (child->release != nullptr) child->release(child);
    }
    delete static_cast<schema_node*>(schema->private_data);
    schema->release = nullptr;
}

inline void append_int32(std::string& out, std::size_t value) {
    const auto number = static_cast<std::int32_t>(value);
    out.append(reinterpret_cast<const char*>(&number), sizeof number);
}

inline std::string encode_metadata(const field& f) {
    std::string out;
    if (f.metadata.empty()) return out;
    append_int32(out, f.metadata.size());
    for (const auto& [key, value] : f.metadata) {
        append_int32(out, key.size());
        out += key;
        append_int32(out, value.size());
        out += value;
    }
    return out;
}

inline ArrowSchema export_schema(const field& f) {
    auto node = std::make_unique<schema_node>();
    node->format = f.type.format;
    node->name = f.name;
    node->metadata = encode_metadata(f);
    node->children.resize(f.type.children.size());
    node->pointers.resize(f.type.children.size());
    ArrowSchema out{};
    out.format = node->format.c_str();
    out.name = node->name.c_str();
    out.metadata = node->metadata.empty() ? nullptr : node->metadata.data();
    out.flags = f.nullable ? ARROW_FLAG_NULLABLE : 0;
    out.children = node->pointers.data();
    out.release = &release_schema;
    schema_node& kept = *node;
    out.private_data = node.release();
    try {
        for (std::size_t i = 0; i < kept.children.size(); ++i) {
            kept.children[i] = export_schema(f.type.children[i]);
            kept.pointers[i] = &kept.children[i];
            ++out.n_children;
        }
    } catch (...) {
        release_schema(&out);
        throw;
    }
    return out;
}

inline std::int32_t int32_at(const char* bytes) {
    std::int32_t value;
    std::memcpy(&value, bytes, sizeof value);
    return value;
}

/// Calls visit(key, value) for each pair until it returns false.
template <class Visit>
void each_metadata(const char* bytes, Visit&& visit) {
    if (bytes == nullptr) return;
    const auto text = [&bytes] {
        const auto size = static_cast<std::size_t>(int32_at(bytes));
        const std::string_view view(bytes + 4, size);
        bytes += 4 + size;
        return view;
    };
    const std::int32_t n = int32_at(bytes);
    bytes += 4;
    for (std::int32_t i = 0; i < n; ++i) {
        const std::string_view key = text();
        const std::string_view value = text();
        if (!visit(key, value)) return;
    }
}

}  // namespace detail

/// A look at one column of a schema, or at the struct of all columns; as long-lived as what it looks at.
class schema_view {
public:
    explicit schema_view(const ArrowSchema& schema) : schema_(&schema) {}
    explicit schema_view(const leat_schema* schema) : schema_(schema->arrow) {}

    std::string_view name() const { return schema_->name == nullptr ? "" : schema_->name; }
    const char* format() const { return schema_->format; }
    type_info type() const { return schema_->dictionary == nullptr ? type_of(schema_->format) : type_info(); }
    bool nullable() const { return (schema_->flags & ARROW_FLAG_NULLABLE) != 0; }
    /// The number of columns, or of the fields within a list, struct or map.
    int size() const { return static_cast<int>(schema_->n_children); }
    schema_view operator[](int i) const { return schema_view(*schema_->children[i]); }
    /// The index of the column of this name, -1 if there is none.
    int index(std::string_view column) const {
        for (int i = 0; i < size(); ++i) {
            if ((*this)[i].name() == column) return i;
        }
        return -1;
    }
    std::optional<std::string_view> metadata(std::string_view key) const {
        std::optional<std::string_view> found;
        detail::each_metadata(schema_->metadata, [&](std::string_view k, std::string_view value) {
            if (k == key) found = value;
            return !found;
        });
        return found;
    }
    /// True for text that is JSON.
    bool is_json() const { return metadata("ARROW:extension:name") == std::string_view("arrow.json"); }
    const ArrowSchema& raw() const { return *schema_; }

private:
    const ArrowSchema* schema_;
};

/// A copy of a column's description, to make a changed schema from.
inline field field_of(const schema_view& view) {
    fields children;
    for (int i = 0; i < view.size(); ++i)
        children.push_back(field_of(view[i]));
    field out(std::string(view.name()), data_type(view.format(), std::move(children)));
    out.nullable = view.nullable();
    detail::each_metadata(view.raw().metadata, [&](std::string_view key, std::string_view value) {
        out.metadata.emplace_back(key, value);
        return true;
    });
    return out;
}

inline fields fields_of(const schema_view& view) {
    fields out;
    for (int i = 0; i < view.size(); ++i)
        out.push_back(field_of(view[i]));
    return out;
}

// ---- Reading ----------------------------------------------------------------------------------------

/// Some rows of one column: rows are numbered from 0 here, whatever the offsets below.
class array_view {
public:
    array_view(const ArrowSchema& schema, const ArrowArray& array, std::int64_t offset, std::int64_t length)
        : schema_(&schema), array_(&array), offset_(offset), length_(length) {
        // A null column and a union have no validity.
        if (array.n_buffers > 0 && array.null_count != 0 && schema.format[0] != 'n') {
            validity_ = static_cast<const std::uint8_t*>(array.buffers[0]);
        }
    }

    schema_view schema() const { return schema_view(*schema_); }
    type_info type() const { return schema().type(); }
    std::int64_t size() const { return length_; }
    /// False only if there is certainly no NULL.
    bool has_nulls() const { return validity_ != nullptr || schema_->format[0] == 'n'; }
    bool valid(std::int64_t row) const {
        if (validity_ == nullptr) return schema_->format[0] != 'n';
        const std::int64_t bit = offset_ + row;
        return (validity_[bit >> 3] >> (bit & 7) & 1) != 0;
    }
    /// The array beneath; what the view sees of it begins at offset().
    const ArrowArray& raw() const { return *array_; }
    std::int64_t offset() const { return offset_; }
    /// Buffer `i`, not moved by offset().
    template <class T>
    const T* buffer(int i) const {
        return i < array_->n_buffers ? static_cast<const T*>(array_->buffers[i]) : nullptr;
    }
    /// Field `i` of a struct, row by row with it. A field of a NULL struct may look valid: ask the struct first.
    array_view member(int i) const {
        const ArrowArray& child = *array_->children[i];
        return {*schema_->children[i], child, child.offset + offset_, length_};
    }
    /// All items of all lists, or all entries of all maps; see list_view.
    array_view items() const {
        const ArrowArray& child = *array_->children[0];
        return {*schema_->children[0], child, child.offset, child.length};
    }

private:
    const ArrowSchema* schema_;
    const ArrowArray* array_;
    const std::uint8_t* validity_ = nullptr;
    std::int64_t offset_;
    std::int64_t length_;
};

namespace detail {

/// "column 'at' is of Arrow type tsu:, which cannot be read as int32"
[[noreturn]] inline void wrong_type(const schema_view& column, const char* verb, const char* as) {
    throw error(LEAT_ERR_UNSUPPORTED, "column '" + std::string(column.name()) + "' is of Arrow type " +
                                          column.format() + ", which cannot be " + verb + " as " + as);
}

/// Which kinds are kept as plain values of type T, and how to call T in a message.
template <class T>
struct storage {
    static constexpr bool plain = false;
};
#define LEAT_DETAIL_STORAGE(T, text, condition)                  \
    template <>                                                  \
    struct storage<T> {                                          \
        static constexpr bool plain = true;                      \
        static constexpr const char* name = text;                \
        static constexpr bool fits(kind k) { return condition; } \
    }
LEAT_DETAIL_STORAGE(std::int8_t, "int8", k == kind::int8);
LEAT_DETAIL_STORAGE(std::int16_t, "int16", k == kind::int16);
LEAT_DETAIL_STORAGE(std::int32_t, "int32", k == kind::int32 || k == kind::date32 || k == kind::time32);
LEAT_DETAIL_STORAGE(std::int64_t, "int64",
                    k == kind::int64 || k == kind::date64 || k == kind::time64 || k == kind::timestamp ||
                        k == kind::duration);
LEAT_DETAIL_STORAGE(std::uint8_t, "uint8", k == kind::uint8);
LEAT_DETAIL_STORAGE(std::uint16_t, "uint16", k == kind::uint16);
LEAT_DETAIL_STORAGE(std::uint32_t, "uint32", k == kind::uint32);
LEAT_DETAIL_STORAGE(std::uint64_t, "uint64", k == kind::uint64);
LEAT_DETAIL_STORAGE(half, "float16", k == kind::float16);
LEAT_DETAIL_STORAGE(float, "float32", k == kind::float32);
LEAT_DETAIL_STORAGE(double, "float64", k == kind::float64);
LEAT_DETAIL_STORAGE(decimal128, "decimal128", k == kind::decimal);
#undef LEAT_DETAIL_STORAGE

}  // namespace detail

class batch;

namespace detail {
array_view column_of(const batch& from, int index);
array_view column_of(const batch& from, std::string_view name);
}  // namespace detail

/// Reads a column whose values are kept as T: numbers, and the dates, times and durations kept in them.
/// column<bool> and column<std::string_view> below do the others. c[row] of a NULL is some value, not an error.
template <class T>
class column {
    static_assert(detail::storage<T>::plain,
                  "column<T>: T is a fixed-width integer, float, double, half, decimal128, "
                  "bool or std::string_view");

public:
    explicit column(const array_view& view) : view_(view) {
        if (!detail::storage<T>::fits(view.type().id))
            detail::wrong_type(view.schema(), "read", detail::storage<T>::name);
        values_ = view.size() == 0 ? nullptr : view.buffer<T>(1) + view.offset();
    }
    template <class Which>
    column(const batch& from, const Which& which) : column(detail::column_of(from, which)) {}

    std::int64_t size() const { return view_.size(); }
    bool has_nulls() const { return view_.has_nulls(); }
    bool valid(std::int64_t row) const { return view_.valid(row); }
    T operator[](std::int64_t row) const { return values_[row]; }  // NOLINT(clang-analyzer-core.*): row < size()
    std::optional<T> get(std::int64_t row) const { return valid(row) ? std::optional<T>(values_[row]) : std::nullopt; }
    /// All values in a row; those of NULLs too.
    const T* data() const { return values_; }
    const array_view& view() const { return view_; }

private:
    array_view view_;
    const T* values_ = nullptr;
};

template <>
class column<bool> {
public:
    explicit column(const array_view& view) : view_(view), bits_(view.buffer<std::uint8_t>(1)) {
        if (view.type().id != kind::boolean) detail::wrong_type(view.schema(), "read", "bool");
    }
    template <class Which>
    column(const batch& from, const Which& which) : column(detail::column_of(from, which)) {}

    std::int64_t size() const { return view_.size(); }
    bool has_nulls() const { return view_.has_nulls(); }
    bool valid(std::int64_t row) const { return view_.valid(row); }
    bool operator[](std::int64_t row) const {
        const std::int64_t bit = view_.offset() + row;
        return (bits_[bit >> 3] >> (bit & 7) & 1) != 0;
    }
    std::optional<bool> get(std::int64_t row) const {
        return valid(row) ? std::optional<bool>((*this)[row]) : std::nullopt;
    }
    const array_view& view() const { return view_; }

private:
    array_view view_;
    const std::uint8_t* bits_;
};

/// Reads text and binary, of 32-bit, 64-bit or fixed width. The views point into the batch.
template <>
class column<std::string_view> {
public:
    explicit column(const array_view& view) : view_(view) {
        const type_info type = view.type();
        switch (type.id) {
            case kind::utf8:
            case kind::binary:
                if (view.size() > 0) small_ = view.buffer<std::int32_t>(1) + view.offset();
                bytes_ = view.buffer<char>(2);
                break;
            case kind::large_utf8:
            case kind::large_binary:
                if (view.size() > 0) large_ = view.buffer<std::int64_t>(1) + view.offset();
                bytes_ = view.buffer<char>(2);
                break;
            case kind::fixed_binary:
                width_ = type.width;
                bytes_ = view.buffer<char>(1);
                if (view.size() > 0) bytes_ += view.offset() * width_;
                break;
            default:
                detail::wrong_type(view.schema(), "read", "text or binary");
        }
    }
    template <class Which>
    column(const batch& from, const Which& which) : column(detail::column_of(from, which)) {}

    std::int64_t size() const { return view_.size(); }
    bool has_nulls() const { return view_.has_nulls(); }
    bool valid(std::int64_t row) const { return view_.valid(row); }
    std::string_view operator[](std::int64_t row) const {
        if (small_ != nullptr) return cell(small_[row], small_[row + 1]);
        if (large_ != nullptr) return cell(large_[row], large_[row + 1]);
        return cell(row * width_, (row + 1) * width_);
    }
    std::optional<std::string_view> get(std::int64_t row) const {
        return valid(row) ? std::optional<std::string_view>((*this)[row]) : std::nullopt;
    }
    const array_view& view() const { return view_; }

private:
    std::string_view cell(std::int64_t begin, std::int64_t end) const {
        return begin == end ? std::string_view()
                            : std::string_view(bytes_ + begin, static_cast<std::size_t>(end - begin));
    }

    array_view view_;
    const std::int32_t* small_ = nullptr;
    const std::int64_t* large_ = nullptr;
    const char* bytes_ = nullptr;
    std::int64_t width_ = 0;
};

/// Reads lists and maps: the items of row r are items()[begin(r)] to items()[end(r)] - 1.
/// The item of a map is a struct of key and value.
class list_view {
public:
    explicit list_view(const array_view& view) : view_(view) {
        switch (view.type().id) {
            case kind::list:
            case kind::map:
                if (view.size() > 0) small_ = view.buffer<std::int32_t>(1) + view.offset();
                break;
            case kind::large_list:
                if (view.size() > 0) large_ = view.buffer<std::int64_t>(1) + view.offset();
                break;
            default:
                detail::wrong_type(view.schema(), "read", "a list");
        }
    }
    template <class Which>
    list_view(const batch& from, const Which& which) : list_view(detail::column_of(from, which)) {}

    std::int64_t size() const { return view_.size(); }
    bool has_nulls() const { return view_.has_nulls(); }
    bool valid(std::int64_t row) const { return view_.valid(row); }
    std::int64_t begin(std::int64_t row) const { return small_ != nullptr ? small_[row] : large_[row]; }
    std::int64_t end(std::int64_t row) const { return begin(row + 1); }
    array_view items() const { return view_.items(); }
    /// The keys and values of all maps, in step with items().
    array_view keys() const { return view_.items().member(0); }
    array_view values() const { return view_.items().member(1); }
    const array_view& view() const { return view_; }

private:
    array_view view_;
    const std::int32_t* small_ = nullptr;
    const std::int64_t* large_ = nullptr;
};

/// Reads structs: member(i) has the same rows. A member of a NULL struct may look valid: ask valid(row) here first.
class struct_view {
public:
    explicit struct_view(const array_view& view) : view_(view) {
        if (view.type().id != kind::structure) detail::wrong_type(view.schema(), "read", "a struct");
    }
    template <class Which>
    struct_view(const batch& from, const Which& which) : struct_view(detail::column_of(from, which)) {}

    std::int64_t size() const { return view_.size(); }
    bool has_nulls() const { return view_.has_nulls(); }
    bool valid(std::int64_t row) const { return view_.valid(row); }
    int members() const { return view_.schema().size(); }
    array_view member(int i) const { return view_.member(i); }
    const array_view& view() const { return view_; }

private:
    array_view view_;
};

/// Rows on their way: a schema that the host keeps and the Arrow array, released with this object unless moved on.
class batch {
public:
    batch() { raw_.struct_size = sizeof raw_; }
    /// Takes the array out of `from`, which keeps everything else.
    explicit batch(leat_batch& from) : batch() {
        raw_.schema = from.schema;
        raw_.array = from.array;
        raw_.position = from.position;
        from.array.release = nullptr;
    }
    batch(batch&& other) noexcept : raw_(other.raw_) { other.raw_.array.release = nullptr; }
    batch& operator=(batch&& other) noexcept {
        if (this != &other) {
            reset();
            raw_ = other.raw_;
            other.raw_.array.release = nullptr;
        }
        return *this;
    }
    batch(const batch&) = delete;
    batch& operator=(const batch&) = delete;
    ~batch() { reset(); }

    void reset() noexcept {
        if (raw_.array.release != nullptr) raw_.array.release(&raw_.array);
        raw_.array.release = nullptr;
    }
    /// False once it was moved on.
    explicit operator bool() const { return raw_.array.release != nullptr; }

    std::int64_t rows() const { return raw_.array.length; }
    int columns() const { return static_cast<int>(raw_.array.n_children); }
    schema_view schema() const { return schema_view(raw_.schema); }
    /// The host's schema, to build on or to compare by address.
    const leat_schema* schema_handle() const { return raw_.schema; }
    /// The index of the column of this name, -1 if there is none.
    int index(std::string_view name) const { return schema().index(name); }
    /// The index of the column of this name. Throws CONFIG, with the names that there are.
    int at(std::string_view name) const {
        const int i = index(name);
        if (i >= 0) return i;
        std::string text = "there is no column '" + std::string(name) + "'; the columns are";
        for (int k = 0; k < columns(); ++k)
            text += (k == 0 ? " " : ", ") + std::string(schema()[k].name());
        throw error(LEAT_ERR_CONFIG, text);
    }
    array_view column(int i) const {
        const ArrowArray& child = *raw_.array.children[i];
        return {*raw_.schema->arrow->children[i], child, child.offset + raw_.array.offset, raw_.array.length};
    }
    array_view column(std::string_view name) const { return column(at(name)); }
    /// Calls visit(row, std::optional<T>) for every row.
    template <class T, class Visit>
    void each(int i, Visit&& visit) const {
        const leat::column<T> values(*this, i);
        for (std::int64_t row = 0; row < values.size(); ++row)
            visit(row, values.get(row));
    }
    /// Keeps `count` rows from `first` on; no copy.
    void crop(std::int64_t first, std::int64_t count) {
        if (first < 0 || count < 0 || first > rows() - count) {
            throw error(LEAT_ERR_FATAL, "crop asks for rows that the batch has not");
        }
        for (std::int64_t i = 0; i < raw_.array.n_children; ++i) {
            ArrowArray& child = *raw_.array.children[i];
            child.offset += raw_.array.offset + first;
            child.length = count;
            if (child.null_count > 0) child.null_count = -1;
        }
        raw_.array.offset = 0;
        raw_.array.length = count;
        raw_.array.null_count = 0;
    }
    leat_batch& raw() { return raw_; }
    const leat_batch& raw() const { return raw_; }

private:
    leat_batch raw_{};
};

namespace detail {
inline array_view column_of(const batch& from, int index) {
    return from.column(index);
}
inline array_view column_of(const batch& from, std::string_view name) {
    return from.column(name);
}

inline std::string_view view(const leat_bytes* bytes) {
    return bytes == nullptr || bytes->size == 0 ? std::string_view()
                                                : std::string_view(static_cast<const char*>(bytes->data), bytes->size);
}
inline leat_bytes bytes(std::string_view text) {
    return {text.data(), text.size()};
}

/// Appends one code point as UTF-8.
inline void append_utf8(std::string& out, std::uint32_t c) {
    const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
    if (c < 0x80) return put(c);
    if (c < 0x800) {
        put(0xC0 | c >> 6);
    } else {
        if (c < 0x10000) {
            put(0xE0 | c >> 12);
        } else {
            put(0xF0 | c >> 18);
            put(0x80 | (c >> 12 & 0x3F));
        }
        put(0x80 | (c >> 6 & 0x3F));
    }
    put(0x80 | (c & 0x3F));
}

inline std::uint32_t hex4(std::string_view text, std::size_t at) {
    std::uint32_t value = 0;
    for (std::size_t i = at; i < at + 4 && i < text.size(); ++i) {
        const char c = text[i];
        value = value * 16 + static_cast<std::uint32_t>(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return value;
}

/// Reads the JSON string that begins at text[at] == '"' and leaves `at` behind it. The host has checked the JSON.
inline std::string json_string(std::string_view text, std::size_t& at) {
    std::string out;
    for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] != '\\') {
            out += text[at];
            continue;
        }
        const char c = ++at < text.size() ? text[at] : '\\';
        if (c != 'u') {
            out += c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c == 'b' ? '\b' : c == 'f' ? '\f' : c;
            continue;
        }
        std::uint32_t code = hex4(text, at + 1);
        at += 4;
        if (code >= 0xD800 && code < 0xDC00 && text.substr(at + 1, 2) == "\\u") {
            code = 0x10000 + ((code - 0xD800) << 10) + (hex4(text, at + 3) - 0xDC00);
            at += 6;
        }
        append_utf8(out, code);
    }
    ++at;
    return out;
}

/// The keys of a JSON object, in order. The host has checked the JSON.
inline std::vector<std::string> json_keys(std::string_view text) {
    std::vector<std::string> keys;
    int depth = 0;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '"') {
            std::string string = json_string(text, at);
            while (at < text.size() && (text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r'))
                ++at;
            if (depth == 1 && at < text.size() && text[at] == ':') keys.push_back(std::move(string));
            continue;
        }
        if (c == '{' || c == '[') ++depth;
        if (c == '}' || c == ']') --depth;
        if (depth == 1 && c == '[') return {};  // an array
        ++at;
    }
    return keys;
}
}  // namespace detail

/// Makes one step of a JSON Pointer from a name that may hold '/' or '~': "/types" + step(column).
inline std::string step(std::string_view name) {
    std::string out = "/";
    for (const char c : name) {
        if (c == '~') {
            out += "~0";
        } else if (c == '/') {
            out += "~1";
        } else {
            out += c;
        }
    }
    return out;
}

/// One field of a log line.
struct log_field : leat_kv {
    log_field(const char* name, std::string_view text)
        : leat_kv{name, {LEAT_STRING, 0, 0, 0, text.data(), text.size()}} {}
    log_field(const char* name, const char* text) : log_field(name, std::string_view(text)) {}
    log_field(const char* name, const std::string& text) : log_field(name, std::string_view(text)) {}
    log_field(const char* name, bool flag) : leat_kv{name, {LEAT_BOOL, 0, flag ? 1 : 0, 0, nullptr, 0}} {}
    template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
    log_field(const char* name, Number number)
        : leat_kv{name,
                  {std::is_floating_point_v<Number> ? LEAT_FLOAT : LEAT_INT, 0,
                   std::is_floating_point_v<Number> ? 0 : static_cast<std::int64_t>(number),
                   static_cast<double>(number), nullptr, 0}} {}
};

/// A counter, gauge or histogram; may be kept until destroy, and used on any thread.
class metric {
public:
    metric() = default;
    metric(leat_ctx* ctx, std::uint64_t handle) : ctx_(ctx), handle_(handle) {}
    /// Adds to a counter, sets a gauge, observes into a histogram.
    void record(double value) const {
        if (handle_ != 0) ctx_->host->record(ctx_, handle_, value);
    }

private:
    leat_ctx* ctx_ = nullptr;
    std::uint64_t handle_ = 0;
};

/// A block of host->alloc: 64-byte aligned, given back with this object.
class block {
public:
    block() = default;
    block(leat_ctx* ctx, std::uint64_t size) : data_(ctx->host->alloc(ctx, size)), dealloc_(ctx->host->dealloc) {
        if (data_ == nullptr) throw std::bad_alloc();
    }
    block(block&& other) noexcept : data_(std::exchange(other.data_, nullptr)), dealloc_(other.dealloc_) {}
    block& operator=(block&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(dealloc_, other.dealloc_);
        return *this;
    }
    block(const block&) = delete;
    block& operator=(const block&) = delete;
    ~block() {
        if (data_ != nullptr) dealloc_(data_);
    }
    void* data() const { return data_; }
    /// The caller gives it back by host->dealloc.
    void* release() noexcept { return std::exchange(data_, nullptr); }

private:
    void* data_ = nullptr;
    void(LEAT_CALL* dealloc_)(void*) LEAT_NOEXCEPT = nullptr;
};

/// The host, as seen from inside one call. Never keep it; pass it on by reference.
class context {
public:
    explicit context(leat_ctx* ctx) : ctx_(ctx) {}
    context(const context&) = delete;
    context& operator=(const context&) = delete;

    // Configuration, by JSON Pointer. It was validated and its defaults filled in, so that a wrong kind or a missing
    // value is a gap in the component's own schema: CONFIG, with the pointer in the text.

    bool has(std::string_view pointer) const { return value(pointer).kind != LEAT_NULL; }
    std::int64_t integer(std::string_view pointer) const { return given(pointer, LEAT_INT, "an integer").i; }
    std::int64_t integer(std::string_view pointer, std::int64_t otherwise) const {
        return has(pointer) ? integer(pointer) : otherwise;
    }
    double number(std::string_view pointer) const {
        const leat_value v = value(pointer);
        return v.kind == LEAT_INT ? v.f : given(pointer, LEAT_FLOAT, "a number").f;
    }
    double number(std::string_view pointer, double otherwise) const {
        return has(pointer) ? number(pointer) : otherwise;
    }
    bool boolean(std::string_view pointer) const { return given(pointer, LEAT_BOOL, "true or false").i != 0; }
    bool boolean(std::string_view pointer, bool otherwise) const { return has(pointer) ? boolean(pointer) : otherwise; }
    std::string text(std::string_view pointer) const {
        const leat_value v = given(pointer, LEAT_STRING, "a text");
        return v.size == 0 ? std::string() : std::string(v.s, v.size);
    }
    std::string text(std::string_view pointer, std::string_view otherwise) const {
        return has(pointer) ? text(pointer) : std::string(otherwise);
    }
    /// A list of texts, or a single one as a list of one; empty if absent.
    std::vector<std::string> texts(std::string_view pointer) const {
        std::vector<std::string> out;
        if (value(pointer).kind == LEAT_STRING) return {text(pointer)};
        for (std::string item; has(item = std::string(pointer) + "/" + std::to_string(out.size()));) {
            out.push_back(text(item));
        }
        return out;
    }
    /// An object or a list as JSON text; "" is the whole configuration. Borrowed until destroy; empty if absent.
    std::string_view json(std::string_view pointer = {}) const {
        const leat_value v = value(pointer);
        if (v.kind == LEAT_NULL) return {};
        const leat_value given_json = given(pointer, LEAT_JSON, "an object or a list");
        return {given_json.s, given_json.size};
    }
    /// The keys of an object, in the order that the host gives; empty if absent. See step() for using them.
    std::vector<std::string> keys(std::string_view pointer) const { return detail::json_keys(json(pointer)); }
    /// The value as the host gives it.
    leat_value value(std::string_view pointer) const {
        leat_value out{};
        if (host().config(ctx_, pointer.data() == nullptr ? "" : pointer.data(), pointer.size(), &out) < 0) {
            throw error(LEAT_ERR_CONFIG, "'" + std::string(pointer) + "' is not a JSON Pointer");
        }
        return out;
    }

    // Telling

    void log(int level, std::string_view text, std::initializer_list<log_field> with = {}) const {
        static_assert(sizeof(log_field) == sizeof(leat_kv));
        host().log(ctx_, level, text.data(), text.size(), with.begin(), with.size());
    }
    void debug(std::string_view text, std::initializer_list<log_field> with = {}) const {
        log(LEAT_LOG_DEBUG, text, with);
    }
    void info(std::string_view text, std::initializer_list<log_field> with = {}) const {
        log(LEAT_LOG_INFO, text, with);
    }
    void warn(std::string_view text, std::initializer_list<log_field> with = {}) const {
        log(LEAT_LOG_WARN, text, with);
    }
    /// `kind` is LEAT_COUNTER, LEAT_GAUGE or LEAT_HISTOGRAM.
    leat::metric metric(int kind, const char* name, const char* unit) const {
        return {ctx_, host().metric(ctx_, kind, name, unit, nullptr, 0)};
    }
    /// How far a source is, and how far it has to go (0: unknown); `unit` is "bytes" or "rows".
    void progress(double done, double total, const char* unit) const {
        metric(LEAT_GAUGE, "progress", unit).record(done);
        if (total > 0) metric(LEAT_GAUGE, "progress_total", unit).record(total);
    }

    // Stopping

    /// LEAT_RUN, LEAT_DRAIN or LEAT_STOP.
    int stop_state() const { return host().stop_state(ctx_); }
    /// Sleeps; false if a stop cut it short.
    bool wait(std::uint64_t nanoseconds) const { return host().wait(ctx_, nanoseconds) == LEAT_OK; }

    // Data

    /// Hands a schema to the host; the result lasts until destroy.
    const leat_schema* schema(const fields& columns) const {
        field top("", struct_of(columns));
        top.nullable = false;
        ArrowSchema moved = detail::export_schema(top);
        const leat_schema* const kept = host().schema(ctx_, &moved);
        if (kept == nullptr) throw error(LEAT_ERR_FATAL);  // the host has said why
        return kept;
    }
    /// Puts a batch out. Throws CANCELLED once a stop was asked; let it pass.
    void emit(batch&& out) const { emit(std::move(out), std::string_view()); }
    /// A source's emit: open with `position` and you get what comes after this batch.
    void emit(batch&& out, std::string_view position) const {
        out.raw().position = detail::bytes(position);
        const leat_status status = host().emit(ctx_, &out.raw());
        out.raw().position = {};
        if (status < 0) throw error(status);
    }
    /// Emits a batch as it was lent.
    void emit(batch& out) const { emit(std::move(out)); }
    /// Bytes that emit takes now without blocking.
    std::uint64_t room() const { return host().room(ctx_); }
    /// A second owner of the same buffers.
    batch share(const batch& lent) const {
        batch out;
        check(host().share(ctx_, &lent.raw(), &out.raw()));
        return out;
    }
    /// Makes dead letters of rows of the batch that process or write was given; leave them out of your output.
    void reject_rows(const std::int64_t* rows, std::size_t count, std::string_view why) const {
        if (count > 0) check(host().reject_rows(ctx_, rows, count, why.data(), why.size()));
    }
    void reject_rows(const std::vector<std::int64_t>& rows, std::string_view why) const {
        reject_rows(rows.data(), rows.size(), why);
    }
    void reject_row(std::int64_t row, std::string_view why) const { reject_rows(&row, 1, why); }
    /// Makes a dead letter of what never became a row. `why` begins with the place.
    void reject_raw(std::string_view data, std::string_view why) const {
        check(host().reject_raw(ctx_, data.data(), data.size(), why.data(), why.size()));
    }
    /// Stores a runner's state; durable on return.
    void checkpoint(std::string_view state) const { check(host().checkpoint(ctx_, state.data(), state.size())); }
    block alloc(std::uint64_t size) const { return {ctx_, size}; }

    const leat_host& host() const { return *ctx_->host; }
    leat_ctx* raw() const { return ctx_; }

private:
    static void check(leat_status status) {
        if (status < 0) throw error(status);
    }
    leat_value given(std::string_view pointer, int kind, const char* what) const {
        const leat_value v = value(pointer);
        if (v.kind != kind) {
            throw error(LEAT_ERR_CONFIG, "option " + std::string(pointer) +
                                             (v.kind == LEAT_NULL ? " is missing" : " is wrong") + ": it must be " +
                                             what);
        }
        return v;
    }

    leat_ctx* ctx_;
};

// ---- Building ---------------------------------------------------------------------------------------

namespace detail {

/// Memory of host->alloc that grows by doubling. It remembers what the last batch needed, so that the next one
/// is given that much at once.
class growing {
public:
    explicit growing(leat_ctx* ctx) : ctx_(ctx) {}
    growing(const growing&) = delete;
    growing& operator=(const growing&) = delete;
    ~growing() { drop(); }

    void* data() const { return data_; }
    std::uint64_t capacity() const { return capacity_; }
    /// Makes room for `needed` bytes and keeps the first `used`.
    void grow(std::uint64_t used, std::uint64_t needed) {
        std::uint64_t size = capacity_ * 2 > expected_ ? capacity_ * 2 : expected_;
        if (size < needed) size = needed;
        size = (size + 63) & ~std::uint64_t{63};
        void* const bigger = ctx_->host->alloc(ctx_, size);
        if (bigger == nullptr) throw std::bad_alloc();
        if (used > 0) std::memcpy(bigger, data_, used);
        drop();
        data_ = bigger;
        capacity_ = size;
    }
    /// Gives the memory away.
    void* release(std::uint64_t used) noexcept {
        expected_ = used + used / 8 > expected_ / 2 ? used + used / 8 : expected_ / 2;
        capacity_ = 0;
        return std::exchange(data_, nullptr);
    }

private:
    void drop() noexcept {
        if (data_ != nullptr) ctx_->host->dealloc(data_);
        data_ = nullptr;
    }

    leat_ctx* ctx_;
    void* data_ = nullptr;
    std::uint64_t capacity_ = 0;
    std::uint64_t expected_ = 64;
};

struct node_tree;

/// One exported ArrowArray with its own record of what it owns: a holder may edit the array's fields.
struct array_node {
    ArrowArray array;
    node_tree* tree;
    array_node* children;
    std::int64_t n_children;
    const void** buffers;
    std::int64_t n_buffers;
};

/// All nodes of a batch in one block, freed with the last node. A child may outlive its parent when it was moved out.
struct node_tree {
    std::atomic<std::int64_t> nodes_left;
    void(LEAT_CALL* dealloc)(void*) LEAT_NOEXCEPT;
    array_node* next_node;
    ArrowArray** next_pointer;
    const void** next_buffer;

    static node_tree* make(leat_ctx* ctx, std::size_t nodes, std::size_t buffers) {
        const std::size_t size =
            sizeof(node_tree) + nodes * (sizeof(array_node) + sizeof(ArrowArray*)) + buffers * sizeof(void*);
        void* const memory = std::malloc(size);
        if (memory == nullptr) throw std::bad_alloc();
        auto* const tree = new (memory) node_tree{};
        // Not from its beginning: of both together gcc makes a calloc, which glibc 2.36 takes from no thread's cache.
        std::memset(static_cast<void*>(tree + 1), 0, size - sizeof(node_tree));
        tree->nodes_left.store(static_cast<std::int64_t>(nodes), std::memory_order_relaxed);
        tree->dealloc = ctx->host->dealloc;
        tree->next_node = reinterpret_cast<array_node*>(tree + 1);
        tree->next_pointer = reinterpret_cast<ArrowArray**>(tree->next_node + nodes);
        tree->next_buffer = static_cast<const void**>(static_cast<void*>(tree->next_pointer + nodes));
        return tree;
    }
};
static_assert(alignof(array_node) == alignof(void*) && sizeof(node_tree) % alignof(void*) == 0);

inline void release_array(ArrowArray* array) {
    auto* const node = static_cast<array_node*>(array->private_data);
    node_tree* const tree = node->tree;
    for (std::int64_t i = 0; i < node->n_children; ++i) {
        ArrowArray& child = node->children[i].array;
        if (child.release != nullptr) child.release(&child);
    }
    for (std::int64_t i = 0; i < node->n_buffers; ++i) {
        if (node->buffers[i] != nullptr) tree->dealloc(const_cast<void*>(node->buffers[i]));
    }
    array->release = nullptr;
    if (tree->nodes_left.fetch_sub(1, std::memory_order_acq_rel) == 1) std::free(tree);
}

/// Takes `n_children` nodes and `n_buffers` slots out of the tree for `node`.
inline void lay_out(node_tree& tree, array_node& node, std::int64_t length, std::int64_t nulls, std::int64_t n_buffers,
                    std::int64_t n_children) noexcept {
    node.tree = &tree;
    node.n_buffers = n_buffers;
    node.buffers = tree.next_buffer;
    tree.next_buffer += n_buffers;
    node.n_children = n_children;
    node.children = tree.next_node;
    tree.next_node += n_children;
    ArrowArray** const pointers = tree.next_pointer;
    tree.next_pointer += n_children;
    for (std::int64_t i = 0; i < n_children; ++i)
        pointers[i] = &node.children[i].array;
    ArrowArray& array = node.array;
    array.length = length;
    array.null_count = nulls;
    array.n_buffers = n_buffers;
    array.n_children = n_children;
    array.buffers = node.buffers;
    array.children = n_children > 0 ? pointers : nullptr;
    array.release = &release_array;
    array.private_data = &node;
}

}  // namespace detail

class any_column;
template <class T>
class fixed_column;
class bool_column;
template <class Offset>
class bytes_column;
using utf8_column = bytes_column<std::int32_t>;
using large_utf8_column = bytes_column<std::int64_t>;

namespace detail {

template <class T>
struct builder_of {
    using type = std::conditional_t<std::is_class_v<T> && !storage<T>::plain, T, fixed_column<T>>;
};
template <>
struct builder_of<bool> {
    using type = bool_column;
};
template <>
struct builder_of<std::string_view> {
    using type = utf8_column;
};
}  // namespace detail

/// What appends to a column of T: fixed_column<T>, bool_column, utf8_column, or T itself if that is a column class.
template <class T>
using column_builder = typename detail::builder_of<T>::type;

/// A column of a builder, of whatever type. Its address stays the same as long as the builder lives.
class any_column {
public:
    any_column(leat_ctx* ctx, const ArrowSchema& schema, std::int64_t n_buffers)
        : schema_(&schema), id_(type_of(schema.format).id), n_buffers_(n_buffers), bits_(ctx), ctx_(ctx) {}
    any_column(const any_column&) = delete;
    any_column& operator=(const any_column&) = delete;
    virtual ~any_column() = default;

    std::int64_t size() const { return length_; }
    std::int64_t nulls() const { return nulls_; }
    kind id() const { return id_; }
    schema_view schema() const { return schema_view(*schema_); }
    virtual void append_null() = 0;
    /// Takes back the cells from `rows` on, and what was begun of another.
    virtual void truncate(std::int64_t rows) noexcept = 0;
    /// Bytes that the cells take.
    virtual std::uint64_t bytes() const = 0;
    /// This column as a column_builder<T>; throws UNSUPPORTED if its type is another.
    template <class T>
    column_builder<T>& as();

protected:
    friend class builder;
    friend class struct_column;
    template <class Offset>
    friend class basic_list_column;

    leat_ctx* ctx() const { return ctx_; }

    /// Marks cell `row` as NULL; cells that nobody marked are valid.
    void mark_null(std::int64_t row) {
        if (row >= covered_) cover(row + 1);
        bitmap()[row >> 3] = static_cast<std::uint8_t>(bitmap()[row >> 3] & ~(1U << (row & 7)));
        ++nulls_;
    }
    void unmark_nulls_from(std::int64_t row) noexcept {
        for (; nulls_ > 0 && row < length_ && row < covered_; ++row) {
            const auto bit = static_cast<std::uint8_t>(1U << (row & 7));
            if ((bitmap()[row >> 3] & bit) != 0) continue;
            bitmap()[row >> 3] = static_cast<std::uint8_t>(bitmap()[row >> 3] | bit);
            --nulls_;
        }
    }
    /// The bytes that the validity takes.
    std::uint64_t bitmap_bytes() const { return nulls_ == 0 ? 0 : (static_cast<std::uint64_t>(length_) + 7) / 8; }

    // A batch is finished in two steps: prepare may fail and changes nothing; move_into cannot fail.

    virtual void prepare() {
        if (nulls_ > 0 && length_ > covered_) cover(length_);
    }
    virtual void move_into(detail::node_tree& tree, detail::array_node& node) noexcept = 0;
    /// True when something was appended within and not ended: it would be lost.
    virtual bool pending() const { return false; }
    void refuse_pending(const char* end) const {
        if (pending()) {
            throw error(LEAT_ERR_FATAL, "column '" + std::string(schema().name()) + "' holds cells that no " + end +
                                            " has ended; truncate(size()) takes them back");
        }
    }
    virtual std::size_t count_nodes() const { return 1; }
    virtual std::size_t count_buffers() const { return static_cast<std::size_t>(n_buffers_); }

    /// What all types with validity have in common; the bitmap stays here, all ones, when nothing is NULL.
    void begin_move(detail::node_tree& tree, detail::array_node& node, std::int64_t n_children = 0) noexcept {
        detail::lay_out(tree, node, length_, nulls_, n_buffers_, n_children);
        if (nulls_ > 0) {
            node.buffers[0] = bits_.release(bitmap_bytes());
            covered_ = 0;
        }
        nulls_ = 0;
        length_ = 0;
    }

    std::int64_t length_ = 0;
    std::int64_t nulls_ = 0;

private:
    std::uint8_t* bitmap() const { return static_cast<std::uint8_t*>(bits_.data()); }
    void cover(std::int64_t rows) {
        const std::uint64_t before = bits_.capacity();
        bits_.grow(before, (static_cast<std::uint64_t>(rows) + 7) / 8);
        std::memset(bitmap() + before, 0xFF, bits_.capacity() - before);
        covered_ = static_cast<std::int64_t>(bits_.capacity() * 8);
    }

    const ArrowSchema* schema_;
    kind id_;
    std::int64_t n_buffers_;
    detail::growing bits_;  // 1: valid. Made with the first NULL; every bit that is not a NULL is 1
    std::int64_t covered_ = 0;
    leat_ctx* ctx_;
};

/// A column whose values are kept as T: numbers, dates, times, durations, decimals.
template <class T>
class fixed_column final : public any_column {
    static_assert(
        detail::storage<T>::plain,
        "a column is built as int64_t, double, ..., bool, decimal128, half, std::string_view or a column class");

public:
    fixed_column(leat_ctx* ctx, const ArrowSchema& schema) : any_column(ctx, schema, 2), memory_(ctx) {}
    static bool fits(kind id) { return detail::storage<T>::fits(id); }
    static constexpr const char* name() { return detail::storage<T>::name; }

    void append(T value) {
        if (length_ == capacity_) grow(1);
        data_[length_++] = value;
    }
    void append_null() override {
        if (length_ == capacity_) grow(1);
        data_[length_] = T{};
        mark_null(length_);
        ++length_;
    }
    void append(const T* values, std::int64_t count) {
        if (count > 0) std::memcpy(room(count), values, static_cast<std::size_t>(count) * sizeof(T));
        commit(count);
    }
    /// Where the next `count` values go: write them, then commit. Good until the next call.
    T* room(std::int64_t count) {
        if (count > capacity_ - length_) grow(count);
        return data_ + length_;
    }
    void commit(std::int64_t count) { length_ += count; }
    void reserve(std::int64_t count) { room(count); }
    T* data() { return data_; }
    void truncate(std::int64_t rows) noexcept override {
        unmark_nulls_from(rows);
        length_ = rows;
    }
    std::uint64_t bytes() const override { return static_cast<std::uint64_t>(length_) * sizeof(T) + bitmap_bytes(); }

private:
    void grow(std::int64_t more) {
        const auto used = static_cast<std::uint64_t>(length_) * sizeof(T);
        memory_.grow(used, used + static_cast<std::uint64_t>(more) * sizeof(T));
        data_ = static_cast<T*>(memory_.data());
        capacity_ = static_cast<std::int64_t>(memory_.capacity() / sizeof(T));
    }
    void prepare() override {
        any_column::prepare();
        if (data_ == nullptr) grow(1);
    }
    void move_into(detail::node_tree& tree, detail::array_node& node) noexcept override {
        const auto used = static_cast<std::uint64_t>(length_) * sizeof(T);
        begin_move(tree, node);
        node.buffers[1] = memory_.release(used);
        data_ = nullptr;
        capacity_ = 0;
    }

    T* data_ = nullptr;
    std::int64_t capacity_ = 0;
    detail::growing memory_;
};

class bool_column final : public any_column {
public:
    bool_column(leat_ctx* ctx, const ArrowSchema& schema) : any_column(ctx, schema, 2), memory_(ctx) {}
    static bool fits(kind id) { return id == kind::boolean; }
    static constexpr const char* name() { return "bool"; }

    void append(bool value) {
        if (length_ == capacity_) grow();
        std::uint8_t& byte = data_[length_ >> 3];
        const auto kept = static_cast<std::uint8_t>((length_ & 7) == 0 ? 0 : byte);
        byte = static_cast<std::uint8_t>(kept | (value ? 1U : 0U) << (length_ & 7));
        ++length_;
    }
    void append_null() override {
        append(false);
        mark_null(length_ - 1);
    }
    void truncate(std::int64_t rows) noexcept override {
        unmark_nulls_from(rows);
        if ((rows & 7) != 0 && rows < length_) {
            data_[rows >> 3] = static_cast<std::uint8_t>(data_[rows >> 3] & ((1U << (rows & 7)) - 1));
        }
        length_ = rows;
    }
    std::uint64_t bytes() const override { return static_cast<std::uint64_t>(length_ + 7) / 8 + bitmap_bytes(); }

private:
    void grow() {
        const auto used = static_cast<std::uint64_t>(length_) / 8;
        memory_.grow(used, used + 1);
        data_ = static_cast<std::uint8_t*>(memory_.data());
        capacity_ = static_cast<std::int64_t>(memory_.capacity() * 8);
    }
    void prepare() override {
        any_column::prepare();
        if (data_ == nullptr) grow();
    }
    void move_into(detail::node_tree& tree, detail::array_node& node) noexcept override {
        const auto used = static_cast<std::uint64_t>(length_ + 7) / 8;
        begin_move(tree, node);
        node.buffers[1] = memory_.release(used);
        data_ = nullptr;
        capacity_ = 0;
    }

    std::uint8_t* data_ = nullptr;
    std::int64_t capacity_ = 0;
    detail::growing memory_;
};

namespace detail {

/// The offsets buffer of text and lists: one more than there are cells.
template <class Offset>
class offsets {
public:
    explicit offsets(leat_ctx* ctx) : memory_(ctx) {}

    /// Ends cell `row`, which is the last one, at `end`.
    void push(std::int64_t row, std::int64_t end) {
        if (row >= capacity_) grow(row);
        data_[row + 1] = static_cast<Offset>(end);
    }
    /// Where cell `row` begins.
    std::int64_t begin(std::int64_t row) const { return data_ == nullptr ? 0 : data_[row]; }
    const Offset* data() const { return data_; }
    void prepare() {
        if (data_ == nullptr) grow(0);
    }
    void* release(std::int64_t rows) noexcept {
        data_ = nullptr;
        capacity_ = 0;
        return memory_.release(bytes(rows));
    }
    static std::uint64_t bytes(std::int64_t rows) { return (static_cast<std::uint64_t>(rows) + 1) * sizeof(Offset); }

private:
    void grow(std::int64_t rows) {
        memory_.grow(data_ == nullptr ? 0 : bytes(rows), bytes(rows + 1));
        const bool fresh = data_ == nullptr;
        data_ = static_cast<Offset*>(memory_.data());
        if (fresh) data_[0] = 0;
        capacity_ = static_cast<std::int64_t>(memory_.capacity() / sizeof(Offset)) - 1;
    }

    Offset* data_ = nullptr;
    std::int64_t capacity_ = 0;  // cells
    growing memory_;
};

}  // namespace detail

/// Text or binary, with 32-bit or 64-bit offsets. Text must be UTF-8; nothing here checks it.
template <class Offset>
class bytes_column final : public any_column {
public:
    bytes_column(leat_ctx* ctx, const ArrowSchema& schema) : any_column(ctx, schema, 3), offsets_(ctx), memory_(ctx) {}
    static bool fits(kind id) {
        return sizeof(Offset) == 4 ? id == kind::utf8 || id == kind::binary
                                   : id == kind::large_utf8 || id == kind::large_binary;
    }
    static constexpr const char* name() { return sizeof(Offset) == 4 ? "text or binary" : "large text or binary"; }

    void append(const char* bytes, std::size_t size) {
        char* const to = room(static_cast<std::int64_t>(size));
        if (size > 0) std::memcpy(to, bytes, size);
        commit(static_cast<std::int64_t>(size));
    }
    void append(std::string_view text) { append(text.data(), text.size()); }
    void append_null() override {
        offsets_.push(length_, used_);
        mark_null(length_);
        ++length_;
    }
    /// Where the bytes of the next cell go: write up to `size`, then commit what was written. Good until the next call.
    char* room(std::int64_t size) {
        if (size > capacity_ - used_) grow(size);
        return data_ + used_;
    }
    /// Ends the cell after `size` bytes.
    void commit(std::int64_t size) {
        offsets_.push(length_, used_ + size);
        used_ += size;
        ++length_;
    }
    /// Room for `size` bytes of text in all cells to come.
    void reserve(std::int64_t size) { room(size); }
    std::string_view operator[](std::int64_t row) const {
        const std::int64_t begin = offsets_.begin(row);
        return {data_ + begin, static_cast<std::size_t>(offsets_.begin(row + 1) - begin)};
    }
    void truncate(std::int64_t rows) noexcept override {
        unmark_nulls_from(rows);
        length_ = rows;
        used_ = offsets_.begin(rows);
    }
    std::uint64_t bytes() const override {
        return static_cast<std::uint64_t>(used_) + offsets_.bytes(length_) + bitmap_bytes();
    }

private:
    static constexpr std::int64_t most = std::numeric_limits<Offset>::max();

    void grow(std::int64_t more) {
        if (more > most - used_) {
            throw error(LEAT_ERR_DATA,
                        "column '" + std::string(schema().name()) +
                            "' has more than 2 GiB of text in one batch: make smaller batches, or use large_utf8");
        }
        memory_.grow(static_cast<std::uint64_t>(used_), static_cast<std::uint64_t>(used_ + more));
        data_ = static_cast<char*>(memory_.data());
        const auto capacity = static_cast<std::int64_t>(memory_.capacity());
        capacity_ = capacity < most ? capacity : most;
    }
    void prepare() override {
        any_column::prepare();
        offsets_.prepare();
        if (data_ == nullptr) grow(1);
    }
    void move_into(detail::node_tree& tree, detail::array_node& node) noexcept override {
        void* const ends = offsets_.release(length_);
        begin_move(tree, node);
        node.buffers[1] = ends;
        node.buffers[2] = memory_.release(static_cast<std::uint64_t>(used_));
        data_ = nullptr;
        used_ = 0;
        capacity_ = 0;
    }

    char* data_ = nullptr;
    std::int64_t used_ = 0;
    std::int64_t capacity_ = 0;
    detail::offsets<Offset> offsets_;
    detail::growing memory_;
};

class fixed_binary_column final : public any_column {
public:
    fixed_binary_column(leat_ctx* ctx, const ArrowSchema& schema)
        : any_column(ctx, schema, 2), width_(type_of(schema.format).width), memory_(ctx) {}
    static bool fits(kind id) { return id == kind::fixed_binary; }
    static constexpr const char* name() { return "fixed-width binary"; }

    std::int64_t width() const { return width_; }
    /// Throws DATA if the size is not width().
    void append(std::string_view bytes) {
        if (static_cast<std::int64_t>(bytes.size()) != width_) {
            throw error(LEAT_ERR_DATA, "column '" + std::string(schema().name()) + "' takes " + std::to_string(width_) +
                                           " bytes each, not " + std::to_string(bytes.size()));
        }
        std::memcpy(next(), bytes.data(), bytes.size());
        ++length_;
    }
    void append_null() override {
        std::memset(next(), 0, static_cast<std::size_t>(width_));
        mark_null(length_);
        ++length_;
    }
    void truncate(std::int64_t rows) noexcept override {
        unmark_nulls_from(rows);
        length_ = rows;
    }
    std::uint64_t bytes() const override { return used() + bitmap_bytes(); }

private:
    std::uint64_t used() const { return static_cast<std::uint64_t>(length_ * width_); }
    char* next() {
        const auto end = used() + static_cast<std::uint64_t>(width_);
        if (end > memory_.capacity()) memory_.grow(used(), end);
        return static_cast<char*>(memory_.data()) + used();
    }
    void prepare() override {
        any_column::prepare();
        if (memory_.data() == nullptr) next();
    }
    void move_into(detail::node_tree& tree, detail::array_node& node) noexcept override {
        const std::uint64_t size = used();
        begin_move(tree, node);
        node.buffers[1] = memory_.release(size);
    }

    std::int64_t width_;
    detail::growing memory_;
};

/// A column that holds nothing but NULL.
class null_column final : public any_column {
public:
    null_column(leat_ctx* ctx, const ArrowSchema& schema) : any_column(ctx, schema, 0) {}
    static bool fits(kind id) { return id == kind::null; }
    static constexpr const char* name() { return "null"; }

    void append_null() override { ++length_; }
    void truncate(std::int64_t rows) noexcept override { length_ = rows; }
    std::uint64_t bytes() const override { return 0; }

private:
    void move_into(detail::node_tree& tree, detail::array_node& node) noexcept override {
        const std::int64_t rows = length_;
        begin_move(tree, node);
        node.array.null_count = rows;
    }
};

namespace detail {
std::unique_ptr<any_column> make_column(leat_ctx* ctx, const ArrowSchema& schema);
}

/// Append to the members, then end_struct(); members left out become NULL.
class struct_column final : public any_column {
public:
    struct_column(leat_ctx* ctx, const ArrowSchema& schema) : any_column(ctx, schema, 1) {
        for (std::int64_t i = 0; i < schema.n_children; ++i) {
            members_.push_back(detail::make_column(ctx, *schema.children[i]));
        }
    }
    static bool fits(kind id) { return id == kind::structure; }
    static constexpr const char* name() { return "a struct"; }

    int members() const { return static_cast<int>(members_.size()); }
    any_column& member(int i) { return *members_[static_cast<std::size_t>(i)]; }
    template <class T>
    column_builder<T>& column(int i) {
        return member(i).as<T>();
    }
    void end_struct() {
        for (const auto& member : members_) {
            if (member->size() == length_) member->append_null();
            if (member->size() != length_ + 1) {
                throw error(LEAT_ERR_FATAL, "member '" + std::string(member->schema().name()) + "' of struct column '" +
                                                std::string(schema().name()) +
                                                "' got more than one cell for one struct");
            }
        }
        ++length_;
    }
    void append_null() override {
        refuse_pending("end_struct");
        for (const auto& member : members_)
            member->append_null();
        mark_null(length_);
        ++length_;
    }
    void truncate(std::int64_t rows) noexcept override {
        unmark_nulls_from(rows);
        length_ = rows;
        for (const auto& member : members_) {
            if (member->size() >= rows) member->truncate(rows);
        }
    }
    std::uint64_t bytes() const override {
        std::uint64_t sum = bitmap_bytes();
        for (const auto& member : members_)
            sum += member->bytes();
        return sum;
    }

private:
    void prepare() override {
        any_column::prepare();
        refuse_pending("end_struct");
        for (const auto& member : members_)
            member->prepare();
    }
    bool pending() const override {
        for (const auto& member : members_) {
            if (member->size() != length_ || member->pending()) return true;
        }
        return false;
    }
    void move_into(detail::node_tree& tree, detail::array_node& node) noexcept override {
        begin_move(tree, node, static_cast<std::int64_t>(members_.size()));
        for (std::size_t i = 0; i < members_.size(); ++i)
            members_[i]->move_into(tree, node.children[i]);
    }
    std::size_t count_nodes() const override {
        std::size_t n = 1;
        for (const auto& member : members_)
            n += member->count_nodes();
        return n;
    }
    std::size_t count_buffers() const override {
        std::size_t n = any_column::count_buffers();
        for (const auto& member : members_)
            n += member->count_buffers();
        return n;
    }

    std::vector<std::unique_ptr<any_column>> members_;
};

/// Lists: append to items(), then end_list(). Maps: append to keys() and values(), then end_map().
template <class Offset>
class basic_list_column final : public any_column {
public:
    basic_list_column(leat_ctx* ctx, const ArrowSchema& schema)
        : any_column(ctx, schema, 2), offsets_(ctx), items_(detail::make_column(ctx, *schema.children[0])) {}
    static bool fits(kind id) {
        return sizeof(Offset) == 4 ? id == kind::list || id == kind::map : id == kind::large_list;
    }
    static constexpr const char* name() { return sizeof(Offset) == 4 ? "a list or map" : "a large list"; }

    any_column& items() { return *items_; }
    void end_list() {
        if (items_->size() > std::numeric_limits<Offset>::max()) {
            throw error(LEAT_ERR_DATA, "column '" + std::string(schema().name()) +
                                           "' has more than 2^31-1 items in one batch: make smaller batches");
        }
        offsets_.push(length_, items_->size());
        ++length_;
    }
    any_column& keys() { return entries().member(0); }
    any_column& values() { return entries().member(1); }
    /// Values left out become NULL.
    void end_map() {
        struct_column& all = entries();
        while (all.size() < all.member(0).size())
            end_entry(all);
        end_list();
    }
    void append_null() override {
        refuse_pending("end_list or end_map");
        offsets_.push(length_, items_->size());
        mark_null(length_);
        ++length_;
    }
    void truncate(std::int64_t rows) noexcept override {
        unmark_nulls_from(rows);
        length_ = rows;
        items_->truncate(offsets_.begin(rows));
    }
    std::uint64_t bytes() const override { return items_->bytes() + offsets_.bytes(length_) + bitmap_bytes(); }

private:
    struct_column& entries() { return items_->as<struct_column>(); }
    /// Counts one entry whose key is there; keys and values are appended apart, so several may wait.
    static void end_entry(struct_column& all) {
        if (all.member(1).size() == all.size()) all.member(1).append_null();
        ++all.length_;
    }
    void prepare() override {
        any_column::prepare();
        offsets_.prepare();
        refuse_pending("end_list or end_map");
        if (id() == kind::map && keys().nulls() > 0) {
            throw error(LEAT_ERR_DATA, "map column '" + std::string(schema().name()) + "' has a key that is NULL");
        }
        items_->prepare();
    }
    bool pending() const override { return items_->size() != offsets_.begin(length_) || items_->pending(); }
    void move_into(detail::node_tree& tree, detail::array_node& node) noexcept override {
        void* const ends = offsets_.release(length_);
        begin_move(tree, node, 1);
        node.buffers[1] = ends;
        items_->move_into(tree, node.children[0]);
    }
    std::size_t count_nodes() const override { return 1 + items_->count_nodes(); }
    std::size_t count_buffers() const override { return any_column::count_buffers() + items_->count_buffers(); }

    detail::offsets<Offset> offsets_;
    std::unique_ptr<any_column> items_;
};

using list_column = basic_list_column<std::int32_t>;
using large_list_column = basic_list_column<std::int64_t>;
using map_column = list_column;

namespace detail {

inline std::unique_ptr<any_column> make_column(leat_ctx* ctx, const ArrowSchema& schema) {
    const auto made = [&](auto* tag) -> std::unique_ptr<any_column> {
        return std::make_unique<std::remove_pointer_t<decltype(tag)>>(ctx, schema);
    };
    switch (schema_view(schema).type().id) {
        case kind::null:
            return made(static_cast<null_column*>(nullptr));
        case kind::boolean:
            return made(static_cast<bool_column*>(nullptr));
        case kind::int8:
            return made(static_cast<fixed_column<std::int8_t>*>(nullptr));
        case kind::int16:
            return made(static_cast<fixed_column<std::int16_t>*>(nullptr));
        case kind::int32:
        case kind::date32:
        case kind::time32:
            return made(static_cast<fixed_column<std::int32_t>*>(nullptr));
        case kind::int64:
        case kind::date64:
        case kind::time64:
        case kind::timestamp:
        case kind::duration:
            return made(static_cast<fixed_column<std::int64_t>*>(nullptr));
        case kind::uint8:
            return made(static_cast<fixed_column<std::uint8_t>*>(nullptr));
        case kind::uint16:
            return made(static_cast<fixed_column<std::uint16_t>*>(nullptr));
        case kind::uint32:
            return made(static_cast<fixed_column<std::uint32_t>*>(nullptr));
        case kind::uint64:
            return made(static_cast<fixed_column<std::uint64_t>*>(nullptr));
        case kind::float16:
            return made(static_cast<fixed_column<half>*>(nullptr));
        case kind::float32:
            return made(static_cast<fixed_column<float>*>(nullptr));
        case kind::float64:
            return made(static_cast<fixed_column<double>*>(nullptr));
        case kind::decimal:
            return made(static_cast<fixed_column<decimal128>*>(nullptr));
        case kind::utf8:
        case kind::binary:
            return made(static_cast<utf8_column*>(nullptr));
        case kind::large_utf8:
        case kind::large_binary:
            return made(static_cast<large_utf8_column*>(nullptr));
        case kind::fixed_binary:
            return made(static_cast<fixed_binary_column*>(nullptr));
        case kind::list:
        case kind::map:
            return made(static_cast<list_column*>(nullptr));
        case kind::large_list:
            return made(static_cast<large_list_column*>(nullptr));
        case kind::structure:
            return made(static_cast<struct_column*>(nullptr));
        case kind::other:
            break;
    }
    throw error(LEAT_ERR_UNSUPPORTED, "column '" + std::string(schema.name == nullptr ? "" : schema.name) +
                                          "' is of Arrow type " + schema.format + ", which cannot be built");
}

}  // namespace detail

template <class T>
column_builder<T>& any_column::as() {
    using column = column_builder<T>;
    if (!column::fits(id_)) detail::wrong_type(schema(), "built", column::name());
    return static_cast<column&>(*this);
}

namespace detail {

template <class T, class Number>
void append_as(any_column& to, Number value) {
    const auto converted = static_cast<T>(value);
    if constexpr (std::is_integral_v<T>) {
        if (static_cast<Number>(converted) != value || (converted < T{}) != (value < Number{})) {
            throw error(LEAT_ERR_DATA, "column '" + std::string(to.schema().name()) + "': " + std::to_string(value) +
                                           " does not fit " + storage<T>::name);
        }
    }
    static_cast<fixed_column<T>&>(to).append(converted);
}
template <class Number>
void append_number(any_column& to, Number value) {
    switch (to.id()) {
        case kind::float32:
            return append_as<float>(to, value);
        case kind::float64:
            return append_as<double>(to, value);
        case kind::boolean:
            if constexpr (std::is_same_v<Number, bool>) return static_cast<bool_column&>(to).append(value);
            break;
        default:
            break;
    }
    if constexpr (std::is_integral_v<Number> && !std::is_same_v<Number, bool>) {
        switch (to.id()) {
            case kind::int8:
                return append_as<std::int8_t>(to, value);
            case kind::int16:
                return append_as<std::int16_t>(to, value);
            case kind::int32:
            case kind::date32:
            case kind::time32:
                return append_as<std::int32_t>(to, value);
            case kind::int64:
            case kind::date64:
            case kind::time64:
            case kind::timestamp:
            case kind::duration:
                return append_as<std::int64_t>(to, value);
            case kind::uint8:
                return append_as<std::uint8_t>(to, value);
            case kind::uint16:
                return append_as<std::uint16_t>(to, value);
            case kind::uint32:
                return append_as<std::uint32_t>(to, value);
            case kind::uint64:
                return append_as<std::uint64_t>(to, value);
            default:
                break;
        }
    }
    wrong_type(to.schema(), "built", std::is_floating_point_v<Number> ? "a float" : "an integer or bool");
}

inline void append_text(any_column& to, std::string_view text) {
    if (utf8_column::fits(to.id())) {
        static_cast<utf8_column&>(to).append(text);
    } else if (to.id() == kind::fixed_binary) {
        static_cast<fixed_binary_column&>(to).append(text);
    } else {
        to.as<large_utf8_column>().append(text);
    }
}

}  // namespace detail

/// Makes batches of one schema, in memory of host->alloc: no allocation per row, and after the first batch about one
/// per buffer. May be filled by rows (put, end_row), by columns (column<T>), or both. What is not finished stays for
/// the next finish. Not safe to use from two threads at once; any one thread will do.
class builder {
public:
    builder(const context& ctx, const fields& columns) : builder(ctx, ctx.schema(columns)) {}
    builder(const context& ctx, const leat_schema* schema) : ctx_(ctx.raw()), schema_(schema) {
        const ArrowSchema& top = *schema->arrow;
        for (std::int64_t i = 0; i < top.n_children; ++i) {
            columns_.push_back(detail::make_column(ctx_, *top.children[i]));
            nodes_ += columns_.back()->count_nodes();
            buffers_ += columns_.back()->count_buffers();
        }
    }

    int columns() const { return static_cast<int>(columns_.size()); }
    any_column& at(int i) { return *columns_[static_cast<std::size_t>(i)]; }
    /// Column `i`, to append to: T is int64_t, double, ..., bool, std::string_view, or a column class such as
    /// list_column. The reference is good as long as the builder.
    template <class T>
    column_builder<T>& column(int i) {
        return at(i).as<T>();
    }
    schema_view schema() const { return schema_view(schema_); }
    const leat_schema* schema_handle() const { return schema_; }

    /// Rows that were ended.
    std::int64_t rows() const { return rows_; }
    /// Bytes that the cells take so far.
    std::uint64_t bytes() const {
        std::uint64_t sum = 0;
        for (const auto& column : columns_)
            sum += column->bytes();
        return sum;
    }

    /// Appends a cell, converted to the column's type. Throws DATA if the number does not fit, UNSUPPORTED for a type
    /// that makes no sense there. For speed, and for all other types, append to column<T>(i).
    template <class Number, std::enable_if_t<std::is_arithmetic_v<Number>, int> = 0>
    builder& put(int i, Number value) {
        detail::append_number(at(i), value);
        return *this;
    }
    builder& put(int i, std::string_view text) {
        detail::append_text(at(i), text);
        return *this;
    }
    builder& put(int i, const char* text) { return put(i, std::string_view(text)); }
    builder& put(int i, const std::string& text) { return put(i, std::string_view(text)); }
    builder& put(int i, decimal128 value) {
        column<decimal128>(i).append(value);
        return *this;
    }
    builder& put(int i, std::nullopt_t) { return put_null(i); }
    template <class T>
    builder& put(int i, const std::optional<T>& value) {
        return value ? put(i, *value) : put_null(i);
    }
    builder& put_null(int i) {
        at(i).append_null();
        return *this;
    }

    /// Ends a row; columns without a cell in it get NULL.
    builder& end_row() {
        const std::int64_t rows = rows_ + 1;
        for (const auto& column : columns_) {
            if (column->size() != rows) settle(*column, rows);
        }
        rows_ = rows;
        return *this;
    }
    /// Ends rows up to `rows` in all; columns that are shorter get NULL.
    void end_rows(std::int64_t rows) {
        for (const auto& column : columns_) {
            while (column->size() < rows)
                column->append_null();
            if (column->size() != rows) settle(*column, rows);
        }
        rows_ = rows;
    }
    /// Takes back the cells since the last end_row.
    void rollback_row() noexcept { truncate(rows_); }
    /// Takes back all cells from row `rows` on.
    void truncate(std::int64_t rows) noexcept {
        for (const auto& column : columns_) {
            if (column->size() >= rows) column->truncate(rows);
        }
        rows_ = rows;
    }

    /// The batch of all rows; the builder is empty afterwards and may be filled again. Columns may be filled without
    /// end_row if all end up equally long. On an exception nothing is lost.
    batch finish() {
        const std::int64_t rows = columns_.empty() ? rows_ : columns_.front()->size();
        for (const auto& column : columns_) {
            check(*column, rows);
            column->prepare();
        }
        detail::node_tree& tree = *detail::node_tree::make(ctx_, nodes_, buffers_);
        detail::array_node& top = *tree.next_node++;
        detail::lay_out(tree, top, rows, 0, 1, static_cast<std::int64_t>(columns_.size()));
        for (std::size_t i = 0; i < columns_.size(); ++i)
            columns_[i]->move_into(tree, top.children[i]);
        rows_ = 0;
        batch out;
        out.raw().schema = schema_;
        out.raw().array = top.array;
        top.array.release = nullptr;
        return out;
    }

private:
    static void settle(any_column& column, std::int64_t rows) {
        if (column.size() == rows - 1) return column.append_null();
        throw error(LEAT_ERR_FATAL, "column '" + std::string(column.schema().name()) + "' has " +
                                        std::to_string(column.size()) + " cells where row " + std::to_string(rows) +
                                        " ends: every row has one cell in every column");
    }
    static void check(const any_column& column, std::int64_t rows) {
        if (column.size() != rows) {
            throw error(LEAT_ERR_FATAL, "column '" + std::string(column.schema().name()) + "' has " +
                                            std::to_string(column.size()) + " cells where the first column has " +
                                            std::to_string(rows) + ": end or roll back the row before finish");
        }
        if (column.nulls() > 0 && !column.schema().nullable()) {
            throw error(LEAT_ERR_DATA, "column '" + std::string(column.schema().name()) +
                                           "' is declared without NULL and has " + std::to_string(column.nulls()));
        }
    }

    leat_ctx* ctx_;
    const leat_schema* schema_;
    std::vector<std::unique_ptr<any_column>> columns_;
    std::size_t nodes_ = 1;
    std::size_t buffers_ = 1;
    std::int64_t rows_ = 0;
};

// ---- A runner's items: leat.bucket/1 -----------------------------------------------------------------

template <class Item>
class bucket;

namespace detail {
template <class Work, class Item>
struct item_entries;
template <class T, bool Transforms>
struct typed_work;
}  // namespace detail

/// Items of one bucket, in the hands of one worker: change them in place, or move them out.
template <class Item>
class items {
public:
    class iterator {
    public:
        using iterator_category = std::forward_iterator_tag;
        using value_type = Item;
        using difference_type = std::ptrdiff_t;
        using pointer = Item*;
        using reference = Item&;

        iterator() = default;
        reference operator*() const { return *std::launder(reinterpret_cast<Item*>(at_)); }
        pointer operator->() const { return &**this; }
        iterator& operator++() {
            at_ += of_->stride_;
            skip();
            return *this;
        }
        iterator operator++(int) {
            iterator before = *this;
            ++*this;
            return before;
        }
        friend bool operator==(const iterator& a, const iterator& b) { return a.at_ == b.at_; }
        friend bool operator!=(const iterator& a, const iterator& b) { return a.at_ != b.at_; }

    private:
        friend class items;
        iterator(const items& of, unsigned char* at) : of_(&of), at_(at) { skip(); }
        void skip() {
            while (at_ != of_->end_ && !of_->is_there(at_))
                at_ += of_->stride_;
        }
        const items* of_ = nullptr;
        unsigned char* at_ = nullptr;
    };

    iterator begin() const { return {*this, begin_}; }
    iterator end() const { return {*this, end_}; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    /// Which worker this is, from 0.
    std::uint32_t worker() const { return raw_->worker; }
    /// The number of the bucket: 1, 2, 3... in the order in which they were filled.
    std::uint64_t number() const { return raw_->bucket; }
    /// So many of these go nowhere, on purpose.
    void filter(std::uint64_t count) { raw_->filtered += count; }

private:
    template <class Work, class Any>
    friend struct detail::item_entries;
    template <class T, bool Transforms>
    friend struct detail::typed_work;
    static constexpr std::size_t no_state = SIZE_MAX;

    items(leat_items* raw, std::size_t stride, std::size_t state_at, unsigned char wanted)
        : raw_(raw),
          begin_(static_cast<unsigned char*>(raw->items)),
          end_(begin_ + raw->n * stride),
          stride_(stride),
          state_at_(state_at),
          wanted_(wanted),
          size_(raw->n) {
        if (state_at_ == no_state) return;
        size_ = 0;
        for (unsigned char* at = begin_; at != end_; at += stride_)
            size_ += is_there(at) ? 1 : 0;
    }
    bool is_there(const unsigned char* at) const { return state_at_ == no_state || at[state_at_] == wanted_; }

    leat_items* raw_;
    unsigned char* begin_;
    unsigned char* end_;
    std::size_t stride_;
    std::size_t state_at_;
    unsigned char wanted_;
    std::size_t size_;
};

namespace detail {

template <class Work, class Item, class = void>
struct delivers : std::false_type {};
template <class Work, class Item>
struct delivers<
    Work, Item,
    std::void_t<decltype(std::declval<Work&>().deliver(std::declval<context&>(), std::declval<items<Item>&>()))>>
    : std::true_type {};

/// What the host calls with items of a bucket, on an object that does the work.
template <class Work, class Item>
struct item_entries {
    static leat_status LEAT_CALL process(void* user, leat_ctx* raw, leat_items* part) noexcept {
        return fence(raw, [&] {
            context ctx(raw);
            items<Item> in(part, sizeof(Item), items<Item>::no_state, 0);
            return static_cast<Work*>(user)->process(ctx, in);
        });
    }
    static leat_status LEAT_CALL deliver(void* user, leat_ctx* raw, leat_items* whole) noexcept {
        return fence(raw, [&] {
            context ctx(raw);
            items<Item> in(whole, sizeof(Item), items<Item>::no_state, 0);
            return static_cast<Work*>(user)->deliver(ctx, in);
        });
    }
    static void LEAT_CALL relocate(void*, void* to, void* from, std::uint64_t n) noexcept {
        for (std::uint64_t i = 0; i < n; ++i) {
            Item* const old = std::launder(static_cast<Item*>(from) + i);
            ::new (static_cast<void*>(static_cast<Item*>(to) + i)) Item(std::move(*old));
            old->~Item();
        }
    }
    static void LEAT_CALL drop(void*, void* all, std::uint64_t n) noexcept {
        for (std::uint64_t i = 0; i < n; ++i)
            std::launder(static_cast<Item*>(all) + i)->~Item();
    }
    static leat_item_calls table() {
        leat_item_calls calls{};
        calls.struct_size = sizeof calls;
        calls.item_align = alignof(Item);
        calls.item_size = sizeof(Item);
        calls.process = &process;
        if constexpr (delivers<Work, Item>::value) calls.deliver = &deliver;
        if constexpr (!std::is_trivially_copyable_v<Item>) calls.relocate = &relocate;
        if constexpr (!std::is_trivially_destructible_v<Item>) calls.drop = &drop;
        return calls;
    }
};

}  // namespace detail

/// The host's own bucket for items of any movable type, within the run of a runner:
///
///   struct work {
///       void process(context&, items<order>& part);    // on several threads at the same time
///       void deliver(context&, items<order>& whole);   // optional: the bucket, when all parts are processed
///   } w;
///   bucket<order> b(ctx, limits, w);
///   b.consume(order(...));                             // blocks while workers are behind; throws CANCELLED at a stop
///   b.join();                                          // all is delivered, or throws
///
/// Thread-safe but for join and the destructor, which drops what is left and waits for its workers.
template <class Item>
class bucket {
    static_assert(std::is_nothrow_move_constructible_v<Item>, "an item must have a move constructor that cannot throw");
    static_assert(std::is_nothrow_destructible_v<Item>, "an item must have a destructor that cannot throw");
    static_assert(alignof(Item) <= 64, "an item may be aligned to 64 bytes at most");

public:
    /// `work` must outlive the bucket; its methods return void or a leat_status.
    template <class Work>
    bucket(context& ctx, const leat_bucket_config& limits, Work& work)
        : service_(static_cast<const leat_bucket_service*>(ctx.host().extension(ctx.raw(), LEAT_BUCKET_1))) {
        if (service_ == nullptr)
            throw error(LEAT_ERR_UNSUPPORTED, "this host has no " LEAT_BUCKET_1 " for this component");
        const leat_item_calls calls = detail::item_entries<Work, Item>::table();
        const leat_status made = service_->create(ctx.raw(), &limits, &calls, &work, &bucket_);
        if (made < 0) throw error(made);
    }
    bucket(const bucket&) = delete;
    bucket& operator=(const bucket&) = delete;
    ~bucket() {
        if (bucket_ == nullptr) return;
        service_->cancel(bucket_);
        service_->join(bucket_);
    }

    void consume(Item item) {
        alignas(Item) unsigned char place[sizeof(Item)];
        Item* const moved = ::new (static_cast<void*>(place)) Item(std::move(item));
        std::uint64_t taken = 0;
        const leat_status status = service_->consume(bucket_, moved, 1, &taken);
        if (taken == 0) moved->~Item();
        if (status < 0) throw error(status);
    }
    void close() { service_->close(bucket_); }
    /// Drops what no worker has begun with.
    void cancel() { service_->cancel(bucket_); }
    /// Closes, and waits until everything is delivered. Throws what ended the bucket, or CANCELLED when items were
    /// refused or dropped because of a stop.
    void join() {
        const leat_status status = service_->join(std::exchange(bucket_, nullptr));
        if (status < 0) throw error(status);
    }

private:
    const leat_bucket_service* service_;
    leat_item_bucket* bucket_ = nullptr;
};

/// Where the extract of a typed pipeline puts its items.
template <class Item>
class output {
public:
    /// Blocks while the workers are behind. Throws CANCELLED once a stop was asked, or what ended the pipeline: let it
    /// pass.
    void emit(Item item) { emit_(to_, std::move(item)); }

    output(void* to, void (*put)(void*, Item&&)) : to_(to), emit_(put) {}
    output(const output&) = delete;
    output& operator=(const output&) = delete;

private:
    void* to_;
    void (*emit_)(void*, Item&&);
};

// ---- Components -------------------------------------------------------------------------------------

/// How a component introduces itself. In the order of leat_component; summary is one line, schema a JSON Schema of the
/// component's own keys, docs Markdown, example YAML of those keys.
struct about {
    const char* id;
    const char* summary;
    const char* schema = nullptr;
    std::uint64_t flags = 0;
    const char* docs = nullptr;
    const char* example = nullptr;

    constexpr about with_schema(const char* text) const { return {id, summary, text, flags, docs, example}; }
    constexpr about with_flags(std::uint64_t bits) const { return {id, summary, schema, bits, docs, example}; }
    constexpr about with_docs(const char* markdown) const { return {id, summary, schema, flags, markdown, example}; }
    constexpr about with_example(const char* yaml) const { return {id, summary, schema, flags, docs, yaml}; }
};

namespace detail {

/// What `self` points to: the component and what the wrapper keeps for it.
template <class T>
struct instance {
    explicit instance(context& ctx) : component(make(ctx)) {}
    static T make(context& ctx) {
        if constexpr (std::is_constructible_v<T, context&>) {
            return T(ctx);
        } else {
            return T();
        }
    }

    T component;
    std::string answer;          // of save or recover, until the next call
    std::vector<batch> loading;  // of a sink with load, until its commit
};

template <class T>
instance<T>& self_of(void* self) {
    return *static_cast<instance<T>*>(self);
}

// Which methods T has, and in which form.

template <template <class> class Form, class T, class = void>
struct has_form : std::false_type {};
template <template <class> class Form, class T>
struct has_form<Form, T, std::void_t<Form<T>>> : std::true_type {};
template <template <class> class Form, class T>
inline constexpr bool has = has_form<Form, T>::value;

inline context& a_context();
inline batch& a_batch();
inline const leat_bucket& a_bucket();

#define LEAT_DETAIL_FORM(name, ...) \
    template <class T>              \
    using name = decltype(std::declval<T&>().__VA_ARGS__)
LEAT_DETAIL_FORM(with_open, open(a_context()));
LEAT_DETAIL_FORM(with_open_at, open(a_context(), std::string_view()));
LEAT_DETAIL_FORM(with_read, read(a_context()));
LEAT_DETAIL_FORM(with_read_hint, read(a_context(), std::declval<const leat_bucket_config&>()));
LEAT_DETAIL_FORM(with_ack, ack(a_context(), std::string_view()));
LEAT_DETAIL_FORM(with_close, close(a_context()));
LEAT_DETAIL_FORM(with_interrupt, interrupt());
LEAT_DETAIL_FORM(with_derive, derive(a_context(), std::declval<const leat_schema*>()));
LEAT_DETAIL_FORM(with_process_lent, process(a_context(), a_batch()));
LEAT_DETAIL_FORM(with_process_own, process(a_context(), std::declval<batch>()));
LEAT_DETAIL_FORM(with_flush, flush(a_context()));
LEAT_DETAIL_FORM(with_flush_last, flush(a_context(), true));
LEAT_DETAIL_FORM(with_save, save(a_context()));
LEAT_DETAIL_FORM(with_recover, recover(a_context(), std::string_view()));
LEAT_DETAIL_FORM(with_begin, begin(a_context(), a_bucket()));
LEAT_DETAIL_FORM(with_write_lent, write(a_context(), a_batch()));
LEAT_DETAIL_FORM(with_write_own, write(a_context(), std::declval<batch>()));
LEAT_DETAIL_FORM(with_load, load(a_context(), a_bucket(), std::declval<std::vector<batch>&>()));
LEAT_DETAIL_FORM(with_commit, commit(a_context(), a_bucket()));
LEAT_DETAIL_FORM(with_abort, abort(a_context(), a_bucket()));
LEAT_DETAIL_FORM(with_pre_process, pre_process(a_context()));
LEAT_DETAIL_FORM(with_post_process, post_process(a_context(), leat_status()));
LEAT_DETAIL_FORM(with_run, run(a_context(), std::declval<const leat_bucket_config&>(), std::string_view()));
LEAT_DETAIL_FORM(with_run_alone, run(a_context()));
LEAT_DETAIL_FORM(with_extension, extension(""));
#undef LEAT_DETAIL_FORM
#define LEAT_DETAIL_NAME(name) \
    template <class T>         \
    using named_##name = decltype(&T::name)
LEAT_DETAIL_NAME(open);
LEAT_DETAIL_NAME(ack);
LEAT_DETAIL_NAME(close);
LEAT_DETAIL_NAME(interrupt);
LEAT_DETAIL_NAME(derive);
LEAT_DETAIL_NAME(process);
LEAT_DETAIL_NAME(flush);
LEAT_DETAIL_NAME(save);
LEAT_DETAIL_NAME(recover);
LEAT_DETAIL_NAME(begin);
LEAT_DETAIL_NAME(write);
LEAT_DETAIL_NAME(commit);
LEAT_DETAIL_NAME(abort);
LEAT_DETAIL_NAME(pre_process);
LEAT_DETAIL_NAME(post_process);
LEAT_DETAIL_NAME(extract);
LEAT_DETAIL_NAME(transform);
LEAT_DETAIL_NAME(load);
#undef LEAT_DETAIL_NAME

/// Runs `call(component, ctx)` behind the fence; void counts as LEAT_OK.
template <class T, class Call>
leat_status enter(void* self, leat_ctx* raw, Call&& call) noexcept {
    return fence(raw, [&] {
        context ctx(raw);
        return call(self_of<T>(self).component, ctx);
    });
}

/// Gives what a plugin left of a lent batch back to the host, also when it throws.
class lent_batch {
public:
    explicit lent_batch(leat_batch* lent) : lent_(lent), batch_(*lent) {}
    lent_batch(const lent_batch&) = delete;
    lent_batch& operator=(const lent_batch&) = delete;
    ~lent_batch() {
        lent_->array = batch_.raw().array;
        batch_.raw().array.release = nullptr;
    }
    batch& get() { return batch_; }

private:
    leat_batch* lent_;
    batch batch_;
};

template <class T>
struct entries {
    static leat_status LEAT_CALL create(leat_ctx* raw, void** self) noexcept {
        return fence(raw, [&] {
            context ctx(raw);
            *self = std::make_unique<instance<T>>(ctx).release();
        });
    }
    static void LEAT_CALL destroy(void* self) noexcept { delete &self_of<T>(self); }
    static leat_status LEAT_CALL open(void* self, leat_ctx* raw) noexcept {
        return enter<T>(self, raw, [](T& t, context& ctx) { return t.open(ctx); });
    }
    static leat_status LEAT_CALL open_at(void* self, leat_ctx* raw, const leat_bytes* resume) noexcept {
        return enter<T>(self, raw, [resume](T& t, context& ctx) {
            (void)resume;
            if constexpr (has<with_open_at, T>) {
                return t.open(ctx, view(resume));
            } else {
                return t.open(ctx);
            }
        });
    }
    static void LEAT_CALL close(void* self, leat_ctx* raw) noexcept {
        self_of<T>(self).loading.clear();
        if constexpr (has<with_close, T>) enter<T>(self, raw, [](T& t, context& ctx) { t.close(ctx); });
    }
    static void LEAT_CALL interrupt(void* self) noexcept {
        try {
            self_of<T>(self).component.interrupt();
        } catch (...) {  // there is no one to tell: a call is running, and it will say how it ends
        }
    }
    static const void* LEAT_CALL extension(void* self, const char* id) noexcept {
        return self_of<T>(self).component.extension(id);
    }

    static leat_status LEAT_CALL read(void* self, leat_ctx* raw, const leat_bucket_config* hint) noexcept {
        return enter<T>(self, raw, [hint](T& t, context& ctx) -> leat_status {
            (void)hint;
            if constexpr (has<with_read_hint, T>) {
                return answer(t.read(ctx, *hint));
            } else {
                return answer(t.read(ctx));
            }
        });
    }
    static leat_status answer(bool more) { return more ? LEAT_OK : LEAT_END; }
    static leat_status answer(leat_status status) { return status; }
    static leat_status LEAT_CALL ack(void* self, leat_ctx* raw, const leat_bytes* position) noexcept {
        return enter<T>(self, raw, [position](T& t, context& ctx) { return t.ack(ctx, view(position)); });
    }

    static leat_status LEAT_CALL derive(void* self, leat_ctx* raw, const leat_schema* in,
                                        const leat_schema** out) noexcept {
        return enter<T>(self, raw, [in, out](T& t, context& ctx) {
            if constexpr (std::is_convertible_v<with_derive<T>, const leat_schema*>) {
                *out = t.derive(ctx, in);
            } else {
                *out = ctx.schema(t.derive(ctx, in));
            }
        });
    }
    static leat_status LEAT_CALL process(void* self, leat_ctx* raw, leat_batch* lent) noexcept {
        return enter<T>(self, raw, [lent](T& t, context& ctx) {
            lent_batch in(lent);
            if constexpr (has<with_process_lent, T>) {
                return t.process(ctx, in.get());
            } else {
                return t.process(ctx, std::move(in.get()));
            }
        });
    }
    static leat_status LEAT_CALL flush(void* self, leat_ctx* raw, std::int32_t last) noexcept {
        return enter<T>(self, raw, [last](T& t, context& ctx) {
            (void)last;
            if constexpr (has<with_flush_last, T>) {
                return t.flush(ctx, last != 0);
            } else {
                return t.flush(ctx);
            }
        });
    }
    static leat_status LEAT_CALL save(void* self, leat_ctx* raw, leat_bytes* state) noexcept {
        return enter<T>(self, raw, [self, state](T& t, context& ctx) {
            self_of<T>(self).answer = t.save(ctx);
            *state = bytes(self_of<T>(self).answer);
        });
    }

    static leat_status LEAT_CALL recover(void* self, leat_ctx* raw, const char* lane, leat_bytes* token) noexcept {
        return enter<T>(self, raw, [self, lane, token](T& t, context& ctx) {
            self_of<T>(self).answer = t.recover(ctx, std::string_view(lane));
            *token = bytes(self_of<T>(self).answer);
        });
    }
    static leat_status LEAT_CALL begin(void* self, leat_ctx* raw, const leat_bucket* bucket) noexcept {
        return enter<T>(self, raw, [self, bucket](T& t, context& ctx) {
            (void)t, (void)ctx, (void)bucket;
            self_of<T>(self).loading.clear();
            if constexpr (has<with_begin, T>) return t.begin(ctx, *bucket);
        });
    }
    static leat_status LEAT_CALL write(void* self, leat_ctx* raw, leat_batch* lent) noexcept {
        return enter<T>(self, raw, [self, lent](T& t, context& ctx) {
            (void)self, (void)t, (void)ctx;
            if constexpr (has<with_load, T>) {
                self_of<T>(self).loading.reserve(self_of<T>(self).loading.size() + 1);
                self_of<T>(self).loading.emplace_back(*lent);
            } else {
                lent_batch in(lent);
                if constexpr (has<with_write_lent, T>) {
                    return t.write(ctx, in.get());
                } else {
                    return t.write(ctx, std::move(in.get()));
                }
            }
        });
    }
    static leat_status LEAT_CALL commit(void* self, leat_ctx* raw, const leat_bucket* bucket) noexcept {
        return enter<T>(self, raw, [self, bucket](T& t, context& ctx) -> leat_status {
            (void)self;
            if constexpr (has<with_load, T>) {
                const leat_status status = settled([&] { return t.load(ctx, *bucket, self_of<T>(self).loading); });
                if (status >= 0) self_of<T>(self).loading.clear();
                return status;
            } else {
                return settled([&] { return t.commit(ctx, *bucket); });
            }
        });
    }
    template <class Call>
    static leat_status settled(Call&& call) {
        if constexpr (std::is_void_v<decltype(call())>) {
            call();
            return LEAT_OK;
        } else {
            return call();
        }
    }
    static void LEAT_CALL abort(void* self, leat_ctx* raw, const leat_bucket* bucket) noexcept {
        enter<T>(self, raw, [self, bucket](T& t, context& ctx) {
            (void)t, (void)ctx, (void)bucket;
            self_of<T>(self).loading.clear();
            if constexpr (has<with_abort, T>) t.abort(ctx, *bucket);
        });
    }

    static leat_status LEAT_CALL pre_process(void* self, leat_ctx* raw) noexcept {
        return enter<T>(self, raw, [](T& t, context& ctx) { return t.pre_process(ctx); });
    }
    static leat_status LEAT_CALL post_process(void* self, leat_ctx* raw, leat_status outcome) noexcept {
        return enter<T>(self, raw, [outcome](T& t, context& ctx) { return t.post_process(ctx, outcome); });
    }
    static leat_status LEAT_CALL run(void* self, leat_ctx* raw, const leat_bucket_config* bucket,
                                     const leat_bytes* resume) noexcept {
        return enter<T>(self, raw, [bucket, resume](T& t, context& ctx) {
            (void)bucket, (void)resume;
            if constexpr (has<with_run, T>) {
                return t.run(ctx, *bucket, view(resume));
            } else {
                return t.run(ctx);
            }
        });
    }
};

// A typed pipeline: a runner that moves items of its own types through the host's bucket.

/// What an extract puts out: the Item of its output<Item>&.
template <class Method>
struct extracted;
#define LEAT_DETAIL_EXTRACT(...)                                                             \
    template <class T, class Answer, class Item>                                             \
    struct extracted<Answer (T::*)(context&, output<Item>&) __VA_ARGS__> {                   \
        using item = Item;                                                                   \
        static constexpr bool resumes = false;                                               \
    };                                                                                       \
    template <class T, class Answer, class Item>                                             \
    struct extracted<Answer (T::*)(context&, output<Item>&, std::string_view) __VA_ARGS__> { \
        using item = Item;                                                                   \
        static constexpr bool resumes = true;                                                \
    };
LEAT_DETAIL_EXTRACT()
LEAT_DETAIL_EXTRACT(const)
LEAT_DETAIL_EXTRACT(noexcept)
LEAT_DETAIL_EXTRACT(const noexcept)
#undef LEAT_DETAIL_EXTRACT

template <class X>
struct without_optional {
    using type = X;
    static constexpr bool filters = false;
};
template <class X>
struct without_optional<std::optional<X>> {
    using type = X;
    static constexpr bool filters = true;
};

template <class T, class In>
decltype(auto) call_transform(T& t, context& ctx, In& in) {
    if constexpr (std::is_invocable_v<decltype(&T::transform), T&, context&, In&&>) {
        return t.transform(ctx, std::move(in));
    } else if constexpr (std::is_invocable_v<decltype(&T::transform), T&, context&, In&>) {
        return t.transform(ctx, in);
    } else {
        static_assert(std::is_invocable_v<decltype(&T::transform), T&, In&&>,
                      "transform takes what extract puts out: transform(context&, Item) or transform(Item)");
        return t.transform(std::move(in));
    }
}

/// An item on its way through transform: what came in, then what went out, or nothing when it was filtered or rejected.
template <class In, class Out>
class slot {
public:
    enum state : unsigned char { filtered, rejected, came, done };

    explicit slot(In&& in) noexcept : state_(came) { ::new (place()) In(std::move(in)); }
    slot(slot&& other) noexcept : state_(other.state_) {
        if (state_ == came) ::new (place()) In(std::move(other.in()));
        if (state_ == done) ::new (place()) Out(std::move(other.out()));
    }
    slot& operator=(slot&&) = delete;
    ~slot() { end(); }

    bool is(state wanted) const { return state_ == wanted; }
    In& in() { return *std::launder(reinterpret_cast<In*>(bytes_)); }
    Out& out() { return *std::launder(reinterpret_cast<Out*>(bytes_)); }
    void finish(Out&& out) {
        end();
        ::new (place()) Out(std::move(out));
        state_ = done;
    }
    void end(state as = filtered) {
        if (state_ == came) in().~In();
        if (state_ == done) out().~Out();
        state_ = as;
    }
    static constexpr std::size_t state_at() { return sizeof(bytes_); }

private:
    void* place() { return bytes_; }
    alignas(In) alignas(Out) unsigned char bytes_[sizeof(In) > sizeof(Out) ? sizeof(In) : sizeof(Out)];
    state state_;
};

template <class T, bool Transforms = has<named_transform, T>>
struct typed_work;

/// Without a transform, what was extracted is loaded.
template <class T>
struct typed_work<T, false> {
    using item = typename extracted<decltype(&T::extract)>::item;
    using held = item;
    static held hold(item&& in) { return std::move(in); }

    auto process(context& ctx, items<held>& whole) { return component.load(ctx, whole); }

    T& component;
};

template <class T>
struct typed_work<T, true> {
    using item = typename extracted<decltype(&T::extract)>::item;
    using answer =
        std::decay_t<decltype(call_transform(std::declval<T&>(), std::declval<context&>(), std::declval<item&>()))>;
    using out = typename without_optional<answer>::type;
    using held = slot<item, out>;
    static held hold(item&& in) { return held(std::move(in)); }

    void process(context& ctx, items<held>& part) {
        for (held& one : part) {
            if (!one.is(held::came)) continue;  // done by a try before this one
            try {
                transform(ctx, one);
            } catch (const error& e) {
                if (e.status != LEAT_ERR_DATA) throw;
                one.end(held::rejected);
                ctx.reject_raw({}, e.text);
            }
        }
    }
    leat_status deliver(context& ctx, items<held>& whole) {
        for (const held& one : whole)
            whole.filter(one.is(held::filtered) ? 1 : 0);
        items<out> left(whole.raw_, sizeof(held), held::state_at(), held::done);
        if (left.empty()) return LEAT_OK;
        if constexpr (std::is_void_v<decltype(component.load(ctx, left))>) {
            component.load(ctx, left);
            return LEAT_OK;
        } else {
            return component.load(ctx, left);
        }
    }

    T& component;

private:
    void transform(context& ctx, held& one) {
        if constexpr (without_optional<answer>::filters) {
            answer made = call_transform(component, ctx, one.in());
            if (made) {
                one.finish(std::move(*made));
            } else {
                one.end();
            }
        } else {
            one.finish(call_transform(component, ctx, one.in()));
        }
    }
};

template <class T>
leat_status extract_all(T& t, context& ctx, const leat_bucket_config& limits, std::string_view resume) {
    using work_of = typed_work<T, has<named_transform, T>>;
    using held = typename work_of::held;
    using item = typename work_of::item;
    (void)resume;
    work_of work{t};
    bucket<held> into(ctx, limits, work);
    output<item> out(
        &into, [](void* to, item&& in) { static_cast<bucket<held>*>(to)->consume(work_of::hold(std::move(in))); });
    leat_status status = LEAT_OK;
    try {
        status = entries<T>::settled([&] {
            if constexpr (extracted<decltype(&T::extract)>::resumes) {
                return t.extract(ctx, out, resume);
            } else {
                return t.extract(ctx, out);
            }
        });
    } catch (const error& e) {
        if (e.status != LEAT_ERR_CANCELLED) throw;
        status = e.status;
    }
    // After a stop, what was put out before is finished. After a failure, the bucket drops it.
    if (status >= 0 || status == LEAT_ERR_CANCELLED) into.join();
    return status;
}

template <class T>
leat_status LEAT_CALL run_typed(void* self, leat_ctx* raw, const leat_bucket_config* limits,
                                const leat_bytes* resume) noexcept {
    T& t = self_of<T>(self).component;
    context ctx(raw);
    const leat_status outcome = fence(raw, [&] {
        if constexpr (has<with_pre_process, T>) t.pre_process(ctx);
        return extract_all(t, ctx, *limits, view(resume));
    });
    if constexpr (has<with_post_process, T>) {
        if (outcome >= 0) return fence(raw, [&] { t.post_process(ctx, outcome); });
        // The first cause is what the operator must see.
        try {
            t.post_process(ctx, outcome);
        } catch (const std::exception& e) {
            ctx.warn(e.what(), {{"failed, too", "post_process"}});
        } catch (...) {
            ctx.warn("threw something that is not a std::exception", {{"failed, too", "post_process"}});
        }
    }
    return outcome;
}

// The tables. A method in a form that nobody calls is a mistake, so it does not compile.

#define LEAT_DETAIL_OPTIONAL(entry, name, condition, usage)                              \
    if constexpr (condition) {                                                           \
        table.entry = &entries<T>::name;                                                 \
    } else {                                                                             \
        static_assert(!has<named_##entry, T>, "this method must be declared as " usage); \
    }

template <class T>
constexpr leat_runner runner_of() {
    static_assert(has<with_run, T> || has<with_run_alone, T>,
                  "a runner needs run(context&) or run(context&, const leat_bucket_config&, std::string_view resume)");
    leat_runner table{};
    table.struct_size = sizeof table;
    table.run = &entries<T>::run;
    LEAT_DETAIL_OPTIONAL(interrupt, interrupt, (has<with_interrupt, T>), "interrupt()")
    return table;
}

template <class T>
constexpr leat_source source_of() {
    static_assert(has<with_read, T> || has<with_read_hint, T>,
                  "a source needs bool read(context&) or bool read(context&, const leat_bucket_config&)");
    leat_source table{};
    table.struct_size = sizeof table;
    table.read = &entries<T>::read;
    LEAT_DETAIL_OPTIONAL(open, open_at, (has<with_open_at, T> || has<with_open, T>),
                         "open(context&) or open(context&, std::string_view resume)")
    LEAT_DETAIL_OPTIONAL(ack, ack, (has<with_ack, T>), "ack(context&, std::string_view position)")
    LEAT_DETAIL_OPTIONAL(close, close, (has<with_close, T>), "close(context&)")
    LEAT_DETAIL_OPTIONAL(interrupt, interrupt, (has<with_interrupt, T>), "interrupt()")
    return table;
}

template <class T>
constexpr leat_runner typed_of() {
    static_assert(has<named_load, T>, "a pipeline with extract needs load(context&, items<Item>&)");
    static_assert(!has<named_pre_process, T> || has<with_pre_process, T>,
                  "this method must be declared as pre_process(context&)");
    static_assert(!has<named_post_process, T> || has<with_post_process, T>,
                  "this method must be declared as post_process(context&, leat_status outcome)");
    leat_runner table{};
    table.struct_size = sizeof table;
    table.run = &run_typed<T>;
    LEAT_DETAIL_OPTIONAL(interrupt, interrupt, (has<with_interrupt, T>), "interrupt()")
    return table;
}

template <class T, bool Alone = true>
constexpr leat_transform transform_of() {
    static_assert(has<with_process_lent, T> || has<with_process_own, T>,
                  "a transform needs process(context&, batch&) or process(context&, batch)");
    leat_transform table{};
    table.struct_size = sizeof table;
    table.process = &entries<T>::process;
    LEAT_DETAIL_OPTIONAL(derive, derive, (has<with_derive, T>),
                         "derive(context&, const leat_schema*), which returns a const leat_schema* or fields")
    LEAT_DETAIL_OPTIONAL(flush, flush, (has<with_flush_last, T> || has<with_flush, T>),
                         "flush(context&) or flush(context&, bool last)")
    LEAT_DETAIL_OPTIONAL(save, save, (has<with_save, T>), "std::string save(context&)")
    if constexpr (Alone) {
        LEAT_DETAIL_OPTIONAL(open, open_at, (has<with_open_at, T> || has<with_open, T>),
                             "open(context&) or open(context&, std::string_view state)")
        LEAT_DETAIL_OPTIONAL(close, close, (has<with_close, T>), "close(context&)")
        LEAT_DETAIL_OPTIONAL(interrupt, interrupt, (has<with_interrupt, T>), "interrupt()")
    }
    return table;
}

template <class T, bool Alone = true>
constexpr leat_sink sink_of() {
    constexpr bool loads = has<with_load, T>;
    static_assert(loads || has<with_write_lent, T> || has<with_write_own, T>,
                  "a sink needs write(context&, batch&), write(context&, batch) or "
                  "load(context&, const leat_bucket&, std::vector<batch>&)");
    static_assert(!loads || (!has<named_write, T> && !has<named_commit, T>),
                  "a sink has load, or write and commit, but not both");
    leat_sink table{};
    table.struct_size = sizeof table;
    table.write = &entries<T>::write;
    LEAT_DETAIL_OPTIONAL(recover, recover, (has<with_recover, T>),
                         "std::string recover(context&, std::string_view lane)")
    LEAT_DETAIL_OPTIONAL(begin, begin, (loads || has<with_begin, T>), "begin(context&, const leat_bucket&)")
    LEAT_DETAIL_OPTIONAL(commit, commit, (loads || has<with_commit, T>), "commit(context&, const leat_bucket&)")
    LEAT_DETAIL_OPTIONAL(abort, abort, (loads || has<with_abort, T>), "abort(context&, const leat_bucket&)")
    if constexpr (Alone) {
        LEAT_DETAIL_OPTIONAL(open, open, (has<with_open, T>), "open(context&)")
        LEAT_DETAIL_OPTIONAL(close, close, (loads || has<with_close, T>), "close(context&)")
        LEAT_DETAIL_OPTIONAL(interrupt, interrupt, (has<with_interrupt, T>), "interrupt()")
    }
    return table;
}

template <class T>
constexpr leat_hooks hooks_of() {
    leat_hooks table{};
    table.struct_size = sizeof table;
    LEAT_DETAIL_OPTIONAL(pre_process, pre_process, (has<with_pre_process, T>), "pre_process(context&)")
    LEAT_DETAIL_OPTIONAL(post_process, post_process, (has<with_post_process, T>),
                         "post_process(context&, leat_status outcome)")
    return table;
}
#undef LEAT_DETAIL_OPTIONAL

template <class T>
inline constexpr leat_runner runner_table = runner_of<T>();
template <class T>
inline constexpr leat_runner typed_table = typed_of<T>();
template <class T>
inline constexpr leat_source source_table = source_of<T>();
template <class T, bool Alone = true>
inline constexpr leat_transform transform_table = transform_of<T, Alone>();
template <class T, bool Alone = true>
inline constexpr leat_sink sink_table = sink_of<T, Alone>();
template <class T>
inline constexpr leat_hooks hooks_table = hooks_of<T>();

template <class T>
constexpr leat_component describe(std::uint32_t kind, const about& a) {
    leat_component c{};
    c.struct_size = sizeof c;
    c.kind = kind;
    c.flags = a.flags;
    c.id = a.id;
    c.summary = a.summary;
    c.docs = a.docs;
    c.config_schema = a.schema;
    c.example = a.example;
    c.create = &entries<T>::create;
    c.destroy = &entries<T>::destroy;
    if constexpr (has<with_extension, T>) c.extension = &entries<T>::extension;
    return c;
}

}  // namespace detail

/// T as a source. The descriptor belongs to the call: one T may stand under several ids.
template <class T>
constexpr leat_component source(const about& a) {
    leat_component c = detail::describe<T>(LEAT_SOURCE, a);
    c.source = &detail::source_table<T>;
    return c;
}

template <class T>
constexpr leat_component transform(const about& a) {
    leat_component c = detail::describe<T>(LEAT_TRANSFORM, a);
    c.transform = &detail::transform_table<T>;
    return c;
}

template <class T>
constexpr leat_component sink(const about& a) {
    leat_component c = detail::describe<T>(LEAT_SINK, a);
    c.sink = &detail::sink_table<T>;
    return c;
}

/// T with extract moves items of its own types, as a runner on the host's buckets; see the usage map. Otherwise it is
/// source, transform if it has process, and sink in one object; open and close are called once, as the source's.
template <class T>
constexpr leat_component pipeline(const about& a) {
    if constexpr (detail::has<detail::named_extract, T>) {
        leat_component c = detail::describe<T>(LEAT_RUNNER, a);
        c.runner = &detail::typed_table<T>;
        return c;
    } else {
        leat_component c = detail::describe<T>(LEAT_PIPELINE, a);
        c.source = &detail::source_table<T>;
        c.sink = &detail::sink_table<T, false>;
        if constexpr (detail::has<detail::with_process_lent, T> || detail::has<detail::with_process_own, T>) {
            c.transform = &detail::transform_table<T, false>;
        }
        c.hooks = &detail::hooks_table<T>;
        return c;
    }
}

template <class T>
constexpr leat_component runner(const about& a) {
    leat_component c = detail::describe<T>(LEAT_RUNNER, a);
    c.runner = &detail::runner_table<T>;
    return c;
}

namespace detail {

/// The components of a plugin and the list of pointers that leat_plugin needs; must be static.
template <std::size_t N>
struct component_list {
    template <class... Component>
    constexpr explicit component_list(const Component&... component) : all{component...} {
        for (std::size_t i = 0; i < N; ++i)
            pointers[i] = &all[i];
    }
    constexpr leat_plugin plugin(const char* id, const char* version, const char* license) const {
        leat_plugin p{};
        p.struct_size = sizeof p;
        p.abi_minor = LEAT_ABI_MINOR;
        p.n_components = N;
        p.components = pointers;
        p.id = id;
        p.version = version;
        p.license = license;
        p.build = "leat.hpp, compiler " LEAT_DETAIL_COMPILER;
        return p;
    }

    leat_component all[N];
    const leat_component* pointers[N]{};
};
template <class... Component>
component_list(const Component&...) -> component_list<sizeof...(Component)>;

}  // namespace detail
}  // namespace v1
}  // namespace leat

#if defined(__GNUC__)
#pragma GCC visibility pop
#endif

/// Exports the plugin: LEAT_PLUGIN(id, semver, SPDX licence, component...). Once per library, outside any namespace.
#define LEAT_PLUGIN(plugin_id, plugin_version, plugin_license, ...)                                         \
    extern "C" LEAT_EXPORT const leat_plugin* LEAT_CALL leat_plugin_v1(void) LEAT_NOEXCEPT {                \
        static constexpr leat::detail::component_list components(__VA_ARGS__);                              \
        static constexpr leat_plugin plugin = components.plugin(plugin_id, plugin_version, plugin_license); \
        return &plugin;                                                                                     \
    }

#endif
