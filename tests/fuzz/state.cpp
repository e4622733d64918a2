// Bytes out of a state directory or a target: tokens, schemas and rows of dead letters, JSON that somebody has edited.
// What is read is written again as it was.
#include "delivery/bytes.hpp"
#include "delivery/checkpoint.hpp"
#include "delivery/json_tree.hpp"
#include "delivery/row_builder.hpp"
#include "delivery/row_bytes.hpp"
#include "input.hpp"

namespace {

using namespace leat::delivery;
using fuzz::require;

void token(std::string_view bytes) {
    const auto read = Checkpoint::parse(bytes);
    if (!read) return require(!read.error().message().empty(), "a refusal has no text");
    const auto again = Checkpoint::parse(read.value().checkpoint.token(read.value().whole));
    require(again.has_value(), "a token that was read cannot be written");
    if (again.value().whole != read.value().whole) return;  // a newer format needs a few bytes more
    require(again.value().checkpoint.bucket == read.value().checkpoint.bucket &&
                again.value().checkpoint.border() == read.value().checkpoint.border() &&
                again.value().checkpoint.replay == read.value().checkpoint.replay,
            "a token that was read is written as another");
}

void row(fuzz::Input& in) {
    const auto size = in.number<std::uint16_t>();
    const std::string bytes(in.take(size));
    const auto schema = schema_of(bytes);
    if (!schema) return require(!schema.error().message().empty(), "a refusal has no text");
    require(schema_of(schema_bytes(schema.value())).has_value(), "a schema that was read cannot be written");
    if (!can_keep_rows_of(schema.value())) return;
    RowBuilder rows(schema.value());
    const bool is_json = in.byte() % 2 == 1;
    const auto rest = in.rest();
    const auto added = is_json ? rows.add_json(rest) : rows.add(rest);
    require(rows.rows() == (added ? 1 : 0), "a row that could not be added is there");
    auto array = rows.finish();
    if (added) {
        const auto written = row_bytes(schema.value(), array, 0);
        if (!is_json) require(written == rest, "a row that was read is another one");
    }
    array.release(&array);
}

void json(std::string_view text) {
    const auto read = JsonTree::parse(text);
    if (!read) return require(!read.error().message().empty(), "a refusal has no text");
    const auto written = read.value().serialized();
    const auto again = JsonTree::parse(written);
    require(again.has_value() && again.value().serialized() == written, "JSON that was read is written as another");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::Input in(data, size);
    switch (in.below(4)) {
        case 0:
            token(in.rest());
            break;
        case 1: {  // behind a right checksum, which no fuzzer finds
            std::string bytes(in.rest());
            append_number(bytes, checksum(bytes), 8);
            token(bytes);
            break;
        }
        case 2:
            row(in);
            break;
        case 3:
            json(in.rest());
            break;
    }
    return 0;
}
