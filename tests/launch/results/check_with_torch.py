#!/usr/bin/env python3
"""Exported weights in the peer's model: the logits are those of quadhop, and the softmax of them what predict wrote.

  check_with_torch.py SOURCE_DIR FOLDER HEADS

FOLDER has model.safetensors, tokens.npy, sampled.npy, x.npy, pe.npy, logits.npy and probabilities.npy, rows in the order of the input.
Exit code 77: torch or numpy is not installed."""
import sys

try:
    import numpy
    import torch
except ImportError:
    sys.exit(77)

source, folder, heads = sys.argv[1], sys.argv[2], int(sys.argv[3])
sys.path[:0] = [source + "/tests/peer", source + "/docs/examples"]
import largegt_torch
import read_results

weights = {name: torch.from_numpy(array) for name, array in read_results.read_safetensors(folder + "/model.safetensors").items()}
load = lambda name: torch.from_numpy(numpy.load(f"{folder}/{name}.npy"))
tokens, x, pe = load("tokens"), load("x"), load("pe")
width, features = weights["fc_in.0.weight"].shape
marks = weights["fc_in_seq.0.weight"].shape[1] - features
if marks > 0:
    tokens = largegt_torch.mark_tokens(tokens, load("sampled"))
own_rows = (weights["ffs.0.0.weight"].shape[1] - 2 * heads * width) // features
model = largegt_torch.LargeGT(len(x), features, width, len(weights["fc_out.bias"]), pe.shape[1], heads,
                              len(weights["convs.0.vq._embedding"]), marks=marks, own_rows=own_rows)
model.load_state_dict(weights, strict=True)
model.eval()
with torch.no_grad():
    logits = model(tokens, x, pe, torch.arange(len(x)))
for name, ours, theirs in [("logits", load("logits"), logits),
                           ("probabilities", load("probabilities"), torch.softmax(logits, dim=1))]:
    error = float(torch.linalg.norm(ours - theirs) / torch.linalg.norm(theirs))
    print(f"{name}: relative difference {error:.2e}")
    # As DESIGN.md section 4 asks of float32 logits.
    if not error < 1e-5:
        sys.exit(1)
