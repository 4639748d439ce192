# Sourced by the scripts above: what a fresh Debian machine lacks, and the project's own packages.
# POSIX sh. Expects $root, the project's directory. Says what it does in one line each; details go to $log.

# For apt-get: unattended upgrades hold dpkg's lock for a while on a machine that has just started.
patience=DPkg::Lock::Timeout=300

say() { printf '%s\n' "$*"; }

# fail MESSAGE...: one message, the end of the log, and where the whole of it is.
fail() {
  printf '\nfailed: %s\n' "$*" >&2
  if [ -s "$log" ]; then
    tail -n 20 "$log" >&2
    printf 'the whole log: %s\n' "$log" >&2
  fi
  exit 1
}

# missing_packages PACKAGE=PROBE...: prints the packages whose probe is neither a command nor below Podman's helpers.
missing_packages() {
  for pair in "$@"; do
    probe=${pair#*=}
    command -v "$probe" >/dev/null 2>&1 || [ -x "/usr/lib/podman/$probe" ] || [ -x "/usr/libexec/podman/$probe" ] ||
      printf '%s ' "${pair%%=*}"
  done
}

# install_missing PACKAGE=PROBE...: installs by apt what is missing, as root.
install_missing() {
  wanted=$(missing_packages "$@")
  [ -n "$wanted" ] || return 0
  command -v apt-get >/dev/null 2>&1 || fail "this is no Debian machine; install by hand what corresponds to: $wanted"
  say "Installing $wanted"
  export DEBIAN_FRONTEND=noninteractive
  # Word splitting is wanted: one argument for each package.
  # shellcheck disable=SC2086
  { apt-get update && apt-get install -y -o $patience --no-install-recommends $wanted; } >>"$log" 2>&1 ||
    fail "apt-get could not install $wanted"
}

# npm_done: whether npm_ci has nothing to do. Sets $stamp and $lock.
npm_done() {
  stamp=$root/node_modules/.installed-lock
  lock=$(sha256sum <"$root/package-lock.json")
  [ "$(cat "$stamp" 2>/dev/null || :)" = "$lock" ] && "$root/scripts/node" --version >/dev/null 2>&1
}

# npm_try: `npm ci`, up to three times. A download that breaks off, or arrives damaged, ends npm 9 as a whole, or leaves
# an optional package out without a word; it begins anew each time, and what is wrong in the lock file fails each time.
npm_try() {
  for pause in 5 20 0; do
    (cd "$root" && npm ci && node scripts/lib/missing-parts.cjs .) && return 0
    sleep "$pause"
  done
  return 1
}
# npm_ci: the project's packages at exactly the versions of the lock file.
npm_ci() {
  if npm_done; then return 0; fi
  command -v npm >/dev/null 2>&1 || fail 'npm is missing; install nodejs and npm (Node 18 and npm 9 or later)'
  say 'Installing the npm packages (npm ci)'
  npm_try >>"$log" 2>&1 || fail 'npm ci'
  # npm leaves out optional packages, native parts of the test runner among them, whose stated Node is newer than the
  # one that it runs on. The project's own Node is here now: let npm run on that, which trusts whom the machine trusts, as
  # the distribution's Node does: a company's proxy has a certificate of its own.
  if [ "$(node -p 'process.versions.node.split(".")[0]')" -lt 22 ]; then
    own=$(mktemp -d "${TMPDIR:-/tmp}/omada-host-node.XXXXXX")
    cp "$(cd "$root" && scripts/node -p process.execPath)" "$own/node"
    (export PATH="$own:$PATH" NODE_USE_SYSTEM_CA=1 && npm_try) >>"$log" 2>&1 || fail 'npm ci'
    rm -rf "$own"
  fi
  printf '%s\n' "$lock" >"$stamp"
}

build() {
  say 'Building'
  (cd "$root" && scripts/node scripts/build.ts) >>"$log" 2>&1 || fail 'the build'
}
