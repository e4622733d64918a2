#include "base/minisign.hpp"

#include <sodium/core.h>
#include <sodium/crypto_generichash.h>
#include <sodium/crypto_sign.h>
#include <sodium/utils.h>

#include <algorithm>
#include <cinttypes>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <vector>

namespace leat::minisign {
namespace {

constexpr std::size_t algorithm_bytes = 2;
constexpr std::string_view untrusted_prefix = "untrusted comment: ";
constexpr std::string_view trusted_prefix = "trusted comment: ";

const unsigned char* as_bytes(const char* text) {
    return reinterpret_cast<const unsigned char*>(text);
}

/// Exactly `size` bytes, or nothing.
std::optional<std::string> from_base64(std::string_view text, std::size_t size) {
    std::string out(size, '\0');
    std::size_t decoded = 0;
    const char* end = nullptr;
    const int failed = sodium_base642bin(reinterpret_cast<unsigned char*>(out.data()), out.size(), text.data(),
                                         text.size(), nullptr, &decoded, &end, sodium_base64_VARIANT_ORIGINAL);
    if (failed != 0 || decoded != size || end != text.data() + text.size()) return std::nullopt;
    return out;
}

template <std::size_t Size>
void take(std::string_view& from, std::array<unsigned char, Size>& out) {
    std::copy_n(as_bytes(from.data()), Size, out.begin());
    from.remove_prefix(Size);
}

/// The next line, without its end.
std::optional<std::string_view> next_line(std::string_view& text) {
    if (text.empty()) return std::nullopt;
    const auto end = text.find('\n');
    auto line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    return line;
}

bool verifies(const std::array<unsigned char, 64>& signature, const unsigned char* bytes, std::size_t size,
              const PublicKey& key) {
    return crypto_sign_verify_detached(signature.data(), bytes, size, key.key.data()) == 0;
}

}  // namespace

// A little-endian number, in its usual notation; the program leaves zeros in front out.
std::string text_of(const KeyId& id) {
    std::uint64_t number = 0;
    for (auto byte = id.rbegin(); byte != id.rend(); ++byte)
        number = number << 8 | *byte;
    std::array<char, 17> digits{};
    std::snprintf(digits.data(), digits.size(), "%" PRIX64, number);
    return digits.data();
}

Result<PublicKey> parse_public_key(std::string_view base64) {
    PublicKey out;
    const auto bytes = from_base64(base64, algorithm_bytes + out.id.size() + out.key.size());
    if (!bytes || bytes->compare(0, algorithm_bytes, "Ed") != 0) {
        return Error(Errc::configuration,
                     "is no public key of minisign, which is RW and 54 more characters; it is the second line of the "
                     ".pub file that minisign -G makes");
    }
    std::string_view left = *bytes;
    left.remove_prefix(algorithm_bytes);
    take(left, out.id);
    take(left, out.key);
    return out;
}

Result<Signature> parse_signature(std::string_view text) {
    const Error wrong(Errc::plugin, "is no signature as minisign writes them");
    Signature out;
    const auto comment = next_line(text);
    const auto signature = next_line(text);
    const auto trusted = next_line(text);
    const auto global = next_line(text);
    if (!comment || !comment->starts_with(untrusted_prefix) || !signature || !trusted ||
        !trusted->starts_with(trusted_prefix) || !global || !text.empty()) {
        return wrong;
    }
    const auto bytes = from_base64(*signature, algorithm_bytes + out.id.size() + out.signature.size());
    const auto of_comment = from_base64(*global, out.of_comment.size());
    if (!bytes || !of_comment) return wrong;
    std::string_view left = *bytes;
    const auto algorithm = left.substr(0, algorithm_bytes);
    if (algorithm != "ED" && algorithm != "Ed") return wrong;
    out.is_of_digest = algorithm == "ED";
    left.remove_prefix(algorithm_bytes);
    take(left, out.id);
    take(left, out.signature);
    left = *of_comment;
    take(left, out.of_comment);
    out.trusted_comment = trusted->substr(trusted_prefix.size());
    return out;
}

Verdict verify(const Signature& signature, std::string_view bytes, const PublicKey& key) {
    if (signature.id != key.id) return Verdict::other_key;
    if (sodium_init() < 0) return Verdict::wrong;
    if (signature.is_of_digest) {
        std::array<unsigned char, crypto_generichash_BYTES_MAX> digest{};
        crypto_generichash(digest.data(), digest.size(), as_bytes(bytes.data()), bytes.size(), nullptr, 0);
        if (!verifies(signature.signature, digest.data(), digest.size(), key)) return Verdict::wrong;
    } else if (!verifies(signature.signature, as_bytes(bytes.data()), bytes.size(), key)) {
        return Verdict::wrong;
    }
    std::vector<unsigned char> signed_words(signature.signature.begin(), signature.signature.end());
    signed_words.insert(signed_words.end(), signature.trusted_comment.begin(), signature.trusted_comment.end());
    return verifies(signature.of_comment, signed_words.data(), signed_words.size(), key) ? Verdict::good
                                                                                         : Verdict::wrong_comment;
}

}  // namespace leat::minisign
