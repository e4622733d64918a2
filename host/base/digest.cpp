#include "base/digest.hpp"

#include <sodium/crypto_hash_sha256.h>
#include <sodium/utils.h>

#include <array>
#include <fstream>

namespace leat {
namespace {

const unsigned char* as_bytes(const char* text) {
    return reinterpret_cast<const unsigned char*>(text);
}

std::string finished(crypto_hash_sha256_state& state) {
    std::array<unsigned char, crypto_hash_sha256_BYTES> out{};
    crypto_hash_sha256_final(&state, out.data());
    std::array<char, 2 * crypto_hash_sha256_BYTES + 1> digits{};
    return sodium_bin2hex(digits.data(), digits.size(), out.data(), out.size());
}

}  // namespace

std::string sha256_of(std::string_view bytes) {
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, as_bytes(bytes.data()), bytes.size());
    return finished(state);
}

Result<std::string> sha256_of_file(const std::filesystem::path& file) {
    std::ifstream in(file, std::ios::binary);
    if (!in) return Error(Errc::io, "cannot read " + file.string());
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    std::array<char, 65536> block;
    while (in.read(block.data(), block.size()) || in.gcount() > 0)
        crypto_hash_sha256_update(&state, as_bytes(block.data()), static_cast<unsigned long long>(in.gcount()));
    if (in.bad()) return Error(Errc::io, "cannot read " + file.string());
    return finished(state);
}

}  // namespace leat
