# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Sourced by the checks beside it. They set `about`, which begins every line they print, and define
# `explain`, which prints what helps to understand a failure.

fail() {
  printf '%s: FAILED: %s\n' "$about" "$*" >&2
  explain >&2 || true
  exit 1
}

passed() { printf '%s: ok: %s\n' "$about" "$*"; }

# check WHAT COMMAND...: one line per check.
check() {
  local what=$1
  shift
  "$@" || fail "$what"
  passed "$what"
}

# await WHAT COMMAND...: until the command succeeds, for a minute.
await() {
  local what=$1
  shift
  for _ in $(seq 600); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  fail "not within a minute: $what"
}

not() { ! "$@"; }

is() { [ "$1" = "$2" ] || fail "expected '$2', got '$1'"; }

contains() { [[ "$1" = *"$2"* ]] || fail "expected '$2' in '$1'"; }

# What binaries and images are told of the commit that they are built from.
revision() { git describe --always --dirty --abbrev=12; }

# make_root SUITE ROOT: a fresh Debian that has apt and nothing else, and /proc.
make_root() { mmdebstrap --variant=apt "$1" "$2" && mount -t proc proc "$2/proc"; }

# copy_sources ROOT: this repository, without what was built in it, as /build.
copy_sources() { mkdir "$1/build" && tar --exclude=./build -c . | tar -C "$1/build" -x; }

# remove_root ROOT: also one that was made half.
remove_root() {
  umount -l "$1/proc" 2>/dev/null || true
  rm -rf --one-file-system "$1"
}
