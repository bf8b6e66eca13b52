#!/usr/bin/env bash
# Installs everything into .venv beside this file. Asks nothing, can be repeated, deletes nothing, needs no GPU.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

readonly VENV_PYTHON=.venv/bin/python
readonly PIP_VERSION=26.3 # from 24.1 on pip can say what it would install without downloading it
readonly UV_VERSION=0.13.9 # knows the index of every torch build by the build's name (cu132 and older)
TORCH=$(grep '^torch==' requirements.lock)
readonly TORCH
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1

usage() {
    cat <<'TEXT'
usage: ./install.sh [--dev] [--dry-run] [--help]

Makes .venv with Python 3.11 or later and installs the locked packages and this project into it.
The torch build (CPU or CUDA) follows the NVIDIA driver and card that nvidia-smi reports.

  --dev      also install what the tests need
  --dry-run  print which torch build would be installed, and how; change nothing
  --help     print this

TORCH_INDEX_URL=URL takes torch from that package index, whatever build it holds; set it at every run.
TEXT
}

say() { printf '%s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
# Ends with the reason already told.
stop() {
    told=yes
    exit 1
}
die() {
    printf 'error: %s\n' "$*" >&2
    stop
}

told=no
on_exit() {
    local status=$?
    if [[ $status -ne 0 && $told = no ]]; then
        warn "install.sh did not finish; see the lines above. Nothing was deleted: run it again to go on."
    fi
}
trap on_exit EXIT

is_new_enough() { "$1" -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' >/dev/null 2>&1; }

# The first Python 3.11 or later; 3.11 itself first, because the lock was made with it.
find_python() {
    local name
    for name in python3.11 python3.12 python3.13 python3.14 python3 python; do
        if is_new_enough "$name"; then
            echo "$name"
            return
        fi
    done
    die "no Python 3.11 or later on PATH. Install one (Debian and Ubuntu: apt-get install python3 python3-venv)."
}

make_venv() {
    local python
    if [[ -e .venv ]]; then
        is_new_enough "$VENV_PYTHON" ||
            die ".venv exists, but its Python does not run or is older than 3.11. Move it away (mv .venv .venv-old) and start again."
    else
        python=$(find_python) || stop
        "$python" -c 'import ensurepip, venv' >/dev/null 2>&1 ||
            die "$python cannot make environments. Install its venv module (Debian and Ubuntu: apt-get install python3-venv)."
        say "making .venv with $("$python" --version 2>&1)"
        "$python" -m venv .venv
    fi
    # A first run that was interrupted may have left an environment without pip.
    "$VENV_PYTHON" -m pip --version >/dev/null 2>&1 || "$VENV_PYTHON" -m ensurepip
    "$VENV_PYTHON" -m pip install --quiet "pip==$PIP_VERSION"
}

torch_build() { "$python" tools/torch_build.py "$@"; }

# The torch build that pip's sources (or those in the arguments) hold: cpu, cu130, ... or unknown.
offer() {
    { "$python" -m pip install --quiet --dry-run --ignore-installed --no-deps --use-feature=fast-deps \
        --report - "$@" "$TORCH" 2>/dev/null || true; } | torch_build offered
}

# Sets wanted, have, offered and how (already, index, pip or uv).
decide() {
    wanted=$(torch_build wanted)
    have=$(torch_build installed "${TORCH#torch==}")
    offered=$have
    how=already
    if [[ -n ${TORCH_INDEX_URL:-} ]]; then
        offered=$(offer --index-url "$TORCH_INDEX_URL")
        [[ $have = "$offered" ]] || how=index
    elif [[ $have != "$wanted" ]]; then
        offered=$(offer)
        if [[ $offered = "$wanted" ]]; then how=pip; else how=uv; fi
    fi
    if [[ $wanted = cpu && $offered = cu* ]]; then
        case $how in
        uv) warn "pip's sources hold a CUDA build of torch ($offered, several GB), of no use on this machine: uv will look for the CPU build" ;;
        *) warn "TORCH_INDEX_URL brings a CUDA build of torch ($offered, several GB); this machine can only use its CPU part" ;;
        esac
    fi
}

report_decision() {
    say "wanted: $wanted"
    say "installed: $have"
    say "offered: $offered"
    case $how in
    already) say "torch: is installed" ;;
    index) say "torch: pip install --index-url TORCH_INDEX_URL $TORCH" ;;
    pip) say "torch: pip install $TORCH" ;;
    uv) say "torch: uv pip install --torch-backend $wanted $TORCH" ;;
    esac
}

pip_install() {
    "$VENV_PYTHON" -m pip install "$@" | sed '/^Requirement already satisfied/d'
}

# pip takes any build of a version for that version, so another build is replaced first.
install_torch_with_pip() {
    if [[ $have != none ]]; then pip_install --force-reinstall --no-deps "$@" "$TORCH"; fi
    pip_install "$@" "$TORCH"
}

install_torch_with_uv() {
    "$VENV_PYTHON" -m pip install --quiet "uv==$UV_VERSION" &&
        "$VENV_PYTHON" -m uv pip install --python "$VENV_PYTHON" --torch-backend "$wanted" \
            --reinstall-package torch --constraint requirements.lock "$TORCH"
}

install_torch() {
    case $how in
    already) say "$TORCH ($have) is installed" ;;
    index) install_torch_with_pip --index-url "$TORCH_INDEX_URL" ;;
    pip) install_torch_with_pip --constraint requirements.lock ;;
    uv)
        if install_torch_with_uv; then return; fi
        warn "the $wanted build of torch could not be had. To use it, set TORCH_INDEX_URL to a package index that holds it and run install.sh again."
        if [[ $have != none ]]; then
            warn "the installed build ($have) stays"
            return
        fi
        if [[ $wanted = cpu ]]; then
            warn "pip installs the build it finds ($offered). A CUDA build takes several GB; it works, on the CPU only."
        else
            warn "pip installs the build it finds ($offered), which may not use the card."
        fi
        pip_install --constraint requirements.lock "$TORCH"
        ;;
    esac
}

lock=requirements.lock
dry_run=no
for argument in "$@"; do
    case $argument in
    --dev) lock=requirements-dev.lock ;;
    --dry-run) dry_run=yes ;;
    --help) usage && exit 0 ;;
    *) usage >&2 && die "unknown option $argument" ;;
    esac
done

python=$VENV_PYTHON
if [[ $dry_run = yes ]]; then
    is_new_enough "$python" || python=$(find_python) || stop
    decide
    report_decision
    exit 0
fi

make_venv
decide
install_torch
say "installing the packages of $lock (the first time takes some minutes)"
pip_install --requirement "$lock"
# Without isolation the build uses the locked setuptools and needs no network.
pip_install --quiet --no-deps --no-build-isolation --editable .
"$VENV_PYTHON" -m pip check
say
if [[ $lock = requirements-dev.lock ]]; then
    say "Done. Next: .venv/bin/python -m pytest, or python smart_tuner_main.py"
else
    say "Done. Next: python smart_tuner_main.py"
fi
