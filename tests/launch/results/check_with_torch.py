#!/usr/bin/env python3
"""Exported weights in the peer's model: the logits are those of quadhop, and the softmax of them what predict wrote.

  check_with_torch.py SOURCE_DIR FOLDER

FOLDER has model.safetensors, tokens.npy, sampled.npy, x.npy, pe.npy, logits.npy and probabilities.npy, rows in the order of the input.
Exit code 77: torch or numpy is not installed."""
import sys

try:
    import numpy
    import torch
except ImportError:
    sys.exit(77)

source, folder = sys.argv[1:]
sys.path[:0] = [source + "/tests/peer", source + "/docs/examples"]
import largegt_torch
import read_results

weights = {name: torch.from_numpy(array) for name, array in read_results.read_safetensors(folder + "/model.safetensors").items()}
load = lambda name: torch.from_numpy(numpy.load(f"{folder}/{name}.npy"))
tokens, x, pe = load("tokens"), load("x"), load("pe")
metadata = read_results.read_safetensors_metadata(folder + "/model.safetensors")
options = metadata["model"]
rows = tokens.shape[1] // metadata["sampler"]["sampled_nodes"]  # of a sampled node: its own and its hops
if options["token_marks"]:
    tokens = largegt_torch.mark_tokens(tokens, load("sampled"))
model = largegt_torch.LargeGT(len(x), x.shape[1], options["width"], len(weights["fc_out.bias"]), pe.shape[1], options["heads"],
                              options["centroids"], marks=2 * rows if options["token_marks"] else 0,
                              own_rows=rows if options["head_features"] else 0)
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
