#include "plugin/trust.hpp"

#include <fstream>
#include <optional>
#include <utility>

#include "base/digest.hpp"
#include "plugin/file_rules.hpp"

namespace leat::plugin {
namespace {

Result<> check_pin(Candidate& candidate, const Trust& trust) {
    const auto pin = trust.pins.find(candidate.file.stem().string());
    if (pin == trust.pins.end()) return done();
    if (pin->second != candidate.credentials.sha256) {
        return Error(Errc::plugin, "is not what plugins.pin." + pin->first + " says: it is sha256:" +
                                       candidate.credentials.sha256 + ", and pinned is sha256:" + pin->second +
                                       "; put the pinned file in its place, or pin the new one if you know where it "
                                       "comes from");
    }
    candidate.credentials.is_pinned = true;
    return done();
}

std::string numbers_of(const std::vector<minisign::PublicKey>& keys) {
    std::string out;
    for (const auto& key : keys)
        out += (out.empty() ? "" : ", ") + minisign::text_of(key.id);
    return out;
}

/// What is beside the file. Empty: nothing.
Result<std::optional<std::string>> read_signature(const std::filesystem::path& from) {
    constexpr std::size_t largest = 16384;
    std::error_code ignored;
    if (!std::filesystem::exists(from, ignored)) return std::optional<std::string>();
    std::ifstream in(from, std::ios::binary);
    std::string text(largest + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || (in.fail() && !in.eof()))
        return Error(Errc::plugin, "its signature " + from.string() + " cannot be read; check its permissions");
    text.resize(static_cast<std::size_t>(in.gcount()));
    return std::optional(std::move(text));
}

Result<> check_signature(Candidate& candidate, const Trust& trust) {
    if (trust.keys.empty()) return done();
    const auto from = signature_of(candidate.file);
    const std::string its = "its signature " + from.string() + ' ';
    const std::string remedy =
        "; if you trust the file, sign it: minisign -S -s KEY -m " + for_shell(candidate.file.string());
    BOOST_OUTCOME_TRY(const auto text, read_signature(from));
    if (!text) {
        return Error(Errc::plugin,
                     "is not signed, and plugins.trust wants that: there is no " + from.string() + remedy);
    }
    const auto read = minisign::parse_signature(*text);
    if (!read) return Error(Errc::plugin, its + read.error().message() + remedy);
    const auto& signature = read.value();
    const auto id = minisign::text_of(signature.id);
    std::optional<minisign::Verdict> worst;
    for (const auto& key : trust.keys) {
        const auto verdict = minisign::verify(signature, candidate.sealed->bytes(), key);
        if (verdict == minisign::Verdict::good) {
            candidate.credentials.signed_by = id;
            return done();
        }
        if (verdict != minisign::Verdict::other_key) worst = verdict;
    }
    if (!worst) {
        return Error(Errc::plugin,
                     "is signed by key " + id + ", and plugins.trust has " + numbers_of(trust.keys) + remedy);
    }
    if (*worst == minisign::Verdict::wrong_comment) {
        return Error(Errc::plugin, its + "has another trusted comment than key " + id + " signed: \"" +
                                       signature.trusted_comment + '"' + remedy);
    }
    return Error(Errc::plugin,
                 its + "is not one of these bytes by key " + id + ": the file or the signature was changed" + remedy);
}

}  // namespace

std::string Credentials::text() const {
    if (!is_pinned && signed_by.empty()) return "neither pinned nor signed";
    const std::string signature = signed_by.empty() ? "" : "signed by key " + signed_by;
    if (!is_pinned) return signature;
    return signature.empty() ? "pinned" : "pinned, " + signature;
}

std::filesystem::path signature_of(const std::filesystem::path& file) {
    return file.string() + ".minisig";
}

bool Trust::wants_check_of(const std::filesystem::path& file) const {
    return !keys.empty() || pins.count(file.stem().string()) > 0;
}

Result<Candidate> admit(const std::filesystem::path& file, const Trust& trust) {
    BOOST_OUTCOME_TRY(check_file_mode(file));
    Candidate out{file};
    if (!trust.wants_check_of(file)) return out;
    BOOST_OUTCOME_TRY(out.sealed, SealedCopy::of(file));
    out.credentials.sha256 = sha256_of(out.sealed->bytes());
    BOOST_OUTCOME_TRY(check_pin(out, trust));
    BOOST_OUTCOME_TRY(check_signature(out, trust));
    return out;
}

}  // namespace leat::plugin
