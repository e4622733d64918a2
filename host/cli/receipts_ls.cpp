#include <boost/json/parse.hpp>
#include <ostream>

#include "cli/text_table.hpp"
#include "cli/verbs.hpp"
#include "delivery/state_store.hpp"

namespace leat::cli {
namespace {

std::string text_of(const boost::json::object& pipeline, const char* key) {
    const auto* const value = pipeline.if_contains(key);
    if (!value) return "";
    if (value->is_string()) return printable(value->get_string());
    if (value->is_int64()) return grouped(static_cast<std::uint64_t>(value->get_int64()));
    if (value->is_uint64()) return grouped(value->get_uint64());
    return "";
}

}  // namespace

Exit receipts_ls(const ReceiptsListArguments& verb, const Console& console) {
    const auto store = delivery::StateStore::open_to_read(verb.state);
    if (!store) return console.fail(store.error());
    using Align = TextTable::Align;
    TextTable table({{"run"},
                     {"pipeline"},
                     {"outcome"},
                     {"read", Align::right},
                     {"delivered", Align::right},
                     {"filtered", Align::right},
                     {"dead", Align::right},
                     {"balanced"}});
    std::uint64_t shown = 0;
    bool more = false;
    std::string list;
    const auto read = store.value()->receipts().each([&](const delivery::StoredReceipt& one) {
        if (verb.limit > 0 && shown == verb.limit) {
            more = true;
            return false;
        }
        ++shown;
        boost::system::error_code error;
        const auto receipt = one.damaged ? boost::json::value() : boost::json::parse(one.json, error);
        if (verb.json) {
            list += (list.empty() ? "" : ",") + std::string("{\"run\":\"") + one.run +
                    "\",\"receipt\":" + (one.damaged || error ? "null" : one.json) + '}';
            return true;
        }
        const auto* const all = receipt.if_object();
        const auto* const pipelines = all ? all->if_contains("pipelines") : nullptr;
        if (!pipelines || !pipelines->is_array()) {
            table.add({printable(one.run), "(damaged)"});
            return true;
        }
        auto name = printable(one.run);
        for (const auto& pipeline : pipelines->get_array()) {
            const auto& of = pipeline.as_object();
            const auto* const balanced = of.if_contains("balanced");
            table.add({name, text_of(of, "name"), text_of(of, "outcome"), text_of(of, "read"), text_of(of, "delivered"),
                       text_of(of, "filtered"), text_of(of, "dead"),
                       balanced && balanced->is_bool() && balanced->get_bool() ? "yes" : "NO"});
            name.clear();
        }
        return true;
    });
    if (!read) return console.fail(read.error());
    if (verb.json) {
        console.out << "{\"receipts\":[" << list << "]}\n";
        return Exit::done;
    }
    if (shown == 0) {
        console.out << "no receipts in " << verb.state.string() << '\n';
        return Exit::done;
    }
    console.out << table.text();
    if (more) console.out << "\nthe newest " << grouped(shown) << "; --limit 0 shows them all\n";
    return Exit::done;
}

}  // namespace leat::cli
