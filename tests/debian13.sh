#!/usr/bin/env bash
# Runs a command in a copy of this checkout inside a Debian 13 tree, because newer TFXs need its glibc:
#   tests/debian13.sh FOLDER COMMAND…
# The first call makes the tree in FOLDER, with debootstrap and as root; later ones find it, and what `make` installed in
# it. Its mounts and processes live in namespaces of their own, so they end with this script, even when that is killed.
# Packages come from where this machine gets them: apt's Debian mirror (or DEBIAN_MIRROR) and proxy, the settings and
# variables of pip and uv, its certificates.
set -euo pipefail

PACKAGES=(ca-certificates chromium g++ git make python3-dev python3-pip python3-venv) # the tfx command asks pip
SETTINGS=(
  /etc/hosts /etc/resolv.conf /etc/ssl/certs/ca-certificates.crt
  /etc/pip.conf "$HOME/.pip/pip.conf" "$HOME/.config/pip/pip.conf" /etc/uv/uv.toml "$HOME/.config/uv/uv.toml"
)

stop() {
  echo "$*" >&2
  exit 1
}

check_needs() {
  [ "$(uname -sm)" = 'Linux x86_64' ] || stop "A Debian 13 tree for TFX needs Linux on x86_64; this is $(uname -sm)."
  [ "$(id -u)" = 0 ] || stop 'Only root may make and enter a Debian 13 tree: `sudo make test-next`.'
  command -v debootstrap >/dev/null || stop 'debootstrap is missing: `apt install debootstrap` (Debian, Ubuntu).'
  unshare --mount --pid --fork true 2>/dev/null ||
    stop 'Namespaces, which end its mounts, are refused here (unshare); a container grants them with --privileged.'
}

# Runs a step of the set-up; what it says is shown only if it fails. A step is one chain, as `||` switches `set -e` off.
set_up() {
  local log=$folder/$1.log
  echo "$1 …"
  "${@:2}" &>"$log" || stop "That failed; the end of $log:"$'\n'"$(tail -n 5 "$log")"
}

make_tree() {
  local mirror proxy
  mirror=${DEBIAN_MIRROR:-$(apt-get indextargets --format '$(REPO_URI)' 'Label: Debian' 2>/dev/null | head -n 1)}
  proxy=${http_proxy:-$(apt-config dump --format '%v' Acquire::http::Proxy 2>/dev/null || true)}
  rm -rf "$tree" &&
    http_proxy=$proxy debootstrap --variant=minbase trixie "$tree" ${mirror:+"$mirror"} &&
    { apt-config dump Acquire::http Acquire::https >"$tree/etc/apt/apt.conf.d/90of-this-machine" || true; } &&
    touch "$tree/made"
}

copy_settings() {
  local file
  for file in "${SETTINGS[@]}"; do
    rm -f "$tree$file"
    [ ! -f "$file" ] || install -D --mode=644 "$file" "$tree$file"
  done
}

mount_kernel_folders() {
  mount --types proc proc "$tree/proc"
  mount --rbind /sys "$tree/sys"
  mount --rbind /dev "$tree/dev"
}

# Runs a command in the tree, with these variables alone.
enter() {
  local name variables=(HOME="$HOME" TERM="${TERM:-dumb}" LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin)
  for name in $(compgen -e | grep -E '^(PIP|UV)_|^SSL_CERT_FILE$|_(proxy|PROXY)$'); do
    variables+=("$name=${!name}")
  done
  chroot "$tree" env --ignore-environment "${variables[@]}" "$@"
}

install_packages() {
  enter apt-get update &&
    enter apt-get install --yes --no-install-recommends "${PACKAGES[@]}" &&
    enter apt-get clean &&
    echo "${PACKAGES[*]}" >"$tree/installed"
}

# Tracked files, edits included; of what else a call left there only the installed packages stay.
copy_checkout() {
  mkdir -p "$tree/checkout"
  find "$tree/checkout" -mindepth 1 -maxdepth 1 ! -name .venv ! -name .uv -exec rm -rf {} +
  git ls-files -z | tar --create --null --files-from=- --ignore-failed-read |
    tar --extract --no-same-owner --directory="$tree/checkout"
}

if [ "${1-}" != --in-namespaces ]; then
  [ $# -ge 2 ] || stop "Usage: $0 FOLDER COMMAND…, such as $0 .next make test PYTHON=3.13"
  check_needs
  mkdir -p "$1"
  folder=$(realpath "$1")
  exec 9>"$folder/lock"
  flock --nonblock 9 || stop "Another command is at work in $folder."
  exec unshare --mount --pid --fork --kill-child --mount-proc "$(realpath "$0")" --in-namespaces "$folder" "${@:2}"
fi
folder=$2
tree=$folder/tree
cd "$(dirname "$0")/.."
[ -e "$tree/made" ] || set_up debootstrap make_tree
copy_settings
mount_kernel_folders
[ "$(cat "$tree/installed" 2>/dev/null)" = "${PACKAGES[*]}" ] || set_up apt-get install_packages
copy_checkout
enter sh -c 'cd /checkout && exec "$@"' sh "${@:3}"
