# cmake -DOUT=FILE.cpp -DFOLDER=DIR -DNAMES=a,b -P embed.cmake: the files of DIR as text in a program, behind the function
# of host/cli/plugin_templates.hpp.
string(REPLACE "," ";" NAMES "${NAMES}")
set(entries "")
foreach(name IN LISTS NAMES)
  file(READ "${FOLDER}/${name}" text)
  # Those of the SDK lie where they always do.
  string(REGEX REPLACE "^\\.\\./include/" "include/" known_as "${name}")
  string(REGEX REPLACE "^\\.\\./cmake/" "cpp/" known_as "${known_as}")
  # Compilers need not take literals of more than 65536 bytes.
  string(LENGTH "${text}" left)
  set(at 0)
  while(left GREATER 0)
    string(SUBSTRING "${text}" ${at} 30000 piece)
    string(APPEND entries "    {\"${known_as}\", R\"leat_file(${piece})leat_file\"},\n")
    math(EXPR at "${at} + 30000")
    math(EXPR left "${left} - 30000")
  endwhile()
endforeach()
file(WRITE "${OUT}.new" "// Made by sdk/templates/embed.cmake.
#include \"cli/plugin_templates.hpp\"

namespace leat::cli {
namespace {

struct Piece {
    // Their lengths are known: counted, they would be more steps than a compiler takes for a constant.
    template <std::size_t n, std::size_t m>
    constexpr Piece(const char (&of)[n], const char (&is)[m]) : name(of, n - 1), text(is, m - 1) {}
    std::string_view name, text;
};
constexpr Piece pieces[] = {
${entries}};

}  // namespace

std::string template_text(std::string_view name) {
    std::string out;
    for (const auto& piece : pieces) {
        if (piece.name == name) out += piece.text;
    }
    return out;
}

}  // namespace leat::cli
")
file(RENAME "${OUT}.new" "${OUT}")
