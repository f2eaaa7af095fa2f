# The chores of this repository. `just` alone lists them.

_list:
    @just --list --unsorted

# Build and run all tests
test:
    cargo test --workspace --locked

# Report every lint as an error
lint:
    cargo clippy --workspace --all-targets --locked -- -D warnings

# Format everything
fmt:
    cargo fmt --all

# Build the API documentation and, where mdbook is installed, the guide
docs:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked
    if command -v mdbook >/dev/null; then mdbook build docs; else echo "guide: not built: mdbook is not installed"; fi

# Check that no crate reaches through a wall
walls:
    cargo xtask walls

# Import and lint 8,000 persona files with every kind of mess
corpus:
    cargo run --release --locked -p xtask -- corpus --check

# Run the benchmarks
bench:
    cargo bench --workspace --locked

# Everything that a merge requires
ci:
    bash .ci/run
