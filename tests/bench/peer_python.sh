# Sourced by the comparisons with the peer: $python, an interpreter whose torch multiplies by a tuned BLAS. With the
# reference one, which Debian's torch takes where there is no other, the peer would be a straw man.
python=${PYTHON:-/usr/bin/python3}
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE  # its own choice of kernels is one of those that are tried
"$python" - <<'CHECK' || { echo "$(basename "$0"): the peer cannot run with $python (see above)" >&2; exit 2; }
import sys, numpy, scipy, torch
libraries = {line.split()[-1] for line in open("/proc/self/maps") if "libblas" in line}
if any("openblas" not in library and "blis" not in library for library in libraries):
    sys.exit(f"its BLAS is {', '.join(libraries)}, which is not tuned; install libopenblas0-pthread")
CHECK
