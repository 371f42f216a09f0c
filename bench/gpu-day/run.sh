#!/usr/bin/env bash
# On a bare Linux x64 machine with NVIDIA's driver, without network and without Node: unpacks what pack.ts has packed beside this
# file, finds the driver's manifest, and runs all parts. Nothing is written outside $GPU_DAY_HOME (/tmp/gpu-day) and $OUT.
#
#   OUT=results bash .gpu-day/run.sh            arguments go to run.ts: --only probe,engine   --seconds 300
set -u
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${GPU_DAY_HOME:-/tmp/gpu-day}
out=${OUT:-$home/results}
mkdir -p "$home/bin" "$out"

unxz_file() {
  if command -v xz >/dev/null; then xz -dc "$1"; else
    python3 -c 'import lzma, shutil, sys; shutil.copyfileobj(lzma.open(sys.argv[1]), sys.stdout.buffer)' "$1"; fi
}
if [ ! -x "$home/bin/node" ]; then
  unxz_file "$here/node.xz" >"$home/bin/node" && chmod +x "$home/bin/node"
  unxz_file "$here/project.tar.xz" | tar x -C "$home"
  for deb in "$here"/*.deb; do [ -f "$deb" ] && dpkg -x "$deb" "$home/libraries"; done
fi
export PATH=$home/bin:$PATH XDG_RUNTIME_DIR=${XDG_RUNTIME_DIR:-/tmp} SOTTO_CACHE=$home/models
# The machine's own come first; NVIDIA's driver wants libraries of X11, which a machine without a screen lacks.
export LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$home/libraries/usr/lib/x86_64-linux-gnu
cd "$home/project" || exit 1
command -v nvidia-smi >/dev/null &&
  nvidia-smi --query-gpu=name,driver_version,memory.total,clocks.max.sm,clocks.max.mem --format=csv,noheader | tee "$out/nvidia-smi.txt"

# Containers often have the driver's libraries and not its manifest: then one that names a library does.
manifests=("${VK_DRIVER_FILES:-}" {/usr/share,/etc,/usr/local/nvidia/share}/vulkan/icd.d/nvidia_icd.json)
for library in libGLX_nvidia.so.0 libEGL_nvidia.so.0; do
  for folder in "" /usr/local/nvidia/lib64/ /usr/lib/x86_64-linux-gnu/; do
    [ -z "$folder" ] || [ -e "$folder$library" ] || continue
    manifest=$home/${library%%.*}$(tr / _ <<<"$folder").json
    printf '{"file_format_version":"1.0.1","ICD":{"library_path":"%s","api_version":"1.3.0"}}\n' "$folder$library" >"$manifest"
    manifests+=("$manifest")
  done
done
case " $* " in *" --small "*) manifests=() ;; esac
for manifest in "${manifests[@]}"; do
  [ -f "$manifest" ] || continue
  if VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest timeout 30 node dist/bench/gpu-day/part.js probe --out "$out" >"$out/driver.log" 2>&1; then
    export VK_DRIVER_FILES=$manifest VK_ICD_FILENAMES=$manifest
    echo "driver: $manifest"
    break
  fi
  echo "no GPU through $manifest: $(grep failed "$out/driver.log" | head -c 300)"
done
exec node dist/bench/gpu-day/run.js --out "$out" "$@"
