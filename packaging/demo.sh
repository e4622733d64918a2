#!/usr/bin/env bash
# The main job on real data: builds Leat, loads the FAA's bird strikes from CSV into SQLite, and asks the database.
# It can be run again.
set -euo pipefail
cd "$(dirname "$0")/.."

bash packaging/deps.sh --build
echo "Building Leat in build/demo; the first time takes some minutes"
cmake --preset release -B build/demo -DLEAT_TESTS=OFF -DLEAT_BENCH=OFF -DLEAT_WARNINGS_ARE_ERRORS=OFF >/dev/null
cmake --build build/demo -- --quiet

show() {
    printf '\n$ %s\n' "$1"
    eval "$1"
}
mkdir -p out
# --fresh: so that it shows the whole job each time; without, a second run finds nothing new.
show 'build/demo/bin/leat run --fresh config/examples/birdstrikes.yaml'
show 'sqlite3 out/birdstrikes.db ".schema strikes"'
show 'sqlite3 -box out/birdstrikes.db "SELECT species, count(*) AS strikes, sum(damaged) AS damaged,
    sum(cost_dollars) AS dollars, max(flown_on) AS latest FROM strikes GROUP BY species ORDER BY strikes DESC LIMIT 8"'
