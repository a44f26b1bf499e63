#!/usr/bin/env bash
# Drives the real window with the keyboard alone, on a screen that nobody sees, and keeps a picture of
# every step: tests/desktop/run.sh [BINARY] [FOLDER FOR PICTURES]
#
# It fails when the window does not come within five seconds (START), when a step changes nothing on the screen,
# when the program ends with an error, or when text of a note lies on the disk afterwards.
# Needs xvfb, openbox (without a window manager no window gets keys), xdotool and imagemagick.
set -euo pipefail
cd "$(dirname "$0")/../.."

binary="${1:-target/release/auscult}"
pictures="${2:-target/desktop}"
for tool in Xvfb openbox xdotool import compare; do
    command -v "$tool" >/dev/null || {
        printf 'Needs %s: apt-get install xvfb openbox xdotool imagemagick\n' "$tool" >&2
        exit 1
    }
done

home="$(mktemp -d)"
size="${SIZE:-1280x800}"
export DISPLAY=":${DESKTOP_DISPLAY:-97}"
export HOME="$home" XDG_RUNTIME_DIR="$home" XDG_CONFIG_HOME="$home/config" XDG_DATA_HOME="$home/data" XDG_CACHE_HOME="$home/cache"
unset WAYLAND_DISPLAY
mkdir -p "$pictures"

Xvfb "$DISPLAY" -screen 0 "${size}x24" >/dev/null 2>&1 &
screen=$!
sleep 1
openbox >/dev/null 2>&1 &
manager=$!
trap 'kill "${window_process:-}" "$manager" "$screen" 2>/dev/null || true; rm -rf "$home"' EXIT
sleep 1

start="$(date +%s%N)"
"$binary" --device "${DEVICE:-cpu}" &
window_process=$!
until window="$(xdotool search --onlyvisible --name '^Auscult$' 2>/dev/null | head -1)" && [ -n "$window" ]; do
    kill -0 "$window_process" || { printf 'the program ended before there was a window\n' >&2; exit 1; }
    [ $(($(date +%s%N) - start)) -lt $((${START:-5} * 1000000000)) ] || { printf 'no window after %s seconds\n' "${START:-5}" >&2; exit 1; }
    sleep 0.05
done
printf 'window after %d ms\n' $((($(date +%s%N) - start) / 1000000))
# Without the frame, so that a picture is the window alone.
xdotool windowfocus --sync "$window"
sleep 1.5

last=""
# Takes a picture under a name; within ten seconds it has to differ from the one before.
picture() {
    local file="$pictures/$1.png" changed=0
    for _ in $(seq 20); do
        import -window "$window" "$file"
        [ -n "$last" ] || break
        changed="$(compare -metric AE "$last" "$file" null: 2>&1 || true)"
        changed="${changed%%[!0-9]*}"
        [ "$changed" -gt 200 ] && break
        sleep 0.5
    done
    if [ -n "$last" ]; then
        printf '%-12s %s points changed\n' "$1" "$changed"
        [ "$changed" -gt 200 ] || { printf 'nothing changed on the screen\n' >&2; exit 1; }
    fi
    last="$file"
}

press() {
    xdotool key --delay 40 "$@"
    sleep "${PAUSE:-0.7}"
}

# Runs an action by a few letters of its name.
run() {
    press ctrl+k
    xdotool type --delay 30 "$1"
    sleep 0.3
    press Return
}

# Lines of what the run tells: each step is one.
steps() { cat "$home"/data/auscult/runs/*/history.jsonl 2>/dev/null | wc -l; }

# Waits for more of them than this, for two minutes at most.
steps_after() {
    for _ in $(seq 240); do
        [ "$(steps)" -le "$1" ] || return 0
        sleep 0.5
    done
    printf 'the run does not go on\n' >&2
    exit 1
}

picture welcome
run "try the demo"
sleep "${LOAD:-6}"
picture read
press alt+Right alt+Right alt+Right alt+Right
press m
sleep "${FILL:-4}"
picture filled
press b
picture tokens
press b
press ctrl+f
xdotool type --delay 30 "abdominal"
press Return
picture found
press Escape
# Another note, a word of it, what it looks at, the map of a head down to a value, all sections.
press j
press j
press ctrl+2
press alt+Down alt+Down alt+Right alt+Right
sleep "${LOAD:-6}"
picture look
press z
sleep "${PAUSE:-0.7}"
picture value
press a
sleep "${LOAD:-6}"
picture heads
press f
sleep "${LOAD:-6}"
picture sections
press ctrl+z
picture undone
press period
picture pinned
# All sentences as points; then a run on the notes that come with Auscult, read on beside it, paused.
press ctrl+3
press d
sleep "${POINTS:-10}"
picture points
press ctrl+5
run "notes that come with"
picture described
run "check whether the run fits"
sleep "${CHECK:-15}"
picture checked
run "start the run"
steps_after 2
sleep "${RUN:-6}"
picture running
press ctrl+1
press alt+Right
press m
sleep "${FILL:-4}"
picture beside
press ctrl+5
run "pause, or go on"
sleep "${RUN:-6}"
picture paused
press ctrl+1
press ctrl+comma
picture settings
press Escape
run "colours: light"
picture light
press ctrl+k
picture palette
press Escape
# What it takes when nobody does anything: hundredths of a second of processor time.
ticks() { awk '{ print $14 + $15 }' "/proc/$window_process/stat"; }
sleep 8
before="$(ticks)"
sleep 10
printf 'idle: %d.%d %% of a core\n' $((($(ticks) - before) / 10)) $((($(ticks) - before) % 10))
# The run goes on, and the window is closed on it.
paused="$(steps)"
run "pause, or go on"
steps_after "$paused"
press ctrl+q
for _ in $(seq 300); do
    kill -0 "$window_process" 2>/dev/null || break
    sleep 0.1
done
if kill -0 "$window_process" 2>/dev/null; then
    printf 'the window did not close\n' >&2
    exit 1
fi
wait "$window_process"

# The run saved where it was.
grep -q '"outcome": *"stopped"' "$home"/data/auscult/runs/*/report.json || {
    printf 'the run was not saved when the window was closed\n' >&2
    exit 1
}

# Names of files are kept, and nothing of what stands in them.
grep -q 'long-hospital-course.txt' "$home/config/auscult/session.toml"
if grep -rIl 'abdominal' "$home/config" "$home/cache" 2>/dev/null; then
    printf 'text of a note was kept\n' >&2
    exit 1
fi
printf 'all steps passed; pictures are in %s\n' "$pictures"
