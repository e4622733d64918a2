#include "cli/cli.hpp"

int main(int argc, char** argv) {
    return leat::cli::main(argc, argv);
}
