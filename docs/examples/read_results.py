#!/usr/bin/env python3
"""What quadhop leaves behind, read in Python. Needs numpy only.

  read_results.py RUN [predictions.npy] [probabilities.csv] [embeddings.npy] [model.safetensors] ...

prints the shape of each. The functions are short on purpose: copy the one that you need."""
import csv
import json
import sys

import numpy


def read_metrics(run):
    """The lines of RUN/metrics.jsonl: a list of dicts, one a step or epoch."""
    with open(run + "/metrics.jsonl") as file:
        return [json.loads(line) for line in file]


def read_rows(path):
    """An .npy of predict: row i is node i of the input (or of --nodes)."""
    return numpy.load(path, mmap_mode="r")


def read_named_rows(path):
    """A .csv of predict: the names of its nodes, of its columns, and the fields as text."""
    with open(path, newline="") as file:
        lines = csv.reader(file)
        columns = next(lines)[1:]
        rows = list(lines)
    return [row[0] for row in rows], columns, [row[1:] for row in rows]


def read_safetensors(path):
    """Weights by name, as numpy arrays; torch.from_numpy makes tensors of them.

    The safetensors package does the same: safetensors.torch.load_file(path)."""
    types = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "U8": "u1"}
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = file.read()
    header.pop("__metadata__", None)
    arrays = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        flat = numpy.frombuffer(data[begin:end], types[entry["dtype"]])
        arrays[name] = flat.reshape(entry["shape"]).copy()
    return arrays


def read_safetensors_metadata(path):
    """What `export` says of a model beside its weights: the fields of the config's "model" and "sampler", and names, if there
    are any: "class_names" [C], and "feature_names" [F] (after these may come the columns of encodings)."""
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
    return {name: json.loads(text) for name, text in header["__metadata__"].items() if name != "format"}


def main():
    run, *files = sys.argv[1:]
    epochs = [event for event in read_metrics(run) if event["event"] == "epoch"]
    print(f"{run}: {len(epochs)} epochs, last training loss {epochs[-1]['train_loss']:.4f}")
    for path in files:
        if path.endswith(".npy"):
            rows = read_rows(path)
            print(f"{path}: {rows.dtype} {rows.shape}")
        elif path.endswith(".csv"):
            names, columns, rows = read_named_rows(path)
            print(f"{path}: {len(rows)} nodes from {names[0]} to {names[-1]}, columns {', '.join(columns)}")
        elif path.endswith(".safetensors"):
            arrays = read_safetensors(path)
            print(f"{path}: {len(arrays)} arrays, {sum(array.size for array in arrays.values())} numbers")


if __name__ == "__main__":
    main()
